//! Who is read first, and who is refused, where images come from a registry.

use futures::FutureExt as _;

use super::*;

/// A registry with images of one layer each.
struct Store {
    _registry: Registry,
    proxy: Proxy,
    images: Vec<Digest>,
    /// The paths of the images' layers.
    layers: Vec<String>,
}

/// How many bytes a layer has at least.
const SIZE: usize = 1 << 20;

impl Store {
    fn open(count: u8) -> Option<Self> {
        if !require(&[&REGISTRY]) {
            return None;
        }
        let registry = Registry::open().expect("a registry");
        let (mut images, mut layers) = (Vec::new(), Vec::new());
        for number in 0..count {
            let status = stanza(&format!("package{number}"), "1");
            let noise = noise(number);
            let files: [(&str, &[u8]); 3] = [
                (STATUS, status.as_bytes()),
                ("etc/os-release", b"ID=debian\n"),
                ("usr/share/noise", &noise),
            ];
            let image = PushedImage::for_platform(Format::Docker, "linux/amd64", &files);
            let image = image.expect("an image");
            registry
                .push(&image, "team/app", &format!("v{number}"))
                .expect("a push");
            images.push(Digest::parse(&image.digest()).expect("a digest"));
            let manifest: serde_json::Value =
                serde_json::from_slice(image.manifest()).expect("a manifest");
            let layer = manifest["layers"][0]["digest"].as_str();
            layers.push(format!("/blobs/{}", layer.expect("a layer")));
        }
        let proxy = Proxy::plain(registry.upstream()).expect("a proxy");
        Some(Self {
            _registry: registry,
            proxy,
            images,
            layers,
        })
    }

    async fn read(
        &self,
        indexer: &Indexer,
        image: usize,
        namespace: &str,
    ) -> Result<String, InventoryError> {
        let host = self.proxy.host();
        let client = images::client(&host);
        let repository = Repository::parse(&format!("{host}/team/app")).expect("a repository");
        let keyring = Keyring::empty();
        let caller = Caller {
            keyring: &keyring,
            namespace,
            deadline: Deadline::after(Duration::from_secs(60)),
        };
        let source = RegistrySource::new(&client, &repository, caller);
        let progress = Progress::new();
        progress.hurry(namespace);
        let digest = &self.images[image];
        let found = indexer
            .inventories(&source, digest, &amd64(), &progress)
            .await?;
        Ok(names(&found.images[0]).join(" "))
    }
}

/// Bytes that cannot be made fewer.
fn noise(seed: u8) -> Vec<u8> {
    let mut state = u64::from(seed) + 1;
    let next = std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        state.to_be_bytes()[0]
    });
    next.take(SIZE).collect()
}

fn with_room(bytes: u64) -> Indexer {
    let limits = Limits {
        layers: 1,
        queue: bytes,
        ..Limits::default()
    };
    Indexer::new(Arc::new(MemoryCache::new(1 << 20)), limits)
}

#[tokio::test]
async fn one_namespace_with_many_images_neither_holds_up_nor_turns_away_another() {
    let Some(store) = Store::open(7) else { return };
    // Room for eight images, of which one namespace may have four.
    let indexer = with_room(8 * SIZE as u64 + (SIZE as u64 >> 1));
    store.proxy.on(&store.layers[0], Fault::Hang);
    let mut greedy = Vec::new();
    for image in 0..4 {
        let mut read = Box::pin(store.read(&indexer, image, "greedy"));
        eventually(|| {
            assert!((&mut read).now_or_never().is_none(), "it waits");
            indexer.load().images == image + 1
        })
        .await;
        greedy.push(read);
    }
    for image in [4, 5] {
        let refused = store.read(&indexer, image, "greedy").await;
        let busy = refused.expect_err("two too many").to_string();
        assert!(busy.contains("busy with namespace greedy"), "{busy}");
        assert!(busy.contains("`advisor.queueMiB`"), "{busy}");
    }
    // The first of them is being read and comes to no end, and the others wait.
    let other = store.read(&indexer, 6, "other").await;
    assert_eq!(other.as_deref(), Ok("package6 1"));
    for read in &mut greedy {
        assert!(
            read.now_or_never().is_none(),
            "nothing was read but the other"
        );
    }
    assert_eq!(indexer.load().images, 4);
    drop(greedy);
    assert_eq!(indexer.load(), Load::default());
    let again = store.read(&indexer, 1, "greedy").await;
    assert_eq!(again.as_deref(), Ok("package1 1"), "there is room again");
}

#[tokio::test]
async fn an_image_that_is_larger_than_may_be_is_refused_by_its_size_and_one_that_is_known_is_not() {
    let Some(store) = Store::open(1) else { return };
    let small = with_room(SIZE as u64);
    let refused = store.read(&small, 0, "team").await.expect_err("too large");
    assert!(
        refused
            .to_string()
            .contains("at most: give images twice as much"),
        "{refused}"
    );
    let layers = || {
        store
            .proxy
            .exchanges()
            .iter()
            .filter(|one| one.path.contains("/blobs/"))
            .count()
    };
    assert_eq!(layers(), 1, "nothing but its configuration was asked for");
    let (cache, limits) = (Arc::new(MemoryCache::new(1 << 20)), Limits::default());
    let large = Indexer::new(cache.clone(), limits);
    assert!(store.read(&large, 0, "team").await.is_ok());
    let known = Indexer::new(
        cache,
        Limits {
            queue: SIZE as u64,
            ..limits
        },
    );
    assert!(store.read(&known, 0, "team").await.is_ok());
}

/// Waits, within reason, until something is so.
async fn eventually(mut is_so: impl FnMut() -> bool) {
    for _ in 0..2000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it did not come to be");
}
