//! A certificate and key in files, read again when they change.

use std::fs::File;
use std::hash::{BuildHasher as _, RandomState};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::certificate::{CertificateError, Certificates, Identity};
use crate::metrics::Metrics;

/// Bytes of a certificate chain or a key.
const LIMIT: u64 = 1 << 20;

/// A pair of files, followed by content: the files of a Secret in a pod change when a symlink above them is swapped, which
/// no notification about the files themselves reports.
#[derive(Debug)]
pub struct CertificateFiles {
    certificate: PathBuf,
    key: PathBuf,
    hasher: RandomState,
    seen: u64,
    certificates: Arc<Certificates>,
}

/// What looking at the files has led to.
#[derive(Debug)]
pub enum Reload {
    /// They are as they were at the last look, good or bad.
    Unchanged,
    /// A new pair is in use.
    Replaced,
    /// They changed to something that cannot be used; the pair before stays in use.
    Kept(CertificateError),
}

impl CertificateFiles {
    /// Reads the files for the first time: a chain and its key, both PEM, 1 MiB each at most.
    pub fn open(certificate: PathBuf, key: PathBuf) -> Result<Self, CertificateError> {
        let hasher = RandomState::new();
        let (chain_pem, key_pem) = (read(&certificate)?, read(&key)?);
        let certificates = Arc::new(Certificates::new(Identity::from_pem(&chain_pem, &key_pem)?));
        Ok(Self {
            seen: hasher.hash_one((&chain_pem, &key_pem)),
            certificate,
            key,
            hasher,
            certificates,
        })
    }

    /// The certificates that this keeps current.
    pub fn certificates(&self) -> Arc<Certificates> {
        Arc::clone(&self.certificates)
    }

    /// Looks at the files every `period`, for ever; says in the log and in `metrics` what came of it.
    pub async fn follow(mut self, period: Duration, metrics: Arc<Metrics>) {
        let mut ticks = interval(period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let looked = tokio::task::spawn_blocking(move || {
                let reload = self.look();
                (self, reload)
            });
            let Ok((files, reload)) = looked.await else {
                return;
            };
            self = files;
            self.report(&reload, &metrics);
        }
    }

    /// Looks at the files once. Blocks on the file system.
    pub fn look(&mut self) -> Reload {
        match self.changed() {
            Ok(None) => Reload::Unchanged,
            Ok(Some(identity)) => {
                self.certificates.replace(identity);
                Reload::Replaced
            }
            Err(error) => Reload::Kept(error),
        }
    }

    fn changed(&mut self) -> Result<Option<Identity>, CertificateError> {
        let read = read(&self.certificate).and_then(|chain| Ok((chain, read(&self.key)?)));
        // A failure to read is content too: it is reported once.
        let seen = match &read {
            Ok((chain, key)) => self.hasher.hash_one((chain, key)),
            Err(error) => self.hasher.hash_one(error.to_string()),
        };
        if std::mem::replace(&mut self.seen, seen) == seen {
            return Ok(None);
        }
        let (chain, key) = read?;
        Identity::from_pem(&chain, &key).map(Some)
    }

    fn report(&self, reload: &Reload, metrics: &Metrics) {
        match reload {
            Reload::Unchanged => {}
            Reload::Replaced => {
                metrics.certificate_replaced(self.certificates.expires());
                tracing::info!(certificate = %self.certificate.display(), "a new certificate is in use");
            }
            Reload::Kept(error) => {
                metrics.certificate_kept();
                tracing::error!(
                    %error, certificate = %self.certificate.display(), key = %self.key.display(),
                    "the new certificate cannot be used, the one before stays in use"
                );
            }
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, CertificateError> {
    let failed = |cause| CertificateError::Read {
        path: path.to_owned(),
        cause,
    };
    let mut bytes = Vec::new();
    File::open(path)
        .map_err(failed)?
        .take(LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > LIMIT {
        return Err(CertificateError::TooLarge {
            path: path.to_owned(),
            limit: LIMIT,
        });
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;
    use crate::SelfSigned;

    #[test]
    fn a_new_pair_is_taken_up() {
        let (folder, mut files) = opened();
        assert!(matches!(files.look(), Reload::Unchanged));
        write(&folder, &pair());
        assert!(matches!(files.look(), Reload::Replaced));
        assert!(matches!(files.look(), Reload::Unchanged));
    }

    #[test]
    fn a_swapped_symlink_above_the_files_is_noticed() {
        let folder = TempDir::new().unwrap();
        for generation in ["1", "2"] {
            fs::create_dir(folder.path().join(generation)).unwrap();
            write_into(&folder.path().join(generation), &pair());
        }
        let data = folder.path().join("..data");
        std::os::unix::fs::symlink("1", &data).unwrap();
        let mut files = CertificateFiles::open(data.join("tls.crt"), data.join("tls.key")).unwrap();
        std::os::unix::fs::symlink("2", folder.path().join("new")).unwrap();
        fs::rename(folder.path().join("new"), &data).unwrap();
        assert!(matches!(files.look(), Reload::Replaced));
    }

    #[test]
    fn a_pair_that_cannot_be_used_is_reported_once_and_changes_nothing() {
        let other = pair();
        let damages: [fn(&Path, &SelfSigned); 5] = [
            |folder, _| fs::remove_file(folder.join("tls.crt")).unwrap(),
            |folder, _| fs::write(folder.join("tls.key"), "").unwrap(),
            |folder, other| fs::write(folder.join("tls.key"), &other.key_pem).unwrap(),
            |folder, other| fs::write(folder.join("tls.crt"), &other.chain_pem).unwrap(),
            |folder, _| fs::write(folder.join("tls.crt"), vec![b'\n'; 2 << 20]).unwrap(),
        ];
        for damage in damages {
            let (folder, mut files) = opened();
            let before = files.certificates.expires();
            damage(folder.path(), &other);
            assert!(matches!(files.look(), Reload::Kept(_)));
            assert!(matches!(files.look(), Reload::Unchanged));
            assert_eq!(files.certificates.expires(), before);
            write(&folder, &other);
            assert!(matches!(files.look(), Reload::Replaced));
        }
    }

    fn opened() -> (TempDir, CertificateFiles) {
        let folder = TempDir::new().unwrap();
        write(&folder, &pair());
        let files =
            CertificateFiles::open(folder.path().join("tls.crt"), folder.path().join("tls.key"))
                .unwrap();
        (folder, files)
    }

    fn pair() -> SelfSigned {
        SelfSigned::new(&["localhost".to_owned()]).unwrap()
    }

    fn write(folder: &TempDir, pair: &SelfSigned) {
        write_into(folder.path(), pair);
    }

    fn write_into(folder: &Path, pair: &SelfSigned) {
        fs::write(folder.join("tls.crt"), &pair.chain_pem).unwrap();
        fs::write(folder.join("tls.key"), &pair.key_pem).unwrap();
    }
}
