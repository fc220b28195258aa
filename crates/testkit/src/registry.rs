//! Real registries, in the kinds that matter to a client.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION};
use serde_json::{Value, json};
use tempfile::TempDir;
use url::Url;

use crate::authority::{Authority, Identity, LOOPBACK};
use crate::client::Client;
use crate::components::{CRANE, Component, REFERRERS, REGISTRY};
use crate::images::{Image, sha256};
use crate::process::{Process, is_listening, on_free_port};
use crate::proxy::Upstream;
use crate::tokens::TokenServer;
use crate::{Error, temporary_folder};

/// A registry on loopback that keeps everything in memory. It is gone when this is dropped.
#[derive(Debug)]
pub struct Registry {
    running: Running,
    /// The authority that its certificate leads to, PEM; `None` for plain HTTP.
    authority: Option<String>,
    access: Access,
    client: Client,
}

/// How the test kit itself gets in.
#[derive(Debug)]
enum Access {
    Open,
    Basic,
    /// One token for each repository that is pushed to.
    Bearer(Arc<TokenServer>),
}

impl Registry {
    /// The user of [`Registry::basic`].
    pub const USER: &str = "puller";
    /// The password of that user.
    pub const PASSWORD: &str = "test-password";
    /// The name by which [`Registry::bearer`] wants its tokens.
    pub const SERVICE: &str = "testkit-registry";

    /// The reference registry over plain HTTP, open to all.
    pub fn open() -> Result<Self, Error> {
        Self::distribution(None, Access::Open)
    }

    /// The reference registry over HTTPS, for one user with a password ([`Registry::USER`]).
    pub fn basic(authority: &Authority) -> Result<Self, Error> {
        Self::distribution(Some(authority), Access::Basic)
    }

    /// The reference registry over HTTPS, for holders of a token of this server.
    pub fn bearer(authority: &Authority, tokens: &Arc<TokenServer>) -> Result<Self, Error> {
        Self::distribution(Some(authority), Access::Bearer(Arc::clone(tokens)))
    }

    /// Crane's registry over plain HTTP, open to all, without the referrers API.
    pub fn crane() -> Result<Self, Error> {
        Self::plain(&CRANE, &["registry", "serve", "--address"])
    }

    /// Crane's registry over plain HTTP, open to all, with the referrers API of OCI 1.1.
    pub fn referrers() -> Result<Self, Error> {
        Self::plain(&REFERRERS, &[])
    }

    /// `localhost:<port>`: what image references start with.
    pub fn host(&self) -> String {
        format!("localhost:{}", self.running.port)
    }

    /// `https://localhost:<port>` or `http://localhost:<port>`.
    pub fn url(&self) -> String {
        let scheme = if self.authority.is_some() {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{}", self.host())
    }

    /// The registry as a [`Proxy`](crate::proxy::Proxy) takes it.
    pub fn upstream(&self) -> Upstream {
        Upstream {
            url: self.url(),
            authority: self.authority.clone(),
        }
    }

    /// What the registry has logged.
    pub fn log(&self) -> String {
        self.running.process.log()
    }

    /// Pushes an image with all its parts under a tag and gives its reference, `localhost:<port>/<repository>:<tag>`.
    pub fn push(&self, image: &Image, repository: &str, tag: &str) -> Result<String, Error> {
        self.push_parts(image, repository)?;
        self.put_manifest(image, repository, tag)?;
        Ok(format!("{}/{repository}:{tag}", self.host()))
    }

    fn push_parts(&self, image: &Image, repository: &str) -> Result<(), Error> {
        for blob in image.blobs() {
            self.push_blob(blob, repository)?;
        }
        for part in image.images() {
            self.push_parts(part, repository)?;
            self.put_manifest(part, repository, &part.digest())?;
        }
        Ok(())
    }

    fn push_blob(&self, blob: &[u8], repository: &str) -> Result<(), Error> {
        let uploads = format!("{}/v2/{repository}/blobs/uploads/", self.url());
        let headers = self.client.send(
            &Method::POST,
            &uploads,
            self.headers(repository)?,
            Vec::new(),
        )?;
        let upload = upload_url(&uploads, &headers, &sha256(blob));
        let upload = upload.ok_or_else(|| Error::NoUpload {
            url: uploads.clone(),
        })?;
        self.client.send(
            &Method::PUT,
            upload.as_str(),
            self.headers(repository)?,
            blob.to_vec(),
        )?;
        Ok(())
    }

    fn put_manifest(&self, image: &Image, repository: &str, name: &str) -> Result<(), Error> {
        let url = format!("{}/v2/{repository}/manifests/{name}", self.url());
        let mut headers = self.headers(repository)?;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(image.media_type()));
        self.client
            .send(&Method::PUT, &url, headers, image.manifest().to_vec())?;
        Ok(())
    }

    fn headers(&self, repository: &str) -> Result<HeaderMap, Error> {
        let value = match &self.access {
            Access::Open => return Ok(HeaderMap::new()),
            Access::Basic => {
                format!(
                    "Basic {}",
                    STANDARD.encode(format!("{}:{}", Self::USER, Self::PASSWORD))
                )
            }
            Access::Bearer(tokens) => format!("Bearer {}", tokens.mint(Self::SERVICE, repository)?),
        };
        let value = HeaderValue::try_from(value).map_err(|error| Error::Tls(error.to_string()))?;
        Ok(HeaderMap::from_iter([(AUTHORIZATION, value)]))
    }

    fn distribution(authority: Option<&Authority>, access: Access) -> Result<Self, Error> {
        let tls = authority
            .map(|authority| authority.server(&LOOPBACK))
            .transpose()?;
        let configuration = Configuration {
            tls,
            access: &access,
        };
        let command = |program: &Path, folder: &Path, address| {
            let file = folder.join("registry.yml");
            fs::write(&file, configuration.write(folder, address)?)
                .map_err(Error::writing(&file))?;
            let mut command = Command::new(program);
            // Version 3 looks for a collector of traces on this machine unless told not to.
            command
                .arg("serve")
                .arg(file)
                .env("OTEL_TRACES_EXPORTER", "none");
            Ok(command)
        };
        let running = Running::start(&REGISTRY, command)?;
        let authority = authority.map(Authority::certificate);
        let client = Client::trusting(authority.as_deref())?;
        Ok(Self {
            running,
            authority,
            access,
            client,
        })
    }

    fn plain(component: &Component, arguments: &[&str]) -> Result<Self, Error> {
        let running = Running::start(component, |program, _, address| {
            let mut command = Command::new(program);
            command.args(arguments).arg(address.to_string());
            Ok(command)
        })?;
        Ok(Self {
            running,
            authority: None,
            access: Access::Open,
            client: Client::trusting(None)?,
        })
    }
}

/// The process, its port and its folder.
#[derive(Debug)]
struct Running {
    process: Process,
    port: u16,
    _folder: TempDir,
}

impl Running {
    /// `command` gets the program, a folder for its files, and where to listen.
    fn start(
        component: &Component,
        command: impl Fn(&Path, &Path, SocketAddr) -> Result<Command, Error>,
    ) -> Result<Self, Error> {
        let program = component.program()?;
        let folder = temporary_folder()?;
        let (process, port) = on_free_port(|address| {
            let command = command(&program, folder.path(), address)?;
            let log = folder.path().join("registry.log");
            let process = Process::start(component.name, &command, &log, || is_listening(address))?;
            Ok((process, address.port()))
        })?;
        Ok(Self {
            process,
            port,
            _folder: folder,
        })
    }
}

/// The configuration file of the reference registry.
struct Configuration<'a> {
    tls: Option<Identity>,
    access: &'a Access,
}

impl Configuration<'_> {
    /// JSON, which is YAML too.
    fn write(&self, folder: &Path, address: SocketAddr) -> Result<String, Error> {
        let mut http = json!({ "addr": address.to_string(), "secret": "testkit" });
        if let (Some(tls), Some(http)) = (&self.tls, http.as_object_mut()) {
            let files = json!({ "certificate": tls.certificate_file, "key": tls.key_file });
            http.insert("tls".to_owned(), files);
        }
        let storage = json!({ "inmemory": {}, "delete": { "enabled": true } });
        let auth = self.auth(folder)?;
        Ok(json!({ "version": "0.1", "storage": storage, "http": http, "auth": auth }).to_string())
    }

    fn auth(&self, folder: &Path) -> Result<Value, Error> {
        match self.access {
            Access::Open => Ok(Value::Null),
            Access::Basic => {
                let file = folder.join("htpasswd");
                let line = format!("{}:{PASSWORD_HASH}\n", Registry::USER);
                fs::write(&file, line).map_err(Error::writing(&file))?;
                Ok(json!({ "htpasswd": { "realm": "testkit", "path": file } }))
            }
            Access::Bearer(tokens) => Ok(json!({ "token": {
                "realm": tokens.realm(),
                "service": Registry::SERVICE,
                "issuer": TokenServer::ISSUER,
                "rootcertbundle": tokens.authority_file(),
            } })),
        }
    }
}

/// [`Registry::PASSWORD`] by bcrypt, the only hash that the registry takes, with the least work.
const PASSWORD_HASH: &str = "$2y$05$abcdefghijklmnopqrstuu34chBxBG/k9ApCErH1wl/WrV4FVTS/q";

/// Where to send a blob: the answer's `Location`, made absolute, with the digest added (OCI distribution specification,
/// "Pushing a blob monolithically").
fn upload_url(uploads: &str, headers: &HeaderMap, digest: &str) -> Option<Url> {
    let location = headers.get(LOCATION)?.to_str().ok()?;
    let mut url = Url::parse(uploads).ok()?.join(location).ok()?;
    url.query_pairs_mut().append_pair("digest", digest);
    Some(url)
}
