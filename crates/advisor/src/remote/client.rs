//! The side that asks.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use bytes::Bytes;
use cise_registry::{
    Deadline, FetchError, FlightBounds, FlightError, Flights, Freshness, Party, Progress, Service,
    Step,
};
use futures::future::BoxFuture;
use jiff::Timestamp;
use moka::sync::Cache;
use secrecy::SecretString;

use super::wire::{Answered, Asked, Code, Confidential, Declined, MAX_ANSWER, MAX_PLATFORMS, PATH};
use crate::assessment::{Assessment, Examination, Gate, Rules};
use crate::excerpt::one_line;
use crate::inventory::Platform;
use crate::memory::weight;
use crate::service::{ImageKey, KEPT_FOR, Verdicts, age};
use crate::{Advise, Question, Sample, Unadvised, Urgency};

/// The most bytes of a file with a token.
const MAX_TOKEN: u64 = 64 << 10;

/// How whoever asks another program for advice does it.
#[derive(Clone, Debug)]
pub struct RemoteSettings {
    /// Where the service is, for people as long as nobody vouches for it.
    pub url: Arc<str>,
    /// The file with the token that is shown to it, read at each question, since tokens are renewed there.
    pub token_file: PathBuf,
    /// The platforms whose images are judged; none, as long as they are not known: [`Remote::judge_for`] says them then.
    pub platforms: Option<Vec<Platform>>,
    /// How much may be asked at one time.
    pub flights: FlightBounds,
    /// How many bytes of examinations are kept, and of verdicts.
    pub kept: u64,
}

/// An advisor that is another program. Cloning shares what is kept of its answers.
///
/// What it has said of an image is kept for ten minutes, or until it names another advisory database. That admits an image
/// without another question, and refuses none. While the service cannot be reached, what is kept counts for both, and everything
/// else has no answer.
#[derive(Clone)]
pub struct Remote {
    settings: Arc<RemoteSettings>,
    platforms: Arc<ArcSwapOption<Arc<[Platform]>>>,
    service: Arc<ArcSwapOption<Service>>,
    examined: Cache<Key, Arc<Examined>>,
    database: Arc<ArcSwap<Option<Arc<str>>>>,
    flights: Flights<Errands, Result<Arc<Examined>, Unadvised>>,
    verdicts: Verdicts,
}

/// What an examination is of.
type Key = (ImageKey, Rules);

/// What is asked at one time: whoever waits does not join a question that gives way to others.
type Errands = (Key, Urgency);

/// An answer, when it came, and on what database it rests.
struct Examined {
    examination: Arc<Examination>,
    database: Arc<str>,
    came_at: Timestamp,
}

/// One question on its way.
struct Errand {
    remote: Remote,
    json: SecretBody,
    deadline: Deadline,
    now: Timestamp,
}

/// A body with credentials in it.
struct SecretBody(Bytes);

impl Remote {
    /// One whose service is not known yet: [`reach`](Self::reach) says how it is reached.
    pub fn new(settings: RemoteSettings) -> Self {
        let weigh = |_: &Key, kept: &Arc<Examined>| weight(kept.examination.weight());
        let kept = Cache::builder()
            .weigher(weigh)
            .max_capacity(settings.kept)
            .time_to_live(KEPT_FOR);
        Self {
            platforms: Arc::new(ArcSwapOption::from_pointee(
                settings.platforms.clone().map(Arc::from),
            )),
            service: Arc::default(),
            examined: kept.build(),
            database: Arc::default(),
            flights: Flights::new(settings.flights),
            verdicts: Verdicts::new(settings.kept, KEPT_FOR),
            settings: Arc::new(settings),
        }
    }

    /// From now on the service is reached in this way. What is kept of its answers stays.
    pub fn reach(&self, service: Service) {
        self.service.store(Some(Arc::new(service)));
    }

    /// From now on images are judged for these platforms. What was found out about others is no answer any more. There is no answer at all
    /// as long as they are more than [`MAX_PLATFORMS`].
    pub fn judge_for(&self, platforms: Vec<Platform>) {
        let platforms: Arc<[Platform]> = platforms.into();
        self.platforms.store(Some(Arc::new(platforms)));
    }

    /// What is kept admits, and does not refuse: before somebody is refused the service is asked, unless it cannot be reached.
    async fn assess(&self, question: Question<'_>) -> Result<Arc<Assessment>, Unadvised> {
        let platforms = self.platforms()?;
        let sample = question.sample(&platforms);
        let key = (ImageKey::of(&sample), sample.rules.clone());
        let kept = match question.freshness {
            Freshness::Kept => self.kept(&key, &sample),
            Freshness::Fresh => None,
        };
        let kept = kept.map(|kept| self.verdicts.draw(&kept, &question));
        let kept = kept.transpose()?;
        if let Some(kept) = &kept
            && kept.gate(question.rules) == Gate::Admit
        {
            return Ok(Arc::clone(kept));
        }
        match (self.ask(&question, &sample, key).await, kept) {
            (Err(Unadvised::Unreachable { .. }), Some(kept)) => Ok(kept),
            (answered, _) => self.verdicts.draw(&answered?, &question),
        }
    }

    /// What passes on some of the platforms may not pass on those that cannot be asked about.
    fn platforms(&self) -> Result<Arc<Arc<[Platform]>>, Unadvised> {
        let platforms = self.platforms.load_full().ok_or(Unadvised::NoPlatforms)?;
        match platforms.len() {
            found if found > MAX_PLATFORMS => Err(Unadvised::ManyPlatforms {
                found,
                most: MAX_PLATFORMS,
            }),
            _ => Ok(platforms),
        }
    }

    fn kept(&self, key: &Key, sample: &Sample<'_>) -> Option<Arc<Examination>> {
        let kept = self.examined.get(key)?;
        self.holds(&kept, sample)
            .then(|| Arc::clone(&kept.examination))
    }

    async fn ask(
        &self,
        question: &Question<'_>,
        sample: &Sample<'_>,
        key: Key,
    ) -> Result<Arc<Examination>, Unadvised> {
        let errand = Errand {
            remote: self.clone(),
            json: SecretBody::of(question, sample)?,
            deadline: sample.caller.deadline,
            now: sample.now,
        };
        let party = Party::new(&self.settings.url, sample.caller.namespace);
        let (of, errands) = (key.clone(), (key, sample.urgency));
        let flight = self
            .flights
            .join(errands, &party, move |progress| async move {
                errand.run(of, &progress).await
            })?;
        match flight.by(sample.caller.deadline).await {
            Ok(answered) => answered.map(|examined| Arc::clone(&examined.examination)),
            Err(FlightError::Late(_)) => Err(self.unreachable("it did not answer in time")),
            Err(error) => Err(error.into()),
        }
    }

    /// Is it of the database that the service named last, and no older than it may be?
    fn holds(&self, kept: &Examined, sample: &Sample<'_>) -> bool {
        let is_young = age(kept.came_at, sample.now).is_some_and(|age| age < KEPT_FOR);
        is_young && (**self.database.load()).as_ref() == Some(&kept.database)
    }

    fn keep(&self, key: Key, answered: Answered, now: Timestamp) -> Arc<Examined> {
        let examined = Arc::new(Examined {
            examination: Arc::new(answered.examination),
            database: Arc::clone(&answered.database),
            came_at: now,
        });
        self.database.store(Arc::new(Some(answered.database)));
        self.examined.insert(key, Arc::clone(&examined));
        examined
    }

    async fn token(&self) -> Result<SecretString, Unadvised> {
        let file = &self.settings.token_file;
        let failed = |why: io::Error| {
            let file = file.display();
            self.unreachable(format!("the token in {file} cannot be read: {why}"))
        };
        let token = read_token(file.clone()).await.map_err(failed)?;
        Ok(token)
    }

    fn declined(&self, status: u16, body: &[u8]) -> Unadvised {
        let Ok(declined) = serde_json::from_slice::<Declined>(body) else {
            return self.unreachable(format!("it answered with status {status}"));
        };
        match declined.code {
            Code::NoDatabase => {
                self.database.store(Arc::default());
                Unadvised::NoDatabase
            }
            Code::Indexing => Unadvised::Indexing(declined.progress),
            Code::Credentials => Unadvised::Unseen(one_line(&declined.message).into()),
            Code::Busy => Unadvised::Busy(one_line(&declined.message).into()),
            Code::Image | Code::Malformed | Code::Internal => {
                Unadvised::Declined(one_line(&declined.message).into())
            }
        }
    }

    fn unreachable(&self, why: impl fmt::Display) -> Unadvised {
        Unadvised::Unreachable {
            service: Arc::clone(&self.settings.url),
            why: why.to_string(),
        }
    }
}

impl Advise for Remote {
    fn advise<'a>(
        &'a self,
        question: Question<'a>,
    ) -> BoxFuture<'a, Result<Arc<Assessment>, Unadvised>> {
        Box::pin(self.assess(question))
    }
}

impl Errand {
    async fn run(self, key: Key, progress: &Progress) -> Result<Arc<Examined>, Unadvised> {
        let service = self.remote.service.load_full().ok_or_else(|| {
            self.remote
                .unreachable("nobody vouches for its certificate yet")
        })?;
        progress.reached(Step::Ask, service.host());
        let token = self.remote.token().await?;
        let path = format!("{PATH}?timeout={}ms", self.milliseconds());
        let reply = service
            .post(&path, &token, self.json.0, MAX_ANSWER, self.deadline)
            .await
            .map_err(|error: FetchError| self.remote.unreachable(error.reason))?;
        match reply.status {
            200 => match serde_json::from_slice::<Answered>(&reply.body) {
                Ok(answered) => Ok(self.remote.keep(key, answered, self.now)),
                Err(error) => Err(self.remote.unreachable(format!(
                    "its answer cannot be read: {}",
                    one_line(&error.to_string())
                ))),
            },
            status => Err(self.remote.declined(status, &reply.body)),
        }
    }

    /// How long the service may take. Zero is no time that it knows.
    fn milliseconds(&self) -> u128 {
        self.deadline.remaining().min(LONGEST).as_millis().max(1)
    }
}

/// The longest that a service is asked to take: nobody who waits for a review waits longer.
const LONGEST: Duration = Duration::from_secs(30);

impl SecretBody {
    fn of(question: &Question<'_>, sample: &Sample<'_>) -> Result<Self, Unadvised> {
        let credentials = sample.caller.keyring.forwarded(sample.repository);
        let asked = Asked {
            reference: sample.repository.as_str().into(),
            digest: question.digest.as_str().into(),
            platforms: Some(sample.platforms.to_vec()),
            namespace: sample.caller.namespace.into(),
            rules: sample.rules.clone(),
            urgency: sample.urgency,
            credentials: credentials.into_iter().map(Confidential).collect(),
        };
        let json = serde_json::to_vec(&asked).map_err(|_| Unadvised::Lost)?;
        Ok(Self(json.into()))
    }
}

async fn read_token(file: PathBuf) -> io::Result<SecretString> {
    let reading = tokio::task::spawn_blocking(move || {
        use std::io::Read as _;
        let mut token = String::new();
        let read = std::fs::File::open(file)?
            .take(MAX_TOKEN)
            .read_to_string(&mut token)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(SecretString::from(token.trim().to_owned()))
    });
    reading.await.map_err(io::Error::other)?
}

#[cfg(test)]
mod tests {
    use cise_registry::Amount;

    use super::*;
    use crate::remote::DeskReply;

    fn remote() -> Remote {
        Remote::new(RemoteSettings {
            url: "https://advisor.example.com".into(),
            token_file: PathBuf::new(),
            platforms: Some(Vec::new()),
            flights: FlightBounds::default(),
            kept: 1 << 20,
        })
    }

    #[test]
    fn more_platforms_than_can_be_asked_about_give_no_answer() {
        let remote = remote();
        let platforms = |count: usize| -> Vec<Platform> {
            let names = (0..count).map(|number| format!("a{number}"));
            names
                .map(|name| Platform::new("linux", &name, ""))
                .collect()
        };
        for (count, is_answered) in [(MAX_PLATFORMS, true), (MAX_PLATFORMS + 1, false)] {
            remote.judge_for(platforms(count));
            let many = Unadvised::ManyPlatforms {
                found: count,
                most: MAX_PLATFORMS,
            };
            assert_eq!(remote.platforms().err(), (!is_answered).then_some(many));
        }
    }

    #[test]
    fn what_keeps_an_image_from_being_judged_comes_across_with_how_far_it_is() {
        let remote = remote();
        let amount = Amount {
            done: 300 << 20,
            total: 2 << 30,
        };
        for error in [
            Unadvised::NoDatabase,
            Unadvised::Indexing(None),
            Unadvised::Indexing(Some(amount)),
            Unadvised::Unseen("access is denied".into()),
            Unadvised::Busy("too many questions".into()),
            Unadvised::Declined("no manifest".into()),
        ] {
            let reply = DeskReply::unadvised(&error);
            assert_eq!(remote.declined(reply.status, &reply.body), error);
        }
        let said = Unadvised::Indexing(Some(amount)).to_string();
        assert_eq!(
            said,
            "the image is being scanned, 300.0 MiB of 2.0 GiB so far; the result will answer the next request"
        );
    }
}
