//! What the server says while it runs: the log on standard error, and the audit log on standard output.

use std::io::{self, IsTerminal};

use clap::ValueEnum;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::terminal::{self, Style};

/// How much the log says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// Starts both logs: the log as text for a terminal and as JSON for a collector, the audit log as JSON.
pub(crate) fn start(level: LogLevel) {
    let filter = Targets::new()
        .with_default(LevelFilter::WARN.min(level.filter()))
        .with_target("cise", level.filter())
        .with_target(cise_server::audit::TARGET, LevelFilter::OFF);
    let log = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    let log = if io::stderr().is_terminal() {
        log.with_target(false)
            .with_ansi(Style::of(&io::stderr()) == Style::Coloured)
            .boxed()
    } else {
        log.json().flatten_event(true).boxed()
    };
    tracing_subscriber::registry()
        .with(log.with_filter(filter))
        .with(cise_server::audit::layer(io::stdout))
        .init();
}

/// Tells of something that is worked without: in the log, where there is one, else on standard error.
pub(crate) fn warn(what: &str) {
    if tracing::dispatcher::has_been_set() {
        tracing::warn!("{what}");
    } else {
        terminal::tell(&format!("warning: {what}"));
    }
}

impl LogLevel {
    fn filter(self) -> LevelFilter {
        match self {
            Self::Error => LevelFilter::ERROR,
            Self::Warn => LevelFilter::WARN,
            Self::Info => LevelFilter::INFO,
            Self::Debug => LevelFilter::DEBUG,
            Self::Trace => LevelFilter::TRACE,
        }
    }
}
