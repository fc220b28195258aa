use cise_advisor::matching::{Judgement, judge, unorderable_bounds};
use cise_advisor::osv::{Family, parse};
use cise_advisor::{Affected, Event, Package, SourcePackage};

use crate::assert_message;

/// A record of OSV: what is read of it names its vulnerabilities in order, and a package of any of its versions is judged; to
/// install the fix that is told is of use.
pub(crate) fn osv_record(bytes: &[u8]) {
    let advisory = match parse(bytes) {
        Ok(Some(advisory)) => advisory,
        Ok(None) => return,
        Err(error) => return assert_message(&error),
    };
    assert!(!advisory.vulnerabilities.is_empty());
    assert!(advisory.vulnerabilities.is_sorted());
    unorderable_bounds(&advisory).for_each(|bound| assert_message(&bound));
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
