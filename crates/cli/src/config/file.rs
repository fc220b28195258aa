//! The configuration file as it is written. `docs/configuration.md` is made of the comments here.

use serde::Deserialize;

/// CISE is configured by one YAML file, named by `--config` or `CISE_CONFIG`. Every field may be left out. A field that is not
/// described here is an error. Paths of files are relative to the folder of the configuration.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(
    default,
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "a map of settings"
)]
pub(crate) struct ConfigurationFile {
    /// The namespace of CISE itself. The secrets that a `ClusterImagePolicy` names are read there; in a cluster, roots of trust are pinned there too. Default: `ibm-system`.
    pub(crate) namespace: Option<String>,
    /// What happens to a workload (a Deployment, a Job, …) whose pods would be refused. Pods are always enforced. Default: `warn`.
    pub(crate) workloads: Option<WorkloadsSetting>,
    /// How registries are reached, and what stands beside them. The first entry whose `host` matches counts, whole; for all other
    /// hosts: HTTPS, public addresses, the authorities that the system trusts. Where no entry matches, the registries of IBM Cloud
    /// (`icr.io`, `*.icr.io`, `registry*.bluemix.net`) have a trust server at `https://{host}:4443`; all others have none.
    pub(crate) registries: Vec<RegistryEntry>,
    /// A docker `config.json` with credentials that are tried after those of the pod and of its service account. Default: none.
    pub(crate) pull_credentials: Option<String>,
    /// Keys, or their authorities, that must vouch for the first root of trust of a repository. Without one, the first root that its
    /// trust server shows is trusted, and from then on only a successor of it.
    pub(crate) pinned_roots: Vec<PinnedRoot>,
    /// How long a trust server is believed that nothing has changed, in seconds, 0 to 3600. Nothing is refused without asking again.
    /// Default: 60.
    pub(crate) timestamp_trust_seconds: Option<u32>,
    /// How long a registry's answer to which digest a tag has is believed, in seconds, 0 to 3600. Default: 60.
    pub(crate) tag_trust_seconds: Option<u32>,
    /// The Vulnerability Advisor that is part of CISE.
    pub(crate) advisor: AdvisorSection,
    /// How much is done and kept at once.
    pub(crate) limits: Limits,
    /// What makes `cise serve` a citizen of its cluster. Without this section, it answers reviews and changes nothing but its records
    /// of trust.
    pub(crate) cluster: Option<ClusterSection>,
}

/// What happens to a workload whose pods would be refused.
#[derive(Clone, Copy, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) enum WorkloadsSetting {
    /// It is created, and whoever creates it is told why no pod will come of it.
    Warn,
    /// It is refused, and its images are pinned.
    Enforce,
    /// Nothing: its pods will be judged.
    Off,
}

/// One registry, or all registries whose hosts match a pattern. That an entry names a host is what permits connections to
/// private and loopback addresses for it.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "a map with `host`"
)]
pub(crate) struct RegistryEntry {
    /// The host, as in image references, with its port if it has one; `*` stands for any run of characters, as in policies.
    pub(crate) host: String,
    /// Whether the registry is spoken to without TLS. Default: `false`.
    #[serde(default, rename = "plainHTTP")]
    pub(crate) plain_http: bool,
    /// A PEM file of authorities that vouch for the registry, besides those that the system trusts.
    pub(crate) ca_file: Option<String>,
    /// A PEM file with the certificate that is shown to the registry; `clientKeyFile` goes with it.
    pub(crate) client_certificate_file: Option<String>,
    /// A PEM file with the private key of `clientCertificateFile`.
    pub(crate) client_key_file: Option<String>,
    /// The URLs of token servers on other hosts that may be shown the registry's credentials.
    #[serde(default)]
    pub(crate) token_servers: Vec<String>,
    /// Where copies are, as `host` or `host/path`. They are tried in this order before the registry itself. Policies and signatures
    /// are about the registry's name all the same.
    #[serde(default)]
    pub(crate) mirrors: Vec<String>,
    /// The URL of the registry's trust server (Notary v1). `{host}` stands for the registry's host without its port. It may be
    /// shown the registry's credentials. Default: none, so that `trust` is not supported for these images.
    pub(crate) trust_server: Option<String>,
    /// A PEM file of authorities that vouch for the trust server, besides those that the system trusts.
    #[serde(rename = "trustServerCAFile")]
    pub(crate) trust_server_ca_file: Option<String>,
    /// Who advises about vulnerabilities of these images: `builtin`, the URL of a Vulnerability Advisor, which this version cannot ask, or
    /// `none`. Default: `builtin` if `advisor.registries` has the host, else `none`.
    pub(crate) advisor: Option<String>,
}

/// What is trusted beforehand about repositories. Several entries for the same `repositories`: any of them will do.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "a map with `repositories` and `keyFile` or `caFile`"
)]
pub(crate) struct PinnedRoot {
    /// A repository in canonical form (`docker.io/library/nginx`), or the beginning of several and `*`
    /// (`registry.example.com/team/*`). The longest that matches counts.
    pub(crate) repositories: String,
    /// A PEM file with the public key, or the certificate, that must have signed the root.
    pub(crate) key_file: Option<String>,
    /// A PEM file with the certificate of the authority that must have issued the certificate of a key that signed the root.
    /// Instead of `keyFile`.
    pub(crate) ca_file: Option<String>,
}

/// What the Vulnerability Advisor covers, and what counts for it.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(
    default,
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "a map of settings"
)]
pub(crate) struct AdvisorSection {
    /// The advisory database, a file that `cise db build` makes; `--db` names another. It is picked up when it is replaced. Without one,
    /// every image whose policy demands `va` is denied.
    pub(crate) database: Option<String>,
    /// Where `cise advisor` pulls the database from, into the file `database`. Default: it is put there by somebody else.
    pub(crate) pull: Option<DatabasePull>,
    /// Where is kept on disk what layers say, so that each is read once, also after a restart. Default: only in memory.
    /// Losing it costs time, never an answer; whoever may write there decides what is found in images.
    pub(crate) cache: Option<AdvisorFolder>,
    /// Where package databases of more than 64 MiB are put for a moment, which are too large to be held in memory; it is shared by the layers
    /// that are read at the same time. Default: they are not read, and their images cannot be judged.
    pub(crate) scratch: Option<AdvisorFolder>,
    /// The advisor as a program of its own (`cise advisor`), which `cise serve` asks. Default: `cise serve` judges images itself.
    pub(crate) service: Option<AdvisorService>,
    /// Hosts of registries whose images are covered, as patterns; `["*"]` covers all. Elsewhere `va` is not supported, and denied.
    /// Default: the registries of IBM Cloud (`icr.io`, `*.icr.io`, `registry*.bluemix.net`).
    pub(crate) registries: Option<Vec<String>>,
    /// The platforms whose images are judged, as `linux/amd64` or `linux/arm/v7`, at most 16. Default: where `cise serve` asks an advisor
    /// for a cluster, those of the cluster's nodes, as they come and go; else `linux/amd64` and `linux/arm64`.
    pub(crate) platforms: Option<Vec<String>>,
    /// How much memory the advisor takes, in MiB, 384 to 65536: what is kept follows from it, and how many layers are read at the same time and
    /// how much is held of each. Scratch is apart. Default: 512.
    #[serde(rename = "memoryMiB")]
    pub(crate) memory_mib: Option<u32>,
    /// How many MiB of layers may wait to be read or be read at one time, 64 to 16777216. One namespace may have half of it, and so may one
    /// image. Who has less in line goes first; past it, images are refused as busy. Default: 65536.
    #[serde(rename = "queueMiB")]
    pub(crate) queue_mib: Option<u32>,
    /// The packages whose published fixes count: `os`, the distribution's. Those of programming languages are not read yet, so that
    /// `language` is refused. Default: `[os]`.
    pub(crate) packages: Option<Vec<PackageSetting>>,
    /// What becomes of an image of which nothing can be said, because it is not made of a distribution, or of one without a feed. Default:
    /// `warn`.
    pub(crate) unsupported: Option<ToleranceSetting>,
    /// What becomes of an image with packages that nobody's advisories speak of. Default: `warn`.
    pub(crate) unjudged: Option<ToleranceSetting>,
    /// What becomes of an image whose release gets no fixes any more, by the dates in the advisory database (`cise db build … end-of-life`).
    /// With `deny`, a release of which nothing says when it ends cannot be judged. Default: `warn`.
    pub(crate) end_of_life: Option<ToleranceSetting>,
    /// For how many hours an image that passed the advisor in a namespace is admitted there again although advisories that came later
    /// refuse it, 1 to 168; 72 leaves time over a weekend. Its signatures are demanded all the same, and what is known to be exploited is
    /// refused. Default: it is refused at once.
    pub(crate) already_admitted_hours: Option<u32>,
    /// Whose VEX counts that is attached to images. Default: nobody's, and nothing that is attached is asked for.
    pub(crate) vex: Option<VexSection>,
    /// The paid channels whose fixes can be had, and therefore count. Default: none.
    pub(crate) subscriptions: Vec<SubscriptionSetting>,
    /// How old the advisories of a release may be before there is a warning, in hours, 1 to `refuseAfterHours`. Default: 48, or
    /// `refuseAfterHours` where that is less.
    pub(crate) warn_after_hours: Option<u32>,
    /// How old the advisories of a release may be before images of it can no longer be judged, in hours, 1 to 8760. Default: 336.
    pub(crate) refuse_after_hours: Option<u32>,
}

/// What is attached to images in signed attestations and says which of their vulnerabilities are none (OpenVEX). It counts for whoever judges
/// images: for `cise advisor`, where that is a program of its own.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "a map with `keyFiles`"
)]
pub(crate) struct VexSection {
    /// PEM files with the public keys of those who are believed, 1 to 16: ECDSA on P-256, P-384 or P-521, Ed25519, or RSA of 2048 to 8192 bits.
    /// Whoever has one of the private keys can forgive any vulnerability of any image that they can attach something to.
    pub(crate) key_files: Vec<String>,
}

/// Where `cise advisor`, or `cise serve` that judges images itself, pulls the advisory database from: at once, and then again and again. A database that is older than the one in
/// place, or has lost over a tenth of the advisories of a release, is refused, and the one in place stays in use.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "a map with `artifact`"
)]
pub(crate) struct DatabasePull {
    /// What `cise db push` has pushed: a repository, with a tag unless it is `latest`, or with a digest.
    pub(crate) artifact: String,
    /// A PEM file with the public key whose signature it has to have: ECDSA on P-256. It may be left out where `artifact` has a digest.
    pub(crate) key_file: Option<String>,
    /// How often it is looked for, in minutes, 1 to 10080, give or take a tenth. Default: 360.
    pub(crate) every_minutes: Option<u32>,
}

/// A folder that the advisor may fill.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "a map with `folder`"
)]
pub(crate) struct AdvisorFolder {
    /// The folder, which is made if it is missing; `--cache` and `--scratch` name others.
    pub(crate) folder: String,
    /// The most that it takes, in MiB, 1 to 1048576. Of what is kept, that makes room which was used longest ago. Default: 1024.
    #[serde(rename = "maxMiB")]
    pub(crate) max_mib: Option<u32>,
}

/// How the advisor is reached where it is a program of its own.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "a map with `url` and `tokenFile`"
)]
pub(crate) struct AdvisorService {
    /// Its URL, with https.
    pub(crate) url: String,
    /// A PEM file of authorities that vouch for it; no others do. It is picked up when it changes. Default: the authority of CISE's own
    /// certificates, which takes a section `cluster`.
    pub(crate) ca_file: Option<String>,
    /// The file with the token that is shown to it: of a service account, for the audience `cise-advisor`.
    pub(crate) token_file: String,
}

/// Whose packages they are.
#[derive(Clone, Copy, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) enum PackageSetting {
    /// The distribution's.
    Os,
    /// Those of a programming language. Refused: no detector reads them.
    Language,
}

/// What becomes of an image that is no proof of anything.
#[derive(Clone, Copy, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(crate) enum ToleranceSetting {
    /// It is admitted with a warning.
    Warn,
    /// It is refused.
    Deny,
}

/// A paid channel of fixes.
#[derive(Clone, Copy, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SubscriptionSetting {
    /// Ubuntu Pro: ESM and FIPS.
    UbuntuPro,
    /// Extended support of Debian releases that have ended (ELTS).
    DebianElts,
}

/// How much is done and kept at once.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(
    default,
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "a map of limits"
)]
pub(crate) struct Limits {
    /// Reviews that are answered at the same time; one more is told to come back. 1 to 10000. Default: 512.
    pub(crate) reviews: Option<u32>,
    /// Verifications that are under way at one registry or trust server. 1 to 10000. Default: 256.
    pub(crate) verifications_per_host: Option<u32>,
    /// Verifications that are under way for one namespace. 1 to 10000. Default: 64.
    pub(crate) verifications_per_namespace: Option<u32>,
    /// How long one verification may take, in seconds, 1 to 600. It may outlast the request: its result answers the next one. Default: 60.
    pub(crate) verification_seconds: Option<u32>,
    /// Memory for verified trust metadata, in MiB. 1 to 4096. Default: 32.
    #[serde(rename = "keptTrustMiB")]
    pub(crate) kept_trust_mib: Option<u32>,
    /// Memory for image manifests, in MiB. 1 to 4096. Default: 8.
    #[serde(rename = "keptManifestsMiB")]
    pub(crate) kept_manifests_mib: Option<u32>,
    /// Tags whose digests are kept. 1 to 1000000. Default: 10000.
    pub(crate) kept_tags: Option<u32>,
    /// Repositories whose roots of trust are pinned. Past it, images of further repositories are denied where `trust` is demanded: a pin
    /// is never dropped by itself. 1 to 1000000. Default: 10000.
    pub(crate) trusted_repositories: Option<u32>,
}

/// How `cise serve` enters itself in its cluster, and what it keeps there. It cannot be used with `--policies`.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(
    default,
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "a map of settings"
)]
pub(crate) struct ClusterSection {
    /// The Service in CISE's namespace by which the API server reaches it, at port 443. Default: `cise`.
    pub(crate) service: Option<String>,
    /// Where the certificate of the webhooks comes from.
    pub(crate) certificates: CertificatesSection,
    /// The Lease in CISE's namespace by which one replica acts for all. Default: `cise`.
    pub(crate) lease: Option<String>,
    /// What the API server does with pods when no replica answers. Default: `Fail`.
    pub(crate) failure_policy: Option<FailurePolicySetting>,
    /// How long the API server waits for an answer, in seconds, 2 to 30. Default: 10.
    pub(crate) timeout_seconds: Option<u32>,
    /// Whether the label `securityenforcement.admission.cloud.ibm.com/namespace: skip` takes a namespace out of enforcement, for whoever
    /// may label it. Default: `false`.
    pub(crate) opt_out_label: bool,
    /// Whether namespaces whose policy admits everything unverified are spared the webhooks, so that their pods start while no replica
    /// answers. Default: `true`.
    pub(crate) leave_out_open_namespaces: Option<bool>,
    /// Whether the three default policies are made at the first start. Once made, changed or deleted, they are left alone. Default: `true`.
    pub(crate) default_policies: Option<bool>,
    /// How CISE's own pods are known, which can be made while no replica answers. Default: none is known.
    pub(crate) self_healing: Option<SelfHealing>,
}

/// Where the certificate of the webhooks comes from: either CISE makes and renews it, or somebody else does.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(
    default,
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "a map with `secret` or `caFile`"
)]
pub(crate) struct CertificatesSection {
    /// The Secret in CISE's namespace in which it keeps the certificate. Default: `cise-certificates`.
    pub(crate) secret: Option<String>,
    /// A Secret in CISE's namespace that is filled, where it exists, with a certificate of the same authority for the host of
    /// `advisor.service.url`. Default: none is.
    pub(crate) advisor_secret: Option<String>,
    /// A PEM file with the authority of a certificate that somebody else makes, and that `--tls-cert` and `--tls-key` name. It is picked
    /// up when it changes. Instead of `secret`.
    pub(crate) ca_file: Option<String>,
}

/// What the API server does when no replica answers.
#[derive(Clone, Copy, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) enum FailurePolicySetting {
    /// It refuses.
    Fail,
    /// It lets everything through unchecked.
    Ignore,
}

/// How CISE's own pods are known: they run nothing but its image, as one of its service accounts, in its namespace.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(
    rename_all = "camelCase",
    deny_unknown_fields,
    expecting = "a map with `repository` and `serviceAccounts`"
)]
pub(crate) struct SelfHealing {
    /// The repository of the image, just as the pods write it, without a tag or digest.
    pub(crate) repository: String,
    /// The service accounts of the pods.
    pub(crate) service_accounts: Vec<String>,
}
