//! Metadata that is as large as it may be takes no more memory than its room. It has a process of its own, whose memory is
//! measured.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cise_policy::HostPattern;
use cise_reference::Reference;
use cise_registry::{
    ByteLimit, Channel, Deadline, Egress, FlightBounds, Http, Keyring, Outbound, Proxies,
    Registries, Security,
};
use cise_signature::notary::{
    Notary, NotarySettings, Presets, Question, Requirement, Signer, SignerSecret, TrustServers,
};
use cise_signature::store::FolderStore;
use cise_signature::{Evidence, Refusal, SideEffects};
use cise_testkit::fixtures::notary::{Case, case};
use cise_testkit::scripted::Scripted;
use futures::future::join_all;
use http::StatusCode;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const ROOM_PER_HOST: usize = 8;

/// The most memory that this process has had, in KiB; nothing where the system does not tell.
fn peak() -> Option<usize> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The most bytes that a file of metadata may have.
fn limit(request: &str) -> usize {
    let sizes = [
        ("/timestamp.json", 64 << 10),
        ("/root.json", 512 << 10),
        ("/snapshot.json", 1 << 20),
    ];
    let found = sizes.iter().find(|(name, _)| request.contains(name));
    found.map_or(4 << 20, |(_, size)| *size)
}

/// Answers every request with all that such a file may have but the last byte, for which it lets wait.
async fn hostile() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(fill(stream));
        }
    });
    url
}

async fn fill(mut stream: TcpStream) {
    let mut request = vec![0; 4096];
    let read = stream.read(&mut request).await.unwrap_or(0);
    let size = limit(&String::from_utf8_lossy(&request[..read]));
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n");
    let _ = stream.write_all(head.as_bytes()).await;
    let blanks = Bytes::from(vec![b' '; 32 << 10]);
    let mut left = size - 1;
    while left > 0 {
        let part = &blanks[..left.min(blanks.len())];
        if stream.write_all(part).await.is_err() {
            return;
        }
        left -= part.len();
    }
    // Until the other side ends it.
    let _ = stream.read(&mut request).await;
}

/// A server of one good repository.
fn honest(case: &Case) -> Scripted {
    let files = case.files.clone();
    let answer = move |path: &str| {
        let name = path.split_once("/_trust/tuf/").map_or("", |(_, name)| name);
        match files.get(name) {
            Some(bytes) => (StatusCode::OK, bytes.to_vec()),
            None => (StatusCode::NOT_FOUND, Vec::new()),
        }
    };
    Scripted::start(answer).unwrap()
}

fn verifier(hostile: &str, honest: &str, state: &TempDir) -> Notary {
    let outbound = Outbound::new(Proxies::default());
    let channel = Channel::new(&outbound, &Security::PlainHttp, Egress::NamedHost).unwrap();
    let servers = TrustServers::new()
        .with(
            HostPattern::parse("hostile.example.com").unwrap(),
            hostile,
            channel.clone(),
        )
        .and_then(|table| table.with(HostPattern::parse("*").unwrap(), honest, channel));
    let registries = Registries::new(&outbound, Vec::new()).unwrap();
    let settings = NotarySettings {
        room_per_host: ByteLimit::mebibytes(ROOM_PER_HOST),
        ..NotarySettings::default()
    };
    Notary::new(
        Http::new(registries, FlightBounds::default()),
        Arc::new(FolderStore::open(state.path(), 100).unwrap()),
        servers.unwrap(),
        Presets::new(),
        settings,
    )
}

async fn ask(
    notary: &Notary,
    image: &str,
    (case, signers): (&Case, &[&str]),
    time: Duration,
) -> Result<Evidence, Refusal> {
    let signer = |name: &str| {
        let secret = SignerSecret {
            secret: name,
            name: Some(name.as_bytes()),
            public_key: Some(case.signer_keys[name].as_bytes()),
        };
        Signer::from_secret(&secret).unwrap()
    };
    let question = Question {
        image: &Reference::parse(image).unwrap(),
        requirement: &Requirement::new(None, signers.iter().map(|name| signer(name)).collect()),
        keyring: &Keyring::empty(),
        namespace: "team",
        now: case.at,
        deadline: Deadline::after(time),
        side_effects: SideEffects::Allowed,
    };
    notary.verify(&question).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metadata_at_its_bounds_takes_no_more_than_its_room_and_keeps_nobody_else_waiting() {
    const REPOSITORIES: usize = 24;
    /// The timestamp, root, snapshot, targets, releases, and the two signers.
    const FILES: usize = 7;
    let (case, state) = (case("forged/rollback"), TempDir::new().unwrap());
    let (hostile, honest) = (hostile().await, honest(&case));
    let notary = verifier(&hostile, &honest.url(), &state);
    let Some(before) = peak() else {
        println!("skipped: this system does not tell how much memory a process has had");
        return;
    };
    let images = (0..REPOSITORIES).map(|number| format!("hostile.example.com/app{number}:v1"));
    let images: Vec<_> = images.collect();
    let asked = images.iter().map(|image| {
        ask(
            &notary,
            image,
            (&case, &["alice", "bob"]),
            Duration::from_secs(5),
        )
    });
    let refused = join_all(asked).await;
    let codes: BTreeSet<_> = refused
        .iter()
        .map(|result| result.as_ref().unwrap_err().code())
        .collect();
    assert!(
        codes
            .iter()
            .all(|code| ["trust-late", "trust-busy"].contains(code)),
        "{codes:?}"
    );
    // Its flights go on and hold what they have; they hold up nobody else.
    let image = format!("{}:1.0", case.gun);
    let admitted = ask(
        &notary,
        &image,
        (&case, &["alice"]),
        Duration::from_secs(20),
    )
    .await;
    admitted.unwrap();

    let grown = peak().unwrap() - before;
    // Twice the room, because a buffer that grows is there twice for a moment; and what a connection reads ahead.
    let bound = 2 * ROOM_PER_HOST * 1024 + REPOSITORIES * FILES * 256;
    println!("grown by {grown} KiB, of which {bound} KiB may be");
    assert!(grown < bound, "grown by {grown} KiB");
}
