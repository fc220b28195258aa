use crate::{Entry, Origin, PolicyError};

/// One policy: the entries of one resource, whichever API group it was written for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    origin: Origin,
    /// Without room to grow, which would be several times as large as most policies.
    entries: Box<[Entry]>,
}

/// The most entries in one policy. As etcd keeps objects of at most 1.5 MiB, one that is stored has hardly more.
pub const MAX_ENTRIES: usize = 20_000;

impl Policy {
    /// A policy of at most [`MAX_ENTRIES`] entries; one of none matches no image.
    pub fn new(origin: Origin, entries: impl Into<Vec<Entry>>) -> Result<Self, PolicyError> {
        let entries = entries.into();
        if entries.len() > MAX_ENTRIES {
            return Err(PolicyError::TooManyEntries {
                origin,
                count: entries.len(),
            });
        }
        Ok(Self {
            origin,
            entries: entries.into_boxed_slice(),
        })
    }

    /// The resource it comes from.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Its entries, in the order of the resource, which means nothing.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Does it admit every image there is without any verification, where no other policy counts?
    pub fn admits_everything(&self) -> bool {
        admit_everything(self.entries.iter())
    }
}

/// Whichever entry is the most specific for an image, it requires nothing, and for every image there is one.
pub(crate) fn admit_everything<'e>(mut entries: impl Iterator<Item = &'e Entry> + Clone) -> bool {
    entries.clone().all(|entry| entry.requirements.is_empty())
        && entries.any(|entry| entry.pattern.is_every_image())
}
