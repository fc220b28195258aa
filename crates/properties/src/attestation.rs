use cise_reference::Digest;
use cise_signature::attestation::fuzzing::{is_about, payload};
use cise_signature::attestation::{Attestation, AttestationError, Carrier, Statement, TrustedKeys};

use crate::assert_message;

/// What carries an attestation: what is signed ends with what is said, and where nobody is trusted nothing is attested. A statement is
/// about what it names, and not about what has another digest.
pub(crate) fn attestation(bytes: &[u8]) {
    for carrier in [Carrier::Envelope, Carrier::Bundle] {
        match carrier.open(bytes) {
            Ok(envelope) => {
                assert!(envelope.signed_bytes().ends_with(payload(&envelope)));
                statement(payload(&envelope));
            }
            Err(error) => assert_message(&error),
        }
        let attested = Attestation::verify(carrier, bytes, &TrustedKeys::default());
        assert!(matches!(attested, Err(AttestationError::Unsigned(_))));
    }
    statement(bytes);
}

fn statement(payload: &[u8]) {
    match Statement::parse(payload) {
        Ok(statement) => {
            let absent = Digest::sha256([0x5a; 32]);
            let text = String::from_utf8_lossy(payload);
            // A digit may be written as an escape, so that only what is not about it is certain.
            if !text.contains('\\') && !text.contains(absent.hex()) {
                assert!(!is_about(&statement, &absent));
            }
        }
        Err(error) => assert_message(&error),
    }
}
