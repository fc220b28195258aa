//! Values that cannot work are refused before anything is installed.

use crate::chart::{helms, template};

#[test]
fn a_value_that_cannot_work_is_refused_with_its_name() {
    let Some(helms) = helms() else { return };
    for (values, expected) in [
        ("replica: 3", "additional properties 'replica' not allowed"),
        ("replicas: 0", "/replicas"),
        ("replicas: two", "/replicas"),
        ("webhooks: {failurePolicy: fail}", "/webhooks/failurePolicy"),
        ("webhooks: {timeoutSeconds: 31}", "/webhooks/timeoutSeconds"),
        ("webhooks: {selfHeal: true}", "'selfHeal' not allowed"),
        ("workloads: deny", "/workloads"),
        (
            "image: {repository: 'icr.io/ibm/cise:1.0'}",
            "/image/repository",
        ),
        ("image: {repository: ''}", "/image/repository"),
        ("image: {digest: abc}", "/image/digest"),
        ("imagePullSecrets: [pull]", "/imagePullSecrets/0"),
        ("registries: [{plainHTTP: true}]", "/registries/0"),
        (
            "registries: [{host: registry.example.com, caFile: ca.pem}]",
            "'caFile' not allowed",
        ),
        (
            "registries: [{host: registry.example.com, ca: /etc/ca.pem}]",
            "/registries/0/ca",
        ),
        (
            "registries: [{host: 'https://registry.example.com'}]",
            "/registries/0/host",
        ),
        (
            "registries: [{host: registry.example.com, trustServer: notary.example.com}]",
            "/registries/0/trustServer",
        ),
        (
            "registries: [{host: registry.example.com, advisor: 'http://va.example.com'}]",
            "/registries/0/advisor",
        ),
        (
            "pinnedRoots: [{repositories: registry.example.com/a}]",
            "/pinnedRoots/0",
        ),
        ("caBundle: ca.pem", "/caBundle"),
        ("proxy: {https: 'proxy.example.com:3128'}", "/proxy/https"),
        ("timestampTrustSeconds: 3601", "/timestampTrustSeconds"),
        ("limits: {reviews: 0}", "/limits/reviews"),
        (
            "advisor: {rules: {alreadyAdmittedHours: 169}}",
            "/advisor/rules/alreadyAdmittedHours",
        ),
        (
            "advisor: {rules: {endOfLive: deny}}",
            "'endOfLive' not allowed",
        ),
        ("limits: {cachedTags: 1}", "'cachedTags' not allowed"),
        ("certificates: {from: vault}", "/certificates/from"),
        ("ports: {webhooks: 443}", "/ports/webhooks"),
        ("logLevel: verbose", "/logLevel"),
        ("advisor: {enable: true}", "'enable' not allowed"),
        (
            "advisor: {database: {file: ../a.db}}",
            "/advisor/database/file",
        ),
        ("advisor: {cache: {maxMiB: 0}}", "/advisor/cache/maxMiB"),
        ("advisor: {queueMiB: 63}", "/advisor/queueMiB"),
        ("advisor: {memoryMiB: 383}", "/advisor/memoryMiB"),
        (
            "advisor: {database: {artifact: 'https://icr.io/advisories'}}",
            "/advisor/database/artifact",
        ),
        (
            "advisor: {database: {artifact: advisories}}",
            "/advisor/database/artifact",
        ),
        (
            "advisor: {database: {key: /etc/key.pub}}",
            "/advisor/database/key",
        ),
        (
            "advisor: {database: {everyMinutes: 0}}",
            "/advisor/database/everyMinutes",
        ),
        ("advisor: {platforms: [amd64]}", "/advisor/platforms/0"),
        (
            "advisor: {vex: {keys: {../team: '-----BEGIN '}}}",
            "'../team' not allowed",
        ),
        ("userRoles: maybe", "/userRoles"),
        (
            "advisor: {registries: ['https://icr.io']}",
            "/advisor/registries/0",
        ),
        ("listenAddress: '::'", "/listenAddress"),
        ("resources: {request: {cpu: 1}}", "'request' not allowed"),
    ] {
        assert_refused(&helms, values, expected);
    }
}

#[test]
fn values_that_cannot_work_together_are_refused_with_what_was_expected() {
    let Some(helms) = helms() else { return };
    for (values, expected) in [
        (
            "registries: [{host: a.example.com}, {host: localhost:5000, plainHTTP: true, clientCertificateSecret: a}]",
            "registries[1].plainHTTP: expected neither `ca` nor `clientCertificateSecret` beside it",
        ),
        (
            "registries: [{host: a.example.com, trustServerCA: '-----BEGIN CERTIFICATE-----'}]",
            "registries[0].trustServerCA: expected a `trustServer` with https:// beside it",
        ),
        (
            "registries: [{host: a.example.com}, {host: A.example.com}]",
            "registries[1].host: A.example.com is named twice; expected each host once",
        ),
        (
            "certificates: {issuer: {name: company}}",
            "certificates.issuer: expected `certificates.from: cert-manager` beside it",
        ),
        (
            "ports: {admin: 8443}",
            "ports.admin: expected another port than ports.webhooks",
        ),
        (
            "ports: {advisor: 8443}",
            "ports.advisor: expected another port than ports.webhooks and ports.admin",
        ),
        (
            "advisor: {enabled: true}",
            "advisor.database: expected `artifact`, or either `existingClaim` or `volume`, beside advisor.enabled",
        ),
        (
            "advisor: {enabled: true, database: {existingClaim: a, volume: {emptyDir: {}}}}",
            "advisor.database: expected `artifact`, or either `existingClaim` or `volume`, beside advisor.enabled",
        ),
        (
            "advisor: {database: {artifact: icr.io/advisories, key: '-----BEGIN ', existingClaim: a, volume: {emptyDir: {}}}}",
            "advisor.database: expected at most one of `existingClaim` and `volume` beside `artifact`",
        ),
        (
            "advisor: {enabled: true, database: {artifact: 'icr.io/advisories:latest'}}",
            "advisor.database.artifact: expected `key` beside it, or a digest in it",
        ),
        (
            "advisor: {database: {existingClaim: a, key: '-----BEGIN '}}",
            "advisor.database: expected `artifact` beside `key` and `credentialsSecret`",
        ),
        (
            "terminationGracePeriodSeconds: 15",
            "terminationGracePeriodSeconds: expected at least 10 more than webhooks.timeoutSeconds",
        ),
    ] {
        assert_refused(&helms, values, expected);
    }
}

#[test]
fn a_cluster_that_is_too_old_is_refused() {
    let Some(helms) = helms() else { return };
    for helm in &helms {
        let refused = template(helm, &["--kube-version", "1.29.9"], "").unwrap_err();
        assert!(
            refused.contains("requires kubeVersion: >=1.30.0-0"),
            "{refused}"
        );
    }
}

fn assert_refused(helms: &[cise_testkit::helm::Helm], values: &str, expected: &str) {
    for helm in helms {
        match template(helm, &[], values) {
            Ok(_) => panic!("{values} was accepted"),
            Err(refused) => assert!(refused.contains(expected), "{values}: {refused}"),
        }
    }
}
