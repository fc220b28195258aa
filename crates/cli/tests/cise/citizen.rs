//! `cise serve` as the chart starts it: it enters itself in the cluster, and `cise uninstall` takes it out.

use cise_testkit::controlplane::{ControlPlane, Kubectl, User};
use serde_json::json;

use crate::program::Folder;
use crate::server::{Server, eventually};

/// What the chart brings, without the pods.
const INSTALLED: &str = include_str!("citizen.yaml");

const SERVICE: &str = "10.0.0.77:443";

#[test]
fn a_server_guards_its_cluster_until_it_is_uninstalled() {
    if !ControlPlane::require() {
        return;
    }
    let plane = ControlPlane::start().unwrap();
    let admin = plane.kubectl(&User::admin()).unwrap();
    let own = plane.kubectl(&User::new("cise", "programs")).unwrap();
    let folder = Folder::new(&[("cise.yaml", "cluster: {}\n")]);
    let definitions = folder.run("crds").stdout;
    for manifest in [definitions.as_str(), INSTALLED] {
        admin.run_with(&["apply", "-f", "-"], manifest).unwrap();
    }
    let kubeconfig = own.kubeconfig().display();
    let arguments = format!("--config cise.yaml --kubeconfig {kubeconfig}");
    let mut server = Server::spawn_as(folder, &arguments, "cise-0");
    server.wait_for("ready: reviews at https://");
    let port = server.url().rsplit(':').next().unwrap().parse().unwrap();
    plane.route(SERVICE, ([127, 0, 0, 1], port).into());

    let sentence = "Trust is not supported for images from this registry";
    eventually(
        "refused by the default policy",
        || ask(&admin).is_err_and(|refusal| refusal.contains(sentence)),
        || format!("{:?}\n{}", ask(&admin), server.log("cise.log")),
    );

    let remover = admin.kubeconfig().display();
    for what in ["--webhooks", "--state --namespace ibm-system"] {
        let arguments = format!("uninstall {what} --kubeconfig {remover}");
        assert_eq!(server.folder.run(&arguments).transcript(), "status: 0\n");
        eventually(
            "admitted without webhooks",
            || ask(&admin).is_ok(),
            || format!("{:?}", ask(&admin)),
        );
    }
    server.signal("-TERM");
    assert_eq!(server.wait().code(), Some(0));
}

fn ask(user: &Kubectl) -> Result<String, String> {
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "generateName": "asked-", "namespace": "team" },
        "spec": {
            "automountServiceAccountToken": false,
            "containers": [{ "name": "app", "image": "registry.example.com/team/app:v1" }],
        },
    });
    let asked = user.run_with(&["create", "--dry-run=server", "-f", "-"], &pod.to_string());
    asked.map_err(|error| error.to_string())
}
