//! Lists and strings of a record, bounded as they are read.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use serde::de::{Error, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// A word: an id, a name or a version. Not empty, at most [`Word::MAX_BYTES`], without control characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Word(Box<str>);

impl Word {
    /// The longest word, in bytes.
    pub(super) const MAX_BYTES: usize = 1024;
}

impl Deref for Word {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<Word> for Box<str> {
    fn from(word: Word) -> Self {
        word.0
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(WordVisitor)
    }
}

struct WordVisitor;

impl Visitor<'_> for WordVisitor {
    type Value = Word;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a string of 1 to {} bytes without control characters",
            Word::MAX_BYTES
        )
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Word, E> {
        let fits = !text.is_empty() && text.len() <= Word::MAX_BYTES;
        if fits && !text.contains(char::is_control) {
            Ok(Word(text.into()))
        } else {
            Err(E::invalid_value(serde::de::Unexpected::Str(text), &self))
        }
    }
}

/// One line for people: white space and control characters are single spaces, and it ends after [`Line::MAX_CHARS`].
#[derive(Clone, Debug, Default)]
pub(super) struct Line(Box<str>);

impl Line {
    /// The longest line, in characters.
    const MAX_CHARS: usize = 300;
}

impl Deref for Line {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<Line> for Box<str> {
    fn from(line: Line) -> Self {
        line.0
    }
}

impl<'de> Deserialize<'de> for Line {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(LineVisitor)
    }
}

struct LineVisitor;

impl Visitor<'_> for LineVisitor {
    type Value = Line;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Line, E> {
        let separates = |character: char| character.is_whitespace() || character.is_control();
        let mut line = String::new();
        for word in text.split(separates).filter(|word| !word.is_empty()) {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
            if line.len() > 4 * Line::MAX_CHARS {
                break;
            }
        }
        Ok(Line(line.chars().take(Line::MAX_CHARS).collect()))
    }
}

/// A list of at most `MAX` elements; `null` is an empty one, as Go writes a list that has none.
pub(super) fn list<'de, D, T, const MAX: usize>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let list = Option::<List<T, MAX>>::deserialize(deserializer)?;
    Ok(list.map(|list| list.0).unwrap_or_default())
}

struct List<T, const MAX: usize>(Vec<T>);

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for List<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(ListVisitor(PhantomData))
    }
}

struct ListVisitor<T, const MAX: usize>(PhantomData<T>);

impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for ListVisitor<T, MAX> {
    type Value = List<T, MAX>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of at most {MAX} elements")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut list = Vec::new();
        while list.len() < MAX {
            match elements.next_element()? {
                Some(element) => list.push(element),
                None => return Ok(List(list)),
            }
        }
        match elements.next_element::<IgnoredAny>()? {
            Some(_) => Err(A::Error::invalid_length(MAX + 1, &self)),
            None => Ok(List(list)),
        }
    }
}
