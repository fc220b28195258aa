use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cise_admission::{Hook, Pass, PolicyGate, Workloads};
use serde_json::{Value, json};

use super::OwnPods;
use super::conditions::{for_pods, for_policies, for_workloads};

/// The label by which a namespace is left out, where the administrator permits that.
const OPT_OUT: (&str, &str) = (
    "securityenforcement.admission.cloud.ibm.com/namespace",
    "skip",
);

/// The label that the API server puts on every namespace.
const NAMESPACE_NAME: &str = "kubernetes.io/metadata.name";

/// How the webhooks are to be registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrationSettings {
    /// The Service in this program's namespace by which the API server reaches it, at port 443.
    pub service: String,
    /// What becomes of workloads whose pods would be refused.
    pub workloads: Workloads,
    /// What the API server does with pods when it gets no answer.
    pub failure_policy: FailurePolicy,
    /// How long the API server waits for an answer, in seconds: 1 to 30.
    pub timeout_seconds: u8,
    /// Whether a label on a namespace turns the enforcement off in it.
    pub opt_out: OptOut,
    /// What becomes of namespaces whose policies admit everything unverified.
    pub open_namespaces: OpenNamespaces,
    /// The pods of this program itself; none, if they are to be treated as all others.
    pub own_pods: Option<OwnPods>,
    /// Whether policies and exemptions are checked before they are stored.
    pub policy_hook: PolicyHook,
}

/// What the API server does when it gets no answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FailurePolicy {
    /// It refuses.
    #[default]
    Fail,
    /// It lets everything pass unchecked.
    Ignore,
}

/// Whether the label `securityenforcement.admission.cloud.ibm.com/namespace: skip` turns the enforcement off in a namespace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OptOut {
    /// Nothing does.
    #[default]
    Never,
    /// It does, for whoever may label a namespace.
    ByLabel,
}

/// What becomes of namespaces whose policies admit everything unverified.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OpenNamespaces {
    /// No webhook is called for them, so that their pods start even while nobody answers.
    #[default]
    LeftOut,
    /// They are treated as all others.
    Included,
}

/// Whether this program serves a webhook that checks policies and exemptions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PolicyHook {
    /// It does, at `/policies`.
    #[default]
    Served,
    /// It does not.
    Unserved,
}

/// The webhooks of a pass, as a configuration of `admissionregistration.k8s.io/v1` lists them.
pub(super) fn list(
    pass: Pass,
    settings: &RegistrationSettings,
    namespace: &str,
    authorities: &str,
    left_out: &BTreeSet<String>,
) -> Value {
    let writer = Writer {
        settings,
        namespace,
        authorities: STANDARD.encode(authorities),
        left_out,
    };
    let pods = |hook| writer.for_pods(hook);
    let workloads = |hook, failure| writer.for_workloads(hook, failure);
    let hooks = match (pass, settings.workloads) {
        (Pass::Mutating, Workloads::Enforce) => vec![
            pods(Hook::Trust),
            workloads(Hook::WorkloadsMutate, FailurePolicy::Fail),
        ],
        (Pass::Mutating, Workloads::Warn | Workloads::Off) => vec![pods(Hook::Trust)],
        (Pass::Validating, setting) => {
            let workloads = match setting {
                Workloads::Warn => Some(workloads(Hook::Workloads, FailurePolicy::Ignore)),
                Workloads::Enforce => Some(workloads(Hook::Workloads, FailurePolicy::Fail)),
                Workloads::Off => None,
            };
            let policies = writer.for_policies();
            let pods = [pods(Hook::TrustValidate), pods(Hook::VulnerabilityAdvisor)];
            pods.into_iter().chain(workloads).chain(policies).collect()
        }
    };
    Value::Array(hooks)
}

/// The namespaces that any webhook of this configuration leaves out by their names.
pub(super) fn left_out(configuration: &Value) -> BTreeSet<String> {
    let webhooks = configuration.get("webhooks").and_then(Value::as_array);
    let expressions = webhooks.into_iter().flatten().flat_map(|webhook| {
        let expressions = webhook.pointer("/namespaceSelector/matchExpressions");
        expressions.and_then(Value::as_array).into_iter().flatten()
    });
    let by_name = expressions.filter(|expression| {
        let key = expression.get("key");
        key.is_some_and(|key| key == NAMESPACE_NAME)
    });
    let values = by_name.filter_map(|expression| expression.get("values")?.as_array());
    let names = values.flatten().filter_map(Value::as_str);
    names.map(str::to_owned).collect()
}

struct Writer<'a> {
    settings: &'a RegistrationSettings,
    namespace: &'a str,
    authorities: String,
    left_out: &'a BTreeSet<String>,
}

impl Writer<'_> {
    fn for_pods(&self, hook: Hook) -> Value {
        let rules = json!([rule(
            "",
            "v1",
            &["pods", "pods/ephemeralcontainers"],
            "Namespaced"
        )]);
        let conditions = for_pods(self.settings.own_pods.as_ref(), self.namespace);
        self.of_hook(hook, &rules, self.settings.failure_policy, &conditions)
    }

    fn for_workloads(&self, hook: Hook, failure: FailurePolicy) -> Value {
        let rules = json!([
            rule("", "v1", &["replicationcontrollers"], "Namespaced"),
            rule(
                "apps",
                "v1",
                &["deployments", "replicasets", "statefulsets", "daemonsets"],
                "Namespaced"
            ),
            rule("batch", "v1", &["jobs", "cronjobs"], "Namespaced"),
        ]);
        let conditions = for_workloads(self.settings.own_pods.as_ref(), self.namespace);
        self.of_hook(hook, &rules, failure, &conditions)
    }

    fn for_policies(&self) -> Option<Value> {
        let policies = ["imagepolicies", "clusterimagepolicies"];
        let exemptions = ["imageexemptions", "clusterimageexemptions"];
        let rules = json!([
            rule(
                "securityenforcement.admission.cloud.ibm.com",
                "v1beta1",
                &[policies, exemptions].concat(),
                "*"
            ),
            rule("portieris.cloud.ibm.com", "v1", &policies, "*"),
        ]);
        let (name, path) = (PolicyGate::NAME, PolicyGate::PATH);
        let mut webhook = self.webhook(name, path, &rules, FailurePolicy::Fail);
        if let Some(fields) = webhook.as_object_mut() {
            fields.insert("matchConditions".to_owned(), for_policies().into());
        }
        (self.settings.policy_hook == PolicyHook::Served).then_some(webhook)
    }

    fn of_hook(
        &self,
        hook: Hook,
        rules: &Value,
        failure: FailurePolicy,
        conditions: &[Value],
    ) -> Value {
        let mut webhook = self.webhook(&hook.name(), hook.path(), rules, failure);
        if let Some(fields) = webhook.as_object_mut() {
            fields.insert("namespaceSelector".to_owned(), self.namespaces());
            fields.insert("matchConditions".to_owned(), conditions.into());
            if hook.pass() == Pass::Mutating {
                fields.insert("reinvocationPolicy".to_owned(), "IfNeeded".into());
            }
        }
        webhook
    }

    fn webhook(&self, name: &str, path: &str, rules: &Value, failure: FailurePolicy) -> Value {
        json!({
            "name": name,
            "clientConfig": {
                "caBundle": self.authorities,
                "service": {
                    "namespace": self.namespace,
                    "name": self.settings.service,
                    "path": path,
                    "port": 443,
                },
            },
            "rules": rules,
            "failurePolicy": match failure {
                FailurePolicy::Fail => "Fail",
                FailurePolicy::Ignore => "Ignore",
            },
            // A request for another version of the same object is converted first.
            "matchPolicy": "Equivalent",
            "sideEffects": "NoneOnDryRun",
            "timeoutSeconds": self.settings.timeout_seconds,
            "admissionReviewVersions": ["v1"],
        })
    }

    fn namespaces(&self) -> Value {
        let left_out =
            json!({ "key": NAMESPACE_NAME, "operator": "NotIn", "values": self.left_out });
        let (key, value) = OPT_OUT;
        let opted_out = json!({ "key": key, "operator": "NotIn", "values": [value] });
        let left_out = (!self.left_out.is_empty()).then_some(left_out);
        let opted_out = (self.settings.opt_out == OptOut::ByLabel).then_some(opted_out);
        let expressions: Vec<Value> = left_out.into_iter().chain(opted_out).collect();
        json!({ "matchExpressions": expressions })
    }
}

fn rule(group: &str, version: &str, resources: &[&str], scope: &str) -> Value {
    json!({
        "apiGroups": [group],
        "apiVersions": [version],
        "resources": resources,
        "operations": ["CREATE", "UPDATE"],
        "scope": scope,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(workloads: Workloads) -> RegistrationSettings {
        RegistrationSettings {
            service: "cise".to_owned(),
            workloads,
            failure_policy: FailurePolicy::Fail,
            timeout_seconds: 10,
            opt_out: OptOut::Never,
            open_namespaces: OpenNamespaces::LeftOut,
            own_pods: None,
            policy_hook: PolicyHook::Served,
        }
    }

    /// Name, path and failure policy of each.
    fn listed(pass: Pass, settings: &RegistrationSettings) -> Vec<String> {
        let webhooks = list(pass, settings, "ibm-system", "", &BTreeSet::new());
        let text = |webhook: &Value, field: &str| {
            webhook.pointer(field).unwrap().as_str().unwrap().to_owned()
        };
        let webhooks = webhooks.as_array().unwrap().iter().map(|webhook| {
            let name = text(webhook, "/name").split_once('.').unwrap().0.to_owned();
            format!(
                "{name} {} {}",
                text(webhook, "/clientConfig/service/path"),
                text(webhook, "/failurePolicy")
            )
        });
        webhooks.collect()
    }

    #[test]
    fn each_pass_has_its_webhooks() {
        let (mutating, validating) = (Pass::Mutating, Pass::Validating);
        let pods = ["trust /trust/validate Fail", "va /va Fail"];
        let policies = "policies /policies Fail";
        for (setting, pass, expected) in [
            (Workloads::Warn, mutating, vec!["trust /trust Fail"]),
            (Workloads::Off, mutating, vec!["trust /trust Fail"]),
            (
                Workloads::Enforce,
                mutating,
                vec!["trust /trust Fail", "workloads /workloads/mutate Fail"],
            ),
            (
                Workloads::Warn,
                validating,
                vec![pods[0], pods[1], "workloads /workloads Ignore", policies],
            ),
            (
                Workloads::Enforce,
                validating,
                vec![pods[0], pods[1], "workloads /workloads Fail", policies],
            ),
            (Workloads::Off, validating, vec![pods[0], pods[1], policies]),
        ] {
            assert_eq!(
                listed(pass, &settings(setting)),
                expected,
                "{setting:?} {pass:?}"
            );
        }
    }

    #[test]
    fn pods_may_pass_unchecked_where_that_is_set_and_policies_never() {
        let lenient = RegistrationSettings {
            failure_policy: FailurePolicy::Ignore,
            ..settings(Workloads::Off)
        };
        assert_eq!(
            listed(Pass::Validating, &lenient),
            [
                "trust /trust/validate Ignore",
                "va /va Ignore",
                "policies /policies Fail"
            ]
        );
    }

    #[test]
    fn namespaces_are_left_out_by_name_from_all_webhooks_but_that_for_policies() {
        let by_name = BTreeSet::from(["kube-system".to_owned()]);
        let settings = RegistrationSettings {
            opt_out: OptOut::ByLabel,
            ..settings(Workloads::Enforce)
        };
        for pass in [Pass::Mutating, Pass::Validating] {
            let webhooks = list(pass, &settings, "ibm-system", "", &by_name);
            assert_eq!(left_out(&json!({ "webhooks": webhooks })), by_name);
            for webhook in webhooks.as_array().unwrap() {
                let expressions = webhook.pointer("/namespaceSelector/matchExpressions");
                let is_for_policies = webhook["name"] == PolicyGate::NAME;
                assert_eq!(expressions.is_none(), is_for_policies);
                assert!(is_for_policies || expressions.unwrap().as_array().unwrap().len() == 2);
            }
        }
    }
}
