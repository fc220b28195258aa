mod model;

use proptest::prelude::*;

use super::*;
use crate::{Manager, SourcePackage};

/// A layer as a list of entries: what is at a path.
fn layer(entries: &[(&str, At<'_>)]) -> LayerInventory {
    let mut layer = LayerInventory::default();
    for (path, at) in entries {
        let item = match at {
            At::Folder => Item::Directory,
            At::Other => Item::File,
            At::Link(target) => Item::Symlink(target),
            At::Same(target) => Item::HardLink(target),
            At::Gone => Item::Whiteout,
            At::Opaque => Item::Opaque,
            At::Database(name) => read(
                &mut layer,
                Some(Manager::Dpkg),
                Content::Packages(vec![package(name)]),
            ),
            At::Empty => read(&mut layer, Some(Manager::Dpkg), Content::EmptyDatabase),
            At::Broken => read(
                &mut layer,
                Some(Manager::Dpkg),
                Content::Broken("torn".into()),
            ),
            At::Release(id) => {
                let release = Release {
                    id: (*id).into(),
                    ..Release::default()
                };
                read(&mut layer, None, Content::Release(release))
            }
        };
        layer.listing.push(path, item).expect("room");
    }
    layer
}

fn read(layer: &mut LayerInventory, manager: Option<Manager>, content: Content) -> Item<'static> {
    layer.files.push(File { manager, content });
    Item::Read(layer.files.len() - 1)
}

#[derive(Clone, Copy, Debug)]
enum At<'a> {
    Folder,
    Other,
    Link(&'a str),
    Same(&'a str),
    Gone,
    Opaque,
    /// A database with one package of that name.
    Database(&'a str),
    Empty,
    Broken,
    Release(&'a str),
}

fn package(name: &str) -> Package {
    Package {
        manager: Manager::Dpkg,
        name: name.into(),
        version: "1".into(),
        architecture: "amd64".into(),
        source: SourcePackage {
            name: name.into(),
            version: "1".into(),
        },
        vendor: "".into(),
        module: None,
        recorded_in: "".into(),
    }
}

fn stacked(layers: &[&[(&str, At<'_>)]]) -> Stacked {
    let layers: Vec<_> = layers
        .iter()
        .map(|entries| Some(Arc::new(layer(entries))))
        .collect();
    stack(&layers)
}

/// `package@database` of each package, and what each gap is about.
fn told(stacked: &Stacked) -> (Vec<String>, Vec<String>) {
    let packages = stacked
        .packages
        .iter()
        .map(|package| format!("{}@{}", package.name, package.recorded_in));
    let gaps = stacked.gaps.iter().map(|gap| match gap {
        Gap::DeletedDatabase { path } => format!("deleted {path}"),
        Gap::UnreadDatabase { path } => format!("unread {path}"),
        Gap::DisputedPath { path } => format!("disputed {path}"),
        Gap::EmptyDatabase { path } => format!("empty {path}"),
        Gap::BrokenDatabase { path, .. } => format!("broken {path}"),
        Gap::TangledLinks => "tangled".to_owned(),
        Gap::SeveralDistributions { ids } => format!("several {ids}"),
        other => panic!("not expected: {other:?}"),
    });
    (packages.collect(), gaps.collect())
}

const STATUS: &str = "var/lib/dpkg/status";
const OLD: (&str, At<'_>) = (STATUS, At::Database("old"));
const NEW: (&str, At<'_>) = (STATUS, At::Database("new"));

#[test]
#[expect(clippy::too_many_lines, reason = "a table reads best in one piece")]
fn layers_are_stacked_as_a_runtime_unpacks_them() {
    use At::{Broken, Database, Empty, Folder, Gone, Link, Opaque, Other, Same};
    type Case<'a> = (
        &'a str,
        &'a [&'a [(&'a str, At<'a>)]],
        &'a [&'a str],
        &'a [&'a str],
    );
    let table: &[Case<'_>] = &[
        ("one layer", &[&[OLD]], &["old@var/lib/dpkg/status"], &[]),
        (
            "the upper one counts",
            &[&[OLD], &[NEW]],
            &["new@var/lib/dpkg/status"],
            &[],
        ),
        (
            "of two entries the last counts",
            &[&[OLD, NEW]],
            &["new@var/lib/dpkg/status"],
            &[],
        ),
        (
            "a whiteout takes it away",
            &[&[OLD], &[(STATUS, Gone)]],
            &[],
            &["deleted var/lib/dpkg/status"],
        ),
        (
            "so does one of a folder above",
            &[&[OLD], &[("var/lib", Gone)]],
            &[],
            &["deleted var/lib/dpkg/status"],
        ),
        (
            "and an opaque folder",
            &[&[OLD], &[("var/lib/dpkg", Opaque)]],
            &[],
            &["deleted var/lib/dpkg/status"],
        ),
        (
            "and an opaque root",
            &[&[OLD], &[("", Opaque)]],
            &[],
            &["deleted var/lib/dpkg/status"],
        ),
        (
            "a whiteout of a neighbour does not",
            &[
                &[OLD],
                &[("var/lib/dpkg/status-old", Gone), ("var/lib/dpk", Gone)],
            ],
            &["old@var/lib/dpkg/status"],
            &[],
        ),
        (
            "a whiteout concerns lower layers, before it",
            &[&[OLD], &[NEW, (STATUS, Gone)]],
            &["new@var/lib/dpkg/status"],
            &[],
        ),
        (
            "and after it",
            &[&[OLD], &[(STATUS, Gone), NEW]],
            &["new@var/lib/dpkg/status"],
            &[],
        ),
        (
            "an opaque folder keeps what its layer has",
            &[
                &[OLD, ("var/lib/dpkg/status.d/a", Database("a"))],
                &[NEW, ("var/lib/dpkg", Opaque)],
            ],
            &["new@var/lib/dpkg/status"],
            &["deleted var/lib/dpkg/status.d/a"],
        ),
        (
            "what is deleted may come again",
            &[&[OLD], &[(STATUS, Gone)], &[NEW]],
            &["new@var/lib/dpkg/status"],
            &[],
        ),
        (
            "a file in place of a folder",
            &[&[OLD], &[("var/lib", Other)]],
            &[],
            &["deleted var/lib/dpkg/status"],
        ),
        (
            "a folder in place of the file",
            &[&[OLD], &[(STATUS, Folder)]],
            &[],
            &["deleted var/lib/dpkg/status"],
        ),
        (
            "a folder that is there stays",
            &[&[OLD], &[("var/lib/dpkg", Folder)]],
            &["old@var/lib/dpkg/status"],
            &[],
        ),
        (
            "a link in place of a folder",
            &[&[OLD], &[("var/lib/dpkg", Link("/opt"))]],
            &[],
            &[
                "deleted var/lib/dpkg/status",
                "unread var/lib/dpkg",
                "unread var/lib/dpkg/status.d",
            ],
        ),
        (
            "a hard link to a database",
            &[&[
                ("x/dpkg/status", Database("x")),
                (STATUS, Same("x/dpkg/status")),
            ]],
            &["x@var/lib/dpkg/status"],
            &[],
        ),
        (
            "a hard link to one of a lower layer",
            &[
                &[("x/dpkg/status", Database("x"))],
                &[(STATUS, Same("./x/dpkg/status"))],
            ],
            &["x@var/lib/dpkg/status"],
            &[],
        ),
        (
            "a hard link to a file that was not read",
            &[&[("x", Other), (STATUS, Same("x"))]],
            &[],
            &["unread var/lib/dpkg/status"],
        ),
        (
            "a hard link outlives its target",
            &[
                &[
                    ("x/dpkg/status", Database("x")),
                    (STATUS, Same("x/dpkg/status")),
                ],
                &[("x", Gone)],
            ],
            &["x@var/lib/dpkg/status"],
            &["deleted x/dpkg/status"],
        ),
        (
            "a hard link to itself",
            &[&[OLD, (STATUS, Same(STATUS))]],
            &["old@var/lib/dpkg/status"],
            &[],
        ),
        (
            "a link to a database",
            &[&[
                ("x/dpkg/status", Database("x")),
                (STATUS, Link("../../../x/dpkg/status")),
            ]],
            &["x@x/dpkg/status"],
            &[],
        ),
        (
            "a link to a file that was not read",
            &[&[("x", Other), (STATUS, Link("/x"))]],
            &[],
            &["unread var/lib/dpkg/status"],
        ),
        (
            "a link to nothing",
            &[&[(STATUS, Link("/x"))]],
            &[],
            &["unread var/lib/dpkg/status"],
        ),
        (
            "a link to itself",
            &[&[(STATUS, Link("status"))]],
            &[],
            &["unread var/lib/dpkg/status"],
        ),
        (
            "a database that moved, with a link left",
            &[
                &[OLD],
                &[
                    (STATUS, Link("/x/dpkg/status")),
                    ("x/dpkg/status", Database("x")),
                ],
            ],
            &["x@x/dpkg/status"],
            &[],
        ),
        (
            "usr-merge in one layer",
            &[&[
                ("lib", Link("usr/lib")),
                ("lib/apk/db/installed", Database("a")),
            ]],
            &["a@usr/lib/apk/db/installed"],
            &[],
        ),
        (
            "usr-merge across layers",
            &[
                &[("lib", Link("usr/lib"))],
                &[("lib/apk/db/installed", Database("a"))],
            ],
            &["a@usr/lib/apk/db/installed"],
            &["disputed usr/lib/apk/db/installed"],
        ),
        (
            "usr-merge with the real path",
            &[
                &[
                    ("lib", Link("usr/lib")),
                    ("usr/lib/apk/db/installed", Database("a")),
                ],
                &[("usr/lib/apk/db/installed", Database("b"))],
            ],
            &["b@usr/lib/apk/db/installed"],
            &[],
        ),
        (
            "a folder in place of usr-merge's link",
            &[
                &[
                    ("lib", Link("usr/lib")),
                    ("usr/lib/apk/db/installed", Database("a")),
                ],
                &[("lib", Folder), ("lib/apk/db/installed", Database("b"))],
            ],
            &["b@lib/apk/db/installed", "a@usr/lib/apk/db/installed"],
            &[],
        ),
        (
            "a linked folder of databases that is read",
            &[&[
                ("var/lib/rpm", Link("../../usr/lib/sysimage/rpm")),
                ("usr/lib/sysimage/rpm/rpmdb.sqlite", Database("r")),
            ]],
            &["r@usr/lib/sysimage/rpm/rpmdb.sqlite"],
            &[],
        ),
        (
            "a linked folder of databases that is not",
            &[&[("var/lib/rpm", Link("/opt/packages"))]],
            &[],
            &["unread var/lib/rpm"],
        ),
        (
            "a file written to a database through a link",
            &[&[OLD, ("x", Link("var/lib/dpkg"))], &[("x/status", Other)]],
            &[],
            &["unread var/lib/dpkg/status"],
        ),
        (
            "an opaque folder does not follow a link",
            &[&[OLD, ("x", Link("var/lib/dpkg"))], &[("x", Opaque)]],
            &["old@var/lib/dpkg/status"],
            &[],
        ),
        (
            "a whiteout does not follow a link",
            &[&[OLD, ("x", Link("var/lib"))], &[("x/dpkg", Gone)]],
            &["old@var/lib/dpkg/status"],
            &[],
        ),
        (
            "a whiteout of the link leaves its target",
            &[&[OLD, ("x", Link("var/lib"))], &[("x", Gone)]],
            &["old@var/lib/dpkg/status"],
            &[],
        ),
        (
            "an empty database beside another",
            &[&[OLD, ("lib/apk/db/installed", Empty)]],
            &["old@var/lib/dpkg/status"],
            &[],
        ),
        (
            "an empty database alone",
            &[&[(STATUS, Empty)]],
            &[],
            &["empty var/lib/dpkg/status"],
        ),
        (
            "a database that was emptied",
            &[&[OLD], &[(STATUS, Empty)]],
            &[],
            &["empty var/lib/dpkg/status"],
        ),
        (
            "a broken one",
            &[&[(STATUS, Broken)]],
            &[],
            &["broken var/lib/dpkg/status"],
        ),
        (
            "a broken one that a later layer replaces",
            &[&[(STATUS, Broken)], &[NEW]],
            &["new@var/lib/dpkg/status"],
            &[],
        ),
        (
            "links in a circle",
            &[&[("a", Link("b")), ("b", Link("a")), ("a/x", Other)]],
            &[],
            &["tangled"],
        ),
    ];
    for (what, layers, packages, gaps) in table {
        let stacked = stacked(layers);
        let (found, open) = told(&stacked);
        let mut expected: Vec<_> = packages.iter().map(ToString::to_string).collect();
        expected.sort();
        assert_eq!(found, expected, "{what}");
        assert_eq!(open, *gaps, "{what}");
    }
}

#[test]
fn the_release_is_that_of_the_first_file_that_exists() {
    use At::{Gone, Link, Release};
    type Case<'a> = (&'a str, &'a [&'a [(&'a str, At<'a>)]], Option<&'a str>);
    let (etc, usr) = ("etc/os-release", "usr/lib/os-release");
    let table: &[Case<'_>] = &[
        ("none", &[&[]], None),
        (
            "that of etc",
            &[&[(etc, Release("a")), (usr, Release("b"))]],
            Some("a"),
        ),
        ("that of usr/lib", &[&[(usr, Release("b"))]], Some("b")),
        (
            "through a link",
            &[&[(etc, Link("../usr/lib/os-release")), (usr, Release("b"))]],
            Some("b"),
        ),
        (
            "of a later layer",
            &[&[(etc, Release("a"))], &[(etc, Release("c"))]],
            Some("c"),
        ),
        (
            "not of a folder inside",
            &[&[("rootfs/etc/os-release", Release("a"))]],
            None,
        ),
        (
            "not a deleted one",
            &[&[(etc, Release("a")), (usr, Release("b"))], &[(etc, Gone)]],
            Some("b"),
        ),
    ];
    for (what, layers, id) in table {
        let release = stacked(layers).release.map(|release| release.id);
        assert_eq!(release.as_deref(), *id, "{what}");
    }
}

#[test]
fn contents_are_those_of_every_layer_whatever_is_taken_away() {
    let mut first = layer(&[OLD]);
    first.marks.insert(crate::detector::Mark::PackageDatabase);
    let layers = [
        Some(Arc::new(first)),
        Some(Arc::new(layer(&[("var", At::Gone)]))),
    ];
    let contents = stack(&layers).contents;
    assert_eq!(contents.databases, [Manager::Dpkg].into());
    assert_eq!(
        contents.marks,
        [crate::detector::Mark::PackageDatabase].into()
    );
    assert_eq!(contents.reading, Reading::Whole);
    assert_eq!(
        stack(&[layers[0].clone(), None]).contents.reading,
        Reading::Partial
    );
}

/// Entries of a small file system, in which all that matters meets.
fn entry() -> impl Strategy<Value = (String, model::Entry)> {
    let path = || {
        prop::collection::vec(prop::sample::select(vec!["a", "dpkg", "status", "l"]), 1..4)
            .prop_map(|parts| parts.join("/"))
    };
    let target = || {
        (path(), prop::sample::select(vec!["", "/", "../"]))
            .prop_map(|(path, up)| format!("{up}{path}"))
    };
    let entry = prop_oneof![
        3 => Just(model::Entry::Folder),
        4 => Just(model::Entry::File),
        2 => target().prop_map(model::Entry::Link),
        2 => path().prop_map(model::Entry::Same),
        1 => Just(model::Entry::Gone),
        1 => Just(model::Entry::Opaque),
    ];
    (path(), entry)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    /// The stack knows only of databases and links; a model that has every file and folder agrees on where databases are.
    #[test]
    fn a_stack_agrees_with_a_whole_file_system(layers in prop::collection::vec(prop::collection::vec(entry(), 0..8), 1..4)) {
        let mut whole = model::FileSystem::default();
        let mut read = Vec::new();
        for (number, entries) in layers.iter().enumerate() {
            if whole.apply(number, entries).is_err() {
                // No runtime unpacks it.
                return Ok(());
            }
            read.push(Some(Arc::new(model::layer_of(number, entries))));
        }
        let mut stack = Stack::new(&read);
        prop_assert!(stack.apply_all().is_ok());
        let mut found = Vec::new();
        for (path, node) in stack.tree.nodes().filter(|(path, _)| Detector::of(path).is_some()) {
            let Node::File(file) = node else { continue };
            let text = match file {
                Found::Read(id) | Found::Disputed(id) => stack.file(*id).map(|file| &file.content),
                // Known to be there, and told as a gap.
                Found::Unread => None,
            };
            let text = match text {
                Some(Content::Packages(packages)) => packages[0].name.to_string(),
                _ => whole.text(path),
            };
            found.push((path.to_owned(), text));
        }
        prop_assert_eq!(found, whole.databases(), "{:?}", layers);
    }
}

#[test]
fn layers_of_one_image_are_of_one_distribution_whatever_becomes_of_the_file_that_names_it() {
    use At::{Gone, Release};
    const ETC: &str = "etc/os-release";
    const USR: &str = "usr/lib/os-release";
    type Case<'a> = (&'a [&'a [(&'a str, At<'a>)]], Option<&'a str>);
    let table: &[Case<'_>] = &[
        (&[&[(ETC, Release("debian")), OLD]], None),
        // The base, and the same distribution's next release over it.
        (
            &[
                &[(ETC, Release("debian")), OLD],
                &[(USR, Release("debian")), NEW],
            ],
            None,
        ),
        (
            &[&[(ETC, Release("rhel")), OLD], &[(ETC, Release("fedora"))]],
            Some("several fedora, rhel"),
        ),
        (
            &[
                &[(ETC, Release("debian")), OLD],
                &[(ETC, Gone), (USR, Release("ubuntu"))],
            ],
            Some("several debian, ubuntu"),
        ),
        (
            &[
                &[(ETC, Release("alpine")), OLD],
                &[(ETC, Release("wolfi"))],
                &[(ETC, Release("alpine"))],
            ],
            Some("several alpine, wolfi"),
        ),
        // One that names none takes nothing away and adds nothing.
        (
            &[&[(ETC, Release("debian")), OLD], &[(USR, Release(""))]],
            None,
        ),
    ];
    for (layers, expected) in table {
        let (_, gaps) = told(&stacked(layers));
        let expected: Vec<&str> = expected.iter().copied().collect();
        assert_eq!(gaps, expected, "{layers:?}");
    }
}
