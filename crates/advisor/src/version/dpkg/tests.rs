use crate::Manager::Dpkg;
use crate::version::Fault;
use crate::version::tests::{check, check_unorderable};

#[test]
fn a_tilde_is_before_the_end_then_letters_then_other_characters() {
    check(
        Dpkg,
        &[
            "1~~ < 1~~a",
            "1~~a < 1~",
            "1~ < 1",
            "1 < 1a",
            "1a < 1+",
            "1Z < 1a",
            "1+ < 1.",
            "1.0~rc1-1 < 1.0-1",
            "1.0~beta1~svn1245 < 1.0~beta1",
            "1.0~beta1 < 1.0",
        ],
    );
}

#[test]
fn digits_are_numbers_of_any_length() {
    check(
        Dpkg,
        &[
            "1.9 < 1.10",
            "1.09 = 1.9",
            "1.0 = 1.",
            "1.a = 1.a0",
            "1.18446744073709551616 > 1.18446744073709551615",
            "1.100000000000000000000000000000 > 1.99999999999999999999999999999",
        ],
    );
}

#[test]
fn an_epoch_comes_first_and_is_zero_where_none_is_stated() {
    check(
        Dpkg,
        &[
            "0:1.0 = 1.0",
            "1:0.1 > 9.9",
            "00001:1 = 1:1",
            "2147483647:1 > 2147483646:1",
            "1:1:2 > 1:1",
        ],
    );
}

#[test]
fn the_last_hyphen_begins_the_revision_which_equals_zero_where_there_is_none() {
    check(
        Dpkg,
        &[
            "1.0 = 1.0-0",
            "1.0 < 1.0-1",
            "1.0 > 1.0-~",
            "1-2-3 > 1-1-4",
            "2.36-9+deb12u3 < 2.36-9+deb12u10",
            "5.10.218-1 > 5.10.209-2",
            "1.2.11.dfsg-4+deb11u2 > 1.2.11.dfsg-4",
            "8.5.0-2ubuntu10.6 < 8.5.0-2ubuntu10.6+esm1",
        ],
    );
}

#[test]
fn an_upstream_version_need_not_start_with_a_digit() {
    check(Dpkg, &["v1.2 > 1.2", "v1.2 < v1.10"]);
}

#[test]
fn what_the_manual_does_not_allow_is_unorderable() {
    check_unorderable(
        Dpkg,
        &[
            ("", Fault::Empty),
            ("1:", Fault::Empty),
            ("-1", Fault::Empty),
            ("1-", Fault::EmptyRevision),
            (":1", Fault::Epoch),
            ("a:1", Fault::Epoch),
            ("-1:1", Fault::Epoch),
            ("+1:1", Fault::Epoch),
            ("2147483648:1", Fault::Epoch),
            ("1.0_2", Fault::Character),
            (" 1", Fault::Character),
            ("1 2", Fault::Character),
            ("1.0-1:2", Fault::Epoch),
            ("0:1.0-1:2", Fault::Character),
            ("1.0-é", Fault::Character),
        ],
    );
}
