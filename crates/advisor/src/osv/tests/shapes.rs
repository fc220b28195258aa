use serde_json::{Value, json};

use super::{NOW, advisory, changed, rejected};
use crate::osv::{MAX_BYTES, Rejected, parse};

#[test]
fn a_withdrawn_record_is_none() {
    let withdrawn = changed(|record| record["withdrawn"] = "2024-01-01T00:00:00Z".into());
    assert_eq!(parse(withdrawn.to_string().as_bytes(), NOW), Ok(None));
    let standing = changed(|record| record["withdrawn"] = Value::Null);
    assert_eq!(&*advisory(&standing).id, "DSA-3029-1");
}

#[test]
fn a_record_that_is_withdrawn_later_stands_until_then_and_one_at_no_time_is_rejected() {
    for later in ["2199-01-01T00:00:00Z", "2026-11-18T20:26:41Z"] {
        let record = changed(|record| record["withdrawn"] = later.into());
        assert_eq!(&*advisory(&record).id, "DSA-3029-1", "{later}");
    }
    let at_last = changed(|record| record["withdrawn"] = NOW.to_string().into());
    assert_eq!(parse(at_last.to_string().as_bytes(), NOW), Ok(None));
    let record = changed(|record| record["withdrawn"] = "yes".into());
    assert_eq!(
        rejected(&record),
        "the record DSA-3029-1 is not of OSV's schema at `withdrawn`: \
         `yes` is no time: expected one as in `2026-01-31T12:00:00Z`"
    );
}

#[test]
fn a_name_with_a_blank_at_an_end_is_rejected_where_images_are_judged_by_it() {
    for (ecosystem, name, told) in [
        (
            "Debian:12 ",
            "nginx",
            Some("ecosystem`: `Debian:12 ` begins"),
        ),
        (
            " Debian:12",
            "nginx",
            Some("ecosystem`: ` Debian:12` begins"),
        ),
        ("Debian:12", "nginx ", Some("name`: `nginx ` begins")),
        ("Rocky Linux:9", "nginx", None),
        ("PyPI", "nginx ", None),
    ] {
        let record = changed(|record| {
            record["affected"][0]["package"] = json!({"ecosystem": ecosystem, "name": name});
        });
        let read = parse(record.to_string().as_bytes(), NOW).map_err(|error| error.to_string());
        assert_eq!(read.is_ok(), told.is_none(), "{ecosystem} {name}");
        let error = read.err().unwrap_or_default();
        assert!(error.contains(told.unwrap_or_default()), "{error}");
    }
}

#[test]
fn a_list_may_be_null_or_absent() {
    for member in ["aliases", "related", "upstream", "severity", "affected"] {
        let record = changed(|record| record[member] = Value::Null);
        assert_eq!(&*advisory(&record).id, "DSA-3029-1");
    }
    assert_eq!(
        advisory(&json!({"id": "x", "modified": "2024-01-01T00:00:00Z"})).affected,
        []
    );
}

#[test]
fn what_the_schema_lets_a_feed_add_is_passed_over() {
    let record = changed(|record| {
        record["database_specific"] = json!({"anything": [1, {"at": "all"}]});
        record["affected"][0]["database_specific"] = json!("whatever");
        record["affected"][0]["ranges"][0]["database_specific"] = json!(7);
        record["references"] = json!([{"type": "WEB", "url": "https://example.com"}]);
        record["details"] = json!("many\nlines");
    });
    assert_eq!(advisory(&record), advisory(&changed(|_| ())));
}

#[test]
fn a_summary_becomes_one_line_of_300_characters() {
    let record = changed(|record| record["summary"] = json!("  a\n\tb\u{1b}[31m  c "));
    assert_eq!(&*advisory(&record).summary, "a b [31m c");
    let record = changed(|record| record["summary"] = json!("ä ".repeat(1000)));
    assert_eq!(advisory(&record).summary.chars().count(), 300);
}

#[test]
fn a_record_of_a_wrong_shape_is_rejected_by_its_name_and_the_field() {
    let events = "affected/0/ranges/0/events";
    for (at, value, field, why) in [
        (
            "affected/0/ranges",
            json!({"type": "ECOSYSTEM"}),
            "affected[0].ranges",
            "invalid type: map",
        ),
        (
            "affected/0/ranges/0/type",
            json!("COMMIT"),
            "affected[0].ranges[0].type",
            "unknown variant",
        ),
        (
            "affected/0/ranges/0/type",
            json!(null),
            "affected[0].ranges[0].type",
            "expected",
        ),
        (
            events,
            json!([{"fixed": "1"}]),
            "affected[0].ranges[0]",
            "without an `introduced` event",
        ),
        (
            events,
            json!([]),
            "affected[0].ranges[0]",
            "without an `introduced` event",
        ),
        (
            events,
            json!([{"introduced": "0", "fixed": "1"}]),
            "affected[0].ranges[0].events[0]",
            "exactly one of",
        ),
        (
            events,
            json!([{}]),
            "affected[0].ranges[0].events[0]",
            "exactly one of",
        ),
        (
            events,
            json!([{"fixed": 1.2}]),
            "affected[0].ranges[0].events[0].fixed",
            "invalid type",
        ),
        (
            "affected/0/package",
            json!({"name": "nginx"}),
            "affected[0].package",
            "missing field `ecosystem`",
        ),
        (
            "affected/0/package/name",
            json!(""),
            "affected[0].package.name",
            "1 to 1024 bytes",
        ),
        (
            "affected/0/versions",
            json!(["1", "a\u{0}b"]),
            "affected[0].versions[1]",
            "control characters",
        ),
        (
            "affected/0/ecosystem_specific",
            json!({"urgency": []}),
            "ecosystem_specific.urgency",
            "invalid type",
        ),
        ("withdrawn", json!(false), "withdrawn", "invalid type"),
    ] {
        let message = rejected(&changed(|record| set(record, at, value)));
        let expected = format!("the record DSA-3029-1 is not of OSV's schema at `{field}`: ");
        assert!(message.starts_with(&expected), "{message}");
        assert!(message.contains(why), "{message}");
    }
}

/// Sets the member at the end of a path, whether or not there is one.
fn set(record: &mut Value, path: &str, value: Value) {
    let (object, member) = path.rsplit_once('/').unwrap_or(("", path));
    let pointer = if object.is_empty() {
        String::new()
    } else {
        format!("/{object}")
    };
    record.pointer_mut(&pointer).unwrap()[member] = value;
}

#[test]
fn a_record_without_an_id_is_rejected_as_such() {
    let record = changed(|record| record["id"] = json!(3));
    assert!(
        rejected(&record).starts_with("the record without an id is not of OSV's schema at `id`")
    );
    for text in [
        "",
        "[]",
        "{",
        "null",
        "{\"id\":\"a\"} {\"id\":\"b\"}",
        "{\"id\":\"a\",\"id\":\"b\"}",
    ] {
        assert!(parse(text.as_bytes(), NOW).is_err(), "{text}");
    }
    assert!(parse(b"{\"id\":\"\xff\"}", NOW).is_err());
}

#[test]
fn a_list_or_a_word_past_its_bound_is_rejected() {
    let many_events: Vec<Value> = (0..10_001)
        .map(|i| json!({"introduced": i.to_string()}))
        .collect();
    let record =
        changed(|record| record["affected"][0]["ranges"][0]["events"] = json!(many_events));
    assert!(rejected(&record).contains("a list of at most 10000 elements"));
    let record =
        changed(|record| record["affected"][0]["package"]["name"] = json!("x".repeat(1025)));
    let message = rejected(&record);
    assert!(message.len() < 1024, "{message}");
    let long = vec![b' '; MAX_BYTES + 1];
    assert_eq!(
        parse(&long, NOW),
        Err(Rejected::TooLong {
            bytes: MAX_BYTES + 1
        })
    );
}

#[test]
fn a_record_nested_without_end_is_rejected() {
    let text = format!("{{\"id\":\"a\",\"details\":{}", "[".repeat(1_000_000));
    assert!(parse(text.as_bytes(), NOW).is_err());
}

proptest::proptest! {
    #[test]
    fn no_bytes_are_more_than_an_error(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        let _ = parse(&bytes, NOW);
    }
}
