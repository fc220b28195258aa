//! What was found out, and what was said of it, kept for as long as nothing changes that it rests on.

use std::sync::{Arc, Weak};
use std::time::Duration;

use cise_policy::Namespace;
use jiff::Timestamp;
use moka::sync::Cache;

use super::error::Unadvised;
use super::indexed::ImageKey;
use super::question::Question;
use crate::assessment::{Assessment, Examination, Rules};
use crate::database::Database;
use crate::exemption::{Exemptions, Subject, TagBinding};
use crate::inventory::Inventories;
use crate::memory::weight;

/// What an examination rests on, besides the rules.
#[derive(Clone)]
pub(super) struct Basis {
    pub(super) inventories: Arc<Inventories>,
    pub(super) database: Arc<Database>,
}

/// Examinations by what they are of.
#[derive(Clone)]
pub(super) struct Examinations {
    kept: Cache<(ImageKey, Rules), Arc<Grounded>>,
    longest: Duration,
}

/// An examination, and what it rests on, which it does not keep in memory.
struct Grounded {
    inventories: Weak<Inventories>,
    database: Weak<Database>,
    examination: Arc<Examination>,
}

/// Assessments by what they are about.
#[derive(Clone)]
pub(crate) struct Verdicts {
    kept: Cache<Key, Arc<Verdict>>,
}

/// What an assessment is about.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    reference: String,
    tag: TagBinding,
    namespace: Option<Namespace>,
}

/// An assessment, and what it rests on.
struct Verdict {
    examination: Weak<Examination>,
    exemptions: Arc<Exemptions>,
    drawn_at: Timestamp,
    assessment: Arc<Assessment>,
}

impl Examinations {
    /// Keeps about so many bytes, for so long.
    pub(super) fn new(bytes: u64, longest: Duration) -> Self {
        let weigh = |of: &(ImageKey, Rules), kept: &Arc<Grounded>| {
            weight(size_of_val(of) + KEY_BYTES + kept.examination.weight())
        };
        let kept = Cache::builder().weigher(weigh).max_capacity(bytes);
        Self {
            kept: kept.time_to_live(longest).build(),
            longest,
        }
    }

    /// The examination that rests on these very things and is not old at `now`.
    pub(super) fn find(
        &self,
        of: &(ImageKey, Rules),
        basis: &Basis,
        now: Timestamp,
    ) -> Option<Arc<Examination>> {
        let found = self.kept.get(of)?;
        let examination = &found.examination;
        let is_young = age(examination.examined_at, now).is_some_and(|age| age < self.longest);
        (is_young && found.rests_on(basis)).then(|| Arc::clone(examination))
    }

    pub(super) fn keep(
        &self,
        of: (ImageKey, Rules),
        basis: &Basis,
        examination: &Arc<Examination>,
    ) {
        let grounded = Grounded {
            inventories: Arc::downgrade(&basis.inventories),
            database: Arc::downgrade(&basis.database),
            examination: Arc::clone(examination),
        };
        self.kept.insert(of, Arc::new(grounded));
    }
}

impl Grounded {
    fn rests_on(&self, basis: &Basis) -> bool {
        is_same(&self.inventories, &basis.inventories) && is_same(&self.database, &basis.database)
    }
}

/// Comparing addresses is enough: as long as there is a reference to what was there, however weak, no other can have its address.
fn is_same<T>(before: &Weak<T>, now: &Arc<T>) -> bool {
    Weak::as_ptr(before) == Arc::as_ptr(now)
}

/// What the texts of a key take.
const KEY_BYTES: usize = 512;

impl Verdicts {
    /// Keeps about so many bytes, for so long.
    pub(crate) fn new(bytes: u64, longest: Duration) -> Self {
        let weigh = |of: &Key, kept: &Arc<Verdict>| {
            weight(size_of_val(of) + KEY_BYTES + kept.assessment.weight())
        };
        let kept = Cache::builder().weigher(weigh).max_capacity(bytes);
        Self {
            kept: kept.time_to_live(longest).build(),
        }
    }

    /// What follows from an examination for whoever asks: the verdict that is kept, if it rests on the same, else one drawn now.
    pub(crate) fn draw(
        &self,
        examination: &Arc<Examination>,
        question: &Question<'_>,
    ) -> Result<Arc<Assessment>, Unadvised> {
        let subject = subject(question)?;
        let key = Key::of(&subject);
        let kept = self.kept.get(&key);
        if let Some(kept) = kept.filter(|kept| kept.holds_for(examination, question)) {
            return Ok(Arc::clone(&kept.assessment));
        }
        let exemptions = question.exemptions.applying_to(&subject, question.now);
        let assessment = Arc::new(examination.under(exemptions));
        let verdict = Verdict {
            examination: Arc::downgrade(examination),
            exemptions: Arc::clone(question.exemptions),
            drawn_at: question.now,
            assessment: Arc::clone(&assessment),
        };
        self.kept.insert(key, Arc::new(verdict));
        Ok(assessment)
    }
}

impl Verdict {
    fn holds_for(&self, examination: &Arc<Examination>, question: &Question<'_>) -> bool {
        self.drawn_at <= question.now
            && is_same(&self.examination, examination)
            && Arc::ptr_eq(&self.exemptions, question.exemptions)
            && !self
                .exemptions
                .any_ends_between(self.drawn_at, question.now)
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

fn subject(question: &Question<'_>) -> Result<Subject, Unadvised> {
    let subject = Subject::new(question.image, question.digest, question.tag)
        .map_err(|error| Unadvised::Reference(error.to_string()))?;
    Ok(match question.namespace {
        Some(namespace) => subject.in_namespace(namespace.clone()),
        None => subject,
    })
}

/// How much time went by; nothing if it went backwards.
pub(crate) fn age(from: Timestamp, to: Timestamp) -> Option<Duration> {
    Duration::try_from(to.duration_since(from)).ok()
}
