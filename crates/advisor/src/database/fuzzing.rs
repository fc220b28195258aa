//! What of this module's inner parts the fuzz targets call. No part of the interface.

use super::manifest::Manifest;
use super::segment::Head;
use super::{fix_dates, row, vulnerability};
use crate::Ecosystem;

/// Reads bytes as each part of a file whose hashes are true, as one that was made up would have them.
pub fn parts(bytes: &[u8]) {
    if let Ok(head) = Head::parse(&bytes.to_vec().into()) {
        let _ = head.find("openssl");
        let _ = head.block(0);
    }
    let _ = row::decode(bytes, &Ecosystem::new("Debian:12"), "openssl");
    let _ = row::outline(bytes);
    let _ = row::fixes(bytes);
    let _ = fix_dates::decode(bytes);
    let _ = vulnerability::decode(bytes);
    let _ = serde_json::from_slice::<Manifest>(bytes);
}
