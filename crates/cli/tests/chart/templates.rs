//! What the chart makes of values.

use std::collections::BTreeSet;

use cise_testkit::helm::Helm;
use serde_json::{Value, json};

use crate::chart::{assert_made, documents, folder, helms, object, template};

/// With the advisor, whose database is in a claim.
const ADVISOR: &str = "advisor: {enabled: true, database: {existingClaim: advisories}}";

/// Values of every kind, each other than its default.
const EVERYTHING: &str = include_str!("everything.yaml");

fn made(helm: &Helm, arguments: &[&str], values: &str) -> Vec<Value> {
    documents(&template(helm, arguments, values).unwrap())
}

#[test]
fn the_linter_finds_nothing() {
    let Some(helms) = helms() else { return };
    let folder = folder();
    for helm in helms {
        for values in ["", EVERYTHING] {
            let command = [
                "lint",
                "--strict",
                folder.to_str().unwrap(),
                "--kube-version",
                "1.36.3",
                "--values",
                "-",
            ];
            helm.run_with(&command, values).unwrap();
        }
    }
}

#[test]
fn the_chart_makes_these_objects_by_default() {
    let Some([helm3, _]) = helms() else { return };
    insta::assert_snapshot!("default", template(&helm3, &[], "").unwrap());
}

#[test]
fn the_chart_makes_these_objects_with_everything_set() {
    let Some([helm3, _]) = helms() else { return };
    insta::assert_snapshot!(
        "everything",
        template(&helm3, &["--namespace", "security"], EVERYTHING).unwrap()
    );
}

#[test]
fn with_cert_manager_the_certificate_is_asked_for_and_shown() {
    let Some([helm, _]) = helms() else { return };
    let objects = made(&helm, &[], "certificates: {from: cert-manager}");
    let asked = &object(&objects, "Certificate", "cise-certificates")["spec"];
    assert_eq!(asked["dnsNames"], json!(["cise.ibm-system.svc"]));
    let issuer = object(
        &objects,
        "Issuer",
        asked["issuerRef"]["name"].as_str().unwrap(),
    );
    let authority = &object(&objects, "Certificate", "cise-certificates-authority")["spec"];
    assert_eq!(issuer["spec"]["ca"]["secretName"], authority["secretName"]);
    assert_eq!(authority["isCA"], true);
    let args = pod_of(object(&objects, "Deployment", "cise")).unwrap()["containers"][0]["args"]
        .to_string();
    assert!(args.contains("--tls-cert=/etc/cise/tls/tls.crt"), "{args}");
}

#[test]
fn both_versions_of_helm_make_the_same_objects() {
    let Some([helm3, helm4]) = helms() else {
        return;
    };
    for values in ["", EVERYTHING] {
        let sorted = |helm| {
            let objects = made(helm, &[], values);
            objects
                .iter()
                .map(Value::to_string)
                .collect::<BTreeSet<_>>()
        };
        assert_eq!(sorted(&helm3), sorted(&helm4));
    }
}

#[test]
fn everything_goes_into_the_release_namespace_or_into_ibm_system_where_nobody_chose_one() {
    let Some([helm, _]) = helms() else { return };
    for (chosen, expected) in [("default", "ibm-system"), ("security", "security")] {
        let objects = made(&helm, &["--namespace", chosen], "");
        for object in &objects {
            let namespace = object["metadata"]["namespace"].as_str();
            let elsewhere = match object["metadata"]["name"].as_str().unwrap() {
                "cise-default-policies" => "kube-system",
                "cise-test" => "default",
                _ => expected,
            };
            assert!(
                namespace.is_none_or(|namespace| [expected, elsewhere].contains(&namespace)),
                "{object}"
            );
        }
        let namespaces = objects
            .iter()
            .filter(|object| object["kind"] == "Namespace");
        assert_eq!(namespaces.count(), usize::from(chosen == "default"));
    }
}

#[test]
fn what_belongs_to_the_user_stays_when_the_chart_is_removed() {
    let Some([helm, _]) = helms() else { return };
    for object in made(&helm, &[], "crds: {portieris: true}") {
        let stays = object["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep";
        let kind = object["kind"].as_str().unwrap();
        assert_eq!(
            stays,
            ["CustomResourceDefinition", "Namespace"].contains(&kind),
            "{kind}"
        );
    }
}

#[test]
fn the_webhook_configurations_are_made_empty() {
    let Some([helm, _]) = helms() else { return };
    let objects = made(&helm, &[], "");
    for kind in [
        "MutatingWebhookConfiguration",
        "ValidatingWebhookConfiguration",
    ] {
        let configuration = object(&objects, kind, "image-admission-config");
        assert_eq!(configuration.get("webhooks"), None);
    }
}

#[test]
fn self_healing_knows_the_pods_that_the_chart_makes() {
    let Some([helm, _]) = helms() else { return };
    let other = "image: {tag: other, digest: 'sha256:0000000000000000000000000000000000000000000000000000000000000000'}";
    for (values, expected) in [("", 4), (other, 4), (ADVISOR, 5)] {
        let objects = made(&helm, &[], values);
        let configuration = configuration(&objects);
        let healing = &configuration["cluster"]["selfHealing"];
        let repository = healing["repository"].as_str().unwrap();
        let mut pods = 0;
        for pod in objects.iter().filter_map(pod_of) {
            pods += 1;
            assert!(
                healing["serviceAccounts"]
                    .as_array()
                    .unwrap()
                    .contains(&pod["serviceAccountName"]),
                "{pod}"
            );
            assert_eq!(pod.get("initContainers"), None);
            for container in pod["containers"].as_array().unwrap() {
                let rest = container["image"]
                    .as_str()
                    .unwrap()
                    .strip_prefix(repository)
                    .unwrap();
                assert!(
                    rest.starts_with([':', '@']) && !rest.contains('/'),
                    "{container}"
                );
            }
        }
        assert_eq!(pods, expected, "{values}");
    }
}

#[test]
fn every_pod_keeps_to_the_restricted_standard_and_cannot_write_its_root() {
    let Some([helm, _]) = helms() else { return };
    for pod in made(&helm, &[], ADVISOR).iter().filter_map(pod_of) {
        let security = &pod["securityContext"];
        assert_eq!(security["runAsNonRoot"], true);
        assert_eq!(security["seccompProfile"]["type"], "RuntimeDefault");
        for container in pod["containers"].as_array().unwrap() {
            let expected = json!({
                "allowPrivilegeEscalation": false,
                "readOnlyRootFilesystem": true,
                "capabilities": { "drop": ["ALL"] },
            });
            assert_eq!(container["securityContext"], expected);
            assert_ne!(container["resources"]["limits"]["memory"], Value::Null);
        }
    }
}

#[test]
fn every_file_that_the_configuration_names_is_in_the_pod() {
    let Some([helm, _]) = helms() else { return };
    let objects = made(&helm, &[], EVERYTHING);
    let configuration = configuration(&objects);
    let pod = pod_of(object(&objects, "Deployment", "cise")).unwrap();
    let files = projected(pod);
    let mut named = BTreeSet::new();
    files_in(&configuration, &mut named);
    assert!(named.len() > 6, "{named:?}");
    assert!(named.is_subset(&files), "{named:?} {files:?}");
}

#[test]
fn the_advisor_has_the_files_that_its_configuration_names_and_no_credential_but_for_its_database() {
    let Some([helm, _]) = helms() else { return };
    let objects = made(&helm, &[], EVERYTHING);
    let configuration = configuration_file(&objects, "advisor.yaml");
    let files = projected(pod_of(object(&objects, "Deployment", "cise-advisor")).unwrap());
    let mut named = BTreeSet::new();
    files_in(&configuration, &mut named);
    assert!(named.len() > 2, "{named:?}");
    assert!(named.is_subset(&files), "{named:?} {files:?}");
    let credentials: Vec<_> = files
        .iter()
        .filter(|file| file.ends_with("config.json"))
        .collect();
    assert_eq!(credentials, [&"secrets/advisories-pull/config.json"]);
    let believed = &configuration["advisor"]["vex"]["keyFiles"];
    assert_eq!(*believed, json!(["vex-team.pub", "vex-vendor.pub"]));
    assert_eq!(configuration.get("cluster"), None);
    assert_eq!(configuration["advisor"].get("service"), None);
}

#[test]
fn a_database_that_is_pulled_is_written_where_it_is_kept_and_any_other_is_only_read() {
    let Some([helm, _]) = helms() else { return };
    let key = "key: '-----BEGIN PUBLIC KEY-----', artifact: 'icr.io/advisories:latest'";
    for (database, is_read_only, volume) in [
        ("existingClaim: a".to_owned(), true, "persistentVolumeClaim"),
        (key.to_owned(), false, "emptyDir"),
        (
            format!("{key}, existingClaim: a"),
            false,
            "persistentVolumeClaim",
        ),
        (
            format!("{key}, volume: {{nfs: {{server: a, path: /b}}}}"),
            false,
            "nfs",
        ),
    ] {
        let values = format!("advisor: {{enabled: true, database: {{{database}}}}}");
        let objects = made(&helm, &[], &values);
        let pod = pod_of(object(&objects, "Deployment", "cise-advisor")).unwrap();
        let named = |list: &Value| {
            let mut list = list.as_array().unwrap().iter();
            list.find(|one| one["name"] == "database").unwrap().clone()
        };
        let mount = named(&pod["containers"][0]["volumeMounts"]);
        assert_eq!(mount["readOnly"] == true, is_read_only, "{database}");
        let kept = named(&pod["volumes"]);
        assert!(kept.get(volume).is_some(), "{database}: {kept}");
        let is_claim_read_only = kept["persistentVolumeClaim"]["readOnly"] == true;
        assert_eq!(is_claim_read_only, is_read_only, "{database}");
    }
}

#[test]
fn nodes_are_watched_where_the_advisor_judges_for_their_platforms_and_nowhere_else() {
    let Some([helm, _]) = helms() else { return };
    let named = "advisor: {enabled: true, platforms: [linux/s390x], database: {existingClaim: a}}";
    for (values, expected) in [("", false), (ADVISOR, true), (named, false)] {
        let objects = made(&helm, &[], values);
        let rules = object(&objects, "ClusterRole", "cise")["rules"].to_string();
        assert_eq!(rules.contains("nodes"), expected, "{values}");
    }
}

#[test]
fn pods_are_listed_where_there_is_an_advisor_to_ask_about_them_and_nowhere_else() {
    let Some([helm, _]) = helms() else { return };
    for (values, expected) in [("", None), (ADVISOR, Some(json!(["list"])))] {
        let objects = made(&helm, &[], values);
        let of_pods: Vec<(&str, &Value)> = objects
            .iter()
            .filter(|object| {
                ["Role", "ClusterRole"]
                    .map(Value::from)
                    .contains(&object["kind"])
            })
            .flat_map(|role| {
                let name = role["metadata"]["name"].as_str().unwrap();
                let rules = role["rules"].as_array().unwrap().iter();
                rules.map(move |rule| (name, rule))
            })
            .filter(|(_, rule)| {
                rule["resources"]
                    .as_array()
                    .unwrap()
                    .contains(&"pods".into())
            })
            // `helm test` tries to make one.
            .filter(|(_, rule)| rule["verbs"] != json!(["create"]))
            .collect();
        let verbs: Vec<_> = of_pods
            .iter()
            .map(|(role, rule)| (*role, &rule["verbs"]))
            .collect();
        let expected: Vec<_> = expected.iter().map(|verbs| ("cise", verbs)).collect();
        assert_eq!(verbs, expected, "{values}");
    }
}

#[test]
fn nobody_comes_to_write_policies_or_exemptions_by_a_role_that_they_have() {
    let Some([helm, _]) = helms() else { return };
    let objects = made(&helm, &[], "");
    for what in ["policies", "exemptions"] {
        let role = |verb: &str| object(&objects, "ClusterRole", &format!("cise-{what}-{verb}"));
        let aggregated = |verb: &str| {
            let labels = role(verb)["metadata"]["labels"].as_object().unwrap();
            let found = labels
                .keys()
                .filter(|label| label.contains("aggregate-to-"));
            found.cloned().collect::<Vec<_>>()
        };
        assert_eq!(
            aggregated("view"),
            ["rbac.authorization.k8s.io/aggregate-to-view"]
        );
        assert_eq!(aggregated("edit"), [""; 0]);
        assert_eq!(
            role("view")["rules"][0]["verbs"],
            json!(["get", "list", "watch"])
        );
        for verb in ["view", "edit"] {
            let resources = role(verb)["rules"][0]["resources"].as_array().unwrap();
            let speaks_of_it = |name: &Value| name.as_str().unwrap().ends_with(what);
            assert!(resources.iter().all(speaks_of_it), "{resources:?}");
        }
    }
}

#[test]
fn the_advisor_may_write_into_the_folders_of_its_configuration_and_nowhere_else() {
    let Some([helm, _]) = helms() else { return };
    let objects = made(&helm, &[], ADVISOR);
    let advisor = &configuration_file(&objects, "advisor.yaml")["advisor"];
    let pod = pod_of(object(&objects, "Deployment", "cise-advisor")).unwrap();
    let mounts = pod["containers"][0]["volumeMounts"].as_array().unwrap();
    let writable: Vec<_> = mounts
        .iter()
        .filter(|mount| mount["readOnly"] != true)
        .collect();
    let [cache] = writable.as_slice() else {
        panic!("expected one, got {writable:?}");
    };
    let path = cache["mountPath"].as_str().unwrap();
    for folder in ["cache", "scratch"] {
        let folder = advisor[folder]["folder"].as_str().unwrap();
        assert!(folder.starts_with(path), "{folder} in {path}");
    }
    let volumes = pod["volumes"].as_array().unwrap();
    let volume = volumes.iter().find(|one| one["name"] == cache["name"]);
    let most = &volume.unwrap()["emptyDir"]["sizeLimit"];
    assert_eq!(most, "3136Mi", "twice what is kept, scratch, and some more");
}

#[test]
fn the_memory_of_the_advisors_pod_follows_from_its_bound() {
    let Some([helm, _]) = helms() else { return };
    for (more, limit) in [
        ("", "640Mi"),
        ("memoryMiB: 4096, ", "5120Mi"),
        (
            "memoryMiB: 1024, resources: {limits: {memory: 3Gi}}, ",
            "3Gi",
        ),
        ("resources: {limits: {cpu: 2}}, ", "640Mi"),
    ] {
        let values = format!("advisor: {{enabled: true, {more}database: {{existingClaim: a}}}}");
        let objects = made(&helm, &[], &values);
        let bound = &configuration_file(&objects, "advisor.yaml")["advisor"]["memoryMiB"];
        assert!(bound.as_u64().unwrap() >= 512, "{bound}");
        let pod = pod_of(object(&objects, "Deployment", "cise-advisor")).unwrap();
        let resources = &pod["containers"][0]["resources"];
        assert_eq!(resources["limits"]["memory"], limit, "{more}");
        assert_eq!(resources["requests"]["memory"], "256Mi");
    }
}

#[test]
fn the_webhooks_ask_the_advisor_at_its_service_with_a_token_that_is_made_for_it() {
    let Some([helm, _]) = helms() else { return };
    let objects = made(&helm, &["--namespace", "security"], ADVISOR);
    let asked = &configuration(&objects)["advisor"]["service"];
    let service = object(&objects, "Service", "cise-advisor");
    let host = format!(
        "{}.{}.svc",
        service["metadata"]["name"].as_str().unwrap(),
        service["metadata"]["namespace"].as_str().unwrap()
    );
    assert_eq!(asked["url"], format!("https://{host}"));
    let sources = &pod_of(object(&objects, "Deployment", "cise")).unwrap()["volumes"][0];
    let sources = sources["projected"]["sources"].as_array().unwrap();
    let token = sources
        .iter()
        .find_map(|source| source.get("serviceAccountToken"))
        .unwrap();
    assert_eq!(token["audience"], "cise-advisor");
    assert_eq!(token["path"], asked["tokenFile"]);
    let advisor = pod_of(object(&objects, "Deployment", "cise-advisor")).unwrap();
    let arguments = advisor["containers"][0]["args"].as_array().unwrap();
    let caller = format!(
        "--caller={}",
        pod_of(object(&objects, "Deployment", "cise")).unwrap()["serviceAccountName"]
            .as_str()
            .unwrap()
    );
    assert!(arguments.contains(&json!(caller)), "{arguments:?}");
}

/// The files of the first volume of a pod.
fn projected(pod: &Value) -> BTreeSet<&str> {
    let sources = pod["volumes"][0]["projected"]["sources"].as_array();
    let paths = sources.unwrap().iter().flat_map(|source| {
        let listed = source.get("configMap").or_else(|| source.get("secret"));
        match listed {
            Some(listed) => listed["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| &item["path"])
                .collect(),
            None => vec![&source["serviceAccountToken"]["path"]],
        }
    });
    paths.map(|path| path.as_str().unwrap()).collect()
}

/// The values of all fields that name files.
fn files_in<'v>(value: &'v Value, files: &mut BTreeSet<&'v str>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let names_file = name == "pullCredentials" || name.ends_with("File");
                files.extend(value.as_str().filter(|_| names_file));
                let listed = value.as_array().filter(|_| name.ends_with("Files"));
                files.extend(listed.into_iter().flatten().filter_map(Value::as_str));
                files_in(value, files);
            }
        }
        Value::Array(values) => values.iter().for_each(|value| files_in(value, files)),
        _ => {}
    }
}

fn configuration(objects: &[Value]) -> Value {
    configuration_file(objects, "config.yaml")
}

fn configuration_file(objects: &[Value], name: &str) -> Value {
    let text = object(objects, "ConfigMap", "cise")["data"][name]
        .as_str()
        .unwrap();
    serde_saphyr::from_str(text).unwrap()
}

/// The pod that an object is or makes.
fn pod_of(object: &Value) -> Option<&Value> {
    match object["kind"].as_str()? {
        "Pod" => Some(&object["spec"]),
        "Deployment" | "Job" => Some(&object["spec"]["template"]["spec"]),
        _ => None,
    }
}

#[test]
fn what_cise_install_makes_is_what_the_chart_makes_by_default() {
    let Some([_, helm]) = helms() else { return };
    let arguments = [
        "--namespace",
        "namespace-of-cise",
        "--set",
        "crds.install=false",
    ];
    let made = template(&helm, &arguments, "").unwrap();
    assert_made(
        "../../crates/cli/src/install/manifests.yaml",
        &format!("{}\n", made.trim()),
    );
}
