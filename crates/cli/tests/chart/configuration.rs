//! The configuration that the chart writes is one that the program reads.

use std::fs;
use std::path::Path;
use std::process::Command;

use cise_testkit::authority::Authority;
use serde_json::{Value, json};

use crate::chart::{documents, helms, object, template};

#[test]
fn the_program_reads_the_configuration_that_the_chart_writes() {
    let Some(helms) = helms() else { return };
    let values = values(&Authority::new("registry").unwrap());
    for helm in &helms {
        for values in [&json!({}), &values] {
            let objects = documents(&template(helm, &[], &values.to_string()).unwrap());
            let folder = tempfile::tempdir().unwrap();
            write(
                &object(&objects, "ConfigMap", "cise")["data"],
                folder.path(),
            );
            for file in ["config.yaml", "advisor.yaml"] {
                if folder.path().join(file).exists() {
                    assert_read(file, folder.path());
                }
            }
        }
    }
}

fn assert_read(file: &str, folder: &Path) {
    let mut check = Command::new(env!("CARGO_BIN_EXE_cise"));
    check
        .args(["check", "--config", file, "nginx"])
        .current_dir(folder)
        .env_clear();
    let output = check.output().unwrap();
    // Without policies everything is denied. What cannot be read would give 2.
    assert_eq!(
        output.status.code(),
        Some(1),
        "{file}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Everything that goes into the configuration and is no Secret.
fn values(authority: &Authority) -> Value {
    let pem = authority.certificate();
    json!({
        "workloads": "enforce",
        "registries": [
            {
                "host": "registry.example.com",
                "ca": pem,
                "tokenServers": ["https://tokens.example.com"],
                "mirrors": ["mirror.example.com/copies"],
                "trustServer": "https://notary.example.com",
                "trustServerCA": pem,
                "advisor": "builtin",
            },
            { "host": "localhost:5000", "plainHTTP": true, "trustServer": "http://{host}:4443" },
            { "host": "*.example.com" },
        ],
        "pinnedRoots": [{ "repositories": "registry.example.com/team/*", "key": pem }],
        "advisor": {
            "enabled": true,
            "database": { "artifact": "registry.example.com/advisories:daily", "key": key(), "everyMinutes": 10_080 },
            "vex": { "keys": { "team": key(), "vendor-2": key() } },
            "registries": ["*.example.com"],
            "platforms": ["linux/amd64", "linux/arm/v7"],
            "rules": {
                "packages": ["os"],
                "unsupported": "deny",
                "unjudged": "deny",
                "endOfLife": "deny",
                "alreadyAdmittedHours": 168,
                "subscriptions": ["ubuntu-pro", "debian-elts"],
                "warnAfterHours": 8760,
                "refuseAfterHours": 8760,
            },
        },
        "timestampTrustSeconds": 3600,
        "tagTrustSeconds": 0,
        "limits": {
            "reviews": 10_000,
            "verificationsPerHost": 10_000,
            "verificationsPerNamespace": 10_000,
            "verificationSeconds": 600,
            "keptTrustMiB": 4096,
            "keptManifestsMiB": 4096,
            "keptTags": 1_000_000,
            "trustedRepositories": 1_000_000,
        },
    })
}

/// A public key as databases are signed with.
fn key() -> String {
    rcgen::KeyPair::generate().unwrap().public_key_pem()
}

/// Writes the files of a `ConfigMap`.
/// As in a pod, but for the folder that is a volume there: nothing is written outside of the test's own.
fn write(files: &Value, folder: &Path) {
    let cache = format!("{}/", folder.join("cache").display());
    for (name, content) in files.as_object().unwrap() {
        let content = content.as_str().unwrap();
        fs::write(
            folder.join(name),
            content.replace("/var/cache/cise/", &cache),
        )
        .unwrap();
    }
}
