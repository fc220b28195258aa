//! A hostile answer costs no more memory than its bound. It has a process of its own, whose memory is measured.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::fs;
use std::time::Duration;

use bytes::Bytes;
use cise_policy::HostPattern;
use cise_reference::{Repository, Tag};
use cise_registry::{
    Caller, Deadline, Freshness, Http, Keyring, Outbound, Proxies, Registries, Registry,
    RegistryLimits, RegistrySettings, Security,
};
use futures::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// The most memory that this process has had, in KiB; nothing where the system does not tell.
fn peak() -> Option<usize> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Answers every request with a body without end.
async fn endless() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let host = listener.local_addr().expect("an address").to_string();
    tokio::spawn(async move {
        let junk = Bytes::from(vec![b'['; 64 * 1024]);
        while let Ok((mut stream, _)) = listener.accept().await {
            let junk = junk.clone();
            tokio::spawn(async move {
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream
                    .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
                    .await;
                while stream.write_all(&junk).await.is_ok() {}
            });
        }
    });
    host
}

#[tokio::test]
async fn endless_answers_take_no_more_than_their_bounds() {
    const REQUESTS: usize = 8;
    let host = endless().await;
    let outbound = Outbound::new(Proxies::default());
    let pattern = HostPattern::parse(&host).expect("a pattern");
    let settings =
        RegistrySettings::new(pattern, &outbound, &Security::PlainHttp).expect("settings");
    let registries = Registries::new(&outbound, vec![settings]).expect("registries");
    let limits = RegistryLimits::default();
    let registry = Registry::new(Http::new(registries, limits.flights), limits);
    let Some(before) = peak() else {
        println!("skipped: this system does not tell how much memory a process has had");
        return;
    };
    let keyring = Keyring::empty();
    let caller = Caller {
        keyring: &keyring,
        namespace: "team",
        deadline: Deadline::after(Duration::from_secs(30)),
    };
    for _ in 0..4 {
        let repositories: Vec<_> = (0..REQUESTS)
            .map(|number| Repository::parse(&format!("{host}/app{number}")).expect("a repository"))
            .collect();
        let asked = repositories.iter().map(|repository| {
            registry.resolve(repository, &Tag::LATEST, Freshness::Fresh, &caller)
        });
        assert!(join_all(asked).await.iter().all(|result| {
            result
                .as_ref()
                .is_err_and(|e| e.to_string().contains("4 MiB"))
        }));
    }
    let grown = peak().expect("it told before") - before;
    // Twice the bound, because a buffer that grows is there twice for a moment; and some for the connections.
    assert!(
        grown < REQUESTS * 2 * 4 * 1024 + 8 * 1024,
        "grown by {grown} KiB"
    );
}
