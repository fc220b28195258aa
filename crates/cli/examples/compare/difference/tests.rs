//! Which rule explains which difference, by a real database of stated facts.

use std::collections::BTreeSet;

use cise_advisor::database::build::{Build, Input, build};
use cise_advisor::inventory::{Contents, Platform};
use cise_advisor::{Release, SourcePackage, osv};
use cise_reference::Digest;
use jiff::Timestamp;

use super::*;
use crate::records::{Archives, Fact, Standing};

const CVE: &str = "CVE-2026-1000";

/// A package of a distribution, what is said of it, and who finds it.
struct Case {
    package: Package,
    /// The ecosystem, the package that it names, and the fix.
    fact: (&'static str, &'static str, &'static str),
    whose: Whose,
}

fn package(manager: Manager, name: &str, version: &str, source: (&str, &str)) -> Package {
    Package {
        manager,
        name: name.into(),
        version: version.into(),
        architecture: "x86_64".into(),
        source: SourcePackage {
            name: source.0.into(),
            version: source.1.into(),
        },
        vendor: "".into(),
        module: None,
        recorded_in: "".into(),
    }
}

fn inventory(package: &Package) -> Inventory {
    let (id, version) = match package.manager {
        Manager::Rpm => ("almalinux", "9.4"),
        _ => ("debian", "12"),
    };
    Inventory {
        manifest: Digest::sha256([0; 32]),
        platform: Platform::new("linux", "amd64", ""),
        release: Some(Release {
            id: id.into(),
            version: version.into(),
            ..Release::default()
        }),
        packages: [package.clone()].into(),
        gaps: BTreeSet::new(),
        contents: Contents::default(),
    }
}

fn database((ecosystem, name, fix): (&str, &str, &str)) -> Database {
    let folder = tempfile::tempdir().unwrap();
    let archives = Archives::new(folder.path()).unwrap();
    let fact = Fact {
        advisory: "NOTICE-1".to_owned(),
        vulnerability: CVE.to_owned(),
        ecosystem,
        packages: &[name],
        fix: Some(fix),
        standing: Standing::Stands,
    };
    let family = ecosystem.split(':').next().unwrap();
    archives.write(family, &[fact.record()]).unwrap();
    let inputs: Vec<_> = archives.files().unwrap().iter().map(Input::new).collect();
    let file = folder.path().join("advisories.db");
    let settings = Build::new(Timestamp::UNIX_EPOCH);
    let parse = |record: &[u8]| osv::parse(record, settings.now);
    build(&settings, &inputs, &file, &parse, &mut |_| {}).unwrap();
    Database::open(&file).unwrap()
}

fn ours(unjudged: &[&str]) -> Ours {
    Ours {
        status: cise_advisor::assessment::Status::Ok,
        findings: Findings::new(),
        unjudged: unjudged.iter().map(ToString::to_string).collect(),
        gaps: Vec::new(),
    }
}

fn theirs(packages: &[&str]) -> Theirs {
    Theirs {
        findings: Findings::new(),
        packages: packages.iter().map(ToString::to_string).collect(),
    }
}

fn finding(package: &str, ecosystem: &str) -> (Finding, Told) {
    let finding = Finding {
        vulnerability: CVE.to_owned(),
        package: package.to_owned(),
    };
    let told = Told {
        advisory: "NOTICE-1".to_owned(),
        version: "1".to_owned(),
        ecosystem: Some(ecosystem.to_owned()),
        uncounted: None,
    };
    (finding, told)
}

/// The rule of the one finding that only one of them has; both list the package.
fn rule(case: &Case) -> Option<Rule> {
    let name = &*case.package.name;
    let (mut ours, mut theirs) = (ours(&[]), theirs(&[name]));
    let (finding, told) = finding(name, case.fact.0);
    match case.whose {
        Whose::Ours => ours.findings.insert(finding, told),
        Whose::Theirs => theirs.findings.insert(finding, told),
    };
    explained(
        &case.package,
        &database(case.fact),
        (&ours, &theirs),
        &BTreeMap::new(),
    )
}

fn explained(
    package: &Package,
    database: &Database,
    (ours, theirs): (&Ours, &Theirs),
    states: &BTreeMap<String, String>,
) -> Option<Rule> {
    let inventory = inventory(package);
    let grounds = Grounds {
        inventory: &inventory,
        database,
        states,
    };
    let differences = grounds.findings(ours, theirs).unwrap();
    let [difference] = &differences[..] else {
        panic!("expected one difference, got {}", differences.len())
    };
    assert!(difference.what.contains(CVE), "{}", difference.what);
    difference.rule
}

#[test]
fn a_rule_explains_a_difference_only_if_it_turns_the_judgement() {
    use Manager::{Dpkg, Rpm};
    use Whose::{Ours, Theirs};
    let debian = |version, source| package(Dpkg, "libone", version, ("one", source));
    let alma = |name, version, source: &str| package(Rpm, name, version, (source, version));
    let table = [
        // The binary package has another version than its source, by which the fix is counted.
        (
            debian("99:1", "1.0-1"),
            ("Debian:12", "one", "1.0-2"),
            Ours,
            Some(Rule::SourceVersion),
        ),
        (
            debian("0.1", "1.0-2"),
            ("Debian:12", "one", "1.0-2"),
            Theirs,
            Some(Rule::SourceVersion),
        ),
        (
            debian("1.0-1", "1.0-1"),
            ("Debian:12", "one", "1.0-2"),
            Ours,
            None,
        ),
        (
            debian("1.0-2", "1.0-2"),
            ("Debian:12", "one", "1.0-2"),
            Theirs,
            None,
        ),
        (
            alma("one-libs", "1-1.el9", "one"),
            ("AlmaLinux:9", "one", "1-2.el9"),
            Ours,
            Some(Rule::SourceName),
        ),
        (
            alma("one", "1-1.el9", "one"),
            ("AlmaLinux:9", "one", "1-2.el9"),
            Ours,
            None,
        ),
        (
            alma("one", "1:1-1.el9", "one"),
            ("AlmaLinux:9", "one", "1-2.el9"),
            Ours,
            Some(Rule::NoEpoch),
        ),
        (
            alma("one", "1:1-1.el9", "one"),
            ("AlmaLinux:9", "one", "1:1-2.el9"),
            Ours,
            None,
        ),
        (
            alma("one", "1-1.module_el9.4.0+1+0", "one"),
            ("AlmaLinux:9", "one", "1-2.el9"),
            Theirs,
            Some(Rule::Module),
        ),
    ];
    for (package, fact, whose, expected) in table {
        let shown = format!("{package:?} {fact:?} {whose:?}");
        let case = Case {
            package,
            fact,
            whose,
        };
        assert_eq!(rule(&case), expected, "{shown}");
    }
}

#[test]
fn what_the_other_does_not_list_is_explained_by_the_state_or_the_kernel_alone() {
    let states = BTreeMap::from([("libone".to_owned(), "unpacked".to_owned())]);
    let fact = ("Debian:12", "one", "2");
    for (name, source, states, expected) in [
        ("libone", "one", states.clone(), Some(Rule::NotConfigured)),
        ("libone", "one", BTreeMap::new(), None),
        (
            "linux-libc-dev",
            "linux",
            BTreeMap::new(),
            Some(Rule::Kernel),
        ),
        ("linux-base", "linux-base", states, None),
    ] {
        let package = package(Manager::Dpkg, name, "1", (source, "1"));
        let mut ours = ours(&[]);
        ours.findings.extend([finding(name, "Debian:12")]);
        let rule = explained(&package, &database(fact), (&ours, &theirs(&[])), &states);
        assert_eq!(rule, expected, "{name} of {source}");
    }
}

#[test]
fn what_only_the_other_finds_is_explained_by_what_cise_does_not_read_or_says_that_it_does_not_judge()
 {
    let package = package(Manager::Dpkg, "libone", "1", ("one", "1"));
    let fact = ("Debian:12", "one", "1");
    for (found, ecosystem, unjudged, expected) in [
        ("golang.org/x/text", "Go", &[][..], Some(Rule::Language)),
        ("golang.org/x/text", "Debian:12", &[], None),
        ("libone", "Debian:12", &["libone"], Some(Rule::OtherVendor)),
        ("libone", "Debian:12", &["libtwo"], None),
    ] {
        let mut theirs = theirs(&[found]);
        theirs.findings.extend([finding(found, ecosystem)]);
        let both = (&ours(unjudged), &theirs);
        let rule = explained(&package, &database(fact), both, &BTreeMap::new());
        assert_eq!(
            rule, expected,
            "{found} of {ecosystem}, not judged: {unjudged:?}"
        );
    }
}

#[test]
fn a_package_that_only_one_lists_is_explained_by_its_state_alone() {
    let states = BTreeMap::from([
        ("libone".to_owned(), "unpacked".to_owned()),
        ("libtwo".to_owned(), "half-installed".to_owned()),
    ]);
    let package = package(Manager::Dpkg, "libone", "1", ("one", "1"));
    let (inventory, database) = (inventory(&package), database(("Debian:12", "one", "1")));
    let grounds = Grounds {
        inventory: &inventory,
        database: &database,
        states: &states,
    };
    let listed = |name: &str| Listed {
        name: name.to_owned(),
        version: "1".to_owned(),
        architecture: "amd64".to_owned(),
        source: "one".to_owned(),
    };
    let (own, other) = ([listed("libone"), listed("libtwo")], [listed("libthree")]);
    let told: Vec<_> = grounds
        .packages_listed(&own, &other)
        .into_iter()
        .map(|difference| (difference.whose, difference.rule))
        .collect();
    assert_eq!(
        told,
        [
            (Whose::Ours, Some(Rule::NotConfigured)),
            (Whose::Ours, None),
            (Whose::Theirs, None),
        ]
    );
}
