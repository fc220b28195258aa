//! A program without a distribution, built with an old dependency.

use std::collections::BTreeMap;
use std::process::Command;

use anyhow::Result;

use super::dpkg::write;
use super::{Made, Missing, Workshop};
use crate::bundle::Bundle;
use crate::tools::{on_path, run};

/// The archive of what is known of Go modules.
const ARCHIVE: &str = "Go.zip";

const PROGRAM: &str = "package main\n\nimport \"golang.org/x/text/language\"\n\nfunc main() { println(language.MustParse(\"en\").String()) }\n";

pub(super) fn make(shop: &Workshop<'_>) -> Result<Result<Made, Missing>> {
    if on_path("go").is_none() {
        return Ok(Err(Missing("go")));
    }
    let Some(archive) = shop.given(ARCHIVE) else {
        return Ok(Err(Missing(ARCHIVE)));
    };
    let bundle = Bundle::new(shop.tools, &shop.folder)?;
    let workshop = bundle.workshop()?;
    write(
        &workshop.join("go.mod"),
        "module example.com/program\n\ngo 1.21\n\nrequire golang.org/x/text v0.3.5\n",
    )?;
    write(&workshop.join("main.go"), PROGRAM)?;
    let mut go = Command::new("go");
    go.args(["build", "-mod=mod", "-trimpath", "-o"])
        .arg(bundle.root().join("program"))
        .current_dir(&workshop)
        .env("CGO_ENABLED", "0")
        .env("GOFLAGS", "")
        .env("GOWORK", "off");
    run(&mut go)?;
    bundle.commit()?;
    let archives = shop.archives()?;
    archives.take("Go", &archive)?;
    Ok(Ok(Made {
        name: "program",
        how: "`go build` with golang.org/x/text v0.3.5, and nothing else",
        layout: bundle.layout(),
        archives,
        states: BTreeMap::new(),
    }))
}
