//! Alpine: packages that apk makes and installs.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::dpkg::write;
use super::{Made, Missing, Workshop};
use crate::bundle::Bundle;
use crate::records::{Fact, Standing};
use crate::tools::{self, apk, run};

const ECOSYSTEM: &str = "Alpine:v3.20";

/// A package by its name, origin and version, and versions in which something is fixed.
type Stated = (
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
);

/// Versions next to one another in apk's order.
const PACKAGES: [Stated; 14] = [
    (
        "openssl",
        "openssl",
        "3.3.1-r0",
        &["3.3.1-r0", "3.3.1-r1", "3.3.0-r9", "3.3.1_p1-r0"],
    ),
    ("libcrypto3", "openssl", "3.3.1-r0", &[]),
    ("libssl3", "openssl", "3.3.1-r0", &[]),
    (
        "busybox",
        "busybox",
        "1.36.1-r28",
        &["1.36.1-r3", "1.36.1-r29", "1.36.10-r0"],
    ),
    ("ssl_client", "busybox", "1.36.1-r28", &[]),
    (
        "zlib",
        "zlib",
        "1.3.1-r1",
        &["1.3.1_rc2-r5", "1.3.1_p0-r0", "1.3.1a-r0"],
    ),
    (
        "git",
        "git",
        "2.45.2_git20240601-r0",
        &["2.45.2-r0", "2.45.2_git20240602-r0", "2.45.2_p1-r0"],
    ),
    (
        "tzdata",
        "tzdata",
        "2024a-r1",
        &["2024-r0", "2024b-r0", "2024a-r1"],
    ),
    (
        "php82",
        "php82",
        "8.2.20-r0",
        &["8.2.3-r0", "8.2.21-r0", "8.2.20_rc1-r9"],
    ),
    (
        "postgresql16",
        "postgresql16",
        "16.3_beta2-r0",
        &["16.3-r0", "16.3_alpha9-r0", "16.3_beta10-r0"],
    ),
    ("musl", "musl", "1.2.5-r1", &["1.2.5-r1"]),
    (
        "xz-libs",
        "xz",
        "5.6.2-r0",
        &["5.6.1-r9", "5.6.2-r0", "5.6.10-r0"],
    ),
    ("xz", "xz", "5.6.2-r0", &[]),
    (
        "scanelf",
        "pax-utils",
        "1.3.7-r2",
        &["1.3.07-r3", "1.3.8-r0"],
    ),
];

pub(super) fn make(shop: &Workshop<'_>) -> Result<Result<Made, Missing>> {
    let Some(apk) = apk() else {
        return Ok(Err(Missing("apk (of apk-tools 3; `APK=` names it)")));
    };
    let bundle = Bundle::new(shop.tools, &shop.folder)?;
    let (place, workshop) = (bundle.root(), bundle.workshop()?);
    let shelf = tools::folder(&workshop.join("packages"))?.to_owned();
    release(&apk, &workshop, &shelf)?;
    for (name, origin, version, _) in PACKAGES {
        package(&apk, &shelf, (name, origin, version), None)?;
    }
    let mut add = Command::new(&apk);
    // On a root in memory nothing else may be added: it would be gone after a restart.
    add.args(["add", "--initdb", "--force-non-repository"])
        .args(["--arch", "x86_64", "--root"])
        .arg(&place)
        .args(QUIETLY);
    for entry in std::fs::read_dir(&shelf)? {
        add.arg(entry?.path());
    }
    run(&mut add)?;
    bundle.commit()?;
    let mut del = Command::new(&apk);
    del.args([
        "del",
        "--no-network",
        "--no-scripts",
        "--no-logfile",
        "--root",
    ])
    .arg(&place)
    .arg("ssl_client");
    run(&mut del)?;
    bundle.commit()?;
    let archives = shop.archives()?;
    archives.write("Alpine", &records())?;
    Ok(Ok(Made {
        name: "alpine-3.20",
        how: "packages of `apk mkpkg` under names and versions as Alpine's, installed and deleted by `apk` in two layers",
        layout: bundle.layout(),
        archives,
        states: BTreeMap::new(),
    }))
}

const QUIETLY: [&str; 4] = [
    "--allow-untrusted",
    "--no-network",
    "--no-scripts",
    "--no-logfile",
];

fn release(apk: &Path, workshop: &Path, shelf: &Path) -> Result<()> {
    let tree = workshop.join("release");
    write(
        &tree.join("etc/os-release"),
        "NAME=\"Alpine Linux\"\nID=alpine\nVERSION_ID=3.20.3\nPRETTY_NAME=\"Alpine Linux v3.20\"\n",
    )?;
    write(&tree.join("etc/alpine-release"), "3.20.3\n")?;
    package(
        apk,
        shelf,
        ("alpine-release", "alpine-base", "3.20.3-r0"),
        Some(&tree),
    )
}

fn package(
    apk: &Path,
    shelf: &Path,
    (name, origin, version): (&str, &str, &str),
    tree: Option<&Path>,
) -> Result<()> {
    let mut mkpkg = Command::new(apk);
    mkpkg
        .arg("mkpkg")
        .arg("--output")
        .arg(shelf.join(format!("{name}.apk")));
    for info in [
        format!("name:{name}"),
        format!("version:{version}"),
        format!("origin:{origin}"),
        "arch:x86_64".to_owned(),
        "license:Apache-2.0".to_owned(),
        "description:a package to compare with".to_owned(),
        "url:https://example.com".to_owned(),
    ] {
        mkpkg.args(["--info", &info]);
    }
    if let Some(tree) = tree {
        mkpkg.arg("--files").arg(tree);
    }
    run(&mut mkpkg).map(drop)
}

fn records() -> Vec<serde_json::Value> {
    let facts = PACKAGES
        .iter()
        .flat_map(|(_, origin, _, fixes)| fixes.iter().map(move |fix| (origin, *fix)));
    let numbered = facts.enumerate().map(|(number, (origin, fix))| Fact {
        advisory: format!("ALPINE-CVE-2026-2{number:04}"),
        vulnerability: format!("CVE-2026-2{number:04}"),
        ecosystem: ECOSYSTEM,
        packages: std::slice::from_ref(origin),
        fix: Some(fix),
        standing: Standing::Stands,
    });
    numbered.map(|fact| fact.record()).collect()
}
