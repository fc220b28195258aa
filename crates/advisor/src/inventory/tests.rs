mod images;
mod line;
mod unpacked;

use std::time::Duration;

use cise_reference::Repository;
use cise_registry::{Amount, Caller, Deadline, Keyring};
use cise_testkit::components::{CHUNKED, REGISTRY, require};
use cise_testkit::images::{Chunked, Format, Image as PushedImage};
use cise_testkit::proxy::{Fault, Proxy};
use cise_testkit::registry::Registry;
use images::{Archive, Builder, Layer};

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
    indexer()
        .0
        .inventories(&layout, digest, &amd64(), &Progress::new())
        .await
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
    let builder = Builder::new();
    let base = Archive::new()
        .file(STATUS, &stanza("tar", "1.34"))
        .file("usr/lib/os-release", "ID=debian\nVERSION_ID=12\n")
        .link("etc/os-release", "../usr/lib/os-release")
        .file("lib64/ld-linux-x86-64.so.2", "");
    let layers = [
        Layer::gzip(&base),
        Layer::zstd(&Archive::new().file("etc/motd", "hello")),
        Layer::plain(&Archive::new().file(
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
    let builder = Builder::new();
    let layers = [Layer::gzip(&Archive::new().file("app", "static"))];
    builder.image("v1", "linux/amd64", &layers);
    let found = inventories(&builder).await.expect("an inventory");
    assert_eq!(found.images[0].contents, Contents::default());
    assert_eq!(found.images[0].gaps, BTreeSet::new());
}

/// What is done to a layer.
type Spoil = fn(&mut Layer);

#[tokio::test]
async fn a_layer_that_cannot_be_judged_is_a_gap_with_its_reason() {
    let motd = Archive::new().file("etc/motd", "hello");
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
        let builder = Builder::new();
        let mut layer = Layer::gzip(&motd);
        spoil(&mut layer);
        let layers = [
            Layer::gzip(&Archive::new().file(STATUS, &stanza("tar", "1.34"))),
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
        let builder = Builder::new();
        let mut layer = Layer::gzip(&Archive::new().file(STATUS, &stanza("tar", "1.34")));
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
    let layer = || Layer::gzip(&Archive::new().file("etc/motd", "hello"));
    let builder = Builder::new();
    let layers = [layer()];
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
    let builder = Builder::new();
    let layers = [layer()];
    builder.image_with("v1", &layers, "{}");
    let found = inventories(&builder).await.expect("an inventory");
    assert!(
        matches!(
            found.images[0].gaps.first(),
            Some(Gap::BrokenConfiguration { .. })
        ),
        "{found:?}"
    );
    let builder = Builder::new();
    let layers = [layer()];
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
    let builder = Builder::new();
    let layers = [Layer::gzip(
        &Archive::new().file(STATUS, &stanza("tar", "1.34")),
    )];
    let image = builder.manifest("linux/amd64", &layers);
    let other = builder.manifest("linux/s390x", &layers);
    let absent = Builder::absent("linux/amd64");
    let inner = builder.index(std::slice::from_ref(&image));
    let outer = builder.index(&[inner.clone(), other.clone()]);
    let deeper = builder.index(std::slice::from_ref(&outer));
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
    let builder = Builder::new();
    let base = Layer::gzip(&Archive::new().file(STATUS, &stanza("tar", "1.34")));
    builder.image("v1", "linux/amd64", &[base.clone(), base.clone()]);
    let layout = Layout::folder(builder.path()).await.expect("a layout");
    let (indexer, cache) = indexer();
    let digest = layout.image(None).expect("an image");
    let (progress, later) = (Progress::new(), Progress::new());
    let first = indexer
        .inventories(&layout, digest, &amd64(), &progress)
        .await
        .expect("an inventory");
    assert!(
        cache
            .get(&Digest::parse(&base.diff_id).expect("a digest"))
            .is_some()
    );
    builder.remove(&base.digest);
    let again = indexer
        .inventories(&layout, digest, &amd64(), &later)
        .await
        .expect("from what is kept");
    assert_eq!(again, first);
    let all = Amount {
        done: 2 * base.size as u64,
        total: 2 * base.size as u64,
    };
    assert_eq!((progress.amount(), later.amount()), (Some(all), Some(all)));
}

#[tokio::test]
async fn a_layer_is_read_again_where_it_comes_as_another_blob() {
    if !require(&[&CHUNKED]) {
        return;
    }
    let archive = Archive::new().file(STATUS, &stanza("tar", "1.34"));
    let plain = Layer::gzip(&archive);
    let honest = Layer::chunked(Chunked::ZstdPodman, &archive);
    assert_eq!(honest.diff_id, plain.diff_id);
    let mut false_end = honest.clone();
    // The footer says that the table begins a byte later.
    false_end.rewrite(|bytes| {
        let at = bytes.len() - 64;
        bytes[at] = bytes[at].wrapping_add(1);
    });
    false_end.annotations.clear();
    let (indexer, _) = indexer();
    let builder = Builder::new();
    let seen_before = |layer: &Layer| Layer {
        is_served: false,
        ..layer.clone()
    };
    let table = [
        (seen_before(&false_end), 1),
        (seen_before(&plain), 0),
        (false_end, 1),
        (honest, 0),
        (plain, 0),
    ];
    for (at, (layer, gaps)) in table.into_iter().rev().enumerate() {
        builder.image("v1", "linux/amd64", std::slice::from_ref(&layer));
        let layout = Layout::folder(builder.path()).await.expect("a layout");
        let digest = layout.image(None).expect("an image");
        let found = indexer
            .inventories(&layout, digest, &amd64(), &Progress::new())
            .await
            .expect("an inventory");
        assert_eq!(names(&found.images[0]), ["tar 1.34"], "{at}");
        let found = &found.images[0].gaps;
        let of_table = found
            .iter()
            .filter(|gap| matches!(gap, Gap::LazyLayer { .. }));
        assert_eq!(
            (of_table.count(), found.len()),
            (gaps, gaps),
            "{at}: {found:?}"
        );
        if layer.is_served {
            builder.remove(&layer.digest);
        }
    }
}

#[tokio::test]
async fn a_layer_that_proves_false_is_not_kept() {
    let builder = Builder::new();
    let mut layer = Layer::gzip(&Archive::new().file(STATUS, &stanza("tar", "1.34")));
    layer.diff_id = layer.digest.clone();
    builder.image("v1", "linux/amd64", std::slice::from_ref(&layer));
    let layout = Layout::folder(builder.path()).await.expect("a layout");
    let (indexer, cache) = indexer();
    let digest = layout.image(None).expect("an image");
    let found = indexer
        .inventories(&layout, digest, &amd64(), &Progress::new())
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
    let builder = Builder::new();
    let layer = Layer::gzip(&Archive::new().file("etc/motd", "hello"));
    builder.image("v1", "linux/amd64", std::slice::from_ref(&layer));
    builder.remove(&layer.digest);
    builder.folder(&layer.digest);
    let error = inventories(&builder).await.expect_err("it cannot be read");
    assert!(matches!(error, InventoryError::Layer { .. }), "{error}");
}

/// An image in a registry that a proxy stands in front of.
struct Served {
    _registry: Registry,
    proxy: Proxy,
    digest: Digest,
}

fn served() -> Option<Served> {
    if !require(&[&REGISTRY]) {
        return None;
    }
    let registry = Registry::open().expect("a registry");
    let status = stanza("tar", "1.34");
    let files = [(STATUS, status.as_str()), ("etc/os-release", "ID=debian\n")];
    let image = PushedImage::multi_platform(Format::Docker, &files).expect("an image");
    registry.push(&image, "team/app", "v1").expect("a push");
    let proxy = Proxy::plain(registry.upstream()).expect("a proxy");
    let digest = Digest::parse(&image.digest()).expect("a digest");
    Some(Served {
        _registry: registry,
        proxy,
        digest,
    })
}

impl Served {
    async fn inventories(&self, digest: &Digest) -> Result<Inventories, InventoryError> {
        let host = self.proxy.host();
        let client = images::client(&host);
        let repository = Repository::parse(&format!("{host}/team/app")).expect("a repository");
        let keyring = Keyring::empty();
        let caller = Caller {
            keyring: &keyring,
            namespace: "team",
            deadline: Deadline::after(Duration::from_secs(30)),
        };
        let source = RegistrySource::new(&client, &repository, caller);
        let both = ["linux/amd64", "linux/arm64"].map(|text| text.parse().expect("a platform"));
        let progress = Progress::new();
        let indexer = indexer().0;
        indexer.inventories(&source, digest, &both, &progress).await
    }
}

#[tokio::test]
async fn an_image_in_a_registry_has_one_inventory_for_each_platform() {
    let Some(served) = served() else { return };
    let found = served
        .inventories(&served.digest)
        .await
        .expect("inventories");
    let platforms: Vec<_> = found
        .images
        .iter()
        .map(|image| image.platform.to_string())
        .collect();
    assert_eq!(platforms, ["linux/amd64", "linux/arm64"]);
    for image in &found.images {
        assert_eq!(names(image), ["tar 1.34"]);
        assert_eq!(image.gaps, BTreeSet::new());
    }
    let blobs = served
        .proxy
        .exchanges()
        .iter()
        .filter(|exchange| exchange.path.contains("/blobs/"))
        .count();
    assert_eq!(blobs, 3, "two configurations, and one layer for both");
    let absent = served
        .inventories(&Digest::sha256([7; 32]))
        .await
        .expect_err("no image");
    assert!(
        matches!(&absent, InventoryError::Source(source) if source.is_absence()),
        "{absent}"
    );
}

#[tokio::test]
async fn a_layer_without_an_end_is_a_gap_and_one_cut_short_an_error() {
    let Some(served) = served() else { return };
    let image = served
        .inventories(&served.digest)
        .await
        .expect("inventories");
    assert!(image.gaps.is_empty());
    let layer = PushedImage::new(
        Format::Docker,
        &[
            (STATUS, stanza("tar", "1.34").as_str()),
            ("etc/os-release", "ID=debian\n"),
        ],
    )
    .expect("an image");
    let blob = format!("/blobs/{}", cise_testkit::images::sha256(&layer.blobs()[1]));
    served.proxy.on(&blob, Fault::Endless);
    let found = served
        .inventories(&served.digest)
        .await
        .expect("inventories");
    let gap = found.images[0].gaps.first();
    assert!(matches!(gap, Some(Gap::UnreadLayer { .. })), "{found:?}");
    served.proxy.heal();
    served.proxy.on(&blob, Fault::CutAfter(20));
    let error = served
        .inventories(&served.digest)
        .await
        .expect_err("cut short");
    assert!(matches!(error, InventoryError::Layer { .. }), "{error}");
}
