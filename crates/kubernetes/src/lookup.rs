use std::collections::HashMap;
use std::future::Future;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cise_admission::SourceError;
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared, WeakShared};
use moka::sync::Cache;

/// How long an object that nobody asks for is remembered, so that it is known again if nobody has written it meanwhile.
const KEPT_FOR: Duration = Duration::from_secs(600);

/// How many readings may be noted before those are swept out that nobody waited for to the end.
const SWEEP_AT: usize = 256;

/// An object's namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) namespace: Box<str>,
    pub(crate) name: Box<str>,
}

/// An object as it was read.
#[derive(Clone, Debug)]
pub(crate) struct Found<V> {
    /// What is of interest in it; cheap to clone.
    pub(crate) value: V,
    /// Tells one writing of the object from the next: its identity and its version.
    pub(crate) writing: Writing,
    /// Its size in memory, in bytes; roughly.
    pub(crate) size: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Writing {
    pub(crate) uid: Option<String>,
    pub(crate) resource_version: Option<String>,
}

/// Objects that are read when they are asked for, and kept for a short time.
///
/// However many ask for the same object, it is read once. That an object does not exist is not kept: whoever is told so and
/// makes it is not told so again.
pub(crate) struct Lookups<V> {
    fresh_for: Duration,
    kept: Cache<Key, Kept<V>>,
    asked: Mutex<HashMap<Key, WeakShared<Asking<V>>>>,
}

type Answer<V> = Result<Option<Found<V>>, SourceError>;
type Asking<V> = BoxFuture<'static, Answer<V>>;

#[derive(Clone)]
struct Kept<V> {
    found: Found<V>,
    since: Instant,
}

impl<V: Clone + Send + Sync + 'static> Lookups<V> {
    /// What is read counts for `fresh_for`. At most `bytes` are kept.
    pub(crate) fn new(fresh_for: Duration, bytes: u64) -> Self {
        Self {
            fresh_for,
            kept: Cache::builder()
                .max_capacity(bytes)
                .weigher(|_, kept: &Kept<V>| kept.found.size)
                .time_to_idle(KEPT_FOR)
                .build(),
            asked: Mutex::default(),
        }
    }

    /// The object, from memory or by `read`. As long as nobody writes it, the same value is given, not an equal one.
    pub(crate) async fn get<F>(
        &self,
        key: Key,
        read: impl FnOnce(Key) -> F,
    ) -> Result<Option<V>, SourceError>
    where
        F: Future<Output = Answer<V>> + Send + 'static,
    {
        let kept = self.kept.get(&key);
        if let Some(kept) = kept.filter(|kept| kept.since.elapsed() < self.fresh_for) {
            return Ok(Some(kept.found.value));
        }
        let answer = self.ask(&key, read).await;
        self.asked().remove(&key);
        let found = answer?;
        if found.is_none() {
            self.forget(&key);
        }
        Ok(found.map(|found| self.keep(key, found)))
    }

    /// Forgets an object, so that it is read anew when it is asked for next.
    pub(crate) fn forget(&self, key: &Key) {
        self.kept.invalidate(key);
    }

    /// The reading that goes on already, or a new one. It ends when nobody waits for it any more.
    fn ask<F>(&self, key: &Key, read: impl FnOnce(Key) -> F) -> Shared<Asking<V>>
    where
        F: Future<Output = Answer<V>> + Send + 'static,
    {
        let mut asked = self.asked();
        if let Some(asking) = asked.get(key).and_then(WeakShared::upgrade) {
            return asking;
        }
        if asked.len() >= SWEEP_AT {
            asked.retain(|_, asking| asking.upgrade().is_some());
        }
        let asking = read(key.clone()).boxed().shared();
        if let Some(weak) = asking.downgrade() {
            asked.insert(key.clone(), weak);
        }
        asking
    }

    fn keep(&self, key: Key, mut found: Found<V>) -> V {
        if let Some(kept) = self.kept.get(&key)
            && kept.found.writing == found.writing
        {
            found.value = kept.found.value;
        }
        let value = found.value.clone();
        let since = Instant::now();
        self.kept.insert(key, Kept { found, since });
        value
    }

    fn asked(&self) -> MutexGuard<'_, HashMap<Key, WeakShared<Asking<V>>>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    type Texts = Lookups<Arc<str>>;

    fn key() -> Key {
        Key {
            namespace: "team".into(),
            name: "alice".into(),
        }
    }

    fn found(text: &str, version: &str) -> Found<Arc<str>> {
        Found {
            value: text.into(),
            writing: Writing {
                uid: Some("1".into()),
                resource_version: Some(version.into()),
            },
            size: 1,
        }
    }

    async fn get(texts: &Texts, answer: Answer<Arc<str>>) -> Result<Option<Arc<str>>, SourceError> {
        texts.get(key(), |_| async { answer }).await
    }

    #[tokio::test]
    async fn what_is_fresh_is_not_read_again() {
        let texts = Texts::new(Duration::from_secs(3600), 100);
        let first = get(&texts, Ok(Some(found("a", "1"))))
            .await
            .unwrap()
            .unwrap();
        let second = get(&texts, Ok(Some(found("b", "2"))))
            .await
            .unwrap()
            .unwrap();
        assert!(Arc::ptr_eq(&first, &second));
        texts.forget(&key());
        let third = get(&texts, Ok(Some(found("b", "2"))))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(&*third, "b");
    }

    #[tokio::test]
    async fn what_was_not_written_meanwhile_stays_the_same_value() {
        let texts = Texts::new(Duration::ZERO, 100);
        let first = get(&texts, Ok(Some(found("a", "1"))))
            .await
            .unwrap()
            .unwrap();
        let same = get(&texts, Ok(Some(found("a", "1"))))
            .await
            .unwrap()
            .unwrap();
        assert!(Arc::ptr_eq(&first, &same));
        let other = get(&texts, Ok(Some(found("a", "2"))))
            .await
            .unwrap()
            .unwrap();
        assert!(!Arc::ptr_eq(&first, &other));
    }

    #[tokio::test]
    async fn neither_an_absence_nor_a_failure_is_kept() {
        let texts = Texts::new(Duration::from_secs(3600), 100);
        let failure = SourceError::new("secret team/alice", "no answer");
        assert_eq!(get(&texts, Err(failure.clone())).await, Err(failure));
        assert_eq!(get(&texts, Ok(None)).await, Ok(None));
        assert!(
            get(&texts, Ok(Some(found("a", "1"))))
                .await
                .unwrap()
                .is_some()
        );
    }

    #[tokio::test]
    async fn all_who_ask_at_the_same_time_wait_for_one_reading() {
        let texts = Texts::new(Duration::ZERO, 100);
        let (release, released) = tokio::sync::watch::channel(());
        let readings = Arc::new(AtomicU32::new(0));
        let ask = || {
            let (readings, mut released) = (Arc::clone(&readings), released.clone());
            texts.get(key(), move |_| async move {
                readings.fetch_add(1, Ordering::Relaxed);
                let _ = released.changed().await;
                Ok(Some(found("a", "1")))
            })
        };
        let mut waiting: Vec<_> = (0..100).map(|_| Box::pin(ask())).collect();
        for waiter in &mut waiting {
            assert!(futures::poll!(waiter).is_pending());
        }
        release.send_replace(());
        let answers = futures::future::join_all(waiting).await;
        assert!(
            answers
                .iter()
                .all(|answer| answer.as_ref().unwrap().is_some())
        );
        assert_eq!(readings.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn a_reading_that_nobody_waits_for_ends_and_leaves_nothing_behind() {
        let texts = Texts::new(Duration::ZERO, 100);
        for number in 0..2 * SWEEP_AT {
            let key = Key {
                name: number.to_string().into(),
                ..key()
            };
            let asking = texts.get(key, |_| std::future::pending());
            assert!(asking.now_or_never().is_none());
        }
        assert!(texts.asked().len() <= SWEEP_AT);
    }
}
