use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cise_policy::HostPattern;
use cise_registry::{
    Outbound, Proxies, Reason, Registries, RegistryLimits, RegistrySettings, Security,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;

#[test]
fn a_source_is_a_url_a_preset_or_a_path() {
    let debian = "https://osv-vulnerabilities.storage.googleapis.com/Debian/all.zip";
    let rocky = "https://osv-vulnerabilities.storage.googleapis.com/Rocky%20Linux/all.zip";
    let other = "https://mirror.example.com/all.zip?x=/y";
    let table = [
        ("osv:Debian", Some((debian, "Debian.zip"))),
        (debian, Some((debian, "Debian.zip"))),
        ("osv:Rocky Linux", Some((rocky, "Rocky Linux.zip"))),
        ("kev", Some((KEV, "known_exploited_vulnerabilities.json"))),
        ("end-of-life", Some((END_OF_LIFE, "full"))),
        (other, Some((other, "mirror.example.com.zip"))),
        ("http://a/../..", Some(("http://a/../..", "source"))),
        ("http://a/.hidden", Some(("http://a/.hidden", "source"))),
        ("Debian.zip", None),
        ("./osv:Debian", None),
        ("ftp://a/b", None),
    ];
    for (text, expected) in table {
        let address = Address::parse(text);
        let found = address
            .as_ref()
            .map(|found| (found.url(), found.file_name()));
        let expected = expected.map(|(url, name)| (url, name.to_owned()));
        assert_eq!(found, expected, "{text}");
    }
}

/// A server of one file that knows its `ETag`; and how often it has sent the file.
struct Peer {
    address: Address,
    host: String,
    answer: Arc<Mutex<Vec<u8>>>,
    sent: Arc<AtomicUsize>,
}

impl Peer {
    async fn start(content: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = format!("localhost:{}", listener.local_addr().unwrap().port());
        let answer = Arc::new(Mutex::new(content.as_bytes().to_vec()));
        let sent = Arc::new(AtomicUsize::new(0));
        let (content, count) = (Arc::clone(&answer), Arc::clone(&sent));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut asked = vec![0; 4096];
                let length = stream.read(&mut asked).await.unwrap_or(0);
                let asked = String::from_utf8_lossy(&asked[..length]).to_lowercase();
                let body = content.lock().unwrap().clone();
                let etag = Sha256::of(&body).digest().hex().to_owned();
                let reply = if asked.contains(&format!("if-none-match: \"{etag}\"")) {
                    b"HTTP/1.1 304 Not Modified\r\nConnection: close\r\n\r\n".to_vec()
                } else if asked.starts_with("get /debian/all.zip ") {
                    count.fetch_add(1, Ordering::Relaxed);
                    let head = format!(
                        "HTTP/1.1 200 OK\r\nConnection: close\r\nETag: \"{etag}\"\r\n\
                         Last-Modified: Tue, 24 Nov 2026 06:00:00 GMT\r\nContent-Length: {}\r\n\r\n",
                        body.len()
                    );
                    [head.into_bytes(), body].concat()
                } else {
                    b"HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
                        .to_vec()
                };
                let _ = stream.write_all(&reply).await;
            }
        });
        Self {
            address: Address::parse(&format!("http://{host}/Debian/all.zip")).unwrap(),
            host,
            answer,
            sent,
        }
    }

    fn http(&self) -> Http {
        let outbound = Outbound::new(Proxies::default());
        let host = HostPattern::parse(&self.host).unwrap();
        let settings = RegistrySettings::new(host, &outbound, &Security::PlainHttp).unwrap();
        let registries = Registries::new(&outbound, vec![settings]).unwrap();
        Http::new(registries, RegistryLimits::default().flights)
    }

    async fn fetch(&self, output: &Path) -> Result<Copy, DownloadError> {
        let deadline = Deadline::after(Duration::from_secs(20));
        fetch(&self.address, output, &self.http(), deadline).await
    }

    fn sent(&self) -> usize {
        self.sent.load(Ordering::Relaxed)
    }
}

#[tokio::test]
async fn a_source_is_fetched_again_only_if_it_changed() {
    let (peer, folder) = (Peer::start("monday").await, tempfile::tempdir().unwrap());
    let output = folder.path().join("advisories.db");
    let first = peer.fetch(&output).await.unwrap();
    assert_eq!(first.freshness, Freshness::Fetched);
    assert_eq!(first.as_of, "2026-11-24T06:00:00Z".parse().ok());
    assert_eq!(first.path.file_name().unwrap(), "Debian.zip");
    assert_eq!(fs::read(&first.path).unwrap(), b"monday");

    let second = peer.fetch(&output).await.unwrap();
    assert_eq!((second.freshness, peer.sent()), (Freshness::AtHand, 1));
    assert_eq!((second.as_of, &second.path), (first.as_of, &first.path));

    *peer.answer.lock().unwrap() = b"tuesday".to_vec();
    let third = peer.fetch(&output).await.unwrap();
    assert_eq!((third.freshness, peer.sent()), (Freshness::Fetched, 2));
    assert_eq!(fs::read(&third.path).unwrap(), b"tuesday");

    // Without the copy, what was said of it is of no use.
    fs::remove_file(&third.path).unwrap();
    peer.fetch(&output).await.unwrap();
    assert_eq!(peer.sent(), 3);
}

#[tokio::test]
async fn a_source_that_is_not_there_leaves_the_copy_alone() {
    let (mut peer, folder) = (Peer::start("monday").await, tempfile::tempdir().unwrap());
    let output = folder.path().join("advisories.db");
    let copy = peer.fetch(&output).await.unwrap();
    peer.address = Address::parse(&format!("http://{}/Alpine/all.zip", peer.host)).unwrap();
    let DownloadError::Fetch { why, .. } = peer.fetch(&output).await.unwrap_err() else {
        panic!("expected a refusal")
    };
    assert_eq!(why.reason, Reason::UnexpectedStatus(404));
    assert_eq!(fs::read(&copy.path).unwrap(), b"monday");
}

#[tokio::test]
async fn plain_http_is_what_only_the_configuration_permits() {
    let (peer, folder) = (Peer::start("monday").await, tempfile::tempdir().unwrap());
    let registries = Registries::new(&Outbound::new(Proxies::default()), Vec::new()).unwrap();
    let http = Http::new(registries, RegistryLimits::default().flights);
    let deadline = Deadline::after(Duration::from_secs(20));
    let refused = fetch(&peer.address, &folder.path().join("a.db"), &http, deadline).await;
    assert!(matches!(
        refused,
        Err(DownloadError::Fetch { why, .. }) if why.reason == Reason::PlainHttp
    ));
}
