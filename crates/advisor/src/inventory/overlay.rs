//! The stack of an image's layers, as a runtime unpacks it (image-spec 1.1, "Applying Changesets").

#[cfg(test)]
mod tests;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::archive::clean;
use super::layer::{Content, File, Item, LayerInventory};
use super::{Contents, Reading};
use crate::detector::{DATABASE_FOLDERS, Detector, RELEASE_FILES};
use crate::{Gap, Package, Release};
use tree::{Link, Node, Real, Tangled, Tree};

/// What the layers of an image make together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stacked {
    pub(super) release: Option<Release>,
    pub(super) packages: Vec<Package>,
    pub(super) gaps: BTreeSet<Gap>,
    pub(super) contents: Contents,
}

/// The file of one layer that was read: the layer's place in the stack, and the file's in the layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct FileId {
    layer: usize,
    file: usize,
}

/// What is where a database may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// A file that was read.
    Read(FileId),
    /// A file that was read, but runtimes do not agree on whether it is here: its path leads through a link of a layer below,
    /// which some follow and some replace by a folder.
    Disputed(FileId),
    /// A file that was not read, because its entry has another name.
    Unread,
}

/// The files of a folder that show whether a database is looked for in it.
const PROBES: [&str; 5] = [
    "status",
    "installed",
    "rpmdb.sqlite",
    "container-manifest-1",
    "base",
];
/// A folder of a database that may be a link itself.
const STATUS_FOLDER: &str = "var/lib/dpkg/status.d";

/// Stacks layers, the lowest first. Those that could not be read are `None`, and what they hide is not told here.
pub(super) fn stack(layers: &[Option<Arc<LayerInventory>>]) -> Stacked {
    let mut stack = Stack::new(layers);
    let mut gaps = BTreeSet::new();
    if stack.apply_all().is_err() {
        gaps.insert(Gap::TangledLinks);
    }
    stack.conclude(gaps)
}

struct Stack<'a> {
    layers: &'a [Option<Arc<LayerInventory>>],
    tree: Tree<Found>,
    /// Where a package database has ever been.
    databases: BTreeSet<Box<str>>,
}

impl<'a> Stack<'a> {
    fn new(layers: &'a [Option<Arc<LayerInventory>>]) -> Self {
        Self {
            layers,
            tree: Tree::new(),
            databases: BTreeSet::new(),
        }
    }

    fn apply_all(&mut self) -> Result<(), Tangled> {
        let layers = self.layers;
        for (number, layer) in layers.iter().enumerate() {
            if let Some(layer) = layer {
                self.take_away(layer)?;
                self.add(layer, number)?;
            }
        }
        Ok(())
    }

    /// Whiteouts speak of lower layers only, wherever in the archive they are. None follows a link: where the layer below has a
    /// link, the layer with the whiteout has a folder of its own.
    fn take_away(&mut self, layer: &LayerInventory) -> Result<(), Tangled> {
        let mut entries = layer.listing.cursor();
        while let Some((path, item)) = entries.next().map_err(|_| Tangled)? {
            match item {
                Item::Whiteout => self.tree.remove(path),
                Item::Opaque => self.tree.clear(path),
                _ => {}
            }
        }
        Ok(())
    }

    fn add(&mut self, layer: &LayerInventory, number: usize) -> Result<(), Tangled> {
        let mut entries = layer.listing.cursor();
        while let Some((path, item)) = entries.next().map_err(|_| Tangled)? {
            if matches!(item, Item::Whiteout | Item::Opaque) {
                continue;
            }
            let real = self.tree.place(path)?;
            match item {
                Item::Directory => self.tree.make_folder(&real.path),
                Item::File => self.put_unread(path, &real),
                Item::Read(file) => self.put_read(
                    &real,
                    FileId {
                        layer: number,
                        file,
                    },
                ),
                Item::Symlink(target) => {
                    let link = Link {
                        target: target.into(),
                        layer: number,
                    };
                    self.tree.put(&real.path, Node::Link(link));
                }
                Item::HardLink(target) => self.put_other_name(&real, target)?,
                Item::Whiteout | Item::Opaque => {}
            }
        }
        Ok(())
    }

    /// A file whose path is not that of a database, but may really be at one.
    fn put_unread(&mut self, path: &str, real: &Real<'_>) {
        if *real.path != *path && Detector::of(&real.path).is_some() {
            self.tree.put(&real.path, Node::File(Found::Unread));
        } else {
            self.tree.remove(&real.path);
        }
    }

    fn put_read(&mut self, real: &Real<'_>, id: FileId) {
        let found = match real.by_link_of {
            Some(layer) if layer < id.layer => Found::Disputed(id),
            _ => Found::Read(id),
        };
        self.tree.put(&real.path, Node::File(found));
        let is_database = self.file(id).is_some_and(|file| {
            file.manager.is_some()
                && matches!(file.content, Content::Packages(_) | Content::Broken(_))
        });
        if is_database {
            self.databases.insert((*real.path).into());
        }
    }

    fn put_other_name(&mut self, real: &Real<'_>, target: &str) -> Result<(), Tangled> {
        let target = clean(target);
        let target = self.tree.place(&target)?.path;
        if target == real.path {
            return Ok(());
        }
        match self.tree.get(&target).cloned() {
            Some(node) => self.tree.put(&real.path, node),
            None if Detector::of(&real.path).is_some() => {
                self.tree.put(&real.path, Node::File(Found::Unread));
            }
            None => self.tree.remove(&real.path),
        }
        Ok(())
    }

    fn file(&self, id: FileId) -> Option<&'a File> {
        self.layers.get(id.layer)?.as_ref()?.files.get(id.file)
    }

    fn conclude(mut self, mut gaps: BTreeSet<Gap>) -> Stacked {
        self.find_vanished(&mut gaps);
        self.find_led_astray(&mut gaps);
        gaps.extend(several_distributions(self.layers));
        let release = RELEASE_FILES.iter().find_map(|path| self.release(path));
        let mut packages = Vec::new();
        let mut emptied = Vec::new();
        for (path, id) in self.visible(&mut gaps) {
            match self.file(id).map(|file| (&file.content, file.manager)) {
                Some((Content::Packages(found), _)) => packages.extend(located(found, &path)),
                Some((Content::EmptyDatabase, _)) => emptied.push(Gap::EmptyDatabase { path }),
                Some((Content::Broken(why), Some(_))) => {
                    gaps.insert(Gap::BrokenDatabase {
                        path,
                        why: why.clone(),
                    });
                }
                Some((Content::Broken(why), None)) => {
                    gaps.insert(Gap::BrokenRelease {
                        path,
                        why: why.clone(),
                    });
                }
                Some((Content::Release(_) | Content::Nothing, _)) | None => {}
            }
        }
        if packages.is_empty() {
            gaps.extend(emptied);
        }
        packages.sort_unstable();
        packages.dedup();
        Stacked {
            release,
            packages,
            gaps,
            contents: contents(self.layers),
        }
    }

    /// The files that are there in the end, each once, at the first of its paths; the gaps say what cannot be known.
    fn visible(&self, gaps: &mut BTreeSet<Gap>) -> BTreeMap<Box<str>, FileId> {
        let mut seen = BTreeSet::new();
        let mut visible = BTreeMap::new();
        for (path, node) in self.tree.nodes() {
            let Node::File(found) = node else {
                continue;
            };
            let path: Box<str> = path.into();
            let (gap, id) = match *found {
                Found::Read(id) => (None, Some(id)),
                Found::Disputed(id) => (Some(Gap::DisputedPath { path: path.clone() }), Some(id)),
                Found::Unread => (Some(Gap::UnreadDatabase { path: path.clone() }), None),
            };
            gaps.extend(gap);
            if let Some(id) = id.filter(|id| seen.insert(*id)) {
                visible.insert(path, id);
            }
        }
        visible
    }

    /// Databases that were there once, and are no more.
    fn find_vanished(&mut self, gaps: &mut BTreeSet<Gap>) {
        for path in std::mem::take(&mut self.databases) {
            if !self.leads_to_a_file(&path) {
                gaps.insert(Gap::DeletedDatabase { path });
            }
        }
    }

    /// Links at the place of a database, and folders of databases that are links, which lead to where none is read.
    fn find_led_astray(&mut self, gaps: &mut BTreeSet<Gap>) {
        let is_link = |(path, node): (&str, &Node<Found>)| {
            (matches!(node, Node::Link(_)) && Detector::of(path).is_some()).then(|| path.to_owned())
        };
        let links: Vec<String> = self.tree.nodes().filter_map(is_link).collect();
        for path in links {
            if !self.leads_to_a_file(&path) {
                gaps.insert(Gap::UnreadDatabase { path: path.into() });
            }
        }
        for folder in DATABASE_FOLDERS.into_iter().chain([STATUS_FOLDER]) {
            let real = self.tree.follow(folder);
            if real.is_err() || real.is_ok_and(|real| loses_a_database(folder, &real.path)) {
                gaps.insert(Gap::UnreadDatabase {
                    path: folder.into(),
                });
            }
        }
    }

    fn leads_to_a_file(&mut self, path: &str) -> bool {
        let real = self.tree.follow(path);
        real.is_ok_and(|real| matches!(self.tree.get(&real.path), Some(Node::File(_))))
    }

    fn release(&mut self, path: &str) -> Option<Release> {
        let real = self.tree.follow(path).ok()?;
        let Some(Node::File(Found::Read(id) | Found::Disputed(id))) = self.tree.get(&real.path)
        else {
            return None;
        };
        match &self.file(*id)?.content {
            Content::Release(release) => Some(release.clone()),
            _ => None,
        }
    }
}

/// Layers of one image are of one distribution, in whatever releases of it. Where they are not, one line in a later layer would decide by
/// whose advisories the packages of the others are judged, or that nobody's are.
fn several_distributions(layers: &[Option<Arc<LayerInventory>>]) -> Option<Gap> {
    let files = layers.iter().flatten().flat_map(|layer| &layer.files);
    let ids: BTreeSet<&str> = files
        .filter_map(|file| match &file.content {
            Content::Release(release) if !release.id.is_empty() => Some(&*release.id),
            _ => None,
        })
        .collect();
    (ids.len() > 1).then(|| {
        let ids: Vec<&str> = ids.into_iter().take(MAX_IDS).collect();
        let ids = ids.join(", ").into();
        Gap::SeveralDistributions { ids }
    })
}

/// How many distributions are named.
const MAX_IDS: usize = 4;

/// Whether a file that is read in `folder` is not read where the folder really is.
fn loses_a_database(folder: &str, real: &str) -> bool {
    real != folder
        && PROBES.iter().any(|probe| {
            let here = Detector::of(&format!("{folder}/{probe}"));
            here.is_some() && here != Detector::of(&format!("{real}/{probe}"))
        })
}

/// The packages of a database that is at this path.
fn located(packages: &[Package], path: &str) -> impl Iterator<Item = Package> {
    let path: Arc<str> = path.into();
    packages.iter().map(move |package| Package {
        recorded_in: Arc::clone(&path),
        ..package.clone()
    })
}

/// What any layer has, whatever those above it take away.
fn contents(layers: &[Option<Arc<LayerInventory>>]) -> Contents {
    let mut contents = Contents::default();
    for layer in layers {
        match layer {
            None => contents.reading = Reading::Partial,
            Some(layer) => {
                contents.marks.extend(&layer.marks);
                let managers = layer.files.iter().filter_map(|file| file.manager);
                contents.databases.extend(managers);
            }
        }
    }
    contents
}
