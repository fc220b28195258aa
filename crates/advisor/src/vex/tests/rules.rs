use super::*;
use crate::assessment::tests::fixture::{package, platform, release};
use crate::vex::{Forgiveness, Instance, Names, Ruling, Whereabouts};

const PACKAGE: &str = "pkg:deb/debian/libssl3@3.0.9-1";

/// What follows for CVE-2026-1, of which GHSA-aaaa speaks and which DSA-1-1 fixes, in libssl3.
fn ruling(testimony: &Testimony) -> Ruling {
    let names = Names {
        id: "CVE-2026-1",
        aliases: &["DSA-1-1".into(), "GHSA-aaaa".into()],
        notices: &["DSA-1-1"],
    };
    let instance = Instance {
        package: &package("libssl3", "openssl", "3.0.9-1"),
        release: Some(&release("debian", "12")),
        image: Whereabouts {
            root: &root(),
            manifest: &manifest(),
            platform: &platform("amd64"),
        },
    };
    testimony.rule(&names, &instance, now())
}

/// `forgiven`, `silent`, or a part of why not.
fn check(documents: &[Value], expected: &str) {
    check_ruling(
        &ruling(&testimony(documents)),
        expected,
        &format!("{documents:?}"),
    );
}

fn check_ruling(ruling: &Ruling, expected: &str, case: &str) {
    match ruling {
        Ruling::Forgiven(_) => assert_eq!("forgiven", expected, "{case}"),
        Ruling::Silent => assert_eq!("silent", expected, "{case}"),
        Ruling::Refused(why) => {
            let why = why.to_string();
            assert!(why.contains(expected), "{why}: {case}");
        }
    }
}

fn at(day: u8, statement: Value) -> Value {
    with(
        statement,
        json!({"timestamp": format!("2026-11-{day:02}T00:00:00Z")}),
    )
}

fn of(product: &str, status: &str) -> Value {
    with(statement(status), json!({"products": [{"@id": product}]}))
}

fn named(name: &str, aliases: &[&str]) -> Value {
    with(
        statement("not_affected"),
        json!({"vulnerability": {"name": name, "aliases": aliases}}),
    )
}

#[test]
fn what_forgives_says_by_whom_it_is_known() {
    let Ruling::Forgiven(grant) = ruling(&testimony(&[document(&[statement("not_affected")])]))
    else {
        panic!("it is forgiven");
    };
    assert_eq!(&*grant.document, "https://example.com/vex/1");
    assert_eq!(&*grant.author, "Team <team@example.com>");
    assert_eq!(grant.status, Forgiveness::NotAffected);
    assert_eq!(
        grant.justification.as_deref(),
        Some("vulnerable_code_not_present")
    );
    assert_eq!((&*grant.key, &*grant.attached_as), (KEY, "sha256:bb"));
    assert_eq!(grant.stated_at, time("2026-11-20T00:00:00Z"));
}

#[test]
fn only_two_statuses_forgive_and_each_needs_its_evidence() {
    let unjustified = with(statement("not_affected"), json!({"justification": null}));
    for (statement, expected) in [
        (statement("not_affected"), "forgiven"),
        (of(PACKAGE, "not_affected"), "forgiven"),
        (unjustified, "needs a justification"),
        (of(PACKAGE, "fixed"), "forgiven"),
        (statement("fixed"), "has to name the package"),
        (statement("affected"), "says `affected`"),
        (
            statement("under_investigation"),
            "says `under_investigation`",
        ),
        (statement("Not_Affected"), "says `Not_Affected`"),
        (statement("exploitable"), "says `exploitable`"),
    ] {
        check(&[document(&[statement])], expected);
    }
}

#[test]
fn fixed_counts_for_the_package_in_the_version_that_is_installed() {
    for (component, expected) in [
        (PACKAGE, "forgiven"),
        (
            "pkg:deb/debian/libssl3",
            "has to name the package in the installed version",
        ),
        ("pkg:deb/debian/libssl3@3.0.11-1", "is not this image"),
    ] {
        let product = json!({"@id": image_url(&root()), "subcomponents": [{"@id": component}]});
        let statement = with(statement("fixed"), json!({"products": [product]}));
        check(&[document(&[statement])], expected);
    }
}

#[test]
fn the_latest_statement_counts_and_of_one_time_the_one_that_forgives_least() {
    let [good, bad] = ["not_affected", "affected"].map(statement);
    let exact = || of(PACKAGE, "not_affected");
    for (statements, expected) in [
        (vec![at(1, bad.clone()), at(2, good.clone())], "forgiven"),
        (vec![at(2, good.clone()), at(1, bad.clone())], "forgiven"),
        (
            vec![at(1, good.clone()), at(2, bad.clone())],
            "says `affected`",
        ),
        (
            vec![at(2, good.clone()), at(2, bad.clone())],
            "says `affected`",
        ),
        (vec![at(1, exact()), at(2, bad.clone())], "says `affected`"),
        // What has no time has that of the document, the 20th.
        (vec![at(19, good.clone()), bad.clone()], "says `affected`"),
        (vec![at(21, good.clone()), bad.clone()], "forgiven"),
        (
            vec![at(1, good.clone()), at(2, statement("whatever"))],
            "says `whatever`",
        ),
        (
            vec![at(1, good.clone()), at(2, statement("fixed"))],
            "has to name the package",
        ),
    ] {
        check(&[document(&statements)], expected);
        // The same in documents of their own.
        let own = |(number, one): (usize, &Value)| {
            let id = format!("https://example.com/vex/own/{number}");
            with(document(std::slice::from_ref(one)), json!({"@id": id}))
        };
        let documents: Vec<_> = statements.iter().enumerate().map(own).collect();
        check(&documents, expected);
    }
}

#[test]
fn a_statement_of_a_time_to_come_forgives_nothing_and_withholds() {
    let ahead = |time: &str, status: &str| with(statement(status), json!({"timestamp": time}));
    for (time, status, expected) in [
        ("2026-11-26T09:05:00Z", "not_affected", "forgiven"),
        ("2026-11-26T09:05:01Z", "not_affected", "yet to come"),
        ("2099-01-01T00:00:00Z", "not_affected", "yet to come"),
        ("2099-01-01T00:00:00Z", "affected", "says `affected`"),
    ] {
        let statements = [statement("not_affected"), ahead(time, status)];
        check(&[document(&statements)], expected);
    }
}

#[test]
fn a_later_version_of_a_document_stands_for_all_of_it() {
    let version =
        |number: u64, statement: Value| with(document(&[statement]), json!({"version": number}));
    let [good, bad] = ["not_affected", "affected"].map(statement);
    let about_another = with(
        bad.clone(),
        json!({"vulnerability": {"name": "CVE-2026-2"}}),
    );
    for (documents, expected) in [
        (
            vec![version(1, good.clone()), version(2, about_another.clone())],
            "silent",
        ),
        (
            vec![version(2, good.clone()), version(1, at(25, bad.clone()))],
            "forgiven",
        ),
        (
            vec![version(2, good.clone()), version(2, bad.clone())],
            "says `affected`",
        ),
    ] {
        check(&documents, expected);
    }
}

#[test]
fn a_statement_needs_a_product_to_forgive_and_none_to_withhold() {
    let without = |status: &str| with(statement(status), json!({"products": []}));
    for (statements, expected) in [
        (vec![without("not_affected")], "has no product"),
        (
            vec![of("https://example.com/app", "not_affected")],
            "is not this image",
        ),
        (
            vec![of("pkg:deb/debian/libssl3", "not_affected")],
            "is not this image",
        ),
        (
            vec![of("pkg:deb/debian/libssl3@3.0.8-1", "not_affected")],
            "libssl3@3.0.8-1 is not this image",
        ),
        (
            vec![of(PACKAGE, "not_affected"), at(21, without("affected"))],
            "says `affected`",
        ),
        (
            vec![
                of(PACKAGE, "not_affected"),
                at(21, of("pkg:oci/app", "affected")),
            ],
            "says `affected`",
        ),
        (
            vec![
                of(PACKAGE, "not_affected"),
                at(21, of("pkg:deb/debian/libssl3", "affected")),
            ],
            "says `affected`",
        ),
        (
            vec![
                of(PACKAGE, "not_affected"),
                at(21, of("pkg:deb/debian/curl", "affected")),
            ],
            "forgiven",
        ),
        // A statement that does not count takes nothing back.
        (
            vec![of(PACKAGE, "not_affected"), at(21, without("not_affected"))],
            "forgiven",
        ),
    ] {
        check(&[document(&statements)], expected);
    }
}

#[test]
fn a_vulnerability_has_the_names_that_exemptions_have_of_it() {
    for (name, aliases, expected) in [
        ("CVE-2026-1", vec![], "forgiven"),
        (
            "CVE-2026-1",
            vec!["CVE-2026-1", "GHSA-zzzz", "DSA-1-1"],
            "forgiven",
        ),
        ("GHSA-aaaa", vec![], "forgiven"),
        ("VENDOR-7", vec!["CVE-2026-1"], "forgiven"),
        ("VENDOR-7", vec!["GHSA-aaaa"], "forgiven"),
        ("CVE-2026-2", vec!["GHSA-aaaa"], "forgiven"),
        ("CVE-2026-2", vec![], "silent"),
        ("CVE-2026-10", vec![], "silent"),
        // One statement does not speak for several at once.
        (
            "CVE-2026-2",
            vec!["CVE-2026-1"],
            "`CVE-2026-2` is not the name",
        ),
        (
            "VENDOR-7",
            vec!["CVE-2026-1", "CVE-2026-2"],
            "is not the name of this one",
        ),
        ("DSA-1-1", vec![], "`DSA-1-1` is not the name"),
        ("DSA-1-1", vec!["CVE-2026-1"], "forgiven"),
        ("cve-2026-1", vec![], "is not the name of this one"),
    ] {
        check(&[document(&[named(name, &aliases)])], expected);
    }
    // To withhold, any of them will do.
    for name in ["DSA-1-1", "ghsa-AAAA", "cve-2026-1"] {
        let withheld = with(
            statement("affected"),
            json!({"vulnerability": {"name": name}}),
        );
        check(
            &[document(&[statement("not_affected"), withheld])],
            "says `affected`",
        );
    }
}

#[test]
fn a_document_counts_for_the_images_that_it_is_attested_of() {
    let documents = [document(&[of(PACKAGE, "not_affected")])];
    for (about, expected) in [
        (vec![root()], "forgiven"),
        (vec![manifest()], "forgiven"),
        (vec![Digest::sha256([9; 32])], "silent"),
    ] {
        let case = format!("{about:?}");
        check_ruling(
            &ruling(&testimony_about(&about, &documents)),
            expected,
            &case,
        );
    }
}

#[test]
fn what_was_not_read_might_take_back_the_rest() {
    use crate::vex::Unheeded;
    let attached_as: Box<str> = "sha256:cc".into();
    let why: Box<str> = "why".into();
    for (unheeded, expected) in [
        (Unheeded::Unread { why: why.clone() }, "silent"),
        (
            Unheeded::Unreadable {
                attached_as: attached_as.clone(),
                why: why.clone(),
            },
            "silent",
        ),
        (
            Unheeded::Unsigned {
                attached_as: attached_as.clone(),
                why,
            },
            "forgiven",
        ),
        (Unheeded::OtherImage { attached_as }, "forgiven"),
    ] {
        let mut testimony = testimony(&[document(&[statement("not_affected")])]);
        testimony.leave(unheeded.clone());
        check_ruling(&ruling(&testimony), expected, &unheeded.to_string());
    }
}
