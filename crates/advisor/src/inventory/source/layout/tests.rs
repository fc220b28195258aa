use std::fs;

use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::inventory::digest::sha;

const NAMED: &str = "application/vnd.oci.image.manifest.v1+json";

/// A layout with a manifest by each of these names.
fn layout(names: &[&str]) -> (TempDir, Vec<Digest>) {
    let folder = tempfile::tempdir().expect("a folder");
    let blobs = folder.path().join("blobs/sha256");
    fs::create_dir_all(&blobs).expect("a folder");
    fs::write(
        folder.path().join("oci-layout"),
        r#"{"imageLayoutVersion":"1.0.0"}"#,
    )
    .expect("room");
    let mut digests = Vec::new();
    let mut manifests = Vec::new();
    for name in names {
        let zero = format!("sha256:{:064x}", 0);
        let config = json!({ "mediaType": "x/y", "digest": zero, "size": 1 });
        let manifest = json!({ "schemaVersion": 2, "config": config, "layers": [], "annotations": { "n": name } }).to_string();
        let digest = sha(cise_reference::Algorithm::Sha256, manifest.as_bytes());
        fs::write(blobs.join(digest.hex()), &manifest).expect("room");
        manifests.push(json!({ "mediaType": NAMED, "digest": digest.as_str(), "size": manifest.len(), "annotations": { NAME: name } }));
        digests.push(digest);
    }
    let index = json!({ "schemaVersion": 2, "manifests": manifests });
    fs::write(folder.path().join("index.json"), index.to_string()).expect("room");
    (folder, digests)
}

fn archived(folder: &Path) -> (TempDir, PathBuf) {
    let target = tempfile::tempdir().expect("a folder");
    let path = target.path().join("image.tar");
    let mut builder = tar::Builder::new(fs::File::create(&path).expect("a file"));
    builder.append_dir_all(".", folder).expect("room");
    builder.finish().expect("room");
    (target, path)
}

#[tokio::test]
async fn an_image_is_found_by_its_name_or_by_being_alone() {
    let (folder, digests) = layout(&["v1", "v2"]);
    let (_kept, archive) = archived(folder.path());
    let layouts = [
        Layout::folder(folder.path()).await,
        Layout::archive(&archive).await,
    ];
    for layout in layouts {
        let layout = layout.expect("a layout");
        assert_eq!(layout.image(Some("v2")), Ok(&digests[1]));
        assert!(matches!(
            layout.manifest(&digests[1]).await,
            Ok(Manifest::Image(_))
        ));
        let several = layout.image(None).expect_err("two").to_string();
        assert!(
            several.ends_with("has several images; name one of them: v1, v2"),
            "{several}"
        );
        let none = layout.image(Some("v3")).expect_err("none").to_string();
        assert!(
            none.ends_with("has no image named `v3`; it has v1, v2"),
            "{none}"
        );
    }
    let (folder, digests) = layout_of_one();
    let alone = Layout::folder(folder.path()).await.expect("a layout");
    assert_eq!(alone.image(None), Ok(&digests[0]));
}

fn layout_of_one() -> (TempDir, Vec<Digest>) {
    layout(&["v1"])
}

#[tokio::test]
async fn blobs_come_from_their_place_in_an_archive() {
    let (folder, digests) = layout(&["v1"]);
    let content = fs::read(folder.path().join(blob_path(&digests[0]))).expect("a blob");
    let (_kept, archive) = archived(folder.path());
    let layout = Layout::archive(&archive).await.expect("a layout");
    let descriptor = layout.images[0].clone();
    let mut copies = layout.copies(&descriptor);
    let mut chunks = copies.next().await.expect("a copy").expect("a blob");
    let mut read = Vec::new();
    while let Some(chunk) = chunks.next().await {
        read.extend_from_slice(&chunk.expect("bytes"));
    }
    assert_eq!(read, content);
    assert!(copies.next().await.is_none());
}

#[tokio::test]
async fn what_is_no_layout_is_refused_with_its_reason() {
    let spoil = |file: &str, content: Option<&str>| {
        let (folder, _) = layout(&["v1"]);
        let path = folder.path().join(file);
        match content {
            Some(content) => fs::write(path, content).expect("room"),
            None => fs::remove_file(path).expect("a file"),
        }
        folder
    };
    let table = [
        ("oci-layout", None, "is not an OCI image layout"),
        ("oci-layout", Some("{}"), "is not an OCI image layout"),
        (
            "oci-layout",
            Some(r#"{"imageLayoutVersion":"2.0.0"}"#),
            "is not an OCI image layout",
        ),
        ("index.json", None, "has no index.json"),
        ("index.json", Some("{"), "index.json in"),
        (
            "index.json",
            Some(r#"{"schemaVersion":2,"layers":[]}"#),
            "index.json in",
        ),
    ];
    for (file, content, why) in table {
        let folder = spoil(file, content);
        let error = Layout::folder(folder.path())
            .await
            .expect_err(file)
            .to_string();
        assert!(error.contains(why), "{file} {content:?}: {error}");
    }
    let text = tempfile::NamedTempFile::new().expect("a file");
    fs::write(text.path(), "no archive".repeat(100)).expect("room");
    let error = Layout::archive(text.path()).await.expect_err("no archive");
    assert!(matches!(error, LayoutError::Archive { .. }), "{error}");
}

#[tokio::test]
async fn a_manifest_is_what_its_digest_says() {
    let (folder, digests) = layout(&["v1"]);
    let opened = Layout::folder(folder.path()).await.expect("a layout");
    fs::write(folder.path().join(blob_path(&digests[0])), "{}").expect("room");
    let error = opened
        .manifest(&digests[0])
        .await
        .expect_err("another")
        .to_string();
    assert!(error.contains("has the digest sha256:44136fa3"), "{error}");
    fs::write(
        folder.path().join(blob_path(&digests[0])),
        " ".repeat(5 << 20),
    )
    .expect("room");
    let error = opened
        .manifest(&digests[0])
        .await
        .expect_err("too large")
        .to_string();
    assert!(error.contains("more than 4194304 bytes"), "{error}");
    let absent = Digest::sha256([1; 32]);
    let error = opened.manifest(&absent).await.expect_err("absent");
    assert!(error.is_absence() && error.is_final(), "{error}");
}
