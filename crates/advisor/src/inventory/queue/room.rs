//! Who may come into the line, and who has to leave it for that.

use std::collections::HashMap;
use std::sync::Arc;

use cise_reference::Digest;

use super::busy::Busy;
use super::image::{Image, Number};

/// An image that wants to come into the line.
pub(super) struct Newcomer<'a> {
    pub(super) namespace: &'a Arc<str>,
    /// Whether nobody waits for it.
    pub(super) is_ahead: bool,
    pub(super) layers: &'a HashMap<Digest, u64>,
}

/// What is in line, in the order in which it came.
pub(super) struct Crowd<'a> {
    pub(super) images: Vec<(Number, &'a Image)>,
    /// The most bytes in all.
    pub(super) most: u64,
}

impl Crowd<'_> {
    /// Those who have to leave for the newcomer; or why it cannot come.
    ///
    /// One namespace may have half of the room, so that there is some for another. Where several have taken all of it, those give way that
    /// nobody waits for, and then what came last of the namespace that has most, as long as that is more than the newcomer's would have.
    /// What is being read never gives way.
    pub(super) fn give_way_to(mut self, newcomer: &Newcomer<'_>) -> Result<Vec<Number>, Busy> {
        let half = self.most / 2;
        let bytes = distinct([newcomer.layers]);
        if bytes > half {
            return Err(Busy::Large { bytes, most: half });
        }
        let mut gone = Vec::new();
        while let Some(busy) = self.obstacle(newcomer) {
            let leaving = self.who_leaves(newcomer, &busy).ok_or(busy)?;
            self.images.retain(|(number, _)| *number != leaving);
            gone.push(leaving);
        }
        Ok(gone)
    }

    /// Why the newcomer has no room.
    fn obstacle(&self, newcomer: &Newcomer<'_>) -> Option<Busy> {
        let half = self.most / 2;
        let all = || self.images.iter().map(|(_, image)| &image.layers);
        let most = if newcomer.is_ahead { half } else { self.most };
        if distinct(all().chain([newcomer.layers])) > most {
            let taken = distinct(all());
            return Some(Busy::Full { taken, most });
        }
        let own = || self.of(newcomer.namespace);
        if distinct(own().chain([newcomer.layers])) > half {
            let (namespace, taken) = (Arc::clone(newcomer.namespace), distinct(own()));
            return Some(Busy::Namespace {
                namespace,
                taken,
                most: half,
            });
        }
        None
    }

    fn who_leaves(&self, newcomer: &Newcomer<'_>, busy: &Busy) -> Option<Number> {
        if newcomer.is_ahead {
            return None;
        }
        let is_own = |image: &Image| image.owner == *newcomer.namespace;
        let anybodys = !matches!(busy, Busy::Namespace { .. });
        let ahead = self.newest(|image| image.is_ahead() && (anybodys || is_own(image)));
        if ahead.is_some() || !anybodys {
            return ahead;
        }
        let own = distinct(self.of(newcomer.namespace).chain([newcomer.layers]));
        let held = |image: &Image| distinct(self.of(&image.owner));
        let waiting = self.images.iter().filter(|(_, image)| image.may_leave());
        let most = waiting.map(|(_, image)| held(image)).max()?;
        self.newest(|image| !is_own(image) && held(image) == most && most > own)
    }

    fn newest(&self, is_wanted: impl Fn(&Image) -> bool) -> Option<Number> {
        let mut images = self.images.iter().rev();
        let found = images.find(|(_, image)| image.may_leave() && is_wanted(image));
        found.map(|(number, _)| *number)
    }

    fn of<'a>(&'a self, namespace: &'a Arc<str>) -> impl Iterator<Item = &'a HashMap<Digest, u64>> {
        let own = self.images.iter();
        own.filter(move |(_, image)| image.owner == *namespace)
            .map(|(_, image)| &image.layers)
    }
}

/// How many bytes these layers are, of which several may be the same.
pub(super) fn distinct<'a>(images: impl IntoIterator<Item = &'a HashMap<Digest, u64>>) -> u64 {
    let layers: HashMap<&Digest, u64> = images
        .into_iter()
        .flatten()
        .map(|(layer, bytes)| (layer, *bytes))
        .collect();
    layers
        .values()
        .fold(0, |sum, bytes| sum.saturating_add(*bytes))
}
