//! How much memory what was found out takes, for those who keep it within a bound.

use std::collections::BTreeSet;

use super::examination::Examination;
use super::platform::Found;
use super::{Assessment, Issue, Notice, Uncounted, Unjudged, VulnerablePackage, WhyUnjudged};
use crate::Gap;
use crate::inventory::Platform;

/// What an allocator adds to each text, and a tree to each of its entries.
const EXTRA: usize = 32;
/// What a gap or a warning takes: some of them have texts, all of which are bounded.
const PHRASE: usize = 256;

impl Examination {
    /// About how many bytes it takes.
    pub(crate) fn weight(&self) -> usize {
        let charges = self.charges.iter().map(|charge| {
            let aliases = charge.aliases.iter().map(|alias| text(alias));
            issue(&charge.issue) + aliases.sum::<usize>()
        });
        let images = self.images.iter().map(|image| found(&image.found) + PHRASE);
        size_of::<Self>() + charges.sum::<usize>() + images.sum::<usize>() + gaps(&self.gaps)
    }
}

impl Assessment {
    /// About how many bytes it takes.
    pub(crate) fn weight(&self) -> usize {
        let phrases = self.warnings.len() + self.unsupported.len() + self.ended.len();
        let lists = self.platforms.len() + self.feeds.len() + phrases;
        let uncounted = self.uncounted.iter().map(uncounted);
        let unjudged = self.unjudged.iter().map(unjudged);
        size_of::<Self>()
            + self.issues.iter().map(issue).sum::<usize>()
            + uncounted.sum::<usize>()
            + unjudged.sum::<usize>()
            + gaps(&self.gaps)
            + lists * PHRASE
    }
}

fn found(found: &Found) -> usize {
    let lists = found.warnings.len() + found.feeds.len();
    let uncounted = found.uncounted.iter().map(uncounted);
    let unjudged = found.unjudged.iter().map(unjudged);
    size_of::<Found>()
        + uncounted.sum::<usize>()
        + unjudged.sum::<usize>()
        + gaps(&found.gaps)
        + lists * PHRASE
}

fn issue(issue: &Issue) -> usize {
    size_of::<Issue>() + PHRASE + text(&issue.id) + issue.notices.iter().map(notice).sum::<usize>()
}

fn notice(notice: &Notice) -> usize {
    let packages = notice.packages.iter().map(package);
    size_of::<Notice>() + text(&notice.id) + text(&notice.summary) + packages.sum::<usize>()
}

/// Issues share packages; each is taken for its own, so that no package is forgotten.
fn package(vulnerable: &VulnerablePackage) -> usize {
    let platforms = vulnerable.platforms.len() * (size_of::<Platform>() + 2 * EXTRA);
    size_of::<VulnerablePackage>() + vulnerable.package.weight() + text(&vulnerable.fix) + platforms
}

fn uncounted(uncounted: &Uncounted) -> usize {
    let texts = [
        &uncounted.vulnerability,
        &uncounted.notice,
        &uncounted.package,
        &uncounted.version,
    ];
    let texts = texts.into_iter().chain(&uncounted.fix);
    size_of::<Uncounted>() + EXTRA + texts.map(|one| text(one)).sum::<usize>()
}

fn unjudged(unjudged: &Unjudged) -> usize {
    let why = match &unjudged.why {
        WhyUnjudged::OtherVendor { vendor } => text(vendor),
        WhyUnjudged::UnorderableVersion => 0,
    };
    size_of::<Unjudged>() + EXTRA + text(&unjudged.package) + text(&unjudged.version) + why
}

fn gaps(gaps: &BTreeSet<Gap>) -> usize {
    gaps.len() * (size_of::<Gap>() + PHRASE)
}

fn text(text: &str) -> usize {
    text.len() + EXTRA
}
