//! Fetching a repository's files from its trust server, and verifying them.

use std::mem;
use std::sync::Arc;

use cise_registry::{
    ByteLimit, Candidates, Deadline, FetchError, Fetched, Get, Http, Party, Progress,
    Reason as FetchReason, Room, Scope, Server,
};
use futures::StreamExt as _;
use futures::stream;

use super::file::{Answer, FileName, Files};
use super::offload::Offload;
use super::workflow::{Assignment, Outcome, Stop};
use crate::Gun;

/// How many files are fetched at one time.
const SIDE_BY_SIDE: usize = 16;

/// How often more files may turn out to be needed: for the chain of roots, for files of another time than the current
/// ones, and for each level of delegations.
const MAX_ROUNDS: usize = 12;

/// Access to one repository on one trust server, with the credentials of one caller.
#[derive(Clone)]
pub(crate) struct Client {
    pub(crate) http: Http,
    pub(crate) server: Server,
    pub(crate) gun: Gun,
    pub(crate) candidates: Candidates,
    pub(crate) room: Room,
    pub(crate) offload: Offload,
    pub(crate) party: Party,
    pub(crate) progress: Progress,
    pub(crate) deadline: Deadline,
}

impl Client {
    /// Verifies the repository with `files` and whatever else turns out to be needed, which is added to them.
    pub(crate) async fn verify(
        &self,
        assignment: Assignment,
        files: &mut Files,
    ) -> Result<Outcome, Stop> {
        let assignment = Arc::new(assignment);
        for _ in 0..MAX_ROUNDS {
            match self.attempt(&assignment, files).await {
                Err(Stop::Needs(wanted)) => files.extend(self.fetch(wanted).await),
                end => return end,
            }
        }
        self.attempt(&assignment, files).await
    }

    async fn attempt(
        &self,
        assignment: &Arc<Assignment>,
        files: &mut Files,
    ) -> Result<Outcome, Stop> {
        let (assignment, at_hand) = (Arc::clone(assignment), mem::take(files));
        let size = at_hand.size();
        let work = move || (assignment.attempt(&at_hand), at_hand);
        let (attempt, at_hand) = self.offload.run(size, work).await;
        *files = at_hand;
        attempt
    }

    /// Fetches files side by side. Each has its answer, so that only those that are needed can fail the verification.
    pub(crate) async fn fetch(&self, names: Vec<FileName>) -> Vec<(FileName, Answer)> {
        let each = names.into_iter().map(|name| async {
            let answer = self.get(&name).await;
            (name, answer)
        });
        stream::iter(each)
            .buffer_unordered(SIDE_BY_SIDE)
            .collect()
            .await
    }

    /// Fetches one file.
    pub(crate) async fn get(&self, name: &FileName) -> Answer {
        let get = Get {
            server: &self.server,
            path: &format!("/v2/{}/_trust/tuf/{name}", self.gun),
            accept: "application/json",
            scope: &Scope::pull_named(self.gun.as_str()),
            candidates: &self.candidates,
            party: &self.party,
            progress: &self.progress,
            limit: ByteLimit::bytes(name.limit()),
            room: Some(&self.room),
            deadline: self.deadline,
        };
        match self.http.get(get).await {
            Ok(Fetched::Found(document)) => Answer::Bytes(document.body),
            Ok(Fetched::NotFound) => Answer::NotFound,
            Err(FetchError {
                reason: FetchReason::TooLarge(_),
                ..
            }) => Answer::TooLarge,
            Err(error) => Answer::Failed(Arc::new(error)),
        }
    }
}
