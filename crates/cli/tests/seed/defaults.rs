//! "Default policies", with "Cluster-wide policy", "Kube-system policy" and "IBM-system policy".

use serde_json::Value;

use crate::reader::{FOREIGN, GROUP, Reader, UNSUPPORTED};

/// What `kubectl` calls them, and how they are printed.
const POLICIES: [(&str, &str); 3] = [
    (CLUSTER_WIDE, CLUSTER_WIDE_TEXT),
    (
        "-n kube-system imagepolicy/ibmcloud-image-policy",
        include_str!("../../../policy/tests/seed/kube-system-policy.yaml"),
    ),
    (
        "-n ibm-system imagepolicy/ibmcloud-image-policy",
        include_str!("../../../policy/tests/seed/ibm-system-policy.yaml"),
    ),
];

const CLUSTER_WIDE: &str = "clusterimagepolicy/ibmcloud-default-cluster-image-policy";

/// The cluster-wide policy, as it is printed.
pub(crate) const CLUSTER_WIDE_TEXT: &str =
    include_str!("../../../policy/tests/seed/default-cluster-policy.yaml");

pub(crate) fn the_three_policies_are_as_documented_to_the_letter(reader: &Reader) {
    for (name, text) in POLICIES {
        let (found, printed) = (reader.gets(name), policy(text));
        for field in ["apiVersion", "kind", "spec"] {
            assert_eq!(found[field], printed[field], "{name}");
        }
    }
}

/// "any attempts to deploy pods from images in that registry are denied. If you want to deploy images from other
/// registries, remove the `va` and `trust` policies."
pub(crate) fn every_image_in_every_registry_must_be_trusted(reader: &Reader) {
    for image in [FOREIGN, "nginx", "quay.io/team/app:v1"] {
        reader.is_denied("default", &[image], UNSUPPORTED);
    }
    let without = policy(CLUSTER_WIDE_TEXT);
    let mut without = without.clone();
    without["spec"]["repositories"][0]["policy"] = Value::Null;
    reader.applies(&without.to_string());
    reader.is_allowed("default", &[FOREIGN]);
    reader.applies(CLUSTER_WIDE_TEXT);
    reader.is_denied("default", &[FOREIGN], UNSUPPORTED);
}

pub(crate) fn the_systems_namespaces_run_every_image(reader: &Reader) {
    for namespace in ["kube-system", "ibm-system"] {
        for image in [FOREIGN, "registry.eu-de.bluemix.net/armada/proxy:1"] {
            reader.is_allowed(namespace, &[image]);
        }
    }
}

/// "Write a new policy document and apply it to your cluster by using `kubectl apply`"
pub(crate) fn a_policy_that_is_applied_overrides_the_default_one(reader: &Reader) {
    reader.applies(&format!(
        "apiVersion: {GROUP}/v1beta1\nkind: ImagePolicy\nmetadata: {{name: ours, namespace: team}}\n\
         spec:\n   repositories:\n    - name: \"*\"\n      policy:\n"
    ));
    reader.is_allowed("team", &[FOREIGN]);
    reader.is_denied("default", &[FOREIGN], UNSUPPORTED);
    reader.runs("kubectl -n team delete imagepolicy ours");
    reader.is_denied("team", &[FOREIGN], UNSUPPORTED);
}

/// "Edit the default policy by using `kubectl edit`"
pub(crate) fn a_default_policy_that_is_edited_counts_as_edited(reader: &Reader) {
    let edit = |editor: &str| {
        let kubectl = reader.site.kubectl().clone().with_editor(editor);
        let said = kubectl.run(&["edit", CLUSTER_WIDE]).unwrap();
        assert!(said.contains("edited"), "{said}");
    };
    edit("sed -i s/true/false/");
    reader.is_allowed("default", &[FOREIGN]);
    edit("sed -i s/false/true/");
    reader.is_denied("default", &[FOREIGN], UNSUPPORTED);
}

fn policy(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}
