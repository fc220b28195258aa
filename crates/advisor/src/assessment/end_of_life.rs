//! Whether a release still gets fixes.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::Rules;
use crate::Release;
use crate::database::LifeSpan;
use crate::matching::Channel;

/// A release that gets no fixes any more, so that what is found later about its packages stays.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Ended {
    /// `ID` and `VERSION_ID` of its `os-release`.
    pub release: Box<str>,
    /// The last day on which fixes of it were published.
    pub on: Date,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} gets no fixes since {}", self.release, self.on)
    }
}

/// The end of a release that lies behind, for whoever has these subscriptions. It is over once its last day is, in UTC.
pub(super) fn ended(
    release: &Release,
    span: &LifeSpan,
    rules: &Rules,
    now: Timestamp,
) -> Option<Ended> {
    let on = last_day(span, rules)?;
    let today = now.to_zoned(TimeZone::UTC).date();
    (today > on).then(|| Ended {
        release: format!("{} {}", release.id, release.version).into(),
        on,
    })
}

/// Of Debian's extended support no end is published with the dates of its releases: to those who pay for it, none has ended.
fn last_day(span: &LifeSpan, rules: &Rules) -> Option<Date> {
    let subscribed = |channel| rules.subscriptions.contains(&channel);
    match &*span.distribution {
        "ubuntu" if subscribed(Channel::UbuntuPro) => span.extended.or(span.ends),
        "debian" if subscribed(Channel::DebianElts) => None,
        _ => span.ends,
    }
}
