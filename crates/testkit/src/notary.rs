//! A real trust server, and people who sign with the real client.

mod publisher;

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::authority::{Authority, Identity, LOOPBACK};
use crate::components::NOTARY_SERVER;
use crate::process::{Process, is_listening, on_free_port};
use crate::proxy::Upstream;
use crate::tokens::TokenServer;
use crate::{Error, temporary_folder};

pub use publisher::{Key, Publisher, SignerKey, Target};

/// A notary-server on loopback over HTTPS. It keeps everything in memory and is gone when this is dropped. Its own keys,
/// for the timestamp and where asked for the snapshot, are Ed25519.
#[derive(Debug)]
pub struct NotaryServer {
    process: Process,
    trust: Trust,
    _folder: TempDir,
}

/// What a client has to know about a trust server.
#[derive(Debug, Clone)]
pub struct Trust {
    /// `https://localhost:<port>`.
    pub server_url: String,
    /// The authority that its certificate leads to, PEM.
    pub ca: String,
    /// A file with the same, which lives as long as the server.
    pub ca_file: PathBuf,
}

impl NotaryServer {
    /// The name by which [`NotaryServer::bearer`] wants its tokens.
    pub const SERVICE: &str = "testkit-notary";

    /// A trust server that is open to all.
    pub fn open(authority: &Authority) -> Result<Self, Error> {
        Self::start(authority, None)
    }

    /// A trust server for holders of a token of this server. Its scopes name the GUN: `repository:<gun>:pull`.
    pub fn bearer(authority: &Authority, tokens: &TokenServer) -> Result<Self, Error> {
        Self::start(authority, Some(tokens))
    }

    /// How to reach it.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// The server as a [`Proxy`](crate::proxy::Proxy) takes it.
    pub fn upstream(&self) -> Upstream {
        Upstream {
            url: self.trust.server_url.clone(),
            authority: Some(self.trust.ca.clone()),
        }
    }

    /// What the server has logged.
    pub fn log(&self) -> String {
        self.process.log()
    }

    fn start(authority: &Authority, tokens: Option<&TokenServer>) -> Result<Self, Error> {
        let program = NOTARY_SERVER.program()?;
        let folder = temporary_folder()?;
        let tls = authority.server(&LOOPBACK)?;
        let (process, port) = on_free_port(|address| {
            let file = folder.path().join("server.json");
            let text = configuration(&tls, tokens, &address.to_string()).to_string();
            fs::write(&file, text).map_err(Error::writing(&file))?;
            let mut command = Command::new(&program);
            command.arg("-config").arg(file);
            let log = folder.path().join("server.log");
            let process =
                Process::start(NOTARY_SERVER.name, &command, &log, || is_listening(address))?;
            Ok((process, address.port()))
        })?;
        let (ca, ca_file) = (authority.certificate(), folder.path().join("ca.crt"));
        fs::write(&ca_file, &ca).map_err(Error::writing(&ca_file))?;
        let trust = Trust {
            server_url: format!("https://localhost:{port}"),
            ca,
            ca_file,
        };
        Ok(Self {
            process,
            trust,
            _folder: folder,
        })
    }
}

fn configuration(tls: &Identity, tokens: Option<&TokenServer>, address: &str) -> Value {
    let auth = tokens.map(|tokens| {
        json!({ "type": "token", "options": {
            "realm": tokens.realm(),
            "service": NotaryServer::SERVICE,
            "issuer": TokenServer::ISSUER,
            "rootcertbundle": tokens.authority_file(),
        } })
    });
    let mut configuration = json!({
        "server": {
            "http_addr": address,
            "tls_cert_file": tls.certificate_file,
            "tls_key_file": tls.key_file,
        },
        "trust_service": { "type": "local" },
        "storage": { "backend": "memory" },
        "logging": { "level": "info" },
    });
    if let (Some(auth), Some(configuration)) = (auth, configuration.as_object_mut()) {
        configuration.insert("auth".to_owned(), auth);
    }
    configuration
}
