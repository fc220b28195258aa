//! A signed document: read, and then believed only by way of its signatures.

use super::canonical;
use super::json;
use super::key::{Fingerprint, KeyId, Method};
use super::role::{RoleKeys, RoleName};
use super::shape::{At, BadShape};
use super::{Problem, json::Json};
use jiff::Timestamp;

/// How many signatures one document may have.
const MAX_SIGNATURES: usize = 64;

/// The content of a kind of document.
pub(crate) trait Content: Sized {
    /// What `_type` says.
    const TYPE: &'static str;

    /// Reads what this kind has beyond type, version and expiry. `role` is the role whose document it is.
    fn read(signed: &At<'_>, role: &RoleName) -> Result<Self, BadShape>;
}

/// A document that nobody has vouched for yet. What is in it may guide what to fetch, and nothing else.
#[derive(Debug)]
pub(crate) struct Unverified<T> {
    role: RoleName,
    body: Body<T>,
    message: Vec<u8>,
    signatures: Vec<Signature>,
}

/// A document that enough keys of its role have signed.
#[derive(Debug)]
pub(crate) struct Verified<T> {
    body: Body<T>,
    signed_by: Vec<SignedBy>,
}

#[derive(Debug)]
struct Body<T> {
    version: u64,
    expires: Timestamp,
    content: T,
}

/// A key whose valid signature a document has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SignedBy {
    pub(crate) id: KeyId,
    pub(crate) key: Fingerprint,
}

#[derive(Debug)]
struct Signature {
    key: KeyId,
    method: Option<Method>,
    bytes: Vec<u8>,
}

impl<T: Content> Unverified<T> {
    /// Reads the document of `role`.
    pub(crate) fn parse(role: &RoleName, bytes: &[u8]) -> Result<Self, Problem> {
        let malformed = |why: String| Problem::Malformed {
            role: role.clone(),
            why,
        };
        let document = json::parse(bytes).map_err(|error| malformed(error.to_string()))?;
        Self::read(role, &document).map_err(|error| malformed(error.to_string()))
    }

    fn read(role: &RoleName, document: &Json<'_>) -> Result<Self, BadShape> {
        let document = At::top(document, role.as_str());
        let signed = document.required("signed")?;
        let kind = signed.required("_type")?;
        if kind.text()? != T::TYPE {
            return Err(kind.error(format!("is not {}", T::TYPE)));
        }
        let version = signed.required("version")?;
        if version.count()? == 0 {
            return Err(version.error("is zero"));
        }
        let signatures = document.required("signatures")?;
        let signatures = signatures
            .items(MAX_SIGNATURES)?
            .filter_map(|at| signature(&at).transpose());
        Ok(Self {
            role: role.clone(),
            body: Body {
                version: version.count()?,
                expires: signed.required("expires")?.time()?,
                content: T::read(&signed, role)?,
            },
            message: canonical::encode(signed.json()),
            signatures: signatures.collect::<Result<_, _>>()?,
        })
    }

    /// The version that it claims.
    pub(crate) fn version(&self) -> u64 {
        self.body.version
    }

    /// What it claims.
    pub(crate) fn claims(&self) -> &T {
        &self.body.content
    }

    /// Whether both say the same, whoever signed them.
    pub(crate) fn says_what(&self, other: &Self) -> bool {
        self.message == other.message
    }

    /// The different keys of `keys` that validly signed it; an error if they are fewer than the threshold.
    ///
    /// A key counts once, however often it signed and under however many ids it is listed.
    pub(crate) fn signed_by(&self, keys: &RoleKeys) -> Result<Vec<SignedBy>, Problem> {
        let mut signers: Vec<SignedBy> = Vec::new();
        for signature in &self.signatures {
            let Some(key) = keys.find(&signature.key) else {
                continue;
            };
            let signer = SignedBy {
                id: signature.key,
                key: key.public_key().fingerprint(),
            };
            let known = signers.iter().any(|other| other.key == signer.key);
            if !known && signature.is_of(key.public_key(), &self.message) {
                signers.push(signer);
            }
        }
        if signers.len() < keys.threshold() {
            return Err(Problem::Signatures {
                role: self.role.clone(),
                found: signers.len(),
                needed: keys.threshold(),
            });
        }
        Ok(signers)
    }

    /// Believes it if enough of `keys` signed it.
    pub(crate) fn verify(self, keys: &RoleKeys) -> Result<Verified<T>, Problem> {
        let signed_by = self.signed_by(keys)?;
        Ok(Verified {
            body: self.body,
            signed_by,
        })
    }
}

impl<T> Verified<T> {
    pub(crate) fn version(&self) -> u64 {
        self.body.version
    }

    pub(crate) fn expires(&self) -> Timestamp {
        self.body.expires
    }

    pub(crate) fn content(&self) -> &T {
        &self.body.content
    }

    pub(crate) fn signed_by(&self) -> &[SignedBy] {
        &self.signed_by
    }

    pub(crate) fn into_content(self) -> T {
        self.body.content
    }
}

impl Signature {
    fn is_of(&self, key: &super::PublicKey, message: &[u8]) -> bool {
        self.method
            .is_some_and(|method| key.verifies(method, message, &self.bytes))
    }
}

/// A signature that is not even one is passed over: it proves nothing, and others may stand beside it.
fn signature(at: &At<'_>) -> Result<Option<Signature>, BadShape> {
    let method = Method::named(at.required("method")?.text()?);
    let (Ok(key), Ok(bytes)) = (
        KeyId::read(&at.required("keyid")?),
        at.required("sig")?.bytes(),
    ) else {
        return Ok(None);
    };
    Ok(Some(Signature { key, method, bytes }))
}
