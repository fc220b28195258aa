//! How exemptions are named that somebody adds.

use cise_advisor::exemption::{Exemption, ExemptionSpec, Origin, Scope};

use crate::failure::Failure;

/// Named after its issue, with a number where that name is taken.
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
    let name = stem;
    let name = name.trim_matches('-');
    let is_taken = |name: &str| known.iter().any(|one| one.origin().name() == name);
    let numbered = (2..).map(|number: u32| format!("{name}-{number}"));
    let mut names = std::iter::once(name.to_owned()).chain(numbered);
    let name = names.find(|name| !is_taken(name)).unwrap_or_default();
    Ok(Origin::new(pods, &name)?)
}
