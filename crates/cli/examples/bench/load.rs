//! Load on a hook: HTTP/1.1 over TLS on kept connections, from a process of its own.
//!
//! ```text
//! bench load ADDRESS CA_FILE BODY_FILE CONNECTIONS REQUESTS PAUSE
//! ```
//!
//! The process connects and warms up, says that it is ready, and waits for a line of input, so that nothing but the load is
//! measured. Then each connection sends its requests one after the other, one for every `PAUSE` microseconds, and it prints how
//! many nanoseconds each took.

use std::env;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use bytes::Bytes;
use futures::future::try_join_all;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::guard::is_admission;
use crate::pods::HOOK;

/// What makes this program the generator.
pub(crate) const COMMAND: &str = "load";

/// Connections side by side.
const CONNECTIONS: usize = 4;

/// Requests on each connection before it counts.
const WARM_UP: usize = 50;

/// How fast requests come.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// On each connection as soon as the last one is answered.
    FlatOut,
    /// On each connection one every so often, if the last one is answered.
    Every(Duration),
}

/// A generator that is ready.
#[derive(Debug)]
pub(crate) struct Load {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Load {
    /// Starts a generator of `requests` requests with the body in `body`, to a server whose certificate leads to `authority`.
    pub(crate) fn prepare(
        address: SocketAddr,
        authority: &Path,
        body: &Path,
        requests: usize,
        pace: Pace,
    ) -> Result<Self> {
        let mut child = Command::new(env::current_exe()?)
            .args([COMMAND, &address.to_string()])
            .args([authority, body])
            .args([CONNECTIONS.to_string(), requests.to_string()])
            .arg(pace.pause().as_micros().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().context("the generator's output")?;
        let mut load = Self {
            child,
            output: BufReader::new(output),
        };
        load.line()
            .context("the load generator did not get ready")?;
        Ok(load)
    }

    /// Lets it go, and gives the time that each request took.
    pub(crate) fn run(mut self) -> Result<Vec<Duration>> {
        drop(self.child.stdin.take());
        let line = self.line().context("the load generator failed")?;
        ensure!(self.child.wait()?.success(), "the load generator failed");
        let times = line.split_whitespace().map(str::parse);
        let times = times.map(|time| time.map(Duration::from_nanos));
        times.collect::<Result<_, _>>().context("its output")
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        ensure!(self.output.read_line(&mut line)? > 0, "it ended");
        Ok(line)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Pace {
    fn pause(self) -> Duration {
        match self {
            Self::FlatOut => Duration::ZERO,
            Self::Every(pause) => pause,
        }
    }
}

/// The generator's own `main`.
pub(crate) fn generate(arguments: &[String]) -> Result<()> {
    let [address, authority, body, connections, requests, pause] = arguments else {
        bail!("usage: bench {COMMAND} ADDRESS CA_FILE BODY_FILE CONNECTIONS REQUESTS PAUSE");
    };
    let pause = Duration::from_micros(pause.parse()?);
    let (address, connections) = (address.parse()?, connections.parse::<usize>()?);
    let each = requests.parse::<usize>()? / connections;
    let body = Bytes::from(std::fs::read(body)?);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let times = runtime.block_on(async {
        let connector = connector(Path::new(authority))?;
        let connect = || Connection::open(address, &connector, body.clone());
        let mut kept = try_join_all((0..connections).map(|_| connect())).await?;
        try_join_all(kept.iter_mut().map(|one| one.send(WARM_UP, Duration::ZERO))).await?;
        wait_for_start()?;
        try_join_all(kept.iter_mut().map(|one| one.send(each, pause))).await
    })?;
    let times: Vec<String> = times.concat().iter().map(nanoseconds).collect();
    println!("{}", times.join(" "));
    Ok(())
}

fn wait_for_start() -> Result<()> {
    println!("ready");
    io::stdout().flush()?;
    io::stdin().read_line(&mut String::new())?;
    Ok(())
}

fn nanoseconds(time: &Duration) -> String {
    time.as_nanos().to_string()
}

fn connector(authority: &Path) -> Result<TlsConnector> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority)?)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

struct Connection {
    sender: SendRequest<Full<Bytes>>,
    body: Bytes,
}

impl Connection {
    async fn open(address: SocketAddr, connector: &TlsConnector, body: Bytes) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from("localhost")?;
        let stream = connector.connect(name, stream).await?;
        let (sender, driver) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(driver);
        Ok(Self { sender, body })
    }

    /// Sends requests one after the other, each of which must be admitted.
    async fn send(&mut self, requests: usize, pause: Duration) -> Result<Vec<Duration>> {
        let mut times = Vec::with_capacity(requests);
        let mut due = tokio::time::Instant::now();
        for _ in 0..requests {
            tokio::time::sleep_until(due).await;
            due += pause;
            let request = Request::post(HOOK)
                .header("host", "localhost")
                .header("content-type", "application/json")
                .body(Full::new(self.body.clone()))?;
            let started = Instant::now();
            self.sender.ready().await?;
            let response = self.sender.send_request(request).await?;
            let answer = response.into_body().collect().await?.to_bytes();
            times.push(started.elapsed());
            ensure!(
                is_admission(&answer),
                "the pod is refused: {}",
                String::from_utf8_lossy(&answer)
            );
        }
        Ok(times)
    }
}
