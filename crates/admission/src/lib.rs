//! Admission: which images a workload names, whether policy allows them, and the answer to the API server.
//!
//! [`Engine`] does it all for images. It gathers facts, which may fail, and hands them to a pure decision, the only place that
//! says that an image may run. Policies and secrets come through [`PolicySource`] and [`SecretSource`], the time with each
//! request. [`PolicyGate`] judges policies and exemptions themselves before they are stored.

mod admitted;
mod advice;
mod answer;
mod counsel;
mod coverage;
mod credentials;
mod decide;
mod engine;
mod facts;
mod foresight;
#[doc(hidden)]
pub mod fuzzing;
mod gate;
mod generation;
mod grounds;
mod hook;
mod image_at;
mod json;
mod kind;
mod messages;
mod patch;
mod pod;
mod reason;
mod report;
mod request;
mod requirement;
mod response;
mod review;
mod settings;
mod sources;
mod subject;
mod text;
mod verdict;
mod workload;

pub use admitted::{
    AdmissionRecord, Admitted, AdmittedImages, AlreadyAdmitted, RecordError, RecordFault, Recorded,
};
pub use answer::{Answer, AskedFor, Outcome};
pub use counsel::Counsel;
pub use coverage::{Coverage, CoverageError, Everywhere};
pub use engine::Engine;
pub use foresight::{Foreseen, Prospect};
pub use gate::{
    PolicyDecision, PolicyGate, PolicyRefusal, PolicyWarning, SecretsUnread, StoredObject,
};
pub use grounds::Grounds;
pub use hook::{Hook, Pass};
pub use image_at::{ImageAt, List};
pub use json::JsonError;
pub use kind::Kind;
pub use reason::{Reason, Step};
pub use report::{ImageReport, ReasonReport};
pub use request::{Asked, Request, RequestError};
pub use requirement::Requirement;
pub use review::{
    MAX_BODY, ObjectKind, Operation, Rejected, Resource, Review, ReviewError, UserInfo,
};
pub use settings::{Advisor, Advisors, Settings, Workloads};
pub use sources::{ExemptionSource, PolicySource, SecretData, SecretSource, SourceError};
pub use text::Text;
pub use verdict::{
    Admission, AppliedEntry, AssessmentEvidence, Complaint, Decision, Enforcement, Evidence,
    ImageDecision, Pin, Place, TagResolution, Verdict,
};
pub use workload::{MAX_IMAGES, Mirror, Workload, WorkloadError};
