//! The exemptions of the cluster, followed as they change.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use cise_admission::ExemptionSource;
use cise_advisor::exemption::{Exemption, Exemptions, from_value};
use cise_policy::ApiGroup;
use futures::TryStreamExt as _;
use kube::api::{DynamicObject, TypeMeta};
use kube::core::ApiResource;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, ResourceExt as _};

use crate::Cluster;

/// How soon an API server that did not answer, or does not have the resource, is asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// How many exemptions are listed at once.
const PAGE: u32 = 200;

/// The most exemptions that count of all, and of one namespace. Those for all pods come first. What comes after them exempts nothing,
/// which is told.
const BOUNDS: Bounds = Bounds {
    all: 10_000,
    of_namespace: 1_000,
};

/// How many exemptions count.
#[derive(Clone, Copy)]
struct Bounds {
    all: usize,
    of_namespace: usize,
}

/// The two resources that exemptions are stored as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExemptionKind {
    /// `ImageExemption`, for the pods of its namespace.
    Namespace,
    /// `ClusterImageExemption`, for all pods.
    Cluster,
}

/// The exemptions of all namespaces and of the cluster, always at hand.
///
/// What was never listed, or cannot be read, exempts nothing. What was known stays in force whatever becomes of the API server.
pub struct ExemptionWatch {
    cluster: Cluster,
    known: Mutex<BTreeMap<Key, Exemption>>,
    compiled: ArcSwap<Exemptions>,
}

/// Kind, namespace and name of an object.
type Key = (ExemptionKind, String, String);

impl ExemptionKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Namespace, Self::Cluster];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Namespace => "ImageExemption",
            Self::Cluster => "ClusterImageExemption",
        }
    }

    /// Its name in paths.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Namespace => "imageexemptions",
            Self::Cluster => "clusterimageexemptions",
        }
    }

    fn resource(self) -> ApiResource {
        ApiResource {
            group: ApiGroup::V1Beta1.name().to_owned(),
            version: "v1beta1".to_owned(),
            api_version: ApiGroup::V1Beta1.api_version().to_owned(),
            kind: self.name().to_owned(),
            plural: self.plural().to_owned(),
        }
    }
}

impl ExemptionWatch {
    /// A watch that has not begun: [`follow`](Self::follow) it.
    pub fn new(cluster: Cluster) -> Self {
        Self {
            cluster,
            known: Mutex::default(),
            compiled: ArcSwap::default(),
        }
    }

    /// Follows the exemptions, forever.
    pub async fn follow(&self) {
        let [namespaced, cluster] = ExemptionKind::ALL.map(|kind| self.follow_kind(kind));
        tokio::join!(namespaced, cluster);
    }

    async fn follow_kind(&self, kind: ExemptionKind) {
        let api: Api<DynamicObject> = Api::all_with(self.cluster.client(), &kind.resource());
        loop {
            if let Err(error) = self.hear(kind, &api).await {
                tracing::debug!("{}s are not heard of: {error}", kind.name());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn hear(
        &self,
        kind: ExemptionKind,
        api: &Api<DynamicObject>,
    ) -> Result<(), watcher::Error> {
        let config = watcher::Config::default().page_size(PAGE);
        let mut events = pin!(watcher(api.clone(), config));
        let mut listed = BTreeMap::new();
        while let Some(event) = events.try_next().await? {
            match event {
                Event::Init => listed.clear(),
                Event::InitApply(object) => take(kind, object, &mut listed),
                Event::InitDone => self.change(|known| {
                    known.retain(|(of_kind, ..), _| *of_kind != kind);
                    known.append(&mut listed);
                }),
                Event::Apply(object) => self.change(|known| take(kind, object, known)),
                Event::Delete(object) => self.change(|known| {
                    known.remove(&key(kind, &object));
                }),
            }
        }
        Ok(())
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<Key, Exemption>)) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut known);
        let (in_force, passed_over) = in_force(&known, BOUNDS);
        for (namespace, count) in passed_over {
            let whose = match namespace {
                "" => "for all pods".to_owned(),
                namespace => format!("of namespace {namespace}"),
            };
            tracing::error!(
                "{count} exemptions {whose} do not count: there are more than {} in one namespace, or {} in all",
                BOUNDS.of_namespace,
                BOUNDS.all
            );
        }
        self.compiled.store(Arc::new(Exemptions::compile(in_force)));
    }
}

impl ExemptionSource for ExemptionWatch {
    fn exemptions(&self) -> Arc<Exemptions> {
        self.compiled.load_full()
    }
}

/// The exemptions that count, and how many of each namespace do not; the namespace of those for all pods is empty.
fn in_force(
    known: &BTreeMap<Key, Exemption>,
    bounds: Bounds,
) -> (Vec<Exemption>, BTreeMap<&str, usize>) {
    let of_kind = |kind| known.iter().filter(move |((of, ..), _)| *of == kind);
    let in_order = of_kind(ExemptionKind::Cluster).chain(of_kind(ExemptionKind::Namespace));
    let (mut in_force, mut passed_over) = (Vec::new(), BTreeMap::new());
    let mut taken: BTreeMap<&str, usize> = BTreeMap::new();
    for ((kind, namespace, _), exemption) in in_order {
        let of_same = taken.entry(namespace).or_default();
        let is_full = *kind == ExemptionKind::Namespace && *of_same >= bounds.of_namespace;
        if is_full || in_force.len() >= bounds.all {
            *passed_over.entry(&**namespace).or_default() += 1;
        } else {
            *of_same += 1;
            in_force.push(exemption.clone());
        }
    }
    (in_force, passed_over)
}

fn key(kind: ExemptionKind, object: &DynamicObject) -> Key {
    (
        kind,
        object.namespace().unwrap_or_default(),
        object.name_any(),
    )
}

/// What cannot be read takes the place of what could, so that nothing is exempted by it any more.
fn take(kind: ExemptionKind, mut object: DynamicObject, known: &mut BTreeMap<Key, Exemption>) {
    let key = key(kind, &object);
    // The items of a list do not say what they are.
    object.types = Some(TypeMeta {
        api_version: ApiGroup::V1Beta1.api_version().to_owned(),
        kind: kind.name().to_owned(),
    });
    let document = serde_json::to_value(&object).unwrap_or_default();
    match from_value(&document, &key.1) {
        Ok(exemption) if exemption.overreaches() => {
            tracing::error!(
                "nothing is exempted by {}: it names every image of the account, and is of one namespace",
                exemption.origin()
            );
            known.remove(&key);
        }
        Ok(exemption) => {
            known.insert(key, exemption);
        }
        Err(error) => {
            tracing::error!(
                "nothing is exempted by {} {}/{}: {error}",
                kind.name(),
                key.1,
                key.2
            );
            known.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use cise_advisor::exemption::{Origin, Scope};
    use cise_policy::Namespace;
    use serde_json::json;

    use super::*;

    fn object(issue: &str, images: &str) -> DynamicObject {
        let object = json!({
            "metadata": { "name": "one", "namespace": "team", "resourceVersion": "1", "uid": "u" },
            "spec": { "issueType": "cve", "issueID": issue, "images": [images] },
        });
        serde_json::from_value(object).unwrap()
    }

    #[test]
    fn what_can_no_longer_be_read_exempts_nothing_any_more() {
        let mut known = BTreeMap::new();
        take(
            ExemptionKind::Namespace,
            object("CVE-2024-5535", "icr.io/*"),
            &mut known,
        );
        assert_eq!(known.len(), 1);
        for faulty in [object("no id", "icr.io/*"), object("CVE-2024-5535", "*")] {
            let mut known = known.clone();
            take(ExemptionKind::Namespace, faulty, &mut known);
            assert!(known.is_empty());
        }
    }

    #[test]
    fn no_namespace_crowds_out_the_others_or_those_for_all_pods() {
        let known = |kind, namespace: &str, name: &str| {
            let key = (kind, namespace.to_owned(), name.to_owned());
            let scope = match kind {
                ExemptionKind::Cluster => Scope::Cluster,
                ExemptionKind::Namespace => Scope::Namespace(Namespace::parse(namespace).unwrap()),
            };
            let spec = object("CVE-2024-5535", "icr.io/*").data["spec"].clone();
            let spec = serde_json::from_value(spec).unwrap();
            let origin = Origin::new(scope, name).unwrap();
            (key, Exemption::new(origin, spec).unwrap())
        };
        let all: BTreeMap<Key, Exemption> = [
            known(ExemptionKind::Namespace, "a", "one"),
            known(ExemptionKind::Namespace, "a", "three"),
            known(ExemptionKind::Namespace, "a", "two"),
            known(ExemptionKind::Namespace, "b", "one"),
            known(ExemptionKind::Cluster, "", "everybodys"),
        ]
        .into();
        let names = |bounds| {
            let (in_force, passed_over) = in_force(&all, bounds);
            let names: Vec<String> = in_force
                .iter()
                .map(|one| one.origin().to_string())
                .collect();
            (names.join(", "), passed_over)
        };
        let (of_namespace, of_all) = (2, 100);
        let bounds = |all, of_namespace| Bounds { all, of_namespace };
        assert_eq!(
            names(bounds(of_all, of_namespace)),
            (
                "ClusterImageExemption everybodys, ImageExemption a/one, ImageExemption a/three, ImageExemption b/one".to_owned(),
                BTreeMap::from([("a", 1)])
            )
        );
        assert_eq!(
            names(bounds(2, of_namespace)),
            (
                "ClusterImageExemption everybodys, ImageExemption a/one".to_owned(),
                BTreeMap::from([("a", 2), ("b", 1)])
            )
        );
    }
}
