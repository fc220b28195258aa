//! PEM as people have it: with headers, blanks and foreign line ends, which strict readers refuse.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// One block between `-----BEGIN …-----` and `-----END …-----`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Block<'t> {
    /// What it holds, such as `PUBLIC KEY`.
    pub(crate) label: &'t str,
    /// The bytes.
    pub(crate) contents: Vec<u8>,
}

/// The blocks of a text in order, up to the first that is broken. What stands between blocks is no part of them.
///
/// Headers (`role: alice`, RFC 1421) are read past.
pub(crate) fn blocks(text: &str) -> impl Iterator<Item = Block<'_>> {
    let mut lines = text.lines().map(str::trim);
    std::iter::from_fn(move || {
        let label = lines
            .by_ref()
            .find_map(|line| marked(line, "-----BEGIN "))?;
        let mut body = String::new();
        for line in lines.by_ref() {
            if let Some(end) = marked(line, "-----END ") {
                let contents = STANDARD.decode(&body).ok().filter(|_| end == label)?;
                return Some(Block { label, contents });
            }
            if !line.contains(':') {
                body.push_str(line);
            }
        }
        None
    })
}

fn marked<'t>(line: &'t str, start: &str) -> Option<&'t str> {
    line.strip_prefix(start)?.strip_suffix("-----")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_blanks_and_carriage_returns_are_read_past() {
        let text = "note\r\n  -----BEGIN PUBLIC KEY-----\r\nrole: alice\r\n\r\naGVs\r\nbG8=  \r\n-----END PUBLIC KEY-----\r\n";
        let found: Vec<_> = blocks(text).collect();
        assert_eq!(
            found,
            [Block {
                label: "PUBLIC KEY",
                contents: b"hello".to_vec()
            }]
        );
    }

    #[test]
    fn a_broken_block_ends_the_reading() {
        for text in [
            "",
            "aGVsbG8=",
            "-----BEGIN A-----\naGVsbG8=",
            "-----BEGIN A-----\naGVsbG8=\n-----END B-----",
            "-----BEGIN A-----\n!!\n-----END A-----",
        ] {
            assert_eq!(blocks(text).count(), 0, "{text}");
        }
    }
}
