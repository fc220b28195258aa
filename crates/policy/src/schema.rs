use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value};

/// Fits the schema of an object to Kubernetes.
///
/// The API server keeps fields that it does not know. It would else prune them before admission, and a misspelt requirement
/// would silently be none; kept, they are refused by whoever reads the policy. (`additionalProperties: false`, which goes, is
/// not allowed in a structural schema.) Descriptions are one line each, as `kubectl explain` breaks lines itself.
pub fn for_kubernetes(schema: &mut Schema) {
    schema.remove("additionalProperties");
    schema.insert("x-kubernetes-preserve-unknown-fields".into(), true.into());
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    for property in properties.into_iter().flat_map(Map::values_mut) {
        let description = property.get_mut("description");
        if let Some(Value::String(text)) = description {
            *text = text.replace('\n', " ");
        }
    }
}

/// The schema of an object whose content is checked by whoever verifies it.
pub(crate) fn opaque_object(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["object", "null"],
        "x-kubernetes-preserve-unknown-fields": true,
    })
}

/// The schema of a list of such objects.
pub(crate) fn opaque_list(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": ["array", "null"],
        "items": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
    })
}

#[cfg(test)]
mod tests;
