//! The way from services to the programs of their pods.

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
            for (name, backends) in ports(service, &slices, kubelet) {
                if self.known.get(&name) != Some(&backends) {
                    self.routes.set(&name, backends.clone());
                    self.known.insert(name, backends);
                }
            }
        }
        Ok(())
    }
}

/// For each port of a service, its cluster address and who answers there.
fn ports(service: &Value, slices: &[Value], kubelet: &Kubelet) -> Vec<(String, Vec<SocketAddr>)> {
    let address = text(service, "/spec/clusterIP");
    let own: Vec<&Value> = slices
        .iter()
        .filter(|slice| belongs(slice, service))
        .collect();
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

/// Those of a slice that are ready, at its port of that name.
fn backends(slice: &Value, port: &str, kubelet: &Kubelet) -> Vec<SocketAddr> {
    let ports = slice.get("ports").and_then(Value::as_array);
    let number = ports.into_iter().flatten().find_map(|found| {
        let number = found.get("port").and_then(Value::as_u64)?;
        (text(found, "/name") == port).then_some(u16::try_from(number).ok()?)
    });
    let Some(number) = number else {
        return Vec::new();
    };
    let endpoints = slice.get("endpoints").and_then(Value::as_array);
    let ready = endpoints.into_iter().flatten().filter(|endpoint| {
        endpoint
            .pointer("/conditions/ready")
            .and_then(Value::as_bool)
            == Some(true)
    });
    ready
        .filter_map(|endpoint| kubelet.find(text(endpoint, "/addresses/0"), number))
        .collect()
}
