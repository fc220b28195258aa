//! A test per fact, each with the shape of a real record of the feed. Ids, packages and versions are facts; nothing is
//! described.

mod feeds;
mod shapes;

use serde_json::{Value, json};

use super::{Rejected, parse};
use crate::Advisory;

const NOW: jiff::Timestamp = jiff::Timestamp::constant(1_795_000_000, 0);

/// Reads a record that must be one.
fn advisory(record: &Value) -> Advisory {
    parse(record.to_string().as_bytes(), NOW).unwrap().unwrap()
}

/// The message about a record that must be none.
fn rejected(record: &Value) -> String {
    let error: Rejected = parse(record.to_string().as_bytes(), NOW).unwrap_err();
    error.to_string()
}

/// A record with one package, changed by `change`.
fn changed(change: impl FnOnce(&mut Value)) -> Value {
    let mut record = json!({
        "schema_version": "1.7.0",
        "id": "DSA-3029-1",
        "modified": "2014-09-20T08:18:07Z",
        "published": "2014-09-20T00:00:00Z",
        "upstream": ["CVE-2014-3616"],
        "affected": [{
            "package": {"ecosystem": "Debian:7", "name": "nginx"},
            "ranges": [{
                "type": "ECOSYSTEM",
                "events": [{"introduced": "0"}, {"fixed": "1.2.1-2.2+wheezy3"}]
            }]
        }]
    });
    change(&mut record);
    record
}
