//! Which images of an index are judged.

use cise_registry::{Descriptor, Index};

use super::platform::{Claim, Platform};

/// How deep an index may lie in an index.
pub(super) const MAX_DEPTH: usize = 2;

/// The children of an index that may run on one of the platforms: all that are for one of them, and all that do not say what
/// they are for. Which of several a runtime takes is its own affair, so each counts. No annotation takes a child out.
pub(super) fn judged<'a>(index: &'a Index, platforms: &[Platform]) -> Vec<&'a Descriptor> {
    let runs = |child: &&Descriptor| match Claim::of(child.platform.as_ref()) {
        Claim::For(platform) => platforms.iter().any(|node| node.runs(&platform)),
        Claim::Unsaid => true,
        Claim::NotRun => false,
    };
    let mut judged: Vec<&Descriptor> = Vec::new();
    for child in index.manifests.iter().filter(runs) {
        if judged.iter().all(|other| other.digest != child.digest) {
            judged.push(child);
        }
    }
    judged
}

#[cfg(test)]
mod tests {
    use cise_registry::Manifest;
    use serde_json::{Value, json};

    use super::*;

    /// An index of children that are numbered by their digests.
    fn index(platforms: &[Option<&str>]) -> Index {
        let children = platforms.iter().enumerate().map(|(number, platform)| {
            let mut child = json!({
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "digest": format!("sha256:{number:064x}"),
                "size": 1,
                "annotations": { "vnd.docker.reference.type": "attestation-manifest" },
            });
            if let Some(platform) = platform {
                let parts: Vec<_> = platform.split('/').collect();
                child["platform"] = json!({ "os": parts[0], "architecture": parts[1] });
                if let Some(variant) = parts.get(2) {
                    child["platform"]["variant"] = Value::from(*variant);
                }
            }
            child
        });
        let json = json!({ "schemaVersion": 2, "manifests": children.collect::<Vec<_>>() });
        match Manifest::parse(json.to_string().as_bytes(), None) {
            Ok(Manifest::Index(index)) => index,
            other => panic!("expected an index, got {other:?}"),
        }
    }

    /// The children's platforms, those of the nodes, and the children that are judged.
    type Case<'a> = (&'a str, &'a [Option<&'a str>], &'a [&'a str], &'a [usize]);

    #[test]
    fn every_child_that_may_run_is_judged_and_no_other() {
        let nodes = &["linux/amd64", "linux/arm64"];
        let table: [Case<'_>; 10] = [
            (
                "those of the nodes' platforms",
                &[
                    Some("linux/amd64"),
                    Some("linux/arm64/v8"),
                    Some("linux/s390x"),
                ],
                nodes,
                &[0, 1],
            ),
            (
                "what a node's platform takes besides its own",
                &[Some("linux/386"), Some("linux/arm/v7"), Some("linux/amd64")],
                nodes,
                &[0, 1, 2],
            ),
            (
                "every level of a processor of which only the architecture is known",
                &[
                    Some("linux/amd64"),
                    Some("linux/amd64/v3"),
                    Some("linux/arm64/v9"),
                ],
                nodes,
                &[0, 1],
            ),
            (
                "only what is asked for",
                &[Some("linux/amd64"), Some("linux/arm64")],
                &["linux/arm64"],
                &[1],
            ),
            (
                "one that does not say what it is for",
                &[None, Some("linux/s390x")],
                nodes,
                &[0],
            ),
            (
                "one whose platform is empty",
                &[Some("/"), Some("linux/")],
                nodes,
                &[0, 1],
            ),
            (
                "all of several that match",
                &[Some("linux/amd64"), Some("linux/amd64")],
                nodes,
                &[0, 1],
            ),
            (
                "not what is for nothing",
                &[Some("unknown/unknown"), Some("linux/amd64")],
                nodes,
                &[1],
            ),
            (
                "what is half unknown does not match",
                &[Some("unknown/amd64"), Some("linux/unknown")],
                nodes,
                &[],
            ),
            ("none at all", &[Some("windows/amd64")], nodes, &[]),
        ];
        for (what, children, platforms, expected) in table {
            let platforms: Vec<_> = platforms
                .iter()
                .map(|text| text.parse().expect(text))
                .collect();
            let index = index(children);
            let digests: Vec<_> = judged(&index, &platforms)
                .iter()
                .map(|child| &child.digest)
                .collect();
            let expected: Vec<_> = expected
                .iter()
                .map(|at| &index.manifests[*at].digest)
                .collect();
            assert_eq!(digests, expected, "{what}");
        }
    }

    #[test]
    fn an_image_that_is_listed_twice_is_judged_once() {
        let mut index = index(&[Some("linux/amd64"), Some("linux/arm64")]);
        index.manifests[1].digest = index.manifests[0].digest.clone();
        let nodes = [
            "linux/amd64".parse().expect("a platform"),
            "linux/arm64".parse().expect("a platform"),
        ];
        assert_eq!(judged(&index, &nodes).len(), 1);
    }
}
