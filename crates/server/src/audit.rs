//! The audit log: one line of JSON for each decision.
//!
//! Decisions are events of `tracing` under the target [`TARGET`]; [`layer`] writes them as bare lines. A subscriber that
//! writes a program's own log leaves that target to it.

use std::borrow::Cow;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

/// The `tracing` target of decisions.
pub const TARGET: &str = "audit";

/// One decision: who wanted what, and the answer. Serialized as the audit log has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// The request's uid.
    pub uid: String,
    /// The namespace of the object; empty where it has none.
    pub namespace: String,
    /// The kind of the object, as `group/version/Kind` (`v1/Pod`).
    pub kind: String,
    /// The name of the object; empty where the API server is yet to generate it.
    pub name: String,
    /// The operation: `CREATE` or `UPDATE`.
    pub operation: String,
    /// The user who asked.
    pub user: String,
    /// Whether nothing will be stored, whatever the answer.
    pub dry_run: bool,
    /// Whether the request was allowed.
    pub allowed: bool,
    /// The images that were judged.
    pub images: Vec<Image>,
    /// The codes of what speaks against the request. They may be there in an answer that allows: a policy can ask for a
    /// warning only.
    pub reasons: Vec<Cow<'static, str>>,
}

/// One image of a [`Record`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Image {
    /// The reference, as the object has it.
    pub image: String,
    /// The digest that was verified, if any was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Whether this image was admitted.
    pub allowed: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    time: Timestamp,
    hook: &'static str,
    #[serde(flatten)]
    record: &'a Record,
    milliseconds: u128,
}

/// Writes one decision to the log.
pub(crate) fn log(hook: &'static str, record: &Record, took: Duration) {
    if !tracing::enabled!(target: TARGET, Level::INFO) {
        return;
    }
    let line = Line {
        time: Timestamp::now(),
        hook,
        record,
        milliseconds: took.as_millis(),
    };
    match serde_json::to_string(&line) {
        Ok(line) => tracing::info!(target: TARGET, line),
        Err(error) => tracing::error!(%error, uid = record.uid, "a decision cannot be logged"),
    }
}

/// A layer that writes decisions, and nothing else, to `writer`: a line each.
pub fn layer<S, W>(writer: W) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'w> MakeWriter<'w> + 'static,
{
    Lines(writer).with_filter(Targets::new().with_target(TARGET, LevelFilter::INFO))
}

struct Lines<W>(W);

impl<S: Subscriber, W: for<'w> MakeWriter<'w> + 'static> Layer<S> for Lines<W> {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        event.record(&mut LineTo(&self.0));
    }
}

struct LineTo<'a, W>(&'a W);

impl<'a, W: MakeWriter<'a>> Visit for LineTo<'a, W> {
    fn record_str(&mut self, field: &Field, line: &str) {
        if field.name() != "line" {
            return;
        }
        // One call, so that lines of several threads do not mix.
        if let Err(error) =
            std::io::Write::write_all(&mut self.0.make_writer(), format!("{line}\n").as_bytes())
        {
            tracing::error!(%error, "the audit log cannot be written");
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[test]
    fn a_decision_is_one_line_of_json_and_other_events_are_none() {
        let written = Buffer::default();
        let log_to = written.clone();
        let subscriber = tracing_subscriber::registry().with(layer(move || log_to.clone()));
        tracing::subscriber::with_default(subscriber, || {
            log("/trust", &record(), Duration::from_millis(12));
            tracing::info!(line = "not a decision");
        });
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        insta::with_settings!({filters => vec![(r#""time":"[^"]+""#, r#""time":"…""#)]}, {
            insta::assert_snapshot!(text, @r#"{"time":"…","hook":"/trust","uid":"705ab4f5-6393-11e8-b7cc-42010a800002","namespace":"default","kind":"v1/Pod","name":"two\nlines","operation":"CREATE","user":"alice","dryRun":false,"allowed":false,"images":[{"image":"nginx","allowed":false}],"reasons":["no-policy"],"milliseconds":12}"#);
        });
    }

    fn record() -> Record {
        Record {
            uid: "705ab4f5-6393-11e8-b7cc-42010a800002".into(),
            namespace: "default".into(),
            kind: "v1/Pod".into(),
            name: "two\nlines".into(),
            operation: "CREATE".into(),
            user: "alice".into(),
            dry_run: false,
            allowed: false,
            images: vec![Image {
                image: "nginx".into(),
                digest: None,
                allowed: false,
            }],
            reasons: vec!["no-policy".into()],
        }
    }

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
}
