use std::borrow::Cow;
use std::fmt;

use crate::error::{Excerpt, ReferenceError};
use crate::length;

/// A tag: 1 to 128 letters, digits, `_`, `.` and `-`, the first of them neither `.` nor `-` (distribution grammar, `tag`).
///
/// Upper and lower case differ.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(Cow<'static, str>);

impl Tag {
    /// The tag that a reference with neither tag nor digest means.
    pub const LATEST: Self = Self(Cow::Borrowed("latest"));

    /// The longest tag, in bytes (distribution grammar).
    pub const MAX_LENGTH: usize = length::TAG;

    /// Parses a tag, without the colon that precedes it in a reference.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let well_formed = text.len() <= Self::MAX_LENGTH
            && text.starts_with(is_word)
            && text
                .bytes()
                .all(|byte| is_word(char::from(byte)) || matches!(byte, b'.' | b'-'));
        if !well_formed {
            return Err(ReferenceError::Tag {
                tag: Excerpt::of(text),
            });
        }
        Ok(Self(Cow::Owned(text.to_owned())))
    }

    /// The tag as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_has_letters_digits_underscores_dots_and_dashes() {
        for text in [
            "latest",
            "1",
            "_",
            "v1.2-rc_3",
            "A",
            "a..b",
            "a--",
            &"x".repeat(128),
        ] {
            assert_eq!(
                Tag::parse(text).map(|tag| tag.to_string()),
                Ok(text.to_owned())
            );
        }
    }

    #[test]
    fn anything_else_is_no_tag() {
        for text in [
            "",
            ".a",
            "-a",
            "a b",
            "a/b",
            "a:b",
            "a@b",
            "é",
            "*",
            &"x".repeat(129),
        ] {
            assert_eq!(
                Tag::parse(text),
                Err(ReferenceError::Tag {
                    tag: Excerpt::of(text)
                })
            );
        }
    }

    #[test]
    fn the_implied_tag_equals_the_written_one() {
        assert_eq!(Tag::parse("latest"), Ok(Tag::LATEST));
    }
}
