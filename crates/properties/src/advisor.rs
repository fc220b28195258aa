use cise_advisor::exemption::{Exemption, from_json, from_yaml};
use cise_advisor::matching::{Judgement, judge, unorderable_bounds};
use cise_advisor::osv::{Family, parse};
use cise_advisor::{Affected, Event, Package, Severity, SourcePackage};
use jiff::Timestamp;

use crate::assert_message;

/// A record of OSV: what is read of it names its vulnerabilities in order, and a package of any of its versions is judged; to
/// install the fix that is told is of use.
pub(crate) fn osv_record(bytes: &[u8]) {
    let advisory = match parse(bytes, Timestamp::MAX) {
        Ok(Some(advisory)) => advisory,
        Ok(None) => return,
        Err(error) => return assert_message(&error),
    };
    assert!(!advisory.vulnerabilities.is_empty());
    assert!(advisory.vulnerabilities.is_sorted());
    let bounds = advisory.affected.iter().flat_map(unorderable_bounds);
    bounds.for_each(|bound| assert_message(&bound));
    // The first ones are as good as all, and an input of thousands would be slow.
    for affected in advisory.affected.iter().take(8) {
        let events = affected.ranges.iter().flat_map(|range| &range.events);
        let bounds = events.map(|event| match event {
            Event::Introduced(version)
            | Event::Fixed(version)
            | Event::LastAffected(version)
            | Event::Limit(version) => &**version,
        });
        for version in bounds.take(8) {
            install_fix(affected, version);
        }
    }
}

/// Installs the fix that is told: it is not told again.
fn install_fix(affected: &Affected, version: &str) {
    let judged = |version: &str| {
        let judgement = judge(&package(affected, version)?, affected);
        judgement.inspect_err(assert_message).ok()
    };
    let before = judged(version);
    if let Some(Judgement::Affected { fix: Some(fix) }) = before {
        assert_ne!(judged(fix), before, "{version}");
    }
}

/// A package that the advisory is about, unless no image is judged by its feed.
fn package(affected: &Affected, version: &str) -> Option<Package> {
    let family = Family::of(&affected.ecosystem)?;
    let name = &affected.package;
    Some(Package {
        manager: family.manager(),
        name: affected.binaries.first().unwrap_or(name).clone(),
        version: version.into(),
        architecture: "".into(),
        source: SourcePackage {
            name: name.clone(),
            version: version.into(),
        },
        vendor: "".into(),
        module: affected.module.clone(),
        recorded_in: "".into(),
    })
}

/// An exemption: what is read is written as what is read again, and nothing else is exempted by it.
pub(crate) fn exemption(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    for read in [from_yaml(text, "team"), from_json(bytes, "team")] {
        let exemption = match read {
            Ok(exemption) => exemption,
            Err(error) => {
                assert_message(&error);
                continue;
            }
        };
        let written = serde_json::to_vec(&exemption).unwrap_or_default();
        let again = from_json(&written, "other");
        assert_eq!(again.as_ref().map(shown), Ok(shown(&exemption)));
    }
}

fn shown(exemption: &Exemption) -> String {
    format!("{exemption:?}")
}

/// The vector of a score: the order of its metrics does not matter.
pub(crate) fn cvss(bytes: &[u8]) {
    let Ok(vector) = str::from_utf8(bytes) else {
        return;
    };
    let severity = Severity::parse(vector);
    let (version, metrics) = vector
        .split_once('/')
        .filter(|(version, _)| version.starts_with("CVSS:"))
        .unwrap_or(("", vector));
    let mut pairs: Vec<&str> = metrics.split('/').collect();
    let mut names: Vec<&str> = pairs
        .iter()
        .map(|pair| pair.split(':').next().unwrap_or_default())
        .collect();
    names.sort_unstable();
    // The first of two with one name counts.
    if names.windows(2).any(|pair| pair.first() == pair.last()) {
        return;
    }
    pairs.reverse();
    let reversed = match version {
        "" => pairs.join("/"),
        version => format!("{version}/{}", pairs.join("/")),
    };
    // Turned round, a text may begin with a version of its own.
    if reversed.starts_with("CVSS:") == vector.starts_with("CVSS:") {
        assert_eq!(Severity::parse(&reversed), severity, "{reversed}");
    }
}
