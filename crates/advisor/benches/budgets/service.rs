//! The advisor in a process of its own, asked about images of a registry: before its database is replaced, and after.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use cise_advisor::assessment::{Rules, Status};
use cise_advisor::database::Database;
use cise_advisor::exemption::{Exemptions, TagBinding};
use cise_advisor::inventory::MemoryCache;
use cise_advisor::{Advise as _, Advisor, Question, Settings, Urgency};
use cise_policy::HostPattern;
use cise_reference::{Digest, Reference};
use cise_registry::{
    Caller, Deadline, FlightBounds, Freshness, Http, Keyring, Outbound, Proxies, Registries,
    Registry, RegistryLimits, RegistrySettings, Security,
};
use cise_testkit::components::REGISTRY;
use cise_testkit::figures::{Row, Unit};
use cise_testkit::images::{Format, Image};
use cise_testkit::proxy::Proxy;
use cise_testkit::registry;
use futures::future::try_join_all;
use jiff::Timestamp;

use crate::apart::{Figures, step};
use crate::database::{FILE, approximate, folder};
use crate::{images, process, progress, records};

/// How many images there are, and how many are asked about at a time.
const IMAGES: usize = 50;
const AT_A_TIME: usize = 4;

/// As the program has it.
const KEPT_LAYERS_BYTES: u64 = 64 * 1024 * 1024;

const PATIENCE: Duration = Duration::from_secs(600);

pub(crate) fn measure() -> Result<Vec<Row>> {
    ensure!(
        REGISTRY.find().is_some(),
        "registry is missing: `make components` builds it"
    );
    let (folder, count) = (folder()?, records::count()?);
    progress("building the large database");
    step("synthesise", folder.path(), count)?;
    step("build", folder.path(), count)?;
    progress("asking about images of a registry");
    let found = step("serve", folder.path(), count)?;
    Ok(vec![
        Row::new(
            format!("{IMAGES} images of 1,000 packages, judged anew with another database: requests for what is in them"),
            found.get("contents")?,
            Unit::Pieces,
        )
        .at_most(0.0)
        .remark(format!(
            "{:.0} show that whoever asks may see the image; {:.0} at first",
            found.get("proofs")?,
            found.get("first requests")?
        )),
        Row::new("the same: time for an image", found.get("again")?, Unit::Milliseconds)
            .remark(format!("{:.0} ms at first, indexing included", found.get("first")?)),
        Row::new(
            "an advisor with the large database that was asked about them: memory at most",
            found.get("memory")?,
            Unit::Mebibytes,
        )
        .at_most(512.0)
        .remark(format!(
            "{AT_A_TIME} at a time; two databases are open while one replaces the other"
        )),
    ])
}

/// Asks about all images, replaces the database, and asks again.
pub(crate) fn serve(folder: &Path) -> Result<Figures> {
    let site = Site::new()?;
    let runtime = tokio::runtime::Runtime::new()?;
    let file = folder.join(FILE);
    let advisor = site.advisor()?;
    advisor.load(Database::open(&file)?);
    let first = runtime.block_on(site.ask(&advisor))?;
    let first_requests = site.proxy.exchanges().len();
    site.proxy.forget();
    advisor.load(Database::open(&file)?);
    let again = runtime.block_on(site.ask(&advisor))?;
    let exchanges = site.proxy.exchanges();
    let contents = exchanges
        .iter()
        .filter(|one| one.path.contains("/blobs/"))
        .count();
    let proofs = exchanges.len() - contents;
    Ok([
        ("first requests", approximate(first_requests as u64)),
        ("contents", approximate(contents as u64)),
        ("proofs", approximate(proofs as u64)),
        ("first", first),
        ("again", again),
        ("memory", process::most_resident()?),
    ]
    .into())
}

/// A registry with images, seen through a proxy that counts.
struct Site {
    _registry: registry::Registry,
    proxy: Proxy,
    images: Vec<(Reference, Digest)>,
}

impl Site {
    fn new() -> Result<Self> {
        let registry = registry::Registry::open()?;
        let proxy = Proxy::plain(registry.upstream())?;
        let mut images = Vec::new();
        for number in 0..IMAGES {
            let image = image(number)?;
            let name = format!("team/app{number}");
            registry.push(&image, &name, "v1")?;
            let reference = Reference::parse(&format!("{}/{name}:v1", proxy.host()))?;
            images.push((reference, Digest::parse(&image.digest())?));
        }
        Ok(Self {
            _registry: registry,
            proxy,
            images,
        })
    }

    fn advisor(&self) -> Result<Advisor> {
        let outbound = Outbound::new(Proxies::default());
        let host = HostPattern::parse(&self.proxy.host())?;
        let entry = RegistrySettings::new(host, &outbound, &Security::PlainHttp)?;
        let registries = Registries::new(&outbound, vec![entry])?;
        let http = Http::new(registries, FlightBounds::default());
        let registry = Registry::new(http, RegistryLimits::default());
        let layers = Arc::new(MemoryCache::new(KEPT_LAYERS_BYTES));
        Ok(Advisor::new(registry, layers, Settings::default()))
    }

    /// Asks about all images; gives how many milliseconds each took.
    async fn ask(&self, advisor: &Advisor) -> Result<f64> {
        let start = Instant::now();
        for several in self.images.chunks(AT_A_TIME) {
            let asked = several
                .iter()
                .map(|(image, digest)| one(advisor, image, digest));
            try_join_all(asked).await?;
        }
        Ok(start.elapsed().as_secs_f64() * 1e3 / approximate(self.images.len() as u64))
    }
}

async fn one(advisor: &Advisor, image: &Reference, digest: &Digest) -> Result<()> {
    let (keyring, exemptions, rules) = (
        Keyring::empty(),
        Arc::new(Exemptions::default()),
        Rules::default(),
    );
    let question = Question {
        image,
        digest,
        tag: TagBinding::Proven,
        namespace: None,
        caller: Caller {
            keyring: &keyring,
            namespace: "",
            deadline: Deadline::after(PATIENCE),
        },
        exemptions: &exemptions,
        rules: &rules,
        urgency: Urgency::Waited,
        freshness: Freshness::Kept,
        now: Timestamp::now(),
    };
    let assessment = advisor
        .advise(question)
        .await
        .with_context(|| image.to_string())?;
    ensure!(
        assessment.status == Status::Fail,
        "{image} has issues: {:?}",
        assessment.gaps
    );
    Ok(())
}

/// An image with packages of its own.
fn image(number: usize) -> Result<Image> {
    let packages = (0..images::PACKAGES).map(|package| {
        let source = (package * 60 + number) as u64 % records::SOURCES;
        (format!("source-{source}"), format!("{}.9.3-r2", number % 6))
    });
    let status = images::status(packages);
    let files = [
        ("etc/os-release", images::RELEASE),
        ("var/lib/dpkg/status", status.as_str()),
    ];
    Ok(Image::new(Format::Oci, &files)?)
}
