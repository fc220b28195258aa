//! Reads the records of a source on several threads: one lists them, the others read and parse, the caller gathers.

use std::fmt::Display;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::error::BuildError;
use super::harvest::{Harvest, Rules};
use super::records::{RecordError, Records, Wanted};
use crate::Advisory;

/// So many records are handed to a thread at once.
const BATCH: usize = 256;

/// A thread hands over what it has once it has so many bytes of rows.
const HARVEST_BYTES: usize = 1024 * 1024;

/// More threads would wait for the one that gathers.
const MAX_WORKERS: usize = 8;

/// Reads all records, and calls `gather` with what they gave, in no particular order.
pub(crate) fn read<R: Records, E: Display>(
    records: &R,
    parse: &(impl Fn(&[u8]) -> Result<Option<Advisory>, E> + Sync),
    rules: &Rules<'_>,
    mut gather: impl FnMut(Harvest) -> Result<(), BuildError>,
) -> Result<(), BuildError> {
    let workers = thread::available_parallelism().map_or(1, |cores| cores.get().min(MAX_WORKERS));
    let (batches, waiting) = sync_channel(2 * workers);
    let (harvests, gathered) = sync_channel(2 * workers);
    // Owned by the workers alone: once they are gone, the thread that lists has nobody to list for.
    let waiting = Arc::new(Mutex::new(waiting));
    thread::scope(|scope| {
        let failed = harvests.clone();
        scope.spawn(move || list(records, &batches, &failed));
        for _ in 0..workers {
            let worker = Worker {
                records,
                rules,
                harvests: harvests.clone(),
            };
            let waiting = Arc::clone(&waiting);
            scope.spawn(move || worker.run(&waiting, parse));
        }
        drop((waiting, harvests));
        for harvest in gathered {
            gather(harvest?)?;
        }
        Ok(())
    })
}

type Batches<T> = Mutex<Receiver<Vec<T>>>;

/// Lists the records in batches until nobody takes them any more.
fn list<R: Records>(
    records: &R,
    batches: &SyncSender<Vec<R::Entry>>,
    failed: &SyncSender<Result<Harvest, BuildError>>,
) {
    let mut batch = Vec::with_capacity(BATCH);
    let listed = records.list(&mut |entry| {
        batch.push(entry);
        if batch.len() < BATCH {
            return Wanted::More;
        }
        match batches.send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH))) {
            Ok(()) => Wanted::More,
            Err(_) => Wanted::Enough,
        }
    });
    // Where sending fails the receiver has failed, and says why itself.
    let _ = match listed {
        Ok(()) => batches.send(batch).map_err(drop),
        Err(error) => failed.send(Err(error)).map_err(drop),
    };
}

struct Worker<'a, R> {
    records: &'a R,
    rules: &'a Rules<'a>,
    harvests: SyncSender<Result<Harvest, BuildError>>,
}

/// Nobody gathers any more.
struct Gone;

impl<R: Records> Worker<'_, R> {
    fn run<E: Display>(
        self,
        waiting: &Batches<R::Entry>,
        parse: &impl Fn(&[u8]) -> Result<Option<Advisory>, E>,
    ) {
        let mut bytes = Vec::new();
        while let Some(batch) = next(waiting) {
            if self.batch(&batch, parse, &mut bytes).is_err() {
                return;
            }
        }
    }

    fn batch<E: Display>(
        &self,
        batch: &[R::Entry],
        parse: &impl Fn(&[u8]) -> Result<Option<Advisory>, E>,
        bytes: &mut Vec<u8>,
    ) -> Result<(), Gone> {
        let mut harvest = Harvest::default();
        for entry in batch {
            match self.records.read(entry, bytes) {
                Ok(()) => harvest.take(R::name(entry), parse(bytes), self.rules),
                Err(RecordError::Damaged(why)) => {
                    harvest.reject(R::name(entry), &why);
                }
                Err(RecordError::Source(source)) => {
                    let path = self.records.path().to_owned();
                    return self.send(Err(BuildError::Source { path, source }));
                }
            }
            harvest.tally.records += 1;
            harvest.tally.weight += R::weight(entry);
            if harvest.rows.bytes() >= HARVEST_BYTES {
                self.send(Ok(std::mem::take(&mut harvest)))?;
            }
        }
        self.send(Ok(harvest))
    }

    fn send(&self, harvest: Result<Harvest, BuildError>) -> Result<(), Gone> {
        self.harvests.send(harvest).map_err(|_| Gone)
    }
}

fn next<T>(waiting: &Batches<T>) -> Option<Vec<T>> {
    waiting
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .recv()
        .ok()
}
