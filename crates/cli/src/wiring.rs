//! Puts the floors together.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use cise_admission::{
    AdmissionRecord, AlreadyAdmitted, Counsel, Coverage, Engine, ExemptionSource, PolicyGate,
    PolicySource, SecretSource, Settings,
};
use cise_advisor::inventory::{DiskCache, FrontedCache, LayerCache, MemoryCache, Scratch};
use cise_advisor::{Advise, Advisor};
use cise_registry::{Channel, ChannelError, Egress, Http, Outbound, Registry, Security, Tls};
use cise_signature::TrustStore;
use cise_signature::notary::Notary;

use crate::config::{Configuration, FolderSettings};
use crate::failure::Failure;
use crate::{advisories, logs};

/// What reviews are answered from, and where it remembers trust.
pub(crate) struct Sources {
    pub(crate) policies: Arc<dyn PolicySource>,
    pub(crate) secrets: Arc<dyn SecretSource>,
    pub(crate) exemptions: Arc<dyn ExemptionSource>,
    pub(crate) trust: Arc<dyn TrustStore>,
    /// Where it is recorded what was admitted; nothing, if nothing is admitted for it.
    pub(crate) admitted: Option<Arc<dyn AdmissionRecord>>,
}

/// The gate for policies that a configuration and its sources make.
pub(crate) fn gate(
    configuration: &Configuration,
    sources: &Sources,
    coverage: Arc<dyn Coverage>,
) -> PolicyGate {
    PolicyGate::new(
        Arc::clone(&sources.policies),
        Arc::clone(&sources.secrets),
        coverage,
        configuration.trust_servers.clone(),
        configuration.admission.namespace.clone(),
    )
}

/// The engine that a configuration and its sources make.
pub(crate) fn engine(
    configuration: &Configuration,
    admission: Settings,
    sources: Sources,
    peers: Peers,
) -> Engine {
    let notary = Notary::new(
        peers.registry.http().clone(),
        sources.trust,
        configuration.trust_servers.clone(),
        configuration.presets.clone(),
        configuration.notary,
    );
    let lasts = configuration.advisor.already_admitted;
    let admitted = sources.admitted.zip(lasts);
    let counsel = Counsel {
        advisor: peers.advisor,
        exemptions: sources.exemptions,
        admitted: admitted.map(|(record, lasts)| AlreadyAdmitted::new(record, lasts)),
    };
    let (policies, secrets) = (sources.policies, sources.secrets);
    Engine::new(policies, secrets, notary, peers.registry, admission).with_counsel(counsel)
}

/// Whom the engine asks.
pub(crate) struct Peers {
    pub(crate) registry: Registry,
    pub(crate) advisor: Arc<dyn Advise>,
}

impl Peers {
    /// The peers that a configuration names, and an advisor in this process. `database` stands before the advisory database that it names.
    pub(crate) fn of(
        configuration: &Configuration,
        database: Option<&Path>,
    ) -> Result<Self, Failure> {
        let registry = registry(configuration);
        let advisor = advisor(configuration, registry.clone(), database)?;
        let advisor = Arc::new(advisor);
        Ok(Self { registry, advisor })
    }
}

/// The client of registries.
pub(crate) fn registry(configuration: &Configuration) -> Registry {
    let http = Http::new(configuration.registries.clone(), configuration.flights);
    Registry::new(http, configuration.registry)
}

/// The advisor, with the advisory database that is named, if one is.
pub(crate) fn advisor(
    configuration: &Configuration,
    registry: Registry,
    database: Option<&Path>,
) -> Result<Advisor, Failure> {
    let advisor = empty_advisor(configuration, registry);
    if let Some(path) = database.or(configuration.advisor.database.as_deref()) {
        advisor.load(advisor.open(path).map_err(advisories::unopened)?);
    }
    Ok(advisor)
}

/// The advisor, which has no advisory database yet.
pub(crate) fn empty_advisor(configuration: &Configuration, registry: Registry) -> Advisor {
    let settings = &configuration.advisor;
    let mut work = settings.work.clone();
    if let Some(FolderSettings { folder, bytes }) = &settings.scratch {
        match Scratch::new(folder) {
            Ok(scratch) => work.use_scratch(scratch, *bytes),
            Err(error) => logs::warn(&error.to_string()),
        }
    }
    let layers = layers(settings.cache.as_ref(), &work);
    Advisor::new(registry, layers, work)
}

/// What keeps what layers say, which are read within those limits. A folder that cannot be used is worked without.
fn layers(folder: Option<&FolderSettings>, work: &cise_advisor::Settings) -> Arc<dyn LayerCache> {
    let memory = MemoryCache::new(work.shares.layers);
    let Some(FolderSettings { folder, bytes }) = folder else {
        return Arc::new(memory);
    };
    match DiskCache::open(folder, *bytes, work.limits) {
        Ok(disk) => Arc::new(FrontedCache::new(memory, disk)),
        Err(error) => {
            logs::warn(&error.to_string());
            Arc::new(memory)
        }
    }
}

/// The way to a service of this program's own, for which those authorities alone vouch. `address` stands before those that its
/// name has.
pub(crate) fn way_inward(tls: Tls, address: Option<SocketAddr>) -> Result<Channel, ChannelError> {
    let outbound = Outbound::inward();
    let outbound = match address {
        Some(address) => outbound.at(address),
        None => outbound,
    };
    Channel::new(&outbound, &Security::Https(tls), Egress::NamedHost)
}
