//! The module stream that a fix belongs to.
//!
//! Red Hat and its rebuilds ship several versions of one package side by side, as streams of modules, each with its own fixes.
//! Their records rarely name the stream in a field of its own.

use super::Family;
use super::record::{PackageRecord, Record};
use crate::{Ecosystem, Event, Range};

/// The stream (`name:stream`) of a package whose fix is modular: from its purl, else from the record's one line, which ends
/// with `nodejs:18 security update`. Nothing where that line names several.
pub(super) fn of(record: &Record, package: &PackageRecord, ranges: &[Range]) -> Option<Box<str>> {
    let family = Family::of(&Ecosystem::new(&package.ecosystem));
    if !family.is_some_and(Family::has_modules) || !ranges.iter().any(has_modular_fix) {
        return None;
    }
    let in_purl = package.purl.as_deref().and_then(in_purl);
    in_purl.or_else(|| in_summary(record.summary.as_deref()?))
}

/// Whether a fix of the range is a build of a module.
fn has_modular_fix(range: &Range) -> bool {
    let mut events = range.events.iter();
    events.any(|event| matches!(event, Event::Fixed(version) if is_modular(version)))
}

/// Whether a version is a build of a module: its release says so, `1.module+el8.5.0+10613+59a13ec4`.
pub(crate) fn is_modular(version: &str) -> bool {
    version.contains(".module+") || version.contains(".module_")
}

/// The first two parts of `name:stream:version:context:arch`.
pub(crate) fn stream(label: &str) -> &str {
    let mut colons = label.match_indices(':').map(|(position, _)| position);
    colons
        .nth(1)
        .and_then(|end| label.get(..end))
        .unwrap_or(label)
}

fn in_purl(purl: &str) -> Option<Box<str>> {
    let (_, qualifiers) = purl.split_once('?')?;
    let mut pairs = qualifiers
        .split('&')
        .filter_map(|pair| pair.split_once('='));
    let (_, label) = pairs.find(|(key, _)| *key == "rpmmod")?;
    let label = label.replace("%3A", ":").replace("%3a", ":");
    Some(stream(&label).into())
}

fn in_summary(summary: &str) -> Option<Box<str>> {
    let mut streams = summary.split(' ').filter(|word| is_stream(word));
    match (streams.next(), streams.next()) {
        (Some(stream), None) => Some(stream.into()),
        _ => None,
    }
}

/// A name and a stream, which neither `Important:` nor `RHSA-2024:1234` is.
fn is_stream(word: &str) -> bool {
    let is_part = |part: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte);
        !part.is_empty() && part.bytes().all(plain)
    };
    word.split_once(':').is_some_and(|(name, stream)| {
        let is_notice = ["RHSA-", "ALSA-", "RLSA-"]
            .iter()
            .any(|notice| name.starts_with(notice));
        is_part(name) && is_part(stream) && !is_notice
    })
}
