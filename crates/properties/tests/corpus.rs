//! What fuzzing began with and what it found, replayed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| {
            entry
                .unwrap()
                .path()
                .file_stem()
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        })
        .collect()
}

#[test]
fn every_property_holds_of_its_corpus() {
    for (name, property) in cise_properties::ALL {
        let folder = fuzz().join("corpus").join(name);
        let cases: Vec<_> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert!(!cases.is_empty(), "{name} has no corpus");
        for case in cases {
            // The name of the case stands in the output before whatever the property has to say.
            println!("{name} {}", case.file_name().unwrap().display());
            property(&fs::read(case).unwrap());
        }
    }
}

#[test]
fn every_property_has_a_target_and_a_corpus_and_the_other_way_round() {
    let properties: BTreeSet<String> = cise_properties::ALL
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    assert_eq!(names(&fuzz().join("fuzz_targets")), properties);
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    let built: Vec<String> = manifest
        .split("[[bin]]\n")
        .skip(1)
        .map(|target| target.lines().take(2).collect::<Vec<_>>().join("\n"))
        .collect();
    let expected: Vec<String> = properties
        .iter()
        .map(|name| format!("name = \"{name}\"\npath = \"fuzz_targets/{name}.rs\""))
        .collect();
    assert_eq!(built, expected);
    assert_eq!(names(&fuzz().join("corpus")), properties);
}
