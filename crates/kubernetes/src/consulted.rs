use k8s_openapi::api::apps::v1::Deployment;
use kube::Api;

use crate::cluster::answer;
use crate::error::{explain, is};
use crate::{Cluster, Replicas};

/// The page of the port of probes and metrics on which an advisor tells how it stands, in JSON.
pub const ADVISOR_PAGE: &str = "/advisor";

/// The most bytes of that page.
const MAX_PAGE: usize = 64 * 1024;

/// How the advisor of an installation stands, as far as its cluster can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consulted {
    /// The Deployment of the advisor and its pods, where it is a program of its own.
    pub apart: Option<(String, Replicas)>,
    /// What it says itself.
    pub said: Said,
}

/// What an advisor says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// This page, in JSON.
    Page(String),
    /// There is none.
    Nothing,
    /// It is not told, for this reason.
    Unanswered(String),
}

impl Consulted {
    /// Asks the Deployment `NAME-advisor` through the API server, or else the one of that name, of which the advisor may be a part.
    pub async fn of(cluster: &Cluster, name: &str) -> Self {
        let deployments: Api<Deployment> = Api::namespaced(cluster.client(), cluster.namespace());
        let apart = format!("{name}-advisor");
        match answer(deployments.get_opt(&apart)).await {
            Ok(Some(found)) => Self {
                said: said(cluster, &apart).await,
                apart: Some((apart, Replicas::of(&found))),
            },
            Ok(None) => Self {
                said: said(cluster, name).await,
                apart: None,
            },
            Err(error) => Self {
                said: Said::Unanswered(explain(&error)),
                apart: None,
            },
        }
    }
}

/// What the advisor behind that Service says.
async fn said(cluster: &Cluster, service: &str) -> Said {
    let namespace = cluster.namespace();
    let path = format!(
        "/api/v1/namespaces/{namespace}/services/http:{service}:metrics/proxy{ADVISOR_PAGE}"
    );
    let request = match http::Request::get(path).body(Vec::new()) {
        Ok(request) => request,
        Err(error) => return Said::Unanswered(error.to_string()),
    };
    match answer(cluster.client().request_text(request)).await {
        Ok(page) if page.len() > MAX_PAGE => {
            Said::Unanswered(format!("its page has more than {MAX_PAGE} bytes"))
        }
        Ok(page) => Said::Page(page),
        Err(error) if is(&error, 404) => Said::Nothing,
        Err(error) => Said::Unanswered(explain(&error)),
    }
}
