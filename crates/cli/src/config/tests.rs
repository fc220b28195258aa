use std::fs;

use proptest::prelude::*;
use proptest::sample::Index;
use tempfile::TempDir;

use super::*;

/// A public key whose private key nobody has.
const PUBLIC_KEY: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEovif3eoxMwObICAmUMfPojXEfoxG
3FJacqINMMsEdnSU4o/N5eWCaq4LvZH1opZpHLUypq3r85WvFqaLWbGwQA==
-----END PUBLIC KEY-----
";

fn folder(configuration: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in [
        ("cise.yaml", configuration),
        ("key.pem", PUBLIC_KEY),
        ("none.pem", "nothing\n"),
        (
            "docker.json",
            r#"{"auths": {"registry.example.com": {"auth": "YWxpY2U6c2VjcmV0"}}}"#,
        ),
        (
            "bad.json",
            r#"{"auths": {"registry.example.com": {"auth": "hunter2"}}}"#,
        ),
    ] {
        fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

fn read(configuration: &str) -> Result<Configuration, String> {
    let folder = folder(configuration);
    let shown = folder.path().display().to_string();
    Configuration::read(Some(&folder.path().join("cise.yaml")))
        .map_err(|error| error.to_string().replace(&shown, "DIR"))
}

#[test]
fn without_a_file_everything_has_its_default() {
    let found = Configuration::read(None).unwrap();
    assert_eq!(found.admission.namespace, "ibm-system");
    assert_eq!(found.reviews, 512);
    assert_eq!(found.trusted_repositories, 10_000);
    assert_eq!(
        found.notary.timestamp_trust,
        jiff::SignedDuration::from_secs(60)
    );
}

#[test]
fn every_field_can_be_set() {
    let found = read(
        "namespace: cise
workloads: enforce
registries:
- host: 'localhost:5000'
  plainHTTP: true
  trustServer: 'http://{host}:4443'
  advisor: builtin
- host: '*.example.com'
  tokenServers: [https://tokens.example.com]
  mirrors: [mirror.example.com/copies]
  trustServer: https://notary.example.com
  advisor: https://advisor.example.com
pullCredentials: docker.json
pinnedRoots: [{repositories: 'registry.example.com/*', keyFile: key.pem}]
timestampTrustSeconds: 0
tagTrustSeconds: 5
limits: {reviews: 1, verificationsPerHost: 2, verificationsPerNamespace: 3, verificationSeconds: 4, keptTrustMiB: 5, keptManifestsMiB: 6, keptTags: 7, trustedRepositories: 8}
",
    )
    .unwrap();
    assert_eq!(found.admission.namespace, "cise");
    assert_eq!(
        found.admission.workloads,
        cise_admission::Workloads::Enforce
    );
    assert_eq!((found.reviews, found.trusted_repositories), (1, 8));
    assert_eq!(
        (
            found.flights.per_host,
            found.flights.per_namespace,
            found.flights.longest.as_secs()
        ),
        (2, 3, 4)
    );
    assert_eq!(found.notary.kept_bytes, 5 << 20);
    assert_eq!(
        (
            found.registry.kept_manifests.get(),
            found.registry.kept_tags
        ),
        (6 << 20, 7)
    );
    assert_eq!(found.registry.tag_lifetime.as_secs(), 5);
}

#[test]
fn the_section_about_the_cluster_has_its_defaults_and_every_field_can_be_set() {
    use cise_kubernetes::{FailurePolicy, OpenNamespaces, OptOut};

    assert!(read("workloads: warn\n").unwrap().cluster.is_none());
    let found = read("cluster: {}\n").unwrap().cluster.unwrap();
    assert_eq!(
        found.certificate,
        Certificate::Kept("cise-certificates".to_owned())
    );
    assert_eq!(
        (found.lease.as_str(), found.defaults),
        ("cise", Defaults::Made)
    );
    let registration = found.registration;
    assert_eq!(
        (registration.service.as_str(), registration.timeout_seconds),
        ("cise", 10)
    );
    assert_eq!(registration.failure_policy, FailurePolicy::Fail);
    assert_eq!(registration.opt_out, OptOut::Never);
    assert_eq!(registration.open_namespaces, OpenNamespaces::LeftOut);
    assert_eq!(registration.own_pods, None);

    let found = read(
        "cluster:
  service: guard
  certificates: {caFile: /tls/ca.crt}
  lease: turn
  failurePolicy: Ignore
  timeoutSeconds: 30
  optOutLabel: true
  leaveOutOpenNamespaces: false
  defaultPolicies: false
  selfHealing: {repository: registry.example.com/cise, serviceAccounts: [cise]}
",
    );
    let found = found.unwrap().cluster.unwrap();
    assert_eq!(
        found.certificate,
        Certificate::IssuedBy("/tls/ca.crt".into())
    );
    assert_eq!(
        (found.lease.as_str(), found.defaults),
        ("turn", Defaults::LeftOut)
    );
    let registration = found.registration;
    assert_eq!(
        (registration.service.as_str(), registration.timeout_seconds),
        ("guard", 30)
    );
    assert_eq!(registration.failure_policy, FailurePolicy::Ignore);
    assert_eq!(registration.opt_out, OptOut::ByLabel);
    assert_eq!(registration.open_namespaces, OpenNamespaces::Included);
    assert!(registration.own_pods.is_some());
}

#[test]
fn mercy_is_bounded_and_nobody_has_it_unasked() {
    let found = |text: &str| read(text).map(|found| found.advisor.already_admitted);
    assert_eq!(found("{}\n"), Ok(None));
    let hours = |hours| Ok(Some(jiff::SignedDuration::from_hours(hours)));
    for (written, expected) in [(1, hours(1)), (72, hours(72)), (168, hours(168))] {
        let text = format!("advisor: {{alreadyAdmittedHours: {written}}}\n");
        assert_eq!(found(&text), expected);
    }
    for written in ["0", "169", "-1", "often"] {
        let error = found(&format!("advisor: {{alreadyAdmittedHours: {written}}}\n")).unwrap_err();
        assert!(error.contains("alreadyAdmittedHours"), "{error}");
    }
}

#[test]
fn ended_releases_are_refused_where_the_configuration_says_so() {
    let ended = read("advisor: {endOfLife: deny}\n")
        .unwrap()
        .admission
        .rules;
    assert_eq!(ended.end_of_life, cise_advisor::assessment::Tolerance::Deny);
}

#[test]
fn a_fault_is_told_with_its_file_line_and_field_and_what_was_expected() {
    let faults: Vec<String> = [
        "registrys: []\n",
        "registries: {}\n",
        "registries:\n- plainHTTP: true\n",
        "registries:\n- host: localhost:5000\n  plainHttp: true\n",
        "registries:\n- host: 'a b'\n",
        "registries:\n- host: a.example.com\n- host: A.example.com\n",
        "registries:\n- host: a.example.com\n  plainHTTP: true\n  caFile: none.pem\n",
        "registries:\n- host: a.example.com\n  caFile: none.pem\n",
        "registries:\n- host: a.example.com\n  caFile: missing.pem\n",
        "registries:\n- host: a.example.com\n  clientKeyFile: key.pem\n",
        "registries:\n- host: a.example.com\n  clientCertificateFile: key.pem\n",
        "registries:\n- host: a.example.com\n  clientCertificateFile: key.pem\n  clientKeyFile: key.pem\n",
        "registries:\n- host: a.example.com\n  trustServer: notary.example.com\n",
        "registries:\n- host: a.example.com\n  trustServer: http://a.example.com\n  trustServerCAFile: key.pem\n",
        "registries:\n- host: a.example.com\n  tokenServers: [tokens]\n",
        "registries:\n- host: a.example.com\n  mirrors: ['not a host']\n",
        "registries:\n- host: a.example.com\n  advisor: me\n",
        "namespace: Team\n",
        "workloads: perhaps\n",
        "pullCredentials: bad.json\n",
        "pinnedRoots:\n- {repositories: '*', keyFile: none.pem}\n",
        "pinnedRoots:\n- repositories: '*'\n",
        "pinnedRoots:\n- {repositories: '*', caFile: none.pem}\n",
        "pinnedRoots:\n- {repositories: '*', caFile: none.pem, keyFile: key.pem}\n",
        "pinnedRoots:\n- {repositories: nginx, keyFile: key.pem}\n",
        "timestampTrustSeconds: 9999\n",
        "limits:\n  reviews: 0\n",
        "limits:\n  reviews: many\n",
        "cluster:\n  timeoutSeconds: 1\n",
        "cluster:\n  lease: A B\n",
        "cluster:\n  failurePolicy: Perhaps\n",
        "cluster:\n  certificates: {secret: a, caFile: b}\n",
        "cluster:\n  certificates: {caFile: b, advisorSecret: a}\n",
        "advisor:\n  pull: {keyFile: key.pem}\n",
        "advisor:\n  pull: {artifact: registry.example.com/advisories}\n",
        "advisor:\n  pull: {artifact: 'https://registry.example.com/advisories', keyFile: key.pem}\n",
        "advisor:\n  pull: {artifact: registry.example.com/advisories, keyFile: bad.json}\n",
        "advisor:\n  pull: {artifact: 'registry.example.com/advisories@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef', everyMinutes: 0}\n",
        "advisor:\n  service: {url: 'http://advisor.example.com', tokenFile: token}\n",
        "advisor:\n  service: {url: 'https://advisor.example.com', tokenFile: token, caFile: key.pem}\n",
        "advisor:\n  service: {url: 'https://advisor.example.com'}\n",
        "advisor:\n  vex: {keys: [key.pem]}\n",
        "advisor:\n  vex: {keyFiles: []}\n",
        "advisor:\n  vex: {keyFiles: [key.pem, none.pub]}\n",
        "advisor:\n  vex: {keyFiles: [bad.json]}\n",
        "advisor:\n  cache: {folder: layers, maxMiB: 0}\n",
        "advisor:\n  scratch: {maxMiB: 1}\n",
        "advisor:\n  packages: [os, language]\n",
        "advisor:\n  warnAfterHours: 337\n",
        "advisor:\n  warnAfterHours: 48\n  refuseAfterHours: 24\n",
        "cluster:\n  selfHealing: {repository: 'icr.io/cise:v1', serviceAccounts: [cise]}\n",
        "a: b\n---\nc: d\n",
        "a: [\n",
        "just text\n",
    ]
    .into_iter()
    .map(|text| read(text).err().unwrap_or_else(|| panic!("accepted: {text}")))
    .collect();
    insta::assert_snapshot!(faults.join("\n"));
}

#[test]
fn the_example_of_the_page_is_in_order() {
    let folder = folder(include_str!("example.yaml"));
    let authority = cise_testkit::authority::Authority::new("example").unwrap();
    for file in ["notary-ca.pem", "registry-ca.pem"] {
        fs::write(folder.path().join(file), authority.certificate()).unwrap();
    }
    fs::rename(
        folder.path().join("docker.json"),
        folder.path().join("docker-config.json"),
    )
    .unwrap();
    fs::rename(
        folder.path().join("key.pem"),
        folder.path().join("docker-library-root.pem"),
    )
    .unwrap();
    let read = Configuration::read(Some(&folder.path().join("cise.yaml")));
    assert_eq!(read.err().map(|error| error.to_string()), None);
}

#[test]
fn no_fault_shows_a_credential() {
    let fault = read("pullCredentials: bad.json\n").err().unwrap();
    assert!(!fault.contains("hunter2"), "{fault}");
}

#[test]
fn a_pinned_root_is_about_names_that_there_can_be() {
    for text in [
        "*",
        "docker.io/*",
        "docker.io/lib*",
        "docker.io/library/nginx",
        "reg*",
        "registry.example.com/team/*",
        "localhost:5000/*",
    ] {
        assert!(check::may_be_canonical(text), "{text}");
    }
    for text in [
        "nginx",
        "library/nginx",
        "index.docker.io/*",
        "Registry.example.com/*",
        "registry.example.com:443/*",
        "a b*",
        "https://a.b/*",
    ] {
        assert!(!check::may_be_canonical(text), "{text}");
    }
}

/// The configuration with a part of it replaced: from one place to another, by this text.
fn garbled(text: &str, (from, to, by): &(Index, Index, String)) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut ends = [from, to].map(|end| end.index(characters.len() + 1));
    ends.sort_unstable();
    let [from, to] = ends;
    // Large parts would leave little to be read.
    let to = to.min(from + 40);
    let (before, after) = (&characters[..from], &characters[to..]);
    before
        .iter()
        .chain(&by.chars().collect::<Vec<_>>())
        .chain(after)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_configuration_that_was_garbled_works_or_is_refused_with_its_name_and_without_end_of_message(
        edits in prop::collection::vec((any::<Index>(), any::<Index>(), r#"\PC{0,6}|[\x00-\x1f:{}'"\[\]\n -]{0,6}"#), 1..4),
    ) {
        let example = include_str!("example.yaml").to_owned();
        let text = edits.iter().fold(example, |text, edit| garbled(&text, edit));
        if let Err(message) = read(&text) {
            prop_assert!(message.contains("DIR"), "{message}");
            prop_assert!(message.len() < 8 << 10, "{} bytes", message.len());
            let is_odd = |character: char| character.is_control() && character != '\n';
            prop_assert!(!message.contains(is_odd), "{message:?}");
        }
    }
}
