//! Canonical JSON, the bytes that signatures and key ids are made over.
//!
//! The variant of Notary v1 (`github.com/docker/go/canonical/json`): members sorted by the bytes of their names, no
//! blanks, integers only, and in strings nothing escaped but the quotation mark and the backslash.

use super::json::Json;

/// The canonical form of a value.
pub(crate) fn encode(value: &Json<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    write_value(&mut out, value);
    out
}

// Recursion is bounded by the depth that the parser allows.
fn write_value(out: &mut Vec<u8>, value: &Json<'_>) {
    match value {
        Json::Null => out.extend_from_slice(b"null"),
        Json::Bool(true) => out.extend_from_slice(b"true"),
        Json::Bool(false) => out.extend_from_slice(b"false"),
        Json::Integer(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Json::Text(text) => write_text(out, text),
        Json::List(items) => {
            write_separated(out, (b'[', b']'), items, |out, item| write_value(out, item));
        }
        Json::Object(members) => {
            write_separated(out, (b'{', b'}'), members, |out, (name, member)| {
                write_text(out, name);
                out.push(b':');
                write_value(out, member);
            });
        }
    }
}

fn write_separated<T>(
    out: &mut Vec<u8>,
    (open, close): (u8, u8),
    items: &[T],
    write: impl Fn(&mut Vec<u8>, &T),
) {
    out.push(open);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(close);
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for byte in text.bytes() {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::super::json;
    use super::*;

    #[test]
    fn the_form_is_that_of_the_reference_implementation() {
        for (given, canonical) in [
            (
                "{ \"b\" : 2 , \"a\" : [ 1 , -5 , null , true , false ] }",
                r#"{"a":[1,-5,null,true,false],"b":2}"#,
            ),
            (r#""\u003c\u003e\u0026\u2028é""#, "\"<>&\u{2028}é\""),
            (r#""\"\\\/\n\u0001""#, "\"\\\"\\\\/\n\u{1}\""),
            (r#"{"é":1,"z":1,"Z":1,"":1}"#, r#"{"":1,"Z":1,"z":1,"é":1}"#),
            ("[[],{}]", "[[],{}]"),
        ] {
            let value = json::parse(given.as_bytes()).unwrap();
            assert_eq!(
                String::from_utf8(encode(&value)).unwrap(),
                canonical,
                "{given}"
            );
        }
    }
}
