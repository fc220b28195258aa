//! What holds of every reference, whatever it is.

use std::hash::{BuildHasher, RandomState};

use cise_reference::{Digest, Host, Reference, Repository, Tag};
use proptest::prelude::*;

fn host() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        3 => "[a-zA-Z0-9]([a-zA-Z0-9-]{0,6}[a-zA-Z0-9])?(\\.[a-zA-Z0-9]{1,4}){0,2}",
        1 => Just("docker.io".to_owned()),
        1 => Just("index.docker.io".to_owned()),
        1 => Just("localhost".to_owned()),
        1 => long_ipv6(),
        1 => any::<u32>().prop_map(|mapped| format!("[::ffff:{:x}:{:x}]", mapped >> 16, mapped & 0xffff)),
    ];
    let port = prop_oneof![
        3 => Just(String::new()),
        1 => "0{0,2}".prop_map(|zeros| format!(":{zeros}443")),
        2 => (1..=u16::MAX).prop_map(|port| format!(":{port}")),
    ];
    (name, port).prop_map(|(name, port)| name + &port)
}

/// An IPv6 address with all its groups and no abbreviation.
fn long_ipv6() -> impl Strategy<Value = String> {
    any::<[u16; 8]>()
        .prop_map(|groups| format!("[{}]", groups.map(|group| format!("{group:x}")).join(":")))
}

fn path() -> impl Strategy<Value = String> {
    "[a-z0-9]{1,3}((\\.|_|__|-{1,3})[a-z0-9]{1,3}){0,2}(/[a-z0-9]{1,4}(-[a-z0-9]{1,2})?){0,3}"
}

fn tag() -> impl Strategy<Value = String> {
    "[A-Za-z0-9_][A-Za-z0-9_.-]{0,10}"
}

fn digest() -> impl Strategy<Value = Digest> {
    prop_oneof![
        any::<[u8; 32]>().prop_map(Digest::sha256),
        any::<u8>().prop_map(|byte| Digest::sha512([byte; 64])),
    ]
}

/// A well-formed reference: with a host, of one element, or with a first element that looks like no host.
fn reference() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        (host(), path()).prop_map(|(host, path)| format!("{host}/{path}")),
        ("[a-z0-9]{1,3}", path()).prop_map(|(team, path)| format!("{team}/{path}")),
        "[a-z0-9]{1,3}((\\.|_|__|-{1,3})[a-z0-9]{1,3}){0,2}",
    ];
    (
        name,
        proptest::option::of(tag()),
        proptest::option::of(digest()),
    )
        .prop_map(|(name, tag, digest)| {
            let tag = tag.map_or_else(String::new, |tag| format!(":{tag}"));
            let digest = digest.map_or_else(String::new, |digest| format!("@{digest}"));
            format!("{name}{tag}{digest}")
        })
}

/// A text over the characters that the grammar gives a meaning.
fn nearly_a_reference() -> impl Strategy<Value = String> {
    "(docker.io|localhost|[abA0.:/@_%\\[\\]é -]){0,12}"
}

proptest! {
    #[test]
    fn the_canonical_form_is_a_fixed_point(text in reference()) {
        let reference = Reference::parse(&text).unwrap();
        let canonical = reference.canonical().to_string();
        let again = Reference::parse(&canonical).unwrap();
        prop_assert_eq!(again.canonical().to_string(), canonical);
        prop_assert_eq!(again, reference);
    }

    #[test]
    fn equality_order_and_hash_are_those_of_the_canonical_form(left in reference(), right in reference()) {
        let hasher = RandomState::new();
        let (left, right) = (Reference::parse(&left).unwrap(), Reference::parse(&right).unwrap());
        let respelled = Reference::parse(&left.canonical().to_string()).unwrap();
        prop_assert_eq!(hasher.hash_one(&left), hasher.hash_one(&respelled));
        prop_assert_eq!(left == right, left.canonical().to_string() == right.canonical().to_string());
        prop_assert_eq!(left == right, left.cmp(&right).is_eq());
    }

    #[test]
    fn two_spellings_of_one_image_are_equal(name in "[a-z]{1,8}", tag in tag(), hub in 0..7_usize) {
        let hub = ["", "library/", "docker.io/", "docker.io/library/", "index.docker.io/", "REGISTRY-1.docker.io/", "docker.io:443/"][hub];
        let spelled = Reference::parse(&format!("{hub}{name}:{tag}")).unwrap();
        prop_assert_eq!(spelled, Reference::parse(&format!("{name}:{tag}")).unwrap());
    }

    #[test]
    fn the_case_of_a_host_and_the_default_port_make_no_difference(host in "[a-z]{1,6}\\.[a-z]{2,3}", path in path()) {
        let plain = Reference::parse(&format!("{host}/{path}")).unwrap();
        let respelled = Reference::parse(&format!("{}:443/{path}", host.to_uppercase())).unwrap();
        prop_assert_eq!(plain, respelled);
    }

    #[test]
    fn what_is_shown_is_what_was_written(text in reference()) {
        let reference = Reference::parse(&text).unwrap();
        prop_assert_eq!(reference.as_written(), &text);
        prop_assert_eq!(reference.to_string(), text);
    }

    #[test]
    fn pinning_changes_the_digest_and_nothing_else(text in reference(), digest in digest()) {
        let reference = Reference::parse(&text).unwrap();
        let pinned = Reference::parse(&reference.pinned_to(&digest)).unwrap();
        prop_assert_eq!(pinned.repository(), reference.repository());
        prop_assert_eq!(pinned.tag(), reference.tag());
        prop_assert_eq!(pinned.digest(), Some(&digest));
        prop_assert_eq!(pinned.pinned_to(&digest), pinned.as_written());
    }

    #[test]
    fn a_repository_is_a_fixed_point_too(text in reference()) {
        let reference = Reference::parse(&text).unwrap();
        let repository = reference.repository();
        prop_assert_eq!(&Repository::parse(repository.as_str()).unwrap(), repository);
        prop_assert_eq!(repository.as_str(), format!("{}/{}", repository.host(), repository.path()));
    }

    #[test]
    fn a_host_is_a_fixed_point_too(text in host()) {
        let host = Host::parse(&text).unwrap();
        prop_assert_eq!(&Host::parse(host.as_str()).unwrap(), &host);
        let brackets_or_not = host.as_str().replace(['[', ']'], "");
        let port = host.port().map_or_else(String::new, |port| format!(":{port}"));
        prop_assert_eq!(brackets_or_not, format!("{}{port}", host.name()));
    }

    #[test]
    fn no_text_makes_a_parser_panic(text in prop_oneof![any::<String>(), nearly_a_reference()]) {
        match Reference::parse(&text) {
            Ok(reference) => prop_assert!(Reference::parse(&reference.canonical().to_string()).is_ok()),
            Err(error) => prop_assert!(error.to_string().len() < 2000),
        }
        if let Ok(repository) = Repository::parse(&text) {
            prop_assert!(Repository::parse(repository.as_str()).is_ok());
        }
        if let Ok(host) = Host::parse(&text) {
            prop_assert!(Host::parse(host.as_str()).is_ok());
        }
        if let Ok(tag) = Tag::parse(&text) {
            prop_assert_eq!(tag.as_str(), &text);
        }
        if let Ok(digest) = Digest::parse(&text) {
            prop_assert_eq!(digest.as_str(), &text);
        }
    }
}
