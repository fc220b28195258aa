//! What of this module's inner parts the fuzz targets call. No part of the interface.

use super::{Envelope, Statement};

/// The payload of an envelope, which nobody vouches for.
pub fn payload(envelope: &Envelope) -> &[u8] {
    envelope.payload()
}

/// What a payload is about is one of these digests.
pub fn is_about(statement: &Statement, digest: &cise_reference::Digest) -> bool {
    statement.is_about(digest)
}
