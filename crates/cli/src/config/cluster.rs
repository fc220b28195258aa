//! What makes the server a citizen of its cluster.

use std::path::PathBuf;

use cise_kubernetes::RegistrationSettings;

/// How the server enters itself in its cluster, and what it keeps there.
#[derive(Debug)]
pub(crate) struct ClusterSettings {
    pub(crate) certificate: Certificate,
    /// The name of the Secret that is filled with a certificate for the advisor, where that is a program of its own.
    pub(crate) advisor_certificate: Option<String>,
    /// The name of the Lease by which one replica acts for all.
    pub(crate) lease: String,
    pub(crate) defaults: Defaults,
    pub(crate) registration: RegistrationSettings,
}

/// Who makes the certificate of the webhooks.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Certificate {
    /// The server itself, which keeps it in the Secret of this name.
    Kept(String),
    /// Somebody else, whose authority is in this file, in PEM.
    IssuedBy(PathBuf),
}

/// Whether the default policies are made at the first start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defaults {
    Made,
    LeftOut,
}
