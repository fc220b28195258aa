//! Secrets, as `kubectl` writes them.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cise_admission::SecretData;

use crate::ManifestError;
use crate::node::Entry;
use crate::object::Object;

const DEFAULT_TYPE: &str = "Opaque";

/// The content of a Secret: `data`, and over it `stringData`.
pub(crate) fn read(object: &Object, namespace: &str) -> Result<SecretData, ManifestError> {
    let kind = match object.node.get("type") {
        None => DEFAULT_TYPE,
        Some(kind) => kind
            .as_text()
            .ok_or_else(|| object.fault("type", "a string"))?,
    };
    let mut values = BTreeMap::new();
    for entry in entries(object, "data")? {
        let value = entry.value.as_text().and_then(decode);
        let value =
            value.ok_or_else(|| object.fault(&format!("data.{}", entry.key), "text in base64"))?;
        values.insert(entry.key.to_string(), value);
    }
    for entry in entries(object, "stringData")? {
        let value = entry.value.as_text();
        let value =
            value.ok_or_else(|| object.fault(&format!("stringData.{}", entry.key), "a string"))?;
        values.insert(entry.key.to_string(), value.as_bytes().to_vec());
    }
    Ok(SecretData::new(namespace, &*object.name, kind, values))
}

fn entries<'o>(object: &'o Object, field: &'static str) -> Result<&'o [Entry], ManifestError> {
    match object.node.get(field) {
        None => Ok(&[]),
        Some(map) => map
            .as_map()
            .ok_or_else(|| object.fault(field, "a map of keys and values")),
    }
}

/// Like Go's decoder, which Kubernetes uses, this one passes over line breaks.
fn decode(text: &str) -> Option<Vec<u8>> {
    let text: String = text
        .chars()
        .filter(|character| !matches!(character, '\n' | '\r'))
        .collect();
    STANDARD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Manifest;

    fn secret(fields: &str) -> Result<SecretData, String> {
        let text = format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: alice, namespace: team}}\n{fields}"
        );
        let manifest = Manifest::read_from("secret.yaml", text.as_bytes()).unwrap();
        read(&Object::all_of(&manifest).unwrap()[0], "team").map_err(|error| error.to_string())
    }

    #[test]
    fn plain_values_come_over_encoded_ones() {
        let found = secret(
            "data:\n  name: YWxpY2U=\n  key: |\n    YWJj\n    ZGVm\nstringData:\n  name: bob\n",
        )
        .unwrap();
        assert_eq!(format!("{found:?}"), "Secret team/alice of type Opaque");
        assert_eq!(found.get("name"), Some(&b"bob"[..]));
        assert_eq!(found.get("key"), Some(&b"abcdef"[..]));
        assert_eq!(found.get("other"), None);
        let found = secret("type: kubernetes.io/dockercfg\ndata: null\n").unwrap();
        assert_eq!(
            format!("{found:?}"),
            "Secret team/alice of type kubernetes.io/dockercfg"
        );
    }

    #[test]
    fn a_malformed_secret_is_refused_with_its_field_and_never_with_its_value() {
        for (fields, expected) in [
            (
                "data:\n  key: hunter2!\n",
                "secret.yaml:5:3: Secret team/alice: data.key: expected text in base64",
            ),
            (
                "data:\n  key: [hunter2]\n",
                "secret.yaml:5:3: Secret team/alice: data.key: expected text in base64",
            ),
            (
                "data: hunter2\n",
                "secret.yaml:4:1: Secret team/alice: data: expected a map of keys and values",
            ),
            (
                "stringData:\n  key: 12345\n",
                "secret.yaml:5:3: Secret team/alice: stringData.key: expected a string",
            ),
            (
                "type: {a: b}\n",
                "secret.yaml:4:1: Secret team/alice: type: expected a string",
            ),
        ] {
            assert_eq!(secret(fields).unwrap_err(), expected, "{fields}");
        }
    }
}
