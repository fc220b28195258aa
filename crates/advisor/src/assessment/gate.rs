//! What the admission of an image comes to, and what is said about it, in parts.

use std::fmt;

use super::{Assessment, Ended, Issue, Rules, Status, Tolerance, Unjudged, Unsupported};
use crate::Gap;
use crate::database::Sha256;
use crate::gap::Cause;
use crate::vex::Unheeded;

/// Whether an image that must pass the Vulnerability Advisor may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// It may. Its [`warnings`](Assessment::warnings) are to be told.
    Admit,
    /// It may not.
    Deny(Headline),
}

/// Why an image may not run. It is displayed as the sentence that the denial begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Headline {
    /// It has issues that are not exempted.
    Issues,
    /// Something that could change the answer was not judged.
    Incomplete,
    /// It was not looked at yet.
    Unscanned,
    /// Nothing can be said of it, and the rules do not tolerate that.
    Unsupported,
    /// It has packages that nobody's advisories speak of, and the rules do not tolerate that.
    Unjudged,
    /// Its release gets no fixes any more, and the rules do not tolerate that.
    EndOfLife,
}

/// One line about what was found. It is displayed without a full stop, and may contain foreign text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Line<'a> {
    /// An issue with its fixes.
    Issue(&'a Issue),
    /// Something that was not judged.
    Gap(&'a Gap),
    /// Why nothing can be said.
    Unsupported(&'a Unsupported),
    /// A package that was not judged.
    Unjudged(&'a Unjudged),
    /// A release that gets no fixes any more.
    Ended(&'a Ended),
    /// So many more of the same kind.
    More(usize),
    /// Why a VEX does not count, of the one that matters most.
    Unheeded(&'a Unheeded),
}

/// What to do about a denial. It is displayed as what comes after "to do:", without a full stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Install the fixes and build the image again, or exempt the issues.
    UpgradeOrExempt,
    /// Bring the advisories up to date.
    Renew,
    /// Try again, as what came from the registry may have been broken on its way.
    Retry,
    /// Make the image readable.
    Complete,
    /// Try again.
    Wait,
    /// Use an image that can be judged, or tolerate it in the rules.
    UseAnother,
    /// Use a release that gets fixes, or tolerate it in the rules.
    UseNewer,
}

/// How many packages of one issue are named.
const MAX_PACKAGES: usize = 3;

impl Assessment {
    /// Whether the image may run under the rules.
    pub fn gate(&self, rules: &Rules) -> Gate {
        match self.status {
            Status::Fail => Gate::Deny(Headline::Issues),
            Status::Incomplete => Gate::Deny(Headline::Incomplete),
            Status::Unscanned => Gate::Deny(Headline::Unscanned),
            Status::Warn | Status::Ok | Status::Unsupported => self.tolerated(rules),
        }
    }

    /// Whether the image might run under the rules if it had no issues.
    pub fn gate_without_issues(&self, rules: &Rules) -> Gate {
        let on_any = |status| self.platforms.values().any(|one| *one == status);
        if !self.gaps.is_empty() || on_any(Status::Incomplete) {
            Gate::Deny(Headline::Incomplete)
        } else if self.platforms.is_empty() || on_any(Status::Unscanned) {
            Gate::Deny(Headline::Unscanned)
        } else {
            self.tolerated(rules)
        }
    }

    /// A name for what the image was judged by besides advisories and exemptions: the rules, and the platforms.
    pub fn basis(&self, rules: &Rules) -> Box<str> {
        let platforms: Vec<String> = self.platforms.keys().map(ToString::to_string).collect();
        // Writing names and numbers to memory cannot fail.
        let text = serde_json::to_vec(&(rules, platforms)).unwrap_or_default();
        Sha256::of(&text).to_string().into()
    }

    /// What to do about a denial with that headline.
    pub fn remedy(&self, headline: Headline) -> Remedy {
        match headline {
            Headline::Issues => Remedy::UpgradeOrExempt,
            Headline::Incomplete => self.completion(),
            Headline::Unscanned => Remedy::Wait,
            Headline::Unsupported | Headline::Unjudged => Remedy::UseAnother,
            Headline::EndOfLife => Remedy::UseNewer,
        }
    }

    /// What it takes for everything to be judged: of several causes, the one that is hardest to mend.
    fn completion(&self) -> Remedy {
        match self.gaps.iter().map(Gap::cause).max() {
            Some(Cause::Advisories) => Remedy::Renew,
            Some(Cause::Transfer) => Remedy::Retry,
            Some(Cause::Image) | None => Remedy::Complete,
        }
    }

    fn tolerated(&self, rules: &Rules) -> Gate {
        if rules.unsupported == Tolerance::Deny && !self.unsupported.is_empty() {
            Gate::Deny(Headline::Unsupported)
        } else if rules.unjudged == Tolerance::Deny && !self.unjudged.is_empty() {
            Gate::Deny(Headline::Unjudged)
        } else if rules.end_of_life == Tolerance::Deny && !self.ended.is_empty() {
            Gate::Deny(Headline::EndOfLife)
        } else {
            Gate::Admit
        }
    }

    /// What was found that a denial speaks of, the worst first, in at most `limit` lines and one that counts the
    /// rest; of issues, also why a VEX does not count.
    pub fn lines(&self, headline: Headline, limit: usize) -> Vec<Line<'_>> {
        let mut lines: Vec<_> = match headline {
            Headline::Issues => self.active().map(Line::Issue).collect(),
            Headline::Incomplete => self.gaps.iter().map(Line::Gap).collect(),
            Headline::Unsupported => self.unsupported.iter().map(Line::Unsupported).collect(),
            Headline::Unjudged => self.unjudged.iter().map(Line::Unjudged).collect(),
            Headline::EndOfLife => self.ended.iter().map(Line::Ended).collect(),
            Headline::Unscanned => Vec::new(),
        };
        let more = lines.len().saturating_sub(limit);
        lines.truncate(limit);
        lines.extend((more > 0).then_some(Line::More(more)));
        let unheeded = self.vex.first().filter(|_| headline == Headline::Issues);
        lines.extend(unheeded.map(Line::Unheeded));
        lines
    }
}

impl Headline {
    /// The reason in kebab case: a stable name for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Issues => "vulnerable",
            Self::Incomplete => "scan-incomplete",
            Self::Unscanned => "not-scanned",
            Self::Unsupported => "scan-unsupported",
            Self::Unjudged => "packages-unjudged",
            Self::EndOfLife => "end-of-life",
        }
    }
}

impl fmt::Display for Headline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Issues => {
                "The Vulnerability Advisor image scan assessment found issues with the container image that are not exempted. \
                 Refer to your image vulnerability report for more details by using the command `ibmcloud cr va`."
            }
            Self::Incomplete => {
                "The Vulnerability Advisor image scan assessment of the container image is incomplete."
            }
            Self::Unscanned => {
                "The Vulnerability Advisor has not scanned the container image yet. Try again later."
            }
            Self::Unsupported => "The container image is not supported by Vulnerability Advisor.",
            Self::Unjudged => {
                "The Vulnerability Advisor image scan assessment does not cover all packages of the container image."
            }
            Self::EndOfLife => {
                "The distribution's release of the container image has reached the end of its life."
            }
        })
    }
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Issue(issue) => write_issue(f, issue),
            Self::Gap(gap) => gap.fmt(f),
            Self::Unsupported(why) => why.fmt(f),
            Self::Ended(ended) => ended.fmt(f),
            Self::Unjudged(one) => write!(f, "{} {}: {}", one.package, one.version, one.why),
            Self::Unheeded(why) => why.fmt(f),
            Self::More(count) => write!(f, "and {count} more"),
        }
    }
}

fn write_issue(f: &mut fmt::Formatter<'_>, issue: &Issue) -> fmt::Result {
    write!(f, "{} (severity {}", issue.id, issue.severity)?;
    if issue.known_exploited.is_some() {
        f.write_str(", known to be exploited")?;
    }
    f.write_str("):")?;
    let fixes = super::fixes([issue]);
    for (position, fix) in fixes.iter().take(MAX_PACKAGES).enumerate() {
        let separator = if position == 0 { "" } else { "," };
        let (name, installed) = (&fix.package.name, &fix.package.version);
        let to = fix.versions.join(" and ");
        write!(f, "{separator} upgrade {name} {installed} to {to}")?;
        if let Some(source) = fix.package.source_of_fixes() {
            write!(f, " (source {})", source.name)?;
        }
    }
    match fixes.len().saturating_sub(MAX_PACKAGES) {
        0 => Ok(()),
        more => write!(f, " and {more} more"),
    }
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UpgradeOrExempt => {
                "build the image again with the fixes, or exempt the issues with `cise exemption add`"
            }
            Self::Renew => {
                "renew the advisory database: `cise db build` and `cise db pull` bring newer advisories, and of more releases"
            }
            Self::Retry => {
                "try again; if it lasts, push the image again, or use one that can be read in full"
            }
            Self::Complete => "use an image that can be read in full",
            Self::Wait => "try again: the image is being scanned",
            Self::UseAnother => {
                "use an image whose packages can all be judged, or let the rules of the advisor admit such images with a warning"
            }
            Self::UseNewer => {
                "build the image on a release that gets fixes, or let the rules of the advisor admit such images with a warning"
            }
        })
    }
}
