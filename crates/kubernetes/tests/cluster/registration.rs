//! The webhooks as the API server calls them, and when it does not.

use std::sync::Arc;
use std::time::Duration;

use cise_admission::{PolicySource as _, Workloads};
use cise_kubernetes::{
    CertificateKeeper, FailurePolicy, OpenNamespaces, OptOut, OwnPods, PolicyHook, PolicyWatch,
    Registered, Registrar, RegistrationSettings,
};
use cise_policy::ApiGroup;
use cise_testkit::authority::Identity;
use cise_testkit::recorder::Recorder;
use cise_testkit::relay::Relay;
use secrecy::ExposeSecret as _;
use tokio::sync::watch;

use crate::environment::{Environment, HOME, eventually};

const SERVICE: &str = "10.0.0.77:443";

/// What the chart brings.
const CHART: &str = "
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: {name: image-admission-config}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: image-admission-config}
---
apiVersion: v1
kind: Service
metadata: {name: cise, namespace: ibm-system}
spec: {clusterIP: 10.0.0.77, ports: [{port: 443}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: cise, namespace: ibm-system, labels: {kubernetes.io/service-name: cise}}
addressType: IPv4
endpoints: [{addresses: [10.1.0.1], conditions: {ready: true}}]
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: cise, namespace: ibm-system}
";

/// An installation whose webhooks admit everything that they are asked about.
struct Installation {
    environment: Environment,
    registrar: Arc<Registrar>,
    policies: Arc<PolicyWatch>,
    recorder: Recorder,
    way: Relay,
    _leads: watch::Sender<bool>,
}

impl Installation {
    async fn start() -> Option<Self> {
        let environment = Environment::bare()?;
        environment.define(ApiGroup::V1Beta1);
        environment.apply(CHART);
        let cluster = environment.cluster().await;
        let leads = watch::Sender::new(true);

        let keeper = CertificateKeeper::new(&cluster, "certificates", "cise");
        let (mut certificates, authorities) = (keeper.certificates(), keeper.authorities());
        let keeper_leads = leads.subscribe();
        tokio::spawn(async move { keeper.follow(keeper_leads).await });
        let policies = Arc::new(PolicyWatch::new(cluster.clone()));
        let following = Arc::clone(&policies);
        tokio::spawn(async move { following.follow().await });

        let certificate = certificates
            .wait_for(Option::is_some)
            .await
            .unwrap()
            .clone()
            .unwrap();
        let recorder = Recorder::start(&Identity {
            certificate: certificate.chain.clone(),
            key: certificate.key.expose_secret().to_owned(),
            certificate_file: "unused".into(),
            key_file: "unused".into(),
        });
        let recorder = recorder.unwrap();
        let way = Relay::start(recorder.address()).unwrap();
        environment.plane().route(SERVICE, way.address());
        let registrar = Registrar::new(&cluster, settings(), Arc::clone(&policies), authorities);
        let registrar = Arc::new(registrar);
        let (following, registrar_leads) = (Arc::clone(&registrar), leads.subscribe());
        tokio::spawn(async move { following.follow(registrar_leads).await });
        let installation = Self {
            environment,
            registrar,
            policies,
            recorder,
            way,
            _leads: leads,
        };
        let registered = || installation.registrar.status().validating == Registered::Yes;
        eventually("the webhooks are registered", registered).await;
        Some(installation)
    }

    fn make(&self, manifest: &str) -> Result<String, String> {
        self.environment
            .try_kubectl(&["create", "-f", "-"], manifest)
    }

    /// Is a pod in this namespace subject to the webhooks? It is, if it cannot be made while nobody answers.
    fn is_held_up(&self, namespace: &str) -> bool {
        let pod = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{generateName: a-, namespace: {namespace}}}\nspec: {{containers: [{{name: a, image: nginx}}]}}"
        );
        match self.make(&pod) {
            Ok(_) => false,
            Err(said) => {
                assert!(said.contains("failed calling webhook"), "{said}");
                true
            }
        }
    }
}

fn settings() -> RegistrationSettings {
    RegistrationSettings {
        service: "cise".to_owned(),
        workloads: Workloads::Enforce,
        failure_policy: FailurePolicy::Fail,
        timeout_seconds: 5,
        opt_out: OptOut::Never,
        open_namespaces: OpenNamespaces::LeftOut,
        own_pods: Some(OwnPods::new("icr.io/ibm/cise", &["cise".to_owned()]).unwrap()),
        policy_hook: PolicyHook::Unserved,
    }
}

/// A pod of the program itself, with changes.
fn own_pod(name: &str, changes: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: {HOME}}}\nspec:\n  automountServiceAccountToken: false\n  {changes}\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_server_calls_each_webhook_in_its_pass() {
    let Some(installation) = Installation::start().await else {
        return;
    };
    installation
        .environment
        .kubectl(&["create", "namespace", "called"]);
    let since = installation.recorder.count();
    installation.environment.kubectl(&[
        "-n",
        "called",
        "create",
        "deployment",
        "web",
        "--image=nginx",
    ]);
    for (path, resource) in [
        ("/workloads/mutate?", "deployments"),
        ("/workloads?", "deployments"),
        ("/workloads/mutate?", "replicasets"),
        ("/trust?", "pods"),
        ("/trust/validate?", "pods"),
        ("/va?", "pods"),
    ] {
        let called = installation.recorder.wait_for(since, |received| {
            received.url.starts_with(path) && received.about.resource() == resource
        });
        assert!(called.is_some(), "{path} for {resource}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_configuration_stays_deleted_and_a_changed_one_is_put_right() {
    let Some(installation) = Installation::start().await else {
        return;
    };
    let environment = &installation.environment;
    let mutating = ["mutatingwebhookconfiguration", "image-admission-config"];
    let validating = ["validatingwebhookconfiguration", "image-admission-config"];
    let hooks = |of: [&str; 2]| {
        environment.kubectl(&["get", of[0], of[1], "-o", "jsonpath={.webhooks[*].name}"])
    };
    let bundles = || {
        environment.kubectl(&[
            "get",
            validating[0],
            validating[1],
            "-o",
            "jsonpath={.webhooks[*].clientConfig.caBundle}",
        ])
    };

    let before = (hooks(validating), bundles());
    assert_eq!(before.0.matches("hooks.securityenforcement").count(), 3);
    for patch in [
        r#"[{"op":"remove","path":"/webhooks/0"}]"#,
        r#"[{"op":"remove","path":"/webhooks"}]"#,
        r#"[{"op":"replace","path":"/webhooks/0/clientConfig/caBundle","value":""}]"#,
    ] {
        environment.kubectl(&[
            "patch",
            validating[0],
            validating[1],
            "--type=json",
            "-p",
            patch,
        ]);
        eventually("the webhooks are put right", || {
            (hooks(validating), bundles()) == before
        })
        .await;
    }

    let delete = ["delete", "--ignore-not-found=true"];
    environment.kubectl(
        &[
            &delete[..],
            &["MutatingWebhookConfiguration", "image-admission-config"],
        ]
        .concat(),
    );
    let deleted = || installation.registrar.status().mutating == Registered::Deleted;
    eventually("the deletion is noticed", deleted).await;
    // Two more looks, and a change of policies.
    environment.apply("apiVersion: securityenforcement.admission.cloud.ibm.com/v1beta1\nkind: ClusterImagePolicy\nmetadata: {name: a}\nspec: {repositories: []}\n");
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(environment.kubectl(&["get", mutating[0], "-o", "name"]), "");
    assert_eq!(installation.registrar.status().validating, Registered::Yes);

    environment.apply(CHART);
    eventually("it is filled again", || {
        hooks(mutating).contains("trust.hooks")
    })
    .await;
}

/// What keeps a configuration from being made that is deleted between the reading and the writing.
#[test]
fn an_applied_object_with_the_identity_of_a_deleted_one_is_not_made() {
    let Some(environment) = Environment::shared() else {
        return;
    };
    let manifest = |metadata: &str| {
        format!(
            "apiVersion: admissionregistration.k8s.io/v1\nkind: MutatingWebhookConfiguration\nmetadata: {{name: deleted{metadata}}}\n"
        )
    };
    let apply = ["apply", "--server-side", "-f", "-"];
    environment.try_kubectl(&apply, &manifest("")).unwrap();
    let get = ["get", "mutatingwebhookconfiguration", "deleted", "-o"];
    let read = |path: &str| environment.kubectl(&[&get[..], &[path]].concat());
    let identity = format!(
        ", uid: {}, resourceVersion: '{}'",
        read("jsonpath={.metadata.uid}"),
        read("jsonpath={.metadata.resourceVersion}")
    );
    environment
        .try_kubectl(&apply, &manifest(&identity))
        .unwrap();
    environment.kubectl(&["delete", "mutatingwebhookconfiguration", "deleted"]);
    let said = environment
        .try_kubectl(&apply, &manifest(&identity))
        .unwrap_err();
    assert!(said.contains("uid mismatch"), "{said}");
    let found = environment.kubectl(&["get", "mutatingwebhookconfigurations", "-o", "name"]);
    assert!(!found.contains("deleted"), "{found}");
}

const OWN_IMAGE: &str = "containers: [{name: a, image: 'icr.io/ibm/cise:1.0'}]";

#[tokio::test(flavor = "multi_thread")]
async fn while_nobody_answers_the_programs_own_pods_can_be_made_at_this_version_and_at_another() {
    let Some(installation) = Installation::start().await else {
        return;
    };
    let environment = &installation.environment;
    installation.way.cut();
    let digest = format!(
        "containers: [{{name: a, image: 'icr.io/ibm/cise@sha256:{}'}}]",
        "0".repeat(64)
    );
    for (name, content) in [
        ("same", OWN_IMAGE),
        (
            "upgrade",
            "containers: [{name: a, image: 'icr.io/ibm/cise:2.0'}]",
        ),
        ("digest", &digest),
        (
            "volume",
            &format!("{OWN_IMAGE}\n  volumes: [{{name: b, emptyDir: {{}}}}]"),
        ),
    ] {
        let made = installation.make(&own_pod(
            name,
            &format!("serviceAccountName: cise\n  {content}"),
        ));
        assert!(made.is_ok(), "{name}: {made:?}");
    }
    installation.make(&deployment("cise", "cise")).unwrap();
    assert!(installation.make(&deployment("other", "other")).is_err());
    let replicas = || environment.kubectl(&["-n", HOME, "get", "pods", "-l", "a=b", "-o", "name"]);
    eventually("the controllers have made its pod", || {
        replicas().contains("pod/cise-")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_nobody_answers_pretenders_are_refused() {
    let Some(installation) = Installation::start().await else {
        return;
    };
    let environment = &installation.environment;
    installation.way.cut();
    for (name, account, content) in [
        (
            "other-image",
            "cise",
            "containers: [{name: a, image: 'icr.io/ibm/other:1.0'}]",
        ),
        (
            "longer-image",
            "cise",
            "containers: [{name: a, image: 'icr.io/ibm/cise-x:1.0'}]",
        ),
        (
            "dot",
            "cise",
            "containers: [{name: a, image: 'icrxio/ibm/cise:1.0'}]",
        ),
        (
            "below",
            "cise",
            "containers: [{name: a, image: 'icr.io/ibm/cise:5000/x'}]",
        ),
        (
            "two",
            "cise",
            "containers: [{name: a, image: 'icr.io/ibm/cise:1'}, {name: b, image: nginx}]",
        ),
        (
            "init",
            "cise",
            &format!("{OWN_IMAGE}\n  initContainers: [{{name: b, image: 'icr.io/ibm/cise:1.0'}}]"),
        ),
        (
            "image-volume",
            "cise",
            &format!(
                "{OWN_IMAGE}\n  volumes: [{{name: b, image: {{reference: 'icr.io/ibm/cise:1'}}}}]"
            ),
        ),
        ("account", "default", OWN_IMAGE),
    ] {
        let pod = own_pod(name, &format!("serviceAccountName: {account}\n  {content}"));
        let said = installation.make(&pod).unwrap_err();
        assert!(
            said.contains("failed calling webhook \"trust.hooks."),
            "{name}: {said}"
        );
    }
    environment.kubectl(&["create", "namespace", "elsewhere"]);
    environment.kubectl(&["-n", "elsewhere", "create", "serviceaccount", "cise"]);
    let own = own_pod("own", &format!("serviceAccountName: cise\n  {OWN_IMAGE}"));
    assert!(installation.make(&own.replace(HOME, "elsewhere")).is_err());
    installation.make(&own).unwrap();
    let debug = [
        "-n",
        HOME,
        "debug",
        "own",
        "--image=icr.io/ibm/cise:1.0",
        "--attach=false",
    ];
    let said = environment.try_kubectl(&debug, "").unwrap_err();
    assert!(said.contains("failed calling webhook"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_nobody_answers_labels_and_finalizers_of_pods_can_be_changed_and_images_cannot() {
    let Some(installation) = Installation::start().await else {
        return;
    };
    let environment = &installation.environment;
    let images = "containers: [{name: a, image: nginx}]\n  initContainers: [{name: b, image: nginx}]\n  volumes: [{name: c, emptyDir: {}}]";
    installation.make(&own_pod("running", images)).unwrap();
    installation.way.cut();
    environment.kubectl(&["-n", HOME, "label", "pod", "running", "a=b"]);
    for finalizers in [r#"["example.com/a"]"#, "[]"] {
        let patch = format!(r#"{{"metadata":{{"finalizers":{finalizers}}}}}"#);
        environment.kubectl(&[
            "-n",
            HOME,
            "patch",
            "pod",
            "running",
            "--type=merge",
            "-p",
            &patch,
        ]);
    }
    for container in ["a=busybox", "b=busybox"] {
        let set = ["-n", HOME, "set", "image", "pod/running", container];
        let said = environment.try_kubectl(&set, "").unwrap_err();
        assert!(said.contains("failed calling webhook"), "{said}");
    }
    installation.way.heal();
    environment.kubectl(&["-n", HOME, "set", "image", "pod/running", "a=busybox"]);
}

fn deployment(name: &str, image: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: {HOME}}}\nspec:\n  selector: {{matchLabels: {{a: b}}}}\n  template:\n    metadata: {{labels: {{a: b}}}}\n    spec: {{serviceAccountName: cise, containers: [{{name: a, image: 'icr.io/ibm/{image}:1'}}]}}\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_that_admits_everything_is_left_alone_until_it_gets_a_stricter_policy() {
    let Some(installation) = Installation::start().await else {
        return;
    };
    let environment = &installation.environment;
    let policy = |namespace: &str, name: &str, pattern: &str| {
        format!(
            "apiVersion: securityenforcement.admission.cloud.ibm.com/v1beta1\nkind: ImagePolicy\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {{repositories: [{{name: '{pattern}'}}]}}\n---\n"
        )
    };
    for (namespace, pattern) in [("open", "*"), ("guarded", "icr.io/*")] {
        environment.kubectl(&["create", "namespace", namespace]);
        environment.apply(&policy(namespace, "a", pattern));
    }
    let is_left_out =
        |namespace: &str| installation.registrar.status().left_out.contains(namespace);
    eventually("the open namespace is left out", || is_left_out("open")).await;
    installation.way.cut();
    eventually("the open namespace is not held up", || {
        !installation.is_held_up("open")
    })
    .await;
    assert!(installation.is_held_up("guarded"));

    installation.registrar.include("guarded").await.unwrap();
    installation.registrar.include("open").await.unwrap();
    assert!(
        installation.is_held_up("open"),
        "the webhooks are back before the policy is"
    );
    // Another look of the leader does not take it out again.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(installation.is_held_up("open"));

    environment.kubectl(&["create", "namespace", "closing"]);
    environment.apply(&policy("closing", "a", "*"));
    eventually("it is left out", || {
        is_left_out("closing") && !installation.is_held_up("closing")
    })
    .await;
    environment.kubectl(&["-n", "closing", "delete", "imagepolicy", "a"]);
    eventually("it is held up again", || installation.is_held_up("closing")).await;
    assert_eq!(
        installation.policies.policies().open_namespaces().count(),
        1
    );
}
