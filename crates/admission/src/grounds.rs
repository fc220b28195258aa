//! Why a request was admitted or denied.

use crate::gate::decision::PolicyDecision;
use crate::verdict::Decision;

/// Why a request was admitted or denied.
#[derive(Debug)]
pub enum Grounds {
    /// It cannot bring or change an image, or what a policy or an exemption says.
    NoImages,
    /// Its images were judged.
    Judged(Decision),
    /// The policy or exemption that is to be stored was judged.
    OfPolicy(PolicyDecision),
    /// It, or the object in it, could not be judged.
    NotJudged {
        /// The reason in kebab case.
        code: &'static str,
        /// The message of the denial.
        message: String,
    },
}

impl Grounds {
    /// Whether a request is admitted on these grounds.
    pub fn allow(&self) -> bool {
        match self {
            Self::NoImages => true,
            Self::Judged(decision) => decision.is_allowed(),
            Self::OfPolicy(decision) => decision.is_allowed(),
            Self::NotJudged { .. } => false,
        }
    }
}
