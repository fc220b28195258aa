//! `AdmissionReview` (admission.k8s.io/v1) as the API server sends it.

use std::borrow::Cow;
use std::fmt;

use cise_signature::SideEffects;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json::{self, JsonError, Map};
use crate::text::Text;

/// The largest body that is read, in bytes. The API server accepts objects of 3 MiB, and a review holds at most two of
/// them with what surrounds them.
pub const MAX_BODY: usize = 8 * 1024 * 1024;

const API_VERSION: &str = "admission.k8s.io/v1";
const KIND: &str = "AdmissionReview";

/// The request of a review: the fields that decide, borrowed from the body. Objects stay unread.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Review<'a> {
    /// Identifies the request; the answer repeats it.
    #[serde(borrow)]
    pub uid: Text<'a>,
    /// Kind of the object in the request.
    #[serde(borrow, deserialize_with = "json::map")]
    pub kind: ObjectKind<'a>,
    /// Resource that is requested.
    #[serde(borrow, deserialize_with = "json::map")]
    pub resource: Resource<'a>,
    /// Subresource, such as `status`; absent for the resource itself.
    #[serde(borrow, default)]
    pub sub_resource: Option<Text<'a>>,
    /// Name of the object; absent where the API server will generate one.
    #[serde(borrow, default)]
    pub name: Option<Text<'a>>,
    /// Namespace of the request; absent for cluster-scoped objects.
    #[serde(borrow, default)]
    pub namespace: Option<Text<'a>>,
    /// What is done to the object.
    pub operation: Operation,
    /// Who asks.
    #[serde(borrow, deserialize_with = "json::map")]
    pub user_info: UserInfo<'a>,
    /// The object as it will be, if nobody changes it further.
    #[serde(borrow, default)]
    pub object: Option<&'a RawValue>,
    /// The object as it is.
    #[serde(borrow, default)]
    pub old_object: Option<&'a RawValue>,
    /// Whether nothing of this request will be stored.
    #[serde(default)]
    pub dry_run: Option<bool>,
}

/// Group, version and kind of an object.
#[derive(Clone, Debug, Deserialize)]
#[expect(
    missing_docs,
    reason = "the names are those of the Kubernetes API, which defines them"
)]
pub struct ObjectKind<'a> {
    #[serde(borrow)]
    pub group: Text<'a>,
    #[serde(borrow)]
    pub version: Text<'a>,
    #[serde(borrow)]
    pub kind: Text<'a>,
}

/// Group, version and plural name of a resource.
#[derive(Clone, Debug, Deserialize)]
#[expect(
    missing_docs,
    reason = "the names are those of the Kubernetes API, which defines them"
)]
pub struct Resource<'a> {
    #[serde(borrow)]
    pub group: Text<'a>,
    #[serde(borrow)]
    pub version: Text<'a>,
    #[serde(borrow)]
    pub resource: Text<'a>,
}

/// What is done to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(
    missing_docs,
    reason = "the names are those of the Kubernetes API, which defines them"
)]
pub enum Operation {
    Create,
    Update,
    Delete,
    Connect,
}

/// Who sent the request to the API server.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct UserInfo<'a> {
    /// Name of the user.
    #[serde(borrow, default)]
    pub username: Text<'a>,
    /// Groups of the user.
    #[serde(borrow, default)]
    pub groups: Option<Vec<Text<'a>>>,
}

/// A body that is no review that can be judged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct Rejected {
    /// The request's uid where it can still be found, so that a denial can be addressed.
    pub uid: Option<String>,
    /// What is wrong with the body.
    #[source]
    pub error: ReviewError,
}

/// What is wrong with the body of a request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReviewError {
    /// The body exceeds [`MAX_BODY`].
    #[error("the body has {size} bytes; at most {MAX_BODY} are read")]
    TooLarge {
        /// Size of the body in bytes.
        size: usize,
    },
    /// The body is not JSON, or a field has another type than the API gives it.
    #[error("the AdmissionReview cannot be read: {0}")]
    Malformed(JsonError),
    /// The body is another kind of object.
    #[error("expected {API_VERSION} {KIND}, found {found}")]
    OtherType {
        /// Version and kind that were found.
        found: String,
    },
    /// The review carries no request.
    #[error("the AdmissionReview has no request")]
    NoRequest,
    /// Without a uid no answer can be addressed.
    #[error("the AdmissionReview's request has an empty uid")]
    NoUid,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    #[serde(borrow)]
    api_version: Cow<'a, str>,
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    request: Option<Map<Review<'a>>>,
}

impl Operation {
    /// The operation as the API server spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
            Self::Connect => "CONNECT",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<'a> Review<'a> {
    /// Reads the body of a request.
    pub fn read(body: &'a [u8]) -> Result<Self, Rejected> {
        Self::read_unaddressed(body).map_err(|error| Rejected {
            uid: if body.len() > MAX_BODY {
                None
            } else {
                find_uid(body)
            },
            error,
        })
    }

    /// Whether the answer may leave traces: a dry run must not.
    pub(crate) fn side_effects(&self) -> SideEffects {
        if self.dry_run == Some(true) {
            SideEffects::Forbidden
        } else {
            SideEffects::Allowed
        }
    }

    fn read_unaddressed(body: &'a [u8]) -> Result<Self, ReviewError> {
        if body.len() > MAX_BODY {
            return Err(ReviewError::TooLarge { size: body.len() });
        }
        let envelope: Envelope<'a> = json::read(body).map_err(ReviewError::Malformed)?;
        if envelope.api_version != API_VERSION || envelope.kind != KIND {
            let found = format!("{} {}", envelope.api_version, envelope.kind);
            return Err(ReviewError::OtherType {
                found: crate::text::shown(&found, 100).to_string(),
            });
        }
        let Map(review) = envelope.request.ok_or(ReviewError::NoRequest)?;
        if review.uid.is_empty() {
            return Err(ReviewError::NoUid);
        }
        Ok(review)
    }
}

/// The uid of a review whose other fields may be anything.
fn find_uid(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Envelope {
        request: Request,
    }
    #[derive(Deserialize)]
    struct Request {
        uid: String,
    }
    // A uid is 36 characters long; what is much longer is none, and would only blow up the answer.
    let envelope: Envelope = serde_json::from_slice(body).ok()?;
    Some(envelope.request.uid).filter(|uid| !uid.is_empty() && uid.len() <= 128)
}
