//! The images of all pods, page by page, each once.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use cise_admission::Prospect;
use cise_kubernetes::{Cluster, RunningImages};

/// How soon a page is asked for again that did not come.
const PAUSE: Duration = Duration::from_secs(30);

/// How many images are remembered to have been seen, however many there are.
const MOST: usize = 16_384;

/// A walk through the pods of a cluster.
pub(super) struct Walk {
    images: RunningImages,
    seen: Seen,
    is_told: bool,
}

impl Walk {
    pub(super) fn through(cluster: &Cluster) -> Self {
        Self {
            images: RunningImages::of(cluster),
            seen: Seen::default(),
            is_told: false,
        }
    }

    /// The images of the next page that were on none before, however long it takes to come; nothing after the last one. What goes
    /// wrong is told once.
    pub(super) async fn page(&mut self) -> Option<Vec<Prospect>> {
        loop {
            match self.images.next().await {
                Ok(None) => return None,
                Ok(Some(page)) => {
                    if page.unread > 0 {
                        self.tell(&format!("{} pods cannot be read", page.unread));
                    }
                    let mut images = page.images;
                    images.retain(|image| self.seen.is_new(image));
                    return Some(images);
                }
                Err(error) => self.tell(&format!("{error}; this is tried again")),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn tell(&mut self, why: &str) {
        if !std::mem::replace(&mut self.is_told, true) {
            tracing::warn!("not all images that run are looked at: {why}");
        }
    }
}

/// What was seen, by its hash. Two with the same hash are very rare, and cost the other one nothing but the time of its first pod.
#[derive(Default)]
struct Seen {
    hashes: HashSet<u64>,
    hasher: RandomState,
}

impl Seen {
    /// Past the bound everything is new again: it is known to the advisor by then, and soon answered.
    fn is_new(&mut self, image: &Prospect) -> bool {
        if self.hashes.len() >= MOST {
            self.hashes.clear();
        }
        self.hashes.insert(self.hasher.hash_one(image))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn image(namespace: &str, image: &str, secret: &str) -> Prospect {
        let pod = json!({
            "metadata": { "namespace": namespace },
            "spec": { "containers": [{ "image": image }], "imagePullSecrets": [{ "name": secret }] },
        });
        let mut images = Prospect::all_of(&pod.to_string()).unwrap();
        images.pop_first().unwrap()
    }

    #[test]
    fn an_image_is_the_same_only_with_the_same_namespace_and_the_same_secrets() {
        let mut seen = Seen::default();
        let first = image("team", "icr.io/a", "pull");
        assert!(seen.is_new(&first));
        assert!(!seen.is_new(&first));
        for other in [
            image("other", "icr.io/a", "pull"),
            image("team", "icr.io/b", "pull"),
            image("team", "icr.io/a", "other"),
        ] {
            assert!(seen.is_new(&other), "{other}");
        }
    }

    #[test]
    fn no_more_is_remembered_than_the_bound() {
        let mut seen = Seen::default();
        for number in 0..=MOST {
            assert!(seen.is_new(&image("team", &format!("icr.io/{number}"), "pull")));
            assert!(seen.hashes.len() <= MOST);
        }
        assert!(seen.is_new(&image("team", "icr.io/0", "pull")));
    }
}
