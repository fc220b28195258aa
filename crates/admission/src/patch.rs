//! The JSON patch (RFC 6902) that pins images.

use serde::Serialize;

use crate::verdict::{Admission, Decision, Pin, Verdict};

/// A patch that replaces image strings and nothing else, so that fields which this program does not know survive it.
#[derive(Debug, Default, Serialize)]
#[serde(transparent)]
pub(crate) struct Patch(Vec<Step>);

#[derive(Debug, Serialize)]
struct Step {
    op: Op,
    path: String,
    value: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "lowercase")]
enum Op {
    Test,
    Replace,
}

impl Patch {
    /// Replaces the string at `pointer`, provided that it still is `old` when the patch is applied.
    fn replace(&mut self, pointer: String, old: &str, new: &str) {
        self.0.push(Step {
            op: Op::Test,
            path: pointer.clone(),
            value: old.to_owned(),
        });
        self.0.push(Step {
            op: Op::Replace,
            path: pointer,
            value: new.to_owned(),
        });
    }

    /// Pins every image that was decided to be pinned.
    pub(crate) fn pinning(decision: &Decision) -> Self {
        let mut patch = Self::default();
        for image in &decision.images {
            let Verdict::Admitted(Admission::Conditional {
                pin: Pin::Replaced(pinned),
                ..
            }) = &image.verdict
            else {
                continue;
            };
            for place in &image.places {
                patch.replace(place.pointer(decision.kind), &image.image, pinned);
            }
        }
        patch
    }

    /// Whether the patch changes nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_replacement_is_preceded_by_a_test_of_what_it_replaces() {
        let mut patch = Patch::default();
        assert!(patch.is_empty());
        patch.replace("/spec/containers/0/image".to_owned(), "a\"b", "c");
        assert_eq!(
            serde_json::to_string(&patch).unwrap(),
            r#"[{"op":"test","path":"/spec/containers/0/image","value":"a\"b"},{"op":"replace","path":"/spec/containers/0/image","value":"c"}]"#
        );
    }
}
