use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::AdvisorySource;
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

    /// What is known of a vulnerability. Where the database does not answer nothing is known, and [`fault`](Self::fault) says
    /// so.
    pub(super) fn about(&mut self, id: &str) -> &Vulnerability {
        match self.seen.entry(id.into()) {
            Entry::Occupied(seen) => seen.into_mut(),
            Entry::Vacant(unseen) => {
                let answer = self.source.vulnerability(id).unwrap_or_else(|error| {
                    let why = error.to_string().into();
                    self.fault.get_or_insert(Gap::NoAnswer { why });
                    None
                });
                unseen.insert(answer.unwrap_or_default())
            }
        }
    }

    /// Why something is not known that the database may know.
    pub(super) fn fault(&self) -> Option<&Gap> {
        self.fault.as_ref()
    }
}
