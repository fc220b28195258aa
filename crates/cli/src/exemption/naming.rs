//! How exemptions are named that somebody adds.

use aws_lc_rs::digest::{SHA256, digest};
use cise_advisor::exemption::{Exemption, ExemptionSpec, Origin, Scope};

use crate::failure::Failure;

/// How much of the hash is in a name, in bytes.
const HASH_BYTES: usize = 5;

/// Named after its issue, and after a hash of the images and the pods that it is for: two scopes of one issue are two objects,
/// wherever they are applied, and the same one has the same name again. A number follows where a file has that name already.
pub(super) fn origin(
    pods: Scope,
    spec: &ExemptionSpec,
    known: &[Exemption],
) -> Result<Origin, Failure> {
    let stem: String = spec
        .issue_id
        .as_str()
        .to_ascii_lowercase()
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() {
                letter
            } else {
                '-'
            }
        })
        .collect();
    let name = format!("{stem}-{}", reach(&pods, spec));
    let name = name.trim_start_matches('-');
    let is_taken = |name: &str| known.iter().any(|one| one.origin().name() == name);
    let numbered = (2..).map(|number: u32| format!("{name}-{number}"));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    let name = names.find(|name| !is_taken(name)).unwrap_or_default();
    Ok(Origin::new(pods, &name)?)
}

/// The hash, in lower case. No part of what is hashed has a line feed.
fn reach(pods: &Scope, spec: &ExemptionSpec) -> String {
    let namespace = match pods {
        Scope::Cluster => "",
        Scope::Namespace(namespace) => namespace.as_str(),
    };
    let images: Vec<String> = spec.images.iter().map(ToString::to_string).collect();
    let text = format!("{}\n{namespace}\n{}", spec.issue_type, images.join("\n"));
    let hash = digest(&SHA256, text.as_bytes());
    let start = hash.as_ref().iter().take(HASH_BYTES);
    let number = start.fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    format!("{number:0width$x}", width = 2 * HASH_BYTES)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use cise_advisor::exemption::{IssueId, IssueType};
    use cise_policy::{Namespace, Pattern};

    use super::*;

    fn spec(issue: &str, images: &[&str]) -> ExemptionSpec {
        let images = images.iter().map(|one| Pattern::parse(one).unwrap());
        ExemptionSpec {
            issue_type: IssueType::Configuration,
            issue_id: IssueId::parse(issue).unwrap(),
            images: images.collect(),
            reason: None,
            owner: None,
            expires: None,
        }
    }

    fn team() -> Scope {
        Scope::Namespace(Namespace::parse("team").unwrap())
    }

    #[test]
    fn what_reaches_elsewhere_has_another_name_and_what_is_the_same_has_the_same() {
        let name = |pods: Scope, images: &[&str]| {
            let spec = spec("CVE-2026-10001", images);
            origin(pods, &spec, &[]).unwrap().name().to_owned()
        };
        let names: BTreeSet<String> = [
            name(Scope::Cluster, &["icr.io/a"]),
            name(Scope::Cluster, &["icr.io/b"]),
            name(Scope::Cluster, &["icr.io/a", "icr.io/b"]),
            name(team(), &["icr.io/a"]),
        ]
        .into();
        assert_eq!(names.len(), 4, "{names:?}");
        assert!(names.iter().all(|name| name.starts_with("cve-2026-10001-")));
        assert_eq!(
            name(Scope::Cluster, &["nginx"]),
            name(Scope::Cluster, &["docker.io/library/nginx"])
        );
    }

    #[test]
    fn any_issue_gives_a_name_that_is_free() {
        for issue in [
            "application_configuration:mysql.ssl-ca",
            "::",
            &"a".repeat(128),
        ] {
            let spec = spec(issue, &["*"]);
            let first = origin(Scope::Cluster, &spec, &[]).unwrap();
            let known = [Exemption::new(first.clone(), spec.clone()).unwrap()];
            let second = origin(Scope::Cluster, &spec, &known).unwrap();
            assert_eq!(second.name(), format!("{}-2", first.name()));
        }
    }
}
