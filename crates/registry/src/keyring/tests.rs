use cise_reference::Repository;
use secrecy::ExposeSecret;

use super::*;
use crate::credential::Secret;

fn config(json: &str) -> DockerConfig {
    DockerConfig::from_config_json("Secret team/pull", json.as_bytes()).expect("a valid document")
}

/// A document in which each key's user is the key itself.
fn keys(keys: &[&str]) -> DockerConfig {
    let auths: Vec<String> = keys
        .iter()
        .map(|key| format!(r#""{key}":{{"username":"{key}","password":"x"}}"#))
        .collect();
    config(&format!(r#"{{"auths":{{{}}}}}"#, auths.join(",")))
}

fn describe(candidate: &Candidate) -> String {
    match candidate.credential.secret() {
        Secret::Basic { username, .. } => username.clone(),
        Secret::IdentityToken(token) => format!("identity {}", token.expose_secret()),
        Secret::RegistryToken(token) => format!("registry {}", token.expose_secret()),
    }
}

fn candidates(keyring: &Keyring, repository: &str) -> Vec<String> {
    keyring
        .candidates(&Repository::parse(repository).expect(repository))
        .iter()
        .map(describe)
        .collect()
}

fn check(key: &str, repository: &str, matches: bool) {
    let found = candidates(&Keyring::new([&keys(&[key])]), repository);
    assert_eq!(!found.is_empty(), matches, "{key} for {repository}");
}

#[test]
fn a_key_matches_a_host_label_by_label_and_its_port() {
    let hosts = [
        ("registry.example.com", "registry.example.com", true),
        ("REGISTRY.example.com", "registry.example.com", true),
        (
            "registry.example.com",
            "registry.example.com.evil.org",
            false,
        ),
        ("registry.example.com", "registry.example.com:5000", false),
        (
            "registry.example.com:5000",
            "registry.example.com:5000",
            true,
        ),
        ("registry.example.com:443", "registry.example.com", true),
        ("registry.example.com:", "registry.example.com", true),
        ("registry.example.com:port", "registry.example.com", false),
        ("registry example.com", "registry.example.com", false),
        ("user@registry.example.com", "registry.example.com", true),
        ("*.example.com", "registry.example.com", true),
        ("reg*.example.com", "registry.example.com", true),
        ("*gis*.example.com", "registry.example.com", true),
        ("*r*r*.example.com", "registry.example.com", true),
        ("*r*r*r*.example.com", "registry.example.com", false),
        ("*.com", "registry.example.com", false),
        ("*", "registry.example.com", false),
        ("*.*.*", "registry.example.com", true),
        ("*.example.com:5000/team", "registry.example.com:5000", true),
        ("*.example.com", "example.com", false),
        ("[::1]:5000", "[::1]:5000", true),
        ("[::1]", "[::1]:5000", false),
    ];
    for (key, host, matches) in hosts {
        check(key, &format!("{host}/team/app"), matches);
    }
}

#[test]
fn a_keys_scheme_and_version_count_nothing_and_its_path_is_a_prefix() {
    let keys = [
        ("https://registry.example.com", true),
        ("http://registry.example.com", true),
        ("https://registry.example.com/v1/", true),
        ("https://registry.example.com/v2/", true),
        ("https://registry.example.com/v2/team", true),
        ("https://registry.example.com/v2", false),
        ("registry.example.com/", true),
        ("registry.example.com/team", true),
        ("registry.example.com/team/", true),
        ("registry.example.com/te", true),
        ("registry.example.com/team/app/more", false),
        ("registry.example.com/other", false),
        ("registry.example.com/team?x=y", true),
    ];
    for (key, matches) in keys {
        check(key, "registry.example.com/team/app", matches);
    }
}

#[test]
fn docker_hub_has_several_names() {
    for key in [
        "docker.io",
        "registry-1.docker.io",
        "index.docker.io",
        "https://index.docker.io/v1/",
    ] {
        check(key, "nginx", true);
        check(key, "quay.io/nginx", false);
    }
    check("https://index.docker.io/v1", "nginx", false);
    check("auth.docker.io", "nginx", false);
}

#[test]
fn longer_paths_come_first_and_wildcards_last() {
    let all = [
        "*.example.com",
        "a.example.com",
        "a.example.com/team",
        "a.example.com/team/app",
        "b.example.com",
    ];
    let keyring = Keyring::new([&keys(&all)]);
    assert_eq!(
        candidates(&keyring, "a.example.com/team/app"),
        [
            "a.example.com/team/app",
            "a.example.com/team",
            "a.example.com",
            "*.example.com"
        ]
    );
}

#[test]
fn equal_keys_of_several_secrets_keep_the_order_of_the_pod() {
    let secret = |user: &str| {
        config(&format!(
            r#"{{"auths":{{"quay.io":{{"username":"{user}","password":"x"}}}}}}"#
        ))
    };
    let keyring = Keyring::new([&secret("zoe"), &secret("adam"), &keys(&["quay.io/team"])]);
    assert_eq!(
        candidates(&keyring, "quay.io/team/app"),
        ["quay.io/team", "zoe", "adam"]
    );
}

#[test]
fn rings_follow_each_other_whole() {
    let pod = Keyring::new([&keys(&["*.io"])]);
    let node = Keyring::new([&keys(&["quay.io/team"])]);
    assert_eq!(
        candidates(&pod.followed_by(&node), "quay.io/team/app"),
        ["*.io", "quay.io/team"]
    );
}

#[test]
fn the_key_of_docker_hub_is_a_fallback() {
    let keyring = Keyring::new([&keys(&["https://index.docker.io/v1/", "docker.io"])]);
    assert_eq!(candidates(&keyring, "nginx"), ["docker.io"]);
}

#[test]
fn credentials_are_read_in_every_way_they_are_written() {
    let table = [
        (r#"{"username":"alice","password":"x"}"#, Some("alice")),
        (r#"{"auth":"YWxpY2U6eA=="}"#, Some("alice")),
        (r#"{"auth":"YWxpY2U6eA"}"#, Some("alice")),
        (r#"{"auth":"YWxp\nY2U6eA==\n"}"#, Some("alice")),
        (
            r#"{"username":"bob","password":"y","auth":"YWxpY2U6eA=="}"#,
            Some("alice"),
        ),
        (r#"{"Username":"alice","PASSWORD":"x"}"#, Some("alice")),
        (
            r#"{"username":"<token>","password":"t"}"#,
            Some("identity t"),
        ),
        (
            r#"{"identitytoken":"t","auth":"YWxpY2U6eA=="}"#,
            Some("identity t"),
        ),
        (r#"{"registrytoken":"t"}"#, Some("registry t")),
        (r#"{"username":null,"email":"a@b"}"#, None),
        ("{}", None),
        ("null", None),
    ];
    for (entry, expected) in table {
        let keyring = Keyring::new([&config(&format!(r#"{{"auths":{{"quay.io":{entry}}}}}"#))]);
        let found = candidates(&keyring, "quay.io/app");
        assert_eq!(found.first().map(String::as_str), expected, "{entry}");
    }
}

#[test]
fn a_password_may_hold_colons() {
    let keyring = Keyring::new([&config(r#"{"auths":{"quay.io":{"auth":"YTpiOmM="}}}"#)]);
    let candidates = keyring.candidates(&Repository::parse("quay.io/app").expect("valid"));
    let candidate = candidates.iter().next().expect("one");
    let Secret::Basic { username, password } = candidate.credential.secret() else {
        panic!("expected a password")
    };
    assert_eq!((username.as_str(), password.expose_secret()), ("a", "b:c"));
}

#[test]
fn the_old_format_has_its_registries_at_the_top() {
    let json = br#"{"quay.io":{"auth":"YWxpY2U6eA=="}}"#;
    let config = DockerConfig::from_dockercfg("Secret team/old", json).expect("valid");
    assert_eq!(
        candidates(&Keyring::new([&config]), "quay.io/app"),
        ["alice"]
    );
}

#[test]
fn what_cannot_be_read_is_named_without_its_secret() {
    let table = [
        ("{", "Secret team/pull: not JSON, at line 1, column 1"),
        ("[]", "Secret team/pull: the document: expected an object"),
        (
            r#"{"auths":[]}"#,
            "Secret team/pull: auths: expected an object",
        ),
        (
            r#"{"auths":{"quay.io":"hunter2"}}"#,
            r#"Secret team/pull: auths["quay.io"]: expected an object"#,
        ),
        (
            r#"{"auths":{"quay.io":{"password":["hunter2"]}}}"#,
            r#"Secret team/pull: auths["quay.io"].password: expected a string"#,
        ),
        (
            r#"{"auths":{"quay.io":{"auth":"hunter2!"}}}"#,
            r#"Secret team/pull: auths["quay.io"].auth: expected the base64 of `username:password`"#,
        ),
        (
            r#"{"auths":{"quay.io":{"auth":"aHVudGVyMg=="}}}"#,
            r#"Secret team/pull: auths["quay.io"].auth: expected the base64 of `username:password`"#,
        ),
    ];
    for (json, message) in table {
        let error =
            DockerConfig::from_config_json("Secret team/pull", json.as_bytes()).expect_err(json);
        assert_eq!(error.to_string(), message, "{json}");
    }
}

#[test]
fn an_empty_document_has_no_credentials() {
    for json in [
        "{}",
        "null",
        r#"{"auths":null}"#,
        r#"{"credsStore":"desktop"}"#,
    ] {
        assert!(
            candidates(&Keyring::new([&config(json)]), "quay.io/app").is_empty(),
            "{json}"
        );
    }
}
