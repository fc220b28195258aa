use cise_signature::store::TrustState;

use crate::assert_message;

/// A record that is read and written again says the same.
pub(crate) fn trust_record(bytes: &[u8]) {
    match TrustState::from_json(bytes) {
        Ok(state) => assert_eq!(TrustState::from_json(state.to_json().as_bytes()), Ok(state)),
        Err(error) => assert_message(&error),
    }
}
