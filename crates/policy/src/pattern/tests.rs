use proptest::prelude::*;

use super::*;

const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const OTHER: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// `D` and `O` stand for two digests.
fn spelled_out(text: &str) -> String {
    text.replace("@D", &format!("@{DIGEST}"))
        .replace("@O", &format!("@{OTHER}"))
}

fn pattern(text: &str) -> Pattern {
    Pattern::parse(&spelled_out(text)).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn matched(pattern_text: &str, reference: &str) -> PatternMatch {
    let reference = Reference::parse(&spelled_out(reference)).unwrap();
    pattern(pattern_text).matches(&reference)
}

fn check(expected: PatternMatch, cases: &[(&str, &[&str])]) {
    for (pattern, references) in cases {
        for reference in *references {
            assert_eq!(
                matched(pattern, reference),
                expected,
                "`{pattern}` and `{reference}`"
            );
        }
    }
}

#[test]
fn a_star_alone_matches_every_image() {
    let every = &[
        "nginx",
        "nginx:1@D",
        "nginx@D",
        "icr.io/a/b/c:1",
        "localhost:5000/a",
        "[::1]:5000/a",
        "FOO/bar",
    ][..];
    check(
        PatternMatch::Yes,
        &[("*", every), ("*/*", every), ("*/*:*", every)],
    );
}

#[test]
fn two_stars_without_a_slash_are_docker_hub_shorthand_and_not_every_image() {
    check(
        PatternMatch::Yes,
        &[("**", &["nginx", "library/nginx:1@D"])],
    );
    check(PatternMatch::No, &[("**", &["team/app", "icr.io/a"])]);
}

#[test]
fn a_name_without_a_host_is_on_docker_hub() {
    check(
        PatternMatch::Yes,
        &[
            (
                "nginx",
                &[
                    "nginx",
                    "nginx:1",
                    "nginx@D",
                    "docker.io/nginx",
                    "INDEX.docker.io/library/nginx",
                    "docker.io:443/library/nginx",
                ],
            ),
            (
                "nginx*",
                &["nginx", "nginx-unprivileged", "docker.io/library/nginx:1"],
            ),
            ("team/app", &["team/app", "docker.io/team/app"]),
            ("team/*", &["team/app", "team/a/b"]),
            ("library/*", &["nginx", "docker.io/redis"]),
            ("localhost", &["localhost", "library/localhost"]),
            ("icr.io", &["icr.io", "library/icr.io"]),
            ("*inx", &["nginx"]),
            ("*:1.*", &["nginx:1.2"]),
        ],
    );
    check(
        PatternMatch::No,
        &[
            (
                "nginx",
                &[
                    "quay.io/library/nginx",
                    "team/nginx",
                    "nginx2",
                    "evil.com/nginx",
                    "evil.com/docker.io/library/nginx",
                ],
            ),
            (
                "nginx*",
                &["nginxinc/nginx", "nginx.io/nginx", "evil.com/library/nginx"],
            ),
            ("team/*", &["team.io/app", "evil/team/app", "team"]),
            ("icr.io", &["icr.io/a"]),
            ("*inx", &["team/nginx", "quay.io/nginx"]),
        ],
    );
}

#[test]
fn docker_hub_has_one_canonical_form_under_all_of_its_names() {
    for (written, canonical) in [
        ("nginx", "docker.io/library/nginx"),
        ("library/nginx", "docker.io/library/nginx"),
        ("docker.io/nginx", "docker.io/library/nginx"),
        ("index.docker.io/nginx", "docker.io/library/nginx"),
        (
            "registry-1.docker.io/library/nginx",
            "docker.io/library/nginx",
        ),
        ("Docker.IO:443/nginx", "docker.io/library/nginx"),
        ("nginx*", "docker.io/library/nginx*"),
        ("docker.io/nginx*", "docker.io/library/nginx*"),
        ("index.docker.io/nginx*:1.*", "docker.io/library/nginx*:1.*"),
        ("docker.io/n*x", "docker.io/library/n*x"),
        ("docker.io/*", "docker.io/*"),
        ("docker.io/*nginx", "docker.io/*nginx"),
        ("docker.io/team/*", "docker.io/team/*"),
        ("docker.io:5000/nginx", "docker.io:5000/nginx"),
        ("*.docker.io/nginx", "*.docker.io/nginx"),
    ] {
        assert_eq!(pattern(written).to_string(), canonical, "{written}");
        assert_eq!(pattern(written), pattern(canonical), "{written}");
        assert_eq!(pattern(written).as_written(), written);
    }
    check(
        PatternMatch::Yes,
        &[(
            "docker.io/*",
            &["nginx", "team/app", "index.docker.io/a/b/c"],
        )],
    );
}

#[test]
fn a_first_part_with_a_star_a_dot_a_colon_or_an_upper_case_letter_is_a_host() {
    check(
        PatternMatch::Yes,
        &[
            ("*/nginx", &["quay.io/nginx", "localhost:5000/nginx"]),
            ("*/library/nginx", &["nginx", "quay.io/library/nginx"]),
            (
                "*.io/*",
                &[
                    "docker.io/library/nginx",
                    "nginx",
                    "quay.io/a/b",
                    "x.y.io/z",
                ],
            ),
            ("nginx*/app", &["nginx.example.com/app"]),
            ("localhost/*", &["localhost/a/b"]),
            ("localhost:5000/*", &["localhost:5000/a"]),
            (
                "[::1]:5000/*",
                &["[::1]:5000/a", "[0:0:0:0:0:0:0:1]:05000/a"],
            ),
            ("FOO/bar", &["FOO/bar", "foo:443/bar"]),
            (
                "registry*.bluemix.net/armada/*",
                &[
                    "registry.bluemix.net/armada/a",
                    "registry.eu-gb.bluemix.net/armada/a/b:1@D",
                ],
            ),
        ],
    );
    check(
        PatternMatch::No,
        &[
            ("*/nginx", &["nginx", "quay.io/team/nginx"]),
            ("*.io/*", &["icr.io:5000/a", "quay.io.evil.com/a"]),
            ("nginx*/app", &["nginx/app"]),
            ("localhost/*", &["localhost:5000/a", "localhost.evil.com/a"]),
            ("[::1]:5000/*", &["[::2]:5000/a", "[::1]/a"]),
            ("FOO/bar", &["foo/bar"]),
            (
                "registry*.bluemix.net/armada/*",
                &[
                    "registry.bluemix.net/armada-worker/a",
                    "registry.bluemix.net/armada",
                    "registry.evil.com/registry.bluemix.net/armada/a",
                    "evil.com/registry.bluemix.net/armada/a",
                ],
            ),
        ],
    );
}

#[test]
fn a_trusted_host_is_never_found_inside_another_image() {
    check(
        PatternMatch::No,
        &[
            (
                "registry.k8s.io/*",
                &[
                    "evil.com/registry.k8s.io/x:y",
                    "evil-registry.k8s.io/x",
                    "registry.k8s.io.evil.com/x",
                    "registry.k8s.io:5000/x",
                    "team/registry.k8s.io/x",
                ],
            ),
            (
                "docker.io/*",
                &[
                    "notdocker.io/x",
                    "docker.io.evil.com/x",
                    "docker.io:5000/x",
                    "evil.com/docker.io/x",
                ],
            ),
            ("*icr.io/*", &["evil.com/icr.io/x", "evil.com/x:icr.io"]),
            (
                "*/trusted/*",
                &["evil.com/untrusted/x", "evil.com/a:trusted"],
            ),
        ],
    );
}

#[test]
fn a_star_crosses_slashes_in_the_path_and_no_other_border() {
    check(
        PatternMatch::Yes,
        &[
            ("icr.io/*", &["icr.io/a", "icr.io/a/b/c:1@D"]),
            (
                "icr.io/a*z",
                &["icr.io/az", "icr.io/a/b/z", "icr.io/abcz:1"],
            ),
            ("icr.io/*/app/*", &["icr.io/a/app/b", "icr.io/a/b/app/c/d"]),
        ],
    );
    check(
        PatternMatch::No,
        &[
            ("icr.io/a*z", &["icr.io/a:z", "icr.io/ab", "icr.io/xaz"]),
            ("icr*/a", &["icr.io/b/a"]),
            ("icr.io/a:1*", &["icr.io/a:2", "icr.io/a/b:1"]),
            ("icr.io/team/*", &["icr.io/team", "icr.io/teammate/a"]),
        ],
    );
}

#[test]
fn without_tag_and_digest_every_tag_and_digest_is_meant() {
    let every = &["icr.io/a", "icr.io/a:1", "icr.io/a@D", "icr.io/a:1@D"][..];
    check(
        PatternMatch::Yes,
        &[
            ("icr.io/a", every),
            ("icr.io/a:*", every),
            ("icr.io/a:**", every),
        ],
    );
}

#[test]
fn a_tag_pattern_matches_a_written_or_implied_tag() {
    check(
        PatternMatch::Yes,
        &[
            ("icr.io/a:latest", &["icr.io/a", "icr.io/a:latest"]),
            (
                "icr.io/a:v1.*",
                &["icr.io/a:v1.", "icr.io/a:v1.2", "icr.io/a:v1.2-rc.1"],
            ),
            ("host:5000/a:tag", &["host:5000/a:tag"]),
            ("icr.io/a:*-rc", &["icr.io/a:1-rc"]),
        ],
    );
    check(
        PatternMatch::No,
        &[
            ("icr.io/a:v1", &["icr.io/a", "icr.io/a:V1", "icr.io/a:v10"]),
            ("icr.io/a:v1.*", &["icr.io/a:v1", "icr.io/a:xv1.2"]),
            ("host:5000/a:tag", &["host:5000/a", "host/a:tag"]),
        ],
    );
}

#[test]
fn a_tag_pattern_does_not_match_a_digest_only_reference() {
    check(
        PatternMatch::No,
        &[
            ("icr.io/a:v1", &["icr.io/a@D"]),
            ("icr.io/a:latest", &["icr.io/a@D"]),
            ("icr.io/a:v*", &["icr.io/a@D"]),
        ],
    );
}

#[test]
fn a_tag_beside_a_digest_has_to_be_proven() {
    check(
        PatternMatch::YesIfTagBound,
        &[
            ("icr.io/a:v1", &["icr.io/a:v1@D"]),
            ("icr.io/a:v*", &["icr.io/a:v1@D"]),
            ("icr.io/a:v*@sha256:*", &["icr.io/a:v1@D"]),
        ],
    );
    check(PatternMatch::No, &[("icr.io/a:v1", &["icr.io/a:v2@D"])]);
}

#[test]
fn a_digest_pattern_matches_that_digest_whatever_the_tag() {
    let with_the_digest = &["icr.io/a@D", "icr.io/a:v1@D", "icr.io/a:v2@D"][..];
    check(
        PatternMatch::Yes,
        &[
            ("icr.io/a@D", with_the_digest),
            ("icr.io/a:v1@D", with_the_digest),
            ("icr.io/*@D", with_the_digest),
            ("icr.io/a@sha256:e3b0*", with_the_digest),
            ("icr.io/a@*", with_the_digest),
        ],
    );
    check(
        PatternMatch::No,
        &[
            (
                "icr.io/a@D",
                &["icr.io/a", "icr.io/a:v1", "icr.io/a@O", "icr.io/b@D"],
            ),
            ("icr.io/a:v1@D", &["icr.io/a:v1@O", "icr.io/a:v1"]),
            ("icr.io/a@*", &["icr.io/a:v1"]),
            ("icr.io/a@sha512:*", &["icr.io/a@D"]),
        ],
    );
    assert_eq!(pattern("icr.io/a:v1@D"), pattern("icr.io/a@D"));
}

#[test]
fn the_port_of_https_is_dropped_where_that_changes_nothing() {
    assert_eq!(pattern("icr.io:443/a"), pattern("icr.io/a"));
    assert_eq!(pattern("*.icr.io:443/a"), pattern("*.icr.io/a"));
    assert_ne!(pattern("registry*:443/a"), pattern("registry*/a"));
    check(
        PatternMatch::Yes,
        &[
            ("registry*:443/a", &["registry.io/a", "registry.io:443/a"]),
            ("registry*/a", &["registry.io:5000/a"]),
        ],
    );
    check(
        PatternMatch::No,
        &[("registry*:443/a", &["registry.io:5000/a"])],
    );
}

#[test]
fn a_more_specific_pattern_has_more_literal_characters_and_then_no_star() {
    for (more, less) in [
        ("nginx", "nginx*"),
        ("nginx*", "docker.io/*"),
        ("docker.io/*", "*.io/*"),
        ("*.io/*", "*"),
        ("icr.io/team/app", "icr.io/team/*"),
        ("icr.io/team/*", "icr.io/*"),
        ("icr.io/ab", "icr.io/a*b"),
        ("icr.io/a:v1.*", "icr.io/a:v1*"),
        ("icr.io/a:*1", "icr.io/a"),
        ("icr.io/a@*", "icr.io/a"),
        ("icr.io/a@D", "icr.io/a:v1"),
        // What counts is how many characters, not which.
        ("*.example.com/a", "icr.io/*"),
        ("registry*:443/a", "registry*/a"),
    ] {
        assert!(
            pattern(more).specificity() > pattern(less).specificity(),
            "{more} before {less}"
        );
    }
}

#[test]
fn patterns_tie_whichever_way_they_are_written() {
    for (one, other) in [
        ("nginx", "index.docker.io/library/nginx"),
        ("nginx*", "docker.io/library/nginx*"),
        ("*", "*/*"),
        ("icr.io/a", "ICR.io:443/a:*"),
        ("icr.io/a@D", "icr.io/a:v1@D"),
        ("icr.io/a*b", "icr.io/a**b"),
        ("icr.io/a*b*", "icr.io/*ab*"),
    ] {
        assert_eq!(
            pattern(one).specificity(),
            pattern(other).specificity(),
            "{one} and {other}"
        );
    }
}

#[test]
fn a_pattern_that_no_image_can_match_is_refused() {
    for text in [
        "",
        " ",
        "a b",
        " a",
        "a\n",
        "é*",
        "%2a*",
        "/a",
        "a/",
        "icr.io/",
        "icr.io//a",
        "icr.io/*/",
        "icr.io/a//*",
        "/*",
        "*/",
        "a:",
        "a@",
        "a:b:c",
        "a:-*",
        "a:.1",
        "a:b/c*:d e",
        "a@sha256",
        "a@sha256:12",
        "a@sha256:XYZ*",
        "a@D@D",
        "a@D:b",
        "icr.io/App",
        "icr.io/App*",
        "Nginx",
        "Nginx*",
        "icr.io/a_",
        "icr.io/_*",
        "icr.io/a___*",
        "icr.io/a._*",
        "icr.io/*-",
        "icr_io.com/*",
        "icr..io/a",
        "icr.io:0/a",
        "icr.io:port/*",
        "*:x/a",
        "[::1/a",
        "[::1]x/*",
        "https://icr.io/*",
        "icr.io/a?",
        "icr.io/{a,b}",
        "icr.io/[ab]*",
        "icr.io/a\\*",
        // Too long with `library/` before it.
        &"a".repeat(250),
    ] {
        assert!(Pattern::parse(&spelled_out(text)).is_err(), "{text}");
    }
    let long = Pattern::MAX_BYTES + 1;
    assert_eq!(
        Pattern::parse(&"*".repeat(long)),
        Err(PatternError::TooLong {
            bytes: long,
            limit: Pattern::MAX_BYTES
        })
    );
}

#[test]
fn a_refusal_says_what_was_expected() {
    for (text, expected) in [
        (
            "icr.io/App*",
            "no image can match `App*`: the repository `Appa` has upper-case letters: expected lower case",
        ),
        (
            "icr.io:0/*",
            "no image can match `icr.io:0`: the port `0` of the host `icr.io` is malformed: expected a number from 1 to 65535",
        ),
        (
            "",
            "the pattern is empty: expected `[host/]path[:tag][@digest]`, in which `*` stands for any characters",
        ),
    ] {
        assert_eq!(Pattern::parse(text).unwrap_err().to_string(), expected);
    }
}

/// References of all shapes, in several spellings.
fn references() -> impl Strategy<Value = String> {
    "((ICR[.]io|icr[.]io:443|docker[.]io|index[.]docker[.]io|localhost:5000|\\[::1\\]|Reg)/)?[ab](/[ab]{1,2}){0,2}(:[vV]1)?(@D)?"
        .prop_map(|text| spelled_out(&text))
}

/// A text with `*` in place of some of its runs.
fn starred(text: &str, cuts: &[(usize, usize)]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for (start, length) in cuts {
        let start = start % (bytes.len() + 1);
        let end = (start + length).min(bytes.len());
        bytes.splice(start..end, *b"*");
    }
    String::from_utf8(bytes).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_reference_written_as_a_pattern_matches_itself(text in references()) {
        let reference = Reference::parse(&text).unwrap();
        prop_assert_ne!(Pattern::parse(&text).unwrap().matches(&reference), PatternMatch::No);
    }

    #[test]
    fn spellings_of_one_image_match_the_same_patterns(
        pattern in references(),
        cuts in prop::collection::vec((0usize..40, 0usize..6), 0..3),
        text in references(),
    ) {
        let reference = Reference::parse(&text).unwrap();
        let canonical = Reference::parse(&reference.canonical().to_string()).unwrap();
        if let Ok(pattern) = Pattern::parse(&starred(&pattern, &cuts)) {
            prop_assert_eq!(pattern.matches(&reference), pattern.matches(&canonical));
        }
    }

    #[test]
    fn the_canonical_form_of_a_pattern_is_a_fixed_point(
        text in references(),
        cuts in prop::collection::vec((0usize..40, 0usize..6), 0..3),
    ) {
        if let Ok(pattern) = Pattern::parse(&starred(&text, &cuts)) {
            let again = Pattern::parse(&pattern.to_string()).unwrap();
            prop_assert_eq!(again.to_string(), pattern.to_string());
            prop_assert_eq!(again.specificity(), pattern.specificity());
            prop_assert_eq!(again, pattern);
        }
    }

    #[test]
    fn any_text_is_parsed_or_refused(text in any::<String>()) {
        let _ = Pattern::parse(&text);
    }
}

#[test]
fn a_pattern_covers_another_whose_images_it_all_matches() {
    for (one, other, expected) in [
        ("*", "*", true),
        ("*", "icr.io/a:1@D", true),
        ("*", "registry*:443/a", true),
        ("icr.io/*", "icr.io/team/*", true),
        ("icr.io/*", "*/team", false),
        ("icr.io/team/*", "icr.io/*", false),
        ("icr.io/a*c", "icr.io/abc", true),
        ("icr.io/a*c", "icr.io/a*b*c", true),
        ("icr.io/a*c", "icr.io/a*", false),
        ("icr.io/*a*", "icr.io/a*", true),
        ("icr.io/a*", "icr.io/*a*", false),
        ("nginx*", "docker.io/library/nginx", true),
        ("*.icr.io/*", "us.icr.io/a", true),
        ("*.icr.io/*", "icr.io/a", false),
        ("icr.io/a", "icr.io/a:1", true),
        ("icr.io/a:1", "icr.io/a", false),
        ("icr.io/a:1*", "icr.io/a:1.2", true),
        ("icr.io/a", "icr.io/a@D", true),
        ("icr.io/a@D", "icr.io/a@O", false),
        ("icr.io/a:1", "icr.io/a@D", false),
    ] {
        assert_eq!(
            pattern(one).covers(&pattern(other)),
            expected,
            "`{one}` and `{other}`"
        );
    }
}

#[test]
fn a_pattern_without_a_star_in_its_host_is_of_one_registry() {
    for (text, expected) in [
        ("icr.io/*", Some("icr.io")),
        ("nginx*", Some("docker.io")),
        ("LOCALHOST:5000/a", Some("localhost:5000")),
        ("*", None),
        ("*.icr.io/a", None),
    ] {
        let registry = pattern(text).registry();
        assert_eq!(registry.as_ref().map(Host::as_str), expected, "{text}");
    }
}

proptest! {
    #[test]
    fn what_is_covered_matches_nothing_else(
        one in "[a*]{1,4}", other in "[a*]{1,4}", texts in prop::collection::vec("[a]{0,6}", 8)
    ) {
        let [one, other] = [one, other].map(|path| pattern(&format!("icr.io/x{path}")));
        let references = texts.iter().filter_map(|text| Reference::parse(&format!("icr.io/x{text}")).ok());
        for reference in references {
            let [whole, part] = [&one, &other].map(|pattern| pattern.matches(&reference));
            prop_assert!(!one.covers(&other) || part == PatternMatch::No || whole == PatternMatch::Yes);
        }
    }
}
