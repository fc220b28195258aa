//! Compares the parser with the distribution project's own, on the vectors of `vectors.tsv`; its head says how they were made.

#![expect(clippy::panic, reason = "what reads the vectors fails as a test fails")]

use std::collections::BTreeMap;
use std::net::Ipv6Addr;

use cise_reference::{Host, Reference};

/// One line: what was parsed, and what distribution's parser made of it.
struct Vector {
    input: String,
    distribution: Option<Parts>,
}

/// A reference in distribution's normalized form; an absent part is empty.
struct Parts {
    domain: &'static str,
    path: &'static str,
    tag: &'static str,
    digest: &'static str,
}

#[test]
fn what_distribution_refuses_is_refused() {
    let accepted: Vec<_> = vectors()
        .filter(|vector| vector.distribution.is_none() && Reference::parse(&vector.input).is_ok())
        .map(|vector| vector.input)
        .collect();
    assert!(accepted.is_empty(), "{accepted:#?}");
}

#[test]
fn what_distribution_accepts_is_accepted_but_for_the_listed_differences() {
    let mut refused_on_purpose = BTreeMap::new();
    for vector in vectors() {
        let Some(parts) = &vector.distribution else {
            continue;
        };
        let reason = parts.stricter_on_purpose();
        let parsed = Reference::parse(&vector.input);
        assert_eq!(
            parsed.is_err(),
            reason.is_some(),
            "{:?}: {parsed:?}, expected {reason:?}",
            vector.input
        );
        if let Some(reason) = reason {
            *refused_on_purpose.entry(reason).or_insert(0) += 1;
        }
    }
    assert_eq!(
        refused_on_purpose.len(),
        6,
        "a difference is without a vector: {refused_on_purpose:?}"
    );
}

#[test]
fn every_part_is_what_distribution_says_but_for_the_folded_host() {
    let mut compared = 0;
    for vector in vectors() {
        let (Some(parts), Ok(reference)) = (&vector.distribution, Reference::parse(&vector.input))
        else {
            continue;
        };
        let repository = reference.repository();
        assert_eq!(
            Ok(repository.host()),
            Host::parse(parts.domain).as_ref(),
            "{:?}",
            vector.input
        );
        assert_eq!(repository.path(), parts.folded_path(), "{:?}", vector.input);
        assert_eq!(
            reference.tag().map_or("", |tag| tag.as_str()),
            parts.tag,
            "{:?}",
            vector.input
        );
        assert_eq!(
            reference.digest().map_or("", |digest| digest.as_str()),
            parts.digest,
            "{:?}",
            vector.input
        );
        compared += 1;
    }
    assert!(compared > 1000, "only {compared} vectors were compared");
}

impl Parts {
    /// Where we refuse what distribution accepts.
    fn stricter_on_purpose(&self) -> Option<&'static str> {
        let (name, port) = self.name_and_port();
        if self.domain.is_empty() {
            return Some("the first element is a host by its dot, but no host by its underscore");
        }
        if port.is_some_and(|port| !matches!(port.parse::<u64>(), Ok(1..=65535))) {
            return Some("no connection goes to this port");
        }
        if name.starts_with('[') && name.trim_matches(['[', ']']).parse::<Ipv6Addr>().is_err() {
            return Some("the brackets hold no IPv6 address");
        }
        if name.len() > 253 {
            return Some("no domain name is this long");
        }
        if self.digest.starts_with("sha384:") {
            return Some("the OCI image specification does not register this algorithm");
        }
        (self.folded_path().len() > 255).then_some("the implied `library/` makes the path too long")
    }

    /// The path as we complete it. Distribution implies `library/` for the exact name `docker.io` only; we imply it for
    /// every spelling of Docker Hub.
    fn folded_path(&self) -> String {
        let on_docker_hub = Host::parse(self.domain).is_ok_and(|host| host.is_docker_hub());
        let implied = if on_docker_hub && !self.path.contains('/') {
            "library/"
        } else {
            ""
        };
        format!("{implied}{}", self.path)
    }

    fn name_and_port(&self) -> (&'static str, Option<&'static str>) {
        match self.domain.rsplit_once(':') {
            Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
            _ => (self.domain, None),
        }
    }
}

fn vectors() -> impl Iterator<Item = Vector> {
    include_str!("vectors.tsv")
        .lines()
        .filter(|line| !line.starts_with("# "))
        .map(|line| {
            let columns: Vec<_> = line.split('\t').collect();
            let [input, outcome, domain, path, tag, digest] = columns[..] else {
                panic!("six columns: {line:?}")
            };
            let distribution = match outcome {
                "valid" => Some(Parts {
                    domain,
                    path,
                    tag,
                    digest,
                }),
                "invalid" => None,
                other => panic!("valid or invalid: {other:?}"),
            };
            Vector {
                input: unescape(input),
                distribution,
            }
        })
}

fn unescape(text: &str) -> String {
    let mut characters = text.chars();
    let mut unescaped = String::new();
    while let Some(character) = characters.next() {
        unescaped.push(match character {
            '\\' => match characters.next() {
                Some('n') => '\n',
                Some('t') => '\t',
                Some('\\') => '\\',
                other => panic!("an escape: {other:?} in {text:?}"),
            },
            literal => literal,
        });
    }
    unescaped
}
