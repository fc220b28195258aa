//! The real programs that tests, the demo and the benchmarks run against.
//!
//! This file is the one table of them. Each is built from a pinned Go module under `components/`, once, into a cache
//! folder: `$CISE_CACHE`, else `$XDG_CACHE_HOME/cise`, else `~/.cache/cise`. A copy on the `PATH` is used first where it
//! is known to fit. Nothing is built behind a test's back: `components get` (a program of this crate) does that.

mod build;
mod cache;
mod installed;

use std::io::Write as _;
use std::path::PathBuf;
use std::{env, io, thread};

use crate::Error;
use installed::Installed;

/// A program that tests run against: where it comes from and how it is built.
#[derive(Debug)]
pub struct Component {
    /// The name of its executable file, and how `components get` calls it.
    pub name: &'static str,
    /// The group that it is fetched with.
    pub set: Set,
    /// How long it takes to build on two cores, for people who wait.
    pub build_time: &'static str,
    /// The folder under `components/` with the Go module that pins it.
    module: &'static str,
    /// The main package.
    package: &'static str,
    /// Arguments for Go's linker.
    ldflags: &'static str,
    /// What of Go's own library is built otherwise.
    overlay: Option<Overlay>,
    /// Which copy found on the machine will do instead.
    installed: Installed,
}

/// Components that are fetched together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    /// Registries and what signs images.
    Images,
    /// Whose work is read in another way than by asking them, and who reads as container runtimes do.
    Witnesses,
    /// A Kubernetes control plane and its client.
    Cluster,
    /// Helm, in the versions that people use.
    Helm,
    /// What findings and inventories are compared with.
    Compare,
    /// cert-manager, which other installations leave their certificates to.
    CertManager,
}

impl Set {
    /// How `components get` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Images => "images",
            Self::Witnesses => "witnesses",
            Self::Cluster => "cluster",
            Self::Helm => "helm",
            Self::Compare => "compare",
            Self::CertManager => "cert-manager",
        }
    }
}

/// A change to Go's library that a component needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Overlay {
    /// `mime/multipart` gives the name of a file as it was sent. Since Go 1.17 it cuts off the folders, by which the
    /// notary server knows the delegation `targets/releases`; it refuses to publish any delegation then.
    UncutFileNames,
}

/// Debian corrects the fault of the server with delegations. A copy built by hand does not, and nothing tells them apart:
/// neither says a version.
const DEBIAN_NOTARY: Installed = Installed::Debian {
    package: "notary",
    version: "0.7.0",
};

const STRIPPED: &str = "-s -w";

/// Without a version, the programs of Kubernetes call themselves v0.0.0, and clients and charts refuse them.
const KUBERNETES: &str = "-s -w -X k8s.io/component-base/version.gitVersion=v1.36.3 \
    -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36";

/// The client with which people sign.
pub static NOTARY: Component = Component {
    name: "notary",
    set: Set::Images,
    build_time: "20 s",
    module: "notary",
    package: "github.com/theupdateframework/notary/cmd/notary",
    ldflags: STRIPPED,
    overlay: None,
    installed: DEBIAN_NOTARY,
};

/// The trust server of Docker Content Trust.
pub static NOTARY_SERVER: Component = Component {
    name: "notary-server",
    set: Set::Images,
    build_time: "30 s",
    module: "notary",
    package: "github.com/theupdateframework/notary/cmd/notary-server",
    ldflags: STRIPPED,
    overlay: Some(Overlay::UncutFileNames),
    installed: DEBIAN_NOTARY,
};

/// The reference registry, version 3, with its kinds of authentication and without the referrers API.
pub static REGISTRY: Component = Component {
    name: "registry",
    set: Set::Images,
    build_time: "90 s",
    module: "registry",
    package: "github.com/distribution/distribution/v3/cmd/registry",
    ldflags: "-s -w -X github.com/distribution/distribution/v3/version.version=v3.0.0",
    overlay: None,
    installed: Installed::Says {
        arguments: &["--version"],
        text: "distribution/v3 v3.",
    },
};

/// A registry client; `crane registry serve` is a registry of its own make.
pub static CRANE: Component = Component {
    name: "crane",
    set: Set::Images,
    build_time: "10 s",
    module: "crane",
    package: "github.com/google/go-containerregistry/cmd/crane",
    ldflags: "-s -w -X github.com/google/go-containerregistry/cmd/crane/cmd.Version=0.22.1",
    overlay: None,
    installed: Installed::Says {
        arguments: &["version"],
        text: "0.22.",
    },
};

/// Crane's registry with the referrers API of OCI 1.1 switched on.
pub static REFERRERS: Component = Component {
    name: "referrers",
    set: Set::Images,
    build_time: "5 s",
    module: "crane",
    package: "tools.invalid/crane/referrers",
    ldflags: STRIPPED,
    overlay: None,
    installed: Installed::Never,
};

/// The store behind the API server.
pub static ETCD: Component = Component {
    name: "etcd",
    set: Set::Cluster,
    build_time: "20 s",
    module: "etcd",
    package: "go.etcd.io/etcd/server/v3",
    ldflags: STRIPPED,
    overlay: None,
    installed: Installed::Says {
        arguments: &["--version"],
        text: "etcd Version: 3.",
    },
};

/// The server that calls admission webhooks.
pub static KUBE_APISERVER: Component = Component {
    name: "kube-apiserver",
    set: Set::Cluster,
    build_time: "4 min",
    module: "kubernetes",
    package: "k8s.io/kubernetes/cmd/kube-apiserver",
    ldflags: KUBERNETES,
    overlay: None,
    installed: Installed::Says {
        arguments: &["--version"],
        text: "Kubernetes v1.36.",
    },
};

/// What makes pods of workloads, and default service accounts.
pub static KUBE_CONTROLLER_MANAGER: Component = Component {
    name: "kube-controller-manager",
    set: Set::Cluster,
    build_time: "1 min",
    module: "kubernetes",
    package: "k8s.io/kubernetes/cmd/kube-controller-manager",
    ldflags: KUBERNETES,
    overlay: None,
    installed: Installed::Says {
        arguments: &["--version"],
        text: "Kubernetes v1.36.",
    },
};

/// The client that people use.
pub static KUBECTL: Component = Component {
    name: "kubectl",
    set: Set::Cluster,
    build_time: "1 min",
    module: "kubernetes",
    package: "k8s.io/kubernetes/cmd/kubectl",
    ldflags: KUBERNETES,
    overlay: None,
    installed: Installed::Says {
        arguments: &["version", "--client"],
        text: "Client Version: v1.36.",
    },
};

/// Helm 3.
pub static HELM3: Component = Component {
    name: "helm3",
    set: Set::Helm,
    build_time: "45 s",
    module: "helm3",
    package: "helm.sh/helm/v3/cmd/helm",
    ldflags: "-s -w -X helm.sh/helm/v3/internal/version.version=v3.22.0",
    overlay: None,
    installed: Installed::Never,
};

/// Helm 4.
pub static HELM4: Component = Component {
    name: "helm4",
    set: Set::Helm,
    build_time: "80 s",
    module: "helm4",
    package: "helm.sh/helm/v4/cmd/helm",
    ldflags: "-s -w -X helm.sh/helm/v4/internal/version.version=v4.3.1",
    overlay: None,
    installed: Installed::Never,
};

/// The controllers of cert-manager that make certificates, for issuers of the kinds CA and self-signed.
pub static CERT_MANAGER: Component = Component {
    name: "cert-manager-controllers",
    set: Set::CertManager,
    build_time: "2 min",
    module: "certmanager",
    package: "tools.invalid/certmanager/controllers",
    ldflags: STRIPPED,
    overlay: None,
    installed: Installed::Never,
};

/// What unpacks images as the specification has it.
pub static UMOCI: Component = Component {
    name: "umoci",
    set: Set::Witnesses,
    build_time: "15 s",
    module: "umoci",
    package: "github.com/opencontainers/umoci/cmd/umoci",
    ldflags: "-s -w -X github.com/opencontainers/umoci.version=0.6.0",
    overlay: None,
    installed: Installed::Says {
        arguments: &["--version"],
        text: "umoci version 0.6.",
    },
};

/// What signs images and attaches attestations to them.
pub static COSIGN: Component = Component {
    name: "cosign",
    set: Set::Witnesses,
    build_time: "3 min",
    module: "cosign",
    package: "github.com/sigstore/cosign/v3/cmd/cosign",
    ldflags: "-s -w -X sigs.k8s.io/release-utils/version.gitVersion=v3.1.3",
    overlay: None,
    installed: Installed::Says {
        arguments: &["version"],
        text: "v3.1.",
    },
};

/// What makes layers with a table of contents, by the libraries of the runtimes that read them lazily.
pub static CHUNKED: Component = Component {
    name: "chunked",
    set: Set::Witnesses,
    build_time: "10 s",
    module: "chunked",
    package: "tools.invalid/chunked",
    ldflags: STRIPPED,
    overlay: None,
    installed: Installed::Never,
};

/// What says how the libraries of container runtimes read archives, manifests and configurations.
pub static READERS: Component = Component {
    name: "readers",
    set: Set::Witnesses,
    build_time: "5 s",
    module: "readers",
    package: "tools.invalid/readers",
    ldflags: STRIPPED,
    overlay: None,
    installed: Installed::Never,
};

/// What finds known vulnerabilities by the records of osv.dev.
pub static OSV_SCANNER: Component = Component {
    name: "osv-scanner",
    set: Set::Compare,
    build_time: "3 min",
    module: "osv-scanner",
    package: "github.com/google/osv-scanner/v2/cmd/osv-scanner",
    ldflags: STRIPPED,
    overlay: None,
    installed: Installed::Says {
        arguments: &["--version"],
        text: "osv-scanner version: 2.5.",
    },
};

/// What lists the packages of images.
pub static SYFT: Component = Component {
    name: "syft",
    set: Set::Compare,
    build_time: "3 min",
    module: "syft",
    package: "github.com/anchore/syft/cmd/syft",
    ldflags: "-s -w -X main.version=1.57.1",
    overlay: None,
    installed: Installed::Says {
        arguments: &["version"],
        text: "1.57.",
    },
};

/// Every component.
pub static ALL: [&Component; 18] = [
    &REGISTRY,
    &NOTARY_SERVER,
    &NOTARY,
    &CRANE,
    &REFERRERS,
    &UMOCI,
    &CHUNKED,
    &READERS,
    &COSIGN,
    &ETCD,
    &KUBE_APISERVER,
    &KUBE_CONTROLLER_MANAGER,
    &KUBECTL,
    &HELM3,
    &HELM4,
    &OSV_SCANNER,
    &SYFT,
    &CERT_MANAGER,
];

/// Whether all of these are there; says which one is not, as [`Component::require`] does.
///
/// # Panics
/// When one is missing and `CISE_REQUIRE_COMPONENTS` is `1`.
pub fn require(components: &[&Component]) -> bool {
    components
        .iter()
        .all(|component| component.require().is_some())
}

impl Component {
    /// The component of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|component| component.name == name).copied()
    }

    /// Where the program is: on the `PATH` at a version that fits, or built before. `None`: it has to be built first.
    pub fn find(&self) -> Option<PathBuf> {
        self.installed.find(self.name).or_else(|| cache::find(self))
    }

    /// Where the program is, after building it where it is missing. Needs Go and, for the sources, the network. Two
    /// processes that build the same component at the same time do it once.
    pub fn get(&self) -> Result<PathBuf, Error> {
        self.find().map_or_else(|| build::build(self), Ok)
    }

    /// Where the program is, for a test that cannot run without it. Where it is missing, says on standard error that the
    /// test is skipped, and gives `None`.
    ///
    /// # Panics
    /// When it is missing and `CISE_REQUIRE_COMPONENTS` is `1`: then a skipped test is a failed one.
    pub fn require(&self) -> Option<PathBuf> {
        self.find().or_else(|| {
            self.missing();
            None
        })
    }

    /// Where the program is, for the parts of the test kit that start it.
    pub(crate) fn program(&self) -> Result<PathBuf, Error> {
        self.find().ok_or(Error::Missing(self.name))
    }

    /// The folder with the sources of one of the Go modules that it is built from, as they were fetched for that.
    pub(crate) fn sources(&self, module: &str) -> Result<PathBuf, Error> {
        build::sources(self, module)
    }

    fn missing(&self) {
        let command = format!(
            "cargo run -p cise-testkit --bin components -- get {}",
            self.name
        );
        assert!(
            env::var_os("CISE_REQUIRE_COMPONENTS").is_none_or(|value| value != "1"),
            "{} is missing; `{command}` builds it",
            self.name
        );
        let thread = thread::current();
        let test = thread.name().unwrap_or("a test");
        // Not `eprintln!`, which the test harness keeps to itself when a test passes.
        let _ = writeln!(
            io::stderr(),
            "skipped: {test}: {} is missing; `{command}` builds it",
            self.name
        );
    }
}

#[cfg(test)]
mod tests {
    use std::panic;

    use super::*;

    #[test]
    fn every_component_has_its_own_name_and_a_module() {
        for component in ALL {
            assert!(std::ptr::eq(
                Component::named(component.name).unwrap(),
                component
            ));
            assert!(
                component.module_folder().join("go.sum").is_file(),
                "{}",
                component.name
            );
        }
    }

    #[test]
    fn a_missing_component_skips_a_test_or_fails_it() {
        let missing = Component {
            ldflags: "-X nothing.was=built.so",
            installed: Installed::Never,
            ..CRANE
        };
        assert!(
            missing
                .program()
                .unwrap_err()
                .to_string()
                .contains("components -- get crane")
        );
        let required = panic::catch_unwind(|| missing.require());
        if env::var_os("CISE_REQUIRE_COMPONENTS").is_some_and(|value| value == "1") {
            assert!(required.is_err());
        } else {
            assert_eq!(required.unwrap(), None);
        }
    }
}
