use std::sync::OnceLock;

use cise_reference::Reference;
use cise_signature::notary::fuzzing::admit;
use cise_signature::notary::{PublicKey, Signer, SignerSecret};
use cise_testkit::fixtures::notary::{Case, Expect, case};

use crate::first_line;

/// A file's name in the first line and its content in the rest: whichever file of a repository a stranger replaces, a tag is
/// admitted with the digest that was signed, or not at all.
pub(crate) fn trust_repository(bytes: &[u8]) {
    let (name, content) = first_line(bytes);
    let case = genuine();
    let Ok(root_key) = PublicKey::from_pem(&case.root_key) else {
        unreachable!("the fixtures hold a key")
    };
    let file = |asked: &str| {
        if asked.as_bytes() == name {
            return Some(content.to_vec());
        }
        case.files.get(asked).map(<[u8]>::to_vec)
    };
    for verdict in &case.verdicts {
        let signers = verdict
            .signer
            .iter()
            .filter_map(|name| signer(case, name))
            .collect();
        let Ok(image) = Reference::parse(&format!("{}:{}", case.gun, verdict.tag)) else {
            continue;
        };
        let found = match admit(&image, signers, &root_key, case.at, file) {
            Some(digest) => Expect::Allow(digest.to_string()),
            None => Expect::Deny,
        };
        let may_be_denied = case.files.iter().any(|(known, _)| known.as_bytes() == name);
        assert!(
            found == verdict.expect || (may_be_denied && found == Expect::Deny),
            "{found:?}, not {verdict:?}"
        );
    }
}

fn genuine() -> &'static Case {
    static GENUINE: OnceLock<Case> = OnceLock::new();
    GENUINE.get_or_init(|| case("forged/good"))
}

fn signer(case: &Case, name: &str) -> Option<Signer> {
    let secret = SignerSecret {
        secret: name,
        name: Some(name.as_bytes()),
        public_key: case.signer_keys.get(name).map(String::as_bytes),
    };
    Signer::from_secret(&secret).ok()
}
