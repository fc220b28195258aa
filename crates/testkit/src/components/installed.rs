//! Copies of components that the machine has already.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Which copy of a component on the `PATH` will do.
#[derive(Debug)]
pub(super) enum Installed {
    /// None.
    Never,
    /// One that, called with these arguments, prints this text.
    Says {
        arguments: &'static [&'static str],
        text: &'static str,
    },
    /// One that came with this Debian package, in a version that starts like this.
    Debian {
        package: &'static str,
        version: &'static str,
    },
}

impl Installed {
    pub(super) fn find(&self, name: &str) -> Option<PathBuf> {
        // Where the tests of other projects for Kubernetes look for its programs first.
        let assets = env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from);
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = assets.into_iter().chain(env::split_paths(&path));
        let mut programs = folders.map(|folder| folder.join(name));
        programs.find(|path| path.is_absolute() && path.is_file() && self.fits(path))
    }

    fn fits(&self, program: &Path) -> bool {
        match self {
            Self::Never => false,
            Self::Says { arguments, text } => output(Command::new(program).args(*arguments))
                .is_some_and(|said| said.contains(text)),
            Self::Debian { package, version } => {
                owner(program).is_some_and(|owner| owner == *package)
                    && version_of(package).is_some_and(|installed| installed.starts_with(version))
            }
        }
    }
}

/// The Debian package that a file came with.
fn owner(file: &Path) -> Option<String> {
    let found = output(Command::new("dpkg-query").arg("--search").arg(file))?;
    Some(found.split_once(':')?.0.to_owned())
}

fn version_of(package: &str) -> Option<String> {
    output(Command::new("dpkg-query").args(["--show", "--showformat=${Version}", package]))
}

fn output(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_fits_by_what_it_says() {
        let says = |text| Installed::Says {
            arguments: &["-c", "echo version 0.7.0"],
            text,
        };
        assert!(says("0.7.0").find("sh").is_some());
        assert!(says("0.6.1").find("sh").is_none());
        assert!(Installed::Never.find("sh").is_none());
    }

    #[test]
    fn a_program_that_is_not_there_does_not_fit() {
        let never_there = Installed::Says {
            arguments: &[],
            text: "",
        };
        assert!(never_there.find("no-program-has-this-name").is_none());
    }

    #[test]
    fn a_program_fits_by_the_package_that_it_came_with() {
        let package = |package, version| Installed::Debian { package, version };
        let on_debian = Path::new("/usr/bin/dpkg-query").is_file();
        assert_eq!(
            package("dpkg", "1.").find("dpkg-query").is_some(),
            on_debian
        );
        assert!(package("dpkg", "0.").find("dpkg-query").is_none());
        assert!(package("notary", "").find("dpkg-query").is_none());
    }
}
