//! Images that somebody made in order not to be judged, or that were damaged on the way.

use std::fs;

use cise_testkit::fixtures::packages::{self, APK_INSTALLED, DEBIAN_12, RPM_PACKAGES};
use cise_testkit::images::layout::blob;
use cise_testkit::images::{Format, Image, Layer, sha256};

use crate::advisories::World;
use crate::program::Folder;
use crate::server::{Server, eventually};

const RELEASE: &str = "etc/os-release";
const ALPINE: &[u8] = b"ID=alpine\nVERSION_ID=3.20.3\n";
const ALMALINUX: &[u8] = b"ID=almalinux\nVERSION_ID=9.4\n";

fn layer(files: &[(&str, &[u8])]) -> Layer {
    Layer::new(files).unwrap()
}

fn image(layers: &[Layer]) -> Image {
    Image::of_layers(Format::Oci, "linux/amd64", layers)
}

/// Pushes images, each of which is good for one thing only, and has them judged.
fn all_are_incomplete(images: &[(&str, Vec<Layer>, &str)]) {
    let Some(world) = World::new() else { return };
    let mut names = Vec::new();
    for (name, layers, _) in images {
        world.push(name, &image(layers));
        names.push(format!("@{name}"));
    }
    let (exit, reports) = world.reports(&names.join(" "));
    assert_eq!(exit, 1, "none is admitted, and each was decided");
    for ((name, _, why), report) in images.iter().zip(&reports) {
        assert_eq!(report["status"], "INCOMPLETE", "{name}: {report}");
        let gaps = report["gaps"].to_string();
        assert!(gaps.contains(why), "{name}: {why} in {gaps}");
    }
}

#[test]
fn a_broken_package_database_is_told_with_what_is_wrong_with_it() {
    let rpm = packages::rpm_database().unwrap();
    let debian = |status: &[u8]| {
        vec![layer(&[
            (RELEASE, DEBIAN_12),
            ("var/lib/dpkg/status", status),
        ])]
    };
    let almalinux =
        |path: &str, content: &[u8]| vec![layer(&[(RELEASE, ALMALINUX), (path, content)])];
    let half = APK_INSTALLED.len() / 2;
    all_are_incomplete(&[
        (
            "no-version",
            debian(b"Package: plain\nStatus: install ok installed\nArchitecture: all\n\n"),
            "`var/lib/dpkg/status` cannot be read",
        ),
        (
            "no-text",
            debian(&[0xff; 4096]),
            "`var/lib/dpkg/status` cannot be read",
        ),
        ("empty", debian(b""), "`var/lib/dpkg/status` is empty"),
        (
            "garbled-apk",
            vec![layer(&[
                (RELEASE, ALPINE),
                (
                    "lib/apk/db/installed",
                    &[APK_INSTALLED, b"\x00\x01"].concat(),
                ),
            ])],
            "`lib/apk/db/installed` cannot be read",
        ),
        (
            "apk-of-another",
            vec![layer(&[
                (RELEASE, DEBIAN_12),
                ("lib/apk/db/installed", &APK_INSTALLED[..half]),
            ])],
            "no database",
        ),
        (
            "truncated-rpm",
            almalinux("var/lib/rpm/rpmdb.sqlite", &rpm[..rpm.len() / 2]),
            "`var/lib/rpm/rpmdb.sqlite` cannot be read",
        ),
        (
            "no-rpm",
            almalinux("var/lib/rpm/rpmdb.sqlite", &[0; 8192]),
            "`var/lib/rpm/rpmdb.sqlite` cannot be read",
        ),
        (
            "berkeley",
            almalinux("var/lib/rpm/Packages", RPM_PACKAGES),
            "`var/lib/rpm/Packages` cannot be read",
        ),
        (
            "no-database",
            vec![layer(&[(RELEASE, DEBIAN_12)])],
            "has no database",
        ),
        (
            "nameless",
            vec![layer(&[("var/lib/dpkg/status", packages::DPKG_STATUS)])],
            "no `os-release` says",
        ),
        (
            "unheard-of",
            vec![layer(&[(RELEASE, b"ID=plan9\nVERSION_ID=4\n")])],
            "`plan9` 4 is not known",
        ),
    ]);
}

#[test]
fn a_layer_that_cannot_be_read_to_its_end_is_told_with_the_reason() {
    let honest = || packages::alpine("3.20.3").unwrap();
    let motd = || layer(&[("etc/motd", b"hello")]);
    all_are_incomplete(&[
        (
            "truncated",
            vec![honest(), motd().truncated(20)],
            "end too early",
        ),
        (
            "cut-to-nothing",
            vec![honest(), motd().replaced(Vec::new())],
            "cannot be read",
        ),
        (
            "no-archive",
            vec![honest(), motd().replaced(b"<html>".repeat(200))],
            "cannot be read",
        ),
        (
            "another",
            vec![
                motd().replaced(packages::debian().unwrap().content),
                honest(),
            ],
            "diff id",
        ),
        (
            "more-at-the-end",
            vec![
                honest(),
                motd().replaced([motd().content, b"more".to_vec()].concat()),
            ],
            "followed by others",
        ),
    ]);
}

#[test]
fn a_layer_with_another_content_than_its_digest_says_is_not_believed() {
    let Some(world) = World::new() else { return };
    let (honest, lying) = (
        packages::debian().unwrap(),
        layer(&[("etc/motd", b"hello")]),
    );
    let folder = world.folder.path().join("layout");
    image(std::slice::from_ref(&honest))
        .save(&folder, "v1")
        .unwrap();
    let place = blob(&folder, &sha256(&honest.content));
    let padded = |mut content: Vec<u8>| {
        content.resize(honest.content.len(), 0);
        content
    };
    for content in [lying.content.clone(), padded(lying.content), Vec::new()] {
        fs::write(&place, content).unwrap();
        let (exit, reports) = world.reports("oci:layout");
        assert_eq!((exit, &reports[0]["status"]), (1, &"INCOMPLETE".into()));
        let gaps = reports[0]["gaps"].to_string();
        assert!(gaps.contains(&sha256(&honest.content)), "{gaps}");
        assert_eq!(reports[0]["vulnerabilities"], serde_json::json!([]));
    }
}

#[test]
fn a_hundred_thousand_files_hide_nothing() {
    let Some(world) = World::new() else { return };
    let many = Layer::of_many(100_000).unwrap();
    world.push(
        "many",
        &image(&[many.clone(), packages::debian().unwrap(), many]),
    );
    let (exit, reports) = world.reports("@many @debian");
    assert_eq!(exit, 1);
    assert_eq!(reports[0]["status"], "FAIL", "{}", reports[0]["gaps"]);
    assert_eq!(reports[0]["vulnerabilities"], reports[1]["vulnerabilities"]);
}

/// What the server may have resident after a bomb that would be a gigabyte.
const MOST_KIB: u64 = 200 * 1024;

#[test]
fn a_bomb_is_not_unpacked_past_its_bound() {
    let Some(world) = World::new() else { return };
    let bomb = Layer::bomb(1024).unwrap();
    assert!(
        bomb.content.len() < 4 * 1024 * 1024,
        "small where it is kept"
    );
    world.push("bomb", &image(&[packages::alpine("3.20.3").unwrap(), bomb]));
    let policy = fs::read_to_string(world.folder.path().join("policies/scanned.yaml")).unwrap();
    let folder = Folder::new(&[("policies/scanned.yaml", &policy)]);
    let configuration = world.folder.path().join("cise.yaml");
    let server = Server::spawn(
        folder,
        &format!("--policies policies --config {}", configuration.display()),
    );
    server.wait_for("ready: reviews at https://");
    let image = world.image("bomb");
    let message = || server.review_pod("/va", &image)["status"]["message"].to_string();
    eventually(
        "an answer",
        || message().contains("is incomplete"),
        || server.log("cise.log"),
    );
    assert!(
        message().contains("as only a decompression bomb does"),
        "{}",
        message()
    );
    let peak = server.peak_memory_kib();
    assert!(peak < MOST_KIB, "{peak} KiB were resident");
}
