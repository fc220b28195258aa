//! The section about the Vulnerability Advisor, and who advises about which registry.

use std::time::Duration;

use cise_admission::{Advisor, Advisors};
use cise_advisor::Memory;
use cise_advisor::assessment::{PackageKind, Rules, Tolerance};
use cise_advisor::database::AgeRules;
use cise_advisor::database::artifact::{PublicKey, Trust};
use cise_advisor::inventory::{Limits, Platform};
use cise_advisor::matching::Channel;
use cise_advisor::remote::MAX_PLATFORMS;
use cise_advisor::vex::VexKeys;
use cise_policy::HostPattern;
use cise_reference::Reference;
use cise_registry::Tls;
use cise_signature::attestation::{TrustedKey, TrustedKeys};
use jiff::SignedDuration;

use super::{Field, Reader, Result};
use crate::config::file::{
    self, AdvisorFolder, AdvisorSection, PackageSetting, RegistryEntry, SubscriptionSetting,
    ToleranceSetting,
};
use crate::config::{
    AdvisorService, AdvisorSettings, DatabasePull, FOLDER_MIB, FolderSettings, PlatformChoice,
    Vouched,
};

/// The registries that the product's documentation speaks of.
const IBM_CLOUD: [&str; 3] = ["icr.io", "*.icr.io", "registry*.bluemix.net"];
const MAX_HOURS: u32 = 8760;
/// A week.
const MAX_MINUTES: u32 = 10_080;
const MAX_FOLDER_MIB: u32 = 1 << 20;
/// 64 GiB: some minutes of reading on few cores.
const QUEUE_MIB: u32 = 1 << 16;
/// 16 TiB.
const MAX_QUEUE_MIB: u32 = 1 << 24;
/// A week: what is forgiven longer is forgotten.
const MAX_ADMITTED_HOURS: u32 = 168;
/// Each is tried on each signature.
const MAX_VEX_KEYS: usize = 16;

impl Reader<'_> {
    pub(super) fn advisor(&self, section: &AdvisorSection) -> Result<AdvisorSettings> {
        let defaults = cise_advisor::Settings::within(self.memory(section)?);
        let platforms = match &section.platforms {
            None => defaults.platforms,
            Some(written) => self.platforms(written)?,
        };
        Ok(AdvisorSettings {
            database: section.database.as_ref().map(|path| self.folder.join(path)),
            pull: section
                .pull
                .as_ref()
                .map(|pull| self.database_pull(pull))
                .transpose()?,
            service: section
                .service
                .as_ref()
                .map(|service| self.advisor_service(service))
                .transpose()?,
            platforms: match &section.platforms {
                None => PlatformChoice::OfNodes,
                Some(_) => PlatformChoice::Named,
            },
            cache: self.filled("cache", section.cache.as_ref())?,
            scratch: self.filled("scratch", section.scratch.as_ref())?,
            already_admitted: self.already_admitted(section)?,
            work: cise_advisor::Settings {
                platforms,
                limits: self.reading(section, defaults.limits)?,
                vex: self.vex(section)?,
                ..defaults
            },
        })
    }

    fn memory(&self, section: &AdvisorSection) -> Result<Memory> {
        let mebibytes = self.bounded(
            "advisor.memoryMiB",
            section.memory_mib,
            Memory::LEAST_MIB..=Memory::MOST_MIB,
            Memory::DEFAULT_MIB,
        )?;
        Ok(Memory::mebibytes(mebibytes))
    }

    fn reading(&self, section: &AdvisorSection, defaults: Limits) -> Result<Limits> {
        let queue = self.bounded(
            "advisor.queueMiB",
            section.queue_mib,
            64..=MAX_QUEUE_MIB,
            QUEUE_MIB,
        )?;
        Ok(Limits {
            queue: u64::from(queue) << 20,
            ..defaults
        })
    }

    fn database_pull(&self, written: &file::DatabasePull) -> Result<DatabasePull> {
        let key = written.key_file.as_deref().map(|path| {
            let field = "advisor.pull.keyFile";
            PublicKey::from_pem(&self.read(field, path)?).map_err(|error| self.fault(field, error))
        });
        let field = "advisor.pull.artifact";
        let reference =
            Reference::parse(&written.artifact).map_err(|error| self.fault(field, error))?;
        let trust = Trust::of(&reference, key.transpose()?).map_err(|error| {
            let expected = "expected `keyFile` beside it, or a digest in it";
            self.fault(field, format!("{error}: {expected}"))
        })?;
        let minutes = self.bounded(
            "advisor.pull.everyMinutes",
            written.every_minutes,
            1..=MAX_MINUTES,
            360,
        )?;
        Ok(DatabasePull {
            repository: reference.repository().clone(),
            trust,
            every: Duration::from_secs(60 * u64::from(minutes)),
        })
    }

    /// A folder that is filled up to a bound.
    fn filled(
        &self,
        name: &str,
        written: Option<&AdvisorFolder>,
    ) -> Result<Option<FolderSettings>> {
        let Some(written) = written else {
            return Ok(None);
        };
        let field = format!("advisor.{name}.maxMiB");
        let most = self.bounded(&field, written.max_mib, 1..=MAX_FOLDER_MIB, FOLDER_MIB)?;
        Ok(Some(FolderSettings {
            folder: self.folder.join(&written.folder),
            bytes: u64::from(most) << 20,
        }))
    }

    fn already_admitted(&self, section: &AdvisorSection) -> Result<Option<SignedDuration>> {
        let Some(hours) = section.already_admitted_hours else {
            return Ok(None);
        };
        let field = "advisor.alreadyAdmittedHours";
        let hours = self.bounded(field, Some(hours), 1..=MAX_ADMITTED_HOURS, hours)?;
        Ok(Some(SignedDuration::from_hours(hours.into())))
    }

    fn vex(&self, section: &AdvisorSection) -> Result<VexKeys> {
        let Some(written) = &section.vex else {
            return Ok(VexKeys::default());
        };
        let field = "advisor.vex.keyFiles";
        if !(1..=MAX_VEX_KEYS).contains(&written.key_files.len()) {
            return Err(self.fault(field, format!("expected 1 to {MAX_VEX_KEYS} files")));
        }
        let key = |(index, path): (usize, &String)| {
            let field = format!("{field}[{index}]");
            let pem = self.read(&field, path)?;
            TrustedKey::from_pem(path, &pem).map_err(|error| self.fault(&field, error))
        };
        let keys = written.key_files.iter().enumerate().map(key);
        Ok(VexKeys::new(keys.collect::<Result<TrustedKeys>>()?))
    }

    fn advisor_service(&self, written: &file::AdvisorService) -> Result<AdvisorService> {
        let vouched = written.ca_file.as_deref().map(|path| self.vouched(path));
        let rest = written.url.strip_prefix("https://").unwrap_or_default();
        let host = rest.split(['/', ':']).next().unwrap_or_default();
        if host.is_empty() {
            return Err(self.fault("advisor.service.url", "expected an https URL"));
        }
        Ok(AdvisorService {
            url: written.url.as_str().into(),
            host: host.to_owned(),
            vouched: vouched.transpose()?,
            token_file: self.folder.join(&written.token_file),
        })
    }

    fn vouched(&self, path: &str) -> Result<Vouched> {
        let field = "advisor.service.caFile";
        let tls = Tls::default()
            .with_roots(&self.read(field, path)?)
            .map_err(|error| self.fault(field, error))?;
        Ok(Vouched {
            file: self.folder.join(path),
            tls,
        })
    }

    pub(super) fn rules(&self, section: &AdvisorSection) -> Result<Rules> {
        let defaults = Rules::default();
        let packages = section.packages.as_ref();
        let tolerance = |written: Option<ToleranceSetting>, default| match written {
            None => default,
            Some(ToleranceSetting::Warn) => Tolerance::Warn,
            Some(ToleranceSetting::Deny) => Tolerance::Deny,
        };
        let counted = packages
            .map(|kinds| PackageKind::counted(kinds.iter().copied().map(PackageKind::from)))
            .transpose();
        Ok(Rules {
            packages: counted
                .map_err(|error| self.fault("advisor.packages", error))?
                .unwrap_or(defaults.packages),
            subscriptions: section
                .subscriptions
                .iter()
                .copied()
                .map(Channel::from)
                .collect(),
            age: self.age(section)?,
            unsupported: tolerance(section.unsupported, defaults.unsupported),
            unjudged: tolerance(section.unjudged, defaults.unjudged),
            end_of_life: tolerance(section.end_of_life, defaults.end_of_life),
        })
    }

    /// An entry of a registry counts before the list of hosts.
    pub(super) fn advisors(
        &self,
        entries: &[RegistryEntry],
        section: &AdvisorSection,
    ) -> Result<Advisors> {
        let mut table = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            let field = Field::of_registry(index);
            let advisor = match entry.advisor.as_deref() {
                None => continue,
                Some("none") => Advisor::Nobody,
                Some("builtin") => Advisor::Builtin,
                Some(url) if url.starts_with("https://") => Advisor::Elsewhere,
                Some(_) => {
                    return Err(self.fault(
                        &field.named("advisor"),
                        "expected `builtin`, `none` or an https URL",
                    ));
                }
            };
            table.push((self.host(&field, entry)?, advisor));
        }
        let covered = match &section.registries {
            None => IBM_CLOUD.map(str::to_owned).to_vec(),
            Some(written) => written.clone(),
        };
        for (index, host) in covered.iter().enumerate() {
            let pattern = HostPattern::parse(host)
                .map_err(|error| self.fault(&format!("advisor.registries[{index}]"), error))?;
            table.push((pattern, Advisor::Builtin));
        }
        Ok(Advisors::new(table))
    }

    fn platforms(&self, written: &[String]) -> Result<Vec<Platform>> {
        if written.is_empty() {
            return Err(self.fault("advisor.platforms", "expected at least one platform"));
        }
        if written.len() > MAX_PLATFORMS {
            let why = format!("expected at most {MAX_PLATFORMS} platforms");
            return Err(self.fault("advisor.platforms", why));
        }
        let parse = |(index, platform): (usize, &String)| {
            platform
                .parse()
                .map_err(|error: cise_advisor::inventory::PlatformError| {
                    self.fault(&format!("advisor.platforms[{index}]"), error)
                })
        };
        written.iter().enumerate().map(parse).collect()
    }

    fn age(&self, section: &AdvisorSection) -> Result<AgeRules> {
        let hours = |field: &str, written, default| {
            let field = format!("advisor.{field}");
            self.bounded(&field, written, 1..=MAX_HOURS, default)
        };
        let refuse = hours("refuseAfterHours", section.refuse_after_hours, 336)?;
        let warn = hours("warnAfterHours", section.warn_after_hours, refuse.min(48))?;
        if warn > refuse {
            let why = format!(
                "{warn} is past `refuseAfterHours`, {refuse}, so that nothing would be warned of: expected at most that"
            );
            return Err(self.fault("advisor.warnAfterHours", why));
        }
        Ok(AgeRules {
            warn: SignedDuration::from_hours(warn.into()),
            refuse: SignedDuration::from_hours(refuse.into()),
        })
    }
}

impl From<PackageSetting> for PackageKind {
    fn from(setting: PackageSetting) -> Self {
        match setting {
            PackageSetting::Os => Self::Os,
            PackageSetting::Language => Self::Language,
        }
    }
}

impl From<SubscriptionSetting> for Channel {
    fn from(setting: SubscriptionSetting) -> Self {
        match setting {
            SubscriptionSetting::UbuntuPro => Self::UbuntuPro,
            SubscriptionSetting::DebianElts => Self::DebianElts,
        }
    }
}
