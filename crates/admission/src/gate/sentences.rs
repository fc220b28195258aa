//! Every sentence about a policy or an exemption, in one place.

use cise_advisor::exemption::Breadth;

use super::object::StoredObject;
use super::refusal::PolicyRefusal;
use super::warning::PolicyWarning;
use crate::messages::{MAX_WARNING, three_lines};
use crate::text::shown;

/// The message of a refusal.
pub(crate) fn refusal(object: Option<&StoredObject>, refusal: &PolicyRefusal) -> String {
    let object = match object {
        Some(object) => object.to_string(),
        None => "the object".to_owned(),
    };
    let headline = match refusal {
        PolicyRefusal::NoPolicy { .. }
        | PolicyRefusal::NoObject
        | PolicyRefusal::Elsewhere { .. } => "Deny, the request cannot be judged".to_owned(),
        PolicyRefusal::Unreadable { .. } | PolicyRefusal::ExemptionUnreadable { .. } => {
            format!("Deny, {object} cannot be read")
        }
        PolicyRefusal::AccountScope => format!("Deny, {object} reaches too far"),
        PolicyRefusal::NotCovered { .. } => format!("Deny, {object} would not be enforced"),
    };
    let remedy = match refusal {
        PolicyRefusal::NoPolicy { .. } | PolicyRefusal::NoObject => {
            "register this webhook for policies and exemptions alone"
        }
        PolicyRefusal::Elsewhere { .. } => "send the object to where it belongs",
        PolicyRefusal::Unreadable { .. } => {
            "correct it; `kubectl explain imagepolicy.spec --recursive` shows the fields that there are"
        }
        PolicyRefusal::ExemptionUnreadable { .. } => {
            "correct it; `kubectl explain imageexemption.spec` shows the fields that there are"
        }
        PolicyRefusal::AccountScope => {
            "name the images, or have one who may exempt for the cluster do it"
        }
        PolicyRefusal::NotCovered { .. } => "try again; until then the namespace is as it was",
    };
    three_lines(&headline, refusal, remedy)
}

/// A warning, on one line of at most [`MAX_WARNING`] characters.
pub(super) fn warning(warning: &PolicyWarning) -> String {
    let line = match warning {
        PolicyWarning::Unreadable { policy, why } => fitted(
            ["", " cannot be read, all that it governs is denied: ", ""],
            [policy, why],
        ),
        PolicyWarning::ExemptionUnreadable { exemption, why } => fitted(
            ["", " cannot be read and exempts nothing: ", ""],
            [exemption, why],
        ),
        PolicyWarning::ExemptionOver { expires } => {
            fitted(["it has ended on ", ", and exempts nothing"], [expires])
        }
        PolicyWarning::ExemptionBroad { breadth } => fitted(
            ["the issue is exempted in every image of ", ""],
            [reach(*breadth)],
        ),
        PolicyWarning::SignerSecret { namespace, error } => {
            fitted(["in namespace ", ": ", ""], [namespace, &error.to_string()])
        }
        PolicyWarning::SecretsUnread(why) => fitted(
            ["its secrets could not be looked at: ", ""],
            [&why.to_string()],
        ),
        PolicyWarning::NoTrustServer { pattern, registry } => fitted(
            [
                "`",
                "`: no trust server is known for ",
                ", its images are denied",
            ],
            [pattern, registry],
        ),
        PolicyWarning::NotVerifiable {
            pattern,
            requirement,
        } => fitted(
            [
                "`",
                "`: this version cannot verify `",
                "` and denies the images",
            ],
            [pattern, requirement.as_str()],
        ),
        PolicyWarning::Tie { pattern, policy } => fitted(
            ["`", "` is also in ", ": what both require must hold"],
            [pattern, policy],
        ),
        PolicyWarning::Shadowed {
            pattern,
            by,
            policy,
        } => fitted(
            ["`", "` gives way to `", "` of ", ", which requires less"],
            [pattern, by, policy],
        ),
        PolicyWarning::LooksLikeHost {
            pattern,
            repository,
        } => fitted(
            ["`", "` is ", ", not a registry: for that write `", "/*`"],
            [pattern, repository, pattern],
        ),
        PolicyWarning::VerifiedTagNotPinned { pattern } => fitted(
            [
                "`",
                "` verifies images and does not pin their tags (mutateImage: false)",
            ],
            [pattern],
        ),
        PolicyWarning::AccountNamed { pattern } => fitted(
            [
                "`",
                "`: exemptions of an IBM account are not read; write them as ImageExemptions",
            ],
            [pattern],
        ),
    };
    shown(&line, MAX_WARNING).to_string()
}

fn reach(breadth: Breadth) -> &'static str {
    match breadth {
        Breadth::Repositories => "some repositories",
        Breadth::Registry => "a registry",
        Breadth::Account => "every registry",
    }
}

/// Texts between pieces of a sentence, with the longest of them cut until all have room.
fn fitted<const PIECES: usize, const TEXTS: usize>(
    pieces: [&str; PIECES],
    texts: [&str; TEXTS],
) -> String {
    let lengths = texts.map(|text| text.chars().count());
    let frame: usize = pieces.iter().map(|piece| piece.chars().count()).sum();
    let room = MAX_WARNING.saturating_sub(frame);
    let all_within = |limit: usize| {
        lengths
            .iter()
            .map(|length| (*length).min(limit))
            .sum::<usize>()
    };
    let limit = (0..=room).rev().find(|limit| all_within(*limit) <= room);
    let mut texts = texts.iter();
    pieces.iter().fold(String::new(), |mut line, piece| {
        line.push_str(piece);
        if let Some(text) = texts.next() {
            line.push_str(&shown(text, limit.unwrap_or_default()).to_string());
        }
        line
    })
}

#[cfg(test)]
mod tests {
    use cise_signature::notary::SignerError;

    use super::super::warning::SecretsUnread;
    use super::*;
    use crate::requirement::Requirement;

    fn every_warning(text: &str) -> Vec<PolicyWarning> {
        let text = || text.to_owned();
        vec![
            PolicyWarning::Unreadable {
                policy: text(),
                why: text(),
            },
            PolicyWarning::ExemptionUnreadable {
                exemption: text(),
                why: text(),
            },
            PolicyWarning::ExemptionOver { expires: text() },
            PolicyWarning::ExemptionBroad {
                breadth: Breadth::Account,
            },
            PolicyWarning::SignerSecret {
                namespace: text(),
                error: SignerError::NoSecret {
                    secret: text().into(),
                },
            },
            PolicyWarning::SecretsUnread(SecretsUnread::Late),
            PolicyWarning::NoTrustServer {
                pattern: text(),
                registry: text(),
            },
            PolicyWarning::NotVerifiable {
                pattern: text(),
                requirement: Requirement::Cosign,
            },
            PolicyWarning::Tie {
                pattern: text(),
                policy: text(),
            },
            PolicyWarning::Shadowed {
                pattern: text(),
                by: text(),
                policy: text(),
            },
            PolicyWarning::LooksLikeHost {
                pattern: text(),
                repository: text(),
            },
            PolicyWarning::VerifiedTagNotPinned { pattern: text() },
            PolicyWarning::AccountNamed { pattern: text() },
        ]
    }

    #[test]
    fn every_warning_is_one_line_of_bounded_length() {
        for text in ["", "a", &"long/".repeat(50), "two\nlines", &"é".repeat(300)] {
            for one in every_warning(text) {
                let line = warning(&one);
                assert!(line.chars().count() <= MAX_WARNING, "{line}");
                assert!(!line.contains(char::is_control), "{line}");
            }
        }
    }

    #[test]
    fn warnings_read_like_this() {
        let lines: Vec<_> = every_warning("icr.io").iter().map(warning).collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn the_name_of_the_default_policy_has_room_in_a_tie() {
        let tie = PolicyWarning::Tie {
            pattern: "*".to_owned(),
            policy: "ClusterImagePolicy ibmcloud-default-cluster-image-policy".to_owned(),
        };
        assert_eq!(
            warning(&tie),
            "`*` is also in ClusterImagePolicy ibmcloud-default-cluster-image-policy: what both require must hold"
        );
    }

    #[test]
    fn the_longest_text_is_cut_first() {
        let line = fitted(["`", "` of ", ""], ["a", &"b".repeat(200)]);
        assert!(line.starts_with("`a` of bbb"), "{line}");
        assert_eq!(line.chars().count(), MAX_WARNING);
    }
}
