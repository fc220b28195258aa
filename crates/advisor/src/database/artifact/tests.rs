//! Databases carried through a real registry.

use std::fs;
use std::path::Path;
use std::time::Duration;

use cise_policy::HostPattern;
use cise_reference::{Digest, Reference};
use cise_registry::{
    Caller, Deadline, Http, Keyring, Outbound, Proxies, Registries, Registry, RegistryLimits,
    RegistrySettings, Security,
};
use cise_testkit::components::{REGISTRY, require};
use cise_testkit::images::{Format, Image};
use cise_testkit::registry::Registry as Peer;

use super::*;
use crate::database::Manifest;
use crate::database::build::Outcome;
use crate::database::tests::world::{Record, World};

const OWN: &str = include_str!("../../../fixtures/cosign/own.pub");
const SIGNING: &str = include_str!("../../../fixtures/cosign/sec1.pem");
const OTHER: &str = include_str!("../../../fixtures/cosign/other.pem");

/// A registry, and a client of it.
struct Bed {
    peer: Peer,
    registry: Registry,
    keyring: Keyring,
}

impl Bed {
    /// Nothing where the registry is not built.
    fn set_up() -> Option<Self> {
        if !require(&[&REGISTRY]) {
            return None;
        }
        let peer = Peer::open().unwrap();
        let outbound = Outbound::new(Proxies::default());
        let host = HostPattern::parse(&peer.host()).unwrap();
        let settings = RegistrySettings::new(host, &outbound, &Security::PlainHttp).unwrap();
        let registries = Registries::new(&outbound, vec![settings]).unwrap();
        let limits = RegistryLimits::default();
        Some(Self {
            peer,
            registry: Registry::new(Http::new(registries, limits.flights), limits),
            keyring: Keyring::empty(),
        })
    }

    fn reference(&self, name: &str) -> Reference {
        Reference::parse(&format!("{}/{name}", self.peer.host())).unwrap()
    }

    fn caller(&self) -> Caller<'_> {
        Caller {
            keyring: &self.keyring,
            namespace: "",
            deadline: Deadline::after(Duration::from_secs(30)),
        }
    }

    async fn push(&self, world: &World, key: Option<&str>) -> Result<Pushed, ArtifactError> {
        let reference = self.reference("advisories:v1");
        let signer = key.map(|pem| Signer::from_pem(pem.as_bytes()).unwrap());
        let job = Push {
            database: &world.database(),
            registry: &self.registry,
            repository: reference.repository(),
            tag: reference.tag().unwrap(),
            signer: signer.as_ref(),
            caller: &self.caller(),
        };
        push(&job, &mut |_| {}).await
    }

    async fn pull(
        &self,
        trust: &Trust,
        output: &Path,
        precedent: Precedent,
    ) -> Result<Pulled, ArtifactError> {
        self.pull_beside(None, trust, output, precedent).await
    }

    async fn pull_beside(
        &self,
        in_use: Option<&Manifest>,
        trust: &Trust,
        output: &Path,
        precedent: Precedent,
    ) -> Result<Pulled, ArtifactError> {
        let reference = self.reference("advisories");
        let job = Pull {
            registry: &self.registry,
            repository: reference.repository(),
            trust,
            output,
            precedent,
            in_use,
            caller: &self.caller(),
        };
        pull(&job, &mut |_| {}).await
    }
}

fn by_key(tag: &str) -> Trust {
    let reference = Reference::parse(&format!("example.com/advisories:{tag}")).unwrap();
    Trust::of(
        &reference,
        Some(PublicKey::from_pem(OWN.as_bytes()).unwrap()),
    )
    .unwrap()
}

fn fixed(id: &str, release: &str) -> Record {
    Record::new(id).fixed(release, "openssl", "3.0.11-1")
}

/// Two feeds from two sources, of which one can change alone.
fn world() -> World {
    let mut world = World::new();
    let records: Vec<Record> = (0..20)
        .map(|number| fixed(&format!("DEBIAN-CVE-2024-{number}"), "Debian:12"))
        .collect();
    world.archive("Debian.zip", &records);
    world.archive("Alpine.zip", &[fixed("ALPINE-1", "Alpine:v3.20")]);
    world.declare("Debian.zip", &["Debian"], Some("2024-05-02T00:00:00Z"));
    world.declare("Alpine.zip", &["Alpine"], Some("2024-05-02T00:00:00Z"));
    world.build();
    world
}

#[tokio::test]
async fn a_database_comes_back_as_it_was_and_only_what_changed_is_carried() {
    let Some(bed) = Bed::set_up() else { return };
    let (mut world, folder) = (world(), tempfile::tempdir().unwrap());
    let output = folder.path().join("pulled.db");
    let trust = by_key("v1");

    let pushed = bed.push(&world, Some(SIGNING)).await.unwrap();
    assert_eq!((pushed.carried.segments, pushed.carried.kept), (3, 0));
    let pulled = bed
        .pull(&trust, &output, Precedent::Respected)
        .await
        .unwrap();
    assert_eq!((pulled.carried.segments, pulled.carried.kept), (3, 0));
    assert_eq!(
        (pulled.outcome, &pulled.digest),
        (Outcome::Written, &pushed.digest)
    );
    assert_eq!(fs::read(&output).unwrap(), world.bytes());

    let again = bed.push(&world, Some(SIGNING)).await.unwrap();
    assert_eq!((again.carried.segments, again.carried.kept), (0, 3));
    assert_eq!(again.digest, pushed.digest);
    let again = bed
        .pull(&trust, &output, Precedent::Respected)
        .await
        .unwrap();
    assert_eq!(
        (again.outcome, again.carried.segments),
        (Outcome::Unchanged, 0)
    );

    // The feed of Alpine alone, and when its new fix came.
    world.archive(
        "Alpine.zip",
        &[
            fixed("ALPINE-1", "Alpine:v3.20"),
            fixed("ALPINE-2", "Alpine:v3.20"),
        ],
    );
    world.build();
    let pushed = bed.push(&world, Some(SIGNING)).await.unwrap();
    assert_eq!((pushed.carried.segments, pushed.carried.kept), (2, 2));
    let reader = crate::database::Database::open(&output).unwrap();
    let before = reader.status().digest;
    let pulled = bed
        .pull(&trust, &output, Precedent::Respected)
        .await
        .unwrap();
    assert_eq!((pulled.carried.segments, pulled.carried.kept), (2, 2));
    assert_eq!(fs::read(&output).unwrap(), world.bytes());
    assert_eq!(reader.status().digest, before, "a reader keeps the old one");
    assert_eq!(
        reader
            .advisories(&crate::Ecosystem::new("Alpine:v3.20"), "openssl")
            .unwrap()
            .len(),
        1
    );
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn nothing_is_pulled_that_nobody_vouches_for() {
    let Some(bed) = Bed::set_up() else { return };
    let (world, folder) = (world(), tempfile::tempdir().unwrap());
    let output = folder.path().join("pulled.db");
    for (key, others) in [(None, 0), (Some(OTHER), 1)] {
        let pushed = bed.push(&world, key).await.unwrap();
        let refused = bed.pull(&by_key("v1"), &output, Precedent::Overruled).await;
        let error = refused.unwrap_err();
        let ArtifactError::NotSigned {
            digest, signatures, ..
        } = error
        else {
            panic!("{error}")
        };
        assert_eq!((digest, signatures), (pushed.digest, others));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
    // A signature of the right key joins the other.
    let pushed = bed.push(&world, Some(SIGNING)).await.unwrap();
    for trust in [
        by_key("v1"),
        Trust::Digest(pushed.digest.clone()),
        Trust::Both(pushed.digest, PublicKey::from_pem(OWN.as_bytes()).unwrap()),
    ] {
        bed.pull(&trust, &output, Precedent::Respected)
            .await
            .unwrap();
        assert_eq!(fs::read(&output).unwrap(), world.bytes());
        fs::remove_file(&output).unwrap();
    }
}

#[test]
fn without_a_key_or_a_digest_there_is_no_reason_to_trust() {
    let key = || PublicKey::from_pem(OWN.as_bytes()).unwrap();
    let digest = format!("sha256:{}", "a".repeat(64));
    let trust = |image: &str, key| Trust::of(&Reference::parse(image).unwrap(), key);
    assert!(matches!(trust("example.com/a:v1", None), Err(Untrusted)));
    assert!(matches!(trust("example.com/a", None), Err(Untrusted)));
    let pinned = format!("example.com/a:v1@{digest}");
    assert!(matches!(trust(&pinned, None), Ok(Trust::Digest(found)) if found.as_str() == digest));
    assert!(
        matches!(trust(&pinned, Some(key())), Ok(Trust::Both(found, _)) if found.as_str() == digest)
    );
    assert!(
        matches!(trust("example.com/a", Some(key())), Ok(Trust::Tag(tag, _)) if tag.as_str() == "latest")
    );
}

#[tokio::test]
async fn a_step_back_is_refused_unless_it_is_overruled() {
    let Some(bed) = Bed::set_up() else { return };
    let (mut world, folder) = (world(), tempfile::tempdir().unwrap());
    let output = folder.path().join("pulled.db");
    let old = bed.push(&world, None).await.unwrap();
    let old_bytes = world.bytes();
    world.declare("Debian.zip", &["Debian"], Some("2024-05-03T00:00:00Z"));
    world.build();
    let new = bed.push(&world, None).await.unwrap();
    bed.pull(&Trust::Digest(new.digest), &output, Precedent::Respected)
        .await
        .unwrap();
    let old = Trust::Digest(old.digest);
    let refused = bed.pull(&old, &output, Precedent::Respected).await;
    assert_eq!(
        refused.unwrap_err().to_string(),
        "the database in place is not replaced: Debian:12 is older: of 2024-05-02T00:00:00Z instead of 2024-05-03T00:00:00Z"
    );
    assert_eq!(fs::read(&output).unwrap(), world.bytes());
    bed.pull(&old, &output, Precedent::Overruled).await.unwrap();
    assert_eq!(fs::read(&output).unwrap(), old_bytes);
}

#[tokio::test]
async fn a_damaged_database_in_place_is_mended_and_a_damaged_one_is_not_pushed() {
    let Some(bed) = Bed::set_up() else { return };
    let (world, folder) = (world(), tempfile::tempdir().unwrap());
    let output = folder.path().join("pulled.db");
    let pushed = bed.push(&world, None).await.unwrap();
    let whole = world.bytes();
    let mut damaged = whole.clone();
    damaged[20] ^= 0x55;
    fs::write(&output, &damaged).unwrap();
    let trust = Trust::Digest(pushed.digest);
    let pulled = bed
        .pull(&trust, &output, Precedent::Respected)
        .await
        .unwrap();
    assert_eq!((pulled.carried.segments, pulled.carried.kept), (1, 2));
    assert_eq!(fs::read(&output).unwrap(), whole);

    let Some(other) = Bed::set_up() else { return };
    world.damage("advisories.db", 20);
    let refused = other.push(&world, None).await.unwrap_err();
    assert!(
        matches!(refused, ArtifactError::Damaged { .. }),
        "{refused}"
    );
}

#[tokio::test]
async fn a_step_back_is_refused_over_a_file_whose_manifest_is_damaged_or_gone() {
    use Precedent::{Overruled, Respected};
    let Some(bed) = Bed::set_up() else { return };
    let (mut world, folder) = (world(), tempfile::tempdir().unwrap());
    let output = folder.path().join("pulled.db");
    let old = Trust::Digest(bed.push(&world, None).await.unwrap().digest);
    world.declare("Debian.zip", &["Debian"], Some("2024-05-03T00:00:00Z"));
    let newer = world.build().manifest;
    let new = Trust::Digest(bed.push(&world, None).await.unwrap().digest);
    let mut damaged = world.bytes();
    let near_the_end = damaged.len() - 100;
    damaged[near_the_end] ^= 0x55;
    let older = "the database in place is not replaced: Debian:12 is older: of 2024-05-02T00:00:00Z instead of 2024-05-03T00:00:00Z";
    let unread = format!(
        "the advisory database in place, `{}`, cannot be read: its manifest is damaged; it may be newer than this one, and is not replaced",
        output.display()
    );
    for (file, in_use, trust, precedent, refused) in [
        (Some(&damaged), None, &old, Respected, Some(&*unread)),
        (Some(&damaged), None, &new, Respected, Some(&*unread)),
        (Some(&damaged), None, &old, Overruled, None),
        (Some(&damaged), Some(&newer), &old, Respected, Some(older)),
        (Some(&damaged), Some(&newer), &new, Respected, None),
        (None, Some(&newer), &old, Respected, Some(older)),
        (None, Some(&newer), &new, Respected, None),
        (None, None, &old, Respected, None),
        (
            Some(&world.bytes()),
            Some(&newer),
            &old,
            Respected,
            Some(older),
        ),
    ] {
        let _ = fs::remove_file(&output);
        if let Some(bytes) = file {
            fs::write(&output, bytes).unwrap();
        }
        let pulled = bed.pull_beside(in_use, trust, &output, precedent).await;
        let told = pulled.err().map(|error| error.to_string());
        assert_eq!(told.as_deref(), refused, "{trust:?} {precedent:?}");
        let after = fs::read(&output).ok();
        assert_eq!(
            after.as_ref() == file,
            refused.is_some(),
            "{trust:?} {precedent:?}"
        );
    }
}

#[tokio::test]
async fn what_is_no_database_is_neither_pulled_nor_overwritten() {
    let Some(bed) = Bed::set_up() else { return };
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("pulled.db");
    let image = Image::new(Format::Oci, &[("etc/motd", "hello")]).unwrap();
    bed.peer.push(&image, "advisories", "v1").unwrap();
    let trust = Trust::Digest(Digest::parse(&image.digest()).unwrap());
    let refused = bed
        .pull(&trust, &output, Precedent::Respected)
        .await
        .unwrap_err();
    let ArtifactError::Unfit { why, .. } = refused else {
        panic!("{refused}")
    };
    assert_eq!(
        why,
        Unfit::Kind("application/vnd.oci.image.config.v1+json".to_owned())
    );

    let pushed = bed.push(&world(), None).await.unwrap();
    fs::write(&output, "a letter of somebody").unwrap();
    let trust = Trust::Digest(pushed.digest);
    let refused = bed.pull(&trust, &output, Precedent::Respected).await;
    assert!(matches!(refused, Err(ArtifactError::InPlace(_))));
    assert_eq!(fs::read(&output).unwrap(), b"a letter of somebody");
    bed.pull(&trust, &output, Precedent::Overruled)
        .await
        .unwrap();
    assert!(crate::database::Database::open(&output).is_ok());
}
