//! What of this crate's inner parts the fuzz targets call. No part of the interface.

use std::time::Duration;

use crate::timeout::Timeout;

/// The time for the decision that a call with this query asks for, and the time after which it is answered anyhow.
pub fn timeout(query: &str) -> Option<(Duration, Duration)> {
    let timeout = Timeout::from_query(Some(query)).ok()?;
    Some((timeout.for_the_decision(), timeout.for_the_answer()))
}
