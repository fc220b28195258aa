//! JSON of strangers: bounded, without duplicate members, with integers only, as canonical JSON wants it.

use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

/// How deep arrays and objects may nest. Notary's own metadata needs seven.
const MAX_DEPTH: u8 = 32;

/// How many values a document may hold: enough for forty thousand tags.
const MAX_VALUES: u32 = 200_000;

/// Integers beyond this are not exact in the reference implementation, which reads every number as a double.
const MAX_INTEGER: i64 = 1 << 53;

/// A JSON value; the members of an object are sorted by the bytes of their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Json<'a> {
    Null,
    Bool(bool),
    Integer(i64),
    Text(Cow<'a, str>),
    List(Vec<Self>),
    Object(Vec<(Cow<'a, str>, Self)>),
}

/// Reads one document that fills `bytes` to the end.
///
/// Refused: what is no JSON, duplicate members, fractions, integers beyond 2⁵³, lone surrogates, more than
/// `MAX_DEPTH` levels, more than `MAX_VALUES` values, and anything but blanks after the value.
pub(crate) fn parse(bytes: &[u8]) -> Result<Json<'_>, serde_json::Error> {
    let left = Cell::new(MAX_VALUES);
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Node {
        left: &left,
        depth: 0,
    }
    .deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// A value still to be read, and what the document may yet hold.
#[derive(Clone, Copy)]
struct Node<'l> {
    left: &'l Cell<u32>,
    depth: u8,
}

impl Node<'_> {
    fn count<E: serde::de::Error>(self) -> Result<(), E> {
        let left = self.left.get().checked_sub(1);
        self.left
            .set(left.ok_or_else(|| E::custom(format!("more than {MAX_VALUES} values")))?);
        Ok(())
    }

    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            return Err(E::custom(format!("more than {MAX_DEPTH} levels")));
        }
        Ok(Self {
            depth: self.depth + 1,
            ..self
        })
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Json<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json<'de>, D::Error> {
        self.count()?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json<'de>, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Json<'de>, E> {
        if value.unsigned_abs() > MAX_INTEGER.unsigned_abs() {
            return Err(E::custom(format!("the number {value} is out of range")));
        }
        Ok(Json::Integer(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Json<'de>, E> {
        let value = i64::try_from(value)
            .map_err(|_| E::custom(format!("the number {value} is out of range")))?;
        self.visit_i64(value)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Json<'de>, E> {
        Err(E::custom(format!(
            "the number {value} is no plain integer, which canonical JSON does not know"
        )))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json<'de>, E> {
        Ok(Json::Text(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json<'de>, A::Error> {
        let inner = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json<'de>, A::Error> {
        let inner = self.deeper()?;
        let mut members = Vec::new();
        while let Some(name) = entries.next_key_seed(Name)? {
            members.push((name, entries.next_value_seed(inner)?));
        }
        members.sort_by(|(a, _), (b, _)| a.as_bytes().cmp(b.as_bytes()));
        match members
            .iter()
            .zip(members.iter().skip(1))
            .find(|((a, _), (b, _))| a == b)
        {
            Some(((name, _), _)) => Err(A::Error::custom(format!(
                "the member `{}` twice",
                excerpt(name)
            ))),
            None => Ok(Json::Object(members)),
        }
    }
}

/// The name of a member, borrowed where it has no escapes.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Cow<'de, str>, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(value.to_owned()))
    }
}

fn excerpt(name: &str) -> String {
    name.chars().take(64).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        parse(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn members_are_sorted_by_bytes_and_escapes_are_undone() {
        let value = parse(br#"{"b":1,"a":"\u003c","B":[null,true]}"#).unwrap();
        let expected = Json::Object(vec![
            ("B".into(), Json::List(vec![Json::Null, Json::Bool(true)])),
            ("a".into(), Json::Text("<".into())),
            ("b".into(), Json::Integer(1)),
        ]);
        assert_eq!(value, expected);
    }

    #[test]
    fn what_canonical_json_cannot_say_is_refused() {
        for (text, reason) in [
            (r#"{"a":1,"a":1}"#, "twice"),
            (r#"{"a":1,"\u0061":1}"#, "twice"),
            ("1.5", "no plain integer"),
            ("9007199254740993", "out of range"),
            ("-9007199254740993", "out of range"),
            (r#""\ud800x""#, "hex escape"),
            (r#""\udc00\ud800""#, "surrogate"),
            ("{} x", "trailing"),
            ("", "EOF"),
            (r#"{"a":"#, "EOF"),
        ] {
            assert!(refused(text).contains(reason), "{text}: {}", refused(text));
        }
    }

    #[test]
    fn depth_and_count_are_bounded() {
        let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert!(parse(nested(32).as_bytes()).is_ok());
        assert!(refused(&nested(33)).contains("levels"));
        assert!(refused(&nested(1_000_000)).contains("levels"));
        let many = format!("[{}0]", "0,".repeat(200_000));
        assert!(refused(&many).contains("values"));
    }
}
