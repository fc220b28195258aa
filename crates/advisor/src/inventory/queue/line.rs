//! What waits to be read and what is being read: who may come, who is next. No time, no threads.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use cise_reference::Digest;
use cise_registry::{Demand, Pace};
use serde::{Deserialize, Serialize};

use super::busy::Busy;
use super::image::{Image, Number};
use super::room::{Crowd, Newcomer, distinct};
use super::shares::Shares;

/// How much may be in line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Bytes of layers that wait or are being read.
    pub(super) bytes: u64,
    /// Layers that are being read at the same time; one more for a namespace that somebody waits in and for which none is being read.
    pub(super) layers: usize,
}

/// Images in line, with the layers that are to be read of them.
#[derive(Debug)]
pub(super) struct Line {
    bounds: Bounds,
    images: BTreeMap<Number, Image>,
    wants: BTreeMap<Number, Want>,
    shares: Shares,
    last: Number,
}

/// A layer that is wanted for an image.
#[derive(Debug)]
struct Want {
    image: Number,
    layer: Digest,
    bytes: u64,
    reading: Option<Reader>,
}

/// For whom a layer is being read.
#[derive(Debug)]
struct Reader {
    namespace: Arc<str>,
    is_ahead: bool,
}

/// How much there is in line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// Images that wait or are being read.
    pub images: usize,
    /// Bytes of their layers that are still to be read.
    pub bytes: u64,
}

impl Line {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            images: BTreeMap::new(),
            wants: BTreeMap::new(),
            shares: Shares::default(),
            last: 0,
        }
    }

    /// An image comes with these layers, of which so many bytes are to be read. Gives its number, and the images that had to leave for it.
    pub(super) fn enter(
        &mut self,
        demand: Demand,
        layers: HashMap<Digest, u64>,
    ) -> Result<(Number, Vec<Number>), Busy> {
        let owner = demand.namespaces.first().cloned().unwrap_or_default();
        let crowd = Crowd {
            images: self
                .images
                .iter()
                .map(|(number, one)| (*number, one))
                .collect(),
            most: self.bounds.bytes,
        };
        let newcomer = Newcomer {
            namespace: &owner,
            is_ahead: demand.pace == Pace::Deferred,
            layers: &layers,
        };
        let gone = if layers.is_empty() {
            Vec::new()
        } else {
            crowd.give_way_to(&newcomer)?
        };
        for image in &gone {
            self.leave(*image);
        }
        let number = self.number();
        let image = Image {
            owner,
            demand,
            layers,
            is_begun: false,
        };
        self.images.insert(number, image);
        Ok((number, gone))
    }

    /// From now on the image is for others too, or waited for.
    pub(super) fn change(&mut self, image: Number, demand: Demand) {
        if let Some(image) = self.images.get_mut(&image) {
            image.demand = demand;
        }
    }

    /// The image is no longer in line. What is being read of it is read to its end.
    pub(super) fn leave(&mut self, image: Number) {
        self.images.remove(&image);
        self.wants
            .retain(|_, want| want.image != image || want.reading.is_some());
        if self.images.is_empty() && self.wants.is_empty() {
            self.shares.clear();
        }
    }

    /// A layer of an image is wanted; nothing comes of it where the image was put off.
    pub(super) fn want(&mut self, image: Number, layer: &Digest, bytes: u64) -> Option<Number> {
        if !self.images.contains_key(&image) {
            return None;
        }
        let number = self.number();
        let want = Want {
            image,
            layer: layer.clone(),
            bytes,
            reading: None,
        };
        self.wants.insert(number, want);
        Some(number)
    }

    /// Whether somebody waits for it still, or reads it.
    pub(super) fn is_wanted(&self, number: Number) -> bool {
        self.wants.contains_key(&number)
    }

    /// The next layer that is read, if one may be: of the namespace that has had least.
    pub(super) fn next(&mut self) -> Option<Number> {
        let candidates = self.wants.iter();
        let candidates = candidates.filter_map(|(number, want)| {
            let reader = self.reader(want)?;
            let clock = self.shares.clock(&reader.namespace);
            Some(((reader.is_ahead, clock, want.image, *number), reader))
        });
        let ((.., number), reader) = candidates.min_by_key(|(order, _)| *order)?;
        let want = self.wants.get_mut(&number)?;
        self.shares.charge(&reader.namespace, want.bytes);
        want.reading = Some(reader);
        if let Some(image) = self.images.get_mut(&want.image) {
            image.is_begun = true;
        }
        Some(number)
    }

    /// A layer is no longer wanted, or no longer read. Gives those who wanted the same one and waited, who should look whether it is known.
    pub(super) fn done(&mut self, number: Number) -> Vec<Number> {
        let Some(want) = self.wants.remove(&number) else {
            return Vec::new();
        };
        if want.reading.is_none() {
            return Vec::new();
        }
        let same = self.wants.iter();
        let same = same.filter(|(_, other)| other.layer == want.layer);
        let same: Vec<Number> = same.map(|(number, _)| *number).collect();
        for number in &same {
            self.wants.remove(number);
        }
        same
    }

    /// What is in that layer is known: it need not be read for anybody.
    pub(super) fn known(&mut self, layer: &Digest) {
        for image in self.images.values_mut() {
            image.layers.remove(layer);
        }
    }

    pub(super) fn load(&self) -> Load {
        Load {
            images: self.images.len(),
            bytes: distinct(self.images.values().map(|image| &image.layers)),
        }
    }

    /// For whom a layer would be read now; nothing if it has to wait.
    fn reader(&self, want: &Want) -> Option<Reader> {
        let is_read = |other: &Want| other.layer == want.layer && other.reading.is_some();
        if want.reading.is_some() || self.wants.values().any(is_read) {
            return None;
        }
        let image = self.images.get(&want.image)?;
        let is_ahead = image.is_ahead();
        let namespaces = image.demand.namespaces.iter().chain([&image.owner]);
        let may = namespaces.filter(|namespace| self.has_room(namespace, is_ahead));
        let namespace = may.min_by_key(|namespace| self.shares.clock(namespace))?;
        Some(Reader {
            namespace: Arc::clone(namespace),
            is_ahead,
        })
    }

    /// Whether one more layer of the namespace may be read. Work for which nobody waits has half of the room.
    fn has_room(&self, namespace: &Arc<str>, is_ahead: bool) -> bool {
        let reading = || self.wants.values().filter_map(|want| want.reading.as_ref());
        let all = reading().count();
        if is_ahead {
            let ahead = reading().filter(|reader| reader.is_ahead).count();
            return all < self.bounds.layers && ahead < (self.bounds.layers / 2).max(1);
        }
        let own = reading().filter(|reader| !reader.is_ahead && reader.namespace == *namespace);
        all < self.bounds.layers || (all == self.bounds.layers && own.count() == 0)
    }

    fn number(&mut self) -> Number {
        self.last += 1;
        self.last
    }
}

#[cfg(test)]
mod tests;
