//! The first installation, while pods are asked for all the time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::{Value, json};

use crate::guarded::{FOREIGN, Guarded};

/// What the default policy of the cluster says of [`FOREIGN`].
const BY_POLICY: &str = "Trust is not supported for images from this registry";

/// The namespace whose default policy lets everything in.
const OPEN: &str = "kube-system";

#[test]
fn nothing_is_ever_refused_for_want_of_a_policy_or_of_somebody_who_answers() {
    let Some(mut cluster) = Guarded::prepare() else {
        return;
    };
    let is_over = AtomicBool::new(false);
    let api = cluster.api.clone();
    let answers = thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let mut answers = Vec::new();
            loop {
                // The last round begins when CISE answers.
                let is_last = is_over.load(Ordering::Acquire);
                for namespace in ["default", OPEN] {
                    let pod = crate::guarded::pod("asked", namespace, FOREIGN);
                    let path = format!("/api/v1/namespaces/{namespace}/pods?dryRun=All");
                    answers.push((namespace, api.post(&path, &pod).unwrap().into_object()));
                }
                if is_last {
                    return answers;
                }
            }
        });
        let over = Over(&is_over);
        cluster.install(&json!({}));
        drop(over);
        asking.join().unwrap()
    });
    let unexpected: Vec<&(&str, Result<Value, String>)> = answers
        .iter()
        .filter(|(namespace, answer)| match answer {
            Ok(_) => false,
            Err(said) => *namespace == OPEN || !said.contains(BY_POLICY),
        })
        .collect();
    assert!(
        unexpected.is_empty(),
        "{unexpected:#?}\n{}",
        cluster.replicas.logs()
    );
    let by_policy = answers.iter().filter(|(_, answer)| answer.is_err()).count();
    assert!(by_policy > 0 && by_policy < answers.len(), "{by_policy}");
}

/// Whoever waits for it is told when this is dropped, by a panic as well.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}
