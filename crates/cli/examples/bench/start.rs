//! The program itself: how large it is, and how soon it can be asked.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use cise_testkit::authority::{Identity, LOOPBACK};
use cise_testkit::process::free_port;

use crate::Bench;
use crate::binaries;
use crate::guard;
use crate::site::Site;
use crate::statistics::{median, milliseconds};
use cise_testkit::figures::{Row, Unit};

const STARTS: usize = 20;
const READY_WITHIN: Duration = Duration::from_secs(10);
const POLL_EVERY: Duration = Duration::from_millis(1);

pub(crate) fn measure(Bench { signed, .. }: &Bench) -> Result<Vec<Row>> {
    let (site, identity) = (signed.site()?, signed.authority.server(&LOOPBACK)?);
    let start = |_| time_to_ready(&site, &identity);
    let mut times = (0..STARTS).map(start).collect::<Result<Vec<_>>>()?;
    let ready = milliseconds(median(&mut times));
    Ok(vec![
        size()?,
        Row::new("start to ready, with policies", ready, Unit::Milliseconds)
            .at_most(150.0)
            .remark("from the call to a good answer of /readyz; median of 20"),
    ])
}

fn size() -> Result<Row> {
    let (program, remark) = match binaries::released() {
        Some(program) => (program, "the release profile"),
        None => (
            binaries::cise()?,
            "the ci profile; `cargo build --release -p cise-cli` makes a smaller one",
        ),
    };
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let mebibytes = fs::metadata(program)?.len() as f64 / f64::from(1 << 20);
    let row = Row::new("the program, stripped: size", mebibytes, Unit::Mebibytes);
    Ok(row.at_most(30.0).remark(remark))
}

fn time_to_ready(site: &Site, identity: &Identity) -> Result<Duration> {
    let (listen, admin) = (free_port()?, free_port()?);
    let mut command = guard::command(&binaries::cise()?, site, identity, [listen, admin]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let started = Instant::now();
    let mut server = Server(command.spawn()?);
    while !is_ready(admin) {
        ensure!(
            started.elapsed() < READY_WITHIN && server.0.try_wait()?.is_none(),
            "cise does not get ready"
        );
        thread::sleep(POLL_EVERY);
    }
    Ok(started.elapsed())
}

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn is_ready(admin: SocketAddr) -> bool {
    ask(admin).is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

fn ask(admin: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(admin)?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
