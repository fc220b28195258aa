//! The command line client of Kubernetes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

use super::User;
use crate::Error;
use crate::authority::{Authority, Identity};
use crate::command::{run, tell};

/// `kubectl`, with the credentials of one user. It reads nothing of the home folder.
#[derive(Debug, Clone)]
pub struct Kubectl {
    program: PathBuf,
    kubeconfig: PathBuf,
    home: PathBuf,
    editor: Option<String>,
}

impl Kubectl {
    pub(super) fn new(
        program: &Path,
        home: &Path,
        url: &str,
        authority: &Authority,
        user: &User,
    ) -> Result<Self, Error> {
        let identity = authority.client(&user.name, &[&user.group])?;
        let kubeconfig = identity.certificate_file.with_file_name("kubeconfig");
        let content = configuration(url, &authority.certificate_file(), &identity);
        fs::write(&kubeconfig, content.to_string()).map_err(Error::writing(&kubeconfig))?;
        Ok(Self {
            program: program.to_owned(),
            kubeconfig,
            home: home.to_owned(),
            editor: None,
        })
    }

    /// The same, for one who edits files with this command, such as `sed -i s/a/b/`.
    #[must_use]
    pub fn with_editor(mut self, command: &str) -> Self {
        self.editor = Some(command.to_owned());
        self
    }

    /// Runs it with these arguments and gives what it printed to standard output.
    pub fn run(&self, arguments: &[&str]) -> Result<String, Error> {
        self.run_with(arguments, "")
    }

    /// Runs it with these arguments and this standard input, such as a manifest for `apply -f -`.
    pub fn run_with(&self, arguments: &[&str], input: &str) -> Result<String, Error> {
        run(&mut self.command(arguments), input)
    }

    /// Runs it with these arguments and this standard input, and gives the warnings that it printed.
    pub fn warnings(&self, arguments: &[&str], input: &str) -> Result<Vec<String>, Error> {
        let told = tell(&mut self.command(arguments), input)?;
        let lines = told.errors.lines();
        Ok(lines
            .filter_map(|line| line.strip_prefix("Warning: ").map(str::to_owned))
            .collect())
    }

    /// Runs it with these arguments and this standard input, and gives all that a terminal would show: warnings, then output.
    pub fn shown(&self, arguments: &[&str], input: &str) -> Result<String, Error> {
        let told = tell(&mut self.command(arguments), input)?;
        let parts = [told.errors, told.output];
        let said: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        Ok(said.join("\n"))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .env("KUBECONFIG", &self.kubeconfig)
            .env("HOME", &self.home)
            .envs(self.editor.iter().map(|editor| ("KUBE_EDITOR", editor)));
        command
    }

    /// The file that says where the API server is and who asks, for programs other than `kubectl`.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }
}

/// JSON is YAML too.
fn configuration(url: &str, authority: &Path, identity: &Identity) -> serde_json::Value {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "testkit",
        "contexts": [{ "name": "testkit", "context": { "cluster": "testkit", "user": "testkit" } }],
        "clusters": [{
            "name": "testkit",
            "cluster": { "server": url, "certificate-authority": authority },
        }],
        "users": [{
            "name": "testkit",
            "user": {
                "client-certificate": identity.certificate_file,
                "client-key": identity.key_file,
            },
        }],
    })
}
