//! A server that runs for one test.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use cise_server::audit::Record;
use cise_server::{
    Answer, Certificates, Hooks, Limits, Metrics, Reviewer, SelfSigned, Unfinished, serve,
};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;

pub(crate) const REVIEW: &str =
    r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u-1"}}"#;

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) ca_pem: String,
    pub(crate) metrics: Arc<Metrics>,
    /// One permit lets one call of `/gated` through.
    pub(crate) gate: Arc<Semaphore>,
    shutdown: oneshot::Sender<()>,
    served: JoinHandle<Result<(), Unfinished>>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(Limits::default()).await
    }

    pub(crate) async fn with(limits: Limits) -> Self {
        let pair = SelfSigned::new(&["localhost".to_owned()]).unwrap();
        let certificates = Arc::new(Certificates::new(pair.identity().unwrap()));
        Self::showing(certificates, pair.ca_pem, limits).await
    }

    pub(crate) async fn showing(
        certificates: Arc<Certificates>,
        ca_pem: String,
        limits: Limits,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let metrics = Arc::new(Metrics::new());
        let gate = Arc::new(Semaphore::new(0));
        let hooks = Hooks::new(
            Scripted {
                gate: Arc::clone(&gate),
            },
            Arc::clone(&metrics),
            limits,
        );
        let (shutdown, told) = oneshot::channel();
        let served = tokio::spawn(serve(listener, certificates, hooks, async {
            let _ = told.await;
        }));
        Self {
            address,
            ca_pem,
            metrics,
            gate,
            shutdown,
            served,
        }
    }

    /// Waits until the metrics have this line.
    pub(crate) async fn until(&self, line: &str) {
        while !self.metrics.text().lines().any(|has| has == line) {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    }

    /// Tells the server to shut down; what comes back ends when it has.
    pub(crate) fn shut_down(self) -> JoinHandle<Result<(), Unfinished>> {
        self.shutdown.send(()).unwrap();
        self.served
    }

    /// Drops the server, as at a second signal.
    pub(crate) async fn drop_at_once(self) {
        self.served.abort();
        assert!(self.served.await.unwrap_err().is_cancelled());
    }
}

/// What the paths do.
#[derive(Clone, Copy)]
pub(crate) enum Hook {
    Allow,
    Deny,
    Gated,
    Malformed,
    Never,
    Panic,
}

const PATHS: [(&str, Hook); 6] = [
    ("/allow", Hook::Allow),
    ("/deny", Hook::Deny),
    ("/gated", Hook::Gated),
    ("/malformed", Hook::Malformed),
    ("/never", Hook::Never),
    ("/panic", Hook::Panic),
];

struct Scripted {
    gate: Arc<Semaphore>,
}

impl Reviewer for Scripted {
    type Hook = Hook;

    fn hook(path: &str) -> Option<Hook> {
        PATHS
            .iter()
            .find(|(known, _)| *known == path)
            .map(|(_, hook)| *hook)
    }

    fn path(hook: Hook) -> &'static str {
        PATHS[hook as usize].0
    }

    async fn review(&self, hook: Hook, body: Bytes, deadline: Instant) -> Answer {
        assert!(deadline > Instant::now());
        match hook {
            Hook::Allow => echo(body, true),
            Hook::Deny => echo(body, false),
            Hook::Gated => {
                self.gate.acquire().await.unwrap().forget();
                echo(body, true)
            }
            Hook::Malformed => Answer::Malformed("line 1: expected an AdmissionReview".into()),
            Hook::Never => std::future::pending().await,
            Hook::Panic => panic!("as scripted"),
        }
    }
}

fn echo(body: Bytes, allowed: bool) -> Answer {
    let record = Record {
        uid: "u-1".into(),
        namespace: "default".into(),
        kind: "v1/Pod".into(),
        name: String::new(),
        operation: "CREATE".into(),
        user: "alice".into(),
        dry_run: false,
        allowed,
        images: Vec::new(),
        reasons: Vec::new(),
    };
    Answer::Reviewed {
        body,
        record: Box::new(record),
    }
}
