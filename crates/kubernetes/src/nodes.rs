//! The platforms of the cluster's nodes, followed as nodes come and go.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;
use std::time::Duration;

use cise_advisor::inventory::Platform;
use futures::TryStreamExt as _;
use k8s_openapi::api::core::v1::Node;
use kube::core::PartialObjectMeta;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, ResourceExt as _};
use tokio::sync::watch;

use crate::Cluster;

/// How soon an API server that did not answer is asked again.
const PAUSE: Duration = Duration::from_secs(1);

/// How many nodes are listed at once.
const PAGE: u32 = 500;

/// The labels by which a kubelet says what its node is.
const OS: &str = "kubernetes.io/os";
const ARCHITECTURE: &str = "kubernetes.io/arch";

/// The platforms of the nodes, always at hand. Of each node its metadata is read, and nothing else.
pub struct NodeWatch {
    nodes: Api<PartialObjectMeta<Node>>,
    platforms: watch::Sender<Option<BTreeSet<Platform>>>,
}

/// The platform of each node by its name; nothing for a node that does not say.
type Known = BTreeMap<String, Option<Platform>>;

impl NodeWatch {
    /// A watch that has not begun: [`follow`](Self::follow) it.
    pub fn new(cluster: &Cluster) -> Self {
        Self {
            nodes: Api::all(cluster.client()),
            platforms: watch::Sender::new(None),
        }
    }

    /// The platforms of all nodes, from now on; nothing as long as they were never listed. What was known stays known whatever
    /// becomes of the API server.
    pub fn platforms(&self) -> watch::Receiver<Option<BTreeSet<Platform>>> {
        self.platforms.subscribe()
    }

    /// Follows the nodes, forever.
    pub async fn follow(&self) {
        loop {
            if let Err(error) = self.hear().await {
                tracing::warn!("the platforms of the nodes are not heard of: {error}");
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn hear(&self) -> Result<(), watcher::Error> {
        let config = watcher::Config::default().page_size(PAGE);
        let mut events = pin!(watcher(self.nodes.clone(), config));
        let (mut known, mut listed) = (Known::new(), Known::new());
        let mut is_listed = false;
        while let Some(event) = events.try_next().await? {
            match event {
                Event::Init => listed.clear(),
                Event::InitApply(node) => take(&node, &mut listed),
                Event::InitDone => {
                    known = std::mem::take(&mut listed);
                    is_listed = true;
                }
                Event::Apply(node) => take(&node, &mut known),
                Event::Delete(node) => drop(known.remove(&node.name_any())),
            }
            if is_listed {
                self.tell(&known);
            }
        }
        Ok(())
    }

    fn tell(&self, known: &Known) {
        let platforms: BTreeSet<Platform> = known.values().flatten().cloned().collect();
        self.platforms.send_if_modified(|told| {
            let is_new = told.as_ref() != Some(&platforms);
            if is_new {
                *told = Some(platforms);
            }
            is_new
        });
    }
}

fn take(node: &PartialObjectMeta<Node>, known: &mut Known) {
    let label = |name: &str| node.labels().get(name).map(String::as_str);
    let platform = label(OS)
        .zip(label(ARCHITECTURE))
        .map(|(os, architecture)| Platform::of_node(os, architecture));
    known.insert(node.name_any(), platform);
}
