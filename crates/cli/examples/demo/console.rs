//! A person at a terminal, who runs `cise` in a folder.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::guard;

/// A folder with a terminal.
pub(crate) struct Console(TempDir);

impl Console {
    pub(crate) fn new() -> Result<Self, Box<dyn Error>> {
        Ok(Self(tempfile::tempdir()?))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> Result<(), Box<dyn Error>> {
        let path = self.path().join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        Ok(fs::write(path, text)?)
    }

    /// Runs `cise` with these arguments, separated by blanks, and shows both them and what it prints.
    pub(crate) fn run(&self, arguments: &str) -> Result<(), Box<dyn Error>> {
        println!("   $ cise {arguments}");
        let output = Command::new(guard::binary())
            .args(arguments.split_whitespace())
            .current_dir(self.path())
            .output()?;
        for text in [&output.stdout, &output.stderr] {
            for line in String::from_utf8_lossy(text).trim_end().lines() {
                println!("{}", format!("     {line}").trim_end());
            }
        }
        println!();
        // 1 says that an image would be refused, which is part of the story.
        match output.status.code() {
            Some(0 | 1) => Ok(()),
            _ => Err(format!("`cise {arguments}` failed").into()),
        }
    }
}
