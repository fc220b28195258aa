//! A real trust server, people who sign with the real client, and a verifier that asks that server.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cise_policy::{HostPattern, TrustServer};
use cise_reference::Reference;
use cise_registry::{
    Channel, Deadline, Egress, FlightBounds, Http, Keyring, Outbound, Proxies, Registries,
    RegistrySettings, Security, Tls,
};
use cise_signature::notary::{
    Notary, NotarySettings, Presets, Question, Requirement, Signer, SignerSecret, TrustServers,
};
use cise_signature::store::{FolderStore, TrustStore};
use cise_signature::{Evidence, Refusal, SideEffects};
use cise_testkit::authority::Authority;
use cise_testkit::components::{self, NOTARY, NOTARY_SERVER};
use cise_testkit::images::{Format, Image};
use cise_testkit::notary::{NotaryServer, Publisher, SignerKey, Target};
use cise_testkit::proxy::Proxy;
use jiff::Timestamp;
use tempfile::TempDir;

pub(crate) const REGISTRY: &str = "registry.example.com";

pub(crate) struct Bed {
    pub(crate) authority: Authority,
    pub(crate) server: NotaryServer,
    pub(crate) state: TempDir,
}

impl Bed {
    /// Nothing where the real programs are missing, which was said then.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with(|authority| NotaryServer::open(authority).unwrap())
    }

    pub(crate) fn start_with(server: impl FnOnce(&Authority) -> NotaryServer) -> Option<Self> {
        if !components::require(&[&NOTARY_SERVER, &NOTARY]) {
            return None;
        }
        let authority = Authority::new("signature").unwrap();
        let server = server(&authority);
        Some(Self {
            authority,
            server,
            state: TempDir::new().unwrap(),
        })
    }

    pub(crate) fn person(&self, name: &str) -> Publisher {
        Publisher::new(&self.server, name).unwrap()
    }

    /// A verifier as it comes up after a start, with the trust that the folder remembers.
    pub(crate) fn verifier(&self) -> Verifier {
        self.verifier_of(
            &self.server.trust().server_url,
            self.state.path(),
            Presets::new(),
        )
    }

    pub(crate) fn verifier_with(&self, presets: Presets) -> Verifier {
        self.verifier_of(&self.server.trust().server_url, self.state.path(), presets)
    }

    pub(crate) fn verifier_by(&self, proxy: &Proxy) -> Verifier {
        self.verifier_of(&proxy.url(), self.state.path(), Presets::new())
    }

    pub(crate) fn verifier_of(&self, url: &str, state: &Path, presets: Presets) -> Verifier {
        let store = FolderStore::open(state, 100).unwrap();
        self.verifier_in(url, Arc::new(store), presets)
    }

    pub(crate) fn verifier_in(
        &self,
        url: &str,
        store: Arc<dyn TrustStore>,
        presets: Presets,
    ) -> Verifier {
        let outbound = Outbound::new(Proxies::new(None, None, None).unwrap());
        let tls = Tls::default()
            .with_roots(self.authority.certificate().as_bytes())
            .unwrap();
        let security = Security::Https(tls);
        let channel = Channel::new(&outbound, &security, Egress::NamedHost).unwrap();
        let servers = TrustServers::new()
            .with(HostPattern::parse(REGISTRY).unwrap(), url, channel)
            .unwrap();
        // So that a policy, too, can name a trust server on loopback.
        let loopback = HostPattern::parse("localhost:*").unwrap();
        let loopback = RegistrySettings::new(loopback, &outbound, &security).unwrap();
        let registries = Registries::new(&outbound, vec![loopback]).unwrap();
        let http = Http::new(registries, FlightBounds::default());
        let notary = Notary::new(http, store, servers, presets, NotarySettings::default());
        Verifier {
            notary,
            now: Timestamp::now(),
            side_effects: SideEffects::Allowed,
            keyring: Keyring::empty(),
        }
    }
}

/// A verifier, and the circumstances under which it is asked.
#[derive(Clone)]
pub(crate) struct Verifier {
    pub(crate) notary: Notary,
    pub(crate) now: Timestamp,
    pub(crate) side_effects: SideEffects,
    pub(crate) keyring: Keyring,
}

impl Verifier {
    pub(crate) async fn ask(
        &self,
        image: &str,
        signers: &[&SignerKey],
    ) -> Result<Evidence, Refusal> {
        self.require(image, &requirement(signers)).await
    }

    pub(crate) async fn require(
        &self,
        image: &str,
        requirement: &Requirement,
    ) -> Result<Evidence, Refusal> {
        self.within(image, requirement, Duration::from_secs(20))
            .await
    }

    pub(crate) async fn within(
        &self,
        image: &str,
        requirement: &Requirement,
        time: Duration,
    ) -> Result<Evidence, Refusal> {
        let image = Reference::parse(image).unwrap();
        let question = Question {
            image: &image,
            requirement,
            keyring: &self.keyring,
            namespace: "team",
            now: self.now,
            deadline: Deadline::after(time),
            side_effects: self.side_effects,
        };
        self.notary.verify(&question).await
    }

    /// The digest that may run.
    pub(crate) async fn admits(&self, image: &str, signers: &[&SignerKey]) -> String {
        match self.ask(image, signers).await {
            Ok(evidence) => evidence.digest().to_string(),
            Err(refusal) => panic!("{image} is refused: {refusal}"),
        }
    }

    /// The code of the refusal.
    pub(crate) async fn refuses(&self, image: &str, signers: &[&SignerKey]) -> &'static str {
        match self.ask(image, signers).await {
            Ok(evidence) => panic!("{image} is admitted: {evidence:?}"),
            Err(refusal) => refusal.code(),
        }
    }

    /// The same, some time later: what is kept has to be confirmed.
    pub(crate) fn later(&self, time: jiff::SignedDuration) -> Self {
        Self {
            now: self.now + time,
            ..self.clone()
        }
    }

    pub(crate) fn dry_run(&self) -> Self {
        Self {
            side_effects: SideEffects::Forbidden,
            ..self.clone()
        }
    }
}

pub(crate) fn requirement(signers: &[&SignerKey]) -> Requirement {
    Requirement::new(
        None::<TrustServer>,
        signers
            .iter()
            .map(|key| signer(&key.signer, &key.public_key))
            .collect(),
    )
}

pub(crate) fn signer(name: &str, public_key: &str) -> Signer {
    let name = format!("{name}\n");
    let secret = SignerSecret {
        secret: "signer",
        name: Some(name.as_bytes()),
        public_key: Some(public_key.as_bytes()),
    };
    Signer::from_secret(&secret).unwrap()
}

pub(crate) fn gun(name: &str) -> String {
    format!("{REGISTRY}/{name}")
}

pub(crate) fn image(content: &str) -> Image {
    Image::new(Format::Oci, &[("etc/motd", content)]).unwrap()
}

pub(crate) fn target(tag: &str, image: &Image) -> Target {
    Target::new(tag, image)
}
