//! The webhooks of this program, entered where the API server looks for them.

mod conditions;
mod hooks;
mod reachable;
mod settled;
mod withheld;

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use cise_admission::{Coverage, CoverageError, Pass, PolicySource as _};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use jiff::Timestamp;
use k8s_openapi::ClusterResourceScope;
use k8s_openapi::api::admissionregistration::v1::{
    MutatingWebhookConfiguration, ValidatingWebhookConfiguration,
};
use kube::api::{Patch, PatchParams};
use kube::{Api, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::cluster::answer;
use crate::error::is;
use crate::{Cluster, Error, PolicyWatch};
use reachable::Reachable;
use settled::Settled;
use withheld::Withheld;

pub use conditions::{OwnPods, OwnPodsError};
pub use hooks::{FailurePolicy, OpenNamespaces, OptOut, PolicyHook, RegistrationSettings};

/// The name of both configurations, which the documentation tells people to delete: docs, "Removing Container Image Security
/// Enforcement".
pub(crate) const CONFIGURATION: &str = "image-admission-config";

/// Whose fields they are, for server-side apply.
const MANAGER: &str = "cise";

/// How often the configurations are looked at, for what others have done to them.
const LOOKS_EVERY: Duration = Duration::from_secs(2);

/// How often writing is tried again when somebody else has written meanwhile.
const ATTEMPTS: usize = 5;

/// How long a namespace is kept under the webhooks after [`Registrar::include`], for the policy to become known.
const WITHHELD_FOR: Duration = Duration::from_secs(60);

/// How long the API servers may take to hear of a changed configuration, which they follow by a watch.
///
/// Nothing tells that they have: none of them says which version of a configuration it calls by, and of several one alone could
/// be asked, with a pod that is tried, which this program has no right to make. The time is what a watch needs several times over.
const HEARD_WITHIN: Duration = Duration::from_millis(300);

/// Keeps the two webhook configurations filled, while this one leads. It never makes them: one that is deleted stays deleted,
/// and the enforcement off, until somebody makes it again.
pub struct Registrar {
    mutating: Configuration<MutatingWebhookConfiguration>,
    validating: Configuration<ValidatingWebhookConfiguration>,
    namespace: String,
    settings: RegistrationSettings,
    policies: Arc<PolicyWatch>,
    authorities: watch::Receiver<Option<Arc<str>>>,
    service: Reachable,
    settled: Mutex<Settled>,
    status: watch::Sender<RegistrationStatus>,
}

/// What became of the configurations when this replica looked at them last, as their keeper.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegistrationStatus {
    /// Of the `MutatingWebhookConfiguration`.
    pub mutating: Registered,
    /// Of the `ValidatingWebhookConfiguration`.
    pub validating: Registered,
    /// The namespaces that no webhook is called for, since their policies admit everything unverified.
    pub left_out: BTreeSet<String>,
}

/// Whether the API server calls the webhooks of a configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Registered {
    /// Not known: another replica keeps the configuration, or it is too early to fill it.
    #[default]
    Unknown,
    /// It does.
    Yes,
    /// Somebody has deleted the configuration, which turns the enforcement off.
    Deleted,
    /// The configuration could not be read or written.
    Failed(Error),
}

impl RegistrationStatus {
    fn failed(error: &Error) -> Self {
        Self {
            mutating: Registered::Failed(error.clone()),
            validating: Registered::Failed(error.clone()),
            left_out: BTreeSet::new(),
        }
    }
}

struct Configuration<K> {
    api: Api<K>,
    pass: Pass,
    /// What was written last, and the version that it became.
    written: Mutex<Option<(String, Value)>>,
}

impl Registrar {
    /// Registers for the policies that are in force, with the authorities that the API server has to trust (PEM).
    pub fn new(
        cluster: &Cluster,
        settings: RegistrationSettings,
        policies: Arc<PolicyWatch>,
        authorities: watch::Receiver<Option<Arc<str>>>,
    ) -> Self {
        Self {
            mutating: Configuration::new(cluster, Pass::Mutating),
            validating: Configuration::new(cluster, Pass::Validating),
            namespace: cluster.namespace().to_owned(),
            service: Reachable::new(cluster, &settings.service),
            settings,
            policies,
            authorities,
            settled: Mutex::default(),
            status: watch::Sender::default(),
        }
    }

    /// Keeps the configurations, forever, while `leads` says so. To be called when reviews are answered already.
    pub async fn follow(&self, mut leads: watch::Receiver<bool>) {
        let mut authorities = self.authorities.clone();
        let mut generations = self.policies.generations();
        let mut looks = tokio::time::interval(LOOKS_EVERY);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = looks.tick() => {}
                Ok(()) = leads.changed() => {}
                Ok(()) = authorities.changed() => {}
                Ok(()) = generations.changed() => {}
            }
            let status = if *leads.borrow() {
                self.register().await
            } else {
                Some(RegistrationStatus::default())
            };
            if let Some(status) = status {
                self.tell(status);
            }
        }
    }

    /// How it is.
    pub fn status(&self) -> RegistrationStatus {
        self.status.borrow().clone()
    }

    /// Puts the webhooks back for a namespace that has been left out, because a stricter policy is about to be stored in it.
    ///
    /// When this is done, the API servers call the webhooks again. If it fails, the policy must not be admitted.
    pub async fn include(&self, namespace: &str) -> Result<(), Error> {
        let mutating = self.mutating.include(self, namespace).await?;
        let validating = self.validating.include(self, namespace).await?;
        if mutating || validating {
            tokio::time::sleep(HEARD_WITHIN).await;
        }
        Ok(())
    }

    /// Nothing can be registered before the first policies and the first certificate are there, and a pod that answers.
    async fn register(&self) -> Option<RegistrationStatus> {
        if !self.policies.is_ready() || self.authorities.borrow().is_none() {
            return None;
        }
        match self.service.holds().await {
            Ok(true) => {}
            Ok(false) => return None,
            Err(error) => return Some(RegistrationStatus::failed(&error)),
        }
        let (mutating, validating) =
            tokio::join!(self.mutating.keep(self), self.validating.keep(self));
        Some(RegistrationStatus {
            mutating,
            validating,
            left_out: self.validating.left_out(),
        })
    }

    fn tell(&self, status: RegistrationStatus) {
        self.status.send_if_modified(|current| {
            let changed = *current != status;
            if changed {
                tracing::info!(?status, "webhooks");
                *current = status;
            }
            changed
        });
    }

    fn open_namespaces(&self) -> BTreeSet<String> {
        match self.settings.open_namespaces {
            OpenNamespaces::Included => BTreeSet::new(),
            OpenNamespaces::LeftOut => {
                let policies = self.policies.policies();
                policies.open_namespaces().map(str::to_owned).collect()
            }
        }
    }

    /// The list of webhooks for a pass, where these namespaces are left out until now; nothing as long as no authority is known.
    fn webhooks(
        &self,
        pass: Pass,
        withheld: &Withheld,
        before: &BTreeSet<String>,
    ) -> Option<Value> {
        let authorities = self.authorities.borrow().clone()?;
        let mut settled = self.settled.lock().unwrap_or_else(PoisonError::into_inner);
        let mut left_out = settled.among(self.open_namespaces(), before, Instant::now());
        left_out.retain(|namespace| !withheld.has(namespace));
        Some(hooks::list(
            pass,
            &self.settings,
            &self.namespace,
            &authorities,
            &left_out,
        ))
    }
}

impl Coverage for Registrar {
    fn include<'a>(&'a self, namespace: &'a str) -> BoxFuture<'a, Result<(), CoverageError>> {
        let included = self.include(namespace);
        included
            .map(|done| done.map_err(CoverageError::new))
            .boxed()
    }
}

impl<K> Configuration<K>
where
    K: Resource<DynamicType = (), Scope = ClusterResourceScope>,
    K: Clone + Debug + Serialize + DeserializeOwned,
{
    fn new(cluster: &Cluster, pass: Pass) -> Self {
        Self {
            api: Api::all(cluster.client()),
            pass,
            written: Mutex::default(),
        }
    }

    async fn keep(&self, registrar: &Registrar) -> Registered {
        let outcome = self.write(registrar, None).await;
        outcome.unwrap_or_else(Registered::Failed)
    }

    /// Says whether there was anything to change.
    async fn include(&self, registrar: &Registrar, namespace: &str) -> Result<bool, Error> {
        let Some(found) = self.read().await? else {
            return Ok(false);
        };
        let is_left_out = left_out_by(&found).contains(namespace);
        if !is_left_out && !registrar.open_namespaces().contains(namespace) {
            return Ok(false);
        }
        self.write(registrar, Some(namespace)).await?;
        Ok(true)
    }

    /// Writes what should be there over what is there, and nothing over nothing.
    async fn write(
        &self,
        registrar: &Registrar,
        include: Option<&str>,
    ) -> Result<Registered, Error> {
        let mut last = None;
        for _ in 0..ATTEMPTS {
            let Some(found) = self.read().await? else {
                *self.written() = None;
                return Ok(Registered::Deleted);
            };
            let now = Timestamp::now();
            let mut withheld = Withheld::read(found.meta(), now);
            if let Some(namespace) = include {
                withheld.add(namespace, now + WITHHELD_FOR);
            }
            let before = left_out_by(&found);
            let Some(webhooks) = registrar.webhooks(self.pass, &withheld, &before) else {
                return Err(Self::failed("no authority for them is known yet"));
            };
            match self.replace(&found, &withheld, webhooks).await {
                Ok(()) => return Ok(Registered::Yes),
                Err(error) if is(&error, 409) => last = Some(error),
                Err(error) => return Err(Error::request("writing", Self::place(), &error)),
            }
        }
        Err(last.map_or_else(
            || Self::failed("it was never tried"),
            |error| Error::request("writing", Self::place(), &error),
        ))
    }

    async fn read(&self) -> Result<Option<K>, Error> {
        let found = answer(self.api.get_opt(CONFIGURATION)).await;
        found.map_err(|error| Error::request("reading", Self::place(), &error))
    }

    /// Its version makes this fail where somebody has written the configuration meanwhile, its identity where somebody has
    /// deleted it: what is applied without one would be made.
    async fn replace(&self, found: &K, withheld: &Withheld, webhooks: Value) -> kube::Result<()> {
        let version = found.meta().resource_version.clone().unwrap_or_default();
        let wanted = json!({
            "apiVersion": K::api_version(&()),
            "kind": K::kind(&()),
            "metadata": { "name": CONFIGURATION, "annotations": withheld.annotations() },
            "webhooks": webhooks,
        });
        if self
            .written()
            .as_ref()
            .is_some_and(|(at, what)| *at == version && *what == wanted)
        {
            return Ok(());
        }
        let mut versioned = wanted.clone();
        if let Some(metadata) = versioned.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.insert("resourceVersion".to_owned(), version.into());
            metadata.insert("uid".to_owned(), found.meta().uid.clone().into());
        }
        let (parameters, patch) = (
            PatchParams::apply(MANAGER).force(),
            Patch::Apply(&versioned),
        );
        let applied = answer(self.api.patch(CONFIGURATION, &parameters, &patch)).await?;
        let version = applied.meta().resource_version.clone();
        *self.written() = Some((version.unwrap_or_default(), wanted));
        Ok(())
    }

    /// The namespaces that are left out by what was written last.
    fn left_out(&self) -> BTreeSet<String> {
        let written = self.written();
        let configuration = written.as_ref().map(|(_, configuration)| configuration);
        configuration.map(hooks::left_out).unwrap_or_default()
    }

    fn written(&self) -> MutexGuard<'_, Option<(String, Value)>> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place() -> String {
        format!("{} {CONFIGURATION}", K::kind(&()))
    }

    fn failed(why: &str) -> Error {
        Error::Request {
            action: "writing",
            object: Self::place(),
            why: why.to_owned(),
        }
    }
}

fn left_out_by<K: Serialize>(configuration: &K) -> BTreeSet<String> {
    let configuration = serde_json::to_value(configuration).unwrap_or_default();
    hooks::left_out(&configuration)
}
