//! A webhook that admits everything and keeps what the API server sent.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::Error;
use crate::authority::Identity;
use crate::serve::{Body, Server, json as answer, whole};

/// The largest review that is taken, in bytes: more than the API server accepts of an object and its older state.
const REVIEW_LIMIT: usize = 16 * 1024 * 1024;

/// How long a review may take to arrive.
const ARRIVES_WITHIN: Duration = Duration::from_secs(60);

/// The webhook. Dropping it closes its port.
#[derive(Debug)]
pub struct Recorder {
    server: Server,
    received: Arc<Mutex<Vec<Received>>>,
}

/// One review, as it came.
#[derive(Debug, Clone)]
pub struct Received {
    /// The path and the query of the request.
    pub url: String,
    /// The header of that name.
    pub content_type: String,
    /// The bytes of the body.
    pub body: Bytes,
    /// What the review is about.
    pub about: About,
}

/// What a review is about.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct About {
    uid: String,
    /// `CREATE`, `UPDATE`, `DELETE` or `CONNECT`.
    pub operation: String,
    /// Which collection of the API.
    resource: Resource,
    #[serde(default)]
    sub_resource: String,
    user_info: UserInfo,
    #[serde(default)]
    name: String,
    #[serde(default)]
    object: Option<Value>,
}

#[derive(Debug, Clone, Deserialize)]
struct Resource {
    resource: String,
}

#[derive(Debug, Clone, Deserialize)]
struct UserInfo {
    username: String,
}

#[derive(Deserialize)]
struct Review {
    request: About,
}

impl Recorder {
    /// Listens on a free port of the loopback interface with this certificate.
    pub fn start(identity: &Identity) -> Result<Self, Error> {
        let received = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&received);
        let server = Server::start(Some(identity), move |request| {
            record(request, Arc::clone(&keep))
        })?;
        Ok(Self { server, received })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// How many reviews have come so far.
    pub fn count(&self) -> usize {
        self.received().len()
    }

    /// Whether one fits of those that came after the first `since`.
    pub fn has(&self, since: usize, fits: impl Fn(&Received) -> bool) -> bool {
        self.received().iter().skip(since).any(fits)
    }

    /// The first review that fits, of those after the first `since`. Waits for it a while; `None`: it did not come.
    pub fn wait_for(&self, since: usize, fits: impl Fn(&Received) -> bool) -> Option<Received> {
        let deadline = Instant::now() + ARRIVES_WITHIN;
        loop {
            let found = self
                .received()
                .iter()
                .skip(since)
                .find(|received| fits(received))
                .cloned();
            if found.is_some() || Instant::now() > deadline {
                return found;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn received(&self) -> MutexGuard<'_, Vec<Received>> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl About {
    /// The resource with its subresource, such as `pods/ephemeralcontainers`.
    pub fn resource(&self) -> String {
        match self.sub_resource.as_str() {
            "" => self.resource.resource.clone(),
            part => format!("{}/{part}", self.resource.resource),
        }
    }

    /// Who asked.
    pub fn user(&self) -> &str {
        &self.user_info.username
    }

    /// The name of the object. Where it has none yet, what its name will begin with.
    pub fn name(&self) -> &str {
        let of_object = |field| self.object.as_ref()?.pointer(field)?.as_str();
        let given = Some(self.name.as_str()).filter(|name| !name.is_empty());
        given
            .or_else(|| of_object("/metadata/name"))
            .or_else(|| of_object("/metadata/generateName"))
            .unwrap_or("")
    }
}

async fn record(request: Request<Incoming>, keep: Arc<Mutex<Vec<Received>>>) -> Response<Body> {
    match receive(request).await {
        Ok(received) => {
            let admitted = json!({
                "apiVersion": "admission.k8s.io/v1",
                "kind": "AdmissionReview",
                "response": { "uid": received.about.uid, "allowed": true },
            });
            keep.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(received);
            answer(StatusCode::OK, &admitted)
        }
        Err(reason) => {
            let mut response = Response::new(whole(reason));
            *response.status_mut() = StatusCode::BAD_REQUEST;
            response
        }
    }
}

async fn receive(request: Request<Incoming>) -> Result<Received, String> {
    let url = request
        .uri()
        .path_and_query()
        .map(ToString::to_string)
        .unwrap_or_default();
    let content_type = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let content_type = content_type.unwrap_or_default().to_owned();
    let body = Limited::new(request.into_body(), REVIEW_LIMIT)
        .collect()
        .await;
    let body = body.map_err(|error| error.to_string())?.to_bytes();
    let review: Review = serde_json::from_slice(&body).map_err(|error| error.to_string())?;
    Ok(Received {
        url,
        content_type,
        body,
        about: review.request,
    })
}
