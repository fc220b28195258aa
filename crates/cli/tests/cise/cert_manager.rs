//! CISE with a certificate that cert-manager makes and renews.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cise_testkit::cert_manager::CertManager;
use cise_testkit::components::{CERT_MANAGER, HELM3, require};
use cise_testkit::controlplane::{Api, ControlPlane, Kubectl, User};
use cise_testkit::helm::Helm;
use serde_json::{Value, json};

use crate::guarded::{EXEMPT, HOME, pod};
use crate::load::Load;
use crate::program::Folder;
use crate::server::{Server, eventually};

const CERTIFICATE: &str =
    "/apis/cert-manager.io/v1/namespaces/ibm-system/certificates/cise-certificates";
const SECRET: &str = "/api/v1/namespaces/ibm-system/secrets/cise-certificates";

/// What a pod has of the Secret, where its arguments name it.
const FILES: [&str; 3] = ["ca.crt", "tls.crt", "tls.key"];

#[test]
fn the_certificate_of_cert_manager_is_shown_and_renewed_without_losing_a_request() {
    if !require(&[&HELM3, &CERT_MANAGER]) || !ControlPlane::require() {
        return;
    }
    let cluster = Cluster::start();
    cluster.is_called_with_the_certificate_of_cert_manager();
    let load = Load::start(&cluster.api);
    cluster.a_renewed_certificate_is_shown();
    load.goes_on();
    let failures = load.end();
    assert!(failures.is_empty(), "{failures:#?}\n{}", cluster.story());
}

/// A cluster with cert-manager and the chart, and a server in the place of the pods.
struct Cluster {
    server: Server,
    manager: CertManager,
    admin: Kubectl,
    api: Api,
    _plane: ControlPlane,
}

impl Cluster {
    fn start() -> Self {
        let plane = ControlPlane::start().unwrap();
        let (admin, api) = (
            plane.kubectl(&User::admin()).unwrap(),
            plane.api(&User::admin()).unwrap(),
        );
        let manager = CertManager::start(&plane).unwrap();
        install(&admin);
        let issued = || data_of(&api, SECRET).is_ok_and(|data| data.get("ca.crt").is_some());
        eventually("a certificate is issued", issued, || manager.log());
        let folder = Folder::new(&[]);
        let configuration = api.get(&format!("/api/v1/namespaces/{HOME}/configmaps/cise"));
        let configuration = configuration.unwrap().into_object().unwrap();
        let configuration = configuration["data"]["config.yaml"].as_str().unwrap();
        folder.write("config.yaml", configuration);
        folder.write("kubeconfig", kubeconfig(&api, &plane));
        mount(&folder, &api);
        let arguments = "--config config.yaml --kubeconfig kubeconfig --tls-cert tls/tls.crt --tls-key tls/tls.key";
        let server = Server::spawn_as(folder, arguments, "cise-0");
        server.wait_for("ready: reviews at https://");
        let service = admin.run(&[
            "-n",
            HOME,
            "get",
            "service",
            "cise",
            "-o",
            "jsonpath={.spec.clusterIP}",
        ]);
        plane.route(
            &format!("{}:443", service.unwrap()),
            server.address().unwrap(),
        );
        let cluster = Self {
            server,
            manager,
            admin,
            api,
            _plane: plane,
        };
        cluster.lets_in_what_is_exempt();
        cluster
    }

    fn lets_in_what_is_exempt(&self) {
        let policy = json!({
            "apiVersion": "securityenforcement.admission.cloud.ibm.com/v1beta1", "kind": "ImagePolicy",
            "metadata": { "name": "ours", "namespace": "team" },
            "spec": { "repositories": [{ "name": EXEMPT }] },
        });
        let apply = || {
            self.admin
                .run_with(&["apply", "-f", "-"], &policy.to_string())
        };
        eventually(
            "the policy is stored",
            || apply().is_ok(),
            || format!("{:?}\n{}", apply(), self.story()),
        );
        let ask = |image| {
            let path = "/api/v1/namespaces/team/pods?dryRun=All";
            let answer = self.api.post(path, &pod("asked", "team", image));
            answer.unwrap().into_object()
        };
        let other = "registry.example.com/other/app:v1";
        eventually(
            "pods are judged by it",
            || {
                ask(EXEMPT).is_ok()
                    && ask(other).is_err_and(|said| said.contains("denied the request"))
            },
            || format!("{:?} {:?}\n{}", ask(EXEMPT), ask(other), self.story()),
        );
    }

    fn is_called_with_the_certificate_of_cert_manager(&self) {
        let authority = data_of(&self.api, SECRET).unwrap()["ca.crt"].clone();
        for kind in [
            "mutatingwebhookconfiguration",
            "validatingwebhookconfiguration",
        ] {
            let trusted = self.admin.run(&[
                "get",
                kind,
                "image-admission-config",
                "-o",
                "jsonpath={.webhooks[*].clientConfig.caBundle}",
            ]);
            let trusted = trusted.unwrap();
            assert!(!trusted.is_empty());
            for bundle in trusted.split_whitespace() {
                assert_eq!(*bundle, authority);
            }
        }
        let secrets = self.admin.run(&[
            "-n",
            HOME,
            "get",
            "secret",
            "cise-certificates",
            "-o",
            "json",
        ]);
        assert!(
            secrets
                .unwrap()
                .contains("cert-manager.io/certificate-name")
        );
    }

    /// As `cmctl renew` asks for it.
    fn a_renewed_certificate_is_shown(&self) {
        let before = data_of(&self.api, SECRET).unwrap();
        let issue = json!({ "status": { "conditions": [{
            "type": "Issuing", "status": "True", "reason": "ManuallyTriggered", "message": "renewed",
            "lastTransitionTime": "2026-01-01T00:00:00Z",
        }] } });
        let asked = self.api.patch(&format!("{CERTIFICATE}/status"), &issue);
        asked.unwrap().into_object().unwrap();
        let renewed = || data_of(&self.api, SECRET).unwrap()["tls.crt"] != before["tls.crt"];
        eventually("the certificate is renewed", renewed, || self.story());
        mount(&self.server.folder, &self.api);
        let replaced = "cise_certificate_reloads_total{result=\"replaced\"} 1";
        let metrics = || self.server.admin("/metrics").1;
        eventually(
            "the renewed one is shown",
            || metrics().contains(replaced),
            metrics,
        );
    }

    fn story(&self) -> String {
        format!("{}\n{}", self.server.log("cise.log"), self.manager.log())
    }
}

/// Installs the chart, and says of its Service that it leads somewhere: no node is here to run its pods.
fn install(admin: &Kubectl) {
    let helm = Helm::new(&HELM3).unwrap().in_cluster(admin);
    let chart =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../charts/ibmcloud-image-enforcement");
    let values = "certificates.from=cert-manager,webhooks.timeoutSeconds=30";
    helm.run(&["install", "cise", chart.to_str().unwrap(), "--set", values])
        .unwrap();
    let slice = json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": { "name": "cise", "namespace": HOME, "labels": { "kubernetes.io/service-name": "cise" } },
        "endpoints": [{ "addresses": ["10.1.0.1"], "conditions": { "ready": true } }],
    });
    admin
        .run_with(&["apply", "-f", "-"], &slice.to_string())
        .unwrap();
    admin.run(&["create", "namespace", "team"]).unwrap();
    admin
        .run(&[
            "-n",
            "team",
            "wait",
            "--for=create",
            "--timeout=60s",
            "serviceaccount/default",
        ])
        .unwrap();
}

/// What a kubelet does with the Secret, at first and when it has changed.
fn mount(folder: &Folder, api: &Api) {
    let data = data_of(api, SECRET).unwrap();
    for file in FILES {
        let content = STANDARD.decode(data[file].as_str().unwrap()).unwrap();
        folder.write(&format!("tls/{file}"), content);
    }
}

fn data_of(api: &Api, secret: &str) -> Result<Value, String> {
    let secret = api.get(secret).unwrap().into_object()?;
    Ok(secret["data"].clone())
}

/// The API server as CISE's service account reaches it.
fn kubeconfig(api: &Api, plane: &ControlPlane) -> String {
    let path = format!("/api/v1/namespaces/{HOME}/serviceaccounts/cise/token");
    let request =
        json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {} });
    let token = api.post(&path, &request).unwrap().into_object().unwrap();
    json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "pod",
        "contexts": [{ "name": "pod", "context": { "cluster": "pod", "user": "pod" } }],
        "clusters": [{ "name": "pod", "cluster": {
            "server": plane.url(), "certificate-authority": plane.authority().certificate_file(),
        } }],
        "users": [{ "name": "pod", "user": { "token": token["status"]["token"] } }],
    })
    .to_string()
}
