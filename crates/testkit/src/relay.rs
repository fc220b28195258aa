//! A way to a server that can be cut and healed.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::Error;
use crate::background::{self, Task};

/// A way to a server. Dropping it ends every connection.
#[derive(Debug)]
pub struct Relay {
    address: SocketAddr,
    open: watch::Sender<bool>,
    _task: Task,
}

impl Relay {
    /// A way to that server, which is open.
    pub fn start(there: SocketAddr) -> Result<Self, Error> {
        let bound = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(Error::Port)?;
        bound.set_nonblocking(true).map_err(Error::Port)?;
        let address = bound.local_addr().map_err(Error::Port)?;
        let open = watch::Sender::new(true);
        let state = open.subscribe();
        let task = background::spawn(async move {
            if let Ok(listener) = TcpListener::from_std(bound) {
                relay(listener, there, state).await;
            }
        });
        Ok(Self {
            address,
            open,
            _task: task,
        })
    }

    /// Where the way begins.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends every connection, and refuses new ones.
    pub fn cut(&self) {
        self.open.send_replace(false);
    }

    /// Lets new connections through again.
    pub fn heal(&self) {
        self.open.send_replace(true);
    }
}

async fn relay(listener: TcpListener, there: SocketAddr, mut open: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((near, _)) = listener.accept() => {
                if *open.borrow() {
                    connections.spawn(pipe(near, there));
                }
            }
            Ok(()) = open.changed() => {
                if !*open.borrow_and_update() {
                    connections.abort_all();
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn pipe(mut near: TcpStream, there: SocketAddr) -> io::Result<()> {
    let mut far = TcpStream::connect(there).await?;
    copy_bidirectional(&mut near, &mut far).await.map(drop)
}
