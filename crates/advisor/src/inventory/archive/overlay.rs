//! Attributes by which overlay file systems hide or replace what is below.

/// Whether an attribute of that name is one. A runtime that keeps layers as folders puts attributes on them as the layer has
/// them, and the kernel or fuse-overlayfs then shows what they say: another folder (`redirect`), nothing of those below
/// (`opaque`), the content of another file (`metacopy`). Which namespaces count depends on how it is mounted, so all do.
pub(crate) fn is_of_overlay(attribute: &[u8]) -> bool {
    let dot = attribute.iter().position(|byte| *byte == b'.');
    let own = dot.and_then(|dot| attribute.get(dot + 1..));
    own.is_some_and(|own| own.starts_with(b"overlay.") || own.starts_with(b"fuseoverlayfs."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_of_overlays_are_told_from_others() {
        let table = [
            ("trusted.overlay.opaque", true),
            ("trusted.overlay.redirect", true),
            ("trusted.overlay.metacopy", true),
            ("user.overlay.opaque", true),
            ("user.fuseoverlayfs.opaque", true),
            ("security.capability", false),
            ("user.overlays", false),
            ("user.other.overlay.opaque", false),
            ("overlay.opaque", false),
            ("overlay", false),
            ("", false),
        ];
        for (attribute, expected) in table {
            assert_eq!(is_of_overlay(attribute.as_bytes()), expected, "{attribute}");
        }
    }
}
