//! The packages of an image, as CISE and as syft list them.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use cise_advisor::Manager;
use cise_advisor::inventory::{Indexer, Inventory, Layout, Limits, MemoryCache, Platform};
use cise_registry::Progress;
use serde::Deserialize;
use serde_json::Value;

use crate::tools::{Tools, run};

/// A package as both list it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Listed {
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) architecture: String,
    /// The source package, the origin, or the name of the source RPM's file.
    pub(crate) source: String,
}

/// What CISE finds in the image.
pub(crate) fn ours(layout: &Path) -> Result<Inventory> {
    let runtime = tokio::runtime::Runtime::new()?;
    let indexer = Indexer::new(Arc::new(MemoryCache::new(0)), Limits::default());
    let found = runtime.block_on(async {
        let layout = Layout::folder(layout).await?;
        let image = layout.image(None)?.clone();
        let platforms = [Platform::new("linux", "amd64", "")];
        anyhow::Ok(
            indexer
                .inventories(&layout, &image, &platforms, &Progress::new())
                .await?,
        )
    })?;
    found
        .images
        .into_iter()
        .next()
        .context("the image has no inventory")
}

/// The same in the terms of both.
pub(crate) fn listed(inventory: &Inventory) -> BTreeSet<Listed> {
    let packages = inventory.packages.iter().map(|package| Listed {
        name: package.name.to_string(),
        version: without_zero(&package.version),
        architecture: package.architecture.to_string(),
        source: match package.manager {
            Manager::Rpm => package.source.name.to_string(),
            _ if package.source.version == package.version => package.source.name.to_string(),
            _ => format!("{} ({})", package.source.name, package.source.version),
        },
    });
    packages.collect()
}

/// What syft finds: packages of package managers.
pub(crate) fn theirs(tools: &Tools, layout: &Path) -> Result<BTreeSet<Listed>> {
    let mut syft = Command::new(&tools.syft);
    syft.args(["scan", "--quiet", "--output", "syft-json"])
        .arg(format!("oci-dir:{}", layout.display()))
        .env("SYFT_CHECK_FOR_APP_UPDATE", "false");
    let document: Document = serde_json::from_str(&run(&mut syft)?).context("the list of syft")?;
    let of_managers = document
        .artifacts
        .into_iter()
        .filter(|artifact| ["deb", "apk", "rpm"].contains(&&*artifact.kind));
    Ok(of_managers.map(Listed::from).collect())
}

#[derive(Deserialize)]
struct Document {
    artifacts: Vec<Artifact>,
}

#[derive(Deserialize)]
struct Artifact {
    name: String,
    version: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    metadata: Value,
}

impl From<Artifact> for Listed {
    fn from(artifact: Artifact) -> Self {
        let field = |name: &str| {
            let value = artifact.metadata.get(name).and_then(Value::as_str);
            value
                .filter(|value| !value.is_empty())
                .map(ToOwned::to_owned)
        };
        let own = artifact.name.clone();
        let source = match &*artifact.kind {
            "apk" => field("originPackage").unwrap_or(own),
            "rpm" => field("sourceRpm")
                .as_deref()
                .and_then(name_of_source)
                .unwrap_or(own),
            _ => {
                let name = field("source").unwrap_or(own);
                match field("sourceVersion") {
                    Some(version) => format!("{name} ({version})"),
                    None => name,
                }
            }
        };
        Self {
            version: without_zero(&artifact.version),
            architecture: field("architecture")
                .or_else(|| field("arch"))
                .unwrap_or_default(),
            source,
            name: artifact.name,
        }
    }
}

/// `openssl` of `openssl-3.0.7-27.el9.src.rpm`.
fn name_of_source(file: &str) -> Option<String> {
    let (rest, _) = file.rsplit_once('-')?;
    let (name, _) = rest.rsplit_once('-')?;
    Some(name.to_owned())
}

/// An epoch of 0 is written by some and left out by others.
fn without_zero(version: &str) -> String {
    version.strip_prefix("0:").unwrap_or(version).to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_package_of_syft_is_put_into_the_terms_of_both() {
        let table = [
            (
                json!({"name": "libssl3", "version": "3.0.9-1", "type": "deb",
                    "metadata": {"source": "openssl", "sourceVersion": "", "architecture": "amd64"}}),
                ["libssl3", "3.0.9-1", "amd64", "openssl"],
            ),
            (
                json!({"name": "libgcc-s1", "version": "12.2.0-14", "type": "deb",
                    "metadata": {"source": "gcc-12", "sourceVersion": "12.2.0-13", "architecture": "amd64"}}),
                ["libgcc-s1", "12.2.0-14", "amd64", "gcc-12 (12.2.0-13)"],
            ),
            (
                json!({"name": "bash", "version": "5.2-1", "type": "deb", "metadata": {"source": "", "architecture": "amd64"}}),
                ["bash", "5.2-1", "amd64", "bash"],
            ),
            (
                json!({"name": "libcrypto3", "version": "3.3.1-r0", "type": "apk",
                    "metadata": {"originPackage": "openssl", "architecture": "x86_64"}}),
                ["libcrypto3", "3.3.1-r0", "x86_64", "openssl"],
            ),
            (
                json!({"name": "openssl-libs", "version": "0:3.0.7-27.el9", "type": "rpm",
                    "metadata": {"sourceRpm": "openssl-3.0.7-27.el9.src.rpm", "arch": "x86_64"}}),
                ["openssl-libs", "3.0.7-27.el9", "x86_64", "openssl"],
            ),
            (
                json!({"name": "gpg-pubkey", "version": "1-2", "type": "rpm", "metadata": {"sourceRpm": "(none)"}}),
                ["gpg-pubkey", "1-2", "", "gpg-pubkey"],
            ),
        ];
        for (artifact, [name, version, architecture, source]) in table {
            let shown = artifact.to_string();
            let listed = Listed::from(serde_json::from_value::<Artifact>(artifact).unwrap());
            let expected = Listed {
                name: name.to_owned(),
                version: version.to_owned(),
                architecture: architecture.to_owned(),
                source: source.to_owned(),
            };
            assert_eq!(listed, expected, "{shown}");
        }
    }
}
