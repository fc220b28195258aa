use std::collections::HashMap;

use super::AdvisorySource;
use super::counting::Exploited;
use crate::Gap;
use crate::database::Vulnerability;

/// What all feeds know of the vulnerabilities that come up in an assessment; each is asked for once.
pub(super) struct Known<'a, S> {
    source: &'a S,
    seen: HashMap<Box<str>, Vulnerability>,
    fault: Option<Gap>,
}

impl<'a, S: AdvisorySource> Known<'a, S> {
    pub(super) fn new(source: &'a S) -> Self {
        Self {
            source,
            seen: HashMap::new(),
            fault: None,
        }
    }

    /// Finds out about a vulnerability. Where the database does not answer nothing is known, and [`fault`](Self::fault) says so.
    pub(super) fn learn(&mut self, id: &str) {
        if !self.seen.contains_key(id) {
            let answer = self.ask(id);
            self.seen.insert(id.into(), answer);
        }
    }

    /// Whether it is known that a vulnerability is exploited.
    pub(super) fn exploited(&mut self, id: &str) -> Exploited {
        self.learn(id);
        match self.seen.get(id).and_then(|known| known.known_exploited) {
            Some(_) => Exploited::Known,
            None => Exploited::Unknown,
        }
    }

    /// What is known of a vulnerability, for whoever asks last.
    pub(super) fn take(&mut self, id: &str) -> Vulnerability {
        match self.seen.remove(id) {
            Some(seen) => seen,
            None => self.ask(id),
        }
    }

    /// Why something is not known that the database may know.
    pub(super) fn fault(&self) -> Option<&Gap> {
        self.fault.as_ref()
    }

    fn ask(&mut self, id: &str) -> Vulnerability {
        let answer = self.source.vulnerability(id).unwrap_or_else(|error| {
            let why = error.to_string().into();
            self.fault.get_or_insert(Gap::NoAnswer { why });
            None
        });
        answer.unwrap_or_default()
    }
}
