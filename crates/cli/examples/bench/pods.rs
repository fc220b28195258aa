//! Reviews of pods: as a real API server sent them, with the images that a measurement is about.

use anyhow::{Context as _, Result};
use cise_testkit::recordings;
use serde_json::Value;

/// The namespace that the pods are created in.
pub(crate) const NAMESPACE: &str = "team";

/// The hook that is asked, as the API server asks it.
pub(crate) const HOOK: &str = "/trust?timeout=10s";

/// The recorded pod with three containers, of [`crate::signed::REPOSITORIES`].
pub(crate) fn of_three_containers() -> Result<Vec<u8>> {
    Ok(recordings::get("pod-create-three-containers")?.body)
}

/// A recorded pod whose only container is repeated for each image, under a name of its own.
pub(crate) fn of_images<I: AsRef<str>>(images: &[I]) -> Result<Vec<u8>> {
    let recording = recordings::get("pod-create-one-image")?;
    let mut review: Value = serde_json::from_slice(&recording.body)?;
    let containers = review
        .pointer_mut("/request/object/spec/containers")
        .and_then(Value::as_array_mut)
        .context("the recorded pod has no containers")?;
    let recorded = containers
        .first()
        .cloned()
        .context("the recorded pod has no container")?;
    *containers = images
        .iter()
        .enumerate()
        .map(|(index, image)| container(&recorded, index, image.as_ref()))
        .collect();
    Ok(serde_json::to_vec(&review)?)
}

fn container(recorded: &Value, index: usize, image: &str) -> Value {
    let mut container = recorded.clone();
    if let Some(fields) = container.as_object_mut() {
        fields.insert("name".to_owned(), format!("container-{index}").into());
        fields.insert("image".to_owned(), image.into());
    }
    container
}
