//! YAML as a tree whose every part knows where it stands.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, Serializer};
use serde_saphyr::localizer::Localizer;
use serde_saphyr::{Location, MessageFormatter, Spanned, UserMessageFormatter};

use crate::place::Position;

/// A value with its place. `Debug` is left out on purpose: the value may be part of a Secret.
pub(crate) struct Node {
    pub(crate) position: Position,
    content: Content,
}

enum Content {
    Null,
    Bool(bool),
    Number(serde_json::Number),
    Text(Box<str>),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key of a map, and its value.
pub(crate) struct Entry {
    pub(crate) key: Box<str>,
    key_position: Position,
    pub(crate) value: Node,
}

/// What is wrong with a text that is no YAML.
pub(crate) struct SyntaxError {
    pub(crate) position: Position,
    pub(crate) why: String,
}

impl Node {
    /// Reads all documents of a text, in YAML or in JSON, which is YAML too. Empty documents are passed over.
    pub(crate) fn documents(text: &str) -> Result<Vec<Self>, SyntaxError> {
        serde_saphyr::from_multiple_with_options(text, options())
            .map_err(|error| SyntaxError::new(&error))
    }

    /// What stands for a text without any document.
    pub(crate) fn empty() -> Self {
        Self {
            position: Position::START,
            content: Content::Null,
        }
    }

    /// The value of a field of a map; nothing if it is absent or null.
    pub(crate) fn get(&self, field: &str) -> Option<&Self> {
        self.find(field)
            .map(|entry| &entry.value)
            .filter(|node| !matches!(node.content, Content::Null))
    }

    /// The entries, if it is a map.
    pub(crate) fn as_map(&self) -> Option<&[Entry]> {
        if let Content::Map(entries) = &self.content {
            Some(entries)
        } else {
            None
        }
    }

    /// The elements, if it is a list.
    pub(crate) fn as_list(&self) -> Option<&[Self]> {
        if let Content::List(elements) = &self.content {
            Some(elements)
        } else {
            None
        }
    }

    pub(crate) fn into_list(self) -> Vec<Self> {
        if let Content::List(elements) = self.content {
            elements
        } else {
            Vec::new()
        }
    }

    /// The text, if it is one.
    pub(crate) fn as_text(&self) -> Option<&str> {
        if let Content::Text(text) = &self.content {
            Some(text)
        } else {
            None
        }
    }

    /// Takes the value of a field out of a map.
    pub(crate) fn take(&mut self, field: &str) -> Option<Self> {
        let Content::Map(entries) = &mut self.content else {
            return None;
        };
        let index = entries.iter().position(|entry| &*entry.key == field)?;
        Some(entries.swap_remove(index).value)
    }

    /// Where the thing at the end of a path is, or as much of the path as there is: a field at its name, an element at its
    /// beginning.
    pub(crate) fn nearest<'a>(&self, path: impl IntoIterator<Item = &'a str>) -> Position {
        let (mut node, mut position) = (self, self.position);
        for step in path {
            (node, position) = match &node.content {
                Content::Map(_) => match node.find(step) {
                    Some(entry) => (&entry.value, entry.key_position),
                    None => return position,
                },
                Content::List(elements) => match step
                    .parse()
                    .ok()
                    .and_then(|index: usize| elements.get(index))
                {
                    Some(element) => (element, element.position),
                    None => return position,
                },
                _ => return position,
            };
        }
        position
    }

    fn find(&self, field: &str) -> Option<&Entry> {
        self.as_map()?.iter().find(|entry| &*entry.key == field)
    }
}

/// Far above what a cluster's objects need, and far below what hurts: an alias that stands for others costs as many nodes as
/// all of them.
fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: 64,
            max_documents: 10_000,
            max_nodes: 500_000,
            max_events: 2_000_000,
            max_total_scalar_bytes: crate::MAX_FILE_BYTES * 2,
        },
        with_snippet: false,
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Content>::deserialize(deserializer)?;
        Ok(Self {
            position: spanned.referenced.into(),
            content: spanned.value,
        })
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Content, E> {
        Ok(Content::Null)
    }

    fn visit_none<E>(self) -> Result<Content, E> {
        Ok(Content::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Content, D::Error> {
        Content::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Content, E> {
        Ok(Content::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Content, E> {
        Ok(Content::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Content, E> {
        Ok(Content::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Content, E> {
        serde_json::Number::from_f64(value)
            .map(Content::Number)
            .ok_or_else(|| E::custom("expected a finite number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Content, E> {
        Ok(Content::Text(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Content, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element()? {
            list.push(element);
        }
        Ok(Content::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Content, A::Error> {
        let mut map = Vec::new();
        while let Some((key, value)) = entries.next_entry::<Spanned<Box<str>>, Node>()? {
            map.push(Entry {
                key: key.value,
                key_position: key.referenced.into(),
                value,
            });
        }
        Ok(Content::Map(map))
    }
}

/// Without the places.
impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.content {
            Content::Null => serializer.serialize_unit(),
            Content::Bool(value) => serializer.serialize_bool(*value),
            Content::Number(value) => value.serialize(serializer),
            Content::Text(value) => serializer.serialize_str(value),
            Content::List(elements) => serializer.collect_seq(elements),
            Content::Map(entries) => {
                serializer.collect_map(entries.iter().map(|entry| (&entry.key, &entry.value)))
            }
        }
    }
}

impl SyntaxError {
    fn new(error: &serde_saphyr::Error) -> Self {
        let error = error.without_snippet();
        Self {
            position: error.location().map_or(Position::START, Position::from),
            why: UserMessageFormatter
                .with_localizer(&PlaceApart)
                .format_message(error)
                .into_owned(),
        }
    }
}

/// Keeps places out of the messages, because ours put them first.
struct PlaceApart;

impl Localizer for PlaceApart {
    fn attach_location<'a>(
        &self,
        base: std::borrow::Cow<'a, str>,
        _: Location,
    ) -> std::borrow::Cow<'a, str> {
        base
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documents(text: &str) -> Vec<Node> {
        Node::documents(text).unwrap_or_else(|error| panic!("{text}: {}", error.why))
    }

    fn fault(text: &str) -> (usize, usize, String) {
        let error = Node::documents(text).err().expect("a fault");
        (error.position.line, error.position.column, error.why)
    }

    #[test]
    fn every_document_knows_its_line_in_the_file() {
        let found =
            documents("# first\na: 1\n---\n---\n\nb:\n- c: d\n...\n---\n{\"e\":\n\t\"f\"}\n");
        let lines: Vec<usize> = found.iter().map(|node| node.position.line).collect();
        assert_eq!(lines, [2, 6, 10]);
        let json: Vec<String> = found
            .iter()
            .map(|node| serde_json::to_string(node).unwrap())
            .collect();
        assert_eq!(json, [r#"{"a":1}"#, r#"{"b":[{"c":"d"}]}"#, r#"{"e":"f"}"#]);
    }

    #[test]
    fn a_path_leads_to_the_place_or_as_near_as_there_is_something() {
        let found = documents("kind: Pod\nspec:\n  containers:\n  - name: a\n    image: nginx\n");
        let at = |path: &str| {
            let position = found[0].nearest(path.split('/').filter(|step| !step.is_empty()));
            (position.line, position.column)
        };
        for (path, expected) in [
            ("", (1, 1)),
            ("spec", (2, 1)),
            ("spec/containers/0", (4, 5)),
            ("spec/containers/0/image", (5, 5)),
            ("spec/containers/0/nothing", (4, 5)),
            ("spec/containers/7/image", (3, 3)),
            ("spec/containers/x", (3, 3)),
            ("kind/deeper", (1, 1)),
        ] {
            assert_eq!(at(path), expected, "{path}");
        }
    }

    #[test]
    fn a_fault_is_told_with_its_place_and_without_advice_for_programmers() {
        for (text, line, column, expected) in [
            ("a: [1,\n", 1, 4, "unclosed bracket '['"),
            (
                "a: b\n---\nc: d\nc: e\n",
                4,
                1,
                "duplicate mapping key `c` is not allowed here",
            ),
            (
                "a:\n  b: c\n d: e\n",
                3,
                2,
                "while parsing a block mapping, did not find expected key",
            ),
        ] {
            assert_eq!(fault(text), (line, column, expected.to_owned()), "{text}");
        }
        for text in [
            "{{ .Values.image }}\n",
            "a: \u{1}\n",
            "? [a]\n: b\n",
            "null: a\n",
            "a: *b\n",
            "{\"a\": 1} x\n",
            "a: .inf\n",
        ] {
            let (_, _, why) = fault(text);
            assert!(
                !why.contains("line") && !why.contains("Options") && !why.contains("Option<"),
                "{why}"
            );
        }
    }

    #[test]
    fn aliases_that_multiply_are_refused_before_they_fill_the_memory() {
        let level = |level: usize| {
            let aliases = vec![format!("*a{}", level - 1); 10].join(",");
            format!("a{level}: &a{level} [{aliases}]\n")
        };
        let nested: String = std::iter::once("a0: &a0 [x]\n".to_owned())
            .chain((1..12).map(level))
            .collect();
        let mut repeated = format!("a: &a {}\nb:\n", "x".repeat(1 << 20));
        repeated += &"- *a\n".repeat(90);
        let deep = "[".repeat(1000);
        for text in [nested, repeated, deep] {
            assert!(Node::documents(&text).is_err(), "{}", &text[..20]);
        }
    }
}
