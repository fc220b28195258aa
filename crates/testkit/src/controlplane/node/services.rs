//! The way from services to the programs of their pods.
//!
//! A webhook is called at the address of its service; what the API server itself passes on to a service (`services/proxy`), it sends
//! to the address of a pod.

use std::collections::HashMap;
use std::net::SocketAddr;

use serde_json::Value;

use super::kubelet::Kubelet;
use super::list;
use super::pod::text;
use crate::Error;
use crate::controlplane::Api;
use crate::controlplane::egress::Routes;

/// Keeps the routes of all services that select pods. The others are left to whoever made them.
pub(super) struct Services {
    api: Api,
    routes: Routes,
    known: HashMap<String, Vec<SocketAddr>>,
}

impl Services {
    pub(super) fn new(api: Api, routes: Routes) -> Self {
        Self {
            api,
            routes,
            known: HashMap::new(),
        }
    }

    /// Routes each service to the pods that are ready now.
    pub(super) fn look(&mut self, kubelet: &Kubelet) -> Result<(), Error> {
        let slices = list(&self.api, "/apis/discovery.k8s.io/v1/endpointslices")?;
        let services = list(&self.api, "/api/v1/services")?;
        let (Some(slices), Some(services)) = (slices, services) else {
            return Ok(());
        };
        for service in services
            .iter()
            .filter(|service| service.pointer("/spec/selector").is_some())
        {
            let own: Vec<&Value> = slices
                .iter()
                .filter(|slice| belongs(slice, service))
                .collect();
            let routes = ports(service, &own, kubelet).into_iter();
            for (name, backends) in routes.chain(pods(&own, kubelet)) {
                if self.known.get(&name) != Some(&backends) {
                    self.routes.set(&name, backends.clone());
                    self.known.insert(name, backends);
                }
            }
        }
        Ok(())
    }
}

/// An address of the cluster with its port, and who answers there.
type Route = (String, Vec<SocketAddr>);

/// For each port of a service, its cluster address and who answers there.
fn ports(service: &Value, own: &[&Value], kubelet: &Kubelet) -> Vec<Route> {
    let address = text(service, "/spec/clusterIP");
    let ports = service.pointer("/spec/ports").and_then(Value::as_array);
    let ports = ports.into_iter().flatten().map(|port| {
        let number = port.get("port").and_then(Value::as_u64).unwrap_or_default();
        let backends = own
            .iter()
            .flat_map(|slice| backends(slice, text(port, "/name"), kubelet));
        (format!("{address}:{number}"), backends.collect())
    });
    ports.collect()
}

fn belongs(slice: &Value, service: &Value) -> bool {
    let labels = slice.pointer("/metadata/labels");
    let name = labels.and_then(|labels| labels.get("kubernetes.io/service-name"));
    name.and_then(Value::as_str) == Some(text(service, "/metadata/name"))
        && text(slice, "/metadata/namespace") == text(service, "/metadata/namespace")
}

/// For each port of a pod behind a service, the pod's address and who answers there.
fn pods(own: &[&Value], kubelet: &Kubelet) -> Vec<Route> {
    let route = |address: &str, number: u16| {
        let backend = kubelet.find(address, number);
        (format!("{address}:{number}"), backend.into_iter().collect())
    };
    let of_slice = |slice: &&Value| {
        let numbers: Vec<u16> = elements(slice, "ports").filter_map(number).collect();
        let addresses = elements(slice, "endpoints").map(|endpoint| text(endpoint, "/addresses/0"));
        let routes = addresses.flat_map(|address| numbers.iter().map(move |one| (address, *one)));
        routes
            .map(|(address, number)| route(address, number))
            .collect::<Vec<_>>()
    };
    own.iter().flat_map(of_slice).collect()
}

/// Those of a slice that are ready, at its port of that name.
fn backends(slice: &Value, port: &str, kubelet: &Kubelet) -> Vec<SocketAddr> {
    let named = elements(slice, "ports").find(|found| text(found, "/name") == port);
    let Some(number) = named.and_then(number) else {
        return Vec::new();
    };
    let ready = elements(slice, "endpoints").filter(|endpoint| {
        endpoint
            .pointer("/conditions/ready")
            .and_then(Value::as_bool)
            == Some(true)
    });
    ready
        .filter_map(|endpoint| kubelet.find(text(endpoint, "/addresses/0"), number))
        .collect()
}

fn number(port: &Value) -> Option<u16> {
    let number = port.get("port").and_then(Value::as_u64)?;
    u16::try_from(number).ok()
}

fn elements<'v>(slice: &'v Value, list: &str) -> impl Iterator<Item = &'v Value> {
    let list = slice.get(list).and_then(Value::as_array);
    list.into_iter().flatten()
}
