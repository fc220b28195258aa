//! Where roots of trust are pinned: in a folder, or in a cluster.

use std::path::{Path, PathBuf};

use cise_kubernetes::{Cluster, ConfigMapStore};
use cise_signature::store::{FolderStore, StoreError, TrustState};
use cise_signature::{PinKey, TrustStore as _};
use clap::Args;
use tokio::runtime::Runtime;

use crate::access;
use crate::failure::Failure;
use crate::install::{DEFAULT_NAMESPACE, namespace};

#[derive(Args, Debug)]
pub(super) struct PlaceArgs {
    /// The folder in which roots of trust are pinned; without it, they are those of a cluster
    #[arg(long, value_name = "DIR", env = "CISE_STATE", conflicts_with_all = ["namespace", "kubeconfig"])]
    state: Option<PathBuf>,
    /// The namespace of CISE itself, which has the pins of its cluster
    #[arg(short, long, value_name = "NAMESPACE", default_value = DEFAULT_NAMESPACE, value_parser = namespace)]
    namespace: String,
    /// Where the cluster is and as whom it is asked; by default, what KUBECONFIG names, else the pod's service account
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
}

/// The pins of one place.
pub(super) enum Pins {
    OfFolder(FolderStore),
    OfCluster(Box<InCluster>),
}

/// The pins of a cluster, and what asks it.
pub(super) struct InCluster {
    runtime: Runtime,
    store: ConfigMapStore,
}

impl PlaceArgs {
    pub(super) fn open(&self) -> Result<Pins, Failure> {
        // Nothing is recorded here, so there is nothing to bound.
        let most = usize::MAX;
        if let Some(folder) = &self.state {
            check_folder(folder)?;
            return Ok(Pins::OfFolder(FolderStore::open(folder, most)?));
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let access = access::of(self.kubeconfig.clone())?;
        let connecting = Cluster::connect(&access, Some(&self.namespace));
        let cluster = runtime.block_on(connecting).map_err(|error| {
            Failure::from(error).with_hint(
                "name a folder with --state, or a kubeconfig file with --kubeconfig or KUBECONFIG",
            )
        })?;
        let store = ConfigMapStore::new(&cluster, most);
        Ok(Pins::OfCluster(Box::new(InCluster { runtime, store })))
    }
}

fn check_folder(folder: &Path) -> Result<(), Failure> {
    if folder.is_dir() {
        return Ok(());
    }
    Err(
        Failure::new(format!("{}: no such folder", folder.display()))
            .with_hint("name the folder that `cise serve --state` has"),
    )
}

impl Pins {
    /// All of them; for one that cannot be read, why.
    pub(super) fn list(&self) -> Result<Vec<Result<TrustState, StoreError>>, StoreError> {
        match self {
            Self::OfFolder(folder) => folder.list(),
            Self::OfCluster(cluster) => cluster.runtime.block_on(cluster.store.list()),
        }
    }

    /// What is pinned, if anything is.
    pub(super) fn show(&self, pin: &PinKey) -> Result<Option<TrustState>, StoreError> {
        match self {
            Self::OfFolder(folder) => folder.show(pin),
            Self::OfCluster(cluster) => {
                let stored = cluster.runtime.block_on(cluster.store.load(pin))?;
                Ok(stored.map(|stored| stored.state))
            }
        }
    }

    /// Forgets it; says whether there was anything.
    pub(super) fn forget(&self, pin: &PinKey) -> Result<bool, StoreError> {
        match self {
            Self::OfFolder(folder) => folder.forget(pin),
            Self::OfCluster(cluster) => cluster.runtime.block_on(cluster.store.forget(pin)),
        }
    }
}
