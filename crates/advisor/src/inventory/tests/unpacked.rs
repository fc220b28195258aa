//! The stack against a real unpacker, on layers drawn by chance.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use cise_registry::Progress;
use cise_testkit::components::UMOCI;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use super::images::{Archive, Builder, Layer};
use super::{Inventories, Inventory, amd64, indexer, stanza};
use crate::Gap;
use crate::inventory::Layout;

/// An entry of a layer.
#[derive(Clone, Debug)]
enum Entry {
    Folder,
    File,
    Link(String),
    Same(String),
    Gone,
    Opaque,
}

/// Folders, links and databases that meet in many ways, as `lib` and `usr/lib` do.
const PATHS: [&str; 15] = [
    "dpkg/status",
    "dpkg/status",
    "a/dpkg/status",
    "a/dpkg/status",
    "l/dpkg/status",
    "l/status",
    "dpkg",
    "a/dpkg",
    "l/dpkg",
    "a",
    "l",
    "other",
    "u/l/dpkg/status",
    "u/l",
    "u",
];

/// The target of a link: from the root, or from the folder that the link is in or the one above.
fn target() -> impl Strategy<Value = String> {
    let start = prop::sample::select(["/", "", "../"].as_slice());
    (start, path()).prop_map(|(start, path)| format!("{start}{path}"))
}

fn path() -> impl Strategy<Value = String> {
    prop::sample::select(PATHS.as_slice()).prop_map(str::to_owned)
}

fn layer() -> impl Strategy<Value = Vec<(String, Entry)>> {
    let entry = prop_oneof![
        3 => Just(Entry::Folder),
        6 => Just(Entry::File),
        3 => target().prop_map(Entry::Link),
        1 => path().prop_map(Entry::Same),
        1 => Just(Entry::Gone),
        1 => Just(Entry::Opaque),
    ];
    prop::collection::vec((path(), entry), 1..7)
}

/// The archive of a layer. Each database in it has a package of its own.
fn archive(number: usize, entries: &[(String, Entry)]) -> Archive {
    let mut archive = Archive::new();
    for (at, (path, entry)) in entries.iter().enumerate() {
        let (folder, name) = path.rsplit_once('/').unwrap_or((".", path));
        archive = match entry {
            Entry::Folder => archive.folder(path),
            Entry::File => archive.file(path, &stanza(&format!("p{number}-{at}"), "1")),
            Entry::Link(target) => archive.link(path, target),
            Entry::Same(target) => archive.same(path, target),
            Entry::Gone => archive.file(&format!("{folder}/.wh.{name}"), ""),
            Entry::Opaque => archive.file(&format!("{path}/.wh..wh..opq"), ""),
        };
    }
    archive
}

/// The databases of an unpacked file system, each with its package; nothing where the image cannot be unpacked.
fn unpacked(umoci: &Path, layout: &Path) -> Option<BTreeMap<String, String>> {
    let bundle = tempfile::tempdir().expect("a folder");
    let target = bundle.path().join("bundle");
    let status = Command::new(umoci)
        .args(["unpack", "--rootless", "--image"])
        .arg(format!("{}:v1", layout.display()))
        .arg(&target)
        .output()
        .expect("umoci");
    if !status.status.success() {
        return None;
    }
    let mut databases = BTreeMap::new();
    collect(&target.join("rootfs"), "", &mut databases);
    Some(databases)
}

fn collect(root: &Path, below: &str, databases: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(root.join(below)).expect("a folder") {
        let entry = entry.expect("an entry");
        let name = entry.file_name().into_string().expect("a name");
        let path = format!("{below}{name}");
        let kind = entry.file_type().expect("its type");
        if kind.is_dir() {
            collect(root, &format!("{path}/"), databases);
        } else if kind.is_file() && path.ends_with("dpkg/status") {
            let text = fs::read_to_string(entry.path()).expect("a file");
            let package = text.lines().find_map(|line| line.strip_prefix("Package: "));
            databases.insert(path, package.unwrap_or_default().to_owned());
        }
    }
}

/// The databases of an inventory, each with its package.
fn inventoried(inventory: &Inventory) -> BTreeMap<String, String> {
    let packages = inventory.packages.iter();
    let located =
        packages.map(|package| (package.recorded_in.to_string(), package.name.to_string()));
    located.collect()
}

/// Whether runtimes differ, or the place of a database is told to be unread: then the packages are not the whole truth, which
/// is what the gap says.
fn is_told(inventories: &Inventories) -> bool {
    let gaps = inventories.images.iter().flat_map(|image| &image.gaps);
    gaps.into_iter().any(|gap| {
        matches!(
            gap,
            Gap::DisputedPath { .. } | Gap::UnreadDatabase { .. } | Gap::TangledLinks
        )
    })
}

/// Whether every package of one is one of the other. Paths are not compared: a file that has two names is told at one.
fn within(some: &BTreeMap<String, String>, all: &BTreeMap<String, String>) -> bool {
    some.values()
        .all(|package| all.values().any(|other| other == package))
}

#[test]
fn packages_are_those_of_what_umoci_unpacks() {
    let Some(umoci) = UMOCI.require() else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(
        Config {
            cases: 200,
            failure_persistence: None,
            ..Config::default()
        },
        rng,
    );
    let compared = std::cell::Cell::new(0);
    let result = runner.run(&prop::collection::vec(layer(), 1..4), |layers| {
        let builder = Builder::new();
        let archives = layers
            .iter()
            .enumerate()
            .map(|(number, entries)| Layer::gzip(&archive(number, entries)));
        builder.image("v1", "linux/amd64", &archives.collect::<Vec<_>>());
        let Some(real) = unpacked(&umoci, builder.path()) else {
            return Ok(());
        };
        let found = runtime.block_on(async {
            let layout = Layout::folder(builder.path()).await.expect("a layout");
            let digest = layout.image(Some("v1")).expect("an image").clone();
            indexer()
                .0
                .inventories(&layout, &digest, &amd64(), &Progress::new())
                .await
                .expect("inventories")
        });
        if is_told(&found) {
            return Ok(());
        }
        compared.set(compared.get() + usize::from(!real.is_empty()));
        let ours = inventoried(&found.images[0]);
        // What a link leads elsewhere is told too, since its path as written is that of a database.
        let mut at_databases = ours.clone();
        at_databases.retain(|path, _| path.ends_with("dpkg/status"));
        if within(&real, &ours) && within(&at_databases, &real) {
            Ok(())
        } else {
            Err(TestCaseError::fail(format!(
                "umoci has {real:?}, the inventory {ours:?}"
            )))
        }
    });
    result.expect("the same packages");
    assert!(
        compared.get() > 20,
        "only {compared:?} images had anything to compare"
    );
}
