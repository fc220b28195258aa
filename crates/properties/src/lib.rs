//! What must hold of any bytes that strangers may send, one property for each parser that reads such bytes.
//!
//! A fuzz target (`fuzz/fuzz_targets`) looks for bytes that break one. What was found, and what the search begins with, is in
//! its corpus (`fuzz/corpus`), which the test of this crate replays.

mod admission;
mod advisor;
mod attestation;
mod database;
mod detector;
mod key;
mod layer;
mod manifests;
mod metadata;
mod pattern;
mod policy;
mod reference;
mod registry;
mod repository;
mod server;
mod store;
mod version;
mod vex;

use std::fmt::Display;

/// What must hold of any bytes. It panics where it does not.
pub type Property = fn(&[u8]);

/// Every property, by the name of its fuzz target and of its corpus.
pub const ALL: [(&str, Property); 35] = [
    ("apk", detector::apk),
    ("attestation", attestation::attestation),
    ("challenge", registry::challenge),
    ("configuration", layer::configuration),
    ("cvss", advisor::cvss),
    ("database_damage", database::damage),
    ("database_parts", database::parts),
    ("docker_config", registry::docker_config),
    ("dpkg", detector::dpkg),
    ("exemption", advisor::exemption),
    ("image_manifest", registry::image_manifest),
    ("key", key::key),
    ("kubernetes_manifest", manifests::kubernetes_manifest),
    ("layer", layer::layer),
    ("layer_archive", layer::archive),
    ("layer_blob", layer::blob),
    ("layout_archive", layer::layout),
    ("link", registry::link),
    ("os_release", detector::os_release),
    ("osv_archive", database::archive),
    ("osv_record", advisor::osv_record),
    ("pattern", pattern::pattern),
    ("policy", policy::policy),
    ("policy_review", admission::policy_review),
    ("reference", reference::reference),
    ("review", admission::review),
    ("rpm_header", detector::header),
    ("rpm_sqlite", detector::sqlite),
    ("timeout", server::timeout),
    ("token", registry::token),
    ("trust_metadata", metadata::trust_metadata),
    ("trust_record", store::trust_record),
    ("trust_repository", repository::trust_repository),
    ("version", version::version),
    ("vex", vex::vex),
];

/// Checks the property of that name.
///
/// # Panics
/// Where the property does not hold of `bytes`, or there is none of that name.
pub fn check(name: &str, bytes: &[u8]) {
    let found = ALL.iter().find(|(known, _)| *known == name);
    assert!(found.is_some(), "no property has the name {name}");
    if let Some((_, property)) = found {
        property(bytes);
    }
}

/// What is printed of a stranger's bytes is bounded, and drives no terminal.
fn assert_message(error: &impl Display) {
    let text = error.to_string();
    assert!(text.len() <= 8 * 1024, "a message of {} bytes", text.len());
    assert!(
        !text.contains(|character: char| character.is_control() && character != '\n'),
        "{text:?}"
    );
}

/// The first line, and what follows it: two inputs in one.
fn first_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes
        .iter()
        .position(|byte| *byte == b'\n')
        .unwrap_or(bytes.len());
    let (line, rest) = bytes.split_at(end);
    (line, rest.get(1..).unwrap_or_default())
}
