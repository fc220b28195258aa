use cise_policy::{HostPattern, Pattern, PatternMatch};
use cise_reference::{Reference, Repository};

use crate::{assert_message, first_line};

/// A pattern in the first line and a reference in the second: the canonical form of a pattern matches what the pattern
/// matches, a pattern without `*` matches one repository, and a reference is a pattern that matches itself.
pub(crate) fn pattern(bytes: &[u8]) {
    let (pattern, reference) = first_line(bytes);
    let (Ok(pattern), Ok(reference)) = (str::from_utf8(pattern), str::from_utf8(reference)) else {
        return;
    };
    let _ = HostPattern::parse(pattern).inspect_err(assert_message);
    let reference = Reference::parse(reference).ok();
    match Pattern::parse(pattern) {
        Ok(pattern) => check(&pattern, reference.as_ref()),
        Err(error) => assert_message(&error),
    }
    if let Some(reference) = reference {
        let own = Pattern::parse(&reference.canonical().to_string());
        assert_eq!(
            own.map(|own| own.matches(&reference)),
            Ok(PatternMatch::Yes),
            "{reference}"
        );
    }
}

fn check(pattern: &Pattern, reference: Option<&Reference>) {
    let canonical = Pattern::parse(&pattern.to_string());
    assert_eq!(canonical.as_ref(), Ok(pattern), "{}", pattern.as_written());
    let (Ok(canonical), Some(reference)) = (canonical, reference) else {
        return;
    };
    assert_eq!(canonical.specificity(), pattern.specificity());
    let matched = pattern.matches(reference);
    assert_eq!(canonical.matches(reference), matched);
    if matched != PatternMatch::No && !pattern.as_written().contains('*') {
        let name = canonical.as_written().split('@').next().unwrap_or_default();
        let named = Reference::parse(name).map(|named| named.repository().clone());
        assert_eq!(
            named.as_ref().map(Repository::as_str),
            Ok(reference.repository().as_str())
        );
    }
}
