//! A person with keys of their own, who publishes with the notary client.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;

use super::NotaryServer;
use crate::authority::{Identity, KeyKind};
use crate::command::run;
use crate::components::NOTARY;
use crate::images::Image;
use crate::{Error, temporary_folder};

/// The pass phrase of every key: they are worth nothing.
const PASS_PHRASE: &str = "test-pass-phrase";

/// The name of the file with the authority that the server's certificate leads to.
const AUTHORITY: &str = "ca.crt";

/// The role in which `docker trust` releases what signers have signed.
const RELEASES: &str = "targets/releases";

/// A person who publishes trust data: an owner of repositories, or a signer. Keys and what was seen before are in a folder
/// of their own.
#[derive(Debug)]
pub struct Publisher {
    name: String,
    server_url: String,
    program: PathBuf,
    login: Option<String>,
    folder: TempDir,
}

/// What is signed: a tag and the manifest that it stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The name of the target.
    pub tag: String,
    /// `sha256:…`.
    pub digest: String,
    /// The length of the manifest in bytes.
    pub size: u64,
}

/// A signer's public key, and where the private one is.
#[derive(Debug, Clone)]
pub struct SignerKey {
    /// The signer: `alice` signs as `targets/alice`.
    pub signer: String,
    /// The key's id in TUF metadata.
    pub key_id: String,
    /// The public key or the certificate, PEM, as it goes into a secret.
    pub public_key: String,
    /// A file with the same, which lives as long as the [`Publisher`].
    pub public_key_file: PathBuf,
}

/// A key of a repository that can be replaced by a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// The root key.
    Root,
    /// The key of `targets`.
    Targets,
    /// The snapshot key, which the server keeps from now on.
    Snapshot,
    /// The timestamp key, which the server keeps.
    Timestamp,
}

impl Target {
    /// A tag for an image.
    pub fn new(tag: &str, image: &Image) -> Self {
        Self {
            tag: tag.to_owned(),
            digest: image.digest(),
            size: image.size(),
        }
    }
}

impl Publisher {
    /// A person without keys.
    pub fn new(server: &NotaryServer, name: &str) -> Result<Self, Error> {
        let (trust, folder) = (server.trust(), temporary_folder()?);
        let authority = folder.path().join(AUTHORITY);
        fs::write(&authority, &trust.ca).map_err(Error::writing(&authority))?;
        let server_url = trust.server_url.clone();
        Ok(Self {
            name: name.to_owned(),
            server_url,
            program: NOTARY.program()?,
            login: None,
            folder,
        })
    }

    /// The same, with a name and a password for the token server.
    #[must_use]
    pub fn with_login(mut self, user: &str, password: &str) -> Self {
        self.login = Some(STANDARD.encode(format!("{user}:{password}")));
        self
    }

    /// Makes a repository as `docker trust` does: the root and targets keys are this person's, the snapshot key is the
    /// server's, so that signers can publish.
    pub fn init(&self, gun: &str) -> Result<(), Error> {
        self.run(&["init", "-p", gun])?;
        self.rotate(gun, Key::Snapshot)
    }

    /// Makes a repository as plain `notary init` does: this person keeps the snapshot key as well, and is the only one
    /// who can publish.
    pub fn init_with_snapshot_key(&self, gun: &str) -> Result<(), Error> {
        self.run(&["init", "-p", gun]).map(drop)
    }

    /// Makes a repository whose root key is brought along, with a certificate for the GUN.
    pub fn init_with_root(&self, gun: &str, kind: KeyKind) -> Result<(), Error> {
        let root = Identity::code_signing(self.folder.path(), gun, kind)?;
        self.import("root", &root.key_file)?;
        self.run(&[
            "init",
            "-p",
            "--rootcert",
            &root.certificate_file.to_string_lossy(),
            gun,
        ])
        .map(drop)
    }

    /// Makes a signing key as `docker trust key generate` does: ECDSA, and the public half is PEM with a `role:` header.
    pub fn generate_key(&self) -> Result<SignerKey, Error> {
        let header = format!("-----\nrole: {}\n\n", self.name);
        self.make(KeyKind::Ecdsa, |plain| {
            plain.replacen("-----\n", &header, 1)
        })
    }

    /// Makes a signing key of some kind; the public half is plain PEM.
    pub fn make_key(&self, kind: KeyKind) -> Result<SignerKey, Error> {
        self.make(kind, |plain| plain)
    }

    /// Makes a signing key of some kind; the public half is an X.509 certificate.
    pub fn make_certificate(&self, kind: KeyKind) -> Result<SignerKey, Error> {
        let identity = Identity::code_signing(self.folder.path(), &self.name, kind)?;
        let key_id = self.import(&self.name, &identity.key_file)?;
        Ok(SignerKey {
            signer: self.name.clone(),
            key_id,
            public_key: identity.certificate,
            public_key_file: identity.certificate_file,
        })
    }

    /// Permits a signer as `docker trust signer add` does: `targets/<signer>` and `targets/releases`, for all tags.
    pub fn add_signer(&self, gun: &str, key: &SignerKey) -> Result<(), Error> {
        self.delegate(gun, &key.role(), &[key], &[])?;
        self.delegate(gun, RELEASES, &[key], &[])
    }

    /// Takes a signer's permission away, as `docker trust signer remove` does.
    pub fn remove_signer(&self, gun: &str, key: &SignerKey) -> Result<(), Error> {
        self.run(&["delegation", "remove", gun, &key.role(), "-y", "-p"])?;
        self.run(&[
            "delegation",
            "remove",
            gun,
            RELEASES,
            &key.key_id,
            "-y",
            "-p",
        ])
        .map(drop)
    }

    /// Lets keys sign for a role, for tags that start with one of `paths`; an empty list permits all tags.
    pub fn delegate(
        &self,
        gun: &str,
        role: &str,
        keys: &[&SignerKey],
        paths: &[&str],
    ) -> Result<(), Error> {
        let files: Vec<_> = keys
            .iter()
            .map(|key| key.public_key_file.to_string_lossy())
            .collect();
        let paths = if paths.is_empty() {
            "--all-paths".to_owned()
        } else {
            format!("--paths={}", paths.join(","))
        };
        let mut arguments = vec!["delegation", "add", gun, role];
        arguments.extend(files.iter().map(AsRef::as_ref));
        arguments.extend([paths.as_str(), "-p"]);
        self.run(&arguments).map(drop)
    }

    /// Signs a target in these roles, in `targets` where none is named.
    pub fn sign(&self, gun: &str, target: &Target, roles: &[&str]) -> Result<(), Error> {
        let size = target.size.to_string();
        let digest = target.digest.trim_start_matches("sha256:");
        let mut arguments = vec!["addhash", gun, &target.tag, &size, "--sha256", digest, "-p"];
        arguments.extend(roles.iter().flat_map(|role| ["-r", role]));
        self.run(&arguments).map(drop)
    }

    /// Signs a target as `docker trust sign` does for a signer: in `targets/<name>` and in `targets/releases`.
    pub fn release(&self, gun: &str, target: &Target) -> Result<(), Error> {
        self.sign(gun, target, &[&format!("targets/{}", self.name), RELEASES])
    }

    /// Takes a tag out of these roles, out of `targets` where none is named.
    pub fn remove_target(&self, gun: &str, tag: &str, roles: &[&str]) -> Result<(), Error> {
        let mut arguments = vec!["remove", gun, tag, "-p"];
        arguments.extend(roles.iter().flat_map(|role| ["-r", role]));
        self.run(&arguments).map(drop)
    }

    /// Signs a role anew as it is.
    pub fn witness(&self, gun: &str, role: &str) -> Result<(), Error> {
        self.run(&["witness", gun, role, "-p"]).map(drop)
    }

    /// Replaces a key by a new one and publishes that.
    pub fn rotate(&self, gun: &str, key: Key) -> Result<(), Error> {
        self.run(key.rotation(gun).as_slice()).map(drop)
    }

    /// Runs the client with any other arguments and gives what it prints.
    pub fn run(&self, arguments: &[&str]) -> Result<String, Error> {
        let mut command = Command::new(&self.program);
        command
            .args(["--server", &self.server_url, "--tlscacert"])
            .arg(self.folder.path().join(AUTHORITY))
            .arg("--trustDir")
            .arg(self.trust_folder())
            .args(arguments)
            .env("HOME", self.folder.path());
        for role in ["ROOT", "TARGETS", "SNAPSHOT", "DELEGATION"] {
            command.env(format!("NOTARY_{role}_PASSPHRASE"), PASS_PHRASE);
        }
        if let Some(login) = &self.login {
            command.env("NOTARY_AUTH", login);
        }
        // The only question that is ever asked is whether the root key is really to be replaced.
        run(&mut command, "yes\n")
    }

    fn trust_folder(&self) -> PathBuf {
        self.folder.path().join("trust")
    }

    fn make(
        &self,
        kind: KeyKind,
        dress: impl FnOnce(String) -> String,
    ) -> Result<SignerKey, Error> {
        let key = kind.generate()?;
        let write = |name: &str, text: &str| {
            let path = self.folder.path().join(name);
            fs::write(&path, text)
                .map_err(Error::writing(&path))
                .map(|()| path)
        };
        let key_id = self.import(&self.name, &write("signer.key", &key.serialize_pem())?)?;
        let public_key = dress(key.public_key_pem());
        let public_key_file = write(&format!("{key_id}.pub"), &public_key)?;
        Ok(SignerKey {
            signer: self.name.clone(),
            key_id,
            public_key,
            public_key_file,
        })
    }

    /// Gives a private key to the client. Its id is the name of the file that the client adds to those it keeps.
    fn import(&self, role: &str, private_key: &Path) -> Result<String, Error> {
        let before = self.key_ids()?;
        self.run(&[
            "key",
            "import",
            &private_key.to_string_lossy(),
            "--role",
            role,
        ])?;
        let added = self.key_ids()?.difference(&before).next().cloned();
        added.ok_or_else(|| Error::NotImported {
            path: private_key.to_owned(),
        })
    }

    fn key_ids(&self) -> Result<BTreeSet<String>, Error> {
        let folder = self.trust_folder().join("private");
        if !folder.is_dir() {
            return Ok(BTreeSet::new());
        }
        let entries = fs::read_dir(&folder).map_err(Error::reading(&folder))?;
        let names = entries.filter_map(Result::ok).map(|entry| entry.path());
        Ok(names
            .filter_map(|path| path.file_stem().map(OsStr::to_string_lossy).map(Into::into))
            .collect())
    }
}

impl SignerKey {
    /// `targets/<signer>`.
    pub fn role(&self) -> String {
        format!("targets/{}", self.signer)
    }
}

impl Key {
    fn rotation(self, gun: &str) -> Vec<&str> {
        match self {
            Self::Root => vec!["key", "rotate", gun, "root"],
            Self::Targets => vec!["key", "rotate", gun, "targets"],
            Self::Snapshot => vec!["key", "rotate", gun, "snapshot", "--server-managed"],
            Self::Timestamp => vec!["key", "rotate", gun, "timestamp", "--server-managed"],
        }
    }
}
