mod images;

use cise_registry::{Caller, Deadline, Keyring};
use images::{Archive, Builder};

use super::*;

const STATUS: &str = "var/lib/dpkg/status";

fn stanza(package: &str, version: &str) -> String {
    format!(
        "Package: {package}\nStatus: install ok installed\nVersion: {version}\nArchitecture: amd64\nMaintainer: Somebody\n\n"
    )
}

fn amd64() -> Vec<Platform> {
    vec!["linux/amd64".parse().expect("a platform")]
}

fn indexer() -> (Indexer, Arc<MemoryCache>) {
    let cache = Arc::new(MemoryCache::new(1 << 20));
    let limits = Limits {
        layers: 2,
        ..Limits::default()
    };
    (Indexer::new(cache.clone(), limits), cache)
}

/// What is in the image `v1` of a layout.
async fn inventories(builder: &Builder) -> Result<Inventories, InventoryError> {
    let layout = Layout::folder(builder.path()).await.expect("a layout");
    let digest = layout.image(Some("v1")).expect("an image");
    indexer().0.inventories(&layout, digest, &amd64()).await
}

fn names(inventory: &Inventory) -> Vec<String> {
    inventory
        .packages
        .iter()
        .map(|package| format!("{} {}", package.name, package.version))
        .collect()
}

#[tokio::test]
async fn an_image_is_the_stack_of_its_layers_whatever_their_compression() {
    let mut builder = Builder::new();
    let base = Archive::new()
        .file(STATUS, &stanza("tar", "1.34"))
        .file("usr/lib/os-release", "ID=debian\nVERSION_ID=12\n")
        .link("etc/os-release", "../usr/lib/os-release")
        .file("lib64/ld-linux-x86-64.so.2", "");
    let layers = [
        builder.gzip(&base),
        builder.zstd(&Archive::new().file("etc/motd", "hello")),
        builder.plain(&Archive::new().file(
            STATUS,
            &[stanza("tar", "1.35"), stanza("curl", "8.1")].concat(),
        )),
    ];
    builder.image("v1", "linux/amd64", &layers);
    let found = inventories(&builder).await.expect("an inventory");
    assert_eq!(found.gaps, BTreeSet::new());
    let [image] = found.images.as_slice() else {
        panic!("expected one image, got {found:?}");
    };
    assert_eq!(image.platform.to_string(), "linux/amd64");
    assert_eq!(
        image.release.as_ref().map(|release| &*release.id),
        Some("debian")
    );
    assert_eq!(names(image), ["curl 8.1", "tar 1.35"]);
    assert_eq!(image.gaps, BTreeSet::new());
    assert_eq!(image.contents.reading, Reading::Whole);
    assert_eq!(image.contents.databases, [Manager::Dpkg].into());
    assert_eq!(
        image.contents.marks,
        [Mark::Release, Mark::PackageDatabase, Mark::DynamicLoader].into()
    );
    let json = serde_json::to_string(&found).expect("JSON");
    assert_eq!(
        serde_json::from_str::<Inventories>(&json).expect("inventories"),
        found
    );
}

#[tokio::test]
async fn an_image_of_nothing_known_leaves_no_mark() {
    let mut builder = Builder::new();
    let layers = [builder.gzip(&Archive::new().file("app", "static"))];
    builder.image("v1", "linux/amd64", &layers);
    let found = inventories(&builder).await.expect("an inventory");
    assert_eq!(found.images[0].contents, Contents::default());
    assert_eq!(found.images[0].gaps, BTreeSet::new());
}

#[tokio::test]
async fn a_layer_that_cannot_be_judged_is_a_gap_with_its_reason() {
    let motd = Archive::new().file("etc/motd", "hello");
    type Spoil = fn(&mut images::Layer);
    let table: [(&str, Spoil, &str); 9] = [
        (
            "a lying digest",
            |layer| layer.digest = cise_testkit::images::sha256(b"other"),
            "has the digest",
        ),
        (
            "a lying size",
            |layer| layer.size += 1,
            "bytes, and the manifest says",
        ),
        ("a smaller one", |layer| layer.size -= 1, "more than the"),
        (
            "a lying diff id",
            |layer| layer.diff_id = layer.digest.clone(),
            "not the diff id",
        ),
        (
            "a truncated layer",
            |layer| layer.rewrite(|bytes| bytes.truncate(30)),
            "end too early",
        ),
        (
            "bytes after its end",
            |layer| layer.rewrite(|bytes| bytes.extend(b"more")),
            "followed by others",
        ),
        (
            "no archive",
            |layer| layer.rewrite(|bytes| *bytes = b"<html>".repeat(200)),
            "no archive",
        ),
        (
            "an encrypted layer",
            |layer| layer.media_type.push_str("+encrypted"),
            "is encrypted",
        ),
        (
            "an unknown type",
            |layer| layer.media_type = "application/vnd.in-toto+json".into(),
            "unknown type `application/vnd.in-toto+json`",
        ),
    ];
    for (what, spoil, why) in table {
        let mut builder = Builder::new();
        let mut layer = builder.gzip(&motd);
        spoil(&mut layer);
        let layers = [
            builder.gzip(&Archive::new().file(STATUS, &stanza("tar", "1.34"))),
            layer,
        ];
        builder.image("v1", "linux/amd64", &layers);
        let found = inventories(&builder).await.expect("an inventory");
        let gaps: Vec<_> = found.images[0]
            .gaps
            .iter()
            .map(ToString::to_string)
            .collect();
        assert!(gaps.len() == 1 && gaps[0].contains(why), "{what}: {gaps:?}");
        assert_eq!(found.images[0].contents.reading, Reading::Partial, "{what}");
        assert_eq!(
            names(&found.images[0]),
            ["tar 1.34"],
            "{what}: what is known is told"
        );
    }
}

#[tokio::test]
async fn a_foreign_layer_counts_where_it_is_and_is_a_gap_where_it_is_not() {
    let foreign = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
    for served in [true, false] {
        let mut builder = Builder::new();
        let mut layer = builder.gzip(&Archive::new().file(STATUS, &stanza("tar", "1.34")));
        layer.media_type = foreign.into();
        layer.is_served = served;
        builder.image("v1", "linux/amd64", &[layer]);
        let found = inventories(&builder).await.expect("an inventory");
        let gaps = &found.images[0].gaps;
        let foreign = gaps
            .iter()
            .any(|gap| matches!(gap, Gap::ForeignLayer { .. }));
        assert_eq!((gaps.len(), foreign), (usize::from(!served), !served));
    }
}

#[tokio::test]
async fn a_manifest_and_a_configuration_that_do_not_agree_are_a_gap() {
    let layer = |builder: &mut Builder| builder.gzip(&Archive::new().file("etc/motd", "hello"));
    let mut builder = Builder::new();
    let layers = [layer(&mut builder)];
    builder.image_with(
        "v1",
        &layers,
        r#"{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":[]}}"#,
    );
    let found = inventories(&builder).await.expect("an inventory");
    assert_eq!(
        found.images[0].gaps,
        [Gap::LayerCount {
            layers: 1,
            diff_ids: 0
        }]
        .into()
    );
    let mut builder = Builder::new();
    let layers = [layer(&mut builder)];
    builder.image_with("v1", &layers, "{}");
    let found = inventories(&builder).await.expect("an inventory");
    assert!(
        matches!(
            found.images[0].gaps.first(),
            Some(Gap::BrokenConfiguration { .. })
        ),
        "{found:?}"
    );
    let mut builder = Builder::new();
    let layers = [layer(&mut builder)];
    builder.image("v1", "windows/amd64", &layers);
    let found = inventories(&builder).await.expect("an inventory");
    assert_eq!(
        found.images[0].gaps,
        [Gap::OperatingSystem {
            platform: "windows/amd64".into()
        }]
        .into()
    );
}

#[tokio::test]
async fn an_index_is_judged_by_its_children_down_to_the_second() {
    let mut builder = Builder::new();
    let layers = [builder.gzip(&Archive::new().file(STATUS, &stanza("tar", "1.34")))];
    let image = builder.manifest("linux/amd64", &layers);
    let other = builder.manifest("linux/s390x", &layers);
    let absent = builder.absent("linux/amd64");
    let inner = builder.index(&[image.clone()]);
    let outer = builder.index(&[inner.clone(), other.clone()]);
    let deeper = builder.index(&[outer.clone()]);
    let gaps = |found: &Inventories| {
        found
            .gaps
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
    };
    let table = [
        (builder.index(&[other.clone(), image.clone()]), 1, None),
        (outer, 1, None),
        (deeper, 0, Some("in an index that is in an index")),
        (builder.index(&[other]), 0, Some("no image for linux/amd64")),
        (
            builder.index(&[image, absent]),
            1,
            Some("has no blobs/sha256/"),
        ),
    ];
    for (at, (index, images, gap)) in table.into_iter().enumerate() {
        builder.name(&[("v1", &index)]);
        let found = inventories(&builder).await.expect("an inventory");
        assert_eq!(found.images.len(), images, "{at}: {found:?}");
        let gaps = gaps(&found);
        assert_eq!(gaps.len(), usize::from(gap.is_some()), "{at}: {gaps:?}");
        assert!(
            gap.is_none_or(|gap| gaps[0].contains(gap)),
            "{at}: {gaps:?}"
        );
    }
}

#[tokio::test]
async fn a_layer_is_read_once_for_all_images_that_have_it() {
    let mut builder = Builder::new();
    let base = builder.gzip(&Archive::new().file(STATUS, &stanza("tar", "1.34")));
    builder.image("v1", "linux/amd64", &[base.clone(), base.clone()]);
    let layout = Layout::folder(builder.path()).await.expect("a layout");
    let (indexer, cache) = indexer();
    let digest = layout.image(None).expect("an image");
    let first = indexer
        .inventories(&layout, digest, &amd64())
        .await
        .expect("an inventory");
    assert!(
        cache
            .get(&Digest::parse(&base.diff_id).expect("a digest"))
            .is_some()
    );
    builder.remove(&base.digest);
    let again = indexer
        .inventories(&layout, digest, &amd64())
        .await
        .expect("from what is kept");
    assert_eq!(again, first);
}

#[tokio::test]
async fn a_layer_that_proves_false_is_not_kept() {
    let mut builder = Builder::new();
    let mut layer = builder.gzip(&Archive::new().file(STATUS, &stanza("tar", "1.34")));
    layer.diff_id = layer.digest.clone();
    builder.image("v1", "linux/amd64", &[layer.clone()]);
    let layout = Layout::folder(builder.path()).await.expect("a layout");
    let (indexer, cache) = indexer();
    let digest = layout.image(None).expect("an image");
    let found = indexer
        .inventories(&layout, digest, &amd64())
        .await
        .expect("an inventory");
    assert_eq!(found.images[0].gaps.len(), 1);
    assert!(
        cache
            .get(&Digest::parse(&layer.diff_id).expect("a digest"))
            .is_none()
    );
}

#[tokio::test]
async fn a_lost_layer_is_an_error_and_no_judgement() {
    let mut builder = Builder::new();
    let layer = builder.gzip(&Archive::new().file("etc/motd", "hello"));
    builder.image("v1", "linux/amd64", &[layer.clone()]);
    builder.remove(&layer.digest);
    builder.folder(&layer.digest);
    let error = inventories(&builder).await.expect_err("it cannot be read");
    assert!(matches!(error, InventoryError::Layer { .. }), "{error}");
}

#[tokio::test]
async fn an_image_in_a_registry_is_the_same_as_on_disk() {
    use cise_testkit::components::{REGISTRY, require};
    if !require(&[&REGISTRY]) {
        return;
    }
    let registry = cise_testkit::registry::Registry::open().expect("a registry");
    let files = [
        (STATUS, stanza("tar", "1.34")),
        ("etc/os-release", "ID=debian\n".to_owned()),
    ];
    let files: Vec<_> = files
        .iter()
        .map(|(path, content)| (*path, content.as_str()))
        .collect();
    let image =
        cise_testkit::images::Image::multi_platform(cise_testkit::images::Format::Docker, &files)
            .expect("an image");
    registry.push(&image, "team/app", "v1").expect("a push");
    let client = images::client(&registry.host());
    let repository = cise_reference::Repository::parse(&format!("{}/team/app", registry.host()))
        .expect("a repository");
    let keyring = Keyring::empty();
    let caller = Caller {
        keyring: &keyring,
        namespace: "team",
        deadline: Deadline::after(std::time::Duration::from_secs(20)),
    };
    let source = RegistrySource::new(&client, &repository, caller);
    let digest = Digest::parse(&image.digest()).expect("a digest");
    let both = ["linux/amd64", "linux/arm64"].map(|text| text.parse().expect("a platform"));
    let found = indexer()
        .0
        .inventories(&source, &digest, &both)
        .await
        .expect("inventories");
    let platforms: Vec<_> = found
        .images
        .iter()
        .map(|image| image.platform.to_string())
        .collect();
    assert_eq!(platforms, ["linux/amd64", "linux/arm64"]);
    assert!(
        found
            .images
            .iter()
            .all(|image| names(image) == ["tar 1.34"]),
        "{found:?}"
    );
    assert!(
        found.gaps.is_empty() && found.images.iter().all(|image| image.gaps.is_empty()),
        "{found:?}"
    );
    let absent = Digest::sha256([7; 32]);
    let error = indexer()
        .0
        .inventories(&source, &absent, &both)
        .await
        .expect_err("no image");
    assert!(
        matches!(&error, InventoryError::Source(source) if source.is_absence()),
        "{error}"
    );
}
