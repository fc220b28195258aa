//! What is asked about: images, and the workloads of manifests.

use std::io;
use std::path::{Path, PathBuf};

use cise_admission::{JsonError, Request, RequestError, WorkloadError};
use cise_manifests::{Manifest, Workload, workloads};
use cise_reference::Reference;

use crate::failure::Failure;

/// One request to judge.
pub(super) enum Question {
    /// Images that a pod would run.
    Images(Vec<String>),
    /// An object of a manifest.
    Workload(Workload),
}

impl Question {
    /// Everything that is asked about. All of it is read before anything is judged.
    pub(super) fn all(
        images: &[String],
        manifests: &[PathBuf],
        namespace: &str,
    ) -> Result<Vec<Self>, Failure> {
        let mut questions = Vec::new();
        if !images.is_empty() {
            questions.push(Self::Images(images.to_vec()));
        }
        for path in manifests {
            for manifest in read(path)? {
                questions.extend(
                    workloads(&manifest, namespace)?
                        .into_iter()
                        .map(Self::Workload),
                );
            }
        }
        if questions.is_empty() {
            let paths: Vec<String> = manifests
                .iter()
                .map(|path| path.display().to_string())
                .collect();
            return Err(Failure::new(format!(
                "{}: nothing in it runs images: expected pods or workloads",
                paths.join(", ")
            )));
        }
        for question in &questions {
            question.request(namespace)?;
        }
        Ok(questions)
    }

    /// The request to judge.
    pub(super) fn request<'q>(&'q self, namespace: &'q str) -> Result<Request<'q>, Failure> {
        match self {
            Self::Images(images) => Ok(Request::of_images(
                namespace,
                images.iter().map(String::as_str),
            )),
            Self::Workload(workload) => {
                Request::create(workload.kind(), workload.namespace(), workload.json())
                    .map_err(|error| unreadable(workload, &error))
            }
        }
    }

    /// The object of a manifest, if it is one.
    pub(super) fn workload(&self) -> Option<&Workload> {
        if let Self::Workload(workload) = self {
            Some(workload)
        } else {
            None
        }
    }
}

fn read(path: &Path) -> Result<Vec<Manifest>, Failure> {
    if path == Path::new("-") {
        return Ok(vec![Manifest::read_from(
            "standard input",
            io::stdin().lock(),
        )?]);
    }
    let found = Manifest::read_path(path)?;
    if found.is_empty() {
        let why = format!(
            "{}: no manifests in this folder: expected files named .yaml, .yml or .json",
            path.display()
        );
        return Err(Failure::new(why));
    }
    Ok(found)
}

/// Refuses images that are on disk.
pub(super) fn refuse_layouts(images: &[String]) -> Result<(), Failure> {
    let layout = images.iter().find(|image| is_on_disk(image));
    layout.map_or(Ok(()), |layout| Err(on_disk(layout)))
}

/// Refuses names that are none before anything is judged, and says what may have been meant.
pub(super) fn refuse_malformed(images: &[String]) -> Result<(), Failure> {
    for image in images {
        Reference::parse(image).map_err(|error| bad_image(image, &error.to_string()))?;
    }
    Ok(())
}

/// Is this the name of an OCI layout, as `cise va` takes one, and of nothing that a registry has?
fn is_on_disk(image: &str) -> bool {
    let Some(path) = ["oci:", "oci-archive:"]
        .iter()
        .find_map(|scheme| image.strip_prefix(scheme))
    else {
        return false;
    };
    let folder = path.rsplit_once(':').map_or(path, |(folder, _)| folder);
    Reference::parse(image).is_err() || Path::new(path).exists() || Path::new(folder).exists()
}

/// Policies speak of registries and of names there, and what is on disk has neither.
fn on_disk(image: &str) -> Failure {
    let image = image.escape_debug();
    Failure::new(format!(
        "image `{image}`: it is on disk, and policies speak of images by their names in a registry"
    ))
    .with_hint(format!(
        "`cise va {image}` tells what is vulnerable in it; check it by the name that it will have in its registry, once it is there"
    ))
}

fn bad_image(image: &str, why: &str) -> Failure {
    let failure = Failure::new(format!("image `{}`: {why}", image.escape_debug()));
    if Path::new(image).exists() {
        failure.with_hint(format!("to check a manifest, write -f {image}"))
    } else {
        failure
    }
}

fn unreadable(workload: &Workload, error: &RequestError) -> Failure {
    let RequestError::Object(WorkloadError::Malformed {
        error: JsonError { field, why },
        ..
    }) = error
    else {
        return Failure::new(format!("{}: {error}", workload.place()));
    };
    // The position is that in the JSON which was made of the document.
    let why = why.split(" at line ").next().unwrap_or_default();
    let object = format!(
        "{} {}/{}",
        workload.kind().as_str(),
        workload.namespace(),
        workload.name()
    );
    Failure::new(format!(
        "{}: {object}: {field}: {why}",
        workload.place_of(field)
    ))
}
