//! The third act: an image with a known vulnerability.

use std::error::Error;
use std::fs;

use jiff::{SignedDuration, Timestamp};

use crate::console::Console;
use crate::guard::Guard;
use crate::stage::Stage;
use crate::table::Table;

/// Facts about the packages of the story, in the format of osv.dev. None of them is true outside of it.
const ADVISORIES: [(&str, &str); 2] = [
    (
        "osv/DSA-6001-1.json",
        include_str!("advisories/DSA-6001-1.json"),
    ),
    (
        "osv/ALPINE-CVE-2026-10001.json",
        include_str!("advisories/ALPINE-CVE-2026-10001.json"),
    ),
];

/// The hook that asks the Vulnerability Advisor and pins what it admits, and whose pods it is asked about.
const ASKED: (&str, &str) = ("/admit", "shop");
const POLICY: &str = "shop: scanned";

/// A vulnerable image is refused, looked at, exempted for a month, and admitted.
pub(crate) fn vulnerable_image(stage: &Stage) -> Result<(), Box<dyn Error>> {
    println!("\n3. Namespace `shop` asks that its images have no known vulnerabilities.");
    println!("   The database of advisories is one file, here of two facts:\n");
    let console = desk(stage)?;
    let guard = guard(stage, &console)?;
    println!("   One image has a vulnerable package. The other one has the fix:\n");
    let table = Table::of(&stage.registry.host());
    let (mail, clock) = (stage.image("mail:1.0"), stage.image("clock:1.0"));
    let (hook, namespace) = ASKED;
    table.row(&mail, POLICY, &guard.ask(hook, namespace, &mail)?);
    table.row(&clock, POLICY, &guard.ask(hook, namespace, &clock)?);

    println!("\n   What is it, and what resolves it?\n");
    console.run(&format!("va --config cise.yaml {mail}"))?;

    println!("   Until the image is built again, somebody answers for it, and not for ever:\n");
    let ends = Timestamp::now() + SignedDuration::from_hours(30 * 24);
    let (scope, ends) = (stage.image("mail"), ends.strftime("%Y-%m-%d"));
    console.run(&format!(
        "exemption add --file exemption.yaml --namespace shop --scope {scope} --issue-type cve --issue-id CVE-2026-10001 --owner mail-team --expires {ends}"
    ))?;
    let exemption = fs::read_to_string(console.path().join("exemption.yaml"))?;
    let manifest = ("exemption.yaml", exemption.as_str());
    let table = Table::of(&stage.registry.host());
    let admitted = guard.ask_with(manifest, (hook, namespace, &mail))?;
    table.row(&mail, POLICY, &admitted);
    Ok(())
}

/// Where the database is made, and everything else is done that a person does.
fn desk(stage: &Stage) -> Result<Console, Box<dyn Error>> {
    let console = Console::new()?;
    for (name, text) in ADVISORIES {
        console.write(name, text)?;
    }
    let database = console.path().join("advisories.db");
    let configuration = format!(
        "registries:\n- host: \"{}\"\n  plainHTTP: true\n  advisor: builtin\nadvisor:\n  database: \"{}\"\n",
        stage.registry.host(),
        database.display(),
    );
    console.write("cise.yaml", &configuration)?;
    let as_of = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ");
    console.run(&format!(
        "db build -o advisories.db --covers Debian:12 --covers Alpine:v3.20 --as-of {as_of} osv"
    ))?;
    Ok(console)
}

fn guard(stage: &Stage, console: &Console) -> Result<Guard, Box<dyn Error>> {
    let policy = include_str!("policies/scanned.yaml").replace("REGISTRY", &stage.registry.host());
    let configuration = fs::read_to_string(console.path().join("cise.yaml"))?;
    Guard::start(
        &stage.authority,
        &[("scanned.yaml", policy)],
        &configuration,
    )
}
