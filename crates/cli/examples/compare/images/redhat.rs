//! AlmaLinux: packages that rpmbuild makes and rpm installs.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::dpkg::write;
use super::{Made, Missing, Workshop};
use crate::bundle::Bundle;
use crate::records::{Fact, Standing};
use crate::tools::{self, on_path, run};

const ECOSYSTEM: &str = "AlmaLinux:9";

/// A source RPM. It builds a package of its own name and a library.
struct Source {
    name: &'static str,
    epoch: Option<&'static str>,
    version: &'static str,
    release: &'static str,
    vendor: &'static str,
    module: Option<&'static str>,
    /// Versions in which something is fixed.
    fixes: &'static [&'static str],
}

const PLAIN: Source = Source {
    name: "",
    epoch: None,
    version: "",
    release: "",
    vendor: "AlmaLinux",
    module: None,
    fixes: &[],
};

/// Versions next to one another in rpm's order.
const SOURCES: [Source; 9] = [
    Source {
        name: "openssl",
        epoch: Some("1"),
        version: "3.0.7",
        release: "27.el9",
        fixes: &[
            "1:3.0.7-27.el9",
            "1:3.0.7-28.el9_4",
            "3.0.7-28.el9_4",
            "1:3.0.7-9.el9",
        ],
        ..PLAIN
    },
    Source {
        name: "bash",
        version: "5.1.8",
        release: "9.el9",
        fixes: &[
            "0:5.1.8-9.el9",
            "0:5.1.8-9.el9_4",
            "5.1.8-10.el9",
            "5.1.16-1.el9",
        ],
        ..PLAIN
    },
    Source {
        name: "curl",
        version: "7.76.1",
        release: "29.el9_4.1",
        fixes: &[
            "0:7.76.1-29.el9_4",
            "0:7.76.1-29.el9_4.2",
            "0:7.76.1-29.el9_10.1",
        ],
        ..PLAIN
    },
    Source {
        name: "candidate",
        version: "2.0~rc1",
        release: "1.el9",
        fixes: &["0:2.0-1.el9", "0:2.0~beta9-1.el9", "0:2.0~rc2-0.el9"],
        ..PLAIN
    },
    Source {
        name: "snapshot",
        version: "1.4^20240601",
        release: "1.el9",
        fixes: &["0:1.4-1.el9", "0:1.4^20240602-1.el9", "0:1.4.1-1.el9"],
        ..PLAIN
    },
    Source {
        name: "bind",
        epoch: Some("32"),
        version: "9.16.23",
        release: "18.el9_4.6",
        fixes: &["32:9.16.23-18.el9_4.6", "32:9.16.23-18.el9_4.10"],
        ..PLAIN
    },
    Source {
        name: "nodejs",
        epoch: Some("1"),
        version: "18.20.4",
        release: "1.module_el9.4.0+100+71fc9528",
        module: Some("nodejs:18:9040020240807131341:rhel9"),
        fixes: &["1:18.20.4-1.module_el9.4.0+110+00000000", "1:18.20.4-2.el9"],
        ..PLAIN
    },
    Source {
        name: "nginx",
        version: "1.20.1",
        release: "14.el9",
        fixes: &["2:1.20.1-16.el9", "1.20.1-16.el9"],
        ..PLAIN
    },
    Source {
        name: "elsewhere",
        version: "1.0",
        release: "1.el9",
        vendor: "Somebody Else",
        fixes: &["0:2.0-1.el9"],
        ..PLAIN
    },
];

pub(super) fn make(shop: &Workshop<'_>) -> Result<Result<Made, Missing>> {
    if on_path("rpmbuild").is_none() || on_path("rpm").is_none() {
        return Ok(Err(Missing("rpm")));
    }
    let bundle = Bundle::new(shop.tools, &shop.folder)?;
    let (place, workshop) = (bundle.root(), bundle.workshop()?);
    for source in &SOURCES {
        source.build(&workshop)?;
    }
    let rpms = workshop.join("rpmbuild/RPMS");
    let mut paths = Vec::new();
    for folder in std::fs::read_dir(&rpms)? {
        for rpm in std::fs::read_dir(folder?.path())? {
            paths.push(rpm?.path());
        }
    }
    write(
        &place.join("etc/os-release"),
        "NAME=\"AlmaLinux\"\nID=\"almalinux\"\nVERSION_ID=\"9.4\"\nPRETTY_NAME=\"AlmaLinux 9.4\"\n",
    )?;
    tools::folder(&place.join("var/lib/rpm"))?;
    run(rpm(&place)
        .args(["--install", "--nodeps", "--ignorearch"])
        .args(paths))?;
    bundle.commit()?;
    run(rpm(&place).args(["--erase", "--nodeps", "curl"]))?;
    bundle.commit()?;
    let archives = shop.archives()?;
    archives.write("AlmaLinux", &records())?;
    Ok(Ok(Made {
        name: "almalinux-9",
        how: "packages of `rpmbuild` under names and versions as AlmaLinux's, installed and erased by `rpm` in two layers",
        layout: bundle.layout(),
        archives,
        states: BTreeMap::new(),
    }))
}

fn rpm(root: &Path) -> Command {
    let mut rpm = Command::new("rpm");
    rpm.arg("--root").arg(root).args([
        "--dbpath",
        "/var/lib/rpm",
        "--define",
        "_db_backend sqlite",
    ]);
    rpm
}

/// The rest of each specification.
const CONTENTS: &str = "
%description
One.
%package libs
Summary: its library
%description libs
One.
%files
%files libs
";

impl Source {
    fn build(&self, workshop: &Path) -> Result<()> {
        let Self {
            name,
            version,
            release,
            vendor,
            ..
        } = self;
        let mut spec = format!(
            "Name: {name}\nVersion: {version}\nRelease: {release}\nSummary: a package to compare with\n\
             License: Apache-2.0\nVendor: {vendor}\nAutoReqProv: no\n"
        );
        if let Some(epoch) = self.epoch {
            spec.push_str("Epoch: ");
            spec.push_str(epoch);
            spec.push('\n');
        }
        if let Some(module) = self.module {
            spec.push_str("ModularityLabel: ");
            spec.push_str(module);
        }
        spec.push_str(CONTENTS);
        let file = workshop.join(format!("{name}.spec"));
        write(&file, &spec)?;
        let top = format!("_topdir {}", workshop.join("rpmbuild").display());
        let mut rpmbuild = Command::new("rpmbuild");
        rpmbuild
            .args(["-bb", "--quiet", "--target", "x86_64", "--define", &top])
            .arg(&file);
        run(&mut rpmbuild).map(drop)
    }
}

/// AlmaLinux lists the binary packages of a fix. One record lists some of them only.
fn records() -> Vec<serde_json::Value> {
    let facts = SOURCES
        .iter()
        .flat_map(|source| source.fixes.iter().map(move |fix| (source.name, *fix)));
    let mut records = Vec::new();
    for (number, (source, fix)) in facts.enumerate() {
        let library = format!("{source}-libs");
        let both = [source, library.as_str()];
        let [first, _] = &both;
        let fact = Fact {
            advisory: format!("ALSA-2026:{number:04}"),
            vulnerability: format!("CVE-2026-3{number:04}"),
            ecosystem: ECOSYSTEM,
            packages: if source == "bind" {
                std::slice::from_ref(first)
            } else {
                &both
            },
            fix: Some(fix),
            standing: Standing::Stands,
        };
        records.push(fact.record());
    }
    records
}
