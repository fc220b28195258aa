use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::excerpt::excerpt;

/// The name of a Secret: a lower-case DNS subdomain of at most 253 bytes (RFC 1123, as Kubernetes applies it to names).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretName(Box<str>);

/// Why a text names nothing in Kubernetes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// It is no name of an object.
    #[error("`{}` is no name of an object: expected 1 to 253 lower-case letters, digits, `-` and `.`, each part between dots beginning and ending with a letter or digit", excerpt(.0))]
    Object(Box<str>),
    /// It is no name of a namespace.
    #[error("`{}` is no name of a namespace: expected 1 to 63 lower-case letters, digits and `-`, beginning and ending with a letter or digit", excerpt(.0))]
    Namespace(Box<str>),
}

impl SecretName {
    /// Parses the name of a Secret.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        check_name(text)?;
        Ok(Self(text.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of a namespace: a lower-case DNS label of at most 63 bytes (RFC 1123, as Kubernetes applies it to namespaces).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Namespace(Box<str>);

impl Namespace {
    /// Parses the name of a namespace.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        check_namespace(text)?;
        Ok(Self(text.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Checks the name of an object: a DNS subdomain (RFC 1123).
pub fn check_name(text: &str) -> Result<(), NameError> {
    if text.len() <= 253 && text.split('.').all(is_label) {
        Ok(())
    } else {
        Err(NameError::Object(text.into()))
    }
}

/// Checks the name of a namespace: a DNS label (RFC 1123).
pub(crate) fn check_namespace(text: &str) -> Result<(), NameError> {
    if text.len() <= 63 && is_label(text) {
        Ok(())
    } else {
        Err(NameError::Namespace(text.into()))
    }
}

fn is_label(text: &str) -> bool {
    let is_alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    !text.is_empty()
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text
            .bytes()
            .all(|byte| is_alphanumeric(byte) || byte == b'-')
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for SecretName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for SecretName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

impl JsonSchema for SecretName {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SecretName".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "minLength": 1, "maxLength": 253})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_a_name_that_kubernetes_accepts() {
        for name in ["a", "alice", "alice-key.v1", "0", &"a".repeat(253)] {
            assert_eq!(SecretName::parse(name).unwrap().as_str(), name);
        }
        for name in [
            "",
            "Alice",
            "-a",
            "a-",
            "a..b",
            ".a",
            "a/b",
            "../a",
            "a b",
            "é",
            &"a".repeat(254),
        ] {
            assert!(SecretName::parse(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_namespace_is_one_label() {
        assert!(check_namespace("kube-system").is_ok());
        assert_eq!(
            Namespace::parse("kube-system").unwrap().as_str(),
            "kube-system"
        );
        for name in ["", "a.b", "Team", "a/b", &"a".repeat(64)] {
            assert!(check_namespace(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_message_shows_a_bounded_and_escaped_text() {
        let message = check_name(&"\n".repeat(9999)).unwrap_err().to_string();
        assert!(!message.contains('\n') && message.len() < 512, "{message}");
    }
}
