//! The engine in this process, wired as `cise serve` wires it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use cise_admission::{Advisors, Engine, Hook, Settings, Workloads};
use cise_advisor::assessment::Rules;
use cise_manifests::ManifestSource;
use cise_policy::HostPattern;
use cise_registry::{
    Channel, Deadline, Egress, FlightBounds, Http, Keyring, Outbound, Proxies, Registries,
    Registry, RegistryLimits, Security, Tls,
};
use cise_signature::notary::{Notary, NotarySettings, Presets, TrustServers};
use cise_signature::store::FolderStore;
use jiff::Timestamp;

/// The longest that an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many repositories may be pinned: more than any measurement needs.
const PINS: usize = 1000;

/// An engine that knows nothing yet. Policies come from the folder `policies`, trust is kept in `state`; the trust server of
/// `registry.test` is at `url`, and its certificate leads to the authority `ca` (PEM).
pub(crate) fn new(policies: &Path, state: &Path, url: &str, ca: &str) -> Result<Engine> {
    let outbound = Outbound::new(Proxies::default());
    let tls = Tls::default().with_roots(ca.as_bytes())?;
    let channel = Channel::new(&outbound, &Security::Https(tls), Egress::NamedHost)?;
    let servers = TrustServers::new().with(HostPattern::parse("registry.test")?, url, channel)?;
    let http = Http::new(
        Registries::new(&outbound, Vec::new())?,
        FlightBounds::default(),
    );
    let store = Arc::new(FolderStore::open(state, PINS)?);
    let notary = Notary::new(
        http.clone(),
        store,
        servers,
        Presets::new(),
        NotarySettings::default(),
    );
    let registry = Registry::new(http, RegistryLimits::default());
    let source = Arc::new(ManifestSource::open(vec![policies.to_owned()], "default")?);
    Ok(Engine::new(
        Arc::clone(&source) as _,
        source,
        notary,
        registry,
        settings(),
    ))
}

fn settings() -> Settings {
    Settings {
        namespace: "ibm-system".to_owned(),
        workloads: Workloads::default(),
        advisors: Advisors::default(),
        rules: Rules::default(),
        pull_credentials: Keyring::empty(),
    }
}

/// Has a review answered, which must admit its object.
pub(crate) async fn admit(engine: &Engine, body: &[u8], now: Timestamp) -> Result<()> {
    let deadline = Deadline::after(PATIENCE);
    let answer = engine.answer(Hook::Trust, body, now, deadline).await?;
    ensure!(
        answer.outcome.allowed,
        "the pod is refused: {}",
        String::from_utf8_lossy(&answer.body)
    );
    Ok(())
}
