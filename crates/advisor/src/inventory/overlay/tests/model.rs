//! A file system with everything in it, as slow and plain as can be.

use std::collections::BTreeMap;

use super::{At, Detector, LayerInventory, layer};

/// An entry of a layer.
#[derive(Clone, Debug)]
pub(super) enum Entry {
    Folder,
    /// A file; one at the place of a database is one.
    File,
    Link(String),
    Same(String),
    Gone,
    Opaque,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    Folder,
    /// A file with the text that tells it from all others.
    File(String),
    Link(String),
}

/// Every node by its real path.
#[derive(Default)]
pub(super) struct FileSystem(BTreeMap<Vec<String>, Node>);

/// What no kernel would do.
pub(super) struct Impossible;

impl FileSystem {
    pub(super) fn apply(
        &mut self,
        number: usize,
        entries: &[(String, Entry)],
    ) -> Result<(), Impossible> {
        for (path, entry) in entries {
            let path = split(path);
            match entry {
                Entry::Gone => self.remove(&path),
                Entry::Opaque => self
                    .0
                    .retain(|other, _| !(other.len() > path.len() && other.starts_with(&path))),
                _ => {}
            }
        }
        for (at, (path, entry)) in entries.iter().enumerate() {
            let new = match entry {
                Entry::Gone | Entry::Opaque => continue,
                Entry::Folder => Node::Folder,
                Entry::File => Node::File(text(number, at)),
                Entry::Link(target) => Node::Link(target.clone()),
                Entry::Same(target) => {
                    let target = self.place(&split(target))?;
                    match self.0.get(&target).cloned() {
                        None | Some(Node::Folder) => return Err(Impossible),
                        Some(_) if target == self.place(&split(path))? => continue,
                        Some(node) => node,
                    }
                }
            };
            self.put(&split(path), new)?;
        }
        Ok(())
    }

    /// The databases, each with its text.
    pub(super) fn databases(&self) -> Vec<(String, String)> {
        let database = |(path, node): (&Vec<String>, &Node)| match node {
            Node::File(text) if Detector::of(&path.join("/")).is_some() => {
                Some((path.join("/"), text.clone()))
            }
            _ => None,
        };
        self.0.iter().filter_map(database).collect()
    }

    /// What tells the file at a real path from others.
    pub(super) fn text(&self, path: &str) -> String {
        match self.0.get(&split(path)) {
            Some(Node::File(text)) => text.clone(),
            other => format!("no file but {other:?}"),
        }
    }

    fn put(&mut self, path: &[String], node: Node) -> Result<(), Impossible> {
        let real = self.place(path)?;
        for length in 1..real.len() {
            match self.0.get(&real[..length]) {
                None => drop(self.0.insert(real[..length].to_vec(), Node::Folder)),
                Some(Node::Folder) => {}
                Some(_) => return Err(Impossible),
            }
        }
        if !(node == Node::Folder && self.0.get(&real) == Some(&Node::Folder)) {
            self.remove(&real);
            self.0.insert(real, node);
        }
        Ok(())
    }

    fn remove(&mut self, path: &[String]) {
        self.0.retain(|other, _| !other.starts_with(path));
    }

    /// The path with all links but a last one followed.
    fn place(&self, path: &[String]) -> Result<Vec<String>, Impossible> {
        let (name, folder) = path.split_last().ok_or(Impossible)?;
        let mut real = self.follow(folder, 0)?;
        real.push(name.clone());
        Ok(real)
    }

    fn follow(&self, path: &[String], depth: usize) -> Result<Vec<String>, Impossible> {
        if depth > 40 {
            return Err(Impossible);
        }
        let mut real: Vec<String> = Vec::new();
        for part in path {
            if part == ".." {
                real.pop();
                continue;
            }
            real.push(part.clone());
            if let Some(Node::Link(target)) = self.0.get(&real) {
                real.pop();
                let mut led = if target.starts_with('/') {
                    Vec::new()
                } else {
                    real
                };
                led.extend(split(target));
                real = self.follow(&led, depth + 1)?;
            }
        }
        Ok(real)
    }
}

/// The same layer as it is read.
pub(super) fn layer_of(number: usize, entries: &[(String, Entry)]) -> LayerInventory {
    let texts: Vec<String> = (0..entries.len()).map(|at| text(number, at)).collect();
    let all: Vec<(&str, At<'_>)> = entries
        .iter()
        .zip(&texts)
        .map(|((path, entry), text)| {
            let at = match entry {
                Entry::Folder => At::Folder,
                Entry::File if Detector::of(path).is_some() => At::Database(text),
                Entry::File => At::Other,
                Entry::Link(target) => At::Link(target),
                Entry::Same(target) => At::Same(target),
                Entry::Gone => At::Gone,
                Entry::Opaque => At::Opaque,
            };
            (path.as_str(), at)
        })
        .collect();
    layer(&all)
}

fn text(layer: usize, at: usize) -> String {
    format!("{layer}-{at}")
}

fn split(path: &str) -> Vec<String> {
    path.split('/')
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect()
}
