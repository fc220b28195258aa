//! An engine on policies and secrets that are given as text, and requests that a real API server sent.

use std::collections::{HashMap, HashSet};
use std::ops::Deref;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cise_admission::{
    Answer, Counsel, Engine, Hook, PolicySource, SecretData, SecretSource, Settings, SourceError,
    Workloads,
};
use cise_policy::Policies;
use cise_registry::{
    Deadline, FlightBounds, Http, Outbound, Proxies, Registries, Registry, RegistryLimits,
    RegistrySettings,
};
use cise_signature::notary::{Notary, NotarySettings, Presets, TrustServers};
use cise_signature::store::FolderStore;
use cise_testkit::recordings;
use futures::FutureExt;
use futures::future;
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde_json::Value;

pub(crate) type SecretResult = Result<Option<Arc<SecretData>>, SourceError>;

/// What surrounds an engine.
pub(crate) struct World {
    pub(crate) outbound: Outbound,
    pub(crate) registries: Vec<RegistrySettings>,
    pub(crate) trust_servers: TrustServers,
    pub(crate) settings: Settings,
    pub(crate) sources: Arc<Sources>,
    state: Arc<tempfile::TempDir>,
}

/// An engine, and the folder in which it remembers trust.
pub(crate) struct Running {
    engine: Engine,
    _state: Arc<tempfile::TempDir>,
}

impl Running {
    /// The same, with somebody to ask about vulnerabilities.
    pub(crate) fn with_counsel(self, counsel: Counsel) -> Self {
        Self {
            engine: self.engine.with_counsel(counsel),
            ..self
        }
    }
}

impl Deref for Running {
    type Target = Engine;

    fn deref(&self) -> &Engine {
        &self.engine
    }
}

/// The name of a secret over which the source panics.
pub(crate) const PANICS: &str = "panics";
/// The name of a secret that never comes.
pub(crate) const HANGS: &str = "hangs";

/// Policies and secrets from text.
#[derive(Default)]
pub(crate) struct Sources {
    policies: Mutex<Arc<Policies>>,
    secrets: HashMap<(String, String), SecretResult>,
    /// What secrets hold now that the source still keeps as they were.
    rotated: HashMap<(String, String), SecretResult>,
    forgotten: Mutex<HashSet<(String, String)>>,
    accounts: HashMap<(String, String), Arc<[String]>>,
}

impl World {
    pub(crate) fn new(policies: &[&str]) -> Self {
        let sources = Sources {
            policies: Mutex::new(compile(policies)),
            ..Sources::default()
        };
        Self {
            outbound: Outbound::new(Proxies::default()),
            registries: Vec::new(),
            trust_servers: TrustServers::new(),
            settings: Settings {
                namespace: "ibm-system".to_owned(),
                workloads: Workloads::default(),
                advisors: cise_admission::Advisors::default(),
                rules: cise_advisor::assessment::Rules::default(),
                pull_credentials: cise_registry::Keyring::empty(),
            },
            sources: Arc::new(sources),
            state: Arc::new(tempfile::tempdir().unwrap()),
        }
    }

    pub(crate) fn with_secret(
        mut self,
        namespace: &str,
        name: &str,
        kind: &str,
        entries: &[(&str, &str)],
    ) -> Self {
        let entries = entries
            .iter()
            .map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec()));
        let secret = Arc::new(SecretData::new(namespace, name, kind, entries));
        self.sources_mut()
            .secrets
            .insert((namespace.to_owned(), name.to_owned()), Ok(Some(secret)));
        self
    }

    /// The secret has changed since the source has read it.
    pub(crate) fn with_rotated_secret(
        self,
        namespace: &str,
        name: &str,
        kind: &str,
        [before, now]: [&[(&str, &str)]; 2],
    ) -> Self {
        let key = (namespace.to_owned(), name.to_owned());
        let mut world = self.with_secret(namespace, name, kind, now);
        let rotated = world.sources_mut().secrets.remove(&key).unwrap();
        world.sources_mut().rotated.insert(key, rotated);
        world.with_secret(namespace, name, kind, before)
    }

    pub(crate) fn with_unreadable_secret(mut self, namespace: &str, name: &str) -> Self {
        let error = SourceError::new(
            format!("secret {namespace}/{name}"),
            "the API server does not answer",
        );
        self.sources_mut()
            .secrets
            .insert((namespace.to_owned(), name.to_owned()), Err(error));
        self
    }

    pub(crate) fn with_service_account(
        mut self,
        namespace: &str,
        name: &str,
        pull_secrets: &[&str],
    ) -> Self {
        let pull_secrets = pull_secrets.iter().map(|name| (*name).to_owned()).collect();
        self.sources_mut()
            .accounts
            .insert((namespace.to_owned(), name.to_owned()), pull_secrets);
        self
    }

    /// Puts other policies in force.
    pub(crate) fn tighten(&self, policies: &[&str]) {
        *self.sources.policies.lock().unwrap() = compile(policies);
    }

    /// How many repositories have a pinned root.
    pub(crate) fn trust_records(&self) -> usize {
        FolderStore::open(self.state.path(), 100)
            .unwrap()
            .list()
            .unwrap()
            .len()
    }

    pub(crate) fn engine(&self) -> Running {
        let registries = Registries::new(&self.outbound, self.registries.clone()).unwrap();
        let http = Http::new(registries, FlightBounds::default());
        let store = Arc::new(FolderStore::open(self.state.path(), 100).unwrap());
        let servers = self.trust_servers.clone();
        let notary = Notary::new(
            http.clone(),
            store,
            servers,
            Presets::new(),
            NotarySettings::default(),
        );
        let registry = Registry::new(http, RegistryLimits::default());
        let sources = Arc::clone(&self.sources);
        let engine = Engine::new(
            sources.clone(),
            sources,
            notary,
            registry,
            self.settings.clone(),
        );
        Running {
            engine,
            _state: Arc::clone(&self.state),
        }
    }

    fn sources_mut(&mut self) -> &mut Sources {
        Arc::get_mut(&mut self.sources).unwrap()
    }
}

fn compile(policies: &[&str]) -> Arc<Policies> {
    let policies = policies
        .iter()
        .map(|text| cise_policy::from_yaml(text, "default").unwrap());
    Arc::new(Policies::compile(policies, []))
}

impl PolicySource for Sources {
    fn policies(&self) -> Arc<Policies> {
        Arc::clone(&self.policies.lock().unwrap())
    }
}

impl SecretSource for Sources {
    fn secret<'a>(&'a self, namespace: &'a str, name: &'a str) -> BoxFuture<'a, SecretResult> {
        match name {
            PANICS => panic!("a source of secrets fails"),
            HANGS => return future::pending().boxed(),
            _ => {}
        }
        let key = (namespace.to_owned(), name.to_owned());
        let is_forgotten = self.forgotten.lock().unwrap().contains(&key);
        let now = self.rotated.get(&key).filter(|_| is_forgotten);
        let found = now.or_else(|| self.secrets.get(&key)).cloned();
        async move { found.unwrap_or(Ok(None)) }.boxed()
    }

    fn forget_secret(&self, namespace: &str, name: &str) {
        let key = (namespace.to_owned(), name.to_owned());
        self.forgotten.lock().unwrap().insert(key);
    }

    fn pull_secrets_of<'a>(
        &'a self,
        namespace: &'a str,
        service_account: &'a str,
    ) -> BoxFuture<'a, Result<Option<Arc<[String]>>, SourceError>> {
        let found = self
            .accounts
            .get(&(namespace.to_owned(), service_account.to_owned()))
            .cloned();
        async move { Ok(found) }.boxed()
    }
}

/// A policy of the cluster with these entries, each the text of one element of `repositories`.
pub(crate) fn cluster_policy(entries: &[&str]) -> String {
    policy("ClusterImagePolicy", "name: cluster", entries)
}

/// A policy of the namespace that the recordings are of.
pub(crate) fn team_policy(entries: &[&str]) -> String {
    policy("ImagePolicy", "name: web, namespace: team", entries)
}

fn policy(kind: &str, metadata: &str, entries: &[&str]) -> String {
    let entries = match entries {
        [] => " []".to_owned(),
        entries => format!("\n  - {}", entries.join("\n  - ")),
    };
    format!(
        "apiVersion: securityenforcement.admission.cloud.ibm.com/v1beta1\nkind: {kind}\nmetadata: {{{metadata}}}\nspec:\n  repositories:{entries}\n"
    )
}

/// The body of a recorded request.
pub(crate) fn recorded(name: &str) -> Vec<u8> {
    recordings::get(name).unwrap().body
}

/// The engine's answer to a body, within a time that no test uses up.
pub(crate) async fn answer(engine: &Engine, hook: Hook, body: &[u8]) -> Answer {
    let deadline = Deadline::after(Duration::from_secs(20));
    engine
        .answer(hook, body, Timestamp::now(), deadline)
        .await
        .unwrap()
}

/// The `response` of an answer, after the rules that the API server has for it.
pub(crate) fn response(answer: &Answer) -> Value {
    let review: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(review["apiVersion"], "admission.k8s.io/v1");
    assert_eq!(review["kind"], "AdmissionReview");
    let response = &review["response"];
    assert_eq!(response["allowed"], answer.outcome.allowed);
    assert!(response["uid"].as_str().is_some_and(|uid| !uid.is_empty()));
    assert_eq!(
        response.get("patch").is_some(),
        response.get("patchType").is_some()
    );
    assert_eq!(response.get("status").is_some(), !answer.outcome.allowed);
    if !answer.outcome.allowed {
        let code = &response["status"]["code"];
        assert!(*code == 403 || *code == 422, "{response}");
        assert!(response.get("patch").is_none());
    }
    for warning in response["warnings"].as_array().into_iter().flatten() {
        let warning = warning.as_str().unwrap();
        assert!(
            warning.chars().count() <= 120 && !warning.contains(char::is_control),
            "{warning}"
        );
    }
    response.clone()
}

/// The message of a denial.
pub(crate) fn message(answer: &Answer) -> String {
    response(answer)["status"]["message"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}
