//! Results for people.

use std::fmt::Write as _;

use cise_admission::{Evidence, ReasonReport};
use cise_signature::SignerEvidence;

use super::finding::Finding;
use super::status::Status;
use crate::terminal::{Colour, Style};

pub(super) fn render(findings: &[Finding<'_>], style: Style) -> String {
    let blocks = findings.iter().map(|finding| block(finding, style));
    let mut text = blocks.collect::<Vec<_>>().join("\n");
    if findings.len() > 1 {
        text += "\n";
        text += &summary(findings);
    }
    text
}

fn block(finding: &Finding<'_>, style: Style) -> String {
    let verdict = match finding.status {
        Status::Allowed => style.paint(Colour::Green, "allowed"),
        Status::Denied => style.paint(Colour::Red, "denied"),
        Status::Undecided => style.paint(Colour::Yellow, "undecided"),
    };
    let image = if finding.report.image.is_empty() {
        "(no image)"
    } else {
        finding.report.image
    };
    let mut block = Block {
        text: format!("{verdict}: {image}\n"),
        style,
    };
    if let Some(object) = &finding.object {
        block.line(
            "object",
            &format!("{object} in namespace {}", finding.namespace),
        );
    }
    for spot in &finding.spots {
        block.line("place", &spot.to_string());
    }
    if let Some(digest) = finding.report.digest {
        block.line("digest", digest);
    }
    if let (Some(policy), Some(pattern)) = (&finding.report.policy, &finding.report.pattern) {
        block.line("policy", &format!("{policy}, entry \"{pattern}\""));
    }
    for evidence in finding.report.evidence {
        block.line("proof", &proof(evidence));
    }
    for reason in finding.refusals() {
        block.reason("reason", reason);
    }
    for reason in finding.tolerated() {
        block.reason("warning", reason);
    }
    block.text
}

struct Block {
    text: String,
    style: Style,
}

impl Block {
    fn line(&mut self, what: &str, text: &str) {
        let label = self.style.paint(Colour::Dim, &format!("{what:>9}:"));
        // Writing to a string cannot fail.
        let _ = writeln!(self.text, "{label} {text}");
    }

    fn reason(&mut self, what: &str, reason: &ReasonReport) {
        self.line(what, &format!("{} [{}]", reason.message, reason.code));
        self.line("found", &reason.found);
        self.line("to do", &reason.remedy);
    }
}

fn proof(evidence: &Evidence) -> String {
    match evidence {
        Evidence::Signature(cise_signature::Evidence::ContentTrust {
            signers,
            released_by,
            trust_server,
            ..
        }) => match signers.as_slice() {
            [] => format!("signed in {released_by} at {trust_server}"),
            signers => format!("signed by {} at {trust_server}", names(signers)),
        },
        Evidence::Signature(_) => "signed".to_owned(),
        Evidence::Resolution(_) => "the registry gives this digest to the tag".to_owned(),
        Evidence::Assessment(assessment) => {
            format!("Vulnerability Advisor: {}", assessment.status())
        }
    }
}

fn names(signers: &[SignerEvidence]) -> String {
    signers
        .iter()
        .map(|signer| &*signer.name)
        .collect::<Vec<_>>()
        .join(", ")
}

fn summary(findings: &[Finding<'_>]) -> String {
    let count = |status: Status| {
        findings
            .iter()
            .filter(|finding| finding.status == status)
            .count()
    };
    let mut summary = format!("{} images", findings.len());
    for (number, word) in [
        (count(Status::Allowed), "allowed"),
        (count(Status::Denied), "denied"),
        (count(Status::Undecided), "undecided"),
    ] {
        if number > 0 {
            let separator = if summary.contains(':') { ", " } else { ": " };
            let _ = write!(summary, "{separator}{number} {word}");
        }
    }
    summary + "\n"
}
