//! JSON that others read as well, checked before it is read: no key twice, no deep nesting, no endless lists.
//!
//! Two readers of a document with a key twice may see two documents, and what is verified must be what is run. Container
//! runtimes are written in Go, whose `encoding/json` finds a field whatever the case of the letters of its key, and takes
//! the last that fits. Newer readers of Go's, and this program, do not. So a key counts as the name that it can be taken for.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// What one kind of document may have.
#[derive(Clone, Copy, Debug)]
pub struct JsonForm {
    /// How deep objects and lists may nest.
    pub depth: usize,
    /// How many values there may be in all.
    pub values: usize,
    /// The names of fields that readers know, in ASCII. No other key may be taken for one of them.
    pub fields: &'static [&'static str],
    /// The names of objects whose keys are no fields, so that the case of their letters counts.
    pub maps: &'static [&'static str],
}

impl JsonForm {
    /// Checks that `json` is one document of this form in which no object has a key twice. The error is a sentence about the
    /// place; it repeats nothing but a key.
    pub fn check(&self, json: &[u8]) -> Result<(), serde_json::Error> {
        let mut left = self.values;
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        let checked = Check {
            form: self,
            depth: self.depth,
            left: &mut left,
            keys: Keys::Fields,
        }
        .deserialize(&mut deserializer);
        checked.and_then(|()| deserializer.end())
    }

    /// The field that some readers take `key` for, which is called otherwise.
    fn mistaken_for(&self, key: &str) -> Option<&'static str> {
        let folded = fold(key);
        let mut fields = self.fields.iter().copied();
        fields.find(|field| field.eq_ignore_ascii_case(&folded) && *field != key)
    }
}

/// A key in the letters by which it is compared. Names of fields are ASCII, so it matters only what becomes ASCII: beside
/// capitals the long s and the Kelvin sign, which fold in Unicode, and the dotted and the dotless i, which programs that
/// change the case of letters one by one take for it.
fn fold(key: &str) -> String {
    let folded = key.chars().map(|letter| match letter {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        '\u{130}' | '\u{131}' => 'i',
        letter => letter.to_ascii_lowercase(),
    });
    folded.collect()
}

struct Check<'a> {
    form: &'a JsonForm,
    depth: usize,
    left: &'a mut usize,
    keys: Keys,
}

/// What the keys of an object are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keys {
    /// Names of fields.
    Fields,
    /// Whatever somebody chose.
    Free,
}

impl Check<'_> {
    fn inner<E: Error>(&mut self, keys: Keys) -> Result<Check<'_>, E> {
        let depth = self
            .depth
            .checked_sub(1)
            .ok_or_else(|| E::custom("nested too deeply"))?;
        Ok(Check {
            form: self.form,
            depth,
            left: self.left,
            keys,
        })
    }

    /// What the keys of the object are that `key` leads to.
    fn keys_below(&self, key: &str) -> Keys {
        match self.keys {
            Keys::Fields if self.form.maps.contains(&key) => Keys::Free,
            _ => Keys::Fields,
        }
    }

    /// Notes a key of this object among those `seen`.
    fn note<E: Error>(&self, key: String, seen: &mut HashSet<String>) -> Result<(), E> {
        if self.keys == Keys::Fields
            && let Some(field) = self.form.mistaken_for(&key)
        {
            return Err(E::custom(format_args!(
                "the key `{}` is `{field}` to some readers and not to others",
                shown(&key)
            )));
        }
        let compared = match self.keys {
            Keys::Fields => fold(&key),
            Keys::Free => key,
        };
        match seen.replace(compared) {
            None => Ok(()),
            Some(key) => Err(E::custom(format_args!(
                "the key `{}` is there twice",
                shown(&key)
            ))),
        }
    }
}

fn shown(key: &str) -> String {
    key.chars().filter(|c| !c.is_control()).take(64).collect()
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
        let mut seen = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            let below = self.keys_below(&key);
            self.note(key, &mut seen)?;
            map.next_value_seed(self.inner(below)?)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        loop {
            let inner = self.inner(Keys::Fields)?;
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

    const FORM: JsonForm = JsonForm {
        depth: 3,
        values: 8,
        fields: &["layers", "config", "mediaType", "os.version", "diff_ids"],
        maps: &["annotations"],
    };

    #[test]
    fn only_documents_within_the_bounds_and_without_double_keys_pass() {
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
            assert_eq!(FORM.check(json.as_bytes()).is_ok(), passes, "{json}");
        }
    }

    #[test]
    fn a_key_that_some_readers_take_for_a_field_is_refused() {
        let table = [
            (r#"{"layers":1,"config":2,"mediaType":3}"#, None),
            (r#"{"Layers":1}"#, Some("`Layers` is `layers`")),
            (r#"{"layers":1,"Layers":2}"#, Some("`Layers` is `layers`")),
            (r#"{"layer\u017f":1}"#, Some("`layerſ` is `layers`")),
            ("{\"layerſ\":1}", Some("`layerſ` is `layers`")),
            (r#"{"conf\u0130g":1}"#, Some("is `config`")),
            (r#"{"conf\u0131g":1}"#, Some("is `config`")),
            (r#"{"MediaType":1}"#, Some("is `mediaType`")),
            (r#"{"mediatype":1}"#, Some("is `mediaType`")),
            (r#"{"OS.Version":1}"#, Some("is `os.version`")),
            (r#"{"Diff_IDs":1}"#, Some("is `diff_ids`")),
            (r#"{"diffIds":1}"#, None),
            (r#"[{"x":{"CONFIG":1}}]"#, Some("is `config`")),
            (r#"{"Unknown":1}"#, None),
            (r#"{"Unknown":1,"unknown":1}"#, Some("twice")),
            (r#"{"\u212aey":1,"key":1}"#, Some("twice")),
            (r#"{"é":1,"É":1}"#, None),
        ];
        for (json, why) in table {
            let checked = FORM.check(json.as_bytes());
            match why {
                None => assert!(checked.is_ok(), "{json}: {checked:?}"),
                Some(why) => {
                    let error = checked.expect_err(json).to_string();
                    assert!(error.contains(why), "{json}: {error}");
                }
            }
        }
    }

    #[test]
    fn the_case_of_free_keys_counts() {
        let table = [
            (
                r#"{"annotations":{"Layers":1,"layers":1,"a":1,"A":1}}"#,
                true,
            ),
            (r#"{"annotations":{"a":1,"a":1}}"#, false),
            (r#"{"annotations":{"x":{"Layers":1}}}"#, false),
            (r#"{"annotations":{"annotations":{"a":1,"A":1}}}"#, false),
            (r#"{"annotations":[{"a":1,"A":1}]}"#, false),
        ];
        for (json, passes) in table {
            assert_eq!(FORM.check(json.as_bytes()).is_ok(), passes, "{json}");
        }
    }
}
