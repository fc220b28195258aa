//! The desk of the advisor, as the server sees it.

use std::time::Instant;

use bytes::Bytes;
use cise_advisor::remote::{Desk, PATH};
use cise_kubernetes::{CallerError, Callers};
use cise_registry::Deadline;
use cise_server::{CallReply, Callee, Refused, StatusCode};
use jiff::Timestamp;
use secrecy::SecretString;

/// Lets those in who may ask, and passes on what they ask.
pub(super) struct Reception {
    callers: Callers,
    desk: Desk,
}

impl Reception {
    pub(super) fn new(callers: Callers, desk: Desk) -> Self {
        Self { callers, desk }
    }
}

impl Callee for Reception {
    const PATH: &'static str = PATH;

    async fn admit(&self, token: &SecretString) -> Result<(), Refused> {
        let admitted = self.callers.admit(token).await;
        admitted.map_err(|error| match error {
            CallerError::Unknown => Refused::Unknown(error.to_string()),
            CallerError::Stranger { .. } => Refused::Forbidden(error.to_string()),
            _ => Refused::Undecided(error.to_string()),
        })
    }

    async fn call(&self, body: Bytes, deadline: Instant) -> CallReply {
        let deadline = Deadline::at(deadline.into());
        let reply = self.desk.answer(&body, Timestamp::now(), deadline).await;
        CallReply {
            status: StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            body: reply.body.into(),
        }
    }
}
