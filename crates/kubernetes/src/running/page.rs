use cise_admission::Prospect;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Images of some pods.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunningPage {
    /// The images; one that several pods have is there several times.
    pub images: Vec<Prospect>,
    /// How many pods they are of.
    pub pods: usize,
    /// How many pods are listed there that cannot be read, so that their images are not known.
    pub unread: usize,
}

/// A page of the list, as it was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) images: RunningPage,
    /// Where the list goes on, if it does.
    pub(super) token: Option<String>,
}

/// A `PodList`, whose pods are not looked into.
#[derive(Deserialize)]
struct List<'a> {
    metadata: Metadata,
    /// Absent, or `null`, which is how Go writes a list without elements.
    #[serde(borrow)]
    items: Option<Vec<&'a RawValue>>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    #[serde(default, rename = "continue")]
    token: Option<String>,
}

impl Page {
    /// Reads a list of pods, of which each is read for itself: one that cannot be read takes no other with it.
    pub(super) fn read(body: &[u8]) -> Result<Self, serde_json::Error> {
        let list: List<'_> = serde_json::from_slice(body)?;
        let mut images = RunningPage::default();
        for pod in list.items.unwrap_or_default() {
            images.pods += 1;
            match Prospect::all_of(pod.get()) {
                Ok(prospects) => images.images.extend(prospects),
                Err(_) => images.unread += 1,
            }
        }
        let token = list.metadata.token.filter(|token| !token.is_empty());
        Ok(Self { images, token })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pod(name: &str, image: &str) -> Value {
        json!({
            "metadata": { "name": name, "namespace": "team" },
            "spec": { "containers": [{ "name": "a", "image": image }] },
            "status": { "containerStatuses": [] },
        })
    }

    fn read(list: &Value) -> Page {
        Page::read(list.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn a_page_has_the_images_of_its_pods_and_says_where_the_list_goes_on() {
        let broken = json!({ "metadata": { "name": "c", "namespace": "team" }, "spec": [] });
        let page = read(&json!({
            "kind": "PodList", "apiVersion": "v1", "metadata": { "resourceVersion": "7", "continue": "there" },
            "items": [pod("a", "icr.io/a"), broken, pod("b", "icr.io/b")],
        }));
        let images: Vec<String> = page.images.images.iter().map(ToString::to_string).collect();
        assert_eq!(
            images,
            ["icr.io/a of namespace team", "icr.io/b of namespace team"]
        );
        assert_eq!((page.images.pods, page.images.unread), (3, 1));
        assert_eq!(page.token.as_deref(), Some("there"));
    }

    #[test]
    fn a_list_without_pods_and_without_more_is_the_last_page() {
        for list in [
            json!({ "metadata": {}, "items": [] }),
            json!({ "metadata": { "continue": "" }, "items": null }),
        ] {
            let page = read(&list);
            assert_eq!((page.images.pods, page.token), (0, None), "{list}");
        }
        for other in ["", "{}", "[]", r#"{"items": {}}"#, r#"{"items": [}"#] {
            assert!(Page::read(other.as_bytes()).is_err(), "{other}");
        }
    }
}
