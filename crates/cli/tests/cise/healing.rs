//! Every replica is gone, and the cluster comes back by itself.

use serde_json::{Value, json};

use crate::guarded::{EXEMPT, FOREIGN, Guarded, HOME, pod};
use crate::server::eventually;

/// Where a pod says what it runs.
const IMAGE: &str = "/spec/containers/0/image";

const REPOSITORY: &str = "icr.io/ibm/ibmcloud-image-enforcement";

#[test]
fn with_every_replica_gone_the_cluster_comes_back_by_itself() {
    let Some(mut cluster) = Guarded::start(&json!({})) else {
        return;
    };
    cluster.exempt("team", &[]);
    no_policy_of_its_own_lets_everything_into_cises_namespace(&cluster);
    cluster.make("", &pod("running", "team", EXEMPT)).unwrap();
    cluster.kubectl("-n team wait --for=condition=Ready pod/running --timeout=60s");

    the_systems_namespace_is_left_out(&cluster);
    cluster.node_goes();
    nothing_else_is_made(&cluster);
    the_systems_pods_are_not_held_up(&cluster);
    cises_own_pods_are_made_by_the_controllers(&cluster);
    pretenders_are_refused(&cluster);
    running_pods_can_be_labelled_and_relieved_of_finalizers(&cluster);
    an_upgrade_makes_pods_of_the_new_version(&cluster);

    cluster.node_comes();
    cluster.answers();
    assert_eq!(images(&cluster), vec![format!("{REPOSITORY}:9.9.9"); 2]);
    assert!(cluster.ask("team", EXEMPT).is_ok());
    without_an_advisor_nobody_asks_for_pods(&cluster);
}

fn without_an_advisor_nobody_asks_for_pods(cluster: &Guarded) {
    let asked = cluster.plane.requests_of(HOME, "cise").unwrap();
    let of_pods: Vec<_> = asked.iter().filter(|one| one.resource == "pods").collect();
    assert!(of_pods.is_empty() && !asked.is_empty(), "{of_pods:?}");
}

/// As delivered, CISE's namespace is open. Where it is not, its pods are known by what they run.
fn no_policy_of_its_own_lets_everything_into_cises_namespace(cluster: &Guarded) {
    cluster.kubectl(&format!("-n {HOME} delete imagepolicies --all"));
    let ask = || cluster.ask(HOME, FOREIGN);
    eventually(
        "the policy of the cluster counts",
        || ask().is_err_and(|said| said.contains("Trust is not supported")),
        || format!("{:?}", ask()),
    );
}

/// That takes a while, during which its policy has to stay open.
fn the_systems_namespace_is_left_out(cluster: &Guarded) {
    let selectors = |kind: &str| {
        cluster.kubectl(&format!(
            "get {kind}webhookconfiguration image-admission-config -o jsonpath={{.webhooks[*].namespaceSelector}}"
        ))
    };
    let both = || ["mutating", "validating"].map(selectors);
    eventually(
        "no webhook is called for kube-system",
        || {
            both()
                .iter()
                .all(|selectors| selectors.contains("\"kube-system\""))
        },
        || both().join("\n"),
    );
}

fn nothing_else_is_made(cluster: &Guarded) {
    for namespace in ["team", "default", HOME] {
        let said = cluster.ask(namespace, EXEMPT).unwrap_err();
        assert!(
            said.contains("failed calling webhook \"trust.hooks."),
            "{said}"
        );
    }
}

fn the_systems_pods_are_not_held_up(cluster: &Guarded) {
    let made = cluster.ask("kube-system", "registry.example.com/network:v1");
    assert!(made.is_ok(), "{made:?}");
}

fn cises_own_pods_are_made_by_the_controllers(cluster: &Guarded) {
    let events = || {
        cluster.kubectl(&format!(
            "-n {HOME} get events -o jsonpath={{.items[*].message}}"
        ))
    };
    eventually("both pods are made", || cluster.pods().len() == 2, events);
}

fn pretenders_are_refused(cluster: &Guarded) {
    let own = own_pod(cluster);
    cluster.kubectl("-n team create serviceaccount cise");
    let admitted = cluster.make("?dryRun=All", &own);
    assert!(admitted.is_ok(), "the very pod: {admitted:?}");
    let sentence = "failed calling webhook \"trust.hooks.";
    for (what, pretender) in pretenders(&own) {
        let said = cluster.make("?dryRun=All", &pretender).err();
        let said = said.unwrap_or_else(|| panic!("admitted: {what}"));
        assert!(said.contains(sentence), "{what}: {said}");
    }
    let (target, image) = (&cluster.pods()[0], text(&own, IMAGE));
    let debug = format!("-n {HOME} debug {target} --image={image} --attach=false");
    let said = cluster.try_kubectl(&debug).unwrap_err();
    assert!(said.contains(sentence), "{said}");
}

/// Each is like a pod of CISE but for one thing.
fn pretenders(own: &Value) -> Vec<(&'static str, Value)> {
    let with = |place: &str, value: Value| {
        let mut pod = own.clone();
        *pod.pointer_mut(place).unwrap() = value;
        pod
    };
    let and = |list: &str, value: Value| {
        let mut pod = own.clone();
        let list = &mut pod["spec"][list];
        match list.as_array_mut() {
            Some(list) => list.push(value),
            None => *list = json!([value]),
        }
        pod
    };
    let image = text(own, IMAGE);
    let first = json!({ "name": "first", "image": image });
    let volume = json!({ "name": "more", "image": { "reference": image } });
    vec![
        ("another image", with(IMAGE, json!("icr.io/ibm/other:1"))),
        (
            "a longer name",
            with(IMAGE, json!(format!("{REPOSITORY}-x:1"))),
        ),
        (
            "another host",
            with(IMAGE, json!(format!("x.{REPOSITORY}:1"))),
        ),
        (
            "another container",
            and("containers", json!({ "name": "more", "image": EXEMPT })),
        ),
        ("an init container", and("initContainers", first)),
        ("an image volume", and("volumes", volume)),
        (
            "another service account",
            with("/spec/serviceAccountName", json!("default")),
        ),
        (
            "another namespace",
            with("/metadata/namespace", json!("team")),
        ),
    ]
}

fn text<'v>(object: &'v Value, place: &str) -> &'v str {
    object.pointer(place).unwrap().as_str().unwrap()
}

/// What the controller asks for, as somebody else would ask for it.
fn own_pod(cluster: &Guarded) -> Value {
    let path = format!("/apis/apps/v1/namespaces/{HOME}/deployments/cise");
    let deployment = cluster.api.get(&path).unwrap().into_object().unwrap();
    let mut pod = deployment["spec"]["template"].clone();
    pod["apiVersion"] = "v1".into();
    pod["kind"] = "Pod".into();
    pod["metadata"]["name"] = "pretender".into();
    pod["metadata"]["namespace"] = HOME.into();
    pod
}

fn running_pods_can_be_labelled_and_relieved_of_finalizers(cluster: &Guarded) {
    cluster.kubectl("-n team label pod running seen=yes");
    for finalizers in [r#"["example.com/held"]"#, "[]"] {
        let patch = format!(r#"{{"metadata":{{"finalizers":{finalizers}}}}}"#);
        cluster.kubectl(&format!(
            "-n team patch pod running --type=merge -p {patch}"
        ));
    }
    let said = cluster.try_kubectl(&format!("-n team set image pod/running app={FOREIGN}"));
    let said = said.unwrap_err();
    assert!(said.contains("failed calling webhook"), "{said}");
}

fn an_upgrade_makes_pods_of_the_new_version(cluster: &Guarded) {
    cluster.helm("upgrade", &["--set", "image.tag=9.9.9"], &json!({}));
    let new = format!("{REPOSITORY}:9.9.9");
    eventually(
        "a pod of the new version is made",
        || images(cluster).contains(&new),
        || format!("{:?}", images(cluster)),
    );
}

/// The images of CISE's pods that are there to stay.
fn images(cluster: &Guarded) -> Vec<String> {
    let pods = cluster.api.get(&format!("/api/v1/namespaces/{HOME}/pods"));
    let pods = pods.unwrap().into_object().unwrap();
    let pods = pods["items"].as_array().unwrap().iter();
    pods.filter(|pod| pod["metadata"]["deletionTimestamp"].is_null())
        .map(|pod| {
            pod["spec"]["containers"][0]["image"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect()
}
