//! The file system of an image, as far as it matters where its databases are: files that were read, and symbolic links.
//!
//! Folders and all other files are nothing here. What they do is to take the place of what was there before.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Bound;

use crate::inventory::limits::Limits;

/// A file system of files `F`, each at its real path. Nothing lies below a file or a link.
pub(super) struct Tree<F> {
    nodes: BTreeMap<Box<str>, Node<F>>,
    /// The folder of the last entry and where it really is, since neighbours follow each other.
    folder: Option<(String, Real<'static>)>,
    effort: u64,
    /// How much memory everything took that was ever put, about, in bytes.
    bytes: usize,
}

/// What is at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node<F> {
    File(F),
    Link(Link),
}

/// A symbolic link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    /// Where it leads, as written.
    pub(super) target: Box<str>,
    /// The layer that made it.
    pub(super) layer: usize,
}

/// Where a path really leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Real<'a> {
    pub(super) path: Cow<'a, str>,
    /// The lowest layer of the links on the way, if there are any.
    pub(super) by_link_of: Option<usize>,
}

/// Links that lead in a circle or too far, or more of them than are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tangled;

/// Whether a link at the very end of a path is followed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Follow,
    Keep,
}

/// The most links on one way, as Linux has it (`MAXSYMLINKS`).
const MAX_LINKS: usize = 40;
/// The most bytes of paths that are looked up for one image; a large one needs a tenth of it.
const MAX_EFFORT: u64 = 512 * 1024 * 1024;
/// What a node takes besides its texts: itself, its share of the tree, and what an allocator adds.
const NODE_BYTES: usize = 112;

impl<F: Clone> Tree<F> {
    pub(super) fn new() -> Self {
        Self {
            nodes: BTreeMap::new(),
            folder: None,
            effort: 0,
            bytes: 0,
        }
    }

    pub(super) fn nodes(&self) -> impl Iterator<Item = (&str, &Node<F>)> {
        self.nodes.iter().map(|(path, node)| (&**path, node))
    }

    pub(super) fn get(&self, real: &str) -> Option<&Node<F>> {
        self.nodes.get(real)
    }

    /// Where an entry of that path comes to be: its folder is looked up, and the entry itself replaces what is there.
    pub(super) fn place<'p>(&mut self, path: &'p str) -> Result<Real<'p>, Tangled> {
        if self.bytes > Limits::STACK {
            return Err(Tangled);
        }
        let Some((folder, name)) = path.rsplit_once('/') else {
            return Ok(Real {
                path: path.into(),
                by_link_of: None,
            });
        };
        let real = match &self.folder {
            Some((known, real)) if known == folder => real,
            _ => {
                let real = self.resolve(folder, Last::Follow)?.into_owned();
                &self.folder.insert((folder.to_owned(), real)).1
            }
        };
        let path = match &*real.path {
            same if same == folder => path.into(),
            "" => name.into(),
            other => Cow::Owned(format!("{other}/{name}")),
        };
        if path.len() > Limits::PATH {
            return Err(Tangled);
        }
        Ok(Real {
            path,
            by_link_of: real.by_link_of,
        })
    }

    /// Where a path leads in the end.
    pub(super) fn follow<'p>(&mut self, path: &'p str) -> Result<Real<'p>, Tangled> {
        self.resolve(path, Last::Follow)
    }

    /// Puts something at a real path, in place of what is there. What is above it becomes folders.
    pub(super) fn put(&mut self, real: &str, node: Node<F>) {
        self.remove(real);
        for folder in ancestors(real) {
            self.make_folder(folder);
        }
        self.folder = None;
        let target = match &node {
            Node::File(_) => 0,
            Node::Link(link) => link.target.len(),
        };
        self.bytes += real.len() + target + NODE_BYTES;
        self.nodes.insert(real.into(), node);
    }

    /// A folder takes the place of a file or of a link, and is the same as a folder that is there.
    pub(super) fn make_folder(&mut self, real: &str) {
        if self.nodes.remove(real).is_some() {
            self.folder = None;
        }
    }

    /// Removes what is at a real path and below.
    pub(super) fn remove(&mut self, real: &str) {
        self.make_folder(real);
        self.clear(real);
    }

    /// Removes what is below a real path; below the root, with an empty one.
    pub(super) fn clear(&mut self, real: &str) {
        if real.is_empty() {
            self.folder = None;
            return self.nodes.clear();
        }
        let first = format!("{real}/");
        let below = |path: &str| path.starts_with(&first);
        loop {
            let from = (Bound::Included(first.as_str()), Bound::Unbounded);
            let next = self.nodes.range::<str, _>(from).next();
            let Some(path) = next
                .map(|(path, _)| path.clone())
                .filter(|path| below(path))
            else {
                return;
            };
            self.nodes.remove(&path);
            self.folder = None;
        }
    }

    fn resolve<'p>(&mut self, path: &'p str, last: Last) -> Result<Real<'p>, Tangled> {
        let whole = (last == Last::Follow).then_some(path);
        for ancestor in ancestors(path).chain(whole) {
            self.labour(ancestor)?;
            if let Some(Node::Link(_)) = self.nodes.get(ancestor) {
                return self.walk(path, last);
            }
        }
        Ok(Real {
            path: path.into(),
            by_link_of: None,
        })
    }

    /// Goes a path with links on it part by part.
    fn walk(&mut self, path: &str, last: Last) -> Result<Real<'static>, Tangled> {
        let mut ahead: Vec<String> = parts(path).rev().map(str::to_owned).collect();
        let mut real = String::new();
        let (mut links, mut by_link_of) = (0, None);
        while let Some(part) = ahead.pop() {
            if part == ".." {
                real.truncate(real.rfind('/').unwrap_or(0));
                continue;
            }
            let folder = real.len();
            if !real.is_empty() {
                real.push('/');
            }
            real.push_str(&part);
            self.labour(&real)?;
            let Some(Node::Link(link)) = self.nodes.get(real.as_str()) else {
                continue;
            };
            if ahead.is_empty() && last == Last::Keep {
                continue;
            }
            links += 1;
            if links > MAX_LINKS {
                return Err(Tangled);
            }
            real.truncate(if link.target.starts_with('/') {
                0
            } else {
                folder
            });
            ahead.extend(parts(&link.target).rev().map(str::to_owned));
            by_link_of =
                Some(by_link_of.map_or(link.layer, |lowest: usize| lowest.min(link.layer)));
        }
        Ok(Real {
            path: real.into(),
            by_link_of,
        })
    }

    /// Counts one look-up.
    fn labour(&mut self, path: &str) -> Result<(), Tangled> {
        self.effort += path.len() as u64;
        let fits = path.len() <= Limits::PATH && self.effort <= MAX_EFFORT;
        fits.then_some(()).ok_or(Tangled)
    }
}

impl Real<'_> {
    fn into_owned(self) -> Real<'static> {
        Real {
            path: Cow::Owned(self.path.into_owned()),
            by_link_of: self.by_link_of,
        }
    }
}

/// The folders that a clean path is in, the outermost first.
fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').filter_map(|(at, _)| path.get(..at))
}

/// The parts of a path that lead somewhere.
fn parts(path: &str) -> impl DoubleEndedIterator<Item = &str> {
    path.split('/').filter(|part| !matches!(*part, "" | "."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(nodes: &[(&str, &str)]) -> Tree<()> {
        let mut tree = Tree::new();
        for (layer, (path, target)) in nodes.iter().enumerate() {
            let node = match *target {
                "" => Node::File(()),
                target => Node::Link(Link {
                    target: target.into(),
                    layer,
                }),
            };
            tree.put(path, node);
        }
        tree
    }

    #[test]
    fn links_lead_where_a_kernel_would_go() {
        let mut tree = tree(&[
            ("lib", "usr/lib"),
            ("var/lib/rpm", "../../usr/lib/sysimage/rpm"),
            ("abs", "/lib/../lib/apk"),
            ("up", "../../../etc"),
            ("loop", "loop"),
            ("a", "b/x"),
            ("b", "a/x"),
            ("end/file", "../lib/os"),
        ]);
        let table = [
            ("lib/apk/db", Ok(("usr/lib/apk/db", Some(0)))),
            ("var/lib/rpm/x", Ok(("usr/lib/sysimage/rpm/x", Some(1)))),
            ("abs/db", Ok(("usr/lib/apk/db", Some(0)))),
            ("up/passwd", Ok(("etc/passwd", Some(3)))),
            ("end/file", Ok(("usr/lib/os", Some(0)))),
            ("etc/passwd", Ok(("etc/passwd", None))),
            ("loop/x", Err(Tangled)),
            ("a", Err(Tangled)),
        ];
        for (path, expected) in table {
            let real = tree
                .follow(path)
                .map(|real| (real.path.into_owned(), real.by_link_of));
            let expected = expected.map(|(path, link)| (path.to_owned(), link));
            assert_eq!(real, expected, "{path}");
        }
    }

    #[test]
    fn an_entry_replaces_a_link_and_is_not_led_by_it() {
        let mut tree = tree(&[("lib", "usr/lib"), ("lib64", "lib")]);
        assert_eq!(tree.place("lib").map(|real| real.path), Ok("lib".into()));
        assert_eq!(
            tree.place("lib64/x").map(|real| real.path),
            Ok("usr/lib/x".into())
        );
        tree.make_folder("lib");
        assert_eq!(
            tree.place("lib64/x").map(|real| real.path),
            Ok("lib/x".into())
        );
        assert_eq!(
            tree.place("lib/x").map(|real| real.path),
            Ok("lib/x".into())
        );
    }

    #[test]
    fn what_is_below_goes_with_what_is_above() {
        let all = [("a/b/c", ""), ("a/b-c", ""), ("a/b/d/e", ""), ("a/b0", "")];
        let paths = |tree: &Tree<()>| {
            tree.nodes()
                .map(|(path, _)| path.to_owned())
                .collect::<Vec<_>>()
        };
        let mut cleared = tree(&all);
        cleared.clear("a/b");
        assert_eq!(paths(&cleared), ["a/b-c", "a/b0"]);
        let mut put = tree(&all);
        put.put("a/b", Node::File(()));
        assert_eq!(paths(&put), ["a/b", "a/b-c", "a/b0"]);
        put.put("a/b/x", Node::File(()));
        assert_eq!(paths(&put), ["a/b-c", "a/b/x", "a/b0"]);
        put.clear("");
        assert_eq!(paths(&put), Vec::<String>::new());
    }

    #[test]
    fn links_that_only_cost_time_are_given_up() {
        let deep = "d/".repeat(1000);
        let mut tree = tree(&[("link", &deep)]);
        let path = format!("{}x", "link/../".repeat(400).replace("../", ""));
        let tangled = (0..2000).find_map(|_| tree.follow(&path).err());
        assert_eq!(tangled, Some(Tangled));
    }
}
