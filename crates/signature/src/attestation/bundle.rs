//! Sigstore's bundles, as carriers of envelopes.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::BUNDLE;
use super::envelope::{Envelope, EnvelopeError, Written, read};

/// What is read of a bundle. Its certificates, log entries and times are evidence for identities, which count for nothing here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bundle {
    media_type: String,
    #[serde(default)]
    dsse_envelope: Option<Written>,
    #[serde(default)]
    message_signature: Option<IgnoredAny>,
}

/// The envelope of a bundle.
pub(super) fn envelope(json: &[u8]) -> Result<Envelope, EnvelopeError> {
    let bundle: Bundle = read(json)?;
    if bundle.media_type != BUNDLE {
        return Err(EnvelopeError::BundleVersion);
    }
    match (bundle.dsse_envelope, bundle.message_signature) {
        (Some(envelope), None) => envelope.try_into(),
        _ => Err(EnvelopeError::NoEnvelope),
    }
}
