//! What stands at a place of an object.

use serde_json::Value;

/// The text there; empty, if there is none.
pub(super) fn text<'v>(value: &'v Value, place: &str) -> &'v str {
    let text = value.pointer(place).and_then(Value::as_str);
    text.unwrap_or_default()
}

/// The elements of the list there; none, if there is no list.
pub(super) fn list<'v>(value: &'v Value, place: &str) -> impl Iterator<Item = &'v Value> {
    let list = value.pointer(place).and_then(Value::as_array);
    list.into_iter().flatten()
}
