//! What the proxy of a node does for programs of this machine, which are outside of the cluster network.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::egress::Routes;
use crate::Error;
use crate::background::{self, Task, lock};

/// The way from this machine to services of the cluster, by addresses on loopback. Cloning shares them.
#[derive(Debug, Clone)]
pub struct ServiceProxy {
    routes: Routes,
    doors: Arc<Mutex<HashMap<String, Door>>>,
}

/// Where a service is reached.
#[derive(Debug)]
struct Door {
    address: SocketAddr,
    _task: Task,
}

impl ServiceProxy {
    pub(super) fn new(routes: Routes) -> Self {
        Self {
            routes,
            doors: Arc::default(),
        }
    }

    /// Where a service is reached from this machine: `service` is its cluster address and port, such as `10.0.0.10:443`.
    /// Connections go to those who answer for it at that time, in turns; while nobody does, they are cut.
    pub fn address_of(&self, service: &str) -> Result<SocketAddr, Error> {
        let mut doors = lock(&self.doors);
        if let Some(door) = doors.get(service) {
            return Ok(door.address);
        }
        let door = Door::open(service.to_owned(), self.routes.clone())?;
        let address = door.address;
        doors.insert(service.to_owned(), door);
        Ok(address)
    }
}

impl Door {
    fn open(service: String, routes: Routes) -> Result<Self, Error> {
        let bound = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(Error::Port)?;
        bound.set_nonblocking(true).map_err(Error::Port)?;
        let address = bound.local_addr().map_err(Error::Port)?;
        let task = background::spawn(async move {
            if let Ok(listener) = TcpListener::from_std(bound) {
                accept(listener, service, routes).await;
            }
        });
        Ok(Self {
            address,
            _task: task,
        })
    }
}

/// The connections are tasks of this one, and end with it.
async fn accept(listener: TcpListener, service: String, routes: Routes) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((near, _)) = listener.accept() => {
                if let Some(there) = routes.next(&service) {
                    connections.spawn(pipe(near, there));
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
