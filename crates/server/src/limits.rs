//! The bounds of the server.

use std::time::Duration;

/// How much of everything the server takes on. The defaults suit the API server's habits, which are named at each field.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Open connections. Further ones wait in the kernel's queue until another closes.
    pub connections: usize,
    /// Reviews in progress. One more is answered with 503 and `Retry-After`, on which the API server tries again by itself.
    pub reviews: usize,
    /// Bytes of one body. Objects are bounded by etcd at 1.5 MiB and requests by the API server at 3 MiB; a review of an update
    /// carries the old object and the new one.
    pub body_bytes: u32,
    /// Bytes of all bodies in progress, declared or read. Past it: 503, as for `reviews`.
    pub bodies_bytes: u32,
    /// Time for a TLS handshake.
    pub handshake: Duration,
    /// Time that a connection may stay open without a request in progress; the reading of a request's header counts as such.
    /// Longer than the 90 seconds after which Go's client drops an idle connection, so that it is never the server that
    /// closes one on which a request is just being sent.
    pub idle: Duration,
    /// Time at shutdown in which a kept HTTP/1.1 connection may bring one more request before it is closed, and time for
    /// any connection without a request in progress to close once it has been told to.
    pub linger: Duration,
    /// Time at shutdown for everything that was accepted to finish. The API server waits at most 30 seconds for a review.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            reviews: 512,
            body_bytes: 8 << 20,
            bodies_bytes: 64 << 20,
            handshake: Duration::from_secs(10),
            idle: Duration::from_secs(100),
            linger: Duration::from_secs(1),
            drain: Duration::from_secs(30),
        }
    }
}
