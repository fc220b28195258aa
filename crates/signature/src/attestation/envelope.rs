//! DSSE: a payload, its type, and signatures over both.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use cise_registry::JsonForm;
use serde::Deserialize;

use super::MAX_BYTES;

/// The type of payloads that are statements.
const STATEMENT: &str = "application/vnd.in-toto+json";
/// The most signatures of one envelope, each of which is tried with every key.
const MAX_SIGNATURES: usize = 4;
/// What is read of any envelope, bundle or statement. What they say is signed, and nobody else runs it.
const FORM: JsonForm = JsonForm {
    depth: 32,
    values: 100_000,
    fields: &[],
    maps: &[],
};

/// Either alphabet of Base64 will do, with or without padding (`envelope.md`).
const ANY_PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, ANY_PADDING);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, ANY_PADDING);

/// An envelope whose payload is a statement. Nothing in it is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    payload: Box<[u8]>,
    signatures: Vec<Box<[u8]>>,
}

/// Why a document is no envelope that a configured key has signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// It has more bytes than any that is read.
    #[error("it has {bytes} bytes: expected at most {MAX_BYTES}")]
    Size {
        /// How many it has.
        bytes: usize,
    },
    /// It is not what an envelope or a bundle looks like.
    #[error("it is no envelope: {0}")]
    Malformed(Box<str>),
    /// It is a bundle of another kind: it signs an artifact and says nothing of it.
    #[error("it is a bundle without an envelope")]
    NoEnvelope,
    /// It is a bundle of a version that is not known.
    #[error("it is a bundle of an unknown version")]
    BundleVersion,
    /// Its payload is no statement.
    #[error("its payload is no in-toto statement")]
    PayloadType,
    /// It has more signatures than are tried.
    #[error("it has more than {MAX_SIGNATURES} signatures")]
    TooManySignatures,
    /// None of its signatures is one of a configured key.
    #[error("it is not signed with {}", counted(*.keys))]
    NotSigned {
        /// How many keys were tried.
        keys: usize,
    },
}

fn counted(count: usize) -> String {
    match count {
        1 => "the configured key".to_owned(),
        count => format!("any of the {count} configured keys"),
    }
}

/// An envelope as it is written. Fields that are not known are to be ignored (`envelope.md`): they are not signed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Written {
    payload: String,
    payload_type: String,
    signatures: Vec<WrittenSignature>,
}

/// The `keyid` beside a signature is not signed, and is no more than a hint.
#[derive(Deserialize)]
struct WrittenSignature {
    sig: String,
}

impl Envelope {
    /// Reads an envelope.
    pub fn parse(json: &[u8]) -> Result<Self, EnvelopeError> {
        read::<Written>(json)?.try_into()
    }

    /// What is signed: the type and the payload, each with its length (`protocol.md`, "PAE").
    pub fn signed_bytes(&self) -> Vec<u8> {
        pre_authentication_encoding(STATEMENT, &self.payload)
    }

    /// The signatures, each of which may be of any key.
    pub fn signatures(&self) -> impl Iterator<Item = &[u8]> {
        self.signatures.iter().map(AsRef::as_ref)
    }

    pub(super) fn payload(&self) -> &[u8] {
        &self.payload
    }

    pub(super) fn into_payload(self) -> Box<[u8]> {
        self.payload
    }
}

impl TryFrom<Written> for Envelope {
    type Error = EnvelopeError;

    fn try_from(written: Written) -> Result<Self, EnvelopeError> {
        if written.payload_type != STATEMENT {
            return Err(EnvelopeError::PayloadType);
        }
        if written.signatures.len() > MAX_SIGNATURES {
            return Err(EnvelopeError::TooManySignatures);
        }
        let payload = decoded("payload", &written.payload)?;
        let signatures = written.signatures.iter();
        let signatures = signatures.map(|signature| decoded("sig", &signature.sig));
        Ok(Self {
            payload,
            signatures: signatures.collect::<Result<_, _>>()?,
        })
    }
}

/// Reads one JSON document within the bounds, in which no key is there twice.
pub(super) fn read<T: serde::de::DeserializeOwned>(json: &[u8]) -> Result<T, EnvelopeError> {
    if json.len() > MAX_BYTES {
        return Err(EnvelopeError::Size { bytes: json.len() });
    }
    check(json).map_err(EnvelopeError::Malformed)?;
    serde_json::from_slice(json).map_err(|error| EnvelopeError::Malformed(place(&error)))
}

/// Finds it within the bounds, and no key there twice.
pub(super) fn check(json: &[u8]) -> Result<(), Box<str>> {
    FORM.check(json).map_err(|error| error.to_string().into())
}

/// Where it is not what it should be, and nothing of what is there.
fn place(error: &serde_json::Error) -> Box<str> {
    let (line, column) = (error.line(), error.column());
    format!("its fields are not those of one (line {line}, column {column})").into()
}

fn decoded(field: &str, text: &str) -> Result<Box<[u8]>, EnvelopeError> {
    let bytes = STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text));
    match bytes {
        Ok(bytes) => Ok(bytes.into()),
        Err(_) => Err(EnvelopeError::Malformed(
            format!("its `{field}` is no Base64").into(),
        )),
    }
}

pub(super) fn pre_authentication_encoding(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!(
        "DSSEv1 {} {payload_type} {} ",
        payload_type.len(),
        payload.len()
    );
    [head.as_bytes(), payload].concat()
}
