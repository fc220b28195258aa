//! "Installing Container Image Security Enforcement in your cluster".

use crate::reader::{FOREIGN, Reader, UNSUPPORTED};

/// The command for Helm 2 is refused by the versions of Helm that there are.
pub(crate) fn the_chart_is_installed_by_its_commands(reader: &Reader) {
    let repository = reader.site.repository();
    reader.runs(&format!("helm repo add iks-charts {repository}"));
    let said = reader.fails("helm install --name cise iks-charts/ibmcloud-image-enforcement");
    assert!(said.contains("unknown flag: --name"), "{said}");
    reader.runs("helm install cise iks-charts/ibmcloud-image-enforcement");
    reader.site.rolled_out().unwrap();
}

pub(crate) fn the_default_policy_applies_to_all_namespaces(reader: &Reader) {
    // The last of the default policies: who answers has them all.
    reader.runs("kubectl -n ibm-system get imagepolicy/ibmcloud-image-policy");
    reader.runs("kubectl create namespace team");
    for namespace in ["default", "team"] {
        reader.runs(&format!(
            "kubectl -n {namespace} wait --for=create --timeout=60s serviceaccount/default"
        ));
        reader.is_denied(namespace, &[FOREIGN], UNSUPPORTED);
    }
}
