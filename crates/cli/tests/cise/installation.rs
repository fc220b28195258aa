//! `cise install`, `cise status` and `cise uninstall` in a real cluster, where nothing runs pods.

use cise_testkit::controlplane::{ControlPlane, Kubectl, User};

use crate::program::Folder;

#[test]
fn what_is_installed_without_helm_can_be_looked_at_and_removed() {
    if !ControlPlane::require() {
        return;
    }
    let plane = ControlPlane::start().unwrap();
    let admin = plane.kubectl(&User::admin()).unwrap();
    let folder = Folder::new(&[]);
    let kubeconfig = admin.kubeconfig().display();
    let cise = |arguments: &str| folder.run(&format!("{arguments} --kubeconfig {kubeconfig}"));

    let before = cise("status --namespace security");
    assert_eq!(before.status, 1, "{}", before.transcript());
    assert!(
        before.stdout.contains("are NOT judged"),
        "{}",
        before.transcript()
    );

    let install = "install --namespace security --image registry.example.com/cise:1.0 --replicas 3";
    for _again in 0..2 {
        let installed = cise(install);
        assert_eq!(installed.status, 0, "{}", installed.transcript());
        let lines: Vec<&str> = installed.stdout.lines().collect();
        assert_eq!(lines.first(), Some(&"applied Namespace security"));
        assert_eq!(lines.last(), Some(&"applied Deployment security/cise"));
    }
    let image = "-n security get deployment cise -o jsonpath={.spec.replicas}:{.spec.template.spec.containers[0].image}";
    assert_eq!(kubectl(&admin, image), "3:registry.example.com/cise:1.0");
    kubectl(
        &admin,
        "wait --for=condition=Established --timeout=60s crd --all",
    );
    let status = cise("status --namespace security").stdout;
    assert!(status.contains("not filled in yet"), "{status}");
    assert!(
        status.contains("0 of 3 ready (Deployment security/cise)"),
        "{status}"
    );

    let removed = cise("uninstall --namespace security");
    assert_eq!(removed.status, 0, "{}", removed.transcript());
    let first = removed.stdout.lines().next();
    assert_eq!(first, Some("deleted Deployment security/cise"));
    let kinds = "configmap,secret,serviceaccount,role,rolebinding,clusterrole,clusterrolebinding,networkpolicy,poddisruptionbudget,\
                 deployment,service,mutatingwebhookconfiguration,validatingwebhookconfiguration";
    let left = format!("get {kinds} --all-namespaces -l app.kubernetes.io/instance=cise -o name");
    assert_eq!(kubectl(&admin, &left), "");
    kubectl(&admin, "get namespace security");
    kubectl(&admin, "get clusterimagepolicies");
}

#[test]
fn the_manifests_of_a_dry_run_are_what_kubectl_applies() {
    if !ControlPlane::require() {
        return;
    }
    let plane = ControlPlane::start().unwrap();
    let admin = plane.kubectl(&User::admin()).unwrap();
    let printed = Folder::new(&[]).run("install --dry-run");
    assert_eq!(printed.status, 0, "{}", printed.transcript());
    let apply = ["apply", "--server-side", "--validate=strict", "-f", "-"];
    let said = admin.run_with(&apply, &printed.stdout).unwrap();
    assert!(
        said.contains("deployment.apps/cise serverside-applied"),
        "{said}"
    );
}

fn kubectl(user: &Kubectl, arguments: &str) -> String {
    let arguments: Vec<&str> = arguments.split_whitespace().collect();
    user.run(&arguments).unwrap().trim().to_owned()
}
