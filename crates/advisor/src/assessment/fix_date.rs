use jiff::Timestamp;

use super::AdvisorySource;
use crate::database::FixDates;
use crate::{Advisory, Ecosystem, osv};

/// Since when fixes of one package are there, as a feed names it.
pub(super) struct Dates<'a> {
    ecosystem: &'a Ecosystem,
    package: &'a str,
    now: Timestamp,
    /// What the database has noted, once it was asked.
    noted: Option<FixDates>,
}

impl<'a> Dates<'a> {
    pub(super) fn of(ecosystem: &'a Ecosystem, package: &'a str, now: Timestamp) -> Self {
        Self {
            ecosystem,
            package,
            now,
            noted: None,
        }
    }

    /// Since when a fix is there: since its own notice was published, else since an earlier database first held it, else
    /// nobody knows. What is to come is not believed.
    pub(super) fn date<S: AdvisorySource>(
        &mut self,
        advisory: &Advisory,
        fix: &str,
        source: &S,
    ) -> Result<Option<Timestamp>, S::Error> {
        let date = match osv::fix_published(&advisory.id, advisory.published) {
            Some(published) => Some(published),
            None => self.noted(source)?.of(&advisory.id, fix),
        };
        Ok(date.filter(|date| *date <= self.now))
    }

    fn noted<S: AdvisorySource>(&mut self, source: &S) -> Result<&FixDates, S::Error> {
        Ok(match &mut self.noted {
            Some(noted) => noted,
            none => none.insert(source.fix_dates(self.ecosystem, self.package)?),
        })
    }
}
