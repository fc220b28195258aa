//! From what is written to what can be used.

mod advisor;
mod cluster;

use std::fmt::Display;
use std::fs::File;
use std::io::Read as _;
use std::ops::RangeInclusive;
use std::path::Path;
use std::time::Duration;

use cise_admission::{Settings, Workloads};
use cise_manifests::Manifest;
use cise_policy::{HostPattern, Namespace};
use cise_reference::Repository;
use cise_registry::{
    ByteLimit, Channel, DockerConfig, Egress, FlightBounds, Keyring, Mirror, Outbound, Proxies,
    Registries, RegistryLimits, RegistrySettings, Security, Tls,
};
use cise_signature::notary::{NotarySettings, Presets, TrustServers};
use jiff::SignedDuration;

use super::file::{ConfigurationFile, Limits, PinnedRoot, RegistryEntry, WorkloadsSetting};
use super::{Configuration, ConfigurationError};

type Result<T, E = ConfigurationError> = std::result::Result<T, E>;

/// The most bytes of a file that the configuration names.
const MAX_FILE_BYTES: u64 = 1 << 20;
const DEFAULT_NAMESPACE: &str = "ibm-system";
const MAX_TRUST_SECONDS: u32 = 3600;

/// Reads and checks a configuration. Paths in it are relative to `folder`.
pub(super) fn configuration(manifest: &Manifest, folder: &Path) -> Result<Configuration> {
    let file: ConfigurationFile = manifest.parse()?;
    let outbound = Outbound::new(Proxies::from_environment()?);
    let reader = Reader {
        manifest,
        folder,
        outbound: &outbound,
    };
    let bounds = reader.bounds(&file.limits)?;
    let flights = bounds.flights;
    let seconds =
        |field, value: Option<u32>| reader.bounded(field, value, 0..=MAX_TRUST_SECONDS, 60);
    let timestamp_trust = SignedDuration::from_secs(
        seconds("timestampTrustSeconds", file.timestamp_trust_seconds)?.into(),
    );
    let tag_lifetime =
        Duration::from_secs(seconds("tagTrustSeconds", file.tag_trust_seconds)?.into());
    let admission = reader.settings(&file)?;
    let cluster = file
        .cluster
        .as_ref()
        .map(|section| reader.cluster(section, admission.workloads));
    Ok(Configuration {
        admission,
        advisor: reader.advisor(&file.advisor)?,
        cluster: cluster.transpose()?,
        registries: reader.registries(&file.registries)?,
        registry: RegistryLimits {
            tag_lifetime,
            flights,
            ..bounds.registry
        },
        trust_servers: reader.trust_servers(&file.registries)?,
        presets: reader.presets(&file.pinned_roots)?,
        notary: NotarySettings {
            timestamp_trust,
            kept_bytes: bounds.kept_trust,
            flights,
            ..NotarySettings::default()
        },
        flights,
        reviews: bounds.reviews,
        trusted_repositories: bounds.trusted_repositories,
    })
}

struct Reader<'r> {
    manifest: &'r Manifest,
    folder: &'r Path,
    outbound: &'r Outbound,
}

/// The limits in the units of those who keep them.
struct Bounds {
    reviews: usize,
    trusted_repositories: usize,
    kept_trust: u64,
    flights: FlightBounds,
    registry: RegistryLimits,
}

impl Reader<'_> {
    fn settings(&self, file: &ConfigurationFile) -> Result<Settings> {
        let namespace = file.namespace.as_deref().unwrap_or(DEFAULT_NAMESPACE);
        Namespace::parse(namespace).map_err(|error| self.fault("namespace", error))?;
        Ok(Settings {
            namespace: namespace.to_owned(),
            workloads: match file.workloads {
                None | Some(WorkloadsSetting::Warn) => Workloads::Warn,
                Some(WorkloadsSetting::Enforce) => Workloads::Enforce,
                Some(WorkloadsSetting::Off) => Workloads::Off,
            },
            advisors: self.advisors(&file.registries, &file.advisor)?,
            rules: self.rules(&file.advisor)?,
            pull_credentials: self.pull_credentials(file.pull_credentials.as_deref())?,
        })
    }

    fn registries(&self, entries: &[RegistryEntry]) -> Result<Registries> {
        let mut settings = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            settings.push(self.registry(&Field::of_registry(index), entry)?);
        }
        self.refuse_repeated_hosts(&settings)?;
        Registries::new(self.outbound, settings).map_err(|error| self.fault("registries", error))
    }

    fn registry(&self, field: &Field, entry: &RegistryEntry) -> Result<RegistrySettings> {
        let host = self.host(field, entry)?;
        let security = self.security(field, entry)?;
        let mut settings = RegistrySettings::new(host, self.outbound, &security)
            .map_err(|error| self.fault(&field.named("host"), error))?;
        for (index, url) in entry.token_servers.iter().enumerate() {
            let field = field.named(&format!("tokenServers[{index}]"));
            settings = settings
                .with_token_server(url)
                .map_err(|error| self.fault(&field, error))?;
        }
        for (index, mirror) in entry.mirrors.iter().enumerate() {
            let field = field.named(&format!("mirrors[{index}]"));
            settings = settings
                .with_mirror(Mirror::parse(mirror).map_err(|error| self.fault(&field, error))?);
        }
        Ok(settings)
    }

    fn refuse_repeated_hosts(&self, settings: &[RegistrySettings]) -> Result<()> {
        for (second, one) in settings.iter().enumerate() {
            let first = settings.iter().position(|other| other.host() == one.host());
            if let Some(first) = first.filter(|first| *first < second) {
                let why =
                    format!("registries[{first}] is about the same hosts: expected each once");
                return Err(self.fault(&Field::of_registry(second).named("host"), why));
            }
        }
        Ok(())
    }

    fn host(&self, field: &Field, entry: &RegistryEntry) -> Result<HostPattern> {
        HostPattern::parse(&entry.host).map_err(|error| self.fault(&field.named("host"), error))
    }

    fn security(&self, field: &Field, entry: &RegistryEntry) -> Result<Security> {
        if entry.plain_http {
            return match entry
                .ca_file
                .as_ref()
                .or(entry.client_certificate_file.as_ref())
            {
                None => Ok(Security::PlainHttp),
                Some(_) => Err(self.fault(
                    &field.named("plainHTTP"),
                    "expected neither authorities nor certificates beside it",
                )),
            };
        }
        let tls = self.tls(&field.named("caFile"), entry.ca_file.as_deref())?;
        match (&entry.client_certificate_file, &entry.client_key_file) {
            (None, None) => Ok(Security::Https(tls)),
            (Some(certificate), Some(key)) => {
                let field = field.named("clientCertificateFile");
                let (chain, key) = (self.read(&field, certificate)?, self.read(&field, key)?);
                tls.with_identity(&chain, &key)
                    .map(Security::Https)
                    .map_err(|error| self.fault(&field, error))
            }
            (Some(_), None) => Err(self.fault(
                &field.named("clientCertificateFile"),
                "expected `clientKeyFile` beside it",
            )),
            (None, Some(_)) => Err(self.fault(
                &field.named("clientKeyFile"),
                "expected `clientCertificateFile` beside it",
            )),
        }
    }

    fn tls(&self, field: &str, ca_file: Option<&str>) -> Result<Tls> {
        match ca_file {
            None => Ok(Tls::default()),
            Some(path) => Tls::default()
                .with_roots(&self.read(field, path)?)
                .map_err(|error| self.fault(field, error)),
        }
    }

    fn trust_servers(&self, entries: &[RegistryEntry]) -> Result<TrustServers> {
        let mut servers = TrustServers::new();
        for (index, entry) in entries.iter().enumerate() {
            let field = Field::of_registry(index);
            let host = self.host(&field, entry)?;
            servers = match &entry.trust_server {
                None => servers.without(host),
                Some(template) => {
                    let channel = self.trust_channel(&field, template, entry)?;
                    let field = field.named("trustServer");
                    servers
                        .with(host, template, channel)
                        .map_err(|error| self.fault(&field, error))?
                }
            };
        }
        let public = Channel::new(
            self.outbound,
            &Security::Https(Tls::default()),
            Egress::PublicOnly,
        )
        .map_err(|error| self.fault("registries", error))?;
        Ok(servers.with_well_known(&public))
    }

    fn trust_channel(
        &self,
        field: &Field,
        template: &str,
        entry: &RegistryEntry,
    ) -> Result<Channel> {
        let ca = entry.trust_server_ca_file.as_deref();
        let security = match (template.starts_with("http://"), ca) {
            (false, ca) => Security::Https(self.tls(&field.named("trustServerCAFile"), ca)?),
            (true, None) => Security::PlainHttp,
            (true, Some(_)) => {
                return Err(self.fault(
                    &field.named("trustServerCAFile"),
                    "expected none for plain HTTP",
                ));
            }
        };
        Channel::new(self.outbound, &security, Egress::NamedHost)
            .map_err(|error| self.fault(&field.named("trustServer"), error))
    }

    fn pull_credentials(&self, path: Option<&str>) -> Result<Keyring> {
        let Some(path) = path else {
            return Ok(Keyring::empty());
        };
        let json = self.read("pullCredentials", path)?;
        let config = DockerConfig::from_config_json(path, &json)
            .map_err(|error| self.fault("pullCredentials", error))?;
        Ok(Keyring::new([&config]))
    }

    fn presets(&self, roots: &[PinnedRoot]) -> Result<Presets> {
        let mut presets = Presets::new();
        for (index, root) in roots.iter().enumerate() {
            let field = Field(format!("pinnedRoots[{index}]"));
            if !may_be_canonical(&root.repositories) {
                let why = "expected canonical names, as in docker.io/library/nginx or registry.example.com/team/*";
                return Err(self.fault(&field.named("repositories"), why));
            }
            presets = self.preset(presets, &field, root)?;
        }
        Ok(presets)
    }

    fn preset(&self, presets: Presets, field: &Field, root: &PinnedRoot) -> Result<Presets> {
        let (field, path, with): (_, _, fn(Presets, &str, &str) -> _) =
            match (&root.key_file, &root.ca_file) {
                (Some(path), None) => (field.named("keyFile"), path, Presets::with),
                (None, Some(path)) => (field.named("caFile"), path, Presets::with_authority),
                _ => return Err(self.fault(&field.0, "expected either `keyFile` or `caFile`")),
            };
        let pem = self.read(&field, path)?;
        let pem = String::from_utf8(pem).map_err(|_| self.fault(&field, "expected text in PEM"))?;
        with(presets, &root.repositories, &pem).map_err(|error| self.fault(&field, error))
    }

    fn bounds(&self, limits: &Limits) -> Result<Bounds> {
        let count = |field: &str, value, most, default| {
            self.bounded(&format!("limits.{field}"), value, 1..=most, default)
        };
        let mebibytes = |field: &str, value, default| count(field, value, 4096, default);
        Ok(Bounds {
            reviews: size(count("reviews", limits.reviews, 10_000, 512)?),
            trusted_repositories: size(count(
                "trustedRepositories",
                limits.trusted_repositories,
                1_000_000,
                10_000,
            )?),
            kept_trust: u64::from(mebibytes("keptTrustMiB", limits.kept_trust_mib, 32)?) << 20,
            flights: FlightBounds {
                per_host: size(count(
                    "verificationsPerHost",
                    limits.verifications_per_host,
                    10_000,
                    256,
                )?),
                per_namespace: size(count(
                    "verificationsPerNamespace",
                    limits.verifications_per_namespace,
                    10_000,
                    64,
                )?),
                longest: Duration::from_secs(
                    count("verificationSeconds", limits.verification_seconds, 600, 60)?.into(),
                ),
            },
            registry: RegistryLimits {
                kept_tags: count("keptTags", limits.kept_tags, 1_000_000, 10_000)?.into(),
                kept_manifests: ByteLimit::mebibytes(size(mebibytes(
                    "keptManifestsMiB",
                    limits.kept_manifests_mib,
                    8,
                )?)),
                ..RegistryLimits::default()
            },
        })
    }

    fn bounded(
        &self,
        field: &str,
        value: Option<u32>,
        range: RangeInclusive<u32>,
        default: u32,
    ) -> Result<u32> {
        let value = value.unwrap_or(default);
        if range.contains(&value) {
            return Ok(value);
        }
        Err(self.fault(
            field,
            format!(
                "{value} is out of bounds: expected {} to {}",
                range.start(),
                range.end()
            ),
        ))
    }

    /// Reads a file that the configuration names.
    fn read(&self, field: &str, path: &str) -> Result<Vec<u8>> {
        let full = self.folder.join(path);
        let failed = |error: std::io::Error| {
            self.fault(field, format!("{} cannot be read: {error}", full.display()))
        };
        let mut bytes = Vec::new();
        File::open(&full)
            .map_err(failed)?
            .take(MAX_FILE_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(failed)?;
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err(self.fault(
                field,
                format!("{} is too large: expected at most 1 MiB", full.display()),
            ));
        }
        Ok(bytes)
    }

    fn fault(&self, field: &str, why: impl Display) -> ConfigurationError {
        ConfigurationError::Field {
            place: self.manifest.place_of(field),
            field: field.to_owned(),
            why: why.to_string(),
        }
    }
}

/// The path of an entry of the table of registries.
struct Field(String);

impl Field {
    fn of_registry(index: usize) -> Self {
        Self(format!("registries[{index}]"))
    }

    fn named(&self, field: &str) -> String {
        format!("{}.{field}", self.0)
    }
}

/// Whether a canonical name of a repository can be, or begin with, this text: what never matches would pin nothing.
pub(super) fn may_be_canonical(text: &str) -> bool {
    let Some(beginning) = text.strip_suffix('*') else {
        return Repository::parse(text).is_ok_and(|repository| repository.as_str() == text);
    };
    let continued =
        ["", "x", "x/x", ".x/x"].map(|rest| Repository::parse(&format!("{beginning}{rest}")));
    beginning.is_empty()
        || continued
            .iter()
            .flatten()
            .any(|repository| repository.as_str().starts_with(beginning))
}

fn size(value: u32) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}
