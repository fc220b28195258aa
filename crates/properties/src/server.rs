use std::time::Duration;

/// Whatever a caller asks for, the decision comes before the answer, and the answer within the 30 seconds that the API server
/// waits at most.
pub(crate) fn timeout(bytes: &[u8]) {
    let Ok(query) = str::from_utf8(bytes) else {
        return;
    };
    if let Some((decision, answer)) = cise_server::fuzzing::timeout(query) {
        assert!(
            decision <= answer && answer <= Duration::from_secs(30),
            "{decision:?} {answer:?}"
        );
    }
}
