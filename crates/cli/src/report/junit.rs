//! Results in the XML of `JUnit`, in the form that Jenkins publishes a schema for: a test case for each image.
//!
//! An image that would be refused is a failure, one that could not be decided upon an error.

use std::fmt::Write as _;

use super::finding::Finding;
use super::status::Status;

pub(super) fn render(findings: &[Finding<'_>]) -> String {
    let count = |status: Status| {
        findings
            .iter()
            .filter(|finding| finding.status == status)
            .count()
    };
    let counts = format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\"",
        findings.len(),
        count(Status::Denied),
        count(Status::Undecided)
    );
    let cases: String = findings.iter().map(case).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"cise check\" {counts}>\n  \
         <testsuite name=\"cise check\" {counts}>\n{cases}  </testsuite>\n</testsuites>\n"
    )
}

fn case(finding: &Finding<'_>) -> String {
    let class = match &finding.object {
        Some(object) => format!("{}/{object}", finding.namespace),
        None => finding.namespace.to_owned(),
    };
    let opening = format!(
        "    <testcase name=\"{}\" classname=\"{}\"",
        escaped(finding.report.image),
        escaped(&class)
    );
    let (Some(first), Some(element)) = (finding.refusals().first(), element(finding.status)) else {
        return format!("{opening}/>\n");
    };
    let (kind, message) = (escaped(first.code), escaped(&first.message));
    let details = escaped(&details(finding));
    format!(
        "{opening}>\n      <{element} type=\"{kind}\" message=\"{message}\">{details}</{element}>\n    </testcase>\n"
    )
}

fn element(status: Status) -> Option<&'static str> {
    match status {
        Status::Allowed => None,
        Status::Denied => Some("failure"),
        Status::Undecided => Some("error"),
    }
}

fn details(finding: &Finding<'_>) -> String {
    let mut text = String::new();
    for spot in &finding.spots {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{spot}");
    }
    for reason in finding.refusals() {
        let _ = writeln!(
            text,
            "{} [{}]\nfound: {}\nto do: {}",
            reason.message, reason.code, reason.found, reason.remedy
        );
    }
    text
}

/// Text for an attribute or an element (XML 1.0 §2.2 and §2.4). Characters that XML cannot carry are left out.
fn escaped(text: &str) -> String {
    let mut xml = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            '\n' => xml.push_str("&#10;"),
            '\t' => xml.push_str("&#9;"),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
            other => xml.push(other),
        }
    }
    xml
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_becomes_xml_that_says_the_same() {
        assert_eq!(
            escaped("a<b>&\"c\"\n\u{7}é"),
            "a&lt;b&gt;&amp;&quot;c&quot;&#10;é"
        );
    }
}
