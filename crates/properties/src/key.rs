use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cise_signature::notary::fuzzing::key_of_der;
use cise_signature::notary::{PublicKey, Signer, SignerSecret};

use crate::{assert_message, first_line};

/// A key is the same key in DER and in PEM; a signer's name in the first line, with the key in the rest, names a role of that
/// signer alone.
pub(crate) fn key(bytes: &[u8]) {
    if let Some(key) = key_of_der(bytes) {
        let of_pem =
            ["PUBLIC KEY", "CERTIFICATE"].map(|label| PublicKey::from_pem(&pem(label, bytes)));
        assert!(of_pem.contains(&Ok(key)));
    }
    let (name, public_key) = first_line(bytes);
    let secret = SignerSecret {
        secret: "alice",
        name: Some(name),
        public_key: Some(public_key),
    };
    match Signer::from_secret(&secret) {
        Ok(signer) => {
            assert_eq!(signer.name().as_bytes(), name.trim_ascii_end());
            assert!(
                !signer.name().contains(['.', '\\', ' ', '%']),
                "{}",
                signer.name()
            );
        }
        Err(error) => assert_message(&error),
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        STANDARD.encode(der)
    )
}
