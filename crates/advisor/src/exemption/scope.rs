use cise_policy::{Pattern, PatternError};
use cise_reference::Host;

/// The images of a scope, as IBM's commands and interface write it: `*`, a namespace of the registry, a repository,
/// `repository:tag` or `repository@digest`, with the registry before it or without.
///
/// A name of one part may be a namespace or a repository. It is read as both, as what is exempted of a parent is exempted of its
/// children.
pub fn images_of_scope(registry: &Host, scope: &str) -> Result<Vec<Pattern>, PatternError> {
    if scope == "*" {
        return Ok(vec![Pattern::parse(scope)?]);
    }
    let (host, path) = match scope.split_once('/') {
        Some((first, rest)) if names_a_host(first) => (first, rest),
        _ => (registry.as_str(), scope),
    };
    let itself = format!("{host}/{path}");
    let is_one_part = !path.contains(['/', ':', '@', '*']);
    let below = is_one_part.then(|| format!("{itself}/*"));
    [itself]
        .into_iter()
        .chain(below)
        .map(|pattern| Pattern::parse(&pattern))
        .collect()
}

/// The rule of the distribution grammar for references.
fn names_a_host(first: &str) -> bool {
    first == "localhost" || first.contains(['.', ':'])
}
