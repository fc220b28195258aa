//! Typed reading of a parsed document, with the place named in every error.

use std::fmt::Display;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::json::Json;

/// A document that is JSON, but not of the form that its kind has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{at}` {what}")]
pub(crate) struct BadShape {
    at: String,
    what: String,
}

/// A value and where it stands in its document.
#[derive(Clone)]
pub(crate) struct At<'j> {
    value: &'j Json<'j>,
    path: String,
}

impl<'j> At<'j> {
    /// The outermost value, under the name by which errors call it.
    pub(crate) fn top(value: &'j Json<'j>, name: &str) -> Self {
        Self {
            value,
            path: name.to_owned(),
        }
    }

    /// The value itself.
    pub(crate) fn json(&self) -> &'j Json<'j> {
        self.value
    }

    pub(crate) fn error(&self, what: impl Display) -> BadShape {
        // A hostile document names its members as it likes.
        let at = self.path.escape_debug().take(200).collect();
        BadShape {
            at,
            what: what.to_string(),
        }
    }

    /// The member of that name; null counts as absent.
    pub(crate) fn optional(&self, name: &str) -> Result<Option<Self>, BadShape> {
        let Json::Object(members) = self.value else {
            return Err(self.error("is no object"));
        };
        let found = members.binary_search_by(|(key, _)| key.as_bytes().cmp(name.as_bytes()));
        let member = found
            .ok()
            .and_then(|index| members.get(index))
            .map(|(_, value)| value);
        Ok(member
            .filter(|value| **value != Json::Null)
            .map(|value| self.step(name, value)))
    }

    pub(crate) fn required(&self, name: &str) -> Result<Self, BadShape> {
        self.optional(name)?
            .ok_or_else(|| self.error(format!("has no `{name}`")))
    }

    /// The members of an object, of which there may be at most `most`.
    pub(crate) fn members(
        &self,
        most: usize,
    ) -> Result<impl Iterator<Item = (&'j str, Self)>, BadShape> {
        let Json::Object(members) = self.value else {
            return Err(self.error("is no object"));
        };
        self.bounded(members.len(), most)?;
        Ok(members
            .iter()
            .map(|(name, value)| (name.as_ref(), self.step(name, value))))
    }

    /// The items of a list, of which there may be at most `most`.
    pub(crate) fn items(&self, most: usize) -> Result<impl Iterator<Item = Self>, BadShape> {
        let Json::List(items) = self.value else {
            return Err(self.error("is no list"));
        };
        self.bounded(items.len(), most)?;
        Ok(items
            .iter()
            .enumerate()
            .map(|(index, value)| self.step(&index.to_string(), value)))
    }

    pub(crate) fn text(&self) -> Result<&'j str, BadShape> {
        match self.value {
            Json::Text(text) => Ok(text),
            _ => Err(self.error("is no string")),
        }
    }

    /// A whole number that is not negative.
    pub(crate) fn count(&self) -> Result<u64, BadShape> {
        match self.value {
            Json::Integer(number) => u64::try_from(*number).map_err(|_| self.error("is negative")),
            _ => Err(self.error("is no integer")),
        }
    }

    /// Bytes in base64 with padding, as Go writes a byte slice.
    pub(crate) fn bytes(&self) -> Result<Vec<u8>, BadShape> {
        STANDARD
            .decode(self.text()?)
            .map_err(|_| self.error("is no base64"))
    }

    pub(crate) fn time(&self) -> Result<Timestamp, BadShape> {
        self.text()?
            .parse()
            .map_err(|_| self.error("is no RFC 3339 time"))
    }

    fn step(&self, name: &str, value: &'j Json<'j>) -> Self {
        Self {
            value,
            path: format!("{}.{name}", self.path),
        }
    }

    fn bounded(&self, found: usize, most: usize) -> Result<(), BadShape> {
        if found > most {
            return Err(self.error(format!("has {found} entries, at most {most} are read")));
        }
        Ok(())
    }
}
