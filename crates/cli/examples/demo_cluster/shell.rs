//! Commands, shown as they are typed, and what comes of them.

use std::error::Error;
use std::fs;
use std::path::Path;

use cise_testkit::cise::Site;
use cise_testkit::{Error as KitError, comes_true};
use tempfile::TempDir;

use crate::stage::Stage;

/// The cluster of the story, and its people's terminal.
pub(crate) struct Shell {
    site: Site,
    pub(crate) stage: Stage,
    folder: TempDir,
}

/// What a command is expected to come to. Anything else ends the story.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Done,
    Refused,
}

impl Shell {
    pub(crate) fn new(site: Site, stage: Stage, folder: TempDir) -> Self {
        Self {
            site,
            stage,
            folder,
        }
    }

    /// Shows a command that succeeds.
    pub(crate) fn does(&self, line: &str) -> Result<(), Box<dyn Error>> {
        self.shows(line, Outcome::Done)
    }

    /// Shows a command that is refused.
    pub(crate) fn is_refused(&self, line: &str) -> Result<(), Box<dyn Error>> {
        self.shows(line, Outcome::Refused)
    }

    fn shows(&self, line: &str, expected: Outcome) -> Result<(), Box<dyn Error>> {
        println!("\n$ {line}");
        let (said, outcome) = match self.site.run(line, "") {
            Ok(said) => (said, Outcome::Done),
            Err(KitError::Failed { output, .. }) => (output, Outcome::Refused),
            Err(error) => return Err(error.into()),
        };
        println!("{said}");
        if outcome != expected {
            return Err("that was not to be expected".into());
        }
        Ok(())
    }

    /// Writes a file that a command names, and shows it.
    pub(crate) fn writes(&self, name: &str, text: &str) -> Result<(), Box<dyn Error>> {
        fs::write(self.folder.path().join(name), text)?;
        println!("\n{name}:\n");
        for line in text.lines() {
            println!("  {line}");
        }
        Ok(())
    }

    /// Waits until a pod of this image would be made in a namespace: a policy was written, and each replica hears of it.
    pub(crate) fn waits_for(&self, namespace: &str, image: &str) -> Result<(), Box<dyn Error>> {
        let answer = || self.site.ask(namespace, &[image]);
        if comes_true(|| answer().is_ok()) {
            return Ok(());
        }
        Err(format!("no pod of {image} can be made: {:?}", answer().err()).into())
    }

    /// Waits until something is said by a command, without showing it.
    pub(crate) fn waits_until(&self, line: &str, text: &str) -> Result<(), Box<dyn Error>> {
        let says = || {
            self.site
                .run(line, "")
                .is_ok_and(|said| said.contains(text))
        };
        if comes_true(says) {
            return Ok(());
        }
        Err(format!("`{line}` never says `{text}`").into())
    }

    /// Where the chart is.
    pub(crate) fn repository(&self) -> String {
        self.site.repository()
    }

    /// The administrator's credentials.
    pub(crate) fn kubeconfig(&self) -> &Path {
        self.site.kubectl().kubeconfig()
    }

    /// What is in the registry.
    pub(crate) fn images(&self) -> Vec<String> {
        let names = [
            "web:1.0", "web:2.0", "pay:1.0", "cart:1.0", "tool:1.0", "old:1.0",
        ];
        names.iter().map(|name| self.stage.image(name)).collect()
    }
}
