//! What can be made to go wrong.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

/// One thing that goes wrong with an exchange.
#[derive(Clone)]
pub enum Fault {
    /// The answer is held back for this long.
    Delay(Duration),
    /// There is never an answer.
    Hang,
    /// The connection ends after this many bytes of the body.
    CutAfter(usize),
    /// The body comes one byte at a time, with this much time between two.
    Trickle(Duration),
    /// The body repeats itself without end.
    Endless,
    /// The answer is changed in this way.
    Change(Arc<dyn Fn(&mut Answer) + Send + Sync>),
}

/// An answer that can be changed before the client sees it.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers; `Content-Length` and `Transfer-Encoding` follow from the body.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Fault {
    /// Changes the answer.
    pub fn change(change: impl Fn(&mut Answer) + Send + Sync + 'static) -> Self {
        Self::Change(Arc::new(change))
    }

    /// Answers with another status and an empty body.
    pub fn status(status: StatusCode) -> Self {
        Self::change(move |answer| {
            *answer = Answer {
                status,
                headers: HeaderMap::new(),
                body: Bytes::new(),
            }
        })
    }

    /// Answers with another body.
    pub fn body(body: impl Into<Bytes>) -> Self {
        let body = body.into();
        Self::change(move |answer| answer.body = body.clone())
    }

    /// Answers with this header, in place of what it was.
    pub fn header(name: HeaderName, value: &'static str) -> Self {
        Self::change(move |answer| {
            answer
                .headers
                .insert(name.clone(), HeaderValue::from_static(value));
        })
    }

    /// Answers without this header.
    pub fn without_header(name: HeaderName) -> Self {
        Self::change(move |answer| {
            answer.headers.remove(&name);
        })
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delay(time) => formatter.debug_tuple("Delay").field(time).finish(),
            Self::Hang => formatter.write_str("Hang"),
            Self::CutAfter(bytes) => formatter.debug_tuple("CutAfter").field(bytes).finish(),
            Self::Trickle(time) => formatter.debug_tuple("Trickle").field(time).finish(),
            Self::Endless => formatter.write_str("Endless"),
            Self::Change(_) => formatter.write_str("Change"),
        }
    }
}

/// Which requests get which faults.
#[derive(Debug, Default)]
pub(super) struct Rules(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    pattern: String,
    fault: Fault,
    /// For how many more requests; `None`: for all.
    left: Option<usize>,
}

impl Rules {
    pub(super) fn add(&mut self, pattern: &str, fault: Fault, left: Option<usize>) {
        self.0.push(Rule {
            pattern: pattern.to_owned(),
            fault,
            left,
        });
    }

    /// The faults of a request, which uses them up.
    pub(super) fn take(&mut self, request_line: &str) -> Vec<Fault> {
        let fitting = self
            .0
            .iter_mut()
            .filter(|rule| rule.left != Some(0) && request_line.contains(&rule.pattern));
        fitting
            .map(|rule| {
                rule.left = rule.left.map(|left| left - 1);
                rule.fault.clone()
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_used_up_by_the_requests_that_fit() {
        let mut rules = Rules::default();
        rules.add("GET /v2/", Fault::Hang, Some(1));
        rules.add("/v2/", Fault::Endless, None);
        assert_eq!(rules.take("HEAD /v2/").len(), 1);
        assert_eq!(rules.take("GET /v2/").len(), 2);
        assert_eq!(rules.take("GET /v2/").len(), 1);
        assert_eq!(rules.take("GET /token").len(), 0);
    }
}
