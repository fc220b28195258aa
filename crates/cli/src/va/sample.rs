//! An image as it is named on the command line.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cise_advisor::assessment::{Assessment, Rules};
use cise_advisor::exemption::{Exemptions, TagBinding};
use cise_advisor::inventory::Layout;
use cise_advisor::{Advise as _, Advisor, Question, Unadvised, Urgency};
use cise_policy::Namespace;
use cise_reference::{Digest, Reference};
use cise_registry::{
    Amount, Caller, Deadline, Freshness, Keyring, Progress, Registry, RegistryError,
};
use jiff::Timestamp;

use crate::failure::Failure;
use crate::progress::{Board, watched};

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
    /// How long an image may take.
    pub(super) patience: Duration,
    pub(super) persistence: Persistence,
}

/// What is done when too much is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Persistence {
    /// That is the answer.
    AskOnce,
    /// The same question is asked again.
    AskAgain,
}

/// Where it is shown how far an image is.
#[derive(Clone, Copy)]
pub(super) struct Sight<'a> {
    pub(super) board: &'a Board,
    pub(super) number: usize,
    pub(super) image: &'a str,
}

impl Sight<'_> {
    fn show(&self, amount: Option<Amount>) {
        let line = match amount {
            None => format!("looking at {}", self.image),
            Some(amount) => format!("{amount} read of {}", self.image),
        };
        self.board.show(self.number, line);
    }
}

/// How long is waited before the same question is asked again.
const PAUSE: Duration = Duration::from_secs(1);

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
        sight: &Sight<'_>,
    ) -> Result<(Digest, Arc<Assessment>), Failure> {
        sight.show(None);
        match self {
            Self::Remote(reference) => asking.about(reference, sight).await,
            Self::Folder { layout, name } => {
                let layout = Layout::folder(layout).await?;
                asking.about_layout(&layout, name.as_deref(), sight).await
            }
            Self::Archive(archive) => {
                let layout = Layout::archive(archive).await?;
                asking.about_layout(&layout, None, sight).await
            }
        }
    }
}

impl Asking<'_> {
    async fn about(
        &self,
        reference: &Reference,
        sight: &Sight<'_>,
    ) -> Result<(Digest, Arc<Assessment>), Failure> {
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
        let indexed = || {
            let sample = question.sample(self.advisor.platforms());
            let progress = self.advisor.progress(&sample);
            sight.show(progress.and_then(|progress| progress.amount()));
        };
        let assessment = watched(self.advise(question), indexed).await;
        Ok((digest, assessment.map_err(unadvised)?))
    }

    /// The answer; while too much is under way, another question, if that is wanted.
    async fn advise(&self, question: Question<'_>) -> Result<Arc<Assessment>, Unadvised> {
        loop {
            let advised = self.advisor.advise(question).await;
            let is_busy = advised.as_ref().is_err_and(Unadvised::is_busy);
            let is_over = question.caller.deadline.has_passed();
            if self.persistence == Persistence::AskOnce || !is_busy || is_over {
                return advised;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn about_layout(
        &self,
        layout: &Layout,
        name: Option<&str>,
        sight: &Sight<'_>,
    ) -> Result<(Digest, Arc<Assessment>), Failure> {
        let digest = layout.image(name)?.clone();
        let reference = Reference::parse(ON_DISK)?;
        let question = self.question(&reference, &digest, TagBinding::Unproven);
        let progress = Progress::new();
        let advising = self.advisor.advise_from(layout, question, &progress);
        let assessment = watched(advising, || sight.show(progress.amount())).await;
        Ok((digest, assessment.map_err(unadvised)?))
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
            urgency: Urgency::Waited,
            freshness: Freshness::Kept,
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
    Failure::from(error).with_any_hint(hint)
}

fn unadvised(error: Unadvised) -> Failure {
    let hint = match &error {
        Unadvised::NoDatabase => Some(
            "`cise db build -o FILE SOURCE…` makes one; name it with --db, or as `advisor.database` in the configuration",
        ),
        Unadvised::Indexing(_) => Some(
            "--wait=TIME waits longer; with --cache DIR, the layers that were read to their end are not read again",
        ),
        error => error.hint(),
    };
    Failure::from(error).with_any_hint(hint)
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
