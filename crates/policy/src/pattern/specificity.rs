use std::ops::Add;

use super::glob::Glob;

/// How specific a pattern is: the more characters stand for themselves, the more; of two with equally many, one without `*`.
///
/// What counts are the characters of the canonical form, so that two spellings of one pattern are equally specific: the
/// `docker.io/library/` that Docker Hub shorthand implies, no `:443`, no tag beside a literal digest. The `:` before a tag and
/// the `@` before a digest count, the `/` after the host does not, as it is in every pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Specificity {
    literals: usize,
    starless: bool,
}

impl Specificity {
    pub(super) fn of(glob: &Glob) -> Self {
        Self {
            literals: glob.literals(),
            starless: glob.is_literal(),
        }
    }

    /// That of a part that stands behind a separator of its own, and counts it.
    pub(super) fn of_separated(glob: &Glob) -> Self {
        let part = Self::of(glob);
        Self {
            literals: part.literals + 1,
            ..part
        }
    }
}

/// The specificity of two parts side by side.
impl Add for Specificity {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            literals: self.literals + other.literals,
            starless: self.starless && other.starless,
        }
    }
}
