//! Which feeds speak of an image, by what its `os-release` says.

mod redhat;
mod suse;

use crate::{Ecosystem, Manager, Release};

/// What is known of a distribution and release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Support {
    /// There are feeds.
    Fed(Feeds),
    /// It is known that there is no feed; its packages are recorded in a database of that kind.
    NoFeed(PackageDatabase),
    /// Nothing is known: another distribution, a derivative, or a release that is not numbered as releases are.
    Unknown,
}

/// The feeds that speak of a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feeds {
    /// The manager that the distribution's packages are installed with.
    pub manager: Manager,
    /// Its own feed, without which the release is not covered.
    pub main: Ecosystem,
    /// Further feeds of its own that every such release has, and without which it is not covered either.
    pub also_needed: Vec<Ecosystem>,
    /// Feeds that add to them, and may have nothing to add: paid channels, further repositories of the same distribution.
    pub others: Vec<Ecosystem>,
}

impl Feeds {
    fn of(manager: Manager, main: &str) -> Self {
        Self {
            manager,
            main: Ecosystem::new(main),
            also_needed: Vec::new(),
            others: Vec::new(),
        }
    }

    fn needing(mut self, name: &str) -> Self {
        self.also_needed.push(Ecosystem::new(name));
        self
    }

    fn with(mut self, others: impl IntoIterator<Item = String>) -> Self {
        let others = others.into_iter().map(|name| Ecosystem::new(&name));
        self.others.extend(others);
        self
    }

    /// All of them, the main one first.
    pub fn all(&self) -> impl Iterator<Item = &Ecosystem> {
        self.needed().chain(&self.others)
    }

    /// The feed of what is said of all releases at once, as records of OSV may: without a release in its name. Nothing where the
    /// distribution has no releases.
    pub fn of_all_releases(&self) -> Option<Ecosystem> {
        let family = self.main.family();
        (family != self.main.as_str()).then(|| Ecosystem::new(family))
    }

    /// Those without which the release is not covered, the main one first.
    pub fn needed(&self) -> impl Iterator<Item = &Ecosystem> {
        std::iter::once(&self.main).chain(&self.also_needed)
    }
}

/// A kind of package database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PackageDatabase {
    /// rpm's.
    Rpm,
    /// pacman's, `var/lib/pacman/local`.
    Pacman,
    /// portage's, `var/db/pkg`.
    Portage,
    /// xbps', `var/db/xbps`.
    Xbps,
    /// opkg's, `usr/lib/opkg/status`.
    Opkg,
}

/// The feeds for a release. A closed table: `ID_LIKE` selects nothing, because a derivative's packages are its own.
pub fn ecosystems(release: &Release) -> Support {
    let feeds = match &*release.id {
        "alpine" => alpine(release),
        "almalinux" => by_major(release, "AlmaLinux"),
        "chainguard" => Some(Feeds::of(Manager::Apk, "Chainguard")),
        "debian" => debian(release),
        "opensuse-leap" => suse::leap(release),
        "opensuse-tumbleweed" => Some(Feeds::of(Manager::Rpm, "openSUSE:Tumbleweed")),
        "rhel" => redhat::feeds(release),
        "rocky" => by_major(release, "Rocky Linux"),
        "sles" => suse::enterprise_server(release),
        "ubuntu" => ubuntu(release),
        "wolfi" => Some(Feeds::of(Manager::Apk, "Wolfi")),
        id => return without_feed(id).map_or(Support::Unknown, Support::NoFeed),
    };
    feeds.map_or(Support::Unknown, Support::Fed)
}

/// Whether a distribution is known, and has releases that end, unlike one that rolls on for ever.
pub fn has_numbered_releases(release: &Release) -> bool {
    const ROLLING: [&str; 6] = [
        "arch",
        "chainguard",
        "gentoo",
        "opensuse-tumbleweed",
        "void",
        "wolfi",
    ];
    !ROLLING.contains(&&*release.id) && ecosystems(release) != Support::Unknown
}

/// Distributions of which nobody publishes advisories in OSV's schema. Closed as well, since such an image may be admitted.
fn without_feed(id: &str) -> Option<PackageDatabase> {
    Some(match id {
        "amzn" | "centos" | "fedora" | "ol" => PackageDatabase::Rpm,
        "arch" => PackageDatabase::Pacman,
        "gentoo" => PackageDatabase::Portage,
        "openwrt" => PackageDatabase::Opkg,
        "void" => PackageDatabase::Xbps,
        _ => return None,
    })
}

/// The numbers of a version that consists of one to three numbers with dots between.
fn numbers(release: &Release) -> Option<Vec<u32>> {
    let is_number = |part: &&str| part.len() <= 4 && part.bytes().all(|byte| byte.is_ascii_digit());
    let parts: Vec<&str> = release.version.split('.').collect();
    if parts.len() > 3 || !parts.iter().all(is_number) {
        return None;
    }
    parts.iter().map(|part| part.parse().ok()).collect()
}

fn debian(release: &Release) -> Option<Feeds> {
    match numbers(release)?[..] {
        [major] => Some(Feeds::of(Manager::Dpkg, &format!("Debian:{major}"))),
        _ => None,
    }
}

/// A snapshot of the next release (`3.21.0_alpha20240807`) belongs to none.
fn alpine(release: &Release) -> Option<Feeds> {
    match numbers(release)?[..] {
        [major, minor] | [major, minor, _] => {
            Some(Feeds::of(Manager::Apk, &format!("Alpine:v{major}.{minor}")))
        }
        _ => None,
    }
}

/// Of releases with long support, those of April in even years, there is a paid channel as well.
fn ubuntu(release: &Release) -> Option<Feeds> {
    let [year, month] = numbers(release)?[..] else {
        return None;
    };
    let name = format!("{year:02}.{month:02}");
    if year % 2 == 0 && month == 4 {
        let free = Feeds::of(Manager::Dpkg, &format!("Ubuntu:{name}:LTS"));
        Some(free.with([format!("Ubuntu:Pro:{name}:LTS")]))
    } else {
        Some(Feeds::of(Manager::Dpkg, &format!("Ubuntu:{name}")))
    }
}

/// Rebuilds of Red Hat's name their feeds by the major version alone; with the minor one no feed has that name.
fn by_major(release: &Release, family: &str) -> Option<Feeds> {
    let major = *numbers(release)?.first()?;
    Some(Feeds::of(Manager::Rpm, &format!("{family}:{major}")))
}

#[cfg(test)]
mod tests;
