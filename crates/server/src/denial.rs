//! The denial that the server writes itself, when the reviewer could not.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// Why there is no answer of the reviewer's.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Cause {
    /// It panicked.
    Panic,
    /// It was still at work when the answer had to leave.
    Late,
}

impl Cause {
    fn status(self) -> Status {
        match self {
            Self::Panic => Status {
                code: 500,
                reason: "InternalError",
                message: "Deny, an internal error interrupted the review; the log of Container Image Security Enforcement has more",
            },
            Self::Late => Status {
                code: 504,
                reason: "Timeout",
                message: "Deny, the review did not finish in the time that the API server gives it; try again",
            },
        }
    }
}

/// An `AdmissionReview` that denies the request in `body`; `None` if `body` holds no request with a uid.
pub(crate) fn write(body: &[u8], cause: Cause) -> Option<Bytes> {
    let Review { request } = serde_json::from_slice(body).ok()?;
    let review = Denied {
        api_version: "admission.k8s.io/v1",
        kind: "AdmissionReview",
        response: Response {
            uid: &request.uid,
            allowed: false,
            status: cause.status(),
        },
    };
    serde_json::to_vec(&review).ok().map(Bytes::from)
}

#[derive(Deserialize)]
struct Review {
    request: Request,
}

#[derive(Deserialize)]
struct Request {
    uid: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Denied<'a> {
    api_version: &'static str,
    kind: &'static str,
    response: Response<'a>,
}

#[derive(Serialize)]
struct Response<'a> {
    uid: &'a str,
    allowed: bool,
    status: Status,
}

#[derive(Serialize)]
struct Status {
    code: u16,
    reason: &'static str,
    message: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_is_addressed_to_the_request() {
        let body = br#"{"kind":"AdmissionReview","request":{"kind":{"kind":"Pod"},"uid":"a\"b","object":{"uid":"other"}}}"#;
        let denial: serde_json::Value =
            serde_json::from_slice(&write(body, Cause::Late).unwrap()).unwrap();
        assert_eq!(denial["response"]["uid"], "a\"b");
        assert_eq!(denial["response"]["allowed"], false);
        assert_eq!(denial["response"]["status"]["code"], 504);
        assert_eq!(denial["apiVersion"], "admission.k8s.io/v1");
    }

    #[test]
    fn what_names_no_request_gets_no_denial() {
        let deep = "[".repeat(100_000);
        for body in [
            "",
            "{}",
            "null",
            r#"{"request":{}}"#,
            r#"{"request":{"uid":7}}"#,
            r#"{"request":{"uid":"a"}"#,
            &deep,
        ] {
            assert!(write(body.as_bytes(), Cause::Panic).is_none());
        }
    }
}
