//! Somebody who does what the documentation says, in a cluster of their own.

use std::fs;
use std::path::{Path, PathBuf};

use cise_testkit::cise::Site;
use cise_testkit::components::{NOTARY, NOTARY_SERVER, REGISTRY, require};
use cise_testkit::controlplane::{Kubectl, User};
use cise_testkit::images::{Format, Image};
use cise_testkit::{Error, comes_true};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::stage::Stage;
use crate::vulnerable;

/// The group of the policies.
pub(crate) const GROUP: &str = "securityenforcement.admission.cloud.ibm.com";

/// An image that no trust server vouches for, of a registry that no configuration names.
pub(crate) const FOREIGN: &str = "registry.example.com/app:v1";

/// What is said of its registry.
pub(crate) const UNSUPPORTED: &str = "admission webhook \"trust.hooks.securityenforcement.admission.cloud.ibm.com\" denied the \
                                      request: Trust is not supported for images from this registry";

/// What is said of the image where no policy allows it.
pub(crate) const NO_POLICY: &str = "admission webhook \"trust.hooks.securityenforcement.admission.cloud.ibm.com\" denied the \
                                    request: Deny, no image policies or cluster polices for registry.example.com/app:v1";

/// The cluster, what is in its registry, and files that the reader wrote.
pub(crate) struct Reader {
    pub(crate) site: Site,
    pub(crate) stage: Stage,
    folder: TempDir,
}

impl Reader {
    /// A cluster without CISE; `None` where it cannot be had.
    pub(crate) fn start() -> Option<Self> {
        if !Site::require() || !require(&[&REGISTRY, &NOTARY_SERVER, &NOTARY]) {
            return None;
        }
        let (stage, folder) = (Stage::set().unwrap(), tempfile::tempdir().unwrap());
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let chart = manifest.join("../../charts/ibmcloud-image-enforcement");
        let program = Path::new(env!("CARGO_BIN_EXE_cise"));
        let site = Site::start(program, &chart).unwrap();
        let claim = site.replicas().claim("advisories").unwrap();
        vulnerable::database(program, &claim).unwrap();
        let reader = Self {
            site,
            stage,
            folder,
        };
        reader.fills_the_registry();
        Some(reader)
    }

    /// An image with a vulnerable package, and one that nobody signed under the tag of the documentation.
    fn fills_the_registry(&self) {
        let tool = Image::new(Format::Docker, &[("app/content.txt", "tool")]);
        let push = |image: Image, repository: &str, tag: &str| {
            self.stage.registry.push(&image, repository, tag).unwrap();
        };
        push(vulnerable::image().unwrap(), "shop/old", "1.0");
        push(tool.unwrap(), "shop/tool", "latest");
    }

    /// Tells the installed chart of the registry, and of an advisory database, which the advisor then answers from. The documentation's
    /// product knows its own; all others are configured.
    pub(crate) fn names_the_registry_and_its_trust_server(&self) {
        let trust = self.stage.notary.trust();
        let values = json!({
            "registries": [{
                "host": self.stage.registry.host(),
                "plainHTTP": true,
                "trustServer": trust.server_url,
                "trustServerCA": trust.ca,
                "advisor": "builtin",
            }],
            "advisor": { "enabled": true, "database": { "existingClaim": "advisories" } },
            // A busy machine is not a slow webhook.
            "webhooks": { "timeoutSeconds": 30 },
        });
        let upgrade = "helm upgrade cise iks-charts/ibmcloud-image-enforcement --values -";
        self.runs_with(upgrade, &values.to_string());
        self.site.rolled_out().unwrap();
        self.runs("kubectl -n ibm-system rollout status deployment/cise-advisor --timeout=300s");
    }

    /// Runs a line, which must succeed; gives what it printed.
    pub(crate) fn runs(&self, line: &str) -> String {
        self.runs_with(line, "")
    }

    pub(crate) fn runs_with(&self, line: &str, input: &str) -> String {
        // Whoever is told that the webhook was not reached in time types the line again: the machine is busy.
        let mut run = self.site.run(line, input);
        comes_true(|| {
            let is_late = |error: &Error| error.to_string().contains("failed calling webhook");
            if run.as_ref().is_err_and(is_late) {
                run = self.site.run(line, input);
            }
            !run.as_ref().is_err_and(is_late)
        });
        run.unwrap_or_else(|error| panic!("{error}\n{}", self.site.replicas().logs()))
    }

    /// Runs a line, which must fail; gives what it printed.
    pub(crate) fn fails(&self, line: &str) -> String {
        self.site.run(line, "").unwrap_err().to_string()
    }

    /// What `kubectl get … -o json` gives.
    pub(crate) fn gets(&self, what: &str) -> Value {
        serde_json::from_str(&self.runs(&format!("kubectl get {what} -o json"))).unwrap()
    }

    /// Somebody else's `kubectl`.
    pub(crate) fn asks_as(&self, user: &str) -> Kubectl {
        let user = User::new(user, "people");
        self.site.plane().kubectl(&user).unwrap()
    }

    /// Writes a file, and gives its path.
    pub(crate) fn writes(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// Writes a file with an object, and applies it with the documentation's command.
    pub(crate) fn applies(&self, manifest: &str) {
        let path = self.writes("manifest.yaml", manifest);
        self.runs(&format!("kubectl apply -f {}", path.display()));
    }

    /// Puts a policy with these entries in force in a namespace. It is the only one there.
    pub(crate) fn puts_in_force(&self, namespace: &str, entries: &Value) {
        let remove = format!("kubectl -n {namespace} delete imagepolicies --all");
        self.runs(&remove);
        self.is_denied(namespace, &[FOREIGN], UNSUPPORTED);
        let policy = json!({
            "apiVersion": format!("{GROUP}/v1beta1"), "kind": "ImagePolicy",
            "metadata": { "name": "ours", "namespace": namespace },
            "spec": { "repositories": entries },
        });
        self.applies(&policy.to_string());
        // As long as the answer is that of the policy of the cluster, this one is not known.
        let ask = || self.site.ask(namespace, &[FOREIGN]);
        let is_known = comes_true(|| !ask().is_err_and(|said| said.contains(UNSUPPORTED)));
        assert!(is_known, "{:?}", ask());
    }

    /// A pod with these images comes to be allowed; gives it as it would be stored, or what was said at last.
    pub(crate) fn comes_allowed(&self, namespace: &str, images: &[&str]) -> Result<Value, String> {
        let mut answer = Err(String::new());
        comes_true(|| {
            answer = self.site.ask(namespace, images);
            answer.is_ok()
        });
        answer.map_err(|said| self.story_of(images, &said))
    }

    /// A pod with these images comes to be denied with this sentence; else what was said at last.
    pub(crate) fn comes_denied(
        &self,
        namespace: &str,
        images: &[&str],
        sentence: &str,
    ) -> Result<(), String> {
        let mut answer = Ok(Value::Null);
        let is_denied = comes_true(|| {
            answer = self.site.ask(namespace, images);
            answer.as_ref().is_err_and(|said| said.contains(sentence))
        });
        let said = answer.err().unwrap_or_else(|| "allowed".to_owned());
        is_denied
            .then_some(())
            .ok_or_else(|| self.story_of(images, &said))
    }

    /// The same, which must come true.
    pub(crate) fn is_allowed(&self, namespace: &str, images: &[&str]) -> Value {
        let answer = self.comes_allowed(namespace, images);
        answer.unwrap_or_else(|story| panic!("not allowed: {story}"))
    }

    /// The same, which must come true.
    pub(crate) fn is_denied(&self, namespace: &str, images: &[&str], sentence: &str) {
        let answer = self.comes_denied(namespace, images, sentence);
        answer.unwrap_or_else(|story| panic!("not denied with `{sentence}`: {story}"));
    }

    fn story_of(&self, images: &[&str], said: &str) -> String {
        format!("{images:?}: {said}\n{}", self.site.replicas().logs())
    }
}
