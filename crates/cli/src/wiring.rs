//! Puts the floors together.

use std::sync::Arc;

use cise_admission::{Coverage, Engine, PolicyGate, PolicySource, SecretSource, Settings};
use cise_registry::{Http, Registry};
use cise_signature::TrustStore;
use cise_signature::notary::Notary;

use crate::config::Configuration;

/// What reviews are answered from, and where it remembers trust.
pub(crate) struct Sources {
    pub(crate) policies: Arc<dyn PolicySource>,
    pub(crate) secrets: Arc<dyn SecretSource>,
    pub(crate) trust: Arc<dyn TrustStore>,
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
) -> Engine {
    let http = Http::new(configuration.registries.clone(), configuration.flights);
    let notary = Notary::new(
        http.clone(),
        sources.trust,
        configuration.trust_servers.clone(),
        configuration.presets.clone(),
        configuration.notary,
    );
    let registry = Registry::new(http, configuration.registry);
    Engine::new(
        sources.policies,
        sources.secrets,
        notary,
        registry,
        admission,
    )
}
