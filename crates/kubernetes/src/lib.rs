//! The cluster as a source of policies, secrets and trust, and this program as a citizen of the cluster.
//!
//! A [`Cluster`] is the way to its API server. [`PolicyWatch`] keeps the policies of all namespaces at hand and follows their
//! changes; [`ClusterSecrets`] reads secrets and service accounts when they are needed; [`ConfigMapStore`] remembers which
//! trust roots were seen, and [`AdmissionConfigMaps`] which images were admitted; [`NodeWatch`] knows the platforms of the nodes,
//! and [`RunningImages`] lists the images of all pods.
//! [`definitions`] are the resources that a cluster must know before it can have policies.
//!
//! What makes it a citizen: [`Leadership`] says which one of the replicas acts for all; [`CertificateKeeper`] makes the
//! certificate that they show; [`Registrar`] tells the API server to call them; [`make_default_policies`] gives a fresh
//! installation something to begin with; [`remove_webhooks`] and [`remove_state`] leave nothing behind. [`Callers`] tells whose
//! token it is that a caller shows.

mod admissions;
mod callers;
mod certificates;
mod cluster;
mod consulted;
mod crds;
mod defaults;
mod endpoints;
mod error;
mod exemptions;
mod installation;
mod leadership;
mod lookup;
mod nodes;
mod overview;
mod records;
mod registration;
mod removal;
mod resource;
mod running;
mod secrets;
mod source;
mod trust_store;

pub use admissions::AdmissionConfigMaps;
pub use callers::{CallerError, Callers};
pub use certificates::{CertificateKeeper, ServingCertificate};
pub use cluster::{Access, Cluster};
pub use consulted::{ADVISOR_PAGE, Consulted, Said};
pub use crds::{definitions, exemption_definitions};
pub use defaults::{Defaults, default_policies_were_made, make_default_policies};
pub use endpoints::Endpoints;
pub use error::Error;
pub use exemptions::{ExemptionKind, ExemptionWatch};
pub use installation::{Deleted, InstalledObject};
pub use leadership::Leadership;
pub use nodes::NodeWatch;
pub use overview::{Configured, Overview, Probe, Replicas};
pub use registration::{
    FailurePolicy, OpenNamespaces, OptOut, OwnPods, OwnPodsError, PolicyHook, Registered,
    Registrar, RegistrationSettings, RegistrationStatus,
};
pub use removal::{remove_state, remove_webhooks};
pub use resource::{PolicyKind, PolicyResource};
pub use running::{RunningImages, RunningPage};
pub use secrets::ClusterSecrets;
pub use source::{Failing, Listing, PolicyWatch, ResourceStatus, Status};
pub use trust_store::ConfigMapStore;
