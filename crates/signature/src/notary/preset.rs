//! Roots that an administrator trusts beforehand, so that not even the first answer of a server is taken on faith.

use jiff::Timestamp;

use super::tuf::{Authority, PublicKey, Root, Unverified};
use crate::Gun;

/// Root keys, and authorities of root keys, that are trusted beforehand, by repository.
#[derive(Debug, Clone, Default)]
pub struct Presets(Vec<Preset>);

#[derive(Debug, Clone)]
struct Preset {
    repositories: Box<str>,
    anchors: Vec<Anchor>,
}

/// What a root is held against.
#[derive(Debug, Clone)]
pub(crate) enum Anchor {
    /// This key must have signed it.
    Key(PublicKey),
    /// A key whose certificate this authority issued must have signed it.
    Authority(Box<Authority>),
}

/// A preset that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the preset {what} of `{repositories}` is not one: expected {expected} in PEM")]
pub struct PresetError {
    repositories: Box<str>,
    what: &'static str,
    expected: &'static str,
}

impl Presets {
    /// No presets: the first root seen of a repository is trusted.
    pub fn new() -> Self {
        Self::default()
    }

    /// The root of each of `repositories` must be signed by the key in `pem` (a public key or a certificate), or chain
    /// from one that was.
    ///
    /// `repositories` is a canonical name, or the beginning of one and `*`; the longest that matches holds, as in Notary's own
    /// trust pinning. Of several presets for the same text, any will do.
    pub fn with(self, repositories: &str, pem: &str) -> Result<Self, PresetError> {
        let anchor = PublicKey::from_pem(pem).ok().map(Anchor::Key);
        self.add(
            repositories,
            anchor,
            "root key",
            "a public key or a certificate",
        )
    }

    /// The root of each of `repositories` must be signed by a key whose certificate the authority in `pem` issued. Otherwise as
    /// [`Presets::with`].
    pub fn with_authority(self, repositories: &str, pem: &str) -> Result<Self, PresetError> {
        let anchor =
            Authority::from_pem(pem).map(|authority| Anchor::Authority(Box::new(authority)));
        self.add(repositories, anchor, "authority", "its certificate")
    }

    /// What a repository's root is held against; empty if any root will do.
    pub(crate) fn of(&self, gun: &Gun) -> &[Anchor] {
        let matching = self.0.iter().filter(|preset| preset.matches(gun.as_str()));
        matching
            .max_by_key(|preset| preset.repositories.len())
            .map_or(&[], |preset| &preset.anchors)
    }

    fn add(
        mut self,
        repositories: &str,
        anchor: Option<Anchor>,
        what: &'static str,
        expected: &'static str,
    ) -> Result<Self, PresetError> {
        let anchor = anchor.ok_or_else(|| PresetError {
            repositories: repositories.into(),
            what,
            expected,
        })?;
        match self
            .0
            .iter_mut()
            .find(|preset| *preset.repositories == *repositories)
        {
            Some(preset) => preset.anchors.push(anchor),
            None => self.0.push(Preset {
                repositories: repositories.into(),
                anchors: vec![anchor],
            }),
        }
        Ok(self)
    }
}

impl Preset {
    fn matches(&self, gun: &str) -> bool {
        match self.repositories.strip_suffix('*') {
            Some(beginning) => gun.starts_with(beginning),
            None => gun == &*self.repositories,
        }
    }
}

impl Anchor {
    /// Whether a root is signed by enough of its own keys, and by one that this vouches for. That the root only lists
    /// such a key proves nothing: public keys are public.
    pub(crate) fn vouches_for(&self, root: &Unverified<Root>, now: Timestamp) -> bool {
        let own = root.claims().root();
        let signed = root.signed_by(own).unwrap_or_default();
        let mut signers = signed.iter().filter_map(|signer| own.find(&signer.id));
        signers.any(|key| match self {
            Self::Key(preset) => key.public_key() == preset,
            Self::Authority(authority) => key
                .certificate()
                .is_some_and(|chain| authority.issued(chain, now)),
        })
    }
}

#[cfg(test)]
mod tests {
    use cise_reference::Repository;

    use super::super::forge::ForgedKey;
    use super::*;

    #[test]
    fn the_longest_text_that_matches_a_repository_holds() {
        let keys = ["a", "b", "c"].map(ForgedKey::new);
        let [wide, narrow, exact] = keys.each_ref().map(|key| key.public_pem.as_str());
        let presets = Presets::new()
            .with("registry.example.com/*", wide)
            .and_then(|presets| presets.with("registry.example.com/team/*", narrow))
            .and_then(|presets| presets.with("registry.example.com/team/app", exact))
            .unwrap();
        for (repository, expected) in [
            ("registry.example.com/app", Some(wide)),
            ("registry.example.com/team/other", Some(narrow)),
            ("registry.example.com/team/app", Some(exact)),
            ("registry.example.com/team/app2", Some(narrow)),
            ("registry.example.com.evil.com/team/app", None),
            ("other.example.com/app", None),
        ] {
            let found = presets.of(&Gun::of(&Repository::parse(repository).unwrap()));
            let found: Vec<_> = found
                .iter()
                .map(|anchor| match anchor {
                    Anchor::Key(key) => key.clone(),
                    Anchor::Authority(_) => panic!("no authority is preset"),
                })
                .collect();
            let expected: Vec<_> = expected
                .iter()
                .map(|pem| PublicKey::from_pem(pem).unwrap())
                .collect();
            assert_eq!(found, expected, "{repository}");
        }
    }

    #[test]
    fn what_holds_no_key_or_certificate_is_refused_with_its_place() {
        let error = Presets::new().with("icr.io/*", "no key").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the preset root key of `icr.io/*` is not one: expected a public key or a certificate in PEM"
        );
        assert!(Presets::new().with_authority("icr.io/*", "").is_err());
    }
}
