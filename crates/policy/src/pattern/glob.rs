use std::fmt;

/// Text in which each `*` stands for any run of characters, an empty one too.
///
/// Several `*` side by side mean what one means, and are kept as one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Glob {
    Literal(Box<str>),
    Wild {
        prefix: Box<str>,
        /// What stands between the first and the last `*`, other `*` included.
        middle: Box<str>,
        suffix: Box<str>,
    },
}

impl Glob {
    pub(super) fn new(text: &str) -> Self {
        let Some((prefix, rest)) = text.split_once('*') else {
            return Self::Literal(text.into());
        };
        let (middle, suffix) = rest.rsplit_once('*').unwrap_or(("", rest));
        let pieces: Vec<&str> = middle
            .split('*')
            .filter(|piece| !piece.is_empty())
            .collect();
        Self::Wild {
            prefix: prefix.into(),
            middle: pieces.join("*").into(),
            suffix: suffix.into(),
        }
    }

    /// Does the whole of `text` fit?
    ///
    /// The time is linear in the length of `text`: each piece is taken where it is first found, which never excludes a
    /// later one.
    pub(super) fn matches(&self, text: &str) -> bool {
        let (prefix, middle, suffix) = match self {
            Self::Literal(literal) => return **literal == *text,
            Self::Wild {
                prefix,
                middle,
                suffix,
            } => (prefix, middle, suffix),
        };
        let Some(mut rest) = behind(text, prefix).and_then(|rest| before(rest, suffix)) else {
            return false;
        };
        middle.is_empty()
            || middle.split('*').all(|piece| match rest.split_once(piece) {
                Some((_, behind)) => {
                    rest = behind;
                    true
                }
                None => false,
            })
    }

    /// Does every text fit that fits `other`?
    ///
    /// A `*` in a text fits nothing but a `*`, as any literal would have to be a `*` itself.
    pub(super) fn covers(&self, other: &Self) -> bool {
        self.matches(&other.to_string())
    }

    /// Is this `*` alone?
    pub(super) fn is_any(&self) -> bool {
        self.literals() == 0 && !self.is_literal()
    }

    /// Has it neither a letter nor a digit?
    pub(super) fn has_no_word(&self) -> bool {
        let text = self.to_string();
        !text.contains(|character: char| character.is_alphanumeric())
    }

    pub(super) fn is_literal(&self) -> bool {
        matches!(self, Self::Literal(_))
    }

    /// How all texts that fit begin.
    pub(super) fn literal_prefix(&self) -> &str {
        match self {
            Self::Literal(text) => text,
            Self::Wild { prefix, .. } => prefix,
        }
    }

    /// How all texts that fit end.
    pub(super) fn literal_suffix(&self) -> &str {
        match self {
            Self::Literal(text) => text,
            Self::Wild { suffix, .. } => suffix,
        }
    }

    /// How many characters stand for themselves.
    pub(super) fn literals(&self) -> usize {
        match self {
            Self::Literal(text) => text.len(),
            Self::Wild {
                prefix,
                middle,
                suffix,
            } => {
                let between = middle.bytes().filter(|byte| *byte != b'*').count();
                prefix.len() + between + suffix.len()
            }
        }
    }
}

// An empty `Box` has no address, and to compare nothing at such a place costs some processors as much as sixty
// comparisons. Most patterns have an empty end.

fn behind<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    if prefix.is_empty() {
        return Some(text);
    }
    text.strip_prefix(prefix)
}

fn before<'t>(text: &'t str, suffix: &str) -> Option<&'t str> {
    if suffix.is_empty() {
        return Some(text);
    }
    text.strip_suffix(suffix)
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(text) => f.write_str(text),
            Self::Wild {
                prefix,
                middle,
                suffix,
            } if middle.is_empty() => write!(f, "{prefix}*{suffix}"),
            Self::Wild {
                prefix,
                middle,
                suffix,
            } => write!(f, "{prefix}*{middle}*{suffix}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_star_stands_for_any_run_and_everything_else_for_itself() {
        for (glob, fits, differs) in [
            ("", &[""][..], &["a"][..]),
            ("a", &["a"], &["", "aa", "A", "b"]),
            ("*", &["", "a", "a/b:c"], &[]),
            ("a*", &["a", "ab", "a/b"], &["", "ba"]),
            ("*a", &["a", "ba", "aa"], &["", "ab"]),
            ("a*a", &["aa", "aba", "aaa"], &["a", "ab", ""]),
            (
                "a*b*c",
                &["abc", "axbxc", "abbcc", "abcbc"],
                &["acb", "ac", "abcd", "xabc"],
            ),
            ("*a*", &["a", "xax"], &["", "x"]),
            ("*ab*ab*", &["abab", "xabyabz"], &["ab", "aab", "aba"]),
            ("a**b", &["ab", "axb"], &["a", "b"]),
            ("a*ab", &["aab", "abab"], &["ab"]),
            ("[a]?{b,c}.+", &["[a]?{b,c}.+"], &["a", "ab", "axb.x"]),
        ] {
            for text in fits {
                assert!(Glob::new(glob).matches(text), "{glob} fits {text}");
            }
            for text in differs {
                assert!(!Glob::new(glob).matches(text), "{glob} does not fit {text}");
            }
        }
    }

    #[test]
    fn stars_side_by_side_are_one() {
        for (written, kept, literals) in [
            ("**", "*", 0),
            ("a***b", "a*b", 2),
            ("**a**b**", "*a*b*", 2),
            ("a*b*c", "a*b*c", 3),
            ("abc", "abc", 3),
        ] {
            let glob = Glob::new(written);
            assert_eq!(
                (glob.to_string().as_str(), glob.literals()),
                (kept, literals)
            );
            assert_eq!(glob, Glob::new(kept));
        }
        assert!(Glob::new("***").is_any());
        assert!(!Glob::new("").is_any());
    }

    /// The definition, without any cleverness.
    fn fits(glob: &[u8], text: &[u8]) -> bool {
        match (glob, text) {
            ([], []) => true,
            ([b'*', rest @ ..], _) => (0..=text.len()).any(|skip| fits(rest, &text[skip..])),
            ([first, rest @ ..], [other, behind @ ..]) => first == other && fits(rest, behind),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn matching_follows_the_definition(glob in "[ab*]{0,8}", text in "[ab]{0,10}") {
            prop_assert_eq!(Glob::new(&glob).matches(&text), fits(glob.as_bytes(), text.as_bytes()));
        }
    }
}
