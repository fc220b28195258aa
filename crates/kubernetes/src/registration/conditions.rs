//! For which requests a webhook is not called at all, as `matchConditions` in the Common Expression Language.

use serde_json::{Value, json};

use cise_policy::SecretName;

/// The pods of this program itself: which can be made while no replica answers, by what they are and never by who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnPods {
    repository: String,
    service_accounts: Vec<SecretName>,
}

/// Why nothing can be told to be a pod of this program's own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OwnPodsError {
    /// The repository is written as none is.
    #[error(
        "`{0}` is no repository: expected lower-case letters, digits and `.`, `_`, `-`, `/`, `:`, and no tag or digest"
    )]
    Repository(String),
    /// There is no service account.
    #[error("no service account is named: expected at least one")]
    NoAccount,
    /// The name of a service account is none.
    #[error("a service account: {0}")]
    Account(#[from] cise_policy::NameError),
}

impl OwnPods {
    /// Pods that run nothing but images of `repository`, written in just that way, as one of these service accounts.
    pub fn new(repository: &str, service_accounts: &[String]) -> Result<Self, OwnPodsError> {
        let is_fit = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-/:".contains(&byte)
        };
        let name = repository.rsplit('/').next().unwrap_or_default();
        if name.is_empty() || name.contains(':') || !repository.bytes().all(is_fit) {
            return Err(OwnPodsError::Repository(repository.to_owned()));
        }
        if service_accounts.is_empty() {
            return Err(OwnPodsError::NoAccount);
        }
        let accounts = service_accounts.iter().map(|name| SecretName::parse(name));
        Ok(Self {
            repository: repository.to_owned(),
            service_accounts: accounts.collect::<Result<_, _>>()?,
        })
    }

    /// Does the pod at `spec` run nothing but this program?
    fn content(&self, spec: &str) -> String {
        let accounts: Vec<String> = self
            .service_accounts
            .iter()
            .map(|name| quoted(name.as_str()))
            .collect();
        let accounts = accounts.join(", ");
        // A backslash for the regular expression is two in a string of the language.
        let repository = self.repository.replace('.', "\\\\.");
        format!(
            "has({spec}.serviceAccountName) && {spec}.serviceAccountName in [{accounts}] \
             && {spec}.containers.all(c, has(c.image) && c.image.matches('^{repository}[:@][^/]+$')) \
             && !has({spec}.initContainers) && !has({spec}.ephemeralContainers) \
             && (!has({spec}.volumes) || {spec}.volumes.all(v, !has(v.image)))"
        )
    }
}

/// The conditions of a webhook for pods.
pub(super) fn for_pods(own: Option<&OwnPods>, namespace: &str) -> Vec<Value> {
    let itself = own.map(|own| {
        let content = own.content("object.spec");
        let namespace = quoted(namespace);
        condition(
            "not-cise-itself",
            &format!("!(request.operation == 'CREATE' && !has(request.subResource) && request.namespace == {namespace} && {content})"),
        )
    });
    let same = [
        same_list("containers", "c", "true", "image"),
        same_list("initContainers", "c", "true", "image"),
        same_list("ephemeralContainers", "c", "true", "image"),
        same_list("volumes", "v", "has(v.image)", "image.reference"),
    ]
    .join(" && ");
    let changed = condition(
        "not-an-update-of-the-same-images",
        &format!("!(request.operation == 'UPDATE' && {same})"),
    );
    itself.into_iter().chain([changed]).collect()
}

/// The conditions of a webhook for workloads.
pub(super) fn for_workloads(own: Option<&OwnPods>, namespace: &str) -> Vec<Value> {
    let itself = own.map(|own| {
        let content = own.content("object.spec.template.spec");
        let namespace = quoted(namespace);
        condition(
            "not-cise-itself",
            &format!("!(!has(request.subResource) && request.namespace == {namespace} && request.resource.resource in ['deployments', 'replicasets', 'jobs'] && {content})"),
        )
    });
    let changed = condition(
        "not-an-update-of-the-same-spec",
        "!(request.operation == 'UPDATE' && object.spec == oldObject.spec)",
    );
    itself.into_iter().chain([changed]).collect()
}

/// The conditions of the webhook for policies and exemptions.
///
/// Whoever changes nothing but metadata is not kept from it while nobody answers. All fields are compared, those too that no
/// policy has: a requirement in the wrong place must be seen, or it would be none.
pub(super) fn for_policies() -> Vec<Value> {
    let same = "object.all(k, k == 'metadata' || (k in oldObject && object[k] == oldObject[k])) \
                && oldObject.all(k, k in object)";
    vec![condition(
        "not-an-update-of-metadata-alone",
        &format!("!(request.operation == 'UPDATE' && {same})"),
    )]
}

fn condition(name: &str, expression: &str) -> Value {
    json!({ "name": name, "expression": expression })
}

/// Have the new and the old object the same names and images in this list, in the same order?
fn same_list(list: &str, item: &str, counts: &str, image: &str) -> String {
    let of = |object: &str| {
        let list = format!("{object}.spec.{list}");
        format!(
            "(has({list}) ? {list}.filter({item}, {counts}).map({item}, [{item}.name, has({item}.{image}) ? {item}.{image} : '']) : [])"
        )
    };
    format!("{} == {}", of("object"), of("oldObject"))
}

/// A string of the language. The text is a name, and so without anything to escape.
fn quoted(name: &str) -> String {
    format!("'{name}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_not_be_a_name_never_gets_into_an_expression() {
        let own = |repository: &str, account: &str| OwnPods::new(repository, &[account.to_owned()]);
        assert!(own("localhost:5000/ibm/cise", "cise").is_ok());
        for repository in [
            "",
            "icr.io/a:1",
            "icr.io/a@sha256:0",
            "icr.io/a'b",
            "icr.io/.*",
            "icr.io/",
            "a\\",
        ] {
            assert!(own(repository, "cise").is_err(), "{repository}");
        }
        assert!(own("icr.io/a", "a'] || true").is_err());
        assert_eq!(OwnPods::new("icr.io/a", &[]), Err(OwnPodsError::NoAccount));
    }

    #[test]
    fn a_dot_in_the_repository_is_a_dot() {
        let own = OwnPods::new("icr.io/ibm/cise", &["cise".to_owned()]).unwrap();
        assert!(
            own.content("object.spec")
                .contains("'^icr\\\\.io/ibm/cise[:@][^/]+$'")
        );
    }
}
