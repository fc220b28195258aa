//! The keys by which rows are sorted: the segments in their order, the names in a segment, the rows of a name.

use jiff::Timestamp;

const NUL: u8 = 0;
const TIME_BYTES: usize = 8;

/// What a source that is not complete for a release says of it stands back behind one that is: it only adds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Authority {
    Adds = 0,
    Covers = 1,
}

/// The key of an advisory's row: ecosystem, package, id, authority of the source, time of change.
///
/// Where two sources have the row, that of a complete source sorts last; of several, the one that was changed last. The texts have
/// no NUL.
pub(crate) fn advisory(
    (ecosystem, package): (&str, &str),
    id: &str,
    authority: Authority,
    modified: Option<Timestamp>,
    key: &mut Vec<u8>,
) {
    key.clear();
    for text in [ecosystem, package, id] {
        key.extend_from_slice(text.as_bytes());
        key.push(NUL);
    }
    key.push(authority as u8);
    let seconds = modified.map_or(i64::MIN, Timestamp::as_second);
    // With its sign turned, a number sorts as its bytes do.
    key.extend_from_slice(&(seconds ^ i64::MIN).to_be_bytes());
}

/// The parts of an advisory's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AdvisoryKey<'a> {
    pub(crate) ecosystem: &'a str,
    pub(crate) package: &'a str,
    pub(crate) id: &'a str,
    pub(crate) modified: Option<Timestamp>,
}

impl<'a> AdvisoryKey<'a> {
    pub(crate) fn parse(key: &'a [u8]) -> Option<Self> {
        let (texts, seconds) = key.split_last_chunk::<TIME_BYTES>()?;
        let (_, texts) = texts.split_last()?;
        let mut texts = str::from_utf8(texts).ok()?.split('\0');
        let seconds = i64::from_be_bytes(*seconds) ^ i64::MIN;
        Some(Self {
            ecosystem: texts.next()?,
            package: texts.next()?,
            id: texts.next()?,
            modified: Timestamp::from_second(seconds).ok(),
        })
    }

    /// Whether both are the same row, perhaps as it was at different times.
    pub(crate) fn is_row_of(&self, other: &Self) -> bool {
        (self.ecosystem, self.package, self.id) == (other.ecosystem, other.package, other.id)
    }
}

/// What is said of a vulnerability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fact<'a> {
    /// An advisory names it.
    NamedBy(&'a str),
    /// It is in the catalogue of known exploited ones.
    KnownExploited,
    /// It has a score.
    Exploitation,
}

/// The key of a fact. The texts have no NUL.
pub(crate) fn vulnerability(name: &str, fact: Fact<'_>, key: &mut Vec<u8>) {
    key.clear();
    key.extend_from_slice(name.as_bytes());
    key.push(NUL);
    match fact {
        Fact::NamedBy(advisory) => {
            key.push(b'a');
            key.extend_from_slice(advisory.as_bytes());
        }
        Fact::KnownExploited => key.push(b'k'),
        Fact::Exploitation => key.push(b's'),
    }
}

/// The parts of a fact's key.
pub(crate) fn parse_vulnerability(key: &[u8]) -> Option<(&str, Fact<'_>)> {
    let (name, fact) = str::from_utf8(key).ok()?.split_once('\0')?;
    let fact = match fact.split_at_checked(1)? {
        ("a", advisory) => Fact::NamedBy(advisory),
        ("k", _) => Fact::KnownExploited,
        ("s", _) => Fact::Exploitation,
        _ => return None,
    };
    Some((name, fact))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(ecosystem: &str, package: &str, id: &str, modified: Option<i64>) -> Vec<u8> {
        key_by(Authority::Adds, ecosystem, package, id, modified)
    }

    fn key_by(
        authority: Authority,
        ecosystem: &str,
        package: &str,
        id: &str,
        modified: Option<i64>,
    ) -> Vec<u8> {
        let mut key = Vec::new();
        let modified = modified.map(|second| Timestamp::from_second(second).unwrap());
        advisory((ecosystem, package), id, authority, modified, &mut key);
        key
    }

    #[test]
    fn rows_sort_by_ecosystem_then_package_then_id_then_authority_then_time() {
        let sorted = [
            key("Debian:1", "z", "z", Some(9)),
            key("Debian:12", "a", "z", Some(9)),
            key("Debian:12", "a-b", "a", None),
            key("Debian:12", "a-b", "a", Some(-5)),
            key("Debian:12", "a-b", "a", Some(5)),
            key_by(Authority::Covers, "Debian:12", "a-b", "a", None),
            key_by(Authority::Covers, "Debian:12", "a-b", "a", Some(1)),
            key("Debian:12", "a-b", "b", None),
            key("Debian:12", "ab", "a", None),
        ];
        assert!(sorted.is_sorted());
    }

    #[test]
    fn keys_come_back() {
        for modified in [None, Some(-62_135_596_800), Some(0), Some(1_700_000_000)] {
            let bytes = key("Debian:12", "é", "DSA-1-1", modified);
            let parsed = AdvisoryKey::parse(&bytes).unwrap();
            assert_eq!(
                (parsed.ecosystem, parsed.package, parsed.id),
                ("Debian:12", "é", "DSA-1-1")
            );
            assert_eq!(parsed.modified.map(Timestamp::as_second), modified);
        }
        let mut bytes = Vec::new();
        for fact in [
            Fact::NamedBy("DSA-1-1"),
            Fact::KnownExploited,
            Fact::Exploitation,
        ] {
            vulnerability("CVE-2024-1", fact, &mut bytes);
            assert_eq!(parse_vulnerability(&bytes), Some(("CVE-2024-1", fact)));
        }
    }
}
