//! Results as JSON: an array with an object for each image.

use cise_admission::ImageReport;
use serde::Serialize;

use super::finding::{Finding, Spot};

#[derive(Serialize)]
struct Image<'f> {
    #[serde(flatten)]
    report: &'f ImageReport<'f>,
    namespace: &'f str,
    /// The object that names it; null for a bare image.
    object: Option<&'f str>,
    /// Where the object names it.
    places: Vec<Named<'f>>,
}

#[derive(Serialize)]
struct Named<'f> {
    container: &'f str,
    file: &'f str,
    line: usize,
    column: usize,
}

pub(super) fn render(findings: &[Finding<'_>]) -> String {
    let images: Vec<Image<'_>> = findings.iter().map(Image::from).collect();
    // Maps with keys that are no strings could fail; there are none.
    let json = serde_json::to_string_pretty(&images).unwrap_or_default();
    json + "\n"
}

impl<'f> From<&'f Finding<'_>> for Image<'f> {
    fn from(finding: &'f Finding<'_>) -> Self {
        Self {
            report: &finding.report,
            namespace: finding.namespace,
            object: finding.object.as_deref(),
            places: finding.spots.iter().map(Named::from).collect(),
        }
    }
}

impl<'f> From<&'f Spot> for Named<'f> {
    fn from(spot: &'f Spot) -> Self {
        let position = spot.place.position;
        Self {
            container: &spot.container,
            file: &spot.place.file,
            line: position.line,
            column: position.column,
        }
    }
}
