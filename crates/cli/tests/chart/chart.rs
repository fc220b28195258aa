//! The chart's files, and what Helm makes of them.

use std::path::{Path, PathBuf};
use std::{env, fs};

use cise_testkit::components::{HELM3, HELM4, require};
use cise_testkit::helm::Helm;
use serde_json::Value;

/// The version that templates are told of where there is no cluster.
const KUBERNETES: &str = "1.36.3";

/// The folder of the chart.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../charts/ibmcloud-image-enforcement")
}

/// The text of one of its files.
pub(crate) fn file(name: &str) -> String {
    let path = folder().join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// That a file is as it is made from something else; with `CISE_UPDATE_DOCS`, makes it so.
pub(crate) fn assert_made(name: &str, expected: &str) {
    let path = folder().join(name);
    if env::var_os("CISE_UPDATE_DOCS").is_some() {
        fs::write(&path, expected).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expected,
        "{name} is out of date; run the tests with CISE_UPDATE_DOCS=1"
    );
}

/// Helm 3 and Helm 4; `None` where they cannot be had.
pub(crate) fn helms() -> Option<[Helm; 2]> {
    require(&[&HELM3, &HELM4])
        .then(|| [&HELM3, &HELM4].map(|component| Helm::new(component).unwrap()))
}

/// What `helm template` makes of these values, with these further arguments.
pub(crate) fn template(helm: &Helm, arguments: &[&str], values: &str) -> Result<String, String> {
    let folder = folder();
    let folder = folder.to_str().unwrap();
    let command = [
        "template",
        "cise",
        folder,
        "--kube-version",
        KUBERNETES,
        "--values",
        "-",
    ];
    helm.run_with(&[&command, arguments].concat(), values)
        .map_err(|error| error.to_string())
}

/// The documents of a YAML text.
pub(crate) fn documents(text: &str) -> Vec<Value> {
    let documents: Vec<Value> = serde_saphyr::from_multiple(text).unwrap();
    documents
        .into_iter()
        .filter(|document| !document.is_null())
        .collect()
}

/// The only object of that kind and name.
pub(crate) fn object<'d>(documents: &'d [Value], kind: &str, name: &str) -> &'d Value {
    let is_it =
        |document: &&Value| document["kind"] == kind && document["metadata"]["name"] == name;
    let mut found = documents.iter().filter(is_it);
    let object = found
        .next()
        .unwrap_or_else(|| panic!("there is no {kind} {name}"));
    assert_eq!(found.next(), None, "there are two {kind} {name}");
    object
}
