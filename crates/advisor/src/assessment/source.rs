use std::sync::Arc;

use crate::database::{Database, DatabaseError, Feed, FixDates, LifeSpan, Vulnerability};
use crate::{Advisory, Ecosystem, Release};

/// What an assessment asks the advisory database.
pub trait AdvisorySource {
    /// Why it cannot answer. No answer is never "no advisories".
    type Error: std::error::Error;

    /// The advisories of a release that concern a package, by the name that the feed has for it.
    fn advisories(
        &self,
        ecosystem: &Ecosystem,
        package: &str,
    ) -> Result<Arc<[Advisory]>, Self::Error>;

    /// Since when databases have had the fixes of a package, by the name that the feed has for it.
    fn fix_dates(&self, ecosystem: &Ecosystem, package: &str) -> Result<FixDates, Self::Error>;

    /// The feed of a release: whether its advisories are there, whether they are all, and how old they are.
    fn feed(&self, ecosystem: &Ecosystem) -> Option<&Feed>;

    /// Whether all advisories of a release are there, if there are any: some feeds have nothing to say.
    fn covers(&self, ecosystem: &Ecosystem) -> bool;

    /// Until when an image's release gets fixes, if that is known.
    fn life_span(&self, release: &Release) -> Option<&LifeSpan>;

    /// What all feeds know of a vulnerability.
    fn vulnerability(&self, name: &str) -> Result<Option<Vulnerability>, Self::Error>;
}

impl AdvisorySource for Database {
    type Error = DatabaseError;

    fn advisories(
        &self,
        ecosystem: &Ecosystem,
        package: &str,
    ) -> Result<Arc<[Advisory]>, DatabaseError> {
        self.advisories(ecosystem, package)
    }

    fn fix_dates(&self, ecosystem: &Ecosystem, package: &str) -> Result<FixDates, DatabaseError> {
        self.fix_dates(ecosystem, package)
    }

    fn feed(&self, ecosystem: &Ecosystem) -> Option<&Feed> {
        self.feed(ecosystem)
    }

    fn covers(&self, ecosystem: &Ecosystem) -> bool {
        self.covers(ecosystem)
    }

    fn life_span(&self, release: &Release) -> Option<&LifeSpan> {
        self.life_span(release)
    }

    fn vulnerability(&self, name: &str) -> Result<Option<Vulnerability>, DatabaseError> {
        self.vulnerability(name)
    }
}
