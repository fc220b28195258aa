//! A row: what one advisory says of one package of one ecosystem, as bytes.
//!
//! The ecosystem and the package are not written: whoever asked for the row knows them.

use jiff::Timestamp;

use super::index::shared_prefix;
use super::wire::{Cursor, Malformed, put_count, put_optional, put_signed, put_text};
use crate::{Advisory, Affected, Ecosystem, Event, Range};

/// Writes the row of `advisory` for `affected`, the parts of it that are of one package of one ecosystem.
///
/// Times are kept to the second.
pub(crate) fn encode(advisory: &Advisory, affected: &[&Affected], bytes: &mut Vec<u8>) {
    put_text(bytes, &advisory.id);
    put_texts(bytes, &advisory.vulnerabilities);
    put_time(bytes, advisory.published);
    put_time(bytes, advisory.modified);
    put_optional(bytes, advisory.severity.as_deref());
    put_text(bytes, &advisory.summary);
    put_count(bytes, affected.len());
    for one in affected {
        put_affected(bytes, one);
    }
}

/// What stands before the version of a fix.
const FIXED: u8 = 1;

fn put_affected(bytes: &mut Vec<u8>, affected: &Affected) {
    put_count(bytes, affected.ranges.len());
    for range in &affected.ranges {
        put_count(bytes, range.events.len());
        for event in &range.events {
            let (tag, version) = match event {
                Event::Introduced(version) => (0, version),
                Event::Fixed(version) => (FIXED, version),
                Event::LastAffected(version) => (2, version),
                Event::Limit(version) => (3, version),
            };
            bytes.push(tag);
            put_text(bytes, version);
        }
    }
    put_texts(bytes, &affected.versions);
    put_texts(bytes, &affected.binaries);
    put_optional(bytes, affected.module.as_deref());
    put_optional(bytes, affected.severity.as_deref());
}

/// Texts, each as what it shares with the one before and the rest: lists of versions shrink to a fraction.
pub(crate) fn put_texts(bytes: &mut Vec<u8>, texts: &[Box<str>]) {
    put_count(bytes, texts.len());
    let mut before: &str = "";
    for text in texts {
        let shared = shared_prefix(before, text);
        put_count(bytes, shared);
        put_text(bytes, text.get(shared..).unwrap_or_default());
        before = text;
    }
}

fn put_time(bytes: &mut Vec<u8>, time: Option<Timestamp>) {
    bytes.push(u8::from(time.is_some()));
    if let Some(time) = time {
        put_signed(bytes, time.as_second());
    }
}

/// What a row says of vulnerabilities, read without the rest.
#[derive(Debug)]
pub(crate) struct Outline {
    pub(crate) id: Box<str>,
    pub(crate) vulnerabilities: Vec<Box<str>>,
    pub(crate) severity: Option<Box<str>>,
}

/// Reads what a row says of vulnerabilities.
pub(crate) fn outline(bytes: &[u8]) -> Result<Outline, Malformed> {
    let mut cursor = Cursor::new(bytes);
    let id = cursor.text()?.into();
    let vulnerabilities = texts(&mut cursor)?;
    time(&mut cursor)?;
    time(&mut cursor)?;
    Ok(Outline {
        id,
        vulnerabilities,
        severity: cursor.optional()?.map(Into::into),
    })
}

/// The fixes that a row publishes, read without the rest.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fixes<'a> {
    pub(crate) id: &'a str,
    pub(crate) published: Option<Timestamp>,
    /// In the order of the row, perhaps with repetitions.
    pub(crate) versions: Vec<&'a str>,
}

/// Reads which fixes a row publishes.
pub(crate) fn fixes(bytes: &[u8]) -> Result<Fixes<'_>, Malformed> {
    let mut cursor = Cursor::new(bytes);
    let id = cursor.text()?;
    pass_texts(&mut cursor)?;
    let published = time(&mut cursor)?;
    time(&mut cursor)?;
    cursor.optional()?;
    cursor.text()?;
    let mut versions = Vec::new();
    for _ in 0..cursor.count()? {
        for _ in 0..cursor.count()? {
            for _ in 0..cursor.count()? {
                let (tag, version) = (cursor.byte()?, cursor.text()?);
                if tag == FIXED {
                    versions.push(version);
                }
            }
        }
        pass_texts(&mut cursor)?;
        pass_texts(&mut cursor)?;
        cursor.optional()?;
        cursor.optional()?;
    }
    Ok(Fixes {
        id,
        published,
        versions,
    })
}

fn pass_texts(cursor: &mut Cursor<'_>) -> Result<(), Malformed> {
    for _ in 0..cursor.count()? {
        cursor.number()?;
        cursor.bytes()?;
    }
    Ok(())
}

/// Reads a row of `package` of `ecosystem`.
pub(crate) fn decode(
    bytes: &[u8],
    ecosystem: &Ecosystem,
    package: &str,
) -> Result<Advisory, Malformed> {
    let mut cursor = Cursor::new(bytes);
    let advisory = Advisory {
        id: cursor.text()?.into(),
        vulnerabilities: texts(&mut cursor)?,
        published: time(&mut cursor)?,
        modified: time(&mut cursor)?,
        severity: cursor.optional()?.map(Into::into),
        summary: cursor.text()?.into(),
        affected: several(&mut cursor, |cursor| affected(cursor, ecosystem, package))?,
    };
    if cursor.is_empty() {
        Ok(advisory)
    } else {
        Err(Malformed("a row goes on after its end"))
    }
}

fn affected(
    cursor: &mut Cursor<'_>,
    ecosystem: &Ecosystem,
    package: &str,
) -> Result<Affected, Malformed> {
    Ok(Affected {
        ecosystem: ecosystem.clone(),
        package: package.into(),
        ranges: several(cursor, |cursor| {
            several(cursor, event).map(|events| Range { events })
        })?,
        versions: texts(cursor)?,
        binaries: texts(cursor)?,
        module: cursor.optional()?.map(Into::into),
        severity: cursor.optional()?.map(Into::into),
    })
}

fn event(cursor: &mut Cursor<'_>) -> Result<Event, Malformed> {
    let tag = cursor.byte()?;
    let version = cursor.text()?.into();
    match tag {
        0 => Ok(Event::Introduced(version)),
        FIXED => Ok(Event::Fixed(version)),
        2 => Ok(Event::LastAffected(version)),
        3 => Ok(Event::Limit(version)),
        _ => Err(Malformed("an event is of an unknown kind")),
    }
}

fn several<T>(
    cursor: &mut Cursor<'_>,
    mut one: impl FnMut(&mut Cursor<'_>) -> Result<T, Malformed>,
) -> Result<Vec<T>, Malformed> {
    let count = cursor.count()?;
    let mut all = Vec::with_capacity(count.min(PREPARED));
    for _ in 0..count {
        all.push(one(cursor)?);
    }
    Ok(all)
}

/// A list is given room for so many elements before the first is read. A count is bounded by the bytes that are left, but an
/// element may take many times the memory of its bytes.
const PREPARED: usize = 64;

pub(crate) fn texts(cursor: &mut Cursor<'_>) -> Result<Vec<Box<str>>, Malformed> {
    let count = cursor.count()?;
    let mut all: Vec<Box<str>> = Vec::with_capacity(count.min(PREPARED));
    for _ in 0..count {
        let shared = usize::try_from(cursor.number()?).unwrap_or(usize::MAX);
        let rest = cursor.text()?;
        let before = all.last().map_or("", |before| before);
        let shared = before.get(..shared).ok_or(SHARES_TOO_MUCH)?;
        all.push([shared, rest].concat().into());
    }
    Ok(all)
}

const SHARES_TOO_MUCH: Malformed = Malformed("a text shares more than there is");

fn time(cursor: &mut Cursor<'_>) -> Result<Option<Timestamp>, Malformed> {
    match cursor.byte()? {
        0 => Ok(None),
        _ => Timestamp::from_second(cursor.signed()?)
            .map(Some)
            .map_err(|_| Malformed("a time is beyond all calendars")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;

    use super::*;

    fn text() -> impl Strategy<Value = Box<str>> {
        "[a-z0-9.é-]{0,12}".prop_map(Into::into)
    }

    fn events() -> impl Strategy<Value = Event> {
        (0..4, text()).prop_map(|(kind, version)| match kind {
            0 => Event::Introduced(version),
            1 => Event::Fixed(version),
            2 => Event::LastAffected(version),
            _ => Event::Limit(version),
        })
    }

    fn affected() -> impl Strategy<Value = Affected> {
        (
            vec(vec(events(), 0..4), 0..3),
            vec(text(), 0..20),
            vec(text(), 0..3),
            option::of(text()),
            option::of(text()),
        )
            .prop_map(|(ranges, versions, binaries, module, severity)| Affected {
                ecosystem: Ecosystem::new("Debian:12"),
                package: "openssl".into(),
                ranges: ranges.into_iter().map(|events| Range { events }).collect(),
                versions,
                binaries,
                module,
                severity,
            })
    }

    fn advisory() -> impl Strategy<Value = Advisory> {
        let time = || {
            option::of(
                (-1_000_000_000_i64..4_000_000_000)
                    .prop_map(|s| Timestamp::from_second(s).unwrap()),
            )
        };
        (
            text(),
            vec(text(), 0..4),
            time(),
            time(),
            option::of(text()),
            text(),
            vec(affected(), 1..3),
        )
            .prop_map(
                |(id, vulnerabilities, published, modified, severity, summary, affected)| {
                    Advisory {
                        id,
                        vulnerabilities,
                        published,
                        modified,
                        severity,
                        summary,
                        affected,
                    }
                },
            )
    }

    fn encoded(advisory: &Advisory) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode(
            advisory,
            &advisory.affected.iter().collect::<Vec<_>>(),
            &mut bytes,
        );
        bytes
    }

    proptest! {
        #[test]
        fn a_row_comes_back(advisory in advisory()) {
            let back = decode(&encoded(&advisory), &Ecosystem::new("Debian:12"), "openssl");
            prop_assert_eq!(back, Ok(advisory));
        }

        #[test]
        fn the_fixes_of_a_row_are_read_without_the_rest(advisory in advisory()) {
            let events = advisory.affected.iter().flat_map(|one| &one.ranges).flat_map(|range| &range.events);
            let versions = events.filter_map(|event| match event {
                Event::Fixed(version) => Some(&**version),
                _ => None,
            });
            let expected = Fixes { id: &advisory.id, published: advisory.published, versions: versions.collect() };
            let bytes = encoded(&advisory);
            prop_assert_eq!(fixes(&bytes), Ok(expected));
        }

        #[test]
        fn a_row_with_a_wrong_byte_is_read_or_refused(advisory in advisory(), at: prop::sample::Index, byte: u8) {
            let mut bytes = encoded(&advisory);
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let _ = decode(&bytes, &Ecosystem::new("Debian:12"), "openssl");
            let _ = fixes(&bytes);
        }

        #[test]
        fn a_row_that_was_cut_is_refused(advisory in advisory(), at: prop::sample::Index) {
            let bytes = encoded(&advisory);
            let cut = &bytes[..at.index(bytes.len())];
            prop_assert!(decode(cut, &Ecosystem::new("Debian:12"), "openssl").is_err());
        }
    }

    #[test]
    fn a_list_of_versions_is_written_as_its_differences() {
        let versions: Vec<Box<str>> = (0..100)
            .map(|n| format!("1:3.0.11-1~deb12u{n}").into())
            .collect();
        let mut bytes = Vec::new();
        put_texts(&mut bytes, &versions);
        assert!(bytes.len() < 100 * 5, "{} bytes", bytes.len());
    }
}
