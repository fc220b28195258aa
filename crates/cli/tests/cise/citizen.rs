//! `cise serve` as the chart starts it: it enters itself in the cluster, and `cise uninstall` takes it out.

use cise_testkit::controlplane::Kubectl;
use serde_json::json;

use crate::outside::Guarded;
use crate::server::eventually;

#[test]
fn a_server_guards_its_cluster_until_it_is_uninstalled() {
    let Some(guarded) = Guarded::start("cluster: {}\n") else {
        return;
    };
    let Guarded {
        admin, mut server, ..
    } = guarded;
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
