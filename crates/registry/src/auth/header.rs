//! The `Authorization` header.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;

/// What should be shown has characters that no header may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotAHeader;

pub(super) fn bearer(token: &str) -> Result<HeaderValue, NotAHeader> {
    sensitive(&format!("Bearer {token}"))
}

pub(super) fn basic(username: &str, password: &str) -> Result<HeaderValue, NotAHeader> {
    let encoded = STANDARD.encode(format!("{username}:{password}"));
    sensitive(&format!("Basic {encoded}"))
}

/// A header that the HTTP stack neither prints nor indexes.
fn sensitive(text: &str) -> Result<HeaderValue, NotAHeader> {
    let mut value = HeaderValue::from_str(text).map_err(|_| NotAHeader)?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_prints_no_token() {
        let header = bearer("hunter2").expect("a header");
        assert!(!format!("{header:?}").contains("hunter2"));
    }
}
