//! What a feed adds about a package, where a rule depends on it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::bounded::{self, Word};
use super::record::Record;
use super::{Family, Rejected};
use crate::Ecosystem;

/// The most lists of binary packages; feeds have one or a few.
const MAX_LISTS: usize = 1000;

#[derive(Debug, Default)]
pub(super) struct Specific {
    pub(super) binaries: Vec<Box<str>>,
    pub(super) severity: Option<Box<str>>,
}

/// Reads `ecosystem_specific`.
///
/// - SUSE and openSUSE list the binary packages of the product, with their versions: others that its source builds are not in
///   it. Ubuntu has a list too, of what came with the fix; a package that the fixed source no longer builds is missing there,
///   and affected, so that the list limits nothing.
/// - Debian has its own word for the urgency.
pub(super) fn read(
    record: &Record,
    ecosystem: &Ecosystem,
    written: Option<&RawValue>,
) -> Result<Specific, Rejected> {
    let Some(written) = written else {
        return Ok(Specific::default());
    };
    match Family::of(ecosystem) {
        Some(Family::Suse | Family::OpenSuse) => {
            let Suse { binaries } = shape(record, written)?;
            let names = binaries.into_iter().flatten().map(|(name, _)| name);
            Ok(Specific {
                binaries: names.map(Into::into).collect(),
                severity: None,
            })
        }
        Some(Family::Debian) => {
            let Debian { urgency } = shape(record, written)?;
            let said = urgency.filter(|urgency| !UNSAID.contains(&&**urgency));
            Ok(Specific {
                binaries: Vec::new(),
                severity: said.map(Into::into),
            })
        }
        _ => Ok(Specific::default()),
    }
}

/// What Debian writes where it says nothing about the urgency.
const UNSAID: [&str; 2] = ["not yet assigned", "end-of-life"];

#[derive(Deserialize)]
struct Suse {
    /// Versions by name, in one object or several.
    #[serde(default, deserialize_with = "bounded::list::<_, _, MAX_LISTS>")]
    binaries: Vec<BTreeMap<Word, Word>>,
}

#[derive(Deserialize)]
struct Debian {
    #[serde(default)]
    urgency: Option<Word>,
}

fn shape<T: DeserializeOwned>(record: &Record, written: &RawValue) -> Result<T, Rejected> {
    let mut deserializer = serde_json::Deserializer::from_str(written.get());
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let field = format!("ecosystem_specific.{}", error.path());
        Rejected::shape(Some(&record.id), &field, &error.inner().to_string())
    })
}
