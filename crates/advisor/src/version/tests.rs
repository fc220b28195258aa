mod oracles;
mod pairs;
mod properties;

use std::cmp::Ordering;

use super::*;

/// Checks rows of `left < right`, `left = right` and `left > right`, from both sides.
pub(super) fn check(manager: Manager, rows: &[&str]) {
    for row in rows {
        let [left, relation, right] = row.split(' ').collect::<Vec<_>>()[..] else {
            panic!("{row}: expected three words");
        };
        let expected = match relation {
            "<" => Ordering::Less,
            "=" => Ordering::Equal,
            ">" => Ordering::Greater,
            _ => panic!("{row}: no such relation"),
        };
        assert_eq!(compare(manager, left, right), Ok(expected), "{row}");
        assert_eq!(
            compare(manager, right, left),
            Ok(expected.reverse()),
            "{row}"
        );
    }
}

/// Checks that none of `versions` can be ordered, and why.
pub(super) fn check_unorderable(manager: Manager, versions: &[(&str, Fault)]) {
    for (version, fault) in versions {
        let error = compare(manager, version, "1").unwrap_err();
        assert_eq!((error.manager, error.fault), (manager, *fault), "{version}");
        assert_eq!(compare(manager, "1", version), Err(error), "{version}");
    }
}

#[test]
fn a_version_of_more_than_1024_bytes_is_unorderable_and_its_start_is_told() {
    for manager in [Manager::Dpkg, Manager::Apk, Manager::Rpm] {
        assert!(compare(manager, &"1".repeat(1024), "1").is_ok());
        let error = compare(manager, &"1".repeat(1025), "1").unwrap_err();
        assert_eq!(error.fault, Fault::TooLong);
        assert_eq!(error.version.chars().count(), 65);
    }
}

#[test]
fn an_error_names_the_version_the_manager_and_the_fault() {
    let message = |manager, version| compare(manager, version, "1").unwrap_err().to_string();
    assert_eq!(
        message(Manager::Dpkg, "1.2\n"),
        r"`1.2\n` is no version that dpkg can order: it has a character that is not allowed there"
    );
    assert_eq!(
        message(Manager::Rpm, "virt-devel:rhel"),
        "`virt-devel:rhel` is no version that rpm can order: the epoch before its first `:` is no number, or too large a one"
    );
}
