//! Documents and what they are held against.

mod documents;
mod products;
mod rules;

use cise_reference::Digest;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::testimony::Signed;
use super::{Document, Testimony};
use crate::assessment::tests::fixture::{NOW, time};

/// The key that documents of these tests are signed with.
pub(crate) const KEY: &str = "team.pub (sha256:aa)";

/// The index that was asked about.
pub(crate) fn root() -> Digest {
    Digest::sha256([0xab; 32])
}

/// The image of one platform in it.
pub(crate) fn manifest() -> Digest {
    Digest::sha256([1; 32])
}

pub(crate) fn now() -> Timestamp {
    time(NOW)
}

/// The package URL of an image.
pub(crate) fn image_url(digest: &Digest) -> String {
    format!("pkg:oci/app@{}", digest.as_str().replace(':', "%3A"))
}

/// A document of these statements.
pub(crate) fn document(statements: &[Value]) -> Value {
    json!({
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://example.com/vex/1",
        "author": "Team <team@example.com>",
        "timestamp": "2026-11-20T00:00:00Z",
        "version": 1,
        "statements": statements,
    })
}

/// A statement about CVE-2026-1 in all of the image.
pub(crate) fn statement(status: &str) -> Value {
    let mut statement = json!({
        "vulnerability": {"name": "CVE-2026-1"},
        "products": [{"@id": image_url(&root())}],
        "status": status,
    });
    if status == "not_affected" {
        statement["justification"] = "vulnerable_code_not_present".into();
    }
    statement
}

/// The same with other fields.
pub(crate) fn with(mut written: Value, fields: Value) -> Value {
    let (Value::Object(written_fields), Value::Object(fields)) = (&mut written, fields) else {
        panic!("objects have fields");
    };
    written_fields.extend(fields);
    written
}

pub(crate) fn read(document: &Value) -> Document {
    Document::from_json(document.to_string().as_bytes()).unwrap()
}

/// Documents that are attested of these digests.
pub(crate) fn testimony_about(about: &[Digest], documents: &[Value]) -> Testimony {
    let mut testimony = Testimony::default();
    for document in documents {
        testimony.add(Signed {
            document: read(document),
            about: about.to_vec(),
            key: KEY.into(),
            attached_as: "sha256:bb".into(),
        });
    }
    testimony
}

pub(crate) fn testimony(documents: &[Value]) -> Testimony {
    testimony_about(&[root()], documents)
}
