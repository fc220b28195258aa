use std::cmp::Ordering;

use crate::version::run::{compare_numbers, split};

/// A part of a version.
#[derive(Clone, Copy, Debug)]
pub(super) enum Token<'a> {
    /// The number that a version begins with.
    First(&'a [u8]),
    /// A number after a `.`.
    Number(&'a [u8]),
    Letter(u8),
    Suffix(Suffix),
    /// The number of the suffix before it.
    SuffixNumber(&'a [u8]),
    /// The commit that the version was built from.
    Hash(&'a [u8]),
    /// The revision of the package.
    Revision(&'a [u8]),
}

/// The suffixes there are, in their order; what has none is between [`Rc`](Self::Rc) and [`Cvs`](Self::Cvs).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Suffix {
    Alpha,
    Beta,
    Pre,
    Rc,
    Cvs,
    Svn,
    Git,
    Hg,
    P,
}

impl Suffix {
    fn parse(text: &[u8]) -> Option<Self> {
        Some(match text {
            b"alpha" => Self::Alpha,
            b"beta" => Self::Beta,
            b"pre" => Self::Pre,
            b"rc" => Self::Rc,
            b"cvs" => Self::Cvs,
            b"svn" => Self::Svn,
            b"git" => Self::Git,
            b"hg" => Self::Hg,
            b"p" => Self::P,
            _ => return None,
        })
    }
}

/// How far along the shape of a version the last token was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Start,
    Numbers,
    Letter,
    Suffix,
    SuffixNumber,
    Hash,
    Revision,
}

/// The tokens of a version, until the first place that is not of the shape.
#[derive(Clone, Debug)]
pub(super) struct Tokens<'a> {
    rest: &'a [u8],
    stage: Stage,
}

impl<'a> Tokens<'a> {
    pub(super) fn of(text: &'a [u8]) -> Self {
        Self {
            rest: text,
            stage: Stage::Start,
        }
    }

    /// Whether nothing is left, which after the last token means that all of the text was of the shape.
    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    fn number(&mut self, text: &'a [u8], stage: Stage) -> Option<&'a [u8]> {
        self.take(text, u8::is_ascii_digit, stage)
    }

    /// Takes the run of `wanted` bytes that `text` begins with, unless there is none.
    fn take(
        &mut self,
        text: &'a [u8],
        wanted: impl Fn(&u8) -> bool,
        stage: Stage,
    ) -> Option<&'a [u8]> {
        let (run, rest) = split(text, wanted);
        if run.is_empty() {
            return None;
        }
        (self.rest, self.stage) = (rest, stage);
        Some(run)
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        let is_hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        match (self.stage, self.rest) {
            (Stage::Start, text) => self.number(text, Stage::Numbers).map(Token::First),
            (Stage::Numbers, [b'.', text @ ..]) => {
                self.number(text, Stage::Numbers).map(Token::Number)
            }
            (Stage::Numbers, [letter @ b'a'..=b'z', rest @ ..]) => {
                (self.rest, self.stage) = (rest, Stage::Letter);
                Some(Token::Letter(*letter))
            }
            (Stage::Suffix, text @ [b'0'..=b'9', ..]) => self
                .number(text, Stage::SuffixNumber)
                .map(Token::SuffixNumber),
            (stage, [b'_', text @ ..]) if stage <= Stage::SuffixNumber => {
                let (name, rest) = split(text, u8::is_ascii_lowercase);
                let suffix = Suffix::parse(name)?;
                (self.rest, self.stage) = (rest, Stage::Suffix);
                Some(Token::Suffix(suffix))
            }
            (stage, [b'~', text @ ..]) if stage <= Stage::SuffixNumber => {
                self.take(text, is_hex, Stage::Hash).map(Token::Hash)
            }
            (stage, [b'-', b'r', text @ ..]) if stage <= Stage::Hash => {
                self.number(text, Stage::Revision).map(Token::Revision)
            }
            _ => None,
        }
    }
}

/// Compares the tokens at one place of two versions, whose tokens before it are equal; `None` is the end.
pub(super) fn compare(left: Option<Token<'_>>, right: Option<Token<'_>>) -> Ordering {
    match (left, right) {
        (Some(Token::Number(left)), Some(Token::Number(right)))
            if left.starts_with(b"0") || right.starts_with(b"0") =>
        {
            left.cmp(right)
        }
        (Some(Token::First(left)), Some(Token::First(right)))
        | (Some(Token::Number(left)), Some(Token::Number(right)))
        | (Some(Token::SuffixNumber(left)), Some(Token::SuffixNumber(right)))
        | (Some(Token::Revision(left)), Some(Token::Revision(right))) => {
            compare_numbers(left, right)
        }
        (Some(Token::Letter(left)), Some(Token::Letter(right))) => left.cmp(&right),
        (Some(Token::Suffix(left)), Some(Token::Suffix(right))) => left.cmp(&right),
        (Some(Token::Hash(left)), Some(Token::Hash(right))) => left.cmp(right),
        _ => rank(left).cmp(&rank(right)),
    }
}

/// What goes on is newer than what ends, unless it goes on with the suffix of a version before; the later a kind of token may
/// come, the older.
fn rank(token: Option<Token<'_>>) -> u8 {
    match token {
        Some(Token::Suffix(suffix)) if suffix <= Suffix::Rc => 0,
        None => 1,
        Some(Token::Revision(_)) => 2,
        Some(Token::Hash(_)) => 3,
        Some(Token::SuffixNumber(_)) => 4,
        Some(Token::Suffix(_)) => 5,
        Some(Token::Letter(_)) => 6,
        Some(Token::Number(_) | Token::First(_)) => 7,
    }
}
