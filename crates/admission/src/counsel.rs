//! Who is asked about vulnerabilities, and what softens the answer.

use std::sync::Arc;

use cise_advisor::Advise;

use crate::admitted::AlreadyAdmitted;
use crate::sources::ExemptionSource;

/// Whom to ask whether images are safe, and what is exempted.
#[derive(Clone)]
pub struct Counsel {
    /// The advisor.
    pub advisor: Arc<dyn Advise>,
    /// The exemptions in force.
    pub exemptions: Arc<dyn ExemptionSource>,
    /// What was admitted before is admitted again for some time, if that is wanted.
    pub admitted: Option<AlreadyAdmitted>,
}
