use smallvec::SmallVec;

use crate::Specificity;

/// The positions of entries that are equally specific, in ascending order. Hardly ever are there more than a few.
pub(crate) type Ties = SmallVec<[usize; 4]>;

/// An entry that may match.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub(super) position: usize,
    pub(super) specificity: Specificity,
}

/// The most specific entries that a search has found to match so far.
pub(super) struct Best<M> {
    matches: M,
    specificity: Option<Specificity>,
    positions: Ties,
}

impl<M: Fn(usize) -> bool> Best<M> {
    pub(super) fn new(matches: M) -> Self {
        Self {
            matches,
            specificity: None,
            positions: Ties::new(),
        }
    }

    /// Is something known that is more specific than this?
    pub(super) fn beats(&self, specificity: Specificity) -> bool {
        self.specificity > Some(specificity)
    }

    /// Considers an entry that nothing known beats.
    pub(super) fn consider(&mut self, candidate: Candidate) {
        if !(self.matches)(candidate.position) {
            return;
        }
        if self.specificity < Some(candidate.specificity) {
            self.specificity = Some(candidate.specificity);
            self.positions.clear();
        }
        self.positions.push(candidate.position);
    }

    pub(super) fn into_ties(mut self) -> Ties {
        self.positions.sort_unstable();
        self.positions
    }
}
