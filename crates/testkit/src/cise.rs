//! CISE in a cluster: its program runs for the pods that its chart makes.

mod places;
mod pods;
mod process;
mod site;
mod volumes;

use serde_json::{Value, json};

pub use pods::{Pods, Replicas};
pub use process::Cise;
pub use site::Site;

/// The namespace into which the chart installs CISE, unless it is told another one.
pub const HOME: &str = "ibm-system";

/// A pod with one container for each of these images.
pub fn pod(name: &str, namespace: &str, images: &[&str]) -> Value {
    let containers = images.iter().enumerate().map(|(number, image)| {
        let name = if number == 0 {
            "app".to_owned()
        } else {
            format!("app-{number}")
        };
        json!({ "name": name, "image": image })
    });
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": name, "namespace": namespace },
        "spec": {
            "automountServiceAccountToken": false,
            "containers": containers.collect::<Vec<_>>(),
        },
    })
}
