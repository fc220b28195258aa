//! What stands on loopback: a registry with images, a Notary server, and the people who sign.

use cise_testkit::Error;
use cise_testkit::authority::Authority;
use cise_testkit::fixtures::packages;
use cise_testkit::images::{Format, Image};
use cise_testkit::notary::{NotaryServer, Publisher, SignerKey, Target};
use cise_testkit::registry::Registry;

/// Everything that the guard is asked about.
pub(crate) struct Stage {
    pub(crate) authority: Authority,
    pub(crate) registry: Registry,
    pub(crate) notary: NotaryServer,
    pub(crate) alice: SignerKey,
    pub(crate) bob: SignerKey,
    /// The digest of the shop's web image, for a pod that names it by digest alone.
    pub(crate) web: String,
}

/// The people of the story, each with keys of their own.
struct People {
    owner: Publisher,
    alice: Signer,
    bob: Signer,
    carol: Signer,
}

struct Signer {
    person: Publisher,
    key: SignerKey,
}

impl Stage {
    /// Starts the peers, pushes the images and has them signed.
    pub(crate) fn set() -> Result<Self, Error> {
        progress("starting a registry and a Notary server");
        let authority = Authority::new("demo")?;
        let registry = Registry::open()?;
        let notary = NotaryServer::open(&authority)?;
        progress("alice, bob and carol make their keys");
        let people = People::new(&notary)?;
        let web = people.publish(&registry)?;
        push_distributions(&registry)?;
        let (alice, bob) = (people.alice.key, people.bob.key);
        Ok(Self {
            authority,
            registry,
            notary,
            alice,
            bob,
            web,
        })
    }

    /// An image of the registry, as a pod would name it.
    pub(crate) fn image(&self, name: &str) -> String {
        format!("{}/shop/{name}", self.registry.host())
    }
}

impl People {
    fn new(notary: &NotaryServer) -> Result<Self, Error> {
        Ok(Self {
            owner: Publisher::new(notary, "owner")?,
            alice: Signer::new(notary, "alice")?,
            bob: Signer::new(notary, "bob")?,
            carol: Signer::new(notary, "carol")?,
        })
    }

    /// Pushes and signs every image; gives the digest of the web image.
    fn publish(&self, registry: &Registry) -> Result<String, Error> {
        progress("shop/web:1.0 is signed by alice, shop/web:2.0 by nobody");
        let web = Work {
            registry,
            repository: "web",
            owner: &self.owner,
        };
        web.open_to(&[&self.alice])?;
        let first = web.push("1.0", "web, first edition")?;
        web.sign(&[&self.alice], "1.0", &first)?;
        web.push("2.0", "web, unfinished")?;

        progress("shop/pay:1.0 is signed by alice and bob");
        let pay = Work {
            repository: "pay",
            ..web
        };
        pay.open_to(&[&self.alice, &self.bob])?;
        let paid = pay.push("1.0", "pay")?;
        pay.sign(&[&self.alice, &self.bob], "1.0", &paid)?;

        progress(
            "shop/cart:1.0 is signed by alice and bob, then carol releases another image under that tag",
        );
        let cart = Work {
            repository: "cart",
            ..web
        };
        cart.open_to(&[&self.alice, &self.bob, &self.carol])?;
        let reviewed = cart.push("1.0", "cart, as reviewed")?;
        cart.sign(&[&self.alice, &self.bob], "1.0", &reviewed)?;
        let replaced = cart.push("1.0", "cart, as carol likes it")?;
        cart.sign(&[&self.carol], "1.0", &replaced)?;

        progress("shop/tool:1.0 is in the registry, and has never been signed");
        Work {
            repository: "tool",
            ..web
        }
        .push("1.0", "tool")?;
        Ok(first.digest())
    }
}

impl Signer {
    fn new(notary: &NotaryServer, name: &str) -> Result<Self, Error> {
        let person = Publisher::new(notary, name)?;
        let key = person.generate_key()?;
        Ok(Self { person, key })
    }
}

/// One repository of the shop while it is filled.
#[derive(Clone, Copy)]
struct Work<'a> {
    registry: &'a Registry,
    repository: &'static str,
    owner: &'a Publisher,
}

impl Work<'_> {
    fn open_to(&self, signers: &[&Signer]) -> Result<(), Error> {
        self.owner.init(&self.gun())?;
        signers
            .iter()
            .try_for_each(|signer| self.owner.add_signer(&self.gun(), &signer.key))
    }

    fn push(&self, tag: &str, content: &str) -> Result<Image, Error> {
        let image = Image::new(Format::Docker, &[("app/content.txt", content)])?;
        self.registry
            .push(&image, &format!("shop/{}", self.repository), tag)?;
        Ok(image)
    }

    fn sign(&self, signers: &[&Signer], tag: &str, image: &Image) -> Result<(), Error> {
        let target = Target::new(tag, image);
        signers
            .iter()
            .try_for_each(|signer| signer.person.release(&self.gun(), &target))
    }

    fn gun(&self) -> String {
        format!("{}/shop/{}", self.registry.host(), self.repository)
    }
}

/// Images with packages that the real dpkg and the real apk recorded.
fn push_distributions(registry: &Registry) -> Result<(), Error> {
    progress("shop/mail:1.0 is made of Debian 12, shop/clock:1.0 of Alpine 3.20");
    for (name, layer) in [
        ("mail", packages::debian()?),
        ("clock", packages::alpine("3.20.3")?),
    ] {
        let image = Image::of_layers(Format::Docker, "linux/amd64", &[layer]);
        registry.push(&image, &format!("shop/{name}"), "1.0")?;
    }
    Ok(())
}

fn progress(what: &str) {
    eprintln!("  · {what}");
}
