use crate::{Ecosystem, Manager, Package};

/// The distribution whose feed an ecosystem is, as far as it is one that images are judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// `Debian:12`
    Debian,
    /// `Ubuntu:24.04:LTS`, `Ubuntu:Pro:18.04:LTS`
    Ubuntu,
    /// `Alpine:v3.20`
    Alpine,
    /// `Wolfi`
    Wolfi,
    /// `Chainguard`
    Chainguard,
    /// `AlmaLinux:9`
    AlmaLinux,
    /// `Rocky Linux:9`
    RockyLinux,
    /// `Red Hat:enterprise_linux:9::baseos`
    RedHat,
    /// `SUSE:Linux Enterprise Module for Basesystem 15 SP5`
    Suse,
    /// `openSUSE:Leap 15.6`
    OpenSuse,
}

/// What a feed's package names are names of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Naming {
    /// Of source packages: Debian's and Ubuntu's, Alpine's origins, source RPMs.
    Source,
    /// Of binary packages or of source packages, whichever has the name.
    BinaryOrSource,
}

impl Family {
    /// The family of an ecosystem.
    pub fn of(ecosystem: &Ecosystem) -> Option<Self> {
        Some(match ecosystem.family() {
            "Debian" => Self::Debian,
            "Ubuntu" => Self::Ubuntu,
            "Alpine" => Self::Alpine,
            "Wolfi" => Self::Wolfi,
            "Chainguard" => Self::Chainguard,
            "AlmaLinux" => Self::AlmaLinux,
            "Rocky Linux" => Self::RockyLinux,
            "Red Hat" => Self::RedHat,
            "SUSE" => Self::Suse,
            "openSUSE" => Self::OpenSuse,
            _ => return None,
        })
    }

    /// The manager in whose order its versions are.
    pub fn manager(self) -> Manager {
        match self {
            Self::Debian | Self::Ubuntu => Manager::Dpkg,
            Self::Alpine | Self::Wolfi | Self::Chainguard => Manager::Apk,
            Self::AlmaLinux | Self::RockyLinux | Self::RedHat | Self::Suse | Self::OpenSuse => {
                Manager::Rpm
            }
        }
    }

    /// What its package names are names of.
    ///
    /// OSV's schema says so, but of AlmaLinux, whose records list binary packages in truth. Wolfi's and Chainguard's name
    /// "the package", which may be either.
    pub fn naming(self) -> Naming {
        match self {
            Self::Debian
            | Self::Ubuntu
            | Self::Alpine
            | Self::RockyLinux
            | Self::Suse
            | Self::OpenSuse => Naming::Source,
            Self::Wolfi | Self::Chainguard | Self::AlmaLinux | Self::RedHat => {
                Naming::BinaryOrSource
            }
        }
    }

    /// The names by which to ask for advisories of a package, each once.
    pub fn names(self, package: &Package) -> impl Iterator<Item = &str> {
        let source = &*package.source.name;
        let binary = match self.naming() {
            Naming::Source => None,
            Naming::BinaryOrSource => Some(&*package.name).filter(|name| *name != source),
        };
        std::iter::once(source).chain(binary)
    }

    /// Whether it ships streams of modules.
    pub(crate) fn has_modules(self) -> bool {
        matches!(self, Self::AlmaLinux | Self::RockyLinux | Self::RedHat)
    }
}
