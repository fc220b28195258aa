//! Assessments that are kept for as long as nothing changes that they rest on.

use std::sync::Arc;
use std::time::Duration;

use cise_policy::Namespace;
use jiff::Timestamp;
use moka::sync::Cache;

use crate::assessment::{Assessment, Rules};
use crate::database::Database;
use crate::exemption::{Exemptions, Subject, TagBinding};
use crate::inventory::Inventories;

/// What an assessment rests on.
pub(super) struct Kept {
    pub(super) inventories: Arc<Inventories>,
    pub(super) database: Arc<Database>,
    pub(super) exemptions: Arc<Exemptions>,
    pub(super) rules: Rules,
}

/// What an assessment is about.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    reference: String,
    tag: TagBinding,
    namespace: Option<Namespace>,
}

/// Assessments by what they are about.
#[derive(Clone)]
pub(super) struct Verdicts {
    kept: Cache<Key, Arc<(Kept, Arc<Assessment>)>>,
    longest: Duration,
}

impl Verdicts {
    pub(super) fn new(most: u64, longest: Duration) -> Self {
        let kept = Cache::builder().max_capacity(most).time_to_live(longest);
        Self {
            kept: kept.build(),
            longest,
        }
    }

    /// The assessment of `subject`, if it rests on these very things and is not old at `now`.
    pub(super) fn find(
        &self,
        subject: &Subject,
        rests_on: &Kept,
        now: Timestamp,
    ) -> Option<Arc<Assessment>> {
        let found = self.kept.get(&Key::of(subject))?;
        let (kept, assessment) = &*found;
        let from = assessment.assessed_at;
        let is_young = age(from, now).is_some_and(|age| age < self.longest);
        let holds =
            is_young && kept.is_same(rests_on) && !kept.exemptions.any_ends_between(from, now);
        holds.then(|| Arc::clone(assessment))
    }

    pub(super) fn keep(&self, subject: &Subject, kept: Kept, assessment: Arc<Assessment>) {
        self.kept
            .insert(Key::of(subject), Arc::new((kept, assessment)));
    }
}

impl Kept {
    /// Comparing addresses is enough: what is kept holds its parts alive, so that no other can have the address of one.
    fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inventories, &other.inventories)
            && Arc::ptr_eq(&self.database, &other.database)
            && Arc::ptr_eq(&self.exemptions, &other.exemptions)
            && self.rules == other.rules
    }
}

impl Key {
    fn of(subject: &Subject) -> Self {
        Self {
            reference: subject.reference().canonical().to_string(),
            tag: subject.tag(),
            namespace: subject.namespace().cloned(),
        }
    }
}

/// How much time went by; nothing if it went backwards.
fn age(from: Timestamp, to: Timestamp) -> Option<Duration> {
    Duration::try_from(to.duration_since(from)).ok()
}
