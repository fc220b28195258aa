//! The section about the cluster.

use cise_admission::Workloads;
use cise_kubernetes::{
    FailurePolicy, OpenNamespaces, OptOut, OwnPods, PolicyHook, RegistrationSettings,
};
use cise_policy::SecretName;

use super::{Reader, Result};
use crate::config::file::{CertificatesSection, ClusterSection, FailurePolicySetting, SelfHealing};
use crate::config::{Certificate, ClusterSettings, Defaults};

const DEFAULT_NAME: &str = "cise";
const DEFAULT_SECRET: &str = "cise-certificates";

impl Reader<'_> {
    pub(super) fn cluster(
        &self,
        section: &ClusterSection,
        workloads: Workloads,
    ) -> Result<ClusterSettings> {
        Ok(ClusterSettings {
            certificate: self.certificate(&section.certificates)?,
            advisor_certificate: self.advisor_certificate(&section.certificates)?,
            lease: self.name("cluster.lease", section.lease.as_deref(), DEFAULT_NAME)?,
            defaults: if section.default_policies.unwrap_or(true) {
                Defaults::Made
            } else {
                Defaults::LeftOut
            },
            registration: self.registration(section, workloads)?,
        })
    }

    fn registration(
        &self,
        section: &ClusterSection,
        workloads: Workloads,
    ) -> Result<RegistrationSettings> {
        let (field, written) = ("cluster.timeoutSeconds", section.timeout_seconds);
        let seconds = self.bounded(field, written, 2..=30, 10)?;
        let own_pods = section.self_healing.as_ref().map(|own| self.own_pods(own));
        Ok(RegistrationSettings {
            service: self.name("cluster.service", section.service.as_deref(), DEFAULT_NAME)?,
            workloads,
            failure_policy: match section.failure_policy {
                None | Some(FailurePolicySetting::Fail) => FailurePolicy::Fail,
                Some(FailurePolicySetting::Ignore) => FailurePolicy::Ignore,
            },
            timeout_seconds: u8::try_from(seconds).map_err(|error| self.fault(field, error))?,
            opt_out: if section.opt_out_label {
                OptOut::ByLabel
            } else {
                OptOut::Never
            },
            open_namespaces: if section.leave_out_open_namespaces.unwrap_or(true) {
                OpenNamespaces::LeftOut
            } else {
                OpenNamespaces::Included
            },
            own_pods: own_pods.transpose()?,
            policy_hook: PolicyHook::Served,
        })
    }

    fn certificate(&self, section: &CertificatesSection) -> Result<Certificate> {
        match (&section.secret, &section.ca_file) {
            (Some(_), Some(_)) => Err(self.fault(
                "cluster.certificates",
                "expected either `secret` or `caFile`",
            )),
            (None, Some(file)) => Ok(Certificate::IssuedBy(self.folder.join(file))),
            (secret, None) => self
                .name(
                    "cluster.certificates.secret",
                    secret.as_deref(),
                    DEFAULT_SECRET,
                )
                .map(Certificate::Kept),
        }
    }

    fn advisor_certificate(&self, section: &CertificatesSection) -> Result<Option<String>> {
        let field = "cluster.certificates.advisorSecret";
        let written = section.advisor_secret.as_deref();
        if written.is_some() && section.ca_file.is_some() {
            return Err(self.fault(field, "expected no `caFile` beside it"));
        }
        let checked = written.map(|name| self.name(field, Some(name), name));
        checked.transpose()
    }

    fn own_pods(&self, own: &SelfHealing) -> Result<OwnPods> {
        OwnPods::new(&own.repository, &own.service_accounts)
            .map_err(|error| self.fault("cluster.selfHealing", error))
    }

    /// The name of an object of Kubernetes.
    fn name(&self, field: &str, written: Option<&str>, default: &str) -> Result<String> {
        let name = written.unwrap_or(default);
        SecretName::parse(name).map_err(|error| self.fault(field, error))?;
        Ok(name.to_owned())
    }
}
