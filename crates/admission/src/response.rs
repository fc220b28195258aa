//! `AdmissionReview` (admission.k8s.io/v1) as the API server is answered.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::gate::decision::PolicyDecision;
use crate::gate::refusal::PolicyRefusal;
use crate::gate::sentences;
use crate::grounds::Grounds;
use crate::messages;
use crate::patch::Patch;
use crate::text::shown;
use crate::verdict::{Decision, Enforcement, Evidence, ImageDecision};

/// The most bytes of one audit annotation.
const MAX_ANNOTATION: usize = 2048;

/// The answer to the request with this uid, on these grounds.
pub(crate) fn body(uid: &str, grounds: &Grounds) -> Vec<u8> {
    let response = match grounds {
        Grounds::NoImages => Response::allowed(uid),
        Grounds::NotJudged { message, .. } => Response::denied(uid, message.clone()),
        Grounds::Judged(decision) => Response::decided(uid, decision),
        Grounds::OfPolicy(decision) => Response::of_policy(uid, decision),
    };
    let envelope = Envelope {
        api_version: "admission.k8s.io/v1",
        kind: "AdmissionReview",
        response,
    };
    let mut body = Vec::with_capacity(1024);
    // Writing strings and numbers to memory cannot fail. If it did, the cut text would be no answer, which denies.
    if serde_json::to_writer(&mut body, &envelope).is_err() {
        body.clear();
    }
    body
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope<'a> {
    api_version: &'static str,
    kind: &'static str,
    response: Response<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Response<'a> {
    uid: &'a str,
    allowed: bool,
    // The API server refuses a patch without its type, and a type without a patch.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    patch: Option<EncodedPatch>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audit_annotations: Option<Annotations>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EncodedPatch {
    patch_type: &'static str,
    patch: String,
}

#[derive(Serialize)]
struct Status {
    #[serde(rename = "status")]
    outcome: &'static str,
    code: u16,
    reason: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<Details>,
}

/// What `kubectl` shows of an object that is to be corrected, as it does with what the API server itself finds wrong.
#[derive(Serialize)]
struct Details {
    group: &'static str,
    kind: &'static str,
    name: String,
    causes: [StatusCause; 1],
}

#[derive(Serialize)]
struct StatusCause {
    reason: &'static str,
    field: String,
    message: String,
}

/// The API server puts the webhook's name before each key.
#[derive(Serialize)]
struct Annotations {
    decision: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    images: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    policies: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    reasons: String,
}

impl<'a> Response<'a> {
    fn allowed(uid: &'a str) -> Self {
        Self {
            uid,
            allowed: true,
            patch: None,
            status: None,
            warnings: Vec::new(),
            audit_annotations: None,
        }
    }

    fn denied(uid: &'a str, message: String) -> Self {
        Self {
            allowed: false,
            status: Some(Status::forbidden(message)),
            ..Self::allowed(uid)
        }
    }

    fn of_policy(uid: &'a str, decision: &PolicyDecision) -> Self {
        let outcome = match &decision.refusal {
            None => Self::allowed(uid),
            Some(refusal) => Self {
                allowed: false,
                status: Some(Status::of_policy(decision, refusal)),
                ..Self::allowed(uid)
            },
        };
        Self {
            warnings: decision.warning_lines(),
            audit_annotations: Some(Annotations::of_policy(decision)),
            ..outcome
        }
    }

    fn decided(uid: &'a str, decision: &Decision) -> Self {
        let outcome = if decision.is_allowed() {
            Self {
                patch: EncodedPatch::of(&Patch::pinning(decision)),
                ..Self::allowed(uid)
            }
        } else {
            Self::denied(uid, messages::denial(decision))
        };
        Self {
            warnings: messages::warnings(decision),
            audit_annotations: Some(Annotations::of(decision)),
            ..outcome
        }
    }
}

impl EncodedPatch {
    fn of(patch: &Patch) -> Option<Self> {
        if patch.is_empty() {
            return None;
        }
        let json = serde_json::to_vec(patch).ok()?;
        Some(Self {
            patch_type: "JSONPatch",
            patch: STANDARD.encode(json),
        })
    }
}

impl Status {
    fn forbidden(message: String) -> Self {
        Self {
            outcome: "Failure",
            code: 403,
            reason: "Forbidden",
            message,
            details: None,
        }
    }

    /// Who sent what cannot be read has to correct it, and is told so in the way of a schema that is not met.
    fn of_policy(decision: &PolicyDecision, refusal: &PolicyRefusal) -> Self {
        let forbidden = Self::forbidden(sentences::refusal(decision.object.as_ref(), refusal));
        let Some((object, cause)) = decision.object.as_ref().zip(refusal.cause()) else {
            return forbidden;
        };
        Self {
            code: 422,
            reason: "Invalid",
            details: Some(Details {
                group: object.group(),
                kind: object.kind(),
                name: object.name().to_owned(),
                causes: [StatusCause {
                    reason: "FieldValueInvalid",
                    field: cause.field.to_owned(),
                    message: cause.why.to_owned(),
                }],
            }),
            ..forbidden
        }
    }
}

impl Annotations {
    fn of_policy(decision: &PolicyDecision) -> Self {
        let is_allowed = decision.is_allowed();
        Self {
            decision: if is_allowed { "allowed" } else { "denied" },
            images: String::new(),
            policies: joined(decision.object.iter().map(ToString::to_string)),
            reasons: joined(decision.codes().into_iter()),
        }
    }

    fn of(decision: &Decision) -> Self {
        let images = &decision.images;
        let decided = match decision.enforcement {
            _ if images.iter().all(ImageDecision::is_admitted) => "allowed",
            Enforcement::Refuse => "denied",
            Enforcement::Warn | Enforcement::Ignore => "warned",
        };
        let complaints = |image: &'_ ImageDecision| {
            image
                .complaints()
                .iter()
                .chain(&image.tolerated)
                .map(|one| one.reason.code())
                .chain(image.evidence.iter().filter_map(Evidence::code))
                .collect::<Vec<_>>()
        };
        Self {
            decision: decided,
            images: joined(images.iter().map(|image| match image.digest() {
                Some(digest) => format!("{} {digest}", image.image),
                None => image.image.clone(),
            })),
            policies: joined(
                images
                    .iter()
                    .flat_map(|image| image.applied.iter().map(|entry| entry.policy.clone())),
            ),
            reasons: joined(images.iter().flat_map(complaints)),
        }
    }
}

/// The distinct items, in their order, as one bounded line.
fn joined<T: AsRef<str> + PartialEq>(items: impl Iterator<Item = T>) -> String {
    let mut distinct = Vec::new();
    for item in items {
        if !distinct.contains(&item) {
            distinct.push(item);
        }
    }
    let texts: Vec<&str> = distinct.iter().map(AsRef::as_ref).collect();
    shown(&texts.join(", "), MAX_ANNOTATION).to_string()
}
