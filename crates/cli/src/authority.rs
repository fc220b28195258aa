//! A file with an authority that somebody else keeps.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::sync::watch;

/// How often the file is looked at.
const LOOKS_EVERY: Duration = Duration::from_secs(5);

/// The most bytes of such a file: several hundred certificates.
const MAX_BYTES: u64 = 1 << 20;

/// What is trusted, in PEM, from now on; nothing before it was read.
pub(crate) type Authorities = watch::Receiver<Option<Arc<str>>>;

/// Reads the file again and again, for as long as anybody wants to know. While it cannot be read, what it said before counts.
pub(crate) async fn follow(file: PathBuf, authorities: watch::Sender<Option<Arc<str>>>) {
    let mut looks = tokio::time::interval(LOOKS_EVERY);
    while !authorities.is_closed() {
        looks.tick().await;
        match read(&file).await {
            Ok(text) => {
                authorities.send_if_modified(|known| {
                    let is_new = known.as_deref() != Some(&*text);
                    if is_new {
                        *known = Some(text.into());
                    }
                    is_new
                });
            }
            Err(error) => tracing::warn!("{} cannot be read: {error}", file.display()),
        }
    }
}

async fn read(file: &Path) -> io::Result<String> {
    let mut text = String::new();
    let opened = tokio::fs::File::open(file).await?;
    let read = opened.take(MAX_BYTES + 1).read_to_string(&mut text).await?;
    if u64::try_from(read).is_ok_and(|read| read <= MAX_BYTES) {
        return Ok(text);
    }
    Err(io::Error::other(format!(
        "it has more than {MAX_BYTES} bytes"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_file_that_changes_is_told_and_one_that_cannot_be_read_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        std::fs::write(&file, "one").unwrap();
        let (sender, mut authorities) = watch::channel(None);
        let following = tokio::spawn(follow(file.clone(), sender));
        let told = |authorities: &mut Authorities| authorities.borrow_and_update().clone();
        authorities.changed().await.unwrap();
        assert_eq!(told(&mut authorities).as_deref(), Some("one"));
        for unreadable in [None, Some("x".repeat(1 + (1 << 20)))] {
            match unreadable {
                None => std::fs::remove_file(&file).unwrap(),
                Some(text) => std::fs::write(&file, text).unwrap(),
            }
            let change = tokio::time::timeout(LOOKS_EVERY * 3, authorities.changed()).await;
            assert!(change.is_err(), "{:?}", told(&mut authorities));
        }
        std::fs::write(&file, "two").unwrap();
        authorities.changed().await.unwrap();
        assert_eq!(told(&mut authorities).as_deref(), Some("two"));
        drop(authorities);
        following.await.unwrap();
    }
}
