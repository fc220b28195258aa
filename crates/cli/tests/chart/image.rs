//! What is in the container image. `ci/rootfs` makes it, and takes minutes: these tests look at the folder that `CISE_ROOTFS` names.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

use serde_json::Value;

#[test]
fn the_image_holds_four_files_and_nothing_else() {
    let Some(root) = root() else { return };
    let mut files = BTreeSet::new();
    list(&root, &root, &mut files);
    let expected = [
        "LICENSE",
        "cise",
        "etc/ssl/certs/ca-certificates.crt",
        "sbom.cdx.json",
    ];
    assert_eq!(files, expected.map(PathBuf::from).into());
}

#[test]
fn the_binary_needs_no_other_file_and_names_none_of_where_it_was_built() {
    let Some(root) = root() else { return };
    let binary = fs::read(root.join("cise")).unwrap();
    assert!(!contains(&binary, b"ld-linux") && !contains(&binary, b"ld-musl"));
    let sources = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap();
    assert!(!contains(&binary, sources.to_str().unwrap().as_bytes()));
    assert!(binary.len() <= 30 << 20, "{} bytes", binary.len());
}

#[test]
fn the_bill_of_materials_names_what_the_binary_is_made_of() {
    let Some(root) = root() else { return };
    let text = fs::read_to_string(root.join("sbom.cdx.json")).unwrap();
    let bill: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(bill["bomFormat"], "CycloneDX");
    let components = bill["components"].as_array().unwrap();
    for name in ["rustls", "tokio", "aws-lc-rs", "cise-admission"] {
        assert!(
            components.iter().any(|component| component["name"] == name),
            "{name}"
        );
    }
}

#[test]
fn the_program_starts_from_its_own_root_file_system() {
    let Some(root) = root() else { return };
    let mut program = Command::new("unshare");
    program
        .args(["--user", "--map-root-user", "--root"])
        .arg(&root)
        .arg("/cise");
    let output = program
        .args(["check", "nginx"])
        .env_clear()
        .env("PATH", env::var_os("PATH").unwrap())
        .output()
        .unwrap();
    let (stdout, stderr) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(
        stdout.contains("Deny, no image policies or cluster polices for nginx"),
        "{stdout}{stderr}"
    );
}

fn root() -> Option<PathBuf> {
    let root = env::var_os("CISE_ROOTFS").map(PathBuf::from);
    if root.is_none() {
        // Not `eprintln!`, which the test harness keeps to itself when a test passes.
        let _ = writeln!(
            io::stderr(),
            "skipped: CISE_ROOTFS names no folder that ci/rootfs has made"
        );
    }
    root
}

fn list(root: &Path, folder: &Path, files: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            list(root, &path, files);
        } else {
            files.insert(path.strip_prefix(root).unwrap().to_owned());
        }
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
