//! An image as it is named on the command line.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cise_advisor::assessment::{Assessment, Rules};
use cise_advisor::exemption::{Exemptions, TagBinding};
use cise_advisor::inventory::Layout;
use cise_advisor::{Advise as _, Advisor, Question, Unadvised};
use cise_policy::Namespace;
use cise_reference::{Digest, Reference};
use cise_registry::{Caller, Deadline, Freshness, Keyring, Registry, RegistryError};
use jiff::Timestamp;

use crate::failure::Failure;

/// An image.
pub(super) enum Sample {
    /// One in a registry.
    Remote(Reference),
    /// One on disk, in the folder of an OCI layout, by its name there.
    Folder {
        layout: PathBuf,
        name: Option<String>,
    },
    /// The one in an archive of an OCI layout.
    Archive(PathBuf),
}

/// Whom and what to ask about an image, on whose behalf.
pub(super) struct Asking<'a> {
    pub(super) advisor: &'a Advisor,
    pub(super) registry: &'a Registry,
    pub(super) keyring: &'a Keyring,
    pub(super) exemptions: &'a Arc<Exemptions>,
    pub(super) namespace: Option<&'a Namespace>,
    pub(super) rules: &'a Rules,
    pub(super) patience: Duration,
}

/// The name by which exemptions and reports know an image that is in no registry.
const ON_DISK: &str = "localhost/image";

impl Sample {
    pub(super) fn parse(image: &str) -> Result<Self, Failure> {
        if let Some(archive) = image.strip_prefix("oci-archive:") {
            return Ok(Self::Archive(archive.into()));
        }
        if let Some(folder) = image.strip_prefix("oci:") {
            let (layout, name) = match folder.rsplit_once(':') {
                Some((layout, name)) if !name.contains('/') => (layout, Some(name.to_owned())),
                _ => (folder, None),
            };
            return Ok(Self::Folder {
                layout: layout.into(),
                name,
            });
        }
        Reference::parse(image).map(Self::Remote).map_err(|error| {
            Failure::new(format!("`{image}` is no image: {error}"))
                .with_hint("write it as [registry/]repository[:tag][@digest], oci:DIR[:TAG] or oci-archive:FILE")
        })
    }

    /// The digest of the image, and what the advisor says of it.
    pub(super) async fn assess(
        &self,
        asking: &Asking<'_>,
    ) -> Result<(Digest, Arc<Assessment>), Failure> {
        match self {
            Self::Remote(reference) => asking.about(reference).await,
            Self::Folder { layout, name } => {
                let layout = Layout::folder(layout).await?;
                asking.about_layout(&layout, name.as_deref()).await
            }
            Self::Archive(archive) => {
                let layout = Layout::archive(archive).await?;
                asking.about_layout(&layout, None).await
            }
        }
    }
}

impl Asking<'_> {
    async fn about(&self, reference: &Reference) -> Result<(Digest, Arc<Assessment>), Failure> {
        let (digest, tag) = match (reference.digest(), reference.tag()) {
            (Some(digest), _) => (digest.clone(), TagBinding::Unproven),
            (None, Some(tag)) => {
                let caller = self.caller();
                let resolving =
                    self.registry
                        .resolve(reference.repository(), tag, Freshness::Fresh, &caller);
                (resolving.await.map_err(unresolved)?, TagBinding::Proven)
            }
            (None, None) => {
                return Err(Failure::new(format!(
                    "`{reference}` has no tag and no digest"
                )));
            }
        };
        let question = self.question(reference, &digest, tag);
        let assessment = self.advisor.advise(question).await.map_err(unadvised)?;
        Ok((digest, assessment))
    }

    async fn about_layout(
        &self,
        layout: &Layout,
        name: Option<&str>,
    ) -> Result<(Digest, Arc<Assessment>), Failure> {
        let digest = layout.image(name)?.clone();
        let reference = Reference::parse(ON_DISK)?;
        let question = self.question(&reference, &digest, TagBinding::Unproven);
        let advised = self.advisor.advise_from(layout, question).await;
        let assessment = advised.map_err(unadvised)?;
        Ok((digest, assessment))
    }

    fn question<'a>(
        &'a self,
        image: &'a Reference,
        digest: &'a Digest,
        tag: TagBinding,
    ) -> Question<'a> {
        Question {
            image,
            digest,
            tag,
            namespace: self.namespace,
            caller: self.caller(),
            exemptions: self.exemptions,
            rules: self.rules,
            now: Timestamp::now(),
        }
    }

    fn caller(&self) -> Caller<'_> {
        Caller {
            keyring: self.keyring,
            namespace: self.namespace.map_or("default", Namespace::as_str),
            deadline: Deadline::after(self.patience),
        }
    }
}

fn unresolved(error: RegistryError) -> Failure {
    let hint = error.hint();
    let failure = Failure::from(error);
    match hint {
        Some(hint) => failure.with_hint(hint),
        None => failure,
    }
}

fn unadvised(error: Unadvised) -> Failure {
    let is_without_database = error == Unadvised::NoDatabase;
    let failure = Failure::from(error);
    if is_without_database {
        failure.with_hint(
            "`cise db build -o FILE SOURCE…` makes one; name it with --db, or as `advisor.database` in the configuration",
        )
    } else {
        failure
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(image: &str) -> String {
        match Sample::parse(image).unwrap() {
            Sample::Remote(reference) => format!("registry {reference}"),
            Sample::Folder { layout, name } => {
                format!("folder {} {}", layout.display(), name.unwrap_or_default())
            }
            Sample::Archive(archive) => format!("archive {}", archive.display()),
        }
    }

    #[test]
    fn an_image_is_in_a_registry_or_on_disk() {
        for (image, expected) in [
            ("nginx", "registry nginx"),
            ("oci:build/image", "folder build/image "),
            ("oci:build/image:v1", "folder build/image v1"),
            ("oci:C:/image", "folder C:/image "),
            ("oci-archive:image.tar", "archive image.tar"),
        ] {
            assert_eq!(told(image), expected);
        }
        assert!(Sample::parse("no image").is_err());
    }
}
