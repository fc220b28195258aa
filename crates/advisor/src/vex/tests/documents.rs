use super::*;
use crate::vex::DocumentError;
use crate::vex::document::Status;

fn error(document: &Value) -> String {
    let read = Document::from_json(document.to_string().as_bytes());
    read.unwrap_err().to_string()
}

#[test]
fn a_document_with_every_field_of_the_format_is_read() {
    let full = json!({
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://example.com/vex/1",
        "author": "Team", "role": "Maker", "timestamp": "2026-11-20T01:00:00+01:00", "last_updated": "2026-11-21T00:00:00Z",
        "version": 2, "tooling": "by hand",
        "statements": [{
            "@id": "https://example.com/vex/1#1", "version": 1,
            "vulnerability": {"@id": "https://example.com/1", "name": "CVE-2026-1", "description": "x", "aliases": ["GHSA-aaaa"]},
            "timestamp": "2026-11-22T00:00:00.123456789Z", "last_updated": "2026-11-23T00:00:00Z",
            "products": [{
                "@id": "pkg:oci/app", "identifiers": {"purl": "pkg:oci/app", "cpe23": "cpe:2.3:a:x:y"}, "hashes": {"sha-256": "00"},
                "subcomponents": [{"@id": "pkg:deb/debian/x", "identifiers": {}, "hashes": {}}],
            }],
            "status": "not_affected", "supplier": "x", "status_notes": "x", "justification": "component_not_present",
            "impact_statement": "it is not there", "action_statement": "x", "action_statement_timestamp": "2026-11-22T00:00:00Z",
        }],
    });
    let read = read(&full);
    assert_eq!((&*read.author, read.version), ("Team", 2));
    let [statement] = read.statements.as_slice() else {
        panic!("one statement");
    };
    assert_eq!(statement.at, time("2026-11-22T00:00:00.123456789Z"));
    let reason = "component_not_present: it is not there";
    assert_eq!(statement.status, Status::NotAffected(Some(reason.into())));
}

#[test]
fn a_statement_without_a_time_has_that_of_its_document() {
    let read = read(&document(&[statement("affected")]));
    let times: Vec<_> = read.statements.iter().map(|one| one.at).collect();
    assert_eq!(times, [time("2026-11-20T00:00:00Z")]);
}

#[test]
fn what_is_not_in_the_format_is_refused() {
    let narrowed =
        json!({"@id": image_url(&root()), "subcomponent": [{"@id": "pkg:deb/debian/x"}]});
    for (written, part) in [
        (
            document(&[with(statement("fixed"), json!({"products": [narrowed]}))]),
            "unknown field `subcomponent`",
        ),
        (
            document(&[with(statement("fixed"), json!({"product": []}))]),
            "unknown field `product`",
        ),
        (
            document(&[with(
                statement("fixed"),
                json!({"vulnerability": "CVE-2026-1"}),
            )]),
            "expected struct",
        ),
        (
            document(&[with(statement("fixed"), json!({"timestamp": "yesterday"}))]),
            "",
        ),
        (
            document(&[with(statement("fixed"), json!({"status": null}))]),
            "",
        ),
        (
            with(document(&[]), json!({"expires": "2026-12-01T00:00:00Z"})),
            "unknown field `expires`",
        ),
        (with(document(&[]), json!({"version": "1"})), "expected u64"),
        (
            with(document(&[]), json!({"version": 0})),
            "version: expected 1 or more",
        ),
        (
            with(document(&[]), json!({"@context": "https://openvex.dev/ns"})),
            "its @context is `https://openvex.dev/ns`",
        ),
        (
            with(document(&[]), json!({"author": " "})),
            "author: expected 1 to 1024 bytes",
        ),
        (
            with(document(&[]), json!({"@id": "x".repeat(1025)})),
            "@id: expected 1 to 1024 bytes",
        ),
    ] {
        let error = error(&written);
        assert!(error.contains(part), "{error}");
    }
    let many = vec![statement("fixed"); 10_001];
    let many = Document::from_json(document(&many).to_string().as_bytes());
    assert_eq!(many, Err(DocumentError::Statements));
}

#[test]
fn a_justification_is_one_of_the_format_and_a_sentence_is_not_blank() {
    for (fields, reason) in [
        (
            json!({"justification": "component_not_present"}),
            Some("component_not_present"),
        ),
        (json!({"justification": "component_not_presemt"}), None),
        (
            json!({"justification": "component_not_presemt", "impact_statement": "x"}),
            None,
        ),
        (json!({"justification": ""}), None),
        (
            json!({"justification": null, "impact_statement": "never called"}),
            Some("never called"),
        ),
        (
            json!({"justification": null, "impact_statement": "  \n"}),
            None,
        ),
        (json!({"justification": null}), None),
    ] {
        let read = read(&document(&[with(
            statement("not_affected"),
            fields.clone(),
        )]));
        let expected = Status::NotAffected(reason.map(Into::into));
        assert_eq!(
            read.statements.first().map(|one| &one.status),
            Some(&expected),
            "{fields}"
        );
    }
}
