//! Many who ask for pods at the same time, again and again.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use cise_testkit::controlplane::Api;

use crate::guarded::{EXEMPT, pod};
use crate::server::eventually;

/// Asking side by side.
const ASKERS: usize = 4;

/// Requests for pods in the namespace `team`, which are to be admitted and are never made.
///
/// Whoever gets no good answer asks again for the same, as controllers do.
pub(crate) struct Load {
    course: Arc<Course>,
    askers: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Course {
    is_over: AtomicBool,
    admitted: AtomicUsize,
    failures: Mutex<Vec<String>>,
}

impl Load {
    pub(crate) fn start(api: &Api) -> Self {
        let course = Arc::new(Course::default());
        let askers = (0..ASKERS).map(|asker| {
            let (api, course) = (api.clone(), Arc::clone(&course));
            thread::spawn(move || course.ask_on(&api, asker))
        });
        let load = Self {
            askers: askers.collect(),
            course,
        };
        load.goes_on();
        load
    }

    /// Waits until some more are admitted.
    pub(crate) fn goes_on(&self) {
        let admitted = || self.course.admitted.load(Ordering::Relaxed);
        let enough = admitted() + 10 * ASKERS;
        eventually(
            "pods are admitted",
            || admitted() >= enough,
            || format!("{:?}", self.failures()),
        );
    }

    /// The answers that were none, or no good ones, so far.
    pub(crate) fn failures(&self) -> Vec<String> {
        self.course.failures.lock().unwrap().clone()
    }

    /// Ends when everybody has got a good answer, and gives the other ones.
    pub(crate) fn end(self) -> Vec<String> {
        self.goes_on();
        let Self { course, askers } = self;
        course.is_over.store(true, Ordering::Relaxed);
        for asker in askers {
            asker.join().unwrap();
        }
        course.failures.lock().unwrap().clone()
    }
}

impl Course {
    fn ask_on(&self, api: &Api, asker: usize) {
        let pod = pod(&format!("load-{asker}"), "team", EXEMPT);
        let mut is_answered = true;
        while !(is_answered && self.is_over.load(Ordering::Relaxed)) {
            let answer = api.post("/api/v1/namespaces/team/pods?dryRun=All", &pod);
            match answer.unwrap().into_object() {
                Ok(_) => {
                    self.admitted.fetch_add(1, Ordering::Relaxed);
                    is_answered = true;
                }
                Err(said) => {
                    self.failures.lock().unwrap().push(said);
                    is_answered = false;
                }
            }
        }
    }
}
