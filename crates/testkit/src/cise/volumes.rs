//! The volumes of a pod, as folders of this machine.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::places::{list, text};
use crate::Error;
use crate::controlplane::Api;

/// Below it is what every pod has of its service account. The program gets a kubeconfig file in its place.
const OF_THE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/";

/// Where the volumes of a pod's first container are, each with the path that it has in the container.
#[derive(Debug, Default)]
pub(super) struct Mounts(Vec<(String, PathBuf)>);

/// Who mounts, and where what outlives a pod is kept.
#[derive(Debug)]
pub(super) struct Mounter<'a> {
    pub(super) api: &'a Api,
    pub(super) claims: &'a Path,
}

impl Mounts {
    /// A text with places of this machine for those of the container.
    pub(super) fn translate(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (path, place)| {
            text.replace(&format!("{path}/"), &format!("{}/", place.display()))
        })
    }
}

impl Mounter<'_> {
    /// Fills the volumes of a pod below this folder. As with a kubelet, what is not there yet keeps the pod from starting.
    pub(super) fn mount(&self, pod: &Value, folder: &Path) -> Result<Mounts, Error> {
        let mounts = list(pod, "/spec/containers/0/volumeMounts")
            .map(|mount| (text(mount, "/name"), text(mount, "/mountPath").to_owned()));
        let own = mounts.filter(|(_, path)| !format!("{path}/").starts_with(OF_THE_ACCOUNT));
        let volume_of = |name| {
            let volume = list(pod, "/spec/volumes").find(|volume| text(volume, "/name") == name);
            volume.ok_or(Error::Fixture("a pod mounts a volume that it has not"))
        };
        let found = own.map(|(name, path)| Ok((path, volume_of(name)?)));
        let found: Vec<(String, &Value)> = found.collect::<Result<_, Error>>()?;
        let place = |(path, volume): &(String, &Value)| {
            let place = match text(volume, "/persistentVolumeClaim/claimName") {
                "" => folder.join(path.trim_start_matches('/')),
                claim => self.claims.join(claim),
            };
            (path.clone(), place)
        };
        let mounts = Mounts(found.iter().map(place).collect());
        for ((_, volume), (_, place)) in found.iter().zip(&mounts.0) {
            fs::create_dir_all(place).map_err(Error::writing(place))?;
            self.fill(pod, volume, place, &mounts)?;
        }
        Ok(mounts)
    }

    fn fill(
        &self,
        pod: &Value,
        volume: &Value,
        place: &Path,
        mounts: &Mounts,
    ) -> Result<(), Error> {
        if let Some(projected) = volume.get("projected") {
            return list(projected, "/sources")
                .try_for_each(|source| self.project(pod, source, place, mounts));
        }
        if let Some(secret) = volume.get("secret") {
            return self.secret(pod, text(secret, "/secretName"), secret, place);
        }
        let is_folder = ["persistentVolumeClaim", "emptyDir"]
            .iter()
            .any(|kind| volume.get(kind).is_some());
        is_folder.then_some(()).ok_or(Error::Fixture(
            "a volume is of a kind that is not mounted here",
        ))
    }

    /// Files of the configuration name places of the container too, which become places of this machine.
    fn project(
        &self,
        pod: &Value,
        source: &Value,
        place: &Path,
        mounts: &Mounts,
    ) -> Result<(), Error> {
        if let Some(map) = source.get("configMap") {
            let path = format!("{}/configmaps/{}", namespace(pod), text(map, "/name"));
            let data = self.api.get(&path)?.body;
            return write(map, place, |key| {
                let text = data.pointer(&pointer(key))?.as_str()?;
                Some(mounts.translate(text).into_bytes())
            });
        }
        if let Some(secret) = source.get("secret") {
            return self.secret(pod, text(secret, "/name"), secret, place);
        }
        match source.get("serviceAccountToken") {
            Some(token) => self.token(pod, token, place),
            None => Err(Error::Fixture(
                "a volume has a source that is not mounted here",
            )),
        }
    }

    fn secret(&self, pod: &Value, name: &str, items: &Value, place: &Path) -> Result<(), Error> {
        let path = format!("{}/secrets/{name}", namespace(pod));
        let data = self.api.get(&path)?.body;
        write(items, place, |key| {
            STANDARD.decode(data.pointer(&pointer(key))?.as_str()?).ok()
        })
    }

    fn token(&self, pod: &Value, token: &Value, place: &Path) -> Result<(), Error> {
        let audience = token.get("audience");
        let made = self.api.token(pod, audience)?;
        put(place, text(token, "/path"), made.as_bytes())
    }
}

impl Api {
    /// A token of a pod's service account, for this audience.
    pub(super) fn token(&self, pod: &Value, audience: Option<&Value>) -> Result<String, Error> {
        let account = text(pod, "/spec/serviceAccountName");
        let path = format!("{}/serviceaccounts/{account}/token", namespace(pod));
        let audiences: Vec<&Value> = audience.into_iter().collect();
        let request = json!({
            "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
            "spec": { "audiences": audiences },
        });
        let answer = self.post(&path, &request)?.body;
        match text(&answer, "/status/token") {
            "" => Err(Error::Fixture("the API server makes no token for a pod")),
            token => Ok(token.to_owned()),
        }
    }
}

fn write(
    source: &Value,
    place: &Path,
    content: impl Fn(&str) -> Option<Vec<u8>>,
) -> Result<(), Error> {
    for item in list(source, "/items") {
        let (key, path) = (text(item, "/key"), text(item, "/path"));
        let missing = Error::Fixture("what a pod mounts is not there yet");
        put(place, path, &content(key).ok_or(missing)?)?;
    }
    Ok(())
}

fn put(place: &Path, name: &str, content: &[u8]) -> Result<(), Error> {
    let path = place.join(name);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(Error::writing(folder))?;
    }
    fs::write(&path, content).map_err(Error::writing(&path))
}

fn namespace(pod: &Value) -> String {
    format!("/api/v1/namespaces/{}", text(pod, "/metadata/namespace"))
}

/// Where a key is in a Secret or a `ConfigMap` (RFC 6901).
fn pointer(key: &str) -> String {
    format!("/data/{}", key.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_a_container_become_those_of_this_machine() {
        let mounts = Mounts(vec![
            ("/etc/cise".to_owned(), "/here/etc/cise".into()),
            ("/etc/cise-certificate".to_owned(), "/there".into()),
        ]);
        for (text, expected) in [
            (
                "--config=/etc/cise/config.yaml",
                "--config=/here/etc/cise/config.yaml",
            ),
            (
                "--tls-cert=/etc/cise-certificate/tls.crt",
                "--tls-cert=/there/tls.crt",
            ),
            ("--log-level=info", "--log-level=info"),
        ] {
            assert_eq!(mounts.translate(text), expected);
        }
    }
}
