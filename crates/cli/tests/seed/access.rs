//! "Controlling who can customize policies".

use cise_testkit::comes_true;
use cise_testkit::controlplane::Kubectl;

use crate::reader::{GROUP, Reader};

/// The rule for policies.
const POLICIES: &str = r#"
- apiGroups: ["securityenforcement.admission.cloud.ibm.com"]
  resources: ["imagepolicies", "clusterimagepolicies"]
  verbs: ["get", "watch", "list", "create", "update", "patch", "delete"]
"#;

/// The rule for definitions, as it is printed.
const DEFINITIONS: &str = r#"
- apiGroups: ["apiextensions.k8s.io/v1beta1"]
  resources: ["CustomResourceDefinition"]
  verbs: ["delete"]
"#;

/// One who may delete definitions.
pub(crate) const KEEPER: &str = "keeper";

/// What an exemption says.
const ISSUE: &str = "{issueType: cve, issueID: CVE-2026-10001, images: ['registry.example.com/app'], expires: '2999-12-31'}";

/// A definition of the chart.
const DEFINITION: &str = "imagepolicies.securityenforcement.admission.cloud.ibm.com";

/// Where a role counts.
enum Scope {
    Cluster,
    Team,
}

pub(crate) fn the_rule_for_policies_lets_its_holder_write_them(reader: &Reader) {
    grants(reader, "olga", &Scope::Cluster, POLICIES);
    let olga = reader.asks_as("olga");
    comes_to_read_policies(&olga);
    for kind in ["ClusterImagePolicy", "ImagePolicy"] {
        writes(&olga, kind, "team").unwrap();
        let delete = ["-n", "team", "delete", kind, "written"];
        olga.run(&delete).unwrap();
    }
    let said = olga.run(&["get", "secrets"]).unwrap_err().to_string();
    assert!(said.contains("forbidden"), "{said}");
}

/// "Alternatively, you can omit `clusterimagepolicies` from the `resources` list"
pub(crate) fn one_with_rights_in_a_namespace_cannot_touch_policies_of_the_cluster(reader: &Reader) {
    let narrow = POLICIES.replace(", \"clusterimagepolicies\"", "");
    for (user, rule) in [("ann", narrow.as_str()), ("art", POLICIES)] {
        grants(reader, user, &Scope::Team, rule);
        let kubectl = reader.asks_as(user);
        comes_to_read_policies(&kubectl);
        writes(&kubectl, "ImagePolicy", "team").unwrap();
        is_forbidden(writes(&kubectl, "ClusterImagePolicy", "team"));
        is_forbidden(writes(&kubectl, "ImagePolicy", "default"));
        let default = "ibmcloud-default-cluster-image-policy";
        is_forbidden(run(&kubectl, &["delete", "clusterimagepolicy", default]));
        is_forbidden(run(&kubectl, &["get", "clusterimagepolicies"]));
    }
}

/// "change the `verbs` so that some users can only use the `get` or `list` policies"
pub(crate) fn one_who_may_only_look_cannot_write(reader: &Reader) {
    let verbs = r#""get", "watch", "list", "create", "update", "patch", "delete""#;
    let looks = POLICIES.replace(verbs, r#""get", "list""#);
    grants(reader, "vic", &Scope::Cluster, &looks);
    let vic = reader.asks_as("vic");
    comes_to_read_policies(&vic);
    let seen = run(&vic, &["get", "imagepolicies", "--all-namespaces"]).unwrap();
    assert!(seen.contains("ibmcloud-image-policy"), "{seen}");
    is_forbidden(writes(&vic, "ImagePolicy", "default"));
    reader.runs("kubectl -n team delete imagepolicy written");
}

/// Olga and Ann have the rule for policies, in the cluster and in their namespace.
pub(crate) fn one_with_rights_on_policies_alone_cannot_exempt(reader: &Reader) {
    for user in ["olga", "ann"] {
        let kubectl = reader.asks_as(user);
        comes_to_read_policies(&kubectl);
        is_forbidden(exempts(&kubectl, "ImageExemption", "team", ISSUE));
        is_forbidden(exempts(&kubectl, "ClusterImageExemption", "", ISSUE));
    }
}

/// By the chart's own roles.
pub(crate) fn one_who_may_exempt_does_so_in_their_namespace_and_writes_no_policy(reader: &Reader) {
    binds(reader, "eve", "cise-exemptions-edit");
    let eve = reader.asks_as("eve");
    let exempt = |kind: &str, namespace: &str| exempts(&eve, kind, namespace, ISSUE);
    assert!(comes_true(|| exempt("ImageExemption", "team").is_ok()));
    is_forbidden(exempt("ImageExemption", "default"));
    is_forbidden(exempt("ClusterImageExemption", ""));
    is_forbidden(writes(&eve, "ImagePolicy", "team"));

    // What she writes is judged, whatever client she uses.
    for (spec, expected) in [
        (ISSUE.replace("expires", "expire"), "unknown field `expire`"),
        (
            ISSUE.replace("CVE-2026-10001", "DSA-1"),
            "is no id of type cve",
        ),
        (
            ISSUE.replace("registry.example.com/app", "*"),
            "spec.images: `*` is every image of the account",
        ),
    ] {
        let said = exempts(&eve, "ImageExemption", "team", &spec).unwrap_err();
        assert!(said.contains(expected), "{spec}: {said}");
    }
    let over = ISSUE.replace("2999-12-31", "2020-12-31");
    let said = exempts(&eve, "ImageExemption", "team", &over).unwrap();
    assert!(
        said.contains("Warning: it has ended on 2020-12-31"),
        "{said}"
    );

    binds(reader, "lee", "view");
    let lee = reader.asks_as("lee");
    let looks = ["-n", "team", "get", "imageexemptions,imagepolicies"];
    let seen = || run(&lee, &looks);
    assert!(comes_true(|| seen().is_ok()), "{:?}", seen());
    is_forbidden(exempts(&lee, "ImageExemption", "team", ISSUE));
    reader.runs("kubectl -n team delete imageexemptions --all");
}

/// As it is printed, the rule names a version in the place of a group, and a kind in the place of a resource.
pub(crate) fn the_rule_for_definitions_works_with_the_names_of_the_api(reader: &Reader) {
    let keeper = reader.asks_as(KEEPER);
    let delete = ["delete", "crd", DEFINITION, "--dry-run=server"];
    grants(reader, KEEPER, &Scope::Cluster, DEFINITIONS);
    is_forbidden(run(&keeper, &delete));
    let working = DEFINITIONS
        .replace("apiextensions.k8s.io/v1beta1", "apiextensions.k8s.io")
        .replace("CustomResourceDefinition", "customresourcedefinitions");
    grants(reader, KEEPER, &Scope::Cluster, &working);
    let deletes = || run(&keeper, &delete);
    assert!(comes_true(|| deletes().is_ok()), "{:?}", deletes());
}

/// Gives a user a role of their own with these rules.
fn grants(reader: &Reader, user: &str, scope: &Scope, rules: &str) {
    let (kind, place) = match scope {
        Scope::Cluster => ("ClusterRole", ""),
        Scope::Team => ("Role", ", namespace: team"),
    };
    let api = "rbac.authorization.k8s.io";
    reader.applies(&format!(
        "apiVersion: {api}/v1\nkind: {kind}\nmetadata: {{name: {user}{place}}}\nrules:{rules}---\n\
         apiVersion: {api}/v1\nkind: {kind}Binding\nmetadata: {{name: {user}{place}}}\n\
         roleRef: {{apiGroup: {api}, kind: {kind}, name: {user}}}\n\
         subjects: [{{apiGroup: {api}, kind: User, name: {user}}}]\n"
    ));
}

/// Gives a user a role of the cluster in their namespace.
fn binds(reader: &Reader, user: &str, role: &str) {
    reader.runs(&format!(
        "kubectl -n team create rolebinding {user} --clusterrole={role} --user={user}"
    ));
}

/// The API server learns of roles by watching.
fn comes_to_read_policies(kubectl: &Kubectl) {
    let asks = ["-n", "team", "auth", "can-i", "get", "imagepolicies"];
    assert!(comes_true(|| run(kubectl, &asks).is_ok()));
}

fn writes(kubectl: &Kubectl, kind: &str, namespace: &str) -> Result<String, String> {
    let place = match kind {
        "ImagePolicy" => format!(", namespace: {namespace}"),
        _ => String::new(),
    };
    let policy = format!(
        "apiVersion: {GROUP}/v1beta1\nkind: {kind}\nmetadata: {{name: written{place}}}\n\
         spec: {{repositories: [{{name: registry.example.com/written/*}}]}}\n"
    );
    let apply = kubectl.run_with(&["apply", "-f", "-"], &policy);
    apply.map_err(|error| error.to_string())
}

/// Writes an exemption; gives what a terminal would show.
fn exempts(kubectl: &Kubectl, kind: &str, namespace: &str, spec: &str) -> Result<String, String> {
    let place = match namespace {
        "" => String::new(),
        namespace => format!(", namespace: {namespace}"),
    };
    let exemption = format!(
        "apiVersion: {GROUP}/v1beta1\nkind: {kind}\nmetadata: {{name: written{place}}}\nspec: {spec}\n"
    );
    let apply = kubectl.shown(&["apply", "--validate=false", "-f", "-"], &exemption);
    apply.map_err(|error| error.to_string())
}

fn run(kubectl: &Kubectl, arguments: &[&str]) -> Result<String, String> {
    kubectl.run(arguments).map_err(|error| error.to_string())
}

fn is_forbidden(answer: Result<String, String>) {
    let said = answer.unwrap_err();
    assert!(said.contains("(Forbidden)"), "{said}");
}
