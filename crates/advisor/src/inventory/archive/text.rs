//! Names in an archive, which are bytes.

use std::fmt::Write as _;

/// The name before the first NUL. Bytes of it that are no UTF-8 become a NUL and two hexadecimal digits each, which no other
/// name has: names that differ stay different.
pub(super) fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0);
    let bytes = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
    match str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => escaped(bytes),
    }
}

fn escaped(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // Writing to a string does not fail.
            let _ = write!(text, "\0{byte:02x}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_ends_before_the_first_nul() {
        let table: [(&[u8], &str); 6] = [
            (b"etc/motd\0junk", "etc/motd"),
            (b"etc/motd", "etc/motd"),
            (b"\0etc", ""),
            (b"", ""),
            ("caf\u{e9}".as_bytes(), "caf\u{e9}"),
            (b"caf\xe9/\xff\xfe", "caf\0e9/\0ff\0fe"),
        ];
        for (bytes, expected) in table {
            assert_eq!(text(bytes), expected, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn names_that_differ_stay_different(
            one in prop::collection::vec(1_u8..=255, 0..6),
            other in prop::collection::vec(prop::sample::select(b"\xff\xfe\xc3\xa9a0f\xef\xbf\xbd".as_slice()), 0..6),
            third in prop::collection::vec(prop::sample::select(b"\xff\xfe\xc3\xa9a0f\xef\xbf\xbd".as_slice()), 0..6),
        ) {
            prop_assert_eq!(one == other, text(&one) == text(&other));
            prop_assert_eq!(third == other, text(&third) == text(&other));
        }
    }
}
