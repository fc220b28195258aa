//! The memory of an advisor that reads, keeps and judges many large images at a time, against its bound.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use cise_advisor::assessment::{Rules, Status};
use cise_advisor::database::build::{Build, Input, build};
use cise_advisor::exemption::{Exemptions, TagBinding};
use cise_advisor::inventory::MemoryCache;
use cise_advisor::{Advise as _, Advisor, Memory, Question, Settings, Urgency};
use cise_policy::HostPattern;
use cise_reference::{Digest, Reference};
use cise_registry::{
    Caller, Deadline, FlightBounds, Freshness, Http, Keyring, Outbound, Proxies, Registries,
    RegistryLimits, RegistrySettings, Security,
};
use cise_testkit::components::{REGISTRY, require};
use cise_testkit::images::{Format, Image, Layer};
use cise_testkit::registry::Registry;
use jiff::Timestamp;

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const MIB: u64 = 1024 * 1024;

/// How many are asked about at the same time.
const IMAGES: usize = 16;
/// The packages of an image; large ones have some thousand.
const PACKAGES: usize = 8_000;

#[test]
fn many_large_images_at_a_time_stay_below_the_bound() {
    if !require(&[&REGISTRY]) {
        return;
    }
    let site = Site::new();
    let memory = Memory::mebibytes(Memory::LEAST_MIB);
    let peak = Peak::watch();
    let advisor = site.advisor(memory);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let asked = site.images.iter().enumerate().map(|(number, image)| {
            let (advisor, namespace) = (advisor.clone(), format!("n{}", number % 5));
            let image = image.clone();
            tokio::spawn(async move { judged(&advisor, &image, &namespace).await })
        });
        for judged in futures::future::join_all(asked).await {
            judged.unwrap();
        }
    });
    let most = peak.end();
    let bound = memory.bytes();
    assert!(most < bound, "{} MiB of {} MiB", most / MIB, bound / MIB);
}

/// A registry with images, and a database.
struct Site {
    registry: Registry,
    folder: tempfile::TempDir,
    images: Vec<(Reference, Digest)>,
}

impl Site {
    fn new() -> Self {
        let registry = Registry::open().unwrap();
        let images = (0..IMAGES).map(|number| {
            let image = image(number);
            let name = format!("team/app{number}");
            registry.push(&image, &name, "v1").unwrap();
            let reference = Reference::parse(&format!("{}/{name}:v1", registry.host())).unwrap();
            (reference, Digest::parse(&image.digest()).unwrap())
        });
        let images = images.collect();
        let folder = tempfile::tempdir().unwrap();
        database(folder.path());
        Self {
            registry,
            folder,
            images,
        }
    }

    fn advisor(&self, memory: Memory) -> Advisor {
        let settings = Settings::within(memory);
        let layers = Arc::new(MemoryCache::new(settings.shares.layers));
        let advisor = Advisor::new(client(&self.registry.host()), layers, settings);
        let database = advisor.open(&self.folder.path().join("advisories.db"));
        advisor.load(database.unwrap());
        advisor
    }
}

/// An image with packages of its own, and with many files.
fn image(number: usize) -> Image {
    let mut status = String::new();
    for package in 0..PACKAGES {
        let _ = write!(
            status,
            "Package: package-{package}-of-{number}\nStatus: install ok installed\nVersion: 1.{package}-{number}\nArchitecture: amd64\n\
             Maintainer: Debian Maintainers <maintainers@debian.org>\nSource: source-{package} (2:1.{package})\nDescription: as long as \
             many are, so that the text is larger than what is kept of it\n\n"
        );
    }
    let release = "ID=debian\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\n";
    let layers = [
        Layer::new(&[
            ("etc/os-release", release),
            ("var/lib/dpkg/status", &status),
        ])
        .unwrap(),
        Layer::of_many(3_000 + number).unwrap(),
    ];
    Image::of_layers(Format::Oci, "linux/amd64", &layers)
}

fn database(folder: &Path) {
    let records = folder.join("records/Debian");
    fs::create_dir_all(&records).unwrap();
    let record = serde_json::json!({
        "id": "DSA-1-1", "modified": "2026-01-01T00:00:00Z", "upstream": ["CVE-2026-1"],
        "affected": [{
            "package": { "ecosystem": "Debian:12", "name": "source-7" },
            "ranges": [{ "type": "ECOSYSTEM", "events": [{ "introduced": "0" }, { "fixed": "9:9" }] }],
        }],
    });
    fs::write(records.join("DSA-1-1.json"), record.to_string()).unwrap();
    let settings = Build::new(Timestamp::now());
    let mut input = Input::new(records);
    input.covers.insert("Debian:12".into());
    let output = folder.join("advisories.db");
    let parse = |record: &[u8]| cise_advisor::osv::parse(record, settings.now);
    build(&settings, &[input], &output, &parse, &mut |_| {}).unwrap();
}

fn client(host: &str) -> cise_registry::Registry {
    let outbound = Outbound::new(Proxies::default());
    let host = HostPattern::parse(host).unwrap();
    let entry = RegistrySettings::new(host, &outbound, &Security::PlainHttp).unwrap();
    let registries = Registries::new(&outbound, vec![entry]).unwrap();
    let http = Http::new(registries, FlightBounds::default());
    cise_registry::Registry::new(http, RegistryLimits::default())
}

/// Asks until there is an answer: images are told to come again where there is no memory for them yet.
async fn judged(advisor: &Advisor, (image, digest): &(Reference, Digest), namespace: &str) {
    let (keyring, exemptions, rules) = (
        Keyring::empty(),
        Arc::new(Exemptions::default()),
        Rules::default(),
    );
    loop {
        let question = Question {
            image,
            digest,
            tag: TagBinding::Proven,
            namespace: None,
            caller: Caller {
                keyring: &keyring,
                namespace,
                deadline: Deadline::after(Duration::from_secs(600)),
            },
            exemptions: &exemptions,
            rules: &rules,
            urgency: Urgency::Waited,
            freshness: Freshness::Kept,
            now: Timestamp::now(),
        };
        match advisor.advise(question).await {
            Ok(assessment) => {
                let gaps = &assessment.gaps;
                assert_eq!(assessment.status, Status::Fail, "{gaps:?}");
                return;
            }
            Err(error) => assert!(error.is_busy(), "{image}: {error}"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Looks at the memory of this process all the time.
struct Peak {
    most: Arc<AtomicU64>,
    has_ended: Arc<AtomicBool>,
    watch: thread::JoinHandle<()>,
}

impl Peak {
    fn watch() -> Self {
        let (most, has_ended) = (
            Arc::new(AtomicU64::new(0)),
            Arc::new(AtomicBool::new(false)),
        );
        let (seen, ended) = (Arc::clone(&most), Arc::clone(&has_ended));
        let watch = thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                seen.fetch_max(resident(), Ordering::Relaxed);
                thread::sleep(Duration::from_millis(2));
            }
        });
        Self {
            most,
            has_ended,
            watch,
        }
    }

    fn end(self) -> u64 {
        self.has_ended.store(true, Ordering::Relaxed);
        self.watch.join().unwrap();
        self.most.load(Ordering::Relaxed)
    }
}

/// The bytes of memory that this process has taken and that no file holds.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"));
    let kibibytes = line.unwrap().trim().trim_end_matches(" kB");
    kibibytes.parse::<u64>().unwrap() * 1024
}
