//! Images that alice has released with the real client, on a real Notary server.

use anyhow::Result;
use cise_testkit::authority::Authority;
use cise_testkit::images::{Format, Image};
use cise_testkit::notary::{NotaryServer, Publisher, SignerKey, Target};

use crate::site::Site;

/// The repositories of the recorded pod's images, which all have the tag `v1`.
pub(crate) const REPOSITORIES: [&str; 3] = ["app", "cache", "exporter"];

/// One of the signed images.
pub(crate) const IMAGE: &str = "registry.test/team/app:v1";

/// The server and what is on it.
#[derive(Debug)]
pub(crate) struct Signed {
    pub(crate) authority: Authority,
    pub(crate) notary: NotaryServer,
    pub(crate) alice: SignerKey,
}

/// How somebody gets to the trust server as its publisher.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Login {
    /// Everybody may publish.
    None,
    /// With this name and password.
    As(&'static str, &'static str),
}

impl Signed {
    /// Starts a server that is open to all, and signs the images of the recorded pod.
    pub(crate) fn publish() -> Result<Self> {
        let authority = Authority::new("bench")?;
        let notary = NotaryServer::open(&authority)?;
        let alice = release(&notary, Login::None, &REPOSITORIES)?;
        Ok(Self {
            authority,
            notary,
            alice,
        })
    }

    /// What CISE needs to verify them.
    pub(crate) fn site(&self) -> Result<Site> {
        let trust = self.notary.trust();
        let configuration = format!(
            "registries:\n- host: registry.test\n  trustServer: \"{}\"\n  trustServerCAFile: \"{}\"\n",
            trust.server_url,
            trust.ca_file.display()
        );
        Site::new(&self.alice.public_key, &configuration)
    }
}

/// Has alice release an image in each repository, and gives her key.
pub(crate) fn release(
    notary: &NotaryServer,
    login: Login,
    repositories: &[&str],
) -> Result<SignerKey> {
    let (owner, alice) = (
        person(notary, "owner", login)?,
        person(notary, "alice", login)?,
    );
    let key = alice.generate_key()?;
    let image = Image::new(Format::Oci, &[("etc/motd", "hello")])?;
    for repository in repositories {
        let gun = format!("registry.test/team/{repository}");
        owner.init(&gun)?;
        owner.add_signer(&gun, &key)?;
        alice.release(&gun, &Target::new("v1", &image))?;
    }
    Ok(key)
}

fn person(notary: &NotaryServer, name: &str, login: Login) -> Result<Publisher> {
    let person = Publisher::new(notary, name)?;
    Ok(match login {
        Login::None => person,
        Login::As(user, password) => person.with_login(user, password),
    })
}
