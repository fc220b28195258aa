//! The verifier: what it keeps, what it shares between requests, and when it asks the trust server.

use std::sync::Arc;

use cise_reference::Reference;
use cise_registry::{
    ByteLimit, Deadline, Fingerprint, FlightBounds, FlightError, Flights, Http, Keyring, Party,
    Progress, Room, Standing,
};
use jiff::{SignedDuration, Timestamp};
use moka::sync::Cache;

use super::client::Client;
use super::denial::{Denial, Reason};
use super::file::{Answer, FileName, Files};
use super::offload::Offload;
use super::preset::Presets;
use super::repository::{Finding, TrustedRepository};
use super::requirement::Requirement;
use super::server::{Choice, TrustServers};
use super::tuf::{self, RoleName};
use super::workflow::{self, Assignment, Outcome, Stop};
use crate::store::{Stored, TrustStore, Written};
use crate::{Evidence, Gun, PinKey, Refusal, SideEffects};

/// How often a record may change under our hands before we give up.
const MAX_CONFLICTS: usize = 8;

/// Verifies images by Docker Content Trust. Cloning shares what it keeps.
#[derive(Clone)]
pub struct Notary(Arc<Inner>);

struct Inner {
    http: Http,
    store: Arc<dyn TrustStore>,
    servers: TrustServers,
    presets: Arc<Presets>,
    settings: NotarySettings,
    room: Room,
    offload: Offload,
    kept: Cache<Key, Arc<Kept>>,
    flights: Flights<(Key, SideEffects), Result<Arc<Kept>, Reason>>,
}

/// What a verifier may keep and do.
#[derive(Debug, Clone, Copy)]
pub struct NotarySettings {
    /// How long a timestamp is trusted without asking the trust server again.
    pub timestamp_trust: SignedDuration,
    /// How many bytes of verified repositories are kept, about.
    pub kept_bytes: u64,
    /// How much metadata may be held at one time until it is verified, over all trust servers.
    pub room: ByteLimit,
    /// How much of it may be from one trust server.
    pub room_per_host: ByteLimit,
    /// How much may be under way.
    pub flights: FlightBounds,
}

impl Default for NotarySettings {
    fn default() -> Self {
        Self {
            timestamp_trust: SignedDuration::from_secs(60),
            kept_bytes: 32 << 20,
            room: ByteLimit::mebibytes(64),
            room_per_host: ByteLimit::mebibytes(24),
            flights: FlightBounds::default(),
        }
    }
}

/// An image, and what content trust has to say about it.
#[derive(Clone, Copy)]
pub struct Question<'q> {
    /// The image.
    pub image: &'q Reference,
    /// What is required.
    pub requirement: &'q Requirement,
    /// The pull credentials.
    pub keyring: &'q Keyring,
    /// The Kubernetes namespace on whose behalf it is asked.
    pub namespace: &'q str,
    /// The time at which the metadata must hold.
    pub now: Timestamp,
    /// Until when the answer is needed.
    pub deadline: Deadline,
    /// Whether trust may be recorded.
    pub side_effects: SideEffects,
}

/// Everything on which a verified repository depends.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    server: Arc<str>,
    standing: Standing,
    pin: PinKey,
    credentials: Fingerprint,
    roles: Arc<[RoleName]>,
}

/// A verified and recorded repository, and when the trust server last confirmed that it is the newest.
struct Kept {
    repository: TrustedRepository,
    checked_at: Timestamp,
}

impl Notary {
    /// A verifier that asks `servers` by `http`, remembers trust in `store`, and holds roots against `presets`.
    pub fn new(
        http: Http,
        store: Arc<dyn TrustStore>,
        servers: TrustServers,
        presets: Presets,
        settings: NotarySettings,
    ) -> Self {
        let kept = Cache::builder()
            .weigher(weight)
            .max_capacity(settings.kept_bytes)
            .build();
        let flights = Flights::new(settings.flights);
        Self(Arc::new(Inner {
            http,
            store,
            servers,
            presets: Arc::new(presets),
            settings,
            room: Room::new(settings.room, settings.room_per_host),
            offload: Offload::new(),
            kept,
            flights,
        }))
    }

    /// Whether the image is signed as required.
    ///
    /// A repository that the trust server confirmed a short while ago is not asked for again; but nothing is refused
    /// by what is kept alone. However many requests wait for one repository, it is verified once.
    pub async fn verify(&self, question: &Question<'_>) -> Result<Evidence, Refusal> {
        let gun = Gun::of(question.image.repository());
        let choice = self.choice(question, &gun)?;
        let server = choice.server().clone();
        let address: Arc<str> = server.url().as_str().into();
        let denied = |reason| Refusal::from(Denial::new(&address, &gun, reason));

        let candidates = question.keyring.candidates(question.image.repository());
        let key = Key {
            server: Arc::clone(&address),
            standing: server.standing(),
            pin: choice.pin(gun.clone()),
            credentials: candidates.fingerprint(),
            roles: Arc::clone(question.requirement.roles()),
        };
        if let Some(kept) = self.0.fresh(&key, question.now)
            && let Ok(finding) = kept.answer(question)
        {
            return Ok(kept.evidence(finding, &key));
        }
        let party = Party::new(&server.host(), question.namespace);
        let client = Client {
            http: self.0.http.clone(),
            server,
            gun: gun.clone(),
            candidates,
            room: self.0.room.clone(),
            offload: self.0.offload.clone(),
            party: party.clone(),
            progress: Progress::new(),
            deadline: Deadline::after(self.0.settings.flights.longest),
        };
        let kept = self
            .confirmed(key.clone(), client, &party, question)
            .await
            .map_err(denied)?;
        let finding = kept.answer(question).map_err(denied)?;
        Ok(kept.evidence(finding, &key))
    }

    /// How many verified repositories are kept.
    pub fn kept(&self) -> u64 {
        let kept = &self.0.kept;
        kept.run_pending_tasks();
        kept.entry_count()
    }

    fn choice(&self, question: &Question<'_>, gun: &Gun) -> Result<Choice, Refusal> {
        let registry = question.image.repository().host();
        let named = question.requirement.server();
        match self
            .0
            .servers
            .find(registry, named, self.0.http.registries())
        {
            Some(Ok(choice)) => Ok(choice),
            Some(Err(error)) => {
                let address: Arc<str> = named.map_or_else(
                    || registry.as_str().into(),
                    |named| named.to_string().into(),
                );
                Err(Denial::new(&address, gun, Reason::Server(error.to_string())).into())
            }
            None => Err(Refusal::UnsupportedRegistry {
                registry: registry.as_str().into(),
            }),
        }
    }

    /// The repository as the trust server has it now, by the one flight that all share who ask for the same.
    async fn confirmed(
        &self,
        key: Key,
        client: Client,
        party: &Party,
        question: &Question<'_>,
    ) -> Result<Arc<Kept>, Reason> {
        let (inner, now, side_effects) = (Arc::clone(&self.0), question.now, question.side_effects);
        let flight = self.0.flights.join(
            (key.clone(), side_effects),
            party,
            move |progress| async move {
                let client = Client { progress, ..client };
                inner.confirm(&key, &client, now, side_effects).await
            },
        )?;
        flight
            .by(question.deadline)
            .await
            .map_err(FlightError::into)
            .and_then(|landed: Result<_, Reason>| landed)
    }
}

impl Inner {
    fn fresh(&self, key: &Key, now: Timestamp) -> Option<Arc<Kept>> {
        let kept = self.kept.get(key)?;
        let age = now.duration_since(kept.checked_at);
        (!age.is_negative() && age < self.settings.timestamp_trust).then_some(kept)
    }

    async fn confirm(
        &self,
        key: &Key,
        client: &Client,
        now: Timestamp,
        side_effects: SideEffects,
    ) -> Result<Arc<Kept>, Reason> {
        let confirmed = self
            .confirm_kept_or_verify(key, client, now, side_effects)
            .await;
        match &confirmed {
            // What a dry run verified is not recorded, so that nothing may rest on it.
            Ok(_) if side_effects == SideEffects::Forbidden => {}
            Ok(kept) if kept.repository.is_whole() => {
                self.kept.insert(key.clone(), Arc::clone(kept));
            }
            Ok(_) | Err(Reason::Metadata { .. } | Reason::NoTrustData | Reason::Store(_)) => {
                self.kept.invalidate(key);
            }
            Err(_) => {}
        }
        confirmed
    }

    async fn confirm_kept_or_verify(
        &self,
        key: &Key,
        client: &Client,
        now: Timestamp,
        side_effects: SideEffects,
    ) -> Result<Arc<Kept>, Reason> {
        let mut files = Files::default();
        let Some(kept) = self
            .kept
            .get(key)
            .filter(|kept| kept.repository.holds_at(now))
        else {
            let (stored, fetched) = futures::join!(
                self.store.load(&key.pin),
                client.fetch(workflow::first_files(&key.roles))
            );
            files.extend(fetched);
            return self
                .verify(key, client, files, stored?, now, side_effects)
                .await;
        };
        let name = FileName::Current(RoleName::timestamp());
        let (stored, answer) = futures::join!(self.store.load(&key.pin), client.get(&name));
        let stored = stored?;
        let unchanged = matches!(&answer, Answer::Bytes(bytes) if tuf::sha256(bytes) == *kept.repository.timestamp());
        if unchanged && kept.repository.is_recorded_in(stored.as_ref()) {
            return Ok(Arc::new(Kept {
                repository: kept.repository.clone(),
                checked_at: now,
            }));
        }
        let others = workflow::first_files(&key.roles)
            .into_iter()
            .filter(|other| *other != name);
        files.extend(client.fetch(others.collect()).await);
        files.extend([(name, answer)]);
        self.verify(key, client, files, stored, now, side_effects)
            .await
    }

    /// Verifies the repository in full and records it, before anybody is told.
    async fn verify(
        &self,
        key: &Key,
        client: &Client,
        mut files: Files,
        mut stored: Option<Stored>,
        now: Timestamp,
        side_effects: SideEffects,
    ) -> Result<Arc<Kept>, Reason> {
        for _ in 0..MAX_CONFLICTS {
            let assignment = Assignment {
                pin: key.pin.clone(),
                server: Arc::clone(&key.server),
                delegations: Arc::clone(&key.roles),
                trusted: stored.as_ref().map(|stored| stored.state.clone()),
                presets: Arc::clone(&self.presets),
                now,
            };
            let outcome = client
                .verify(assignment, &mut files)
                .await
                .map_err(|stop| reason(stop, key.pin.gun()))?;
            if self
                .record(&key.pin, stored.as_ref(), &outcome, side_effects)
                .await?
                == Written::Done
            {
                return Ok(Arc::new(Kept {
                    repository: outcome.repository,
                    checked_at: now,
                }));
            }
            stored = self.store.load(&key.pin).await?;
        }
        Err(Reason::Contended)
    }

    async fn record(
        &self,
        pin: &PinKey,
        before: Option<&Stored>,
        outcome: &Outcome,
        side_effects: SideEffects,
    ) -> Result<Written, Reason> {
        match before {
            _ if side_effects == SideEffects::Forbidden => Ok(Written::Done),
            None => Ok(self.store.create(pin, &outcome.state).await?),
            Some(before) if before.state == outcome.state => Ok(Written::Done),
            Some(before) => Ok(self
                .store
                .replace(pin, &before.revision, &outcome.state)
                .await?),
        }
    }
}

impl Kept {
    fn answer(&self, question: &Question<'_>) -> Result<Finding, Reason> {
        self.repository
            .evaluate(question.image, question.requirement.signers(), question.now)
    }

    fn evidence(&self, finding: Finding, key: &Key) -> Evidence {
        Evidence::ContentTrust {
            digest: finding.digest,
            target: finding.target,
            released_by: finding.released_by,
            signers: finding.signers,
            trust_server: Arc::clone(&key.server),
            repository: key.pin.gun().as_str().into(),
            root_version: self.repository.root_version(),
            checked_at: self.checked_at,
        }
    }
}

fn reason(stop: Stop, gun: &Gun) -> Reason {
    match stop {
        Stop::NoTrustData => Reason::NoTrustData,
        Stop::Problem(problem) => problem.into(),
        Stop::Failed(error) => Reason::Fetch { error },
        Stop::Needs(files) => {
            tracing::warn!(%gun, ?files, "a repository keeps needing more files");
            Reason::Endless
        }
    }
}

fn weight(key: &Key, kept: &Arc<Kept>) -> u32 {
    let key = 256 + key.pin.gun().as_str().len() + key.server.len() + key.roles.len() * 32;
    u32::try_from(key)
        .unwrap_or(u32::MAX)
        .saturating_add(kept.repository.weight())
}
