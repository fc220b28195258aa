//! Whether the server can answer yet, and if not, what it waits for.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The conditions that have to be met before the server is ready.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<Mutex<Vec<Condition>>>);

impl Readiness {
    /// None yet; and without any, the server is ready.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a condition that is not met, for the reason `missing`.
    pub fn condition(&self, name: &'static str, missing: impl Into<String>) -> Condition {
        let condition = Condition {
            name,
            missing: Arc::new(Mutex::new(Some(missing.into()))),
        };
        lock(&self.0).push(condition.clone());
        condition
    }

    /// Whether every condition is met.
    pub fn is_ready(&self) -> bool {
        lock(&self.0)
            .iter()
            .all(|condition| lock(&condition.missing).is_none())
    }

    /// A line for each condition, for people.
    pub(crate) fn report(&self) -> String {
        let mut report = String::new();
        for condition in lock(&self.0).iter() {
            let missing = lock(&condition.missing);
            // Writing to a string cannot fail.
            let _ = match &*missing {
                None => writeln!(report, "[+] {}: ok", condition.name),
                Some(why) => writeln!(report, "[-] {}: {why}", condition.name),
            };
        }
        report
    }
}

/// One condition, held by the part of the program that can meet it.
#[derive(Clone, Debug)]
pub struct Condition {
    name: &'static str,
    missing: Arc<Mutex<Option<String>>>,
}

impl Condition {
    /// The condition is met.
    pub fn met(&self) {
        *lock(&self.missing) = None;
    }

    /// The condition is not met, or no longer, for this reason.
    pub fn missing(&self, why: impl Into<String>) {
        *lock(&self.missing) = Some(why.into());
    }
}

/// Each critical section leaves its value whole, so one that panicked has not spoiled it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_is_ready_when_every_condition_is_met() {
        let readiness = Readiness::new();
        let policies = readiness.condition("policies", "no policy has been read yet");
        let certificate = readiness.condition("certificate", "none yet");
        policies.met();
        assert!(!readiness.is_ready());
        assert_eq!(
            readiness.report(),
            "[+] policies: ok\n[-] certificate: none yet\n"
        );
        certificate.met();
        assert!(readiness.is_ready());
        policies.missing("shutting down");
        assert!(!readiness.is_ready());
    }
}
