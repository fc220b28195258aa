//! Texts from files, folders and pipes, all of them bounded.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::node::{Node, SyntaxError};
use crate::object::steps;
use crate::place::Position;
use crate::{ManifestError, Place};

/// The largest manifest, in bytes.
pub const MAX_FILE_BYTES: usize = 16 << 20;
/// The most manifests that are read from one folder.
pub const MAX_FILES: usize = 10_000;
/// The most bytes that are read from one folder.
pub const MAX_TOTAL_BYTES: usize = 64 << 20;

/// How deep folders may be nested. It also ends links that lead in circles.
const MAX_DEPTH: usize = 16;
/// As `kubectl apply -f FOLDER` has it.
const EXTENSIONS: [&str; 3] = ["yaml", "yml", "json"];

/// The text of one file of manifests, or of a pipe. There is no `Debug`: the text may hold Secrets.
#[derive(Hash)]
pub struct Manifest {
    name: Arc<str>,
    text: String,
}

impl Manifest {
    /// Reads a file, whatever its name; or the files of a folder and of the folders in it that end in `.yaml`, `.yml` or
    /// `.json`, in the order of their names. What is hidden (`.name`) is passed over.
    ///
    /// Of one folder at most [`MAX_FILES`] and [`MAX_TOTAL_BYTES`] are read, of one file [`MAX_FILE_BYTES`].
    pub fn read_path(path: &Path) -> Result<Vec<Self>, ManifestError> {
        let name = name_of(path);
        let metadata =
            fs::metadata(path).map_err(|error| ManifestError::unreadable(&name, &error))?;
        if !metadata.is_dir() {
            return Ok(vec![Self::read_file(path)?]);
        }
        let mut files = Vec::new();
        list(path, MAX_DEPTH, &mut files)?;
        if files.len() > MAX_FILES {
            return Err(ManifestError::TooMuch { folder: name });
        }
        let mut total = 0;
        let bounded = |path: &PathBuf| {
            let manifest = Self::read_file(path)?;
            total += manifest.text.len();
            if total > MAX_TOTAL_BYTES {
                Err(ManifestError::TooMuch {
                    folder: Arc::clone(&name),
                })
            } else {
                Ok(manifest)
            }
        };
        files.iter().map(bounded).collect()
    }

    /// Reads to the end of `source`, at most [`MAX_FILE_BYTES`]. Messages call it `name`.
    pub fn read_from(name: &str, source: impl Read) -> Result<Self, ManifestError> {
        let name: Arc<str> = name.into();
        let mut bytes = Vec::new();
        let limit = MAX_FILE_BYTES as u64 + 1;
        source
            .take(limit)
            .read_to_end(&mut bytes)
            .map_err(|error| ManifestError::unreadable(&name, &error))?;
        Self::new(name, bytes)
    }

    /// The file as it was named, or what else the text comes from.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// All of it, which may hold Secrets.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Reads the one document in it; a text without any is a map without fields. Errors name the field and its place.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, ManifestError> {
        let mut documents = self.documents()?;
        if let Some(second) = documents.get(1) {
            let place = self.place(second.position);
            return Err(ManifestError::Content {
                place,
                why: "expected one document, found a second one".to_owned(),
            });
        }
        let Some(document) = documents.pop() else {
            return self.parse_value(&Node::empty(), serde_json::json!({}));
        };
        let value = serde_json::to_value(&document).unwrap_or_default();
        self.parse_value(&document, value)
    }

    /// Where the field at a path like `registries[0].host` is in the first document, or as much of the path as there is.
    pub fn place_of(&self, path: &str) -> Place {
        let document = self
            .documents()
            .ok()
            .and_then(|documents| documents.into_iter().next());
        self.place(document.map_or(Position::START, |document| document.nearest(steps(path))))
    }

    pub(crate) fn documents(&self) -> Result<Vec<Node>, ManifestError> {
        let syntax = |error: SyntaxError| ManifestError::Syntax {
            place: self.place(error.position),
            why: error.why,
        };
        Node::documents(&self.text).map_err(syntax)
    }

    pub(crate) fn place(&self, position: Position) -> Place {
        Place {
            file: Arc::clone(&self.name),
            position,
        }
    }

    fn parse_value<T: DeserializeOwned>(
        &self,
        document: &Node,
        value: serde_json::Value,
    ) -> Result<T, ManifestError> {
        serde_path_to_error::deserialize(value).map_err(|error| {
            let path = error.path().to_string();
            let what = if path == "." {
                String::new()
            } else {
                format!("{path}: ")
            };
            ManifestError::Content {
                place: self.place(document.nearest(steps(&path))),
                why: format!("{what}{}", error.inner()),
            }
        })
    }

    /// Reads a file, whatever its name, at most [`MAX_FILE_BYTES`].
    pub fn read_file(path: &Path) -> Result<Self, ManifestError> {
        let name = name_of(path);
        let file = File::open(path).map_err(|error| ManifestError::unreadable(&name, &error))?;
        Self::read_from(&name, file)
    }

    fn new(name: Arc<str>, bytes: Vec<u8>) -> Result<Self, ManifestError> {
        if bytes.len() > MAX_FILE_BYTES {
            return Err(ManifestError::TooLarge { file: name });
        }
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Self { name, text }),
            Err(error) => {
                let valid = error
                    .as_bytes()
                    .get(..error.utf8_error().valid_up_to())
                    .unwrap_or_default();
                let line = valid.split(|byte| *byte == b'\n').count();
                Err(ManifestError::NotText { file: name, line })
            }
        }
    }
}

fn list(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), ManifestError> {
    let name = name_of(folder);
    let unreadable = |error: std::io::Error| ManifestError::unreadable(&name, &error);
    if depth == 0 {
        return Err(ManifestError::TooDeep {
            folder: name,
            depth: MAX_DEPTH,
        });
    }
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder)
        .map_err(unreadable)?
        .take(MAX_FILES + 1)
    {
        entries.push(entry.map_err(unreadable)?.path());
    }
    entries.sort();
    for path in entries.into_iter().filter(|path| !is_hidden(path)) {
        let metadata = fs::metadata(&path)
            .map_err(|error| ManifestError::unreadable(&name_of(&path), &error))?;
        if metadata.is_dir() {
            list(&path, depth - 1, files)?;
        } else if metadata.is_file() && is_manifest(&path) {
            files.push(path);
        }
        if files.len() > MAX_FILES {
            break;
        }
    }
    Ok(())
}

fn is_hidden(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

fn is_manifest(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| EXTENSIONS.iter().any(|known| extension == *known))
}

fn name_of(path: &Path) -> Arc<str> {
    path.display().to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_gives_its_manifests_sorted_and_nothing_hidden() {
        let folder = tempfile::tempdir().unwrap();
        for file in [
            "b.yaml",
            "a/z.yml",
            "a/y.json",
            "c.txt",
            ".hidden.yaml",
            "..data/x.yaml",
            "a.yaml",
        ] {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        let texts: Vec<String> = Manifest::read_path(folder.path())
            .unwrap()
            .into_iter()
            .map(|found| found.text)
            .collect();
        assert_eq!(texts, ["a/y.json", "a/z.yml", "a.yaml", "b.yaml"]);
    }

    #[test]
    fn a_file_that_is_named_is_read_whatever_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".policies");
        fs::write(&path, "a: b").unwrap();
        assert_eq!(Manifest::read_path(&path).unwrap()[0].text, "a: b");
    }

    #[test]
    fn what_cannot_be_read_is_named_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("latin.yaml"), b"a: b\nc: \xe9\n").unwrap();
        let shown = |result: Result<Vec<Manifest>, ManifestError>| {
            result
                .err()
                .unwrap()
                .to_string()
                .replace(&*name_of(folder.path()), "DIR")
        };
        assert_eq!(
            shown(Manifest::read_path(folder.path())),
            "DIR/latin.yaml: line 2: expected text in UTF-8"
        );
        assert_eq!(
            shown(Manifest::read_path(&folder.path().join("none"))),
            "DIR/none: cannot be read: no such file or directory"
        );
        let endless = Manifest::read_from("standard input", std::io::repeat(b'a'));
        assert_eq!(
            endless.err().unwrap().to_string(),
            "standard input: the file is too large: expected at most 16 MiB"
        );
    }

    #[test]
    fn a_document_is_read_into_a_type_and_a_fault_is_told_with_its_place() {
        #[derive(Debug, PartialEq, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Setting {
            #[serde(default)]
            names: Vec<String>,
        }
        let read = |text: &str| Manifest::read_from("cise.yaml", text.as_bytes()).unwrap();
        let parse = |text: &str| {
            read(text)
                .parse::<Setting>()
                .map_err(|error| error.to_string())
        };
        assert_eq!(
            parse("# nothing yet\n").unwrap(),
            Setting { names: Vec::new() }
        );
        assert_eq!(parse("names: [a]\n").unwrap().names, ["a"]);
        for (text, expected) in [
            (
                "# a\nnames:\n- a\n- {}\n",
                "cise.yaml:4:3: names[1]: invalid type: map, expected a string",
            ),
            (
                "nmes: []\n",
                "cise.yaml:1:1: nmes: unknown field `nmes`, expected `names`",
            ),
            (
                "names: []\n---\nnames: []\n",
                "cise.yaml:3:1: expected one document, found a second one",
            ),
            (
                "text\n",
                "cise.yaml:1:1: invalid type: string \"text\", expected struct Setting",
            ),
        ] {
            assert_eq!(parse(text).unwrap_err(), expected, "{text}");
        }
        assert_eq!(
            read("a: 1\nnames:\n- x\n")
                .place_of("names[0].deeper")
                .to_string(),
            "cise.yaml:3:3"
        );
    }

    #[test]
    #[cfg(unix)]
    fn links_in_circles_end() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(folder.path(), folder.path().join("again")).unwrap();
        assert!(matches!(
            Manifest::read_path(folder.path()),
            Err(ManifestError::TooDeep { .. })
        ));
    }
}
