//! A filter of names: most names that are not in a segment are told by two or three looks into memory.
//!
//! A Bloom filter of 12 bits a name and 7 looks: about 3 in 1000 absent names pass it, and are then looked up in the index.
//! A name that is present always passes.

use bytes::Bytes;

const BITS_PER_NAME: usize = 12;
const LOOKS: u64 = 7;

/// The hash of a name, the same on every machine and in every version: FNV-1a, then a finaliser that spreads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NameHash(u64);

impl NameHash {
    pub(crate) fn of(name: &str) -> Self {
        let folded = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(spread(folded))
    }

    pub(crate) fn number(self) -> u64 {
        self.0
    }

    /// The bits that stand for the name in a filter of so many bits.
    fn bits(self, bits: u64) -> impl Iterator<Item = u64> {
        let step = spread(self.0) | 1;
        (0..LOOKS).map(move |look| scaled(self.0.wrapping_add(look.wrapping_mul(step)), bits))
    }
}

/// The finaliser of `SplitMix64`.
fn spread(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

/// A hash as a number below `bound`, without a division.
fn scaled(hash: u64, bound: u64) -> u64 {
    let high = (u128::from(hash) * u128::from(bound)) >> 64;
    u64::try_from(high).unwrap_or_default()
}

/// A filter as it lies in a segment.
#[derive(Clone, Debug)]
pub(crate) struct Filter(Bytes);

impl Filter {
    pub(crate) fn new(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// Whether the name may be in the segment. `false` is certain.
    pub(crate) fn may_hold(&self, name: NameHash) -> bool {
        name.bits(self.0.len() as u64 * 8).all(|bit| {
            usize::try_from(bit / 8)
                .ok()
                .and_then(|at| self.0.get(at))
                .is_some_and(|byte| byte & (1 << (bit % 8)) != 0)
        })
    }
}

/// The bytes of a filter of these names.
pub(crate) fn build(names: &[NameHash]) -> Vec<u8> {
    let mut filter = vec![0_u8; (names.len() * BITS_PER_NAME).div_ceil(8)];
    let bits = filter.len() as u64 * 8;
    for bit in names.iter().flat_map(|name| name.bits(bits)) {
        if let Some(byte) = usize::try_from(bit / 8)
            .ok()
            .and_then(|at| filter.get_mut(at))
        {
            *byte |= 1 << (bit % 8);
        }
    }
    filter
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(names: impl Iterator<Item = String>) -> Filter {
        let hashes: Vec<_> = names.map(|name| NameHash::of(&name)).collect();
        Filter::new(build(&hashes).into())
    }

    #[test]
    fn every_name_passes_and_few_others() {
        let filter = filter((0..10_000).map(|n| format!("package-{n}")));
        assert!((0..10_000).all(|n| filter.may_hold(NameHash::of(&format!("package-{n}")))));
        let others = (0..10_000)
            .filter(|n| filter.may_hold(NameHash::of(&format!("other-{n}"))))
            .count();
        assert!(others < 100, "{others} of 10,000 absent names pass");
    }

    #[test]
    fn nothing_passes_a_filter_of_nothing() {
        assert!(!filter(std::iter::empty()).may_hold(NameHash::of("openssl")));
    }

    #[test]
    fn the_hash_of_a_name_is_part_of_the_format() {
        assert_eq!(NameHash::of("openssl"), NameHash(0xdf49_47d5_a059_c411));
    }
}
