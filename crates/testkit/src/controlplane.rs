//! A Kubernetes control plane on the loopback interface: etcd, the API server and the controllers.
//!
//! There is no kubelet: pods stay `Pending`, which is enough for everything that admission decides. Where pods have to run, a
//! [`Node`] takes them. Webhooks that name a service are dialled at the service's cluster address; [`ControlPlane::route`]
//! says which process answers there, or the node does, from the endpoints of the service.

mod api;
mod egress;
mod kubectl;
mod node;
mod proxy;
mod requests;
mod user;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use http::{HeaderMap, Method};
use serde_json::json;
use tempfile::TempDir;

use crate::Error;
use crate::authority::{Authority, Identity, LOOPBACK};
use crate::client::Client;
use crate::components::{ETCD, KUBE_APISERVER, KUBE_CONTROLLER_MANAGER, KUBECTL};
use crate::process::{Process, free_port, is_listening, on_free_port};
use egress::Egress;

pub use api::{Answer, Api};
pub use kubectl::Kubectl;
pub use node::{End, Node, Pretend, Program, Runtime};
pub use proxy::ServiceProxy;
pub use requests::Asked;
pub use user::User;

/// The addresses that services get.
const SERVICE_ADDRESSES: &str = "10.0.0.0/24";

/// The address of the API server's own service, the first of [`SERVICE_ADDRESSES`].
const API_SERVICE: &str = "10.0.0.1";

/// A running control plane. Dropping it ends its processes and removes its files.
#[derive(Debug)]
pub struct ControlPlane {
    // In the order in which they end.
    _controllers: Process,
    api_server: ApiServer,
    _etcd: Process,
    cluster: Cluster,
}

/// The API server, and how it is started again.
#[derive(Debug)]
struct ApiServer {
    process: Option<Process>,
    command: Command,
    address: SocketAddr,
}

/// What the processes are told about each other.
#[derive(Debug)]
struct Cluster {
    url: String,
    authority: Authority,
    egress: Egress,
    kubectl: PathBuf,
    folder: TempDir,
}

impl ControlPlane {
    /// Starts the processes and waits until the API server answers and the controllers have begun their work.
    pub fn start() -> Result<Self, Error> {
        let folder = crate::temporary_folder()?;
        let (etcd, store) = start_etcd(folder.path())?;
        let mut cluster = Cluster {
            url: String::new(),
            authority: Authority::new("kubernetes")?,
            egress: Egress::start(&folder.path().join("egress.sock"))?,
            kubectl: KUBECTL.program()?,
            folder,
        };
        let tokens = cluster.authority.client("service-account-tokens", &[])?;
        let api_server = cluster.start_api_server(store, &tokens)?;
        cluster.url = format!("https://{}", api_server.address);
        let controllers = cluster.start_controllers(&tokens)?;
        Ok(Self {
            _controllers: controllers,
            api_server,
            _etcd: etcd,
            cluster,
        })
    }

    /// Whether all that is needed is on this machine; says what is not, as [`crate::components::require`] does.
    ///
    /// # Panics
    /// When something is missing and `CISE_REQUIRE_COMPONENTS` is `1`.
    pub fn require() -> bool {
        crate::components::require(&[&ETCD, &KUBE_APISERVER, &KUBE_CONTROLLER_MANAGER, &KUBECTL])
    }

    /// Where the API server listens: `https://127.0.0.1:<port>`.
    pub fn url(&self) -> &str {
        &self.cluster.url
    }

    /// The authority that the API server and its clients trust.
    pub fn authority(&self) -> &Authority {
        &self.cluster.authority
    }

    /// Lets `to` answer for a service: `service` is its cluster address and port, such as `10.0.0.10:443`. A later route
    /// for the same service takes the place of the earlier one; connections that stand stay as they are.
    pub fn route(&self, service: &str, to: SocketAddr) {
        self.cluster.egress.routes().set(service, vec![to]);
    }

    /// The way from this machine to services of the cluster.
    pub fn service_proxy(&self) -> ServiceProxy {
        ServiceProxy::new(self.cluster.egress.routes().clone())
    }

    /// Ends the API server, and starts it again at the same address. `meanwhile` is done while there is none.
    pub fn restart_api_server(&mut self, meanwhile: impl FnOnce()) -> Result<(), Error> {
        drop(self.api_server.process.take());
        meanwhile();
        let process = self
            .cluster
            .run_api_server(&self.api_server.command, self.api_server.address)?;
        self.api_server.process = Some(process);
        Ok(())
    }

    /// The API server as it answers this user, without a client in between.
    pub fn api(&self, user: &User) -> Result<Api, Error> {
        let identity = self.cluster.authority.client(&user.name, &[&user.group])?;
        Api::new(&self.cluster.url, &self.cluster.authority, &identity)
    }

    /// What a service account has asked of the API server so far.
    pub fn requests_of(&self, namespace: &str, account: &str) -> Result<Vec<Asked>, Error> {
        let user = format!("system:serviceaccount:{namespace}:{account}");
        requests::of(&self.cluster.audit_log(), &user)
    }

    /// The command line client, used by this person or program.
    pub fn kubectl(&self, user: &User) -> Result<Kubectl, Error> {
        self.cluster.kubectl(user)
    }
}

impl Cluster {
    fn audit_log(&self) -> PathBuf {
        self.folder.path().join("audit.log")
    }

    fn kubectl(&self, user: &User) -> Result<Kubectl, Error> {
        Kubectl::new(
            &self.kubectl,
            self.folder.path(),
            &self.url,
            &self.authority,
            user,
        )
    }

    fn start_api_server(&self, store: SocketAddr, tokens: &Identity) -> Result<ApiServer, Error> {
        let names = [&LOOPBACK[..], &[API_SERVICE, "kubernetes.default.svc"]].concat();
        let identity = self.authority.server(&names)?;
        let program = KUBE_APISERVER.program()?;
        let egress = self.write("egress.json", &self.egress.configuration())?;
        let audited = self.write("audit.json", &requests::policy())?;
        on_free_port(|address| {
            let mut command = Command::new(&program);
            command
                .arg(format!("--etcd-servers=http://{store}"))
                .args(["--bind-address=127.0.0.1", "--advertise-address=127.0.0.1"])
                .arg(format!("--secure-port={}", address.port()))
                .arg(flag("--tls-cert-file", &identity.certificate_file))
                .arg(flag("--tls-private-key-file", &identity.key_file))
                .arg(flag("--client-ca-file", &self.authority.certificate_file()))
                .arg(flag("--service-account-key-file", &tokens.certificate_file))
                .arg(flag("--service-account-signing-key-file", &tokens.key_file))
                .arg("--service-account-issuer=https://kubernetes.default.svc")
                .arg(format!("--service-cluster-ip-range={SERVICE_ADDRESSES}"))
                .arg(flag("--egress-selector-config-file", &egress))
                .args([
                    "--endpoint-reconciler-type=none",
                    "--allow-privileged=true",
                    "--profiling=false",
                ])
                .arg(flag("--audit-policy-file", &audited))
                .arg(flag("--audit-log-path", &self.audit_log()))
                .args([
                    "--authorization-mode=Node,RBAC",
                    "--enable-admission-plugins=NodeRestriction",
                ]);
            Ok(ApiServer {
                process: Some(self.run_api_server(&command, address)?),
                command,
                address,
            })
        })
    }

    fn run_api_server(&self, command: &Command, address: SocketAddr) -> Result<Process, Error> {
        let client = Client::trusting(Some(&self.authority.certificate()))?;
        let ready = format!("https://{address}/readyz");
        let is_ready = || {
            client
                .send(&Method::GET, &ready, HeaderMap::new(), Vec::new())
                .is_ok()
        };
        let log = self.log("kube-apiserver");
        Process::start("kube-apiserver", command, &log, is_ready)
    }

    fn start_controllers(&self, tokens: &Identity) -> Result<Process, Error> {
        let identity = self.kubectl(&User::new("system:kube-controller-manager", "controllers"))?;
        let admin = self.kubectl(&User::admin())?;
        let mut command = Command::new(KUBE_CONTROLLER_MANAGER.program()?);
        command
            .arg(flag("--kubeconfig", identity.kubeconfig()))
            .arg(flag("--root-ca-file", &self.authority.certificate_file()))
            .arg(flag("--service-account-private-key-file", &tokens.key_file))
            .args([
                "--use-service-account-credentials",
                "--leader-elect=false",
                "--secure-port=0",
            ])
            .arg("--profiling=false");
        let is_ready = || admin.run(&["get", "serviceaccount", "default"]).is_ok();
        Process::start(
            "kube-controller-manager",
            &command,
            &self.log("kube-controller-manager"),
            is_ready,
        )
    }

    fn log(&self, program: &str) -> PathBuf {
        self.folder.path().join(format!("{program}.log"))
    }

    fn write(&self, name: &str, content: &serde_json::Value) -> Result<PathBuf, Error> {
        let path = self.folder.path().join(name);
        fs::write(&path, content.to_string()).map_err(Error::writing(&path))?;
        Ok(path)
    }
}

fn start_etcd(folder: &Path) -> Result<(Process, SocketAddr), Error> {
    let program = ETCD.program()?;
    on_free_port(|address| {
        let (clients, peers) = (
            format!("http://{address}"),
            format!("http://{}", free_port()?),
        );
        let mut command = Command::new(&program);
        command
            .arg(flag("--data-dir", &folder.join("etcd")))
            .arg(format!("--listen-client-urls={clients}"))
            .arg(format!("--advertise-client-urls={clients}"))
            .arg(format!("--listen-peer-urls={peers}"))
            .arg(format!("--initial-advertise-peer-urls={peers}"))
            .arg(format!("--initial-cluster=default={peers}"))
            // Nothing here has to survive a power failure.
            .args(["--unsafe-no-fsync", "--log-level=warn"]);
        let is_ready = || is_listening(address);
        Ok((
            Process::start("etcd", &command, &folder.join("etcd.log"), is_ready)?,
            address,
        ))
    })
}

fn flag(name: &str, path: &Path) -> String {
    format!("{name}={}", path.display())
}

impl Egress {
    /// What the API server has to be told to go through this proxy: an `EgressSelectorConfiguration`.
    fn configuration(&self) -> serde_json::Value {
        json!({
            "apiVersion": "apiserver.k8s.io/v1beta1",
            "kind": "EgressSelectorConfiguration",
            "egressSelections": [{
                "name": "cluster",
                "connection": {
                    "proxyProtocol": "HTTPConnect",
                    "transport": { "uds": { "udsName": self.socket() } },
                },
            }],
        })
    }
}
