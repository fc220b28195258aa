//! What was decided about a policy or an exemption that somebody wants to store.

use super::object::StoredObject;
use super::refusal::PolicyRefusal;
use super::sentences;
use super::warning::PolicyWarning;

/// What was decided about a policy or an exemption.
#[derive(Clone, Debug)]
pub struct PolicyDecision {
    /// Which one, as `ImagePolicy team/web`; nothing where that could not be told.
    pub object: Option<StoredObject>,
    /// Why it is not stored; if there is nothing, it is.
    pub refusal: Option<PolicyRefusal>,
    /// What its author should know.
    pub warnings: Vec<PolicyWarning>,
}

impl PolicyDecision {
    /// That this is stored, with nothing to say about it.
    pub(crate) fn admission(object: StoredObject) -> Self {
        Self {
            object: Some(object),
            refusal: None,
            warnings: Vec::new(),
        }
    }

    /// Whether it may be stored.
    pub fn is_allowed(&self) -> bool {
        self.refusal.is_none()
    }

    /// Why not, and what was warned of: each code once.
    pub fn codes(&self) -> Vec<&'static str> {
        let refusal = self.refusal.iter().map(PolicyRefusal::code);
        let mut codes: Vec<&'static str> = Vec::new();
        for code in refusal.chain(self.warnings.iter().map(PolicyWarning::code)) {
            if !codes.contains(&code) {
                codes.push(code);
            }
        }
        codes
    }

    /// The warnings, each on one line.
    pub(crate) fn warning_lines(&self) -> Vec<String> {
        let warnings = self.warnings.iter().take(crate::messages::MAX_WARNINGS);
        warnings.map(sentences::warning).collect()
    }
}
