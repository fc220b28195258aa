//! A way to a server that can be cut and healed.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::environment::Environment;

/// A way to a server.
pub(crate) struct Relay {
    address: SocketAddr,
    open: watch::Sender<bool>,
}

/// A way to the API server, and a kubeconfig of the program that goes there.
pub(crate) struct ApiRelay {
    relay: Relay,
    kubeconfig: PathBuf,
    _folder: TempDir,
}

impl Relay {
    /// A way to that server, which is open.
    pub(crate) async fn start(there: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let open = watch::Sender::new(true);
        tokio::spawn(relay(listener, there, open.subscribe()));
        Self { address, open }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends every connection, and refuses new ones.
    pub(crate) fn cut(&self) {
        self.open.send_replace(false);
    }

    pub(crate) fn heal(&self) {
        self.open.send_replace(true);
    }
}

impl ApiRelay {
    pub(crate) async fn start(environment: &Environment) -> Self {
        let server = environment.plane().url();
        let there = server.trim_start_matches("https://").parse().unwrap();
        let relay = Relay::start(there).await;
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        let text = std::fs::read_to_string(environment.own().kubeconfig()).unwrap();
        let mut config: Value = serde_json::from_str(&text).unwrap();
        config["clusters"][0]["cluster"]["server"] = format!("https://{}", relay.address).into();
        std::fs::write(&kubeconfig, config.to_string()).unwrap();
        Self {
            relay,
            kubeconfig,
            _folder: folder,
        }
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.kubeconfig.clone()
    }

    pub(crate) fn cut(&self) {
        self.relay.cut();
    }

    pub(crate) fn heal(&self) {
        self.relay.heal();
    }
}

async fn relay(listener: TcpListener, there: SocketAddr, mut open: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((mut near, _)) = listener.accept() => {
                if *open.borrow() {
                    connections.spawn(async move {
                        let mut far = TcpStream::connect(there).await?;
                        copy_bidirectional(&mut near, &mut far).await
                    });
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
