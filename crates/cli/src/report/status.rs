//! The exit status of a check.

use std::process::ExitCode;

use cise_admission::{ImageDecision, Reason};
use cise_registry::Fault;
use cise_signature::RefusalKind;

/// How a check went, from good to bad: what could not be decided hides what may have been refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Status {
    Allowed,
    Denied,
    Undecided,
}

impl Status {
    /// How it went for all of these images.
    pub(crate) fn of<'d>(images: impl Iterator<Item = &'d ImageDecision>) -> Self {
        images.map(Self::of_image).max().unwrap_or(Self::Allowed)
    }

    /// How it went for one image.
    pub(super) fn of_image(image: &ImageDecision) -> Self {
        let statuses = image
            .complaints()
            .iter()
            .map(|complaint| Self::because_of(&complaint.reason));
        statuses.max().unwrap_or(Self::Allowed)
    }

    /// What a reason says: that the image must not run, or that nobody could find out.
    fn because_of(reason: &Reason) -> Self {
        let is_decided = match reason {
            Reason::Trust(refusal) => refusal.kind() != RefusalKind::Undecided,
            Reason::Unresolved(error) => error.fault() == Fault::Credentials,
            Reason::Unadvised(error) => error.is_of_credentials(),
            Reason::InvalidReference(_)
            | Reason::NoImage
            | Reason::PolicyUnreadable { .. }
            | Reason::SecretsUnreadable(_)
            | Reason::AdvisorRules(_)
            | Reason::Late { .. }
            | Reason::NotChecked(_)
            | Reason::Internal => false,
            _ => true,
        };
        if is_decided {
            Self::Denied
        } else {
            Self::Undecided
        }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        match status {
            Status::Allowed => Self::SUCCESS,
            Status::Denied => Self::from(1),
            Status::Undecided => Self::from(2),
        }
    }
}

#[cfg(test)]
mod tests {
    use cise_admission::Requirement;
    use cise_reference::Host;

    use super::*;

    #[test]
    fn a_reason_says_no_or_that_nobody_could_find_out() {
        let registry = Host::parse("registry.example.com").unwrap();
        for (reason, status) in [
            (Reason::NoPolicies, Status::Denied),
            (Reason::NotPinned, Status::Denied),
            (Reason::NotVerifiable(Requirement::Cosign), Status::Denied),
            (Reason::AdvisorNotConfigured { registry }, Status::Denied),
            (Reason::NoImage, Status::Undecided),
            (Reason::NotChecked(Requirement::Trust), Status::Undecided),
            (Reason::Internal, Status::Undecided),
        ] {
            assert_eq!(Status::because_of(&reason), status, "{reason:?}");
        }
    }

    #[test]
    fn what_is_undecided_hides_what_is_denied() {
        assert!(Status::Undecided > Status::Denied && Status::Denied > Status::Allowed);
    }
}
