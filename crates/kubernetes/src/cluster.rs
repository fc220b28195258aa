use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use crate::Error;

/// How long one answer of the API server may take to come. Watches are no such thing.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// How long the API server may take to accept a connection.
const CONNECTS_WITHIN: Duration = Duration::from_secs(3);

/// The API server, and the namespace in which this program lives. Cheap to clone.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
    namespace: Arc<str>,
}

/// Where the API server is, and as whom it is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Access {
    /// As a pod of the cluster, with its service account.
    Pod,
    /// As a kubeconfig file says.
    Kubeconfig(PathBuf),
}

impl Cluster {
    /// Prepares the way to the API server; it is not asked yet. `namespace` is that of this program itself: by default the
    /// pod's, or the one that the kubeconfig file names.
    pub async fn connect(access: &Access, namespace: Option<&str>) -> Result<Self, Error> {
        let mut config = access
            .config()
            .await
            .map_err(|error| unconfigured(&error))?;
        config.connect_timeout = Some(CONNECTS_WITHIN);
        let namespace = namespace.unwrap_or(&config.default_namespace).into();
        let client = Client::try_from(config).map_err(|error| unconfigured(&error))?;
        Ok(Self { client, namespace })
    }

    /// The namespace of this program itself.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }
}

impl Access {
    async fn config(&self) -> Result<Config, kube::Error> {
        match self {
            Self::Pod => Config::incluster().map_err(|error| kube::Error::Service(error.into())),
            Self::Kubeconfig(file) => {
                let kubeconfig = Kubeconfig::read_from(file)?;
                let options = KubeConfigOptions::default();
                Ok(Config::from_custom_kubeconfig(kubeconfig, &options).await?)
            }
        }
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cluster, seen from {}", self.namespace)
    }
}

/// The answer to a request, unless it takes too long.
pub(crate) async fn answer<T>(
    request: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, kube::Error> {
    let answer = tokio::time::timeout(ANSWERS_WITHIN, request).await;
    answer.unwrap_or_else(|_| {
        let why = format!("no answer within {} s", ANSWERS_WITHIN.as_secs());
        Err(kube::Error::Service(why.into()))
    })
}

fn unconfigured(error: &kube::Error) -> Error {
    Error::Unconfigured {
        why: crate::error::explain(error),
    }
}
