//! The proxy passes on what it is not asked to spoil, spoils what it is, and remembers all of it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use cise_testkit::authority::Authority;
use cise_testkit::proxy::{Fault, Proxy};
use cise_testkit::tokens::{TokenServer, User};
use http::StatusCode;
use http::header::CONTENT_TYPE;

/// The proxy in front of a token server, which is there without any component.
struct Bed {
    _tokens: TokenServer,
    proxy: Proxy,
}

fn bed() -> Bed {
    let authority = Authority::new("test").unwrap();
    let anybody = User {
        name: "",
        password: "",
        repositories: "",
        actions: &["pull"],
    };
    let tokens = TokenServer::start(&authority, &[anybody]).unwrap();
    let proxy = Proxy::plain(tokens.upstream()).unwrap();
    Bed {
        _tokens: tokens,
        proxy,
    }
}

/// The whole answer, or what had come until the connection ended or this client's patience did.
fn get(proxy: &Proxy, path: &str, limit: u64) -> String {
    let mut stream = TcpStream::connect(proxy.host().replace("localhost", "127.0.0.1")).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_millis(500)))
        .unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic eA==\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = Vec::new();
    let _ = stream.take(limit).read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

const TOKEN: &str = "/token?service=x&scope=repository:a:pull";

#[test]
fn an_exchange_passes_and_is_remembered() {
    let bed = bed();
    let answer = get(&bed.proxy, TOKEN, 10_000);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("\"access_token\""), "{answer}");
    let exchanges = bed.proxy.exchanges();
    assert_eq!(exchanges.len(), 1);
    assert_eq!(
        (exchanges[0].method.as_str(), exchanges[0].path.as_str()),
        ("GET", TOKEN)
    );
    assert_eq!(exchanges[0].authorization.as_deref(), Some("Basic eA=="));
    assert_eq!(exchanges[0].status, Some(200));
    assert_eq!(bed.proxy.round_trips(), 1);
    get(&bed.proxy, TOKEN, 10_000);
    assert_eq!(bed.proxy.round_trips(), 2);
    bed.proxy.forget();
    assert_eq!(bed.proxy.exchanges(), []);
}

#[test]
fn an_answer_is_changed_as_often_as_asked() {
    let bed = bed();
    bed.proxy.next(
        1,
        "GET /token",
        Fault::status(StatusCode::TOO_MANY_REQUESTS),
    );
    assert!(get(&bed.proxy, TOKEN, 10_000).starts_with("HTTP/1.1 429"));
    assert!(get(&bed.proxy, TOKEN, 10_000).starts_with("HTTP/1.1 200"));
    bed.proxy
        .on("/token", Fault::header(CONTENT_TYPE, "text/lies"));
    bed.proxy.on("/token", Fault::body("not json"));
    let answer = get(&bed.proxy, TOKEN, 10_000);
    assert!(
        answer.contains("content-type: text/lies") && answer.ends_with("\r\n\r\nnot json"),
        "{answer}"
    );
    bed.proxy.heal();
    assert!(get(&bed.proxy, TOKEN, 10_000).contains("access_token"));
}

#[test]
fn an_answer_never_comes() {
    let bed = bed();
    bed.proxy.on("", Fault::Hang);
    assert_eq!(get(&bed.proxy, TOKEN, 10_000), "");
    assert_eq!(bed.proxy.exchanges()[0].ended, None);
}

#[test]
fn an_answer_is_cut_off() {
    let bed = bed();
    bed.proxy.on("", Fault::body("0123456789"));
    bed.proxy.on("", Fault::CutAfter(4));
    let answer = get(&bed.proxy, TOKEN, 10_000);
    assert!(answer.contains("content-length: 10"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n0123"), "{answer}");
}

#[test]
fn an_answer_has_no_end() {
    let bed = bed();
    bed.proxy.on("", Fault::body("0123456789"));
    bed.proxy.on("", Fault::Endless);
    assert_eq!(get(&bed.proxy, TOKEN, 1_000_000).len(), 1_000_000);
}

#[test]
fn an_answer_comes_byte_by_byte() {
    let bed = bed();
    bed.proxy.on("", Fault::body("0123456789"));
    bed.proxy.on("", Fault::Trickle(Duration::from_millis(1)));
    assert!(get(&bed.proxy, TOKEN, 10_000).ends_with("0123456789"));
}
