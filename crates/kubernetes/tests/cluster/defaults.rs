//! The default policies.

use cise_kubernetes::{Defaults, default_policies_were_made, make_default_policies};
use cise_policy::ApiGroup;

use crate::environment::Environment;

#[tokio::test(flavor = "multi_thread")]
async fn the_default_policies_are_made_once_and_left_to_the_administrator_then() {
    let Some(environment) = Environment::bare() else {
        return;
    };
    let cluster = environment.cluster().await;
    let error = make_default_policies(&cluster).await.unwrap_err();
    assert!(
        error.to_string().starts_with("writing ClusterImagePolicy"),
        "{error}"
    );

    assert_eq!(default_policies_were_made(&cluster).await, Ok(false));
    environment.define(ApiGroup::V1Beta1);
    assert_eq!(make_default_policies(&cluster).await, Ok(Defaults::Made));
    assert_eq!(default_policies_were_made(&cluster).await, Ok(true));
    let name = "ibmcloud-image-policy";
    let read = |namespace| {
        environment.kubectl(&["-n", namespace, "get", "imagepolicy", name, "-o", "json"])
    };
    let own = cise_policy::from_json(read("ibm-system").as_bytes(), "").unwrap();
    assert_eq!(own.entries().len(), 6);
    let system = cise_policy::from_json(read("kube-system").as_bytes(), "").unwrap();
    assert_eq!(system.entries().len(), 4);
    let cluster_policy = "clusterimagepolicy/ibmcloud-default-cluster-image-policy";
    let text = environment.kubectl(&["get", cluster_policy, "-o", "json"]);
    let default = cise_policy::from_json(text.as_bytes(), "").unwrap();
    assert!(default.entries()[0].requirements.trust.is_some());

    environment.kubectl(&["delete", cluster_policy]);
    assert_eq!(
        make_default_policies(&cluster).await,
        Ok(Defaults::MadeBefore)
    );
    let left = environment.kubectl(&["get", "clusterimagepolicies", "-o", "name"]);
    assert_eq!(left, "");
}
