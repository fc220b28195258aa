//! Paths of archives, as places in an image.

use crate::inventory::archive::clean;

/// What an entry's path says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Something is at this path.
    At(String),
    /// What lower layers have at this path is gone.
    Whiteout(String),
    /// What lower layers have below this folder is gone.
    Opaque(String),
    /// The root itself, or a whiteout that names nothing.
    Nothing,
}

const WHITEOUT: &str = ".wh.";
const OPAQUE: &str = ".wh..wh..opq";

impl Place {
    /// The place of a path as written (image-spec 1.1, "Whiteouts").
    pub(super) fn of(path: &str) -> Self {
        let path = clean(path);
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
        match name.strip_prefix(WHITEOUT) {
            None if name.is_empty() => Self::Nothing,
            None => Self::At(path),
            Some(_) if name == OPAQUE => Self::Opaque(folder.to_owned()),
            Some("" | "." | "..") => Self::Nothing,
            Some(gone) if folder.is_empty() => Self::Whiteout(gone.to_owned()),
            Some(gone) => Self::Whiteout(format!("{folder}/{gone}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_place_below_the_root() {
        let at = |path: &str| Place::At(path.to_owned());
        let whiteout = |path: &str| Place::Whiteout(path.to_owned());
        let opaque = |path: &str| Place::Opaque(path.to_owned());
        let table = [
            ("etc/passwd", at("etc/passwd")),
            ("./etc/passwd", at("etc/passwd")),
            ("/etc//passwd/", at("etc/passwd")),
            ("../../etc/passwd", at("etc/passwd")),
            ("a/../etc/./passwd", at("etc/passwd")),
            ("a/b/../../..", Place::Nothing),
            ("", Place::Nothing),
            ("./", Place::Nothing),
            ("etc/.wh.passwd", whiteout("etc/passwd")),
            (".wh.etc", whiteout("etc")),
            ("etc/.wh.passwd/", whiteout("etc/passwd")),
            ("etc/.wh..wh..opq", opaque("etc")),
            ("./.wh..wh..opq", opaque("")),
            ("etc/.wh.", Place::Nothing),
            ("etc/.wh..", Place::Nothing),
            ("etc/.wh...", Place::Nothing),
            ("etc/.wh..wh.", whiteout("etc/.wh.")),
            ("etc/x.wh.y", at("etc/x.wh.y")),
            (".wh.etc/passwd", at(".wh.etc/passwd")),
        ];
        for (path, expected) in table {
            assert_eq!(Place::of(path), expected, "{path:?}");
        }
    }
}
