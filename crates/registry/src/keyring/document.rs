//! The two documents that pull secrets hold.

use std::fmt::Display;
use std::sync::Arc;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value};

use super::Entry;
use super::key::RegistryKey;
use crate::credential::{Candidate, Credential};

/// The most bytes of a document: a Kubernetes Secret has at most 1 MiB.
const MAX_BYTES: usize = 1024 * 1024;
/// The most registries in a document.
const MAX_ENTRIES: usize = 1000;

/// A docker configuration, as it is in a pull secret.
#[derive(Clone, Debug)]
pub struct DockerConfig {
    entries: Vec<Entry>,
}

/// A docker configuration that cannot be read. No error repeats what may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DockerConfigError {
    /// It is larger than a Secret can be.
    #[error("{origin}: larger than 1 MiB")]
    TooLarge {
        /// Where the document comes from.
        origin: Arc<str>,
    },
    /// More registries than anybody has.
    #[error("{origin}: more than {MAX_ENTRIES} registries")]
    TooMany {
        /// Where the document comes from.
        origin: Arc<str>,
    },
    /// It is no JSON.
    #[error("{origin}: not JSON, at line {line}, column {column}")]
    NotJson {
        /// Where the document comes from.
        origin: Arc<str>,
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// A field is not of the expected type.
    #[error("{origin}: {field}: expected {expected}")]
    Type {
        /// Where the document comes from.
        origin: Arc<str>,
        /// The field's path.
        field: String,
        /// What it should be.
        expected: &'static str,
    },
    /// An `auth` that is not the base64 of a user name, a colon and a password.
    #[error("{origin}: auths[{key:?}].auth: expected the base64 of `username:password`")]
    Auth {
        /// Where the document comes from.
        origin: Arc<str>,
        /// The registry's key.
        key: String,
    },
}

impl DockerConfig {
    /// Reads a `.dockerconfigjson` (a docker `config.json`): registries below `auths`. `origin` names the document for people,
    /// as in `Secret team/pull`.
    pub fn from_config_json(origin: &str, json: &[u8]) -> Result<Self, DockerConfigError> {
        let reader = Reader {
            origin: origin.into(),
        };
        let root = reader.json(json)?;
        let Some(root) = reader.object(&root, "the document")? else {
            return Ok(Self {
                entries: Vec::new(),
            });
        };
        reader.registries(field(root, "auths").unwrap_or(&Value::Null), "auths")
    }

    /// Reads a `.dockercfg`: registries at the top.
    pub fn from_dockercfg(origin: &str, json: &[u8]) -> Result<Self, DockerConfigError> {
        let reader = Reader {
            origin: origin.into(),
        };
        let root = reader.json(json)?;
        reader.registries(&root, "the document")
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

struct Reader {
    origin: Arc<str>,
}

impl Reader {
    fn json(&self, json: &[u8]) -> Result<Value, DockerConfigError> {
        if json.len() > MAX_BYTES {
            return Err(DockerConfigError::TooLarge {
                origin: Arc::clone(&self.origin),
            });
        }
        serde_json::from_slice(json).map_err(|error| DockerConfigError::NotJson {
            origin: Arc::clone(&self.origin),
            line: error.line(),
            column: error.column(),
        })
    }

    fn registries(&self, auths: &Value, path: &str) -> Result<DockerConfig, DockerConfigError> {
        let Some(auths) = self.object(auths, path)? else {
            return Ok(DockerConfig {
                entries: Vec::new(),
            });
        };
        if auths.len() > MAX_ENTRIES {
            return Err(DockerConfigError::TooMany {
                origin: Arc::clone(&self.origin),
            });
        }
        let entries = auths.iter().map(|(key, value)| self.registry(key, value));
        Ok(DockerConfig {
            entries: entries
                .filter_map(Result::transpose)
                .collect::<Result<_, _>>()?,
        })
    }

    /// One registry; nothing where there is no credential, or where the key is passed over.
    fn registry(&self, key: &str, value: &Value) -> Result<Option<Entry>, DockerConfigError> {
        let path = format!("auths[{key:?}]");
        let Some(fields) = self.object(value, &path)? else {
            return Ok(None);
        };
        let credential = self.credential(key, fields)?;
        let parsed = RegistryKey::parse(key);
        if parsed.is_none() {
            tracing::debug!(origin = %self.origin, key, "a registry key that is no URL is passed over, as the kubelet does");
        }
        Ok(parsed.zip(credential).map(|(parsed, credential)| {
            let candidate = Candidate {
                credential,
                origin: format!("{}, {key}", self.origin).into(),
            };
            Entry {
                key: parsed,
                candidate,
            }
        }))
    }

    fn credential(
        &self,
        key: &str,
        fields: &Map<String, Value>,
    ) -> Result<Option<Credential>, DockerConfigError> {
        let text = |name: &str| self.text(fields, name, || format!("auths[{key:?}].{name}"));
        let (auth, identity, registry) = (
            text("auth")?,
            text("identitytoken")?,
            text("registrytoken")?,
        );
        let (username, password) = (text("username")?, text("password")?);
        // `auth` is read, and may be refused, whatever else is there.
        let (username, password) = match auth {
            "" => (username.to_owned(), password.to_owned()),
            auth => decode_auth(auth).ok_or_else(|| DockerConfigError::Auth {
                origin: Arc::clone(&self.origin),
                key: key.to_owned(),
            })?,
        };
        Ok(match (registry, identity) {
            ("", "") if username.is_empty() && password.is_empty() => None,
            // What docker's credential helpers put for the name where the secret is an identity token.
            ("", "") if username == "<token>" => Some(Credential::identity_token(password.into())),
            ("", "") => Some(Credential::basic(&username, password.into())),
            ("", identity) => Some(Credential::identity_token(identity.into())),
            (registry, _) => Some(Credential::registry_token(registry.into())),
        })
    }

    fn text<'v>(
        &self,
        fields: &'v Map<String, Value>,
        name: &str,
        path: impl Fn() -> String,
    ) -> Result<&'v str, DockerConfigError> {
        match field(fields, name) {
            None | Some(Value::Null) => Ok(""),
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(self.type_error(path(), "a string")),
        }
    }

    fn object<'v>(
        &self,
        value: &'v Value,
        path: &str,
    ) -> Result<Option<&'v Map<String, Value>>, DockerConfigError> {
        match value {
            Value::Null => Ok(None),
            Value::Object(fields) => Ok(Some(fields)),
            _ => Err(self.type_error(path, "an object")),
        }
    }

    fn type_error(&self, field: impl Display, expected: &'static str) -> DockerConfigError {
        DockerConfigError::Type {
            origin: Arc::clone(&self.origin),
            field: field.to_string(),
            expected,
        }
    }
}

/// A field by its name; in another case where there is none in this, as Go's decoder does.
fn field<'v>(fields: &'v Map<String, Value>, name: &str) -> Option<&'v Value> {
    fields.get(name).or_else(|| {
        let mut others = fields
            .iter()
            .filter(|(key, _)| key.eq_ignore_ascii_case(name));
        others.next().map(|(_, value)| value)
    })
}

/// Reads base64 as Go does, with padding or without, over line ends and with loose last bits, and splits at the first colon.
fn decode_auth(auth: &str) -> Option<(String, String)> {
    let engine = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true),
    );
    let compact: String = auth
        .trim()
        .chars()
        .filter(|c| !matches!(c, '\r' | '\n'))
        .collect();
    let decoded = String::from_utf8(engine.decode(compact).ok()?).ok()?;
    let (username, password) = decoded.split_once(':')?;
    // Docker's own reader cuts NULs off the password.
    Some((
        username.to_owned(),
        password.trim_end_matches('\0').to_owned(),
    ))
}
