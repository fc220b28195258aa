//! Images that have been indexed, and what is in them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cise_reference::{Digest, Repository};
use cise_registry::Fingerprint;
use moka::Expiry;
use moka::sync::Cache;

use super::question::Sample;
use crate::inventory::{Inventories, Platform};
use crate::memory::weight;

/// An image as somebody may see it: nobody is shown what was fetched with another's credentials.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ImageKey {
    pub(super) repository: Repository,
    pub(super) digest: Digest,
    pub(super) platforms: Arc<[Platform]>,
    credentials: Fingerprint,
}

impl ImageKey {
    pub(crate) fn of(sample: &Sample<'_>) -> Self {
        let candidates = sample.caller.keyring.candidates(sample.repository);
        Self {
            repository: sample.repository.clone(),
            digest: sample.digest.clone(),
            platforms: Arc::clone(sample.platforms),
            credentials: candidates.fingerprint(),
        }
    }
}

/// What is in images, within a bound in bytes.
pub(super) type Indexed = Cache<ImageKey, Arc<Inventories>>;

/// Keeps what is in images, in as many bytes of memory.
pub(super) fn within(bytes: u64) -> Indexed {
    Cache::builder()
        .weigher(|_, indexed: &Arc<Inventories>| weight(indexed.weight()))
        .max_capacity(bytes)
        .expire_after(Lasting)
        .build()
}

/// For how long it is believed what could not be judged of an image.
///
/// The bytes of an image never change, but what a registry gives for them may: a layer that was not there can come, and one that
/// was false in a mirror can be mended. Layers that were read are kept elsewhere, so that looking again costs little.
const GAPS_LAST: Duration = Duration::from_secs(60);

struct Lasting;

impl Expiry<ImageKey, Arc<Inventories>> for Lasting {
    fn expire_after_create(
        &self,
        _: &ImageKey,
        indexed: &Arc<Inventories>,
        _: Instant,
    ) -> Option<Duration> {
        indexed.has_gaps().then_some(GAPS_LAST)
    }
}

#[cfg(test)]
mod tests {
    use cise_registry::Keyring;

    use super::*;
    use crate::Gap;

    #[test]
    fn an_image_with_gaps_is_looked_at_again_soon_and_one_without_is_not() {
        let keyring = Keyring::empty();
        let repository = Repository::parse("registry.test/team/app").unwrap();
        let key = ImageKey {
            digest: Digest::sha256([1; 32]),
            platforms: Arc::from([]),
            credentials: keyring.candidates(&repository).fingerprint(),
            repository,
        };
        let layer = "sha256:1".into();
        let gap = Gap::EncryptedLayer { layer };
        let with_a_gap = Inventories {
            gaps: [gap].into(),
            ..Inventories::default()
        };
        for (indexed, lasts) in [
            (Inventories::default(), None),
            (with_a_gap, Some(GAPS_LAST)),
        ] {
            let indexed = Arc::new(indexed);
            let expiry = Lasting.expire_after_create(&key, &indexed, Instant::now());
            assert_eq!(expiry, lasts);
        }
    }
}
