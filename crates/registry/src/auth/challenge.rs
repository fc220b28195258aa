//! The `WWW-Authenticate` header (RFC 9110 §11.6.1), as registries write it.

use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;

const MAX_BYTES: usize = 8 * 1024;
const MAX_CHALLENGES: usize = 16;
const MAX_PARAMETERS: usize = 32;

/// What a server wants to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// A token of a token server.
    Bearer(Bearer),
    /// A user name and a password.
    Basic,
}

/// Where to get a token, and for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bearer {
    /// The token server's URL.
    pub(crate) realm: String,
    /// For whom the token is.
    pub(crate) service: Option<String>,
    /// What it shall permit.
    pub(crate) scope: Option<String>,
}

/// A challenge that cannot be understood or met.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChallengeError {
    /// It is larger than any real one.
    #[error("its WWW-Authenticate header is too large")]
    TooLarge,
    /// It is not written as the standard says.
    #[error("its WWW-Authenticate header cannot be read")]
    Malformed,
    /// It names neither of the schemes that we know.
    #[error("it asks for authentication other than Basic and Bearer")]
    UnknownScheme,
    /// The realm is no URL of a server.
    #[error("the token server that it names is not a URL")]
    BadRealm,
    /// The token server is on a host to which no credential may go, and an anonymous token is not enough.
    #[error(
        "it sends us to the token server {realm}, which is not its own and gets no credentials"
    )]
    ForeignRealm {
        /// The host of the token server.
        realm: String,
    },
    /// The credential is of a kind that the scheme has no use for.
    #[error("it asks for a user name and a password, and the credential is a token")]
    TokenForBasic,
}

impl Challenge {
    /// Reads the challenges of an answer and takes the one that can be met best: Bearer, else Basic; nothing if there is no
    /// challenge at all.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Option<Self>, ChallengeError> {
        let mut values = Vec::new();
        for value in headers.get_all(WWW_AUTHENTICATE) {
            values.push(value.to_str().map_err(|_| ChallengeError::Malformed)?);
        }
        Self::choose(&values)
    }

    fn choose(values: &[&str]) -> Result<Option<Self>, ChallengeError> {
        if values.iter().map(|value| value.len()).sum::<usize>() > MAX_BYTES {
            return Err(ChallengeError::TooLarge);
        }
        let mut parsed = Vec::new();
        for value in values {
            Parser { rest: value }.challenges(&mut parsed)?;
        }
        if parsed.is_empty() {
            return Ok(None);
        }
        let bearer = parsed.iter().find_map(Parsed::bearer);
        let basic = || {
            parsed
                .iter()
                .any(|challenge| challenge.is("basic"))
                .then_some(Self::Basic)
        };
        bearer
            .or_else(basic)
            .map(Some)
            .ok_or(ChallengeError::UnknownScheme)
    }
}

#[derive(Debug)]
struct Parsed<'a> {
    scheme: &'a str,
    parameters: Vec<(&'a str, String)>,
}

impl Parsed<'_> {
    fn is(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme)
    }

    fn bearer(&self) -> Option<Challenge> {
        let realm = self
            .is("bearer")
            .then(|| self.parameter("realm"))
            .flatten()?;
        let (service, scope) = (self.parameter("service"), self.parameter("scope"));
        Some(Challenge::Bearer(Bearer {
            realm,
            service,
            scope,
        }))
    }

    fn parameter(&self, name: &str) -> Option<String> {
        let mut found = self
            .parameters
            .iter()
            .filter(|(key, _)| key.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.clone())
    }
}

struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    /// A comma ends a parameter or a challenge alike; a word that no `=` follows begins a new challenge.
    fn challenges(mut self, found: &mut Vec<Parsed<'a>>) -> Result<(), ChallengeError> {
        loop {
            self.skip(|c| c == ',' || is_blank(c));
            if self.rest.is_empty() {
                return Ok(());
            }
            let word = self.word()?;
            self.skip(is_blank);
            if let Some(rest) = self.rest.strip_prefix('=') {
                self.rest = rest;
                let challenge = found
                    .last_mut()
                    .filter(|challenge| challenge.parameters.len() < MAX_PARAMETERS);
                challenge
                    .ok_or(ChallengeError::Malformed)?
                    .parameters
                    .push((word, self.value()?));
            } else if found.len() < MAX_CHALLENGES {
                found.push(Parsed {
                    scheme: word,
                    parameters: Vec::new(),
                });
                self.skip_token68();
            } else {
                return Err(ChallengeError::Malformed);
            }
        }
    }

    fn word(&mut self) -> Result<&'a str, ChallengeError> {
        let end = self.rest.find(|c| !is_token(c)).unwrap_or(self.rest.len());
        if end == 0 {
            Err(ChallengeError::Malformed)
        } else {
            Ok(self.take(end))
        }
    }

    /// A quoted string, or what stands unquoted up to the next comma or blank: URLs too, although the grammar wants quotes.
    fn value(&mut self) -> Result<String, ChallengeError> {
        self.skip(is_blank);
        let Some(quoted) = self.rest.strip_prefix('"') else {
            let end = self
                .rest
                .find(|c| c == ',' || is_blank(c))
                .unwrap_or(self.rest.len());
            return Ok(self.take(end).to_owned());
        };
        let mut value = String::new();
        let mut characters = quoted.char_indices();
        while let Some((at, character)) = characters.next() {
            match character {
                '"' => {
                    self.rest = quoted.get(at + 1..).unwrap_or_default();
                    return Ok(value);
                }
                '\\' => value.extend(characters.next().map(|(_, escaped)| escaped)),
                other => value.push(other),
            }
        }
        Err(ChallengeError::Malformed)
    }

    /// Some schemes carry one opaque word instead of parameters (`Negotiate YII…==`).
    fn skip_token68(&mut self) {
        self.skip(is_blank);
        let end = self
            .rest
            .find(|c| c == ',' || is_blank(c))
            .unwrap_or(self.rest.len());
        let (word, after) = self.rest.split_at(end);
        let unpadded = word.trim_end_matches('=');
        let is_token68 = !unpadded.is_empty()
            && unpadded
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-._~+/".contains(c));
        let after_blanks = after.trim_start_matches(is_blank);
        if is_token68 && (after_blanks.is_empty() || after_blanks.starts_with(',')) {
            self.rest = after;
        }
    }

    fn skip(&mut self, skipped: impl Fn(char) -> bool) {
        self.rest = self.rest.trim_start_matches(skipped);
    }

    fn take(&mut self, end: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }
}

fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t')
}

/// RFC 9110 §5.6.2.
fn is_token(character: char) -> bool {
    character.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Challenge {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Challenge::Bearer(Bearer {
            realm: realm.to_owned(),
            service: owned(service),
            scope: owned(scope),
        })
    }

    #[test]
    fn challenges_are_read_in_every_way_that_servers_write_them() {
        let full = bearer("https://auth/t", Some("reg"), Some("repository:a:pull"));
        let table: [(&[&str], Option<Challenge>); 17] = [
            (&[], None),
            (&[""], None),
            (
                &[r#"Bearer realm="https://auth/t",service="reg",scope="repository:a:pull""#],
                Some(full.clone()),
            ),
            (
                &[r#"bearer Realm="https://auth/t" , SERVICE="reg" ,scope="repository:a:pull""#],
                Some(full.clone()),
            ),
            (
                &[r#"BEARER realm = "https://auth/t", service= reg, scope ="repository:a:pull""#],
                Some(full.clone()),
            ),
            (
                &["Bearer realm=https://auth/t,service=reg,scope=repository:a:pull"],
                Some(full.clone()),
            ),
            (
                &[r#"Bearer realm="https://auth/t" service="reg" scope="repository:a:pull""#],
                Some(full.clone()),
            ),
            (
                &[r#"Basic realm="x", Bearer realm="https://auth/t""#],
                Some(bearer("https://auth/t", None, None)),
            ),
            (
                &[r#"Bearer realm="https://auth/t", Basic realm="x""#],
                Some(bearer("https://auth/t", None, None)),
            ),
            (
                &["Basic realm=x", r#"Bearer realm="https://auth/t""#],
                Some(bearer("https://auth/t", None, None)),
            ),
            (&["Negotiate", "Basic realm=x"], Some(Challenge::Basic)),
            (
                &["Negotiate YIIabc/+==, Basic realm=x"],
                Some(Challenge::Basic),
            ),
            (&["Basic"], Some(Challenge::Basic)),
            (
                &[r#"Basic realm="a \"quoted\", odd one""#],
                Some(Challenge::Basic),
            ),
            (
                &[r#"Bearer realm="https://auth/t?a=\"b\",c""#],
                Some(bearer(r#"https://auth/t?a="b",c"#, None, None)),
            ),
            (
                &[r#"Bearer realm="https://auth/t",error="invalid_token","#],
                Some(bearer("https://auth/t", None, None)),
            ),
            (&[r"Bearer, Basic realm=x"], Some(Challenge::Basic)),
        ];
        for (values, expected) in table {
            assert_eq!(Challenge::choose(values), Ok(expected), "{values:?}");
        }
    }

    #[test]
    fn what_is_no_challenge_is_refused() {
        let long = format!("Basic realm=\"{}\"", "x".repeat(MAX_BYTES));
        let many = "Basic realm=x,".repeat(MAX_CHALLENGES + 1);
        let parameters = format!("Basic {}", "a=b,".repeat(MAX_PARAMETERS + 1));
        let table = [
            (r#"Bearer realm="https://auth/t"#, ChallengeError::Malformed),
            (r#"="x""#, ChallengeError::Malformed),
            (r#"realm="x""#, ChallengeError::Malformed),
            (r"Bearer realm", ChallengeError::UnknownScheme),
            ("Negotiate", ChallengeError::UnknownScheme),
            ("Bearer", ChallengeError::UnknownScheme),
            (&long, ChallengeError::TooLarge),
            (&many, ChallengeError::Malformed),
            (&parameters, ChallengeError::Malformed),
        ];
        for (value, expected) in table {
            assert_eq!(Challenge::choose(&[value]), Err(expected), "{value:.80}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_header_makes_the_parser_panic(value in r#"(Basic|Bearer|[ -~]|[a-z]+="?|\\"|[,= "]){0,40}"#) {
            let _ = Challenge::choose(&[&value]);
        }
    }
}
