use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use url::Url;

/// The address of a trust server (Notary v1): an `https` URL with a host, and neither credentials, query nor fragment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrustServer(Url);

/// Why a text is no address of a trust server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TrustServerError {
    /// It is no URL.
    #[error("the trust server is no URL: {0}")]
    Malformed(#[from] url::ParseError),
    /// Evidence is fetched over TLS only.
    #[error("the trust server has the scheme `{scheme}`: expected `https`")]
    Scheme {
        /// The scheme.
        scheme: Box<str>,
    },
    /// It has parts that a trust server's address does not have. They are not shown, since they may be a secret.
    #[error(
        "the trust server has a user name, password, query or fragment: expected `https://host[:port][/path]`"
    )]
    Surplus,
    /// It is too long.
    #[error(
        "the trust server has {bytes} bytes: expected at most {}",
        TrustServer::MAX_BYTES
    )]
    TooLong {
        /// Its length.
        bytes: usize,
    },
}

impl TrustServer {
    /// The longest address, in bytes.
    pub const MAX_BYTES: usize = 2048;

    /// Parses the address of a trust server.
    pub fn parse(text: &str) -> Result<Self, TrustServerError> {
        if text.len() > Self::MAX_BYTES {
            return Err(TrustServerError::TooLong { bytes: text.len() });
        }
        let url = Url::parse(text)?;
        if url.scheme() != "https" {
            return Err(TrustServerError::Scheme {
                scheme: url.scheme().into(),
            });
        }
        let has_user = !url.username().is_empty() || url.password().is_some();
        if has_user || url.query().is_some() || url.fragment().is_some() {
            return Err(TrustServerError::Surplus);
        }
        Ok(Self(url))
    }

    /// The address.
    pub fn url(&self) -> &Url {
        &self.0
    }
}

impl fmt::Display for TrustServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for TrustServer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

impl<'de> Deserialize<'de> for TrustServer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(de::Error::custom)
    }
}

impl JsonSchema for TrustServer {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TrustServer".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"type": "string", "pattern": "^https://", "maxLength": Self::MAX_BYTES})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trust_server_is_an_https_url() {
        for text in [
            "https://notary.example.com",
            "https://icr.io:4443",
            "https://[::1]:4443/notary",
        ] {
            assert_eq!(
                TrustServer::parse(text)
                    .unwrap()
                    .to_string()
                    .trim_end_matches('/'),
                text
            );
        }
        for (text, expected) in [
            (
                "http://icr.io:4443",
                TrustServerError::Scheme {
                    scheme: "http".into(),
                },
            ),
            (
                "icr.io:4443",
                TrustServerError::Scheme {
                    scheme: "icr.io".into(),
                },
            ),
            ("https://user@icr.io", TrustServerError::Surplus),
            ("https://icr.io/?a=b", TrustServerError::Surplus),
            ("https://icr.io/#a", TrustServerError::Surplus),
            (
                "https://",
                TrustServerError::Malformed(url::ParseError::EmptyHost),
            ),
            (
                "",
                TrustServerError::Malformed(url::ParseError::RelativeUrlWithoutBase),
            ),
        ] {
            assert_eq!(TrustServer::parse(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn a_refusal_never_repeats_a_password() {
        let error = TrustServer::parse("https://alice:hunter2@icr.io").unwrap_err();
        assert!(!error.to_string().contains("hunter2"));
    }
}
