//! People who attach attestations to images, with the real client.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::command::run;
use crate::components::COSIGN;
use crate::{Error, temporary_folder};

/// The pass phrase of every key: they are worth nothing.
const PASS_PHRASE: &str = "test-pass-phrase";

/// The file with the authority that vouches for a registry, where one does.
const AUTHORITY: &str = "ca.pem";

/// Somebody with a key of their own, in a folder of their own. No transparency log and no time-stamp is asked.
#[derive(Debug)]
pub struct Attester {
    program: PathBuf,
    folder: TempDir,
}

/// How an attestation is attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As a bundle, in a manifest that refers to the image.
    Bundle,
    /// As an envelope, in a manifest under the tag `sha256-….att`.
    Tag,
}

impl Attester {
    /// Somebody with a new key: ECDSA on P-256.
    pub fn new() -> Result<Self, Error> {
        let attester = Self {
            program: COSIGN.program()?,
            folder: temporary_folder()?,
        };
        attester.run(&["generate-key-pair"])?;
        attester.run(&[
            "signing-config",
            "create",
            "--no-default-fulcio",
            "--no-default-oidc",
            "--no-default-rekor",
            "--no-default-tsa",
            "--out",
            "signing-config.json",
        ])?;
        attester.run(&[
            "trusted-root",
            "create",
            "--no-default-ctfe",
            "--no-default-fulcio",
            "--no-default-rekor",
            "--no-default-tsa",
            "--out",
            "trusted-root.json",
        ])?;
        Ok(attester)
    }

    /// Lets them into a registry: with what is in a docker configuration, by the authority (PEM) that vouches for it.
    pub fn log_in(&self, docker_config: &str, authority: &str) -> Result<(), Error> {
        self.write("config.json", docker_config)?;
        self.write(AUTHORITY, authority)
    }

    /// The public key, PEM.
    pub fn public_key(&self) -> Result<String, Error> {
        let file = self.folder.path().join("cosign.pub");
        fs::read_to_string(&file).map_err(Error::reading(&file))
    }

    /// Signs a predicate about an image, by its reference, and attaches it. `kind` is what cosign calls the type of the predicate, or a
    /// URI.
    pub fn attest(
        &self,
        image: &str,
        kind: &str,
        predicate: &Value,
        form: Form,
    ) -> Result<(), Error> {
        self.write("predicate.json", &predicate.to_string())?;
        let by_key = ["attest", "--yes", "--key=cosign.key"];
        let of_form: &[&str] = match form {
            Form::Bundle => &[
                "--trusted-root=trusted-root.json",
                "--signing-config=signing-config.json",
            ],
            Form::Tag => &[
                "--new-bundle-format=false",
                "--use-signing-config=false",
                "--tlog-upload=false",
            ],
        };
        let what = ["--predicate=predicate.json", "--type", kind, image];
        let arguments: Vec<&str> = [&by_key, of_form, &what].concat();
        self.run(&arguments).map(drop)
    }

    /// The envelopes that are attached to an image by the tag, each in JSON on a line.
    pub fn envelopes(&self, image: &str) -> Result<String, Error> {
        self.run(&["download", "attestation", image])
    }

    /// Attaches an envelope to an image by the tag, whatever it is about.
    pub fn attach(&self, image: &str, envelope: &str) -> Result<(), Error> {
        self.write("envelope.json", envelope)?;
        self.run(&[
            "attach",
            "attestation",
            "--attestation=envelope.json",
            image,
        ])
        .map(drop)
    }

    fn write(&self, name: &str, text: &str) -> Result<(), Error> {
        let file = self.path(name);
        fs::write(&file, text).map_err(Error::writing(&file))
    }

    fn path(&self, name: &str) -> PathBuf {
        Path::new(self.folder.path()).join(name)
    }

    fn run(&self, arguments: &[&str]) -> Result<String, Error> {
        let mut cosign = Command::new(&self.program);
        cosign
            .args(arguments)
            .current_dir(self.folder.path())
            .env("COSIGN_PASSWORD", PASS_PHRASE)
            // Neither a login nor a cache of the person who runs the tests is used.
            .env("HOME", self.folder.path())
            .env("DOCKER_CONFIG", self.folder.path());
        let authority = self.path(AUTHORITY);
        if authority.exists() {
            cosign.env("SSL_CERT_FILE", authority);
        }
        run(&mut cosign, "")
    }
}
