use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::counting::{counted_fix, may_count};
use super::finding::{Finding, Noticed};
use super::fix_date::Dates;
use super::known::Known;
use super::support::{Support, support};
use super::{
    AdvisorySource, Ended, Rules, Tolerance, Uncounted, Unjudged, Unsupported, Warning,
    WhyUnjudged, end_of_life, vendor,
};
use crate::database::{Coverage, Freshness};
use crate::inventory::{Inventory, Platform, Reading};
use crate::matching::{Channel, Judge, Judgement, unorderable};
use crate::osv::{self, Family, Feeds};
use crate::version::Unorderable;
use crate::{Advisory, Affected, Ecosystem, Event, Gap, Package, Release};

/// What was found out about one platform of an image.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Found {
    pub(super) uncounted: BTreeSet<Uncounted>,
    pub(super) gaps: BTreeSet<Gap>,
    pub(super) unjudged: BTreeSet<Unjudged>,
    pub(super) warnings: BTreeSet<Warning>,
    pub(super) unsupported: Option<Unsupported>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) ended: Option<Ended>,
    pub(super) feeds: BTreeMap<Ecosystem, Option<Timestamp>>,
}

/// Holds what is in an image against the advisories of its distribution.
pub(super) fn examine<S: AdvisorySource>(
    inventory: &Inventory,
    source: &S,
    known: &mut Known<'_, S>,
    rules: &Rules,
    now: Timestamp,
) -> (Found, Vec<Finding>) {
    let mut examiner = Examiner {
        source,
        known,
        rules,
        now,
        platform: &inventory.platform,
        found: Found::default(),
        findings: Vec::new(),
    };
    match support(inventory) {
        Support::Unsupported(why) => examiner.found.unsupported = Some(why),
        Support::Unclear(gap) => {
            examiner.found.gaps = gaps(inventory);
            examiner.found.gaps.insert(gap);
        }
        Support::Fed(feeds) => {
            examiner.found.gaps = gaps(inventory);
            examiner.inventory(inventory, &feeds, now);
        }
    }
    if let Some(release) = &inventory.release {
        examiner.check_end(release, now);
    }
    examiner.ask_about_uncounted();
    (examiner.found, examiner.findings)
}

/// What was not read. A layer that is missing is a gap even if nobody says why.
fn gaps(inventory: &Inventory) -> BTreeSet<Gap> {
    let mut gaps = inventory.gaps.clone();
    if inventory.contents.reading == Reading::Partial && gaps.is_empty() {
        gaps.insert(Gap::NotWhole);
    }
    gaps
}

struct Examiner<'a, 'k, S> {
    source: &'a S,
    known: &'a mut Known<'k, S>,
    rules: &'a Rules,
    now: Timestamp,
    platform: &'a Platform,
    found: Found,
    findings: Vec<Finding>,
}

impl<S: AdvisorySource> Examiner<'_, '_, S> {
    fn inventory(&mut self, inventory: &Inventory, feeds: &Feeds, now: Timestamp) {
        if !inventory.contents.databases.contains(&feeds.manager) {
            self.found.gaps.insert(Gap::NoPackageDatabase);
        }
        for ecosystem in feeds.all() {
            let role = role(ecosystem, inventory, feeds, self.rules);
            self.check_feed(ecosystem, role, now);
        }
        let release = inventory.release.clone().unwrap_or_default();
        for package in &inventory.packages {
            self.package(package, feeds, &release);
        }
    }

    fn check_feed(&mut self, ecosystem: &Ecosystem, role: Role, now: Timestamp) {
        let feed = self.source.feed(ecosystem);
        let is_whole = match role {
            Role::Needed => feed.is_some_and(|feed| feed.coverage == Coverage::Complete),
            Role::Addition => self.source.covers(ecosystem),
            Role::Uncounted => true,
        };
        let ecosystem = ecosystem.clone();
        if !is_whole {
            self.found.gaps.insert(Gap::NotCovered { ecosystem });
        } else if let Some(feed) = feed {
            self.found.feeds.insert(ecosystem.clone(), feed.as_of);
            if role != Role::Uncounted {
                self.check_age(ecosystem, feed.freshness(now, self.rules.age));
            }
        }
    }

    /// Where ended releases are refused, one that has numbered releases and of which nothing is known may have ended.
    fn check_end(&mut self, release: &Release, now: Timestamp) {
        if let Some(span) = self.source.life_span(release) {
            self.found.ended = end_of_life::ended(release, span, self.rules, now);
        } else if self.rules.end_of_life == Tolerance::Deny && osv::has_numbered_releases(release) {
            self.found.gaps.insert(Gap::UnknownEndOfLife {
                release: format!("{} {}", release.id, release.version).into(),
            });
        }
    }

    fn check_age(&mut self, ecosystem: Ecosystem, freshness: Freshness) {
        let hours = |age: SignedDuration| age.as_hours().unsigned_abs();
        let gap = match freshness {
            Freshness::Fresh => return,
            Freshness::Stale { age } => {
                let hours = hours(age);
                let warning = Warning::Aging { ecosystem, hours };
                self.found.warnings.insert(warning);
                return;
            }
            Freshness::TooOld { age } => Gap::TooOld {
                ecosystem,
                days: hours(age) / 24,
            },
            Freshness::Unknown => Gap::UnknownAge { ecosystem },
        };
        self.found.gaps.insert(gap);
    }

    fn package(&mut self, package: &Package, feeds: &Feeds, release: &Release) {
        if package.manager != feeds.manager {
            let manager = package.manager;
            self.found.gaps.insert(Gap::OtherManager { manager });
        } else if vendor::is_other(package, release) {
            let vendor = package.vendor.clone();
            self.leave(package, WhyUnjudged::OtherVendor { vendor });
        } else {
            for ecosystem in feeds.all().chain(&feeds.of_all_releases()) {
                let family = Family::of(ecosystem);
                for name in family.into_iter().flat_map(|family| family.names(package)) {
                    self.hold_against(package, ecosystem, name);
                }
            }
        }
    }

    fn hold_against(&mut self, package: &Package, ecosystem: &Ecosystem, name: &str) {
        let advisories = match self.source.advisories(ecosystem, name) {
            Ok(advisories) => advisories,
            Err(error) => {
                let why = error.to_string().into();
                self.found.gaps.insert(Gap::NoAnswer { why });
                return;
            }
        };
        let judge = Judge::of(package, ecosystem, name);
        let mut shared = None;
        let mut dates = Dates::of(ecosystem, name, self.now);
        for advisory in advisories.iter() {
            let concerned = advisory
                .affected
                .iter()
                .filter(|affected| affected.ecosystem == *ecosystem && *affected.package == *name);
            for affected in concerned {
                match judge.judge(affected) {
                    Ok(Judgement::Unaffected) => {}
                    Ok(Judgement::Affected { fix }) => {
                        let shared = shared.get_or_insert_with(|| Arc::new(package.clone()));
                        self.affected(shared, (advisory, affected), fix, &mut dates);
                    }
                    Ok(Judgement::Undecided { bound }) => {
                        let shared = shared.get_or_insert_with(|| Arc::new(package.clone()));
                        self.undecided(shared, (advisory, affected), bound, &mut dates);
                    }
                    Err(error) => self.unorderable(package, advisory, affected, &error),
                }
            }
        }
    }

    fn affected(
        &mut self,
        package: &Arc<Package>,
        (advisory, affected): (&Advisory, &Affected),
        fix: Option<&str>,
        dates: &mut Dates<'_>,
    ) {
        let notice = Arc::new(Noticed::new(advisory, affected));
        for vulnerability in &advisory.vulnerabilities {
            let exploited = || self.known.exploited(vulnerability);
            match counted_fix(self.rules, package, (advisory, affected), fix, exploited) {
                Ok(fix) => {
                    let finding = Finding {
                        vulnerability: (**vulnerability).into(),
                        notice: Arc::clone(&notice),
                        package: Arc::clone(package),
                        platform: self.platform.clone(),
                        fix: fix.into(),
                        fix_date: self.fix_date(advisory, fix, dates),
                    };
                    self.findings.push(finding);
                }
                Err(why) => {
                    self.found.uncounted.insert(Uncounted {
                        vulnerability: vulnerability.clone(),
                        notice: advisory.id.clone(),
                        package: package.name.clone(),
                        version: package.version.clone(),
                        fix: fix.map(Into::into),
                        why,
                    });
                }
            }
        }
    }

    /// A date that cannot be read leaves a gap, as everything does that the database should know.
    fn fix_date(
        &mut self,
        advisory: &Advisory,
        fix: &str,
        dates: &mut Dates<'_>,
    ) -> Option<Timestamp> {
        match dates.date(advisory, fix, self.source) {
            Ok(date) => date,
            Err(error) => {
                let why = error.to_string().into();
                self.found.gaps.insert(Gap::NoAnswer { why });
                None
            }
        }
    }

    fn unorderable(
        &mut self,
        package: &Package,
        advisory: &Advisory,
        affected: &Affected,
        error: &Unorderable,
    ) {
        if self.may_count(package, advisory, affected) {
            self.miss(package, &error.to_string());
        } else {
            self.leave(package, WhyUnjudged::UnorderableVersion);
        }
    }

    /// A fix that cannot be ordered is published all the same, so that it is told like any other where it does not count.
    fn undecided(
        &mut self,
        package: &Arc<Package>,
        (advisory, affected): (&Advisory, &Affected),
        bound: &Event,
        dates: &mut Dates<'_>,
    ) {
        if self.may_count(package, advisory, affected) {
            let error = unorderable(package.manager, bound);
            let why = error.map_or_else(|| UNDECIDED.into(), |error| error.to_string());
            self.miss(package, &why);
            return;
        }
        let fix = match bound {
            Event::Fixed(version) => Some(&**version),
            Event::Introduced(_) | Event::LastAffected(_) | Event::Limit(_) => None,
        };
        self.affected(package, (advisory, affected), fix, dates);
    }

    fn may_count(&mut self, package: &Package, advisory: &Advisory, affected: &Affected) -> bool {
        advisory.vulnerabilities.iter().any(|vulnerability| {
            let exploited = self.known.exploited(vulnerability);
            may_count(self.rules, package, (advisory, affected), exploited)
        })
    }

    fn miss(&mut self, package: &Package, why: &str) {
        self.found.gaps.insert(Gap::UnorderableVersion {
            package: package.name.clone(),
            why: why.into(),
        });
    }

    /// What the database cannot say is a gap, even of what does not count. Of what does, it is asked when charges are made.
    fn ask_about_uncounted(&mut self) {
        for uncounted in &self.found.uncounted {
            self.known.learn(&uncounted.vulnerability);
        }
    }

    fn leave(&mut self, package: &Package, why: WhyUnjudged) {
        self.found.unjudged.insert(Unjudged {
            package: package.name.clone(),
            version: package.version.clone(),
            why,
        });
    }
}

/// Why a package is undecided, if nobody can say it better: it is never left out.
const UNDECIDED: &str = "an advisory has a bound that cannot be compared with it";

/// What a feed is for an image.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Without all of it the image cannot be judged.
    Needed,
    /// It adds to another, and may have nothing to add, which is known only where somebody covers it.
    Addition,
    /// It is of a paid channel that the image has nothing of, and nobody subscribes to.
    Uncounted,
}

fn role(ecosystem: &Ecosystem, inventory: &Inventory, feeds: &Feeds, rules: &Rules) -> Role {
    let of_feed = Channel::of("", ecosystem);
    let is_installed = |package: &Package| of_feed.provided(&package.version);
    if feeds.needed().any(|needed| needed == ecosystem) {
        Role::Needed
    } else if of_feed == Channel::Free {
        Role::Addition
    } else if rules.subscriptions.contains(&of_feed) || inventory.packages.iter().any(is_installed)
    {
        Role::Needed
    } else {
        Role::Uncounted
    }
}
