//! What the server counts.
//!
//! | name | labels | what |
//! |---|---|---|
//! | `cise_reviews_total` | `hook`, `outcome` | calls of a hook: `allowed`, `denied`, `malformed` (a 4xx answer), `busy` (503), `failed` (a panic, denied), `late` (past the deadline, denied) |
//! | `cise_review_duration_seconds` | `hook` | histogram, from the request's header to its answer |
//! | `cise_reviews_in_flight` | | calls in progress |
//! | `cise_unknown_paths_total` | | requests for a path that is no hook's |
//! | `cise_connections` | | open HTTPS connections |
//! | `cise_tls_handshake_failures_total` | | connections that came to no TLS session |
//! | `cise_certificate_expiry_timestamp_seconds` | | end of validity of the certificate in use, seconds since 1970 |
//! | `cise_certificate_reloads_total` | `result` | changes of the certificate files: `replaced`, or `kept` where the new pair cannot be used |
//! | `cise_policies_generation` | | how often the policies in force were replaced |
//! | `cise_policies_loaded_timestamp_seconds` | | when they were, seconds since 1970 |
//! | `cise_policies_unreadable` | | files or objects that cannot be read at present; older policies are in force |
//! | `cise_policies_age_seconds` | | for how long the policies in force may have been out of date, asked when scraped; only of a cluster |
//! | `cise_webhook_registration` | `configuration`, `state` | 1 for the state of each webhook configuration as its keeper sees it: `registered`, `deleted` (the enforcement is off), `failed`, or `unknown` (another replica is the keeper); only of a cluster |
//! | `cise_namespace_left_out` | `name` | 1 for each namespace that no webhook is called for, since its policies admit everything; told by the keeper alone |
//! | `cise_advisories_age_seconds` | | how old the oldest feed of the advisory database in use is, asked when scraped; only of an advisor that has one |
//! | `cise_advisory_pulls_total` | `result` | attempts to pull the advisory database: `written`, `unchanged`, or `failed`, where the one before stays in use |
//! | `cise_advisory_pull_succeeded_timestamp_seconds` | | the last attempt that did not fail, seconds since 1970 |
//! | `cise_advisory_pull_failed_timestamp_seconds` | | the last attempt that failed, seconds since 1970 |
//! | `cise_running_images_total` | `result` | images of pods that run, about which the advisor was asked ahead of their next pods: `known`, or `failed`, where the next pod is told why; by the replica that leads |
//! | `cise_running_images_under_way` | | 1 while they are gone through; by the replica that leads |
//! | `cise_kept_results` | `kind` | results kept in memory, counted when asked: `notary` (verified repositories), `tags` (digests of tags), `tokens` |

mod advisories;
mod registration;
mod running;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabelSet, EncodeLabelValue, EncodeMetric, LabelValueEncoder,
};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use advisories::Pulls;
use registration::Asked;
use running::Running;

pub use advisories::PullOutcome;
pub use registration::{Registration, RegistrationState};
pub use running::RunningImage;

/// Upper bounds in seconds: a warm review takes less than a millisecond, and none more than 30 seconds.
const DURATIONS: [f64; 14] = [
    0.0002, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0,
];

/// All numbers of the server, each kept where it arises and shown under `/metrics`.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    reviews: Family<ReviewLabels, Counter>,
    durations: Family<HookLabel, Histogram, fn() -> Histogram>,
    in_flight: Gauge,
    unknown_paths: Counter,
    connections: Gauge,
    handshake_failures: Counter,
    certificate_expiry: Gauge,
    certificate_reloads: Family<ReloadLabel, Counter>,
    policies_generation: Gauge,
    policies_loaded: Gauge,
    policies_unreadable: Gauge,
    policies_age: Age,
    advisories_age: Age,
    pulls: Pulls,
    running: Running,
    registration: Asked,
    kept: Kept,
}

/// How a call of a hook ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The reviewer allowed the request.
    Allowed,
    /// No decision: there was no room for it.
    Busy,
    /// The reviewer denied the request.
    Denied,
    /// The reviewer panicked, and the server denied the request.
    Failed,
    /// The reviewer missed its deadline, and the server denied the request.
    Late,
    /// No decision: the call was none that could be answered.
    Malformed,
}

impl EncodeLabelValue for Outcome {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        let name = match self {
            Self::Allowed => "allowed",
            Self::Busy => "busy",
            Self::Denied => "denied",
            Self::Failed => "failed",
            Self::Late => "late",
            Self::Malformed => "malformed",
        };
        EncodeLabelValue::encode(&name, encoder)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReviewLabels {
    hook: &'static str,
    outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct HookLabel {
    hook: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReloadLabel {
    result: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All at zero.
    pub fn new() -> Self {
        let metrics = Self {
            registry: Registry::default(),
            reviews: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(DURATIONS)),
            in_flight: Gauge::default(),
            unknown_paths: Counter::default(),
            connections: Gauge::default(),
            handshake_failures: Counter::default(),
            certificate_expiry: Gauge::default(),
            certificate_reloads: Family::default(),
            policies_generation: Gauge::default(),
            policies_loaded: Gauge::default(),
            policies_unreadable: Gauge::default(),
            policies_age: Age::new(
                "policies_age",
                "For how long the policies in force may have been out of date.",
            ),
            advisories_age: Age::new(
                "advisories_age",
                "How old the oldest feed of the advisory database in use is.",
            ),
            pulls: Pulls::default(),
            running: Running::default(),
            registration: Asked::default(),
            kept: Kept::default(),
        };
        Self {
            registry: metrics.registered(),
            ..metrics
        }
    }

    fn registered(&self) -> Registry {
        let mut registry = Registry::with_prefix("cise");
        let r = &mut registry;
        r.register(
            "reviews",
            "Calls of a hook, by outcome",
            self.reviews.clone(),
        );
        r.register_with_unit(
            "review_duration",
            "From the request's header to its answer",
            Unit::Seconds,
            self.durations.clone(),
        );
        r.register(
            "reviews_in_flight",
            "Calls of a hook in progress",
            self.in_flight.clone(),
        );
        r.register(
            "unknown_paths",
            "Requests for a path that is no hook's",
            self.unknown_paths.clone(),
        );
        r.register(
            "connections",
            "Open HTTPS connections",
            self.connections.clone(),
        );
        r.register(
            "tls_handshake_failures",
            "Connections that came to no TLS session",
            self.handshake_failures.clone(),
        );
        r.register_with_unit(
            "certificate_expiry_timestamp",
            "End of validity of the certificate in use, since 1970",
            Unit::Seconds,
            self.certificate_expiry.clone(),
        );
        r.register(
            "certificate_reloads",
            "Changes of the certificate files, by result",
            self.certificate_reloads.clone(),
        );
        r.register(
            "policies_generation",
            "How often the policies in force were replaced",
            self.policies_generation.clone(),
        );
        r.register_with_unit(
            "policies_loaded_timestamp",
            "When the policies in force were read, since 1970",
            Unit::Seconds,
            self.policies_loaded.clone(),
        );
        r.register(
            "policies_unreadable",
            "Files or objects that cannot be read at present; older policies are in force",
            self.policies_unreadable.clone(),
        );
        self.pulls.register(r);
        self.running.register(r);
        r.register_collector(Box::new(self.policies_age.clone()));
        r.register_collector(Box::new(self.advisories_age.clone()));
        r.register_collector(Box::new(self.registration.clone()));
        r.register_collector(Box::new(self.kept.clone()));
        registry
    }

    /// Everything, in the `OpenMetrics` text format.
    pub fn text(&self) -> String {
        let mut text = String::new();
        match encode(&mut text, &self.registry) {
            Ok(()) => text,
            Err(error) => {
                tracing::error!(%error, "the metrics cannot be written");
                "# EOF\n".to_owned()
            }
        }
    }

    /// New policies are in force: the `generation`th, read at `loaded`.
    pub fn policies_loaded(&self, generation: u64, loaded: SystemTime) {
        self.policies_generation
            .set(i64::try_from(generation).unwrap_or(i64::MAX));
        self.policies_loaded.set(seconds(loaded));
    }

    /// How many files or objects with policies cannot be read at present.
    pub fn policies_unreadable(&self, count: usize) {
        self.policies_unreadable
            .set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Shows for how long the policies in force may have been out of date, by asking `age` at each scrape.
    pub fn policies_age(&self, age: impl Fn() -> Duration + Send + Sync + 'static) {
        self.policies_age.ask(move || Some(age()));
    }

    /// Shows how old the oldest feed of the advisory database in use is, if there is one, by asking `age` at each scrape.
    pub fn advisories_age(&self, age: impl Fn() -> Option<Duration> + Send + Sync + 'static) {
        self.advisories_age.ask(age);
    }

    /// An attempt to pull the advisory database has ended.
    pub fn advisories_pulled(&self, outcome: PullOutcome, at: SystemTime) {
        self.pulls.attempted(outcome, at);
    }

    /// The images that run are gone through for as long as what is given lives.
    pub fn running_images_under_way(&self) -> Raised {
        self.running.begin()
    }

    /// The question about an image that runs has ended.
    pub fn running_image(&self, outcome: RunningImage) {
        self.running.ended(outcome);
    }

    /// Shows whether the API server calls the webhooks, and for which namespaces not, by asking `registration` at each scrape.
    pub fn registration(&self, registration: impl Fn() -> Registration + Send + Sync + 'static) {
        self.registration.ask(registration);
    }

    /// Shows how many results of a `kind` are kept, by asking `count` at each scrape.
    pub fn kept_results(
        &self,
        kind: &'static str,
        count: impl Fn() -> u64 + Send + Sync + 'static,
    ) {
        self.kept
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push((kind, Box::new(count)));
    }

    pub(crate) fn review(&self) -> Raised {
        Raised::new(&self.in_flight)
    }

    pub(crate) fn reviewed(&self, hook: &'static str, outcome: Outcome, took: Duration) {
        self.reviews
            .get_or_create(&ReviewLabels { hook, outcome })
            .inc();
        self.durations
            .get_or_create(&HookLabel { hook })
            .observe(took.as_secs_f64());
    }

    pub(crate) fn unknown_path(&self) {
        self.unknown_paths.inc();
    }

    pub(crate) fn connection(&self) -> Raised {
        Raised::new(&self.connections)
    }

    pub(crate) fn handshake_failed(&self) {
        self.handshake_failures.inc();
    }

    pub(crate) fn certificate_in_use(&self, expires: SystemTime) {
        self.certificate_expiry.set(seconds(expires));
    }

    /// The certificate in use has taken the place of another one.
    pub fn certificate_replaced(&self, expires: SystemTime) {
        self.certificate_in_use(expires);
        self.certificate_reloads
            .get_or_create(&ReloadLabel { result: "replaced" })
            .inc();
    }

    /// A new certificate cannot be used, and the one before is kept.
    pub fn certificate_kept(&self) {
        self.certificate_reloads
            .get_or_create(&ReloadLabel { result: "kept" })
            .inc();
    }
}

fn seconds(time: SystemTime) -> i64 {
    let since_1970 = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since_1970.as_secs()).unwrap_or(i64::MAX)
}

/// A gauge that is one higher for as long as this lives.
#[derive(Debug)]
#[must_use = "it is lower again when this is dropped"]
pub struct Raised(Gauge);

impl Raised {
    fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Raised {
    fn drop(&mut self) {
        self.0.dec();
    }
}

type AskAge = Box<dyn Fn() -> Option<Duration> + Send + Sync>;

/// An age that is taken at each scrape, once there is something to ask.
#[derive(Clone)]
struct Age {
    name: &'static str,
    help: &'static str,
    asked: Arc<Mutex<Option<AskAge>>>,
}

impl Age {
    fn new(name: &'static str, help: &'static str) -> Self {
        Self {
            name,
            help,
            asked: Arc::default(),
        }
    }

    fn ask(&self, age: impl Fn() -> Option<Duration> + Send + Sync + 'static) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        *asked = Some(Box::new(age));
    }
}

impl Collector for Age {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(age) = asked.as_ref().and_then(|age| age()) else {
            return Ok(());
        };
        let gauge = ConstGauge::new(age.as_secs_f64());
        gauge.encode(encoder.encode_descriptor(
            self.name,
            self.help,
            Some(&Unit::Seconds),
            gauge.metric_type(),
        )?)
    }
}

impl fmt::Debug for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Age")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

type Count = Box<dyn Fn() -> u64 + Send + Sync>;

/// Counts that are taken at each scrape, so that they cannot get out of step.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<(&'static str, Count)>>>);

impl Collector for Kept {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kind = ConstGauge::new(0_u64);
        let mut family = encoder.encode_descriptor(
            "kept_results",
            "Results kept in memory.",
            None,
            kind.metric_type(),
        )?;
        for (kind, count) in kept.iter() {
            ConstGauge::new(count()).encode(family.encode_family(&[("kind", *kind)])?)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_has_its_place_in_the_table() {
        let text = all_used().text();
        let table = include_str!("metrics.rs");
        for name in text
            .lines()
            .filter_map(|line| line.strip_prefix("# HELP "))
            .filter_map(|line| line.split(' ').next())
        {
            let documented = [format!("| `{name}` |"), format!("| `{name}_total` |")];
            assert!(
                documented.iter().any(|row| table.contains(row)),
                "{name} is not in the table"
            );
        }
    }

    #[test]
    fn metrics_are_written_as_open_metrics() {
        let text = all_used().text();
        for line in [
            r#"cise_reviews_total{hook="/trust",outcome="denied"} 1"#,
            r#"cise_review_duration_seconds_bucket{le="0.0025",hook="/trust"} 0"#,
            r#"cise_review_duration_seconds_bucket{le="0.005",hook="/trust"} 1"#,
            "cise_reviews_in_flight 0",
            "cise_certificate_expiry_timestamp_seconds 1700000000",
            r#"cise_certificate_reloads_total{result="kept"} 1"#,
            "cise_policies_generation 7",
            "cise_policies_loaded_timestamp_seconds 1700000000",
            "cise_policies_unreadable 1",
            "cise_policies_age_seconds 1.5",
            "cise_advisories_age_seconds 7200.0",
            r#"cise_advisory_pulls_total{result="failed"} 1"#,
            "cise_advisory_pull_succeeded_timestamp_seconds 1700000000",
            "cise_advisory_pull_failed_timestamp_seconds 1700000000",
            r#"cise_webhook_registration{configuration="mutating",state="registered"} 1"#,
            r#"cise_webhook_registration{configuration="mutating",state="deleted"} 0"#,
            r#"cise_webhook_registration{configuration="validating",state="deleted"} 1"#,
            r#"cise_namespace_left_out{name="kube-system"} 1"#,
            r#"cise_running_images_total{result="known"} 2"#,
            r#"cise_running_images_total{result="failed"} 1"#,
            "cise_running_images_under_way 0",
            r#"cise_kept_results{kind="notary"} 42"#,
            "# EOF",
        ] {
            assert!(
                text.lines().any(|has| has == line),
                "{line} is not in\n{text}"
            );
        }
    }

    fn all_used() -> Metrics {
        let metrics = Metrics::new();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        metrics.reviewed("/trust", Outcome::Denied, Duration::from_millis(3));
        metrics.certificate_in_use(time);
        metrics.certificate_replaced(time);
        metrics.certificate_kept();
        metrics.policies_loaded(7, time);
        metrics.policies_unreadable(1);
        metrics.policies_age(|| Duration::from_millis(1500));
        metrics.advisories_age(|| Some(Duration::from_secs(7200)));
        metrics.advisories_pulled(PullOutcome::Written, time);
        metrics.advisories_pulled(PullOutcome::Failed, time);
        metrics.registration(|| Registration {
            mutating: RegistrationState::Registered,
            validating: RegistrationState::Deleted,
            left_out: ["kube-system".to_owned()].into(),
        });
        for outcome in [
            RunningImage::Known,
            RunningImage::Failed,
            RunningImage::Known,
        ] {
            metrics.running_image(outcome);
        }
        drop(metrics.running_images_under_way());
        metrics.kept_results("notary", || 42);
        drop((metrics.review(), metrics.connection()));
        metrics
    }
}
