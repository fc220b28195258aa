use std::sync::Arc;

use jiff::Timestamp as Moment;

use super::{Outcome, Stop, Task, foreseen, verify};
use crate::PinKey;
use crate::notary::file::Files;
use crate::notary::preset::Presets;
use crate::notary::tuf::RoleName;
use crate::store::TrustState;

/// A [`Task`] that can be taken to another thread.
pub(crate) struct Assignment {
    pub(crate) pin: PinKey,
    pub(crate) server: Arc<str>,
    pub(crate) delegations: Arc<[RoleName]>,
    pub(crate) trusted: Option<TrustState>,
    pub(crate) presets: Arc<Presets>,
    pub(crate) now: Moment,
}

impl Assignment {
    /// Verifies the repository with the files at hand. Where some are missing, names all that can be foreseen to be.
    pub(crate) fn attempt(&self, files: &Files) -> Result<Outcome, Stop> {
        let task = self.task();
        match verify(&task, files) {
            Err(Stop::Needs(mut wanted)) => {
                wanted.extend(foreseen(&task, files));
                wanted.sort();
                wanted.dedup();
                Err(Stop::Needs(wanted))
            }
            end => end,
        }
    }

    fn task(&self) -> Task<'_> {
        Task {
            pin: &self.pin,
            server: &self.server,
            delegations: &self.delegations,
            trusted: self.trusted.as_ref(),
            presets: self.presets.of(self.pin.gun()),
            now: self.now,
        }
    }
}
