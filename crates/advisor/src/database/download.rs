//! Sources that are fetched: a folder beside the database keeps a copy of each, and what its server said of it.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use cise_registry::{
    Body, ByteLimit, Deadline, Download, Downloaded, FetchError, Http, Reason, Validators,
};
use jiff::Timestamp;

use super::hash::Sha256;
use super::replacement;

/// The bucket in which osv.dev publishes an archive for each ecosystem.
const OSV: &str = "https://osv-vulnerabilities.storage.googleapis.com";
/// CISA's catalogue of known exploited vulnerabilities.
const KEV: &str =
    "https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json";

/// The dates of all products of endoflife.date.
const END_OF_LIFE: &str = "https://endoflife.date/api/v1/products/full";

/// Several times what all advisories of OSV take.
const LIMIT: ByteLimit = ByteLimit::mebibytes(8 * 1024);
/// The most bytes of what is kept of a server's words.
const MAX_NOTE_BYTES: u64 = 64 * 1024;

/// Where a source is fetched from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(String);

/// A source that was fetched, now or before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copy {
    /// The copy.
    pub path: PathBuf,
    /// When it was changed last, as its server says.
    pub as_of: Option<Timestamp>,
    /// Whether it is what was at hand.
    pub freshness: Freshness,
}

/// Whether a copy was at hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// It is what the server has, and was fetched before.
    AtHand,
    /// It was fetched now.
    Fetched,
}

/// Why a source cannot be fetched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DownloadError {
    /// Its server does not give it.
    #[error("cannot fetch {url}: {why}")]
    Fetch {
        /// Where it is.
        url: String,
        /// Why.
        why: FetchError,
    },
    /// The copy cannot be kept.
    #[error("`{}`: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

impl DownloadError {
    /// What may help, where that is more than the message says.
    pub fn hint(&self) -> Option<&'static str> {
        let Self::Fetch { why, .. } = self else {
            return None;
        };
        why.hint().or(match &why.reason {
            Reason::ConnectionRefused
            | Reason::Dns(_)
            | Reason::NoConnection(_)
            | Reason::TimedOut => Some(
                "check the address, and that it is reached from here, perhaps by a proxy (HTTPS_PROXY); a file that was fetched elsewhere is a source as well",
            ),
            Reason::UnexpectedStatus(_) | Reason::Forbidden => {
                Some("check the address; ecosystems are written as osv.dev does, as in `osv:Rocky Linux`")
            }
            _ => None,
        })
    }
}

impl Address {
    /// The address that a text is: a URL, `osv:Debian` for the archive of an ecosystem, `kev` or `end-of-life`. Nothing for
    /// what is a path.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "kev" {
            return Some(Self(KEV.to_owned()));
        }
        if text == "end-of-life" {
            return Some(Self(END_OF_LIFE.to_owned()));
        }
        if let Some(ecosystem) = text.strip_prefix("osv:") {
            let ecosystem = ecosystem.replace(' ', "%20");
            return Some(Self(format!("{OSV}/{ecosystem}/all.zip")));
        }
        let is_url = text.starts_with("https://") || text.starts_with("http://");
        is_url.then(|| Self(text.to_owned()))
    }

    /// The URL.
    pub fn url(&self) -> &str {
        &self.0
    }

    /// What a copy is called: as its ecosystem where it is an archive of OSV, which are all called `all.zip`.
    fn file_name(&self) -> String {
        let path = self.0.split(['?', '#']).next().unwrap_or_default();
        let mut parts = path.rsplit('/').map(|part| part.replace("%20", " "));
        let last = parts.next().unwrap_or_default();
        let name = match (last.as_str(), parts.next()) {
            ("all.zip", Some(ecosystem)) => format!("{ecosystem}.zip"),
            _ => last,
        };
        let is_plain =
            |character: char| character.is_ascii_alphanumeric() || " ._-".contains(character);
        if name.is_empty() || name.starts_with('.') || !name.chars().all(is_plain) {
            return "source".to_owned();
        }
        name
    }
}

/// Fetches a source, unless the copy that an earlier build of `output` left is still what the server has. A copy appears whole
/// or not at all.
pub async fn fetch(
    address: &Address,
    output: &Path,
    http: &Http,
    deadline: Deadline,
) -> Result<Copy, DownloadError> {
    let shelf = Shelf::of(address, output);
    let known = shelf.known();
    let download = Download {
        url: address.url(),
        known: known.as_ref(),
        limit: LIMIT,
        deadline,
    };
    let failed = |why| DownloadError::Fetch {
        url: address.url().to_owned(),
        why,
    };
    let (validators, freshness) = match http.download(download).await.map_err(failed)? {
        Downloaded::Unchanged => (known.unwrap_or_default(), Freshness::AtHand),
        Downloaded::Changed(body, validators) => {
            shelf
                .keep(body, &validators)
                .await
                .map_err(|error| match error {
                    Broken::Fetch(why) => failed(why),
                    Broken::File(source) => DownloadError::File {
                        path: shelf.copy.clone(),
                        source,
                    },
                })?;
            (validators, Freshness::Fetched)
        }
    };
    Ok(Copy {
        as_of: validators.changed_at(),
        path: shelf.copy,
        freshness,
    })
}

/// Where a copy is, and what its server said of it.
struct Shelf {
    copy: PathBuf,
    note: PathBuf,
}

enum Broken {
    Fetch(FetchError),
    File(io::Error),
}

impl Shelf {
    /// Of a folder that is named after the address by its hash: an address never becomes a path.
    fn of(address: &Address, output: &Path) -> Self {
        let mut folder = output.as_os_str().to_owned();
        folder.push(".sources");
        let hash = Sha256::of(address.url().as_bytes()).digest();
        let short: String = hash.hex().chars().take(16).collect();
        let folder = PathBuf::from(folder).join(short);
        Self {
            copy: folder.join(address.file_name()),
            note: folder.join("validators.json"),
        }
    }

    /// What was said of the copy, if there is one. A note that cannot be read costs a download.
    fn known(&self) -> Option<Validators> {
        if !self.copy.is_file() || fs::metadata(&self.note).ok()?.len() > MAX_NOTE_BYTES {
            return None;
        }
        serde_json::from_slice(&fs::read(&self.note).ok()?).ok()
    }

    /// The note is taken away first: one of another copy would make this one look current.
    async fn keep(&self, mut body: Box<Body>, validators: &Validators) -> Result<(), Broken> {
        let folder = replacement::folder_of(&self.copy);
        fs::create_dir_all(folder)?;
        let mut file = io::BufWriter::new(replacement::create(&self.copy)?);
        while let Some(chunk) = body.chunk().await.map_err(Broken::Fetch)? {
            file.write_all(&chunk)?;
        }
        let file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
        match fs::remove_file(&self.note) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
            _ => {}
        }
        replacement::settle(file, &self.copy)?;
        let mut note = replacement::create(&self.note)?;
        note.write_all(&serde_json::to_vec(validators).map_err(io::Error::from)?)?;
        Ok(replacement::settle(note, &self.note)?)
    }
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self::File(error)
    }
}

#[cfg(test)]
mod tests;
