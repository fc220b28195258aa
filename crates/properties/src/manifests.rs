use cise_admission::Request;
use cise_manifests::{Generation, Manifest, Workload, workloads};
use serde_json::Value;

use crate::assert_message;

/// What is found in a file is found in the JSON of what was found, and each place is in the file.
pub(crate) fn kubernetes_manifest(bytes: &[u8]) {
    let manifest = match Manifest::read_from("the file", bytes) {
        Ok(manifest) => manifest,
        Err(error) => return assert_message(&error),
    };
    let _ = manifest.parse::<Value>().inspect_err(assert_message);
    match workloads(&manifest, "default") {
        Ok(found) => found.iter().for_each(check),
        Err(error) => assert_message(&error),
    }
    let read = Generation::read(std::slice::from_ref(&manifest), "default");
    let _ = read.inspect_err(assert_message);
}

fn check(workload: &Workload) {
    let again = Manifest::read_from("its JSON", workload.json().as_bytes());
    let again = again.and_then(|manifest| workloads(&manifest, workload.namespace()));
    let parts = |found: &Workload| {
        (
            found.kind(),
            found.namespace().to_owned(),
            found.json().to_owned(),
        )
    };
    let found = again.map(|found| found.iter().map(parts).collect::<Vec<_>>());
    assert_eq!(found, Ok(vec![parts(workload)]));
    let request = Request::create(workload.kind(), workload.namespace(), workload.json());
    let _ = request.inspect_err(assert_message);
}
