//! The section about the Vulnerability Advisor, and who advises about which registry.

use cise_admission::{Advisor, Advisors};
use cise_advisor::assessment::{PackageKind, Rules, Tolerance};
use cise_advisor::database::AgeRules;
use cise_advisor::inventory::Platform;
use cise_advisor::matching::Channel;
use cise_policy::HostPattern;
use cise_registry::Tls;
use jiff::SignedDuration;

use super::{Field, Reader, Result};
use crate::config::file::{
    self, AdvisorSection, PackageSetting, RegistryEntry, SubscriptionSetting, ToleranceSetting,
};
use crate::config::{AdvisorService, AdvisorSettings};
use crate::wiring;

/// The registries that the product's documentation speaks of.
const IBM_CLOUD: [&str; 3] = ["icr.io", "*.icr.io", "registry*.bluemix.net"];
const MAX_HOURS: u32 = 8760;

impl Reader<'_> {
    pub(super) fn advisor(&self, section: &AdvisorSection) -> Result<AdvisorSettings> {
        let defaults = cise_advisor::Settings::default();
        let platforms = match &section.platforms {
            None => defaults.platforms,
            Some(written) => self.platforms(written)?,
        };
        Ok(AdvisorSettings {
            database: section.database.as_ref().map(|path| self.folder.join(path)),
            service: section
                .service
                .as_ref()
                .map(|service| self.advisor_service(service))
                .transpose()?,
            work: cise_advisor::Settings {
                platforms,
                ..defaults
            },
        })
    }

    fn advisor_service(&self, written: &file::AdvisorService) -> Result<AdvisorService> {
        let channel = written.ca_file.as_deref().map(|path| {
            let field = "advisor.service.caFile";
            let tls = Tls::default()
                .with_roots(&self.read(field, path)?)
                .map_err(|error| self.fault(field, error))?;
            wiring::way_inward(tls).map_err(|error| self.fault(field, error))
        });
        let rest = written.url.strip_prefix("https://").unwrap_or_default();
        let host = rest.split(['/', ':']).next().unwrap_or_default();
        if host.is_empty() {
            return Err(self.fault("advisor.service.url", "expected an https URL"));
        }
        Ok(AdvisorService {
            url: written.url.as_str().into(),
            host: host.to_owned(),
            channel: channel.transpose()?,
            token_file: self.folder.join(&written.token_file),
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
        Ok(Rules {
            packages: packages.map_or(defaults.packages, |kinds| {
                kinds.iter().copied().map(PackageKind::from).collect()
            }),
            subscriptions: section
                .subscriptions
                .iter()
                .copied()
                .map(Channel::from)
                .collect(),
            age: self.age(section)?,
            unsupported: tolerance(section.unsupported, defaults.unsupported),
            unjudged: tolerance(section.unjudged, defaults.unjudged),
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
        let warn = hours("warnAfterHours", section.warn_after_hours, 48)?;
        let refuse = hours("refuseAfterHours", section.refuse_after_hours, 336)?;
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
