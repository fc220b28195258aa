//! Which distribution, and which release of it, an image is made of.

use serde::{Deserialize, Serialize};

/// What an image's `os-release` says. Empty where a field is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Release {
    /// `ID`, in lower case: `debian`, `alpine`, `rhel`.
    pub id: Box<str>,
    /// `VERSION_ID`: `12`, `3.20.1`, `9.4`.
    pub version: Box<str>,
    /// `VERSION_CODENAME`: `bookworm`.
    pub codename: Box<str>,
    /// `PRETTY_NAME`, for people.
    pub pretty: Box<str>,
    /// `CPE_NAME`, by which some feeds tell products apart.
    pub cpe: Box<str>,
}
