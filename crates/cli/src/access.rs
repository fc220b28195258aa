//! Which cluster is asked, and as whom.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use cise_kubernetes::Access;

use crate::failure::Failure;

/// The kubeconfig file that is named, else the one of the environment, else the service account of the pod.
pub(crate) fn of(named: Option<PathBuf>) -> Result<Access, Failure> {
    access(named, env::var_os("KUBECONFIG"))
}

fn access(named: Option<PathBuf>, environment: Option<OsString>) -> Result<Access, Failure> {
    if let Some(file) = named {
        return Ok(Access::Kubeconfig(file));
    }
    let listed = environment.unwrap_or_default();
    let mut files = env::split_paths(&listed).filter(|file| !file.as_os_str().is_empty());
    match (files.next(), files.next()) {
        (None, _) => Ok(Access::Pod),
        (Some(file), None) => Ok(Access::Kubeconfig(file)),
        (Some(_), Some(_)) => Err(Failure::new(format!(
            "KUBECONFIG names several files: {}",
            listed.display()
        ))
        .with_hint("name one of them with --kubeconfig")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kubeconfig_that_is_named_counts_before_the_environment_and_that_before_the_pod() {
        let file = |name: &str| Access::Kubeconfig(name.into());
        for (named, environment, expected) in [
            (None, None, Access::Pod),
            (None, Some(""), Access::Pod),
            (None, Some("a"), file("a")),
            (None, Some(":a:"), file("a")),
            (Some("b"), Some("a"), file("b")),
            (Some("b"), Some("a:c"), file("b")),
        ] {
            let found = access(named.map(PathBuf::from), environment.map(OsString::from));
            assert_eq!(found.unwrap(), expected, "{named:?} {environment:?}");
        }
    }

    #[test]
    fn of_several_files_in_the_environment_one_has_to_be_named() {
        let failure = access(None, Some("a:b".into())).unwrap_err();
        assert_eq!(
            failure.text(),
            "error: KUBECONFIG names several files: a:b\nhint: name one of them with --kubeconfig"
        );
    }
}
