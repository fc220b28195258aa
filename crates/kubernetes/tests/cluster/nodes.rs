//! Nodes, as the cluster knows them.

use std::sync::Arc;

use cise_advisor::inventory::Platform;
use cise_kubernetes::NodeWatch;

use crate::environment::{Environment, eventually};

/// A node with these labels besides its name.
fn node(name: &str, labels: &str) -> String {
    format!(
        "{{apiVersion: v1, kind: Node, metadata: {{name: {name}, labels: {{kubernetes.io/hostname: {name}{labels}}}}}}}"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_platforms_are_those_of_the_nodes_as_they_come_and_go() {
    let Some(environment) = Environment::shared() else {
        return;
    };
    let apply = |node: &str| {
        let apply = ["apply", "-f", "-"];
        environment.try_kubectl(&apply, node).unwrap();
    };
    let [of_system, architecture] = [", kubernetes.io/os: linux", ", kubernetes.io/arch: "];
    apply(&node(
        "mainframe",
        &format!("{of_system}{architecture}s390x"),
    ));
    // A node whose kubelet has not come yet says nothing.
    apply(&node("silent", of_system));

    let watch = Arc::new(NodeWatch::new(&environment.cluster().await));
    let platforms = watch.platforms();
    assert_eq!(*platforms.borrow(), None);
    let following = Arc::clone(&watch);
    tokio::spawn(async move { following.follow().await });
    let knows = |architecture: &str| {
        let platform = Platform::new("linux", architecture, "");
        let known = platforms.borrow();
        known
            .as_ref()
            .is_some_and(|known| known.contains(&platform))
    };
    eventually("the first is known", || knows("s390x")).await;

    apply(&node(
        "silent",
        &format!("{of_system}{architecture}riscv64"),
    ));
    eventually("the other says what it is", || knows("riscv64")).await;
    // A node of 32 bits may have any processor up to version 8 of the architecture.
    apply(&node("board", &format!("{of_system}{architecture}arm")));
    let boards = Platform::new("linux", "arm", "v8");
    let is_board = || {
        platforms
            .borrow()
            .as_ref()
            .is_some_and(|known| known.contains(&boards))
    };
    eventually("the board is known", is_board).await;
    environment.kubectl(&["delete", "node", "board"]);
    environment.kubectl(&["delete", "node", "silent"]);
    eventually("it is gone", || !knows("riscv64")).await;
    assert!(knows("s390x"));
    environment.kubectl(&["delete", "node", "mainframe"]);
}
