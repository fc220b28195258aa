//! Policies, secrets and service accounts of one moment, read in full or not at all.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use cise_admission::SecretData;
use cise_advisor::exemption::{Exemption, Exemptions, is_kind};
use cise_policy::{ApiGroup, NameError, Policies, Policy, PolicyError};

use crate::object::{Object, steps};
use crate::{Manifest, ManifestError, Place, account, exemption, secret};

/// Policies, secrets and service accounts of one moment.
#[derive(Default)]
pub struct Generation {
    policies: Arc<Policies>,
    exemptions: Arc<Exemptions>,
    secrets: HashMap<Name, Arc<SecretData>>,
    accounts: HashMap<Name, Arc<[String]>>,
}

type Name = (Box<str>, Box<str>);

impl Generation {
    /// Reads all of the manifests. Objects of other kinds are passed over. What names no namespace is in `default_namespace`.
    pub fn read(manifests: &[Manifest], default_namespace: &str) -> Result<Self, ManifestError> {
        let mut reading = Reading::default();
        for manifest in manifests {
            for object in Object::all_of(manifest)? {
                reading.add(&object, default_namespace)?;
            }
        }
        Ok(reading.finish())
    }

    /// The compiled policies.
    pub fn policies(&self) -> &Arc<Policies> {
        &self.policies
    }

    /// The compiled exemptions.
    pub fn exemptions(&self) -> &Arc<Exemptions> {
        &self.exemptions
    }

    /// The Secret with this name.
    pub fn secret(&self, namespace: &str, name: &str) -> Option<&Arc<SecretData>> {
        self.secrets.get(&named(namespace, name))
    }

    /// The pull secrets of the service account with this name.
    pub fn pull_secrets_of(
        &self,
        namespace: &str,
        service_account: &str,
    ) -> Option<&Arc<[String]>> {
        self.accounts.get(&named(namespace, service_account))
    }
}

#[derive(Default)]
struct Reading {
    policies: Vec<Policy>,
    exemptions: Vec<Exemption>,
    secrets: HashMap<Name, Arc<SecretData>>,
    accounts: HashMap<Name, Arc<[String]>>,
    places: BTreeMap<String, Place>,
}

impl Reading {
    fn add(&mut self, object: &Object, default_namespace: &str) -> Result<(), ManifestError> {
        if is_kind(&object.kind) && ApiGroup::claims(&object.api_version) {
            return self.add_exemption(object, default_namespace);
        }
        if ApiGroup::claims(&object.api_version) {
            return self.add_policy(object, default_namespace);
        }
        let name = (object.namespace_or(default_namespace), object.name.clone());
        match (&*object.api_version, &*object.kind) {
            ("v1", "Secret") => {
                self.claim(object, &name)?;
                let secret = secret::read(object, &name.0)?;
                self.secrets.insert(name, Arc::new(secret));
            }
            ("v1", "ServiceAccount") => {
                self.claim(object, &name)?;
                self.accounts.insert(name, account::pull_secrets(object)?);
            }
            _ => {}
        }
        Ok(())
    }

    fn add_policy(
        &mut self,
        object: &Object,
        default_namespace: &str,
    ) -> Result<(), ManifestError> {
        let policy =
            cise_policy::from_value(&object.to_json(), default_namespace).map_err(|error| {
                ManifestError::Policy {
                    place: place_of(&error, object),
                    error: error.into(),
                }
            })?;
        self.claim_as(policy.origin().to_string(), object.place())?;
        self.policies.push(policy);
        Ok(())
    }

    fn add_exemption(
        &mut self,
        object: &Object,
        default_namespace: &str,
    ) -> Result<(), ManifestError> {
        let exemption = exemption::read(object, default_namespace)?;
        if exemption.overreaches() {
            return Err(ManifestError::AccountScope {
                place: object.nearest(["spec", "images"]),
                exemption: exemption.origin().clone(),
            });
        }
        self.claim_as(exemption.origin().to_string(), object.place())?;
        self.exemptions.push(exemption);
        Ok(())
    }

    fn claim(&mut self, object: &Object, (namespace, name): &Name) -> Result<(), ManifestError> {
        if name.is_empty() {
            return Err(object.fault("metadata.name", "a name"));
        }
        self.claim_as(
            format!("{} {namespace}/{name}", object.kind),
            object.place(),
        )
    }

    fn claim_as(&mut self, object: String, second: Place) -> Result<(), ManifestError> {
        if let Some(first) = self.places.get(&object) {
            return Err(ManifestError::Duplicate {
                object,
                first: first.clone(),
                second,
            });
        }
        self.places.insert(object, second);
        Ok(())
    }

    fn finish(self) -> Generation {
        Generation {
            policies: Arc::new(Policies::compile(self.policies, [])),
            exemptions: Arc::new(Exemptions::compile(self.exemptions)),
            secrets: self.secrets,
            accounts: self.accounts,
        }
    }
}

/// The error's place in the manifest, by the path of the field.
fn place_of(error: &PolicyError, object: &Object) -> Place {
    let path = match error {
        PolicyError::Header(fault) | PolicyError::Content { fault, .. } => &fault.path,
        PolicyError::Kind { .. } => "kind",
        PolicyError::Name(NameError::Object(_)) => "metadata.name",
        PolicyError::Name(NameError::Namespace(_)) | PolicyError::ClusterInNamespace { .. } => {
            "metadata.namespace"
        }
        _ => "",
    };
    object.nearest(steps(path))
}

fn named(namespace: &str, name: &str) -> Name {
    (namespace.into(), name.into())
}

#[cfg(test)]
mod tests {
    use cise_policy::Resolution;
    use cise_reference::Reference;

    use super::*;

    const POLICY: &str = "
apiVersion: securityenforcement.admission.cloud.ibm.com/v1beta1
kind: ImagePolicy
metadata: {name: web}
spec: {repositories: [{name: 'icr.io/*', policy: }]}
";

    fn generation(text: &str) -> Result<Generation, String> {
        let manifest = Manifest::read_from("all.yaml", text.as_bytes()).unwrap();
        Generation::read(&[manifest], "team").map_err(|error| error.to_string())
    }

    fn resolves(generation: &Generation, namespace: &str) -> bool {
        let image = Reference::parse("icr.io/a").unwrap();
        matches!(
            generation.policies().resolve(namespace, &image),
            Resolution::Matched(_)
        )
    }

    #[test]
    fn what_names_no_namespace_is_in_the_default_one() {
        let found = generation(POLICY).unwrap();
        assert!(resolves(&found, "team") && !resolves(&found, "default"));
        let text = "{apiVersion: v1, kind: Secret, metadata: {name: a}}\n--- {apiVersion: v1, kind: ServiceAccount, metadata: {name: b, namespace: x}}";
        let found = generation(text).unwrap();
        assert!(found.secret("team", "a").is_some() && found.secret("default", "a").is_none());
        assert!(
            found.pull_secrets_of("x", "b").is_some()
                && found.pull_secrets_of("team", "b").is_none()
        );
    }

    #[test]
    fn policies_come_in_lists_and_beside_other_kinds_too() {
        let item = "{metadata: {name: p, namespace: x}, spec: {repositories: [{name: 'icr.io/*', policy: null}]}}";
        let list = format!(
            "{{apiVersion: portieris.cloud.ibm.com/v1, kind: ImagePolicyList, items: [{item}]}}"
        );
        let found = generation(&format!(
            "{{apiVersion: v1, kind: Service, metadata: {{name: s}}}}\n---\n{list}{POLICY}"
        ))
        .err()
        .unwrap();
        assert!(
            found.starts_with("all.yaml:"),
            "two documents without a mark between them: {found}"
        );
        let found = generation(&format!(
            "{{apiVersion: v1, kind: Service, metadata: {{name: s}}}}\n---\n{list}\n---{POLICY}"
        ))
        .unwrap();
        assert!(resolves(&found, "x") && resolves(&found, "team"));
    }

    #[test]
    fn a_faulty_policy_is_refused_with_the_place_of_the_field() {
        let faulty = |from: &str, to: &str| generation(&POLICY.replace(from, to)).err().unwrap();
        for (from, to, expected) in [
            ("name: 'icr.io/*'", "nam: 'icr.io/*'", "all.yaml:5:24: "),
            ("policy: ", "polcy: ", "all.yaml:5:42: "),
            (
                "policy: ",
                "policy: {trust: {enabled: maybe}}",
                "all.yaml:5:59: ",
            ),
            ("icr.io/*", "icr.io//*", "all.yaml:5:24: "),
            ("spec", "spce", "all.yaml:5:1: "),
            ("v1beta1", "v7", "all.yaml:3:1: "),
            ("ImagePolicy", "ImagePolicies", "all.yaml:3:1: "),
            ("name: web", "name: Web", "all.yaml:4:12: "),
        ] {
            let found = faulty(from, to);
            assert!(found.starts_with(expected), "{to}: {found}");
        }
    }

    #[test]
    fn an_exemption_of_a_namespace_names_its_images() {
        let exemption = |kind: &str, images: &str| {
            generation(&format!(
                "apiVersion: securityenforcement.admission.cloud.ibm.com/v1beta1\nkind: {kind}\nmetadata: {{name: a}}\n\
                 spec: {{issueType: cve, issueID: CVE-2026-10001, images: {images}}}\n"
            ))
        };
        for images in ["['*']", "['icr.io/a', '*.*/*']"] {
            assert!(exemption("ClusterImageExemption", images).is_ok());
            assert_eq!(
                exemption("ImageExemption", images).err().unwrap(),
                "all.yaml:4:49: ImageExemption team/a names every image of the account: expected the images that it is for, or the kind \
                 ClusterImageExemption"
            );
        }
        assert!(exemption("ImageExemption", "['icr.io/*']").is_ok());
    }

    #[test]
    fn an_object_that_is_defined_twice_is_refused_with_both_places() {
        let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n---\n";
        for (text, expected) in [
            (
                format!("{POLICY}---{POLICY}"),
                "all.yaml:7:1: ImagePolicy team/web is already defined at all.yaml:2:1: expected each object once",
            ),
            (
                secret.repeat(2),
                "all.yaml:5:1: Secret team/a is already defined at all.yaml:1:1: expected each object once",
            ),
        ] {
            assert_eq!(generation(&text).err().unwrap(), expected);
        }
        assert!(
            generation("{apiVersion: v1, kind: Secret, metadata: {}}")
                .err()
                .unwrap()
                .contains("metadata.name: expected a name")
        );
    }
}
