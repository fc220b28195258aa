//! What of this module's inner parts the fuzz targets call. No part of the interface.

use std::slice;

use cise_reference::{Digest, Reference};
use jiff::Timestamp as Moment;

use super::file::{Answer, Files};
use super::preset::Anchor;
use super::tuf::{
    Content, PublicKey, RoleName, Root, Snapshot, Targets, Timestamp, Unverified, canonical,
    certificate, json,
};
use super::workflow::{self, Stop, Task};
use super::{Requirement, Signer};
use crate::{Gun, PinKey};

/// More rounds than a well-meant repository needs.
const MAX_ROUNDS: usize = 12;

/// The canonical form of a document.
pub fn canonical_form(document: &[u8]) -> Option<Vec<u8>> {
    json::parse(document)
        .ok()
        .map(|value| canonical::encode(&value))
}

/// The types of metadata that a document can be read as.
pub fn types_of(document: &[u8]) -> Vec<&'static str> {
    let types = [
        type_of::<Root>(&RoleName::root(), document),
        type_of::<Timestamp>(&RoleName::timestamp(), document),
        type_of::<Snapshot>(&RoleName::snapshot(), document),
        type_of::<Targets>(&RoleName::targets(), document),
        type_of::<Targets>(&RoleName::releases(), document),
    ];
    types.into_iter().flatten().collect()
}

/// The key of DER of `SubjectPublicKeyInfo`, else of a certificate.
pub fn key_of_der(der: &[u8]) -> Option<PublicKey> {
    let of_certificate = || PublicKey::from_spki(&certificate::from_der(der)?.1);
    PublicKey::from_spki(der).or_else(of_certificate)
}

/// The digest that may run as `image`, by a repository of which `file` has the files. One of its roots must be signed with
/// `root_key`, and the image by all of `signers`.
pub fn admit(
    image: &Reference,
    signers: Vec<Signer>,
    root_key: &PublicKey,
    now: Moment,
    file: impl Fn(&str) -> Option<Vec<u8>>,
) -> Option<Digest> {
    let pin = PinKey::shared(Gun::of(image.repository()));
    let requirement = Requirement::new(None, signers);
    let preset = Anchor::Key(root_key.clone());
    let task = Task {
        pin: &pin,
        server: "https://notary.example.com/",
        delegations: requirement.roles(),
        trusted: None,
        presets: slice::from_ref(&preset),
        now,
    };
    let mut files = Files::default();
    let mut wanted = workflow::first_files(requirement.roles());
    for _ in 0..MAX_ROUNDS {
        let answer =
            |name: &str| file(name).map_or(Answer::NotFound, |bytes| Answer::Bytes(bytes.into()));
        files.extend(
            wanted
                .into_iter()
                .map(|name| (name.clone(), answer(&name.to_string()))),
        );
        match workflow::verify(&task, &files) {
            Err(Stop::Needs(more)) => wanted = more,
            Err(_) => return None,
            Ok(verified) => {
                let finding = verified
                    .repository
                    .evaluate(image, requirement.signers(), now);
                return finding.ok().map(|finding| finding.digest);
            }
        }
    }
    None
}

fn type_of<T: Content>(role: &RoleName, document: &[u8]) -> Option<&'static str> {
    Unverified::<T>::parse(role, document).ok().map(|_| T::TYPE)
}
