use crate::Manager::Apk;
use crate::version::Fault;
use crate::version::tests::{check, check_unorderable};

/// Facts that apk-tools tests itself by, and what its grammar implies.
#[test]
fn the_first_number_is_a_number_and_later_ones_with_a_leading_zero_are_strings() {
    check(
        Apk,
        &[
            "1.9 < 1.10",
            "006 > 1.0.0",
            "006 = 6",
            "8.2.0 < 8.2.001",
            "8.2.0015 < 8.2.002",
            "1.06-r6 < 1.6",
            "1.00 < 1.0000",
            "1.0 < 1.1",
            "1.18446744073709551617 > 1.18446744073709551616",
            "20050718-r2 > 3.9.8-r5",
        ],
    );
}

#[test]
fn what_goes_on_is_newer_unless_it_goes_on_with_the_suffix_of_a_version_before() {
    check(
        Apk,
        &[
            "1.2 < 1.2.1",
            "1.2 < 1.2a",
            "1.2a < 1.2b",
            "1.2a < 1.2.1",
            "1.2-r1 > 1.2",
            "1.2-r9 < 1.2-r10",
            "1.2-r1 < 1.2_p1",
            "1.2_p1 < 1.2a",
            "6.0_pre1 < 6.0",
            "6.0_p1 > 6.0",
            "0.1.0_alpha_pre2 < 0.1.0_alpha",
            "0.1.0_alpha2 > 0.1.0_alpha",
            "1.0_p10-r0 > 1.0_p9-r0",
            "1.3-r0 < 1.3.1-r0",
            "1.0.0_pre20191002222144-r0 < 1.0.0_pre20210530193627-r0",
        ],
    );
}

#[test]
fn the_suffixes_have_an_order() {
    check(
        Apk,
        &[
            "1_alpha < 1_beta",
            "1_beta < 1_pre",
            "1_pre < 1_rc",
            "1_rc < 1",
            "1 < 1_cvs",
            "1_cvs < 1_svn",
            "1_svn < 1_git",
            "1_git < 1_hg",
            "1_hg < 1_p",
            "1_rc9 < 1_cvs",
        ],
    );
}

#[test]
fn a_commit_is_compared_as_a_string_before_the_revision() {
    check(
        Apk,
        &[
            "1.0~1234 < 1.0~2345",
            "1.0~1234-r1 < 1.0~2345-r0",
            "1.0~1234-r1 > 1.0~1234-r0",
            "1.0~1234 > 1.0",
            "1.0~1234 > 1.0-r1",
            "0.1_pre2~1234abcd < 0.1",
        ],
    );
}

#[test]
fn what_apk_refuses_is_unorderable() {
    let refused = [
        "0.1bc",
        "0.1bc1",
        "0.1a1",
        "0.1a.1",
        "0.1_pre2~",
        "0.1_pre2~1234xbcd",
        "0.1_pre2~1234abcd_pre1",
        "0.1_pre2-r1~1234xbcd",
        "0.1_foobar",
        "0.1_foobar1",
        "0.1-pre1.1",
        "0.1-r",
        "0.1-r2_pre1",
        "0.1-r2_p3_pre1",
        "0.1-r2-r3",
        "0.1-r2.1",
        ".1",
        "a",
        "_pre1",
        "-r1",
        "0.1_",
        "0.1_-r0",
        "0.1__alpha",
        "0.1_1_alpha",
        "1..2",
        "1.",
        "1.0A",
        "1.0~ABCD",
        "1.0-1",
        "1:1.0",
        " 1",
        "1 ",
        "1\0",
        "é",
    ];
    let rows = refused.map(|version| (version, Fault::Shape));
    check_unorderable(Apk, &rows);
    check_unorderable(Apk, &[("", Fault::Empty)]);
}
