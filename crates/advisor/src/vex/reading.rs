//! Fetching what is attached to an image, and taking as testimony what counts of it.

use std::sync::Arc;

use cise_reference::{Digest, Repository};
use cise_registry::{Attached, Attachments, Caller, Deadline, Registry};
use cise_signature::attestation::{Attestation, BUNDLE, Carrier, ENVELOPE};
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::testimony::{Signed, Testimony};
use super::unheeded::Unfit;
use super::{Document, Unheeded, VexKeys};
use crate::excerpt::one_line;

/// The types of predicates that are documents of OpenVEX: cosign's, and the one with the version of the format.
const PREDICATES: &[&str] = &["https://openvex.dev/ns", "https://openvex.dev/ns/v0.2.0"];

/// What is asked for, by each of the ways in which cosign attaches it. What says that it is something else is not fetched: whoever
/// could make it say so could take it away as well.
const WANTED: Attachments = Attachments {
    artifact_type: BUNDLE,
    tag_suffix: "att",
    media_types: &[BUNDLE, ENVELOPE],
    labels: &[
        ("dev.sigstore.bundle.predicateType", PREDICATES),
        ("predicateType", PREDICATES),
    ],
    documents: 32,
    bytes: 8 << 20,
};

/// The most digests that are asked about: an index, and the images of its platforms.
const MAX_DIGESTS: usize = 33;
/// The most documents of all of them.
const MAX_DOCUMENTS: usize = 64;
/// How many are asked about side by side.
const SIDE_BY_SIDE: usize = 4;

/// Where images are, and on whose behalf what is attached to them is read.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) registry: &'a Registry,
    pub(crate) repository: &'a Repository,
    pub(crate) caller: Caller<'a>,
}

/// What is attached, now, to an image or to the images of its platforms, and signed with one of `keys`.
pub(crate) async fn read(place: &Place<'_>, digests: &[Digest], keys: &VexKeys) -> Testimony {
    let attached = match place.hurried().gather(digests).await {
        Ok(attached) => attached,
        Err(why) => return unread(&why),
    };
    let (digests, keys) = (digests.to_vec(), keys.clone());
    // Signatures of strangers are tried too, which no other request should wait for.
    let verifying = tokio::task::spawn_blocking(move || {
        let mut testimony = Testimony::default();
        for one in &attached {
            testimony.take(one, &digests, &keys);
        }
        testimony
    });
    let verified = verifying.await;
    verified.unwrap_or_else(|_| unread("an internal error; the log says more"))
}

/// What was not read may be anything.
fn unread(why: &str) -> Testimony {
    let mut testimony = Testimony::default();
    testimony.leave(Unheeded::Unread { why: one_line(why) });
    testimony
}

impl Place<'_> {
    /// Somebody waits, and has to be told in time what came of it.
    fn hurried(mut self) -> Self {
        self.caller.deadline = Deadline::after(self.caller.deadline.remaining() / 4 * 3);
        self
    }

    /// All that is attached to any of these; nothing of it, if not all can be read.
    async fn gather(&self, digests: &[Digest]) -> Result<Vec<Attached>, String> {
        if digests.len() > MAX_DIGESTS {
            return Err("the image is of more platforms than are asked about".to_owned());
        }
        let (registry, repository, caller) = (self.registry, self.repository, &self.caller);
        // Made one by one: a stream that makes them would have to make them for any lifetime.
        let asking: Vec<_> = digests
            .iter()
            .map(|digest| registry.attached(repository, digest, &WANTED, caller))
            .collect();
        let found: Vec<Arc<[Attached]>> = stream::iter(asking)
            .buffered(SIDE_BY_SIDE)
            .try_collect()
            .await
            .map_err(|error| error.failure.to_string())?;
        if found.iter().map(|attached| attached.len()).sum::<usize>() > MAX_DOCUMENTS {
            return Err(format!("there are more than {MAX_DOCUMENTS} documents"));
        }
        Ok(found
            .iter()
            .flat_map(|attached| attached.iter())
            .cloned()
            .collect())
    }
}

impl Testimony {
    /// Takes one document for what it is.
    pub(super) fn take(&mut self, attached: &Attached, digests: &[Digest], keys: &VexKeys) {
        let Some(carrier) = Carrier::of(&attached.layer.media_type) else {
            return;
        };
        let attached_as = attached.manifest.as_str();
        match signed(carrier, &attached.content, attached_as, digests, keys) {
            Ok(Some(signed)) => self.add(signed),
            Ok(None) => {}
            Err(unfit) => self.leave(Unheeded::of(attached_as, &unfit)),
        }
    }
}

/// A document and who answers for it; nothing, if it is an attestation of something else than VEX.
fn signed(
    carrier: Carrier,
    content: &[u8],
    attached_as: &str,
    digests: &[Digest],
    keys: &VexKeys,
) -> Result<Option<Signed>, Unfit> {
    let attestation = Attestation::verify(carrier, content, keys.trusted())?;
    if !PREDICATES.contains(&attestation.predicate_type()) {
        return Ok(None);
    }
    let about = digests.iter().filter(|digest| attestation.is_about(digest));
    let about: Vec<Digest> = about.cloned().collect();
    if about.is_empty() {
        return Err(Unfit::OtherImage);
    }
    let document: Document = attestation.predicate()?;
    Ok(Some(Signed {
        document,
        about,
        key: attestation.key().to_string().into(),
        attached_as: attached_as.into(),
    }))
}
