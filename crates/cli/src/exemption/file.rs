//! The file that exemptions are kept in. Nothing of it changes but what is meant to.

use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use cise_advisor::exemption::Exemption;
use cise_manifests::{Manifest, ManifestError, exemptions, split_documents};

use crate::failure::Failure;

/// A file of exemptions, as it was read.
pub(super) struct ExemptionFile {
    path: PathBuf,
    text: String,
    exemptions: Vec<Exemption>,
}

impl ExemptionFile {
    /// Reads a file, which holds exemptions and nothing else.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let manifest = Manifest::read_file(path)?;
        Ok(Self {
            path: path.to_owned(),
            exemptions: exemptions(&manifest, NAMESPACE)?,
            text: manifest.text().to_owned(),
        })
    }

    /// Reads a file, or begins one that is not there yet.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        if path.exists() {
            return Self::read(path);
        }
        Ok(Self {
            path: path.to_owned(),
            text: String::new(),
            exemptions: Vec::new(),
        })
    }

    /// What it exempts, in its order.
    pub(super) fn exemptions(&self) -> &[Exemption] {
        &self.exemptions
    }

    /// Writes an exemption behind the others, as this document.
    pub(super) fn add(mut self, exemption: Exemption, document: &str) -> Result<(), Failure> {
        let mut text = self.text.clone();
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(document);
        self.exemptions.push(exemption);
        self.replace(&text, &self.exemptions)
    }

    /// Takes the documents of those exemptions out, and leaves the others as they are, byte for byte. Comments that stand behind a
    /// document may speak of the next one, and stay.
    pub(super) fn remove(self, is_gone: impl Fn(&Exemption) -> bool) -> Result<(), Failure> {
        let mut text = String::new();
        for document in split_documents(&self.text) {
            let found = self
                .parse(document)
                .map_err(|_| self.only_by_hand("one of its documents cannot be read apart"))?;
            let gone = found.iter().filter(|one| is_gone(one)).count();
            if gone == 0 {
                text.push_str(document);
            } else if gone == found.len() {
                text.push_str(comments_behind(document));
            } else {
                return Err(self.only_by_hand("it is in a list with others that stay"));
            }
        }
        let mut kept = self.exemptions.clone();
        kept.retain(|one| !is_gone(one));
        self.replace(&text, &kept)
    }

    /// The new text takes the place of the old one if it says what is expected, and nothing else.
    fn replace(&self, text: &str, expected: &[Exemption]) -> Result<(), Failure> {
        if self.parse(text).ok().as_deref() != Some(expected) {
            return Err(self.only_by_hand("something else in it would change its meaning"));
        }
        put(&self.path, text).map_err(|error| {
            Failure::new(format!(
                "{} cannot be written: {error}",
                self.path.display()
            ))
        })
    }

    fn parse(&self, text: &str) -> Result<Vec<Exemption>, ManifestError> {
        let name = self.path.display().to_string();
        exemptions(&Manifest::read_from(&name, text.as_bytes())?, NAMESPACE)
    }

    fn only_by_hand(&self, why: &str) -> Failure {
        let path = self.path.display();
        Failure::new(format!("{path} is left as it is: {why}"))
            .with_hint("change it with an editor")
    }
}

/// The namespace of exemptions that name none.
const NAMESPACE: &str = "default";

/// The lines without content at the end of a document, if there is a comment among them.
fn comments_behind(document: &str) -> &str {
    let is_content = |line: &str| !line.trim().is_empty() && !line.starts_with('#');
    let content: usize = document
        .split_inclusive('\n')
        .scan(0, |end, line| {
            *end += line.len();
            Some((*end, line))
        })
        .filter_map(|(end, line)| is_content(line).then_some(end))
        .last()
        .unwrap_or_default();
    let behind = document.get(content..).unwrap_or_default();
    if behind.contains('#') { behind } else { "" }
}

/// Puts a text in the place of a file, whole or not at all, as a server may be reading it. A link stays one, and permissions stay.
fn put(path: &Path, text: &str) -> io::Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut file = tempfile::Builder::new()
        .prefix(".cise-exemptions-")
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    if let Ok(known) = fs::metadata(&path) {
        file.as_file().set_permissions(known.permissions())?;
    }
    file.as_file().sync_all()?;
    file.persist(&path).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An exemption of `CVE-2026-NUMBER`, as a document.
    fn document(number: u32) -> String {
        format!(
            "apiVersion: securityenforcement.admission.cloud.ibm.com/v1beta1\nkind: ClusterImageExemption\nmetadata:\n  name: n{number}\n  \
             labels: {{team: web}} # who\nspec:\n  issueType: cve\n  issueID: CVE-2026-{number}\n  images: [\"*\"]\n  owner: bob"
        )
    }

    fn with<T>(text: &str, act: impl FnOnce(ExemptionFile) -> T) -> (T, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("exemptions.yaml");
        fs::write(&path, text).unwrap();
        let done = act(ExemptionFile::read(&path).unwrap());
        let names = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(names, 1, "nothing is left beside the file");
        (done, fs::read_to_string(&path).unwrap())
    }

    fn is(number: u32) -> impl Fn(&Exemption) -> bool {
        move |one| one.origin().name() == format!("n{number}")
    }

    #[test]
    fn an_exemption_is_added_behind_the_others_whether_or_not_the_last_line_ends() {
        let added = document(2);
        let manifest = Manifest::read_from("added", added.as_bytes()).unwrap();
        let exemption = exemptions(&manifest, NAMESPACE).unwrap().remove(0);
        let behind = format!("---\n{added}\n");
        for (before, expected) in [
            (String::new(), behind.clone()),
            ("# none yet".to_owned(), format!("# none yet\n{behind}")),
            (document(1), format!("{}\n{behind}", document(1))),
            (
                format!("{}\n", document(1)),
                format!("{}\n{behind}", document(1)),
            ),
        ] {
            let (done, after) = with(&before, |file| file.add(exemption.clone(), &behind));
            assert!(done.is_ok(), "{before}");
            assert_eq!(after, expected);
        }
    }

    #[test]
    fn what_would_change_the_meaning_of_something_else_is_not_written() {
        let [one, two, three] = [1, 2, 3].map(document);
        // Without what is between them, the first and the last would be one document.
        let before = format!("{one}\n---\n{two}\n...\n{three}\n");
        let (done, after) = with(&before, |file| file.remove(is(2)));
        assert!(done.unwrap_err().message().contains("is left as it is"));
        assert_eq!(after, before);
    }

    #[test]
    fn a_document_goes_and_every_other_byte_stays() {
        let [one, two, three] = [1, 2, 3].map(document);
        for (before, gone, expected) in [
            (
                format!("# all\n---\n{one}\n---\r\n{two}\n---\n{three}"),
                2,
                format!("# all\n---\n{one}\n---\n{three}"),
            ),
            (
                format!("{one}\n---\n# two\n{two}\n\n# of three\n---\n{three}\n"),
                2,
                format!("{one}\n\n# of three\n---\n{three}\n"),
            ),
            (
                format!("{one}\n...\n---\n{two}\n"),
                1,
                format!("---\n{two}\n"),
            ),
            (format!("{one}\n--- # two\n{two}"), 2, format!("{one}\n")),
            (format!("---\n{one}\n"), 1, String::new()),
        ] {
            let (done, after) = with(&before, |file| file.remove(is(gone)));
            assert!(done.is_ok(), "{before}");
            assert_eq!(after, expected);
        }
    }

    #[test]
    fn one_of_a_list_is_left_to_whoever_wrote_the_list() {
        let items = [1, 2].map(|number| format!("- {}\n", document(number).replace('\n', "\n  ")));
        let before = format!("apiVersion: v1\nkind: List\nitems:\n{}", items.concat());
        let (done, after) = with(&before, |file| file.remove(is(1)));
        assert!(done.unwrap_err().message().contains("in a list"));
        assert_eq!(after, before);
    }

    #[test]
    fn a_link_stays_one_and_permissions_stay() {
        let folder = tempfile::tempdir().unwrap();
        let [file, link, other] = ["real", "link", "link.tmp"].map(|name| folder.path().join(name));
        fs::write(&file, document(1)).unwrap();
        fs::write(&other, "somebody's").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        ExemptionFile::read(&link).unwrap().remove(is(1)).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&file).unwrap(), "");
        assert_eq!(fs::read_to_string(&other).unwrap(), "somebody's");
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
    }
}
