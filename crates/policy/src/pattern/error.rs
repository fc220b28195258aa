use cise_reference::ReferenceError;

use crate::excerpt::excerpt;

/// Why a text is no pattern, or is one that no image can ever match.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatternError {
    /// There is nothing to parse.
    #[error(
        "the pattern is empty: expected `[host/]path[:tag][@digest]`, in which `*` stands for any characters"
    )]
    Empty,
    /// No reference, host or part of one can match.
    #[error("no image can match `{pattern}`: {source}")]
    Unmatchable {
        /// The pattern, or the part of it that is wrong.
        pattern: Box<str>,
        /// What is wrong; where the pattern has a `*`, it was tried with a letter or digit in its place.
        source: ReferenceError,
    },
    /// The pattern is longer than any that could match.
    #[error("the pattern has {bytes} bytes: expected at most {limit}")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The longest allowed.
        limit: usize,
    },
    /// A digest with `*` has other characters than digests have.
    #[error(
        "no digest can match `{pattern}`: expected `sha256:` or `sha512:` and lower-case hexadecimal digits, or `*` in their place"
    )]
    Digest {
        /// The digest's part of the pattern.
        pattern: Box<str>,
    },
}

impl PatternError {
    pub(super) fn unmatchable(pattern: &str, source: ReferenceError) -> Self {
        Self::Unmatchable {
            pattern: excerpt(pattern).into(),
            source,
        }
    }

    pub(super) fn digest(pattern: &str) -> Self {
        Self::Digest {
            pattern: excerpt(pattern).into(),
        }
    }
}
