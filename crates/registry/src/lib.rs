//! OCI distribution client: authentication, manifests, blobs, limits, and the deadline of a request.
//!
//! Two things come first here. A credential goes to the host that it was given for and to no other, and what is kept is kept
//! for the one credential that it was fetched with. And nothing that a server says about its answer is believed: bodies are
//! bounded while they are read and hashed once they are there.
//!
//! [`Registry`] answers questions about images; [`Http`] below it fetches documents from any server that authenticates as
//! registries do, trust servers included.

mod auth;
mod channel;
mod client;
mod credential;
mod deadline;
mod egress;
mod error;
mod flight;
#[doc(hidden)]
pub mod fuzzing;
mod guard;
mod http;
mod keyring;
mod limit;
mod manifest;
mod names;
mod progress;
mod proxy;
mod room;
mod server;
mod service;
mod settings;
mod strict_json;
mod tls;

pub use auth::{ChallengeError, Scope, TokenError};
pub use channel::{Channel, ChannelError, Outbound, Scheme, Security};
pub use client::{
    Attached, Attachments, Blob, BlobCopies, Caller, Freshness, Registry, RegistryError,
    RegistryFailure, RegistryLimits, Subject,
};
pub use credential::{Candidate, Candidates, Credential, Fingerprint};
pub use deadline::{Deadline, DeadlinePassed};
pub use egress::{AddressKind, BlockedAddress, Egress};
pub use error::{Fault, FetchError, Reason, Refused};
pub use flight::{Flight, FlightBounds, FlightError, Flights, Party};
pub use http::{
    Body, Content, Document, Download, Downloaded, Fetched, Get, Http, Retries, Validators,
};
pub use keyring::{DockerConfig, DockerConfigError, Keyring};
pub use limit::ByteLimit;
pub use manifest::{Descriptor, Image, Index, Manifest, ManifestError, MediaType, Platform};
pub use names::Names;
pub use progress::{Amount, ByteCount, Demand, Pace, Progress, Step, Whereabouts};
pub use proxy::{Proxies, ProxyError};
pub use room::Room;
pub use server::{Server, ServerError, Standing};
pub use service::{Service, ServiceReply};
pub use settings::{Mirror, MirrorError, Registries, RegistrySettings};
pub use strict_json::JsonForm;
pub use tls::{Tls, TlsError};
