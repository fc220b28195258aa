//! Reading JSON with errors that name the field.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Why a document could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {why}")]
pub struct JsonError {
    /// Path of the offending field, as `spec.containers[0].image`; `.` for the document itself.
    pub field: String,
    /// What was wrong and what was expected, with line and column inside the document.
    pub why: String,
}

/// A value that is read from a JSON object and from nothing else.
///
/// The code that serde derives for a struct takes an array for one, too: an object whose `spec` is `[]` would look like one
/// that names no images.
#[derive(Debug, Default)]
pub(crate) struct Map<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Map<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_map(MapVisitor(PhantomData))
            .map(Self)
    }
}

struct MapVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for MapVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

/// Reads a field from a JSON object, for `deserialize_with`.
pub(crate) fn map<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Map::deserialize(deserializer).map(|Map(value)| value)
}

/// Reads a value out of JSON text, which must be an object.
///
/// Depth needs no bound of its own: unknown fields are skipped without recursion, and known ones are only as deep as the
/// types that are read.
pub(crate) fn read<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Result<T, JsonError> {
    // Keeping track of the path costs more than the reading itself, so it is done only for those who need it.
    serde_json::from_slice(text)
        .map(|Map(value)| value)
        .map_err(|error| locate::<T>(text).unwrap_or_else(|| at(".", &error)))
}

fn locate<'a, T: Deserialize<'a>>(text: &'a [u8]) -> Option<JsonError> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    match serde_path_to_error::deserialize::<_, Map<T>>(&mut reader) {
        Ok(_) => None,
        Err(error) => Some(at(&error.path().to_string(), error.inner())),
    }
}

fn at(field: &str, error: &serde_json::Error) -> JsonError {
    JsonError {
        field: field.to_owned(),
        why: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Outer {
        #[serde(rename = "list")]
        _list: Vec<Map<Inner>>,
    }

    #[derive(Debug, Deserialize)]
    struct Inner {
        #[serde(rename = "name")]
        _name: String,
    }

    #[test]
    fn errors_name_the_field_and_the_place() {
        for (text, field, why) in [
            (
                r#"{"list":[{"name":1}]}"#,
                "list[0].name",
                "invalid type: integer `1`, expected a string at line 1 column 18",
            ),
            (
                r#"{"list":[{}]}"#,
                "list[0]",
                "missing field `name` at line 1 column 11",
            ),
            ("{\n}", ".", "missing field `list` at line 2 column 1"),
            ("", ".", "EOF while parsing a value at line 1 column 0"),
            (
                r#"{"list":[]} x"#,
                ".",
                "trailing characters at line 1 column 13",
            ),
            (
                r#"{"list":[],"list":[]}"#,
                ".",
                "duplicate field `list` at line 1 column 17",
            ),
        ] {
            let error = read::<Outer>(text.as_bytes()).unwrap_err();
            assert_eq!(
                (error.field.as_str(), error.why.as_str()),
                (field, why),
                "{text}"
            );
        }
    }
}
