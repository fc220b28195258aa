//! Results as SARIF 2.1.0 (OASIS), which code scanning services read.
//!
//! A rule is a reason's code, so a rule keeps its id for as long as the reason exists. Images that may run are no results.

use cise_admission::ReasonReport;
use serde_json::{Value, json};

use super::finding::{Finding, Spot};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

pub(super) fn render(findings: &[Finding<'_>]) -> String {
    let mut rules = Vec::new();
    let results: Vec<Value> = findings
        .iter()
        .flat_map(|finding| results(finding, &mut rules))
        .collect();
    let rules: Vec<Value> = rules.into_iter().map(rule).collect();
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "cise", "version": env!("CARGO_PKG_VERSION"), "rules": rules}},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    format!("{log:#}\n")
}

fn results(finding: &Finding<'_>, rules: &mut Vec<&'static str>) -> Vec<Value> {
    let refusals = finding.refusals().iter().map(|reason| ("error", reason));
    let tolerated = finding.tolerated().iter().map(|reason| ("warning", reason));
    refusals
        .chain(tolerated)
        .map(|(level, reason)| result(finding, level, reason, rules))
        .collect()
}

fn result(
    finding: &Finding<'_>,
    level: &str,
    reason: &ReasonReport,
    rules: &mut Vec<&'static str>,
) -> Value {
    let index = rules
        .iter()
        .position(|rule| *rule == reason.code)
        .unwrap_or_else(|| {
            rules.push(reason.code);
            rules.len() - 1
        });
    let text = format!(
        "{}\nFound: {}\nTo do: {}",
        reason.message, reason.found, reason.remedy
    );
    json!({
        "ruleId": reason.code,
        "ruleIndex": index,
        "level": level,
        "message": {"text": text},
        "locations": locations(finding),
        "properties": {"image": finding.report.image, "namespace": finding.namespace},
    })
}

fn locations(finding: &Finding<'_>) -> Vec<Value> {
    if finding.spots.is_empty() {
        return vec![
            json!({"logicalLocations": [{"name": finding.report.image, "kind": "resource"}]}),
        ];
    }
    finding
        .spots
        .iter()
        .map(|spot| location(finding, spot))
        .collect()
}

fn location(finding: &Finding<'_>, spot: &Spot) -> Value {
    let position = spot.place.position;
    let object = finding.object.as_deref().unwrap_or_default();
    json!({
        "physicalLocation": {
            "artifactLocation": {"uri": uri(&spot.place.file)},
            "region": {"startLine": position.line, "startColumn": position.column},
        },
        "logicalLocations": [{"fullyQualifiedName": format!("{}/{object}/{}", finding.namespace, spot.container), "kind": "resource"}],
    })
}

fn rule(code: &str) -> Value {
    json!({"id": code, "shortDescription": {"text": code.replace('-', " ")}})
}

/// A path as a URI reference (RFC 3986): relative if the path is, `file:` if it is absolute.
fn uri(path: &str) -> String {
    let scheme = if path.starts_with('/') { "file://" } else { "" };
    let path = path.strip_prefix("./").unwrap_or(path);
    scheme
        .chars()
        .chain(path.bytes().flat_map(escaped))
        .collect()
}

fn escaped(byte: u8) -> Vec<char> {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => {
            vec![byte.into()]
        }
        other => format!("%{other:02X}").chars().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_uri_references() {
        for (path, expected) in [
            ("deploy/app.yaml", "deploy/app.yaml"),
            ("./app.yaml", "app.yaml"),
            ("/srv/app.yaml", "file:///srv/app.yaml"),
            ("a b/ü:%.yaml", "a%20b/%C3%BC%3A%25.yaml"),
            ("standard input", "standard%20input"),
        ] {
            assert_eq!(uri(path), expected);
        }
    }
}
