//! Debian: releases whose packages are made under the names and versions of an archive of advisories, and a real one.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};

use super::dpkg::{Deb, Root, write};
use super::{Made, Missing, Workshop};
use crate::bundle::Bundle;
use crate::records::{Fact, Standing, fixes};
use crate::tools::{self, on_path, run};

type Outcome = Result<Result<Made, Missing>>;

/// The archive of the extended support of old releases, for which the first three are made.
const EXTENDED: &str = "Debian-ELTS.zip";

pub(super) fn jessie(shop: &Workshop<'_>) -> Outcome {
    of_archive(shop, "debian-8", "8", "jessie")
}

pub(super) fn stretch(shop: &Workshop<'_>) -> Outcome {
    of_archive(shop, "debian-9", "9", "stretch")
}

pub(super) fn buster(shop: &Workshop<'_>) -> Outcome {
    of_archive(shop, "debian-10", "10", "buster")
}

/// A package just below, at and beside the fixes of each advisory: where scanners would differ, if they do.
fn of_archive(shop: &Workshop<'_>, name: &'static str, version: &str, codename: &str) -> Outcome {
    if on_path("dpkg-deb").is_none() {
        return Ok(Err(Missing("dpkg-deb")));
    }
    let Some(archive) = shop.given(EXTENDED) else {
        return Ok(Err(Missing(EXTENDED)));
    };
    let sources = fixes(&archive, &format!("Debian:{version}"))?;
    let bundle = Bundle::new(shop.tools, &shop.folder)?;
    let place = bundle.root();
    let root = Root::empty(&place)?;
    let debs = Phases::of(&sources);
    let workshop = bundle.workshop()?;
    release(version, codename, &workshop.join("install"))?;
    for (phase, debs) in [
        ("install", &debs.first),
        ("upgrade", &debs.second),
        ("unpack", &debs.unpacked),
    ] {
        for deb in debs {
            deb.build(&workshop.join(phase))?;
        }
    }
    root.all_in("--install", &workshop.join("install"))?;
    bundle.commit()?;
    root.all_in("--install", &workshop.join("upgrade"))?;
    root.all_in("--unpack", &workshop.join("unpack"))?;
    root.each("--remove", &debs.removed)?;
    bundle.commit()?;
    let archives = shop.archives()?;
    archives.take("Debian", &archive)?;
    Ok(Ok(Made {
        name,
        how: "packages of `dpkg-deb` under the names and versions of the archive, installed, upgraded, unpacked and removed by `dpkg` in two layers",
        layout: bundle.layout(),
        archives,
        states: root.states()?,
    }))
}

/// The packages of a release, by when they come.
#[derive(Default)]
struct Phases {
    first: Vec<Deb>,
    second: Vec<Deb>,
    unpacked: Vec<Deb>,
    removed: Vec<String>,
}

impl Phases {
    fn of(sources: &BTreeMap<String, Vec<String>>) -> Self {
        let mut phases = Self::default();
        for (number, (source, fixes)) in sources.iter().enumerate() {
            let (Some(first), Some(last)) = (fixes.first(), fixes.last()) else {
                continue;
            };
            let of_source = |suffix: &str, version: &str| {
                Deb::new(&format!("{source}-{suffix}"), version).of(source.clone())
            };
            phases.first.push(Deb::new(source, &format!("{first}~")));
            phases.first.push(of_source("current", last));
            match number % 6 {
                0 => {
                    let middle = fixes.get(fixes.len() / 2).unwrap_or(last);
                    phases.second.push(Deb::new(source, middle));
                }
                1 => phases.first.push(
                    Deb::new(&format!("{source}-rebuilt"), &format!("{first}+b1"))
                        .of(format!("{source} ({first})")),
                ),
                2 => phases.first.push(
                    Deb::new(&format!("{source}-numbered"), "99:1.0-1")
                        .of(format!("{source} ({first}~)")),
                ),
                3 => phases
                    .unpacked
                    .push(of_source("unpacked", &format!("{first}~"))),
                4 => {
                    phases
                        .first
                        .push(of_source("removed", &format!("{first}~")));
                    phases.removed.push(format!("{source}-removed"));
                }
                _ => {}
            }
        }
        phases
    }
}

/// The package that says which release it is.
fn release(version: &str, codename: &str, into: &Path) -> Result<()> {
    let tree = tempfile::tempdir()?;
    let text = format!(
        "PRETTY_NAME=\"Debian GNU/Linux {version} ({codename})\"\nNAME=\"Debian GNU/Linux\"\n\
         VERSION_ID=\"{version}\"\nVERSION_CODENAME={codename}\nID=debian\n"
    );
    write(&tree.path().join("usr/lib/os-release"), &text)?;
    tools::folder(&tree.path().join("etc"))?;
    symlink("../usr/lib/os-release", tree.path().join("etc/os-release"))?;
    Deb::new("base-files", &format!("{version}.1"))
        .pack(tree.path(), into)
        .map(drop)
}

/// A real Debian 12, as debootstrap makes it, from which packages are purged in a second layer.
pub(super) fn bookworm(shop: &Workshop<'_>) -> Outcome {
    if on_path("debootstrap").is_none() {
        return Ok(Err(Missing("debootstrap")));
    }
    let bundle = Bundle::new(shop.tools, &shop.folder)?;
    let place = bundle.root();
    debootstrap(&place)?;
    bundle.commit()?;
    let root = Root::existing(&place);
    root.each("--purge", &["mount", "tzdata"].map(str::to_owned))?;
    bundle.commit()?;
    let archives = shop.archives()?;
    write_facts(
        &root.query("${source:Package}\\t${source:Version}\\n")?,
        &archives,
    )?;
    Ok(Ok(Made {
        name: "debian-12",
        how: "`debootstrap --variant=minbase`, then packages purged by `dpkg` in a layer of its own",
        layout: bundle.layout(),
        archives,
        states: root.states()?,
    }))
}

/// Packages of Debian 12, unpacked and recorded one by one, as distroless images have them.
pub(super) fn distroless(shop: &Workshop<'_>) -> Outcome {
    if on_path("apt-get").is_none() {
        return Ok(Err(Missing("apt-get")));
    }
    let bundle = Bundle::new(shop.tools, &shop.folder)?;
    let (place, workshop) = (bundle.root(), bundle.workshop()?);
    let mut download = Command::new("apt-get");
    run(download
        .current_dir(&workshop)
        .arg("download")
        .args(DISTROLESS))?;
    let mut sources = String::new();
    for entry in fs::read_dir(&workshop)? {
        let deb = entry?.path();
        run(Command::new("dpkg-deb")
            .arg("--extract")
            .arg(&deb)
            .arg(&place))?;
        let control = run(Command::new("dpkg-deb").arg("--field").arg(&deb))?;
        let shown = "${Package}\\t${source:Package}\\t${source:Version}";
        let named = run(Command::new("dpkg-deb")
            .arg(format!("--showformat={shown}"))
            .arg("--show")
            .arg(&deb))?;
        let (package, source) = named.split_once('\t').context("a package without a name")?;
        sources.push_str(source);
        sources.push('\n');
        write(&place.join("var/lib/dpkg/status.d").join(package), &control)?;
    }
    bundle.commit()?;
    let archives = shop.archives()?;
    write_facts(&sources, &archives)?;
    Ok(Ok(Made {
        name: "distroless-12",
        how: "packages of Debian 12, each extracted by `dpkg-deb` and recorded in a file of its own, as distroless images have them",
        layout: bundle.layout(),
        archives,
        states: BTreeMap::new(),
    }))
}

/// About what `distroless/base` has.
const DISTROLESS: [&str; 9] = [
    "base-files",
    "ca-certificates",
    "libc6",
    "libgcc-s1",
    "libssl3",
    "libstdc++6",
    "netbase",
    "tzdata",
    "zlib1g",
];

fn debootstrap(root: &Path) -> Result<()> {
    let mut debootstrap = Command::new("debootstrap");
    run(debootstrap
        .args(["--variant=minbase", "bookworm"])
        .arg(root))?;
    for folder in ["dev", "proc", "sys", "var/cache/apt/archives"] {
        let folder = root.join(folder);
        fs::remove_dir_all(&folder).with_context(|| format!("emptying {}", folder.display()))?;
        tools::folder(&folder)?;
    }
    Ok(())
}

/// States facts about sources of Debian 12, a line for each with its name and version: a fix that is installed, one above, one
/// below, none, and one that was withdrawn.
fn write_facts(sources: &str, archives: &crate::records::Archives) -> Result<()> {
    let installed: BTreeMap<&str, &str> = sources
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .collect();
    let mut records = Vec::new();
    for (number, (source, version)) in installed.into_iter().enumerate() {
        let fixes = [
            Some(version.to_owned()),
            Some(format!("{version}+deb12u99")),
            Some(format!("{version}~")),
            None,
        ];
        for (kind, fix) in fixes.iter().enumerate() {
            let fact = Fact {
                advisory: format!("DEBIAN-CVE-2026-{number:03}{kind}"),
                vulnerability: format!("CVE-2026-{number:03}{kind}"),
                ecosystem: "Debian:12",
                packages: &[source],
                fix: fix.as_deref(),
                standing: Standing::Stands,
            };
            records.push(fact.record());
        }
        let withdrawn = Fact {
            advisory: format!("DEBIAN-CVE-2026-{number:03}9"),
            vulnerability: format!("CVE-2026-{number:03}9"),
            ecosystem: "Debian:12",
            packages: &[source],
            fix: None,
            standing: Standing::Withdrawn,
        };
        records.push(withdrawn.record());
    }
    archives.write("Debian", &records)
}
