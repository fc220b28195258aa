//! JSON from a server, checked before it is read: no key twice, no deep nesting, no endless lists.
//!
//! Two readers of a document with a key twice may see two documents, and what is verified must be what is run.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Bounds of a document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// How deep objects and lists may nest.
    pub(crate) depth: usize,
    /// How many values there may be in all.
    pub(crate) values: usize,
}

/// Checks that `json` is one JSON document within `bounds` in which no object has a key twice. The error is a sentence about
/// the place; it repeats nothing but a key.
pub(crate) fn check(json: &[u8], bounds: Bounds) -> Result<(), String> {
    let mut left = bounds.values;
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let checked = Check {
        depth: bounds.depth,
        left: &mut left,
    }
    .deserialize(&mut deserializer);
    checked
        .and_then(|()| deserializer.end())
        .map_err(|error| error.to_string())
}

struct Check<'a> {
    depth: usize,
    left: &'a mut usize,
}

impl Check<'_> {
    fn inner<E: Error>(&mut self) -> Result<Check<'_>, E> {
        let depth = self
            .depth
            .checked_sub(1)
            .ok_or_else(|| E::custom("nested too deeply"))?;
        Ok(Check {
            depth,
            left: self.left,
        })
    }
}

impl<'de> DeserializeSeed<'de> for Check<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        *self.left = self
            .left
            .checked_sub(1)
            .ok_or_else(|| D::Error::custom("too many values"))?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Check<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let mut keys = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            let inner = self.inner()?;
            map.next_value_seed(inner)?;
            if let Some(key) = keys.replace(key) {
                let shown: String = key.chars().filter(|c| !c.is_control()).take(64).collect();
                return Err(A::Error::custom(format_args!(
                    "the key `{shown}` is there twice"
                )));
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        loop {
            let inner = self.inner()?;
            if list.next_element_seed(inner)?.is_none() {
                return Ok(());
            }
        }
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_documents_within_the_bounds_and_without_double_keys_pass() {
        let bounds = Bounds {
            depth: 3,
            values: 8,
        };
        let table = [
            ("{}", true),
            (r#"{"a":[1,2.5,"x",null,true]}"#, true),
            (r#"{"a":{"a":{"a":1}}}"#, true),
            (r#"{"a":{"a":{"a":{"a":1}}}}"#, false),
            (r#"{"a":1,"b":2,"a":3}"#, false),
            (r#"{"a":1,"\u0061":3}"#, false),
            (r#"[{"a":{"b":1,"b":1}}]"#, false),
            ("[1,2,3,4,5,6,7]", true),
            ("[1,2,3,4,5,6,7,8]", false),
            ("{} {}", false),
            ("{", false),
            ("", false),
        ];
        for (json, passes) in table {
            assert_eq!(check(json.as_bytes(), bounds).is_ok(), passes, "{json}");
        }
    }
}
