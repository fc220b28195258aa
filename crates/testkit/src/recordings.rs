//! Admission reviews as a real API server sent them.
//!
//! They are in the folder `recordings`, with the manifests that they were made of; `record-reviews`, a program of this
//! crate, makes them anew.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::Error;

/// The version of Kubernetes whose API server sent the reviews.
pub const KUBERNETES: &str = "v1.36.3";

/// One review, and the request that brought it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// `<kind>-<operation>[-<what>]`, such as `pod-create-three-containers`.
    pub name: String,
    /// Which hook it was sent to.
    pub hook: Hook,
    /// The path and the query of the request, such as `/trust?timeout=10s`.
    pub url: String,
    /// The header of that name.
    pub content_type: String,
    /// The bytes of the body.
    pub body: Vec<u8>,
}

/// A kind of webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Hook {
    /// One that may change the object. The API server has set defaults in it, and has not validated it yet.
    Mutating,
    /// One that sees the object as it will be stored.
    Validating,
    /// One that sees policies as they will be stored.
    Policies,
}

/// What the index says of a recording.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Entry {
    name: String,
    hook: Hook,
    url: String,
    content_type: String,
}

/// The file `index.json`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Index {
    kubernetes_version: String,
    recordings: Vec<Entry>,
}

/// The recording of that name.
pub fn get(name: &str) -> Result<Recording, Error> {
    let entry = index()?
        .recordings
        .into_iter()
        .find(|entry| entry.name == name);
    entry
        .ok_or_else(|| Error::NoRecording(name.to_owned()))?
        .load()
}

/// Every recording of pods and workloads, by name.
pub fn all() -> Result<Vec<Recording>, Error> {
    load(|hook| hook != Hook::Policies)
}

/// Every recording of policies, by name.
pub fn policies() -> Result<Vec<Recording>, Error> {
    load(|hook| hook == Hook::Policies)
}

/// Puts these recordings beside those that are there, and in the place of those of their names.
pub fn add(recordings: Vec<Recording>) -> Result<(), Error> {
    let mut kept = load(|_| true)?;
    kept.retain(|old| recordings.iter().all(|new| new.name != old.name));
    kept.extend(recordings);
    replace(kept)
}

fn load(of: impl Fn(Hook) -> bool) -> Result<Vec<Recording>, Error> {
    let entries = index()?.recordings.into_iter();
    entries
        .filter(|entry| of(entry.hook))
        .map(Entry::load)
        .collect()
}

/// Puts these recordings in the place of all that are there.
pub fn replace(mut recordings: Vec<Recording>) -> Result<(), Error> {
    recordings.sort_by(|left, right| left.name.cmp(&right.name));
    let folder = folder();
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(Error::writing(&folder))?;
    }
    fs::create_dir_all(&folder).map_err(Error::writing(&folder))?;
    let mut entries = Vec::new();
    for Recording {
        name,
        hook,
        url,
        content_type,
        body,
    } in recordings
    {
        let path = review(&name);
        fs::write(&path, body).map_err(Error::writing(&path))?;
        entries.push(Entry {
            name,
            hook,
            url,
            content_type,
        });
    }
    let path = folder.join("index.json");
    let index = Index {
        kubernetes_version: KUBERNETES.to_owned(),
        recordings: entries,
    };
    let text = serde_json::to_string_pretty(&index).map_err(Error::parsing(&path))?;
    fs::write(&path, text + "\n").map_err(Error::writing(&path))
}

/// The folder with the manifests that the reviews are made of.
pub fn manifests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("recordings/manifests")
}

impl Recording {
    /// The body with other images in it: each first text, wherever it stands, becomes the second one. What is recorded
    /// names images of `registry.test`, which is nowhere.
    pub fn body_with(&self, images: &[(&str, &str)]) -> Vec<u8> {
        let body = String::from_utf8_lossy(&self.body).into_owned();
        images
            .iter()
            .fold(body, |body, (recorded, wanted)| {
                body.replace(recorded, wanted)
            })
            .into_bytes()
    }
}

impl Entry {
    fn load(self) -> Result<Recording, Error> {
        let Self {
            name,
            hook,
            url,
            content_type,
        } = self;
        let path = review(&name);
        let body = fs::read(&path).map_err(Error::reading(&path))?;
        Ok(Recording {
            name,
            hook,
            url,
            content_type,
            body,
        })
    }
}

fn index() -> Result<Index, Error> {
    let path = folder().join("index.json");
    let text = fs::read(&path).map_err(Error::reading(&path))?;
    serde_json::from_slice(&text).map_err(Error::parsing(&path))
}

fn review(name: &str) -> PathBuf {
    folder().join(format!("{name}.json"))
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("recordings")
        .join(KUBERNETES)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    use super::*;

    fn parsed(recording: &Recording) -> Value {
        serde_json::from_slice(&recording.body).unwrap()
    }

    fn text<'a>(review: &'a Value, pointer: &str) -> &'a str {
        review
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    #[test]
    fn every_recording_is_a_review_of_what_its_name_says() {
        for recording in load(|_| true).unwrap() {
            let review = parsed(&recording);
            assert_eq!(
                text(&review, "/apiVersion"),
                "admission.k8s.io/v1",
                "{}",
                recording.name
            );
            assert_eq!(
                text(&review, "/kind"),
                "AdmissionReview",
                "{}",
                recording.name
            );
            let resource = text(&review, "/request/resource/resource");
            let singular = match resource.strip_suffix("policies") {
                Some(scope) => format!("{scope}policy"),
                None => resource.trim_end_matches('s').to_owned(),
            };
            let part = text(&review, "/request/subResource");
            let operation = text(&review, "/request/operation").to_lowercase();
            let parts: Vec<&str> = [singular.as_str(), part, &operation]
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect();
            let expected = parts.join("-");
            assert!(
                recording.name.starts_with(&expected),
                "{} is {expected}",
                recording.name
            );
        }
    }

    #[test]
    fn a_recording_is_validating_where_its_name_says_so_and_only_there() {
        for recording in load(|_| true).unwrap() {
            let (hook, path) = if recording.hook == Hook::Policies {
                (Hook::Policies, "/policies?timeout=10s")
            } else if recording.name.ends_with("-validating") {
                (Hook::Validating, "/trust/validate?timeout=10s")
            } else {
                (Hook::Mutating, "/trust?timeout=10s")
            };
            assert_eq!(
                (recording.hook, recording.url.as_str()),
                (hook, path),
                "{}",
                recording.name
            );
            assert_eq!(
                recording.content_type, "application/json",
                "{}",
                recording.name
            );
        }
    }

    #[test]
    fn the_index_names_all_files_and_nothing_else() {
        let files = fs::read_dir(folder()).unwrap();
        let files = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        let files: BTreeSet<String> = files.filter(|name| name != "index.json").collect();
        let named = load(|_| true)
            .unwrap()
            .into_iter()
            .map(|recording| format!("{}.json", recording.name));
        assert_eq!(files, named.collect());
    }

    #[test]
    fn the_pod_for_benchmarks_is_of_a_real_size() {
        let recording = get("pod-create-three-containers").unwrap();
        let review = parsed(&recording);
        let spec = review.pointer("/request/object/spec").unwrap();
        assert_eq!(spec["containers"].as_array().unwrap().len(), 3);
        assert!(spec.get("initContainers").is_none());
        assert!(
            recording.body.len() >= 8 * 1024,
            "{} bytes",
            recording.body.len()
        );
    }

    #[test]
    fn a_label_is_added_without_a_change_of_images_and_an_image_is_changed_with_it() {
        for (name, changed) in [("pod-update-label", false), ("pod-update-image", true)] {
            let review = parsed(&get(name).unwrap());
            let image = |object| {
                text(
                    &review,
                    &format!("/request/{object}/spec/containers/0/image"),
                )
                .to_owned()
            };
            assert_eq!(image("oldObject") != image("object"), changed, "{name}");
        }
    }

    #[test]
    fn images_are_replaced_wherever_they_stand() {
        let recording = get("pod-create-one-image").unwrap();
        let (before, after) = ("registry.test/team/app:v1", "localhost:5000/app@sha256:00");
        let changed = String::from_utf8(recording.body_with(&[(before, after)])).unwrap();
        let was = String::from_utf8(recording.body.clone()).unwrap();
        assert_eq!(changed.matches(after).count(), was.matches(before).count());
        assert!(was.contains(before) && !changed.contains(before));
    }

    #[test]
    fn an_unknown_name_is_named_in_the_error() {
        let error = get("pod-create-nothing").unwrap_err();
        assert!(error.to_string().contains("pod-create-nothing"), "{error}");
    }
}
