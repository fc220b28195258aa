//! Packages in a distribution's database that the distribution did not make.

use crate::{Manager, Package, Release};

/// Did somebody else make the package? Then the distribution's advisories do not speak of it.
///
/// For rpm, whoever is not the distribution's vendor is somebody else. dpkg records the maintainers, who are thousands of
/// people: only the vendors of well-known repositories are told apart, and everybody else's packages are judged. apk records
/// no vendor.
pub(super) fn is_other(package: &Package, release: &Release) -> bool {
    match package.manager {
        Manager::Rpm => is_other_vendor(&package.vendor, &release.id),
        Manager::Dpkg => is_outside_maintainer(&package.vendor),
        Manager::Apk => false,
    }
}

/// A package without a vendor is judged: what one builds on one's own has none, and neither have signing keys.
fn is_other_vendor(vendor: &str, distribution: &str) -> bool {
    let own: &[&str] = match distribution {
        "rhel" => &["Red Hat"],
        "centos" => &["CentOS", "Red Hat"],
        "almalinux" => &["AlmaLinux"],
        "rocky" => &["Rocky"],
        "azurelinux" | "mariner" => &["Microsoft"],
        "photon" => &["VMware"],
        _ if distribution.starts_with("sle") || distribution.contains("suse") => {
            &["SUSE", "openSUSE"]
        }
        _ => return false,
    };
    !vendor.is_empty() && !own.iter().any(|name| vendor.starts_with(name))
}

/// The domains of those who offer packages for Debian and Ubuntu in repositories of their own.
const OUTSIDE: [&str; 15] = [
    "docker.com",
    "elastic.co",
    "f5.com",
    "gitlab.com",
    "google.com",
    "grafana.com",
    "hashicorp.com",
    "influxdata.com",
    "microsoft.com",
    "mongodb.com",
    "nginx.com",
    "nodesource.com",
    "nvidia.com",
    "oracle.com",
    "percona.com",
];

fn is_outside_maintainer(maintainer: &str) -> bool {
    let address = maintainer
        .rsplit_once('<')
        .map_or("", |(_, address)| address);
    let domain = address.trim_end_matches('>').rsplit_once('@');
    domain.is_some_and(|(_, domain)| OUTSIDE.contains(&domain.to_ascii_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rpms_are_the_distributions_if_it_is_their_vendor() {
        for (vendor, distribution, other) in [
            ("Red Hat, Inc.", "rhel", false),
            ("Red Hat, Inc.", "almalinux", true),
            ("AlmaLinux", "almalinux", false),
            ("Rocky Enterprise Software Foundation", "rocky", false),
            ("SUSE LLC <https://www.suse.com/>", "sles", false),
            ("openSUSE", "opensuse-leap", false),
            ("NGINX Packaging <nginx-packaging@f5.com>", "rhel", true),
            ("", "rhel", false),
        ] {
            assert_eq!(
                is_other_vendor(vendor, distribution),
                other,
                "{vendor} in {distribution}"
            );
        }
    }

    #[test]
    fn debs_are_somebody_elses_if_their_maintainer_is_known_to_be() {
        for (maintainer, outside) in [
            (
                "GNU Libc Maintainers <debian-glibc@lists.debian.org>",
                false,
            ),
            ("Somebody <somebody@example.com>", false),
            ("NGINX Packaging <nginx-packaging@f5.com>", true),
            ("Docker <support@docker.com>", true),
            ("Docker <support@DOCKER.com>", true),
            ("Docker <support@notdocker.com>", false),
            ("docker.com", false),
            ("", false),
        ] {
            assert_eq!(is_outside_maintainer(maintainer), outside, "{maintainer}");
        }
    }
}
