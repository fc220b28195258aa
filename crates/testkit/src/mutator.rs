//! A mutating webhook of somebody else's, which changes what passes through it.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use serde_json::{Value, json};

use crate::Error;
use crate::authority::Identity;
use crate::serve::{Server, json as answer};

/// The largest review that is taken, in bytes.
const REVIEW_LIMIT: usize = 16 * 1024 * 1024;

/// A webhook that patches objects. Dropping it closes its port.
#[derive(Debug)]
pub struct Mutator(Server);

impl Mutator {
    /// Admits every object, changed by the JSON patch (RFC 6902) that `patch` makes for it.
    pub fn start(
        identity: &Identity,
        patch: impl Fn(&Value) -> Value + Send + Sync + 'static,
    ) -> Result<Self, Error> {
        let patch = Arc::new(patch);
        let server = Server::start(Some(identity), move |request| {
            let patch = Arc::clone(&patch);
            async move {
                match receive(request).await {
                    Ok(review) => answer(StatusCode::OK, &respond(&review, &*patch)),
                    Err(why) => answer(StatusCode::BAD_REQUEST, &json!({ "error": why })),
                }
            }
        })?;
        Ok(Self(server))
    }

    /// `https://localhost:<port>`.
    pub fn url(&self) -> String {
        self.0.url()
    }
}

async fn receive(request: Request<Incoming>) -> Result<Value, String> {
    let body = Limited::new(request.into_body(), REVIEW_LIMIT)
        .collect()
        .await;
    let body = body.map_err(|error| error.to_string())?.to_bytes();
    serde_json::from_slice(&body).map_err(|error| error.to_string())
}

fn respond(review: &Value, patch: &dyn Fn(&Value) -> Value) -> Value {
    let object = review.pointer("/request/object").unwrap_or(&Value::Null);
    json!({
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "response": {
            "uid": review.pointer("/request/uid"),
            "allowed": true,
            "patchType": "JSONPatch",
            "patch": STANDARD.encode(patch(object).to_string()),
        },
    })
}
