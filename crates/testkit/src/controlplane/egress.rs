//! The way from the API server to the cluster network, which nothing else here knows.
//!
//! An egress selector makes the API server ask a proxy on a Unix socket for each connection into the cluster, by
//! `CONNECT <cluster address>:<port>` (RFC 9110, section 9.3.6).

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::task::JoinSet;

use crate::Error;
use crate::background::{self, Task, lock};

/// How long the head of a request may be, in bytes.
const HEAD_LIMIT: usize = 8 * 1024;

/// The proxy. Dropping it cuts every connection.
#[derive(Debug)]
pub(super) struct Egress {
    socket: PathBuf,
    routes: Routes,
    _task: Task,
}

/// Which processes answer for which cluster address and port.
#[derive(Debug, Clone, Default)]
pub(super) struct Routes(Arc<Mutex<HashMap<String, Turns>>>);

/// Those who answer for one address, in turns.
#[derive(Debug, Default)]
struct Turns {
    backends: Vec<SocketAddr>,
    taken: usize,
}

impl Egress {
    /// Listens on a new Unix socket.
    pub(super) fn start(socket: &Path) -> Result<Self, Error> {
        let listener = std::os::unix::net::UnixListener::bind(socket);
        let listener =
            listener.and_then(|listener| listener.set_nonblocking(true).map(|()| listener));
        let listener = listener.map_err(Error::writing(socket))?;
        let routes = Routes::default();
        let known = routes.clone();
        let task = background::spawn(async move {
            if let Ok(listener) = UnixListener::from_std(listener) {
                accept(listener, known).await;
            }
        });
        Ok(Self {
            socket: socket.to_owned(),
            routes,
            _task: task,
        })
    }

    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    pub(super) fn routes(&self) -> &Routes {
        &self.routes
    }
}

impl Routes {
    /// Lets these answer for a service from now on, one connection each in turns; none of them: nobody does.
    pub(super) fn set(&self, service: &str, backends: Vec<SocketAddr>) {
        lock(&self.0)
            .entry(service.to_owned())
            .or_default()
            .backends = backends;
    }

    pub(super) fn next(&self, service: &str) -> Option<SocketAddr> {
        let mut routes = lock(&self.0);
        let turns = routes.get_mut(service)?;
        turns.taken = turns.taken.wrapping_add(1);
        let turn = turns.taken.checked_rem(turns.backends.len())?;
        turns.backends.get(turn).copied()
    }
}

/// The connections are tasks of this one, and end with it.
async fn accept(listener: UnixListener, routes: Routes) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                connections.spawn(pipe(stream, routes.clone()));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn pipe(mut client: UnixStream, routes: Routes) -> io::Result<()> {
    let head = read_head(&mut client).await?;
    let Some(to) = target(&head).and_then(|service| routes.next(service)) else {
        return client
            .write_all(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            .await;
    };
    let mut server = TcpStream::connect(to).await?;
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    copy_bidirectional(&mut client, &mut server).await.map(drop)
}

/// The head of the request. The client sends nothing behind it before it has the answer.
async fn read_head(client: &mut UnixStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() > HEAD_LIMIT {
            return Err(io::ErrorKind::InvalidData.into());
        }
        if client.read_buf(&mut head).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    String::from_utf8(head).map_err(|_| io::ErrorKind::InvalidData.into())
}

fn target(head: &str) -> Option<&str> {
    head.strip_prefix("CONNECT ")?.split(' ').next()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_target_is_what_connect_names() {
        let cases = [
            (
                "CONNECT 10.0.0.206:443 HTTP/1.1\r\nHost: 10.0.0.206:443\r\n\r\n",
                Some("10.0.0.206:443"),
            ),
            ("GET / HTTP/1.1\r\n\r\n", None),
        ];
        for (head, expected) in cases {
            assert_eq!(target(head), expected, "{head}");
        }
    }

    #[test]
    fn connections_go_to_those_who_answer_for_a_service_in_turns() {
        let [first, second] = [1, 2].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let routes = Routes::default();
        routes.set("10.0.0.10:443", vec![first, second]);
        let turns: HashSet<_> = (0..2).map(|_| routes.next("10.0.0.10:443")).collect();
        assert_eq!(turns, HashSet::from([Some(first), Some(second)]));
        assert_eq!(routes.next("10.0.0.11:443"), None);
    }

    #[test]
    fn a_later_route_takes_the_place_of_an_earlier_one() {
        let [first, second] = [1, 2].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let routes = Routes::default();
        routes.set("10.0.0.10:443", vec![first]);
        routes.set("10.0.0.10:443", vec![second]);
        assert_eq!(routes.next("10.0.0.10:443"), Some(second));
        routes.set("10.0.0.10:443", Vec::new());
        assert_eq!(routes.next("10.0.0.10:443"), None);
    }
}
