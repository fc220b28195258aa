use std::cmp::Ordering;

use super::Version;
use crate::Manager::Rpm;
use crate::version::Fault;
use crate::version::tests::{check, check_unorderable};

/// Facts that rpm tests itself by.
#[test]
fn segments_are_compared_in_turn_and_separators_only_separate() {
    check(
        Rpm,
        &[
            "1.0 = 1.0",
            "1.0 < 2.0",
            "2.0.1 > 2.0",
            "2.0.1a > 2.0.1",
            "5.5p1 < 5.5p2",
            "5.5p10 > 5.5p1",
            "10xyz < 10.1xyz",
            "xyz10 < xyz10.1",
            "xyz.4 < 8",
            "xyz.4 < 2",
            "5.5p2 < 5.6p1",
            "5.6p1 < 6.5p1",
            "6.0.rc1 > 6.0",
            "10b2 > 10a1",
            "1.0a < 1.0aa",
            "10.0001 = 10.1",
            "10.0001 < 10.0039",
            "4.999.9 < 5.0",
            "20101121 < 20101122",
            "2_0 = 2.0",
            "a+ = a_",
            "+a = _a",
            "+_ = _+",
            "+ = _",
            "1.0. = 1.0",
            "1B < 1a",
            "1.18446744073709551616 > 1.18446744073709551615",
        ],
    );
}

#[test]
fn a_tilde_is_before_the_end() {
    check(
        Rpm,
        &[
            "1.0~rc1 < 1.0",
            "1.0~rc1 < 1.0~rc2",
            "1.0~rc1~git123 < 1.0~rc1",
            "1.0~ < 1.0",
            "1.0.~rc1 = 1.0~rc1",
        ],
    );
}

#[test]
fn a_caret_is_after_the_end_and_before_everything_else() {
    check(
        Rpm,
        &[
            "1.0^ > 1.0",
            "1.0^git1 > 1.0",
            "1.0^git1 < 1.0^git2",
            "1.0^git1 < 1.01",
            "1.0^20160101 < 1.0.1",
            "1.0^20160101^git1 > 1.0^20160101",
            "1.0~rc1 < 1.0~rc1^git1",
            "1.0^git1~pre < 1.0^git1",
            "1.0^a > 1.0~a",
        ],
    );
}

#[test]
fn an_epoch_comes_first_then_the_version_then_the_release() {
    check(
        Rpm,
        &[
            "0:1.0-1 = 1.0-1",
            "1:1.0-1 > 2.0-1",
            "32:9.16.23-1.el9 < 32:9.16.23-18.el9_4.6",
            "1.0-2 < 1.0-10",
            "1.0-10 < 1.1-2",
            "0:5.4.1-1.module+el8.5.0+10613+59a13ec4 > 0:5.4.1-1.module+el8.4.0+9822+20bf1249",
            "4294967295:1-1 > 4294967294:1-1",
        ],
    );
}

#[test]
fn a_version_without_a_release_equals_it_with_any_but_has_a_place_in_the_total_order() {
    check(
        Rpm,
        &[
            "1.0 = 1.0-1",
            "1.0 = 1.0-99",
            "1.0 < 1.1-1",
            "1:1.0 > 1.0-1",
        ],
    );
    let parse = |text| Version::parse(text).unwrap();
    assert_eq!(parse("1.0").cmp(&parse("1.0-0")), Ordering::Less);
    assert_eq!(parse("1.0").cmp(&parse("1.0")), Ordering::Equal);
    assert_eq!(parse("1.0-1").cmp(&parse("1.0-2")), Ordering::Less);
}

#[test]
fn what_has_no_version_is_unorderable() {
    check_unorderable(
        Rpm,
        &[
            ("", Fault::Empty),
            ("-1", Fault::Empty),
            ("1:", Fault::Empty),
            ("1:-1", Fault::Empty),
            ("1.0-", Fault::EmptyRevision),
            (":1.0", Fault::Epoch),
            ("a:1.0", Fault::Epoch),
            ("4294967296:1", Fault::Epoch),
            ("1.0-1-2", Fault::Character),
            ("0:1.0-1:2", Fault::Character),
            ("1.0 ", Fault::Character),
            ("1.1.α", Fault::Character),
        ],
    );
}
