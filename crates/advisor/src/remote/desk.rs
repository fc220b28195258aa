//! The side that answers.

use std::sync::Arc;

use cise_policy::Namespace;
use cise_reference::{Digest, Reference};
use cise_registry::{Caller, Deadline, FlightError, Keyring};
use jiff::Timestamp;
use secrecy::SecretString;

use super::turns::Turns;
use super::wire::{Answered, Asked, Code, Declined, MAX_CREDENTIALS, MAX_PLATFORMS};
use crate::assessment::Rules;
use crate::excerpt::one_line;
use crate::inventory::{InventoryError, Platform};
use crate::{Advisor, Sample, Unadvised, Urgency};

/// Answers the questions of other programs about images.
#[derive(Clone)]
pub struct Desk {
    advisor: Advisor,
    turns: Turns,
}

/// An answer in JSON, and the status of HTTP that says which kind it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeskReply {
    /// 200 for an answer, 400 for what is no question, 503 for what may be answered later.
    pub status: u16,
    /// The body.
    pub body: Vec<u8>,
}

/// A question that was read in full.
struct Question {
    image: Reference,
    digest: Digest,
    platforms: Option<Arc<[Platform]>>,
    namespace: Namespace,
    rules: Rules,
    urgency: Urgency,
    keyring: Keyring,
}

impl Desk {
    /// One behind which that advisor sits.
    pub fn new(advisor: Advisor) -> Self {
        Self {
            advisor,
            turns: Turns::default(),
        }
    }

    /// The answer to a question, by `deadline`. What is in an image that takes longer is found out all the same, for the next
    /// one who asks.
    pub async fn answer(&self, body: &[u8], now: Timestamp, deadline: Deadline) -> DeskReply {
        let question = match Question::read(body) {
            Ok(question) => question,
            Err(why) => return DeskReply::declined(400, Code::Malformed, &why),
        };
        let Some(_turn) = self.turns.take(&question.namespace) else {
            let namespace = question.namespace.as_str();
            let why = format!("too many questions of namespace {namespace} are open; try again");
            return DeskReply::declined(503, Code::Busy, &why);
        };
        match self.examine(&question, now, deadline).await {
            Ok(answered) => DeskReply::answered(&answered),
            Err(error) => DeskReply::unadvised(&error),
        }
    }

    /// The database is named before it is asked: one that comes into use meanwhile has the answer dropped, not believed too long.
    async fn examine(
        &self,
        question: &Question,
        now: Timestamp,
        deadline: Deadline,
    ) -> Result<Answered, Unadvised> {
        let database = self.advisor.database().ok_or(Unadvised::NoDatabase)?;
        let sample = Sample {
            repository: question.image.repository(),
            digest: &question.digest,
            platforms: question
                .platforms
                .as_ref()
                .unwrap_or_else(|| self.advisor.platforms()),
            caller: Caller {
                keyring: &question.keyring,
                namespace: question.namespace.as_str(),
                deadline,
            },
            rules: &question.rules,
            urgency: question.urgency,
            now,
        };
        let examination = self.advisor.examine(&sample).await?;
        Ok(Answered {
            database: database.status().digest.to_string().into(),
            examination: Arc::unwrap_or_clone(examination),
        })
    }
}

impl Question {
    fn read(body: &[u8]) -> Result<Self, String> {
        let asked: Asked = serde_json::from_slice(body).map_err(|error| unread(&error))?;
        at_most("credentials", asked.credentials.len(), MAX_CREDENTIALS)?;
        let platforms = asked.platforms.as_ref().map_or(0, Vec::len);
        at_most("platforms", platforms, MAX_PLATFORMS)?;
        let credentials: Vec<SecretString> =
            asked.credentials.into_iter().map(|one| one.0).collect();
        Ok(Self {
            image: Reference::parse(&asked.reference)
                .map_err(|error| format!("reference: {error}"))?,
            digest: Digest::parse(&asked.digest).map_err(|error| format!("digest: {error}"))?,
            platforms: asked.platforms.map(Into::into),
            namespace: Namespace::parse(&asked.namespace)
                .map_err(|error| format!("namespace: {error}"))?,
            rules: asked.rules,
            urgency: asked.urgency,
            keyring: Keyring::of_forwarded("the question", &credentials)
                .map_err(|error| format!("credentials: {error}"))?,
        })
    }
}

/// Where it cannot be read, not what is there: that may be a credential.
fn unread(error: &serde_json::Error) -> String {
    format!(
        "it is not a question of this version: line {}, column {}",
        error.line(),
        error.column()
    )
}

fn at_most(field: &str, count: usize, limit: usize) -> Result<(), String> {
    if count <= limit {
        Ok(())
    } else {
        Err(format!("{field}: {count}, expected at most {limit}"))
    }
}

fn code(error: &Unadvised) -> Code {
    match error {
        Unadvised::NoDatabase => Code::NoDatabase,
        Unadvised::Indexing(_) | Unadvised::Flight(FlightError::Late(_)) => Code::Indexing,
        Unadvised::Busy(_)
        | Unadvised::Flight(FlightError::HostBusy { .. } | FlightError::NamespaceBusy { .. })
        | Unadvised::Inventory(InventoryError::Busy(_)) => Code::Busy,
        _ if error.is_of_credentials() => Code::Credentials,
        Unadvised::Inventory(_)
        | Unadvised::Unproven(_)
        | Unadvised::Unseen(_)
        | Unadvised::Reference(_)
        | Unadvised::Declined(_) => Code::Image,
        Unadvised::Flight(_)
        | Unadvised::NoPlatforms
        | Unadvised::ManyPlatforms { .. }
        | Unadvised::Unreachable { .. }
        | Unadvised::Lost => Code::Internal,
    }
}

impl DeskReply {
    fn answered(answered: &Answered) -> Self {
        match serde_json::to_vec(answered) {
            Ok(body) => Self { status: 200, body },
            Err(error) => Self::declined(503, Code::Internal, &error.to_string()),
        }
    }

    /// What keeps an image from being examined, as whoever asks reads it.
    pub(super) fn unadvised(error: &Unadvised) -> Self {
        let progress = match error {
            Unadvised::Indexing(amount) => *amount,
            _ => None,
        };
        Self::of(
            503,
            &Declined {
                code: code(error),
                message: one_line(&error.to_string()),
                progress,
            },
        )
    }

    fn declined(status: u16, code: Code, why: &str) -> Self {
        Self::of(
            status,
            &Declined {
                code,
                message: one_line(why),
                progress: None,
            },
        )
    }

    fn of(status: u16, declined: &Declined) -> Self {
        Self {
            status,
            // It has nothing that cannot be written as JSON.
            body: serde_json::to_vec(declined).unwrap_or_default(),
        }
    }
}
