//! Policies, secrets and service accounts of files that may change at any time.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use cise_admission::{ExemptionSource, PolicySource, SecretData, SecretSource, SourceError};
use cise_advisor::exemption::Exemptions;
use cise_policy::Policies;
use futures::future::BoxFuture;

use crate::{Generation, Manifest, ManifestError};

/// Files and folders of manifests as a source of policies, secrets and service accounts.
///
/// A generation is read in full, and comes into force in full. While what is on disk cannot be read, the last generation that
/// could stays in force.
pub struct ManifestSource {
    paths: Vec<PathBuf>,
    default_namespace: String,
    current: ArcSwap<Generation>,
    status: ArcSwap<Status>,
    seen: Mutex<Seen>,
}

/// What became of the manifests so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The number of the generation in force: 1 at first.
    pub generation: u64,
    /// Why what is on disk now is not in force.
    pub fault: Option<ManifestError>,
}

/// What a look at the disk brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Poll {
    /// All is as it was.
    Unchanged,
    /// Something changes at this moment. It counts once it looks the same twice: somebody may be writing still.
    Unsettled,
    /// A new generation is in force.
    Replaced,
    /// What changed cannot be read. The last generation stays in force.
    Refused,
}

/// Contents of the files, by their hashes.
struct Seen {
    /// What was decided upon, taken or refused.
    settled: u64,
    /// What was there at the last look, if it is something else.
    unsettled: Option<u64>,
}

type Texts = Result<Vec<Manifest>, ManifestError>;

impl ManifestSource {
    /// Reads the manifests for the first time. What names no namespace is in `default_namespace`.
    pub fn open(
        paths: Vec<PathBuf>,
        default_namespace: impl Into<String>,
    ) -> Result<Self, ManifestError> {
        let default_namespace = default_namespace.into();
        let texts = read(&paths);
        let settled = fingerprint(&texts);
        let generation = Generation::read(&texts?, &default_namespace)?;
        Ok(Self {
            paths,
            default_namespace,
            current: ArcSwap::from_pointee(generation),
            status: ArcSwap::from_pointee(Status {
                generation: 1,
                fault: None,
            }),
            seen: Mutex::new(Seen {
                settled,
                unsettled: None,
            }),
        })
    }

    /// Looks at the disk. A change comes into force when two looks in a row find the same.
    ///
    /// Contents are compared, not times: where Kubernetes mounts them, a link is swapped and no file changes.
    pub fn poll(&self) -> Poll {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let texts = read(&self.paths);
        let found = fingerprint(&texts);
        if found == seen.settled {
            seen.unsettled = None;
            return Poll::Unchanged;
        }
        if seen.unsettled.replace(found) != Some(found) {
            return Poll::Unsettled;
        }
        *seen = Seen {
            settled: found,
            unsettled: None,
        };
        match texts.and_then(|texts| Generation::read(&texts, &self.default_namespace)) {
            Ok(generation) => self.replace(generation),
            Err(fault) => self.refuse(fault),
        }
    }

    /// Polls forever, in a thread where that may take its time, and tells `observer` of each change, taken or refused.
    pub async fn follow(self: Arc<Self>, interval: Duration, observer: impl Fn(&Status) + Send) {
        let mut ticks = tokio::time::interval(interval);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let source = Arc::clone(&self);
            match tokio::task::spawn_blocking(move || source.poll()).await {
                Ok(Poll::Replaced | Poll::Refused) => observer(&self.status()),
                Ok(Poll::Unchanged | Poll::Unsettled) => {}
                Err(error) => tracing::error!(%error, "looking for changed manifests failed"),
            }
        }
    }

    /// What is in force, and what is not and why.
    pub fn status(&self) -> Arc<Status> {
        self.status.load_full()
    }

    fn replace(&self, generation: Generation) -> Poll {
        let number = self.status.load().generation + 1;
        self.current.store(Arc::new(generation));
        self.status.store(Arc::new(Status {
            generation: number,
            fault: None,
        }));
        tracing::info!(generation = number, "changed manifests are in force");
        Poll::Replaced
    }

    fn refuse(&self, fault: ManifestError) -> Poll {
        let number = self.status.load().generation;
        tracing::error!(
            generation = number,
            "changed manifests are not taken, the last ones stay in force: {fault}"
        );
        self.status.store(Arc::new(Status {
            generation: number,
            fault: Some(fault),
        }));
        Poll::Refused
    }
}

impl PolicySource for ManifestSource {
    fn policies(&self) -> Arc<Policies> {
        Arc::clone(self.current.load().policies())
    }
}

impl ExemptionSource for ManifestSource {
    fn exemptions(&self) -> Arc<Exemptions> {
        Arc::clone(self.current.load().exemptions())
    }
}

impl SecretSource for ManifestSource {
    fn secret<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<Option<Arc<SecretData>>, SourceError>> {
        let found = self.current.load().secret(namespace, name).cloned();
        Box::pin(std::future::ready(Ok(found)))
    }

    fn pull_secrets_of<'a>(
        &'a self,
        namespace: &'a str,
        service_account: &'a str,
    ) -> BoxFuture<'a, Result<Option<Arc<[String]>>, SourceError>> {
        let found = self
            .current
            .load()
            .pull_secrets_of(namespace, service_account)
            .cloned();
        Box::pin(std::future::ready(Ok(found)))
    }
}

fn read(paths: &[PathBuf]) -> Texts {
    let mut texts = Vec::new();
    for path in paths {
        texts.extend(Manifest::read_path(path)?);
    }
    Ok(texts)
}

fn fingerprint(texts: &Texts) -> u64 {
    let mut hasher = DefaultHasher::new();
    match texts {
        Ok(texts) => texts.hash(&mut hasher),
        Err(error) => error.to_string().hash(&mut hasher),
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    fn write(folder: &Path, names: &[&str]) {
        let policy = |name: &&str| {
            format!(
                "---\napiVersion: securityenforcement.admission.cloud.ibm.com/v1beta1\nkind: ClusterImagePolicy\nmetadata: {{name: {name}}}\nspec: {{repositories: []}}\n"
            )
        };
        fs::write(
            folder.join("policies.yaml"),
            names.iter().map(policy).collect::<String>(),
        )
        .unwrap();
    }

    fn in_force(source: &ManifestSource) -> Vec<String> {
        source
            .policies()
            .policies("any")
            .iter()
            .map(|policy| policy.origin().name().to_owned())
            .collect()
    }

    fn opened(names: &[&str]) -> (tempfile::TempDir, ManifestSource) {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), names);
        let source = ManifestSource::open(vec![folder.path().to_owned()], "default").unwrap();
        (folder, source)
    }

    #[test]
    fn a_change_counts_when_it_looks_the_same_twice() {
        let (folder, source) = opened(&["a"]);
        assert_eq!(source.poll(), Poll::Unchanged);
        write(folder.path(), &["a", "b"]);
        assert_eq!(source.poll(), Poll::Unsettled);
        write(folder.path(), &["a", "b", "c"]);
        assert_eq!(source.poll(), Poll::Unsettled);
        assert_eq!(in_force(&source), ["a"]);
        assert_eq!(source.poll(), Poll::Replaced);
        assert_eq!(in_force(&source), ["a", "b", "c"]);
        assert_eq!(source.poll(), Poll::Unchanged);
        assert_eq!(
            *source.status(),
            Status {
                generation: 2,
                fault: None
            }
        );
    }

    #[test]
    fn what_cannot_be_read_leaves_the_last_generation_in_force_and_says_so_once() {
        let (folder, source) = opened(&["a"]);
        fs::write(folder.path().join("more.yaml"), "apiVersion: v1\nkind: [\n").unwrap();
        assert_eq!(
            [source.poll(), source.poll(), source.poll()],
            [Poll::Unsettled, Poll::Refused, Poll::Unchanged]
        );
        assert_eq!(in_force(&source), ["a"]);
        let fault = source.status().fault.clone().unwrap().to_string();
        assert!(
            fault.contains("more.yaml:2:7: expected YAML or JSON"),
            "{fault}"
        );
        fs::remove_file(folder.path().join("more.yaml")).unwrap();
        write(folder.path(), &["b"]);
        assert_eq!(
            [source.poll(), source.poll()],
            [Poll::Unsettled, Poll::Replaced]
        );
        assert_eq!(in_force(&source), ["b"]);
        assert_eq!(source.status().fault, None);
    }

    #[test]
    fn a_folder_that_vanishes_takes_no_policy_away() {
        let (folder, source) = opened(&["a"]);
        fs::remove_dir_all(folder.path()).unwrap();
        assert_eq!(
            [source.poll(), source.poll()],
            [Poll::Unsettled, Poll::Refused]
        );
        assert_eq!(in_force(&source), ["a"]);
    }

    #[test]
    fn a_fault_that_is_taken_back_is_forgotten() {
        let (folder, source) = opened(&["a"]);
        fs::write(folder.path().join("policies.yaml"), "nonsense").unwrap();
        assert_eq!(
            [source.poll(), source.poll()],
            [Poll::Unsettled, Poll::Refused]
        );
        write(folder.path(), &["a"]);
        assert_eq!(
            [source.poll(), source.poll()],
            [Poll::Unsettled, Poll::Replaced]
        );
        assert_eq!(source.status().fault, None);
    }

    #[test]
    #[cfg(unix)]
    fn a_mounted_config_map_changes_by_its_link() {
        let folder = tempfile::tempdir().unwrap();
        let link = |target: &str| {
            std::os::unix::fs::symlink(target, folder.path().join("..data_tmp")).unwrap();
            fs::rename(
                folder.path().join("..data_tmp"),
                folder.path().join("..data"),
            )
            .unwrap();
        };
        for (version, names) in [("..1", ["a"]), ("..2", ["b"])] {
            fs::create_dir(folder.path().join(version)).unwrap();
            write(&folder.path().join(version), &names);
        }
        link("..1");
        std::os::unix::fs::symlink("..data/policies.yaml", folder.path().join("policies.yaml"))
            .unwrap();
        let source = ManifestSource::open(vec![folder.path().to_owned()], "default").unwrap();
        assert_eq!(in_force(&source), ["a"]);
        link("..2");
        assert_eq!(
            [source.poll(), source.poll()],
            [Poll::Unsettled, Poll::Replaced]
        );
        assert_eq!(in_force(&source), ["b"]);
    }

    #[test]
    fn what_cannot_be_read_at_first_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.yaml"), "nonsense").unwrap();
        assert!(ManifestSource::open(vec![folder.path().to_owned()], "default").is_err());
        assert!(ManifestSource::open(vec![folder.path().join("none")], "default").is_err());
    }
}
