//! What an administrator gives to CISE: policies, the keys of signers, a configuration; and the state that it keeps.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;

use crate::pods::NAMESPACE;

/// A folder with all of it. It is gone when this is dropped.
#[derive(Debug)]
pub(crate) struct Site(TempDir);

impl Site {
    /// Every image must be signed by alice, whose public key (PEM) is this one.
    pub(crate) fn new(alice: &str, configuration: &str) -> Result<Self> {
        let site = Self(tempfile::tempdir()?);
        fs::create_dir(site.policies())?;
        fs::write(site.policies().join("policy.yaml"), POLICY)?;
        fs::write(site.policies().join("alice.yaml"), secret(alice))?;
        fs::write(site.configuration(), configuration)?;
        Ok(site)
    }

    /// The folder of policies and secrets.
    pub(crate) fn policies(&self) -> PathBuf {
        self.path().join("policies")
    }

    /// The file of the configuration.
    pub(crate) fn configuration(&self) -> PathBuf {
        self.path().join("cise.yaml")
    }

    /// Anything else that goes into the folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

const POLICY: &str = r#"
apiVersion: securityenforcement.admission.cloud.ibm.com/v1beta1
kind: ImagePolicy
metadata: {name: signed, namespace: team}
spec:
  repositories:
  - name: "*"
    policy: {trust: {enabled: true, signerSecrets: [{name: alice}]}}
"#;

/// What `kubectl create secret generic alice --from-literal=name=alice --from-file=publicKey=alice.pub` makes.
fn secret(public_key: &str) -> String {
    let (name, key) = (STANDARD.encode("alice"), STANDARD.encode(public_key));
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: alice, namespace: {NAMESPACE}}}\ndata: {{name: {name}, publicKey: {key}}}\n"
    )
}
