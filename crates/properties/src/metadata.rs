use cise_signature::notary::fuzzing::{canonical_form, types_of};
use serde_json::Value;

/// The canonical form of a document says the same as the document, and is a fixed point; and no document is metadata of two
/// types.
pub(crate) fn trust_metadata(bytes: &[u8]) {
    let types = types_of(bytes);
    assert!(
        types.windows(2).all(|pair| pair.first() == pair.last()),
        "{types:?}"
    );
    let Some(canonical) = canonical_form(bytes) else {
        return assert!(types.is_empty(), "{types:?} without a canonical form");
    };
    assert!(canonical.len() <= bytes.len());
    // Canonical JSON writes control characters as they are, which makes it no JSON.
    if canonical.iter().all(|byte| !byte.is_ascii_control()) {
        assert_eq!(canonical_form(&canonical).as_ref(), Some(&canonical));
        let parsed = |json: &[u8]| serde_json::from_slice::<Value>(json).ok();
        assert_eq!(parsed(&canonical), parsed(bytes));
    }
}
