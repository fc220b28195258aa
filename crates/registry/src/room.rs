//! Room for what is fetched, shared by all who hold it at one time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use crate::error::Reason;
use crate::limit::ByteLimit;

/// Room for bodies: how much of them may be held at one time, over all hosts and from one host. Cloning shares it.
///
/// The limit of a single body says how much one answer may take; this says how much all take together. Where there is no room,
/// a body is given up and never waited for, since everybody who waits may hold what the others wait for.
#[derive(Clone, Debug)]
pub struct Room(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    most: ByteLimit,
    most_per_host: ByteLimit,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    bytes: usize,
    by_host: HashMap<Arc<str>, usize>,
}

/// What one body takes of a room, and gives back when it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    room: Room,
    host: Arc<str>,
    bytes: usize,
}

/// A body, and its share of a room.
struct Counted {
    body: Bytes,
    _share: Share,
}

impl Room {
    /// Room for `most` bytes, of which those from one host may take `most_per_host`, so that no host can take all.
    pub fn new(most: ByteLimit, most_per_host: ByteLimit) -> Self {
        Self(Arc::new(Inner {
            most,
            most_per_host,
            held: Mutex::default(),
        }))
    }

    /// How many bytes are held.
    pub fn held(&self) -> usize {
        self.locked().bytes
    }

    /// A share for a body from `host`, nothing of which is there yet.
    pub(crate) fn share(&self, host: &str) -> Share {
        Share {
            room: self.clone(),
            host: host.into(),
            bytes: 0,
        }
    }

    fn locked(&self) -> MutexGuard<'_, Held> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share {
    /// Makes it so many bytes, if there is room for those that are new.
    pub(crate) fn grow_to(&mut self, bytes: usize) -> Result<(), Reason> {
        let more = bytes.saturating_sub(self.bytes);
        let Inner {
            most,
            most_per_host,
            ..
        } = &*self.room.0;
        let mut held = self.room.locked();
        let of_host = held.by_host.get(&self.host).copied().unwrap_or(0);
        if more > most.get().saturating_sub(held.bytes)
            || more > most_per_host.get().saturating_sub(of_host)
        {
            return Err(Reason::NoRoom);
        }
        held.bytes += more;
        held.by_host.insert(Arc::clone(&self.host), of_host + more);
        drop(held);
        self.bytes += more;
        Ok(())
    }

    /// The body, which takes this share for as long as any part of it is held.
    pub(crate) fn counts(self, body: Bytes) -> Bytes {
        Bytes::from_owner(Counted { body, _share: self })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = self.room.locked();
        held.bytes = held.bytes.saturating_sub(self.bytes);
        if let Some(of_host) = held.by_host.get_mut(&self.host) {
            *of_host = of_host.saturating_sub(self.bytes);
            if *of_host == 0 {
                held.by_host.remove(&self.host);
            }
        }
    }
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room() -> Room {
        Room::new(ByteLimit::bytes(100), ByteLimit::bytes(60))
    }

    #[test]
    fn no_host_takes_all_and_all_together_no_more_than_there_is() {
        let room = room();
        let mut shares = ["one", "one", "other"].map(|host| room.share(host));
        for (share, bytes, expected, held) in [
            (0, 40, Ok(()), 40),
            (1, 21, Err(Reason::NoRoom), 40),
            (1, 20, Ok(()), 60),
            (0, 41, Err(Reason::NoRoom), 60),
            (2, 41, Err(Reason::NoRoom), 60),
            (2, 40, Ok(()), 100),
            (2, 40, Ok(()), 100),
            (2, 10, Ok(()), 100),
        ] {
            assert_eq!(shares[share].grow_to(bytes), expected, "{share} {bytes}");
            assert_eq!(room.held(), held);
        }
    }

    #[test]
    fn room_is_given_back_when_nothing_of_a_body_is_held_any_more() {
        let room = room();
        let mut share = room.share("one");
        share.grow_to(50).expect("there is room");
        let body = share.counts(Bytes::from_static(b"the body"));
        let part = body.slice(4..);
        drop(body);
        assert_eq!((&part[..], room.held()), (&b"body"[..], 50));
        drop(part);
        assert_eq!(room.held(), 0);
        assert!(room.locked().by_host.is_empty());
    }

    #[test]
    fn a_body_that_is_given_up_gives_its_room_back() {
        let room = room();
        let mut share = room.share("one");
        share.grow_to(50).expect("there is room");
        share.grow_to(70).expect_err("there is none");
        drop(share);
        assert_eq!(room.held(), 0);
    }
}
