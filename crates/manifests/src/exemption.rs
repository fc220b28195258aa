//! Exemptions of the Vulnerability Advisor.

use cise_advisor::exemption::{Exemption, ExemptionError, from_value};

use crate::object::{Object, steps};
use crate::{Manifest, ManifestError};

/// The exemptions of a manifest that holds nothing else. One that names no namespace is in `default_namespace`.
pub fn exemptions(
    manifest: &Manifest,
    default_namespace: &str,
) -> Result<Vec<Exemption>, ManifestError> {
    let objects = Object::all_of(manifest)?;
    objects
        .iter()
        .map(|object| read(object, default_namespace))
        .collect()
}

/// An object as an exemption.
pub(crate) fn read(object: &Object, default_namespace: &str) -> Result<Exemption, ManifestError> {
    from_value(&object.to_json(), default_namespace).map_err(|error| ManifestError::Exemption {
        place: object.nearest(steps(path_of(&error))),
        error: error.into(),
    })
}

/// The field that is at fault.
fn path_of(error: &ExemptionError) -> &str {
    match error {
        ExemptionError::Document(fault) | ExemptionError::Content { fault, .. } => &fault.path,
        ExemptionError::Name(_) => "metadata.name",
        ExemptionError::ClusterInNamespace { .. } => "metadata.namespace",
        _ => "",
    }
}
