mod packages;
mod ranges;

use super::*;
use crate::{Ecosystem, Event, Range, SourcePackage};

/// A package whose source has its name and version.
fn package(manager: Manager, name: &str, version: &str) -> Package {
    Package {
        manager,
        name: name.into(),
        version: version.into(),
        architecture: "amd64".into(),
        source: SourcePackage {
            name: name.into(),
            version: version.into(),
        },
        vendor: "".into(),
        module: None,
        recorded_in: "var/lib/dpkg/status".into(),
    }
}

fn affected(ecosystem: &str, package: &str, ranges: &[&str]) -> Affected {
    Affected {
        ecosystem: Ecosystem::new(ecosystem),
        package: package.into(),
        ranges: ranges.iter().map(|events| range(events)).collect(),
        versions: Vec::new(),
        binaries: Vec::new(),
        module: None,
        severity: None,
    }
}

/// A range as `introduced 0 fixed 1.2 …`.
fn range(events: &str) -> Range {
    let words: Vec<&str> = events.split(' ').collect();
    let events = words.chunks(2).map(|event| match event {
        ["introduced", version] => Event::Introduced((*version).into()),
        ["fixed", version] => Event::Fixed((*version).into()),
        ["last_affected", version] => Event::LastAffected((*version).into()),
        ["limit", version] => Event::Limit((*version).into()),
        other => panic!("no such event: {other:?}"),
    });
    Range {
        events: events.collect(),
    }
}

const UNAFFECTED: Judgement<'_> = Judgement::Unaffected;
const UNFIXED: Judgement<'_> = Judgement::Affected { fix: None };

fn fixed(fix: &str) -> Judgement<'_> {
    Judgement::Affected { fix: Some(fix) }
}
