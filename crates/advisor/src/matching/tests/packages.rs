use super::*;

#[test]
fn debian_is_judged_by_the_source_and_its_version() {
    let mut package = package(Manager::Dpkg, "libcurl4", "7.88.1-10+deb12u5+b1");
    package.source = SourcePackage {
        name: "curl".into(),
        version: "7.88.1-10+deb12u5".into(),
    };
    let range = ["introduced 0 fixed 7.88.1-10+deb12u5"];
    assert_eq!(
        judge(&package, &affected("Debian:12", "curl", &range)),
        Ok(UNAFFECTED)
    );
    let range = ["introduced 0 fixed 7.88.1-10+deb12u6"];
    let by_source = affected("Debian:12", "curl", &range);
    assert_eq!(judge(&package, &by_source), Ok(fixed("7.88.1-10+deb12u6")));
    let by_binary = affected("Debian:12", "libcurl4", &range);
    assert_eq!(judge(&package, &by_binary), Ok(UNAFFECTED));
}

#[test]
fn alpine_is_judged_by_the_origin_and_wolfi_by_either_name() {
    let mut package = package(Manager::Apk, "libcrypto3", "3.1.4-r1");
    package.source.name = "openssl".into();
    let range = ["introduced 0 fixed 3.1.4-r3"];
    for (ecosystem, name, judgement) in [
        ("Alpine:v3.18", "openssl", fixed("3.1.4-r3")),
        ("Alpine:v3.18", "libcrypto3", UNAFFECTED),
        ("Wolfi", "openssl", fixed("3.1.4-r3")),
        ("Chainguard", "libcrypto3", fixed("3.1.4-r3")),
    ] {
        let affected = affected(ecosystem, name, &range);
        assert_eq!(
            judge(&package, &affected),
            Ok(judgement),
            "{ecosystem} {name}"
        );
    }
}

#[test]
fn a_feed_of_another_manager_or_of_no_image_says_nothing() {
    let package = package(Manager::Dpkg, "curl", "1");
    for ecosystem in ["Alpine:v3.18", "AlmaLinux:9", "PyPI", "Debiann:12", ""] {
        assert_eq!(
            judge(&package, &affected(ecosystem, "curl", &["introduced 0"])),
            Ok(UNAFFECTED)
        );
    }
}

fn rpm(name: &str, version: &str, source: &str, source_version: &str) -> Package {
    Package {
        source: SourcePackage {
            name: source.into(),
            version: source_version.into(),
        },
        ..package(Manager::Rpm, name, version)
    }
}

#[test]
fn red_hat_and_almalinux_are_judged_by_binary_or_source_and_epochs_count() {
    let openssl = rpm("openssl-libs", "1:3.0.7-27.el9", "openssl", "3.0.7-27.el9");
    for (name, fix, judgement) in [
        (
            "openssl-libs",
            "1:3.0.7-28.el9_4",
            fixed("1:3.0.7-28.el9_4"),
        ),
        ("openssl-libs", "1:3.0.7-27.el9", UNAFFECTED),
        ("openssl-libs", "0:9-1", UNAFFECTED),
        ("openssl", "1:3.0.7-28.el9_4", fixed("1:3.0.7-28.el9_4")),
        ("openssl", "1:3.0.7-27.el9", UNAFFECTED),
        ("openssl-devel", "1:9-1", UNAFFECTED),
    ] {
        let range = format!("introduced 0 fixed {fix}");
        for ecosystem in ["AlmaLinux:9", "Red Hat:enterprise_linux:9::baseos"] {
            let affected = affected(ecosystem, name, &[&range]);
            assert_eq!(judge(&openssl, &affected), Ok(judgement), "{name} {fix}");
        }
    }
}

#[test]
fn an_rpm_without_an_epoch_has_epoch_0() {
    let curl = rpm("curl", "7.76.1-26.el9", "curl", "7.76.1-26.el9");
    let affected = affected("AlmaLinux:9", "curl", &["introduced 0 fixed 1:1-1"]);
    assert_eq!(judge(&curl, &affected), Ok(fixed("1:1-1")));
}

#[test]
fn a_source_of_another_version_than_its_binary_has_an_epoch_that_nobody_recorded() {
    let errno = rpm("perl-Errno", "0:1.30-480.el9", "perl", "5.32.1-480.el9");
    for (fix, judgement) in [
        ("4:5.32.1-481.el9", fixed("4:5.32.1-481.el9")),
        ("4:5.32.1-480.el9", UNAFFECTED),
    ] {
        let range = format!("introduced 0 fixed {fix}");
        let affected = affected("Rocky Linux:9", "perl", &[&range]);
        assert_eq!(judge(&errno, &affected), Ok(judgement));
    }
}

#[test]
fn a_bound_of_an_rpm_that_states_no_epoch_says_nothing_about_it() {
    let bind = rpm("bind-libs", "32:9.11.36-3.el8", "bind", "9.11.36-3.el8");
    for (fix, judgement) in [
        ("9.11.36-3.el8_6.1", fixed("9.11.36-3.el8_6.1")),
        ("9.11.36-3.el8", UNAFFECTED),
    ] {
        let range = format!("introduced 0 fixed {fix}");
        let affected = affected("Rocky Linux:8", "bind", &[&range]);
        assert_eq!(judge(&bind, &affected), Ok(judgement));
    }
}

#[test]
fn suse_is_judged_by_the_source_and_only_for_the_binaries_of_the_product() {
    let libcurl = rpm(
        "libcurl4",
        "8.0.1-150400.5.23.1",
        "curl",
        "8.0.1-150400.5.23.1",
    );
    let fix = "8.0.1-150400.5.26.1";
    let range = format!("introduced 0 fixed {fix}");
    let mut advised = affected("openSUSE:Leap 15.5", "curl", &[&range]);
    assert_eq!(judge(&libcurl, &advised), Ok(fixed(fix)));
    advised.binaries = vec!["curl".into(), "libcurl4".into()];
    assert_eq!(judge(&libcurl, &advised), Ok(fixed(fix)));
    advised.binaries = vec!["libcurl-devel".into()];
    assert_eq!(judge(&libcurl, &advised), Ok(UNAFFECTED));
}

#[test]
fn a_modular_fix_is_one_of_its_stream_only() {
    let modular = "1:18.20.4-1.module_el8.10.0+3900+1a2b3c4d";
    let plain = "1:18.20.4-1.el8";
    let label = Some("nodejs:18:8100020240801:489197e6:x86_64");
    for (stream, fix, installed, module, judgement) in [
        (
            Some("nodejs:18"),
            modular,
            "1:18.1-1.module_el8",
            label,
            fixed(modular),
        ),
        (
            Some("nodejs:20"),
            modular,
            "1:18.1-1.module_el8",
            label,
            UNAFFECTED,
        ),
        (None, modular, "1:18.1-1.module_el8", label, fixed(modular)),
        (
            Some("nodejs:18"),
            modular,
            "1:18.1-1.module_el8",
            None,
            fixed(modular),
        ),
        (Some("nodejs:18"), modular, "1:18.1-1.el8", None, UNAFFECTED),
        (None, plain, "1:18.1-1.module_el8", label, UNAFFECTED),
        (None, plain, "1:18.1-1.el8", None, fixed(plain)),
    ] {
        let mut nodejs = rpm("nodejs", installed, "nodejs", installed);
        nodejs.module = module.map(Into::into);
        let range = format!("introduced 0 fixed {fix}");
        let mut advised = affected("AlmaLinux:8", "nodejs", &[&range]);
        advised.module = stream.map(Into::into);
        let found = judge(&nodejs, &advised);
        assert_eq!(
            found,
            Ok(judgement),
            "{stream:?} {fix} {installed} {module:?}"
        );
    }
    let unfixed = affected("AlmaLinux:8", "nodejs", &["introduced 0"]);
    let mut nodejs = rpm(
        "nodejs",
        "1:18.1-1.module_el8",
        "nodejs",
        "18.1-1.module_el8",
    );
    nodejs.module = label.map(Into::into);
    assert_eq!(judge(&nodejs, &unfixed), Ok(UNFIXED));
}

#[test]
fn an_installed_version_without_a_place_in_the_order_is_an_error_where_the_package_is_named() {
    let curl = package(Manager::Dpkg, "curl", "1.0_odd");
    let error = judge(
        &curl,
        &affected("Debian:12", "curl", &["introduced 0 fixed 2"]),
    )
    .unwrap_err();
    assert_eq!(&*error.version, "1.0_odd");
    assert_eq!(
        judge(&curl, &affected("Debian:12", "wget", &["introduced 0"])),
        Ok(UNAFFECTED)
    );
}

#[test]
fn kernels_are_told_by_their_source() {
    for kernel in [
        "linux",
        "linux-signed-amd64",
        "linux-lts",
        "linux-headers",
        "kernel",
        "kernel-rt",
    ] {
        assert!(is_kernel(kernel), "{kernel}");
    }
    for other in ["util-linux", "linux-pam", "selinux", "curl", ""] {
        assert!(!is_kernel(other), "{other}");
    }
}

#[test]
fn a_paid_channel_is_told_by_the_ecosystem_or_the_id_and_provided_what_has_its_mark() {
    let channel = |id, ecosystem| Channel::of(id, &Ecosystem::new(ecosystem));
    assert_eq!(
        channel("USN-1-1", "Ubuntu:Pro:18.04:LTS"),
        Channel::UbuntuPro
    );
    assert_eq!(channel("USN-1-1", "Ubuntu:18.04:LTS"), Channel::Free);
    assert_eq!(channel("ELA-1000-1", "Debian:9"), Channel::DebianElts);
    assert_eq!(channel("DLA-1000-1", "Debian:9"), Channel::Free);
    for (version, provided) in [
        ("1.1.1-1ubuntu2.1~18.04.23+esm3", true),
        ("2.4.7-1ubuntu4.22+esm1", true),
        ("4.4.0-21~esm2", true),
        ("3.0.2-0ubuntu1.16+Fips1", true),
        ("1.1.1f-1ubuntu2.fips.2.8", true),
        ("1.1.1-1ubuntu2.1~18.04.23", false),
        ("1.0-1ubuntu1+besm1", false),
        ("1.0+esmeralda", false),
    ] {
        assert_eq!(Channel::UbuntuPro.provided(version), provided, "{version}");
        assert!(Channel::Free.provided(version));
        assert!(!Channel::DebianElts.provided(version));
    }
}
