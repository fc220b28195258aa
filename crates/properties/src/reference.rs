use cise_reference::{Digest, Reference};

use crate::assert_message;

/// A reference is shown as written, its canonical form is a fixed point, and pinning changes its digest alone.
pub(crate) fn reference(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    let reference = match Reference::parse(text) {
        Ok(reference) => reference,
        Err(error) => return assert_message(&error),
    };
    assert_eq!(reference.as_written(), text);

    let canonical = reference.canonical().to_string();
    let again = Reference::parse(&canonical);
    assert_eq!(again.as_ref(), Ok(&reference));
    assert_eq!(
        again.map(|again| again.canonical().to_string()).as_ref(),
        Ok(&canonical)
    );

    let digest = Digest::sha256([7; 32]);
    let pinned = Reference::parse(&reference.pinned_to(&digest));
    let parts = pinned
        .as_ref()
        .map(|pinned| (pinned.repository(), pinned.tag(), pinned.digest()));
    assert_eq!(
        parts,
        Ok((reference.repository(), reference.tag(), Some(&digest)))
    );
}
