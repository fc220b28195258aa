use super::*;
use crate::Release;

fn release(id: &str, version: &str) -> Release {
    Release {
        id: id.into(),
        version: version.into(),
        ..Release::default()
    }
}

fn names(release: &Release) -> Vec<String> {
    match ecosystems(release) {
        Support::Fed(feeds) => feeds.all().map(ToString::to_string).collect(),
        other => panic!("{release:?} has {other:?}"),
    }
}

#[test]
fn a_release_has_the_feeds_of_its_name() {
    for (id, version, manager, feeds) in [
        ("alpine", "3.20.1", Manager::Apk, vec!["Alpine:v3.20"]),
        ("alpine", "3.20", Manager::Apk, vec!["Alpine:v3.20"]),
        ("almalinux", "9.4", Manager::Rpm, vec!["AlmaLinux:9"]),
        ("almalinux", "10.0", Manager::Rpm, vec!["AlmaLinux:10"]),
        ("chainguard", "20230214", Manager::Apk, vec!["Chainguard"]),
        ("debian", "12", Manager::Dpkg, vec!["Debian:12"]),
        (
            "opensuse-leap",
            "15.6",
            Manager::Rpm,
            vec!["openSUSE:Leap 15.6"],
        ),
        (
            "opensuse-tumbleweed",
            "20241101",
            Manager::Rpm,
            vec!["openSUSE:Tumbleweed"],
        ),
        ("rocky", "9.3", Manager::Rpm, vec!["Rocky Linux:9"]),
        (
            "sles",
            "12.5",
            Manager::Rpm,
            vec!["SUSE:Linux Enterprise Server 12 SP5"],
        ),
        (
            "sles",
            "16.0",
            Manager::Rpm,
            vec!["SUSE:Linux Enterprise Server 16.0"],
        ),
        (
            "ubuntu",
            "24.04",
            Manager::Dpkg,
            vec!["Ubuntu:24.04:LTS", "Ubuntu:Pro:24.04:LTS"],
        ),
        ("ubuntu", "25.10", Manager::Dpkg, vec!["Ubuntu:25.10"]),
        ("ubuntu", "23.04", Manager::Dpkg, vec!["Ubuntu:23.04"]),
        ("wolfi", "20230201", Manager::Apk, vec!["Wolfi"]),
    ] {
        let release = release(id, version);
        assert_eq!(names(&release), feeds);
        assert!(matches!(ecosystems(&release), Support::Fed(feeds) if feeds.manager == manager));
    }
}

#[test]
fn red_hat_has_a_feed_for_each_repository_and_from_10_on_for_each_minor_release_so_far() {
    assert_eq!(
        names(&release("rhel", "9.4")),
        [
            "Red Hat:enterprise_linux:9::baseos",
            "Red Hat:enterprise_linux:9::appstream",
            "Red Hat:enterprise_linux:9::crb",
        ]
    );
    assert_eq!(
        names(&release("rhel", "8.10"))[0],
        "Red Hat:enterprise_linux:8::baseos"
    );
    assert_eq!(
        names(&release("rhel", "7.9")),
        ["Red Hat:enterprise_linux:7::server"]
    );
    assert_eq!(
        names(&release("rhel", "10.1")),
        [
            "Red Hat:enterprise_linux:10.1",
            "Red Hat:enterprise_linux:10.0"
        ]
    );
}

#[test]
fn red_hat_has_two_repositories_that_every_image_draws_from_and_others_one_feed() {
    for (id, version, needed) in [
        (
            "rhel",
            "9.4",
            vec![
                "Red Hat:enterprise_linux:9::baseos",
                "Red Hat:enterprise_linux:9::appstream",
            ],
        ),
        ("rhel", "7.9", vec!["Red Hat:enterprise_linux:7::server"]),
        ("rhel", "10.1", vec!["Red Hat:enterprise_linux:10.1"]),
        (
            "sles",
            "15.5",
            vec!["SUSE:Linux Enterprise Module for Basesystem 15 SP5"],
        ),
        ("ubuntu", "24.04", vec!["Ubuntu:24.04:LTS"]),
    ] {
        let Support::Fed(feeds) = ecosystems(&release(id, version)) else {
            panic!("{id} {version} has no feeds")
        };
        let found: Vec<_> = feeds.needed().map(Ecosystem::as_str).collect();
        assert_eq!(found, needed, "{id} {version}");
    }
}

#[test]
fn red_hat_another_product_of_the_cpe_joins_and_the_same_does_not() {
    let with_cpe = |cpe: &str| {
        names(&Release {
            cpe: cpe.into(),
            ..release("rhel", "9.2")
        })
    };
    assert_eq!(
        with_cpe("cpe:/o:redhat:enterprise_linux:9::baseos").len(),
        3
    );
    assert_eq!(
        with_cpe("cpe:/o:redhat:rhel_eus:9.2::baseos")[3],
        "Red Hat:rhel_eus:9.2::baseos"
    );
    assert_eq!(with_cpe("cpe:/o:centos:centos:9").len(), 3);
    assert_eq!(with_cpe("cpe:/o:redhat:").len(), 3);
}

#[test]
fn suse_15_has_a_feed_for_each_module() {
    let feeds = names(&release("sles", "15.5"));
    assert_eq!(
        feeds[0],
        "SUSE:Linux Enterprise Module for Basesystem 15 SP5"
    );
    assert!(feeds.contains(&"SUSE:Linux Enterprise Module for Server Applications 15 SP5".into()));
    assert_eq!(feeds.last().unwrap(), "SUSE:Linux Enterprise Server 15 SP5");
    assert_eq!(
        names(&release("sles", "15"))[0],
        "SUSE:Linux Enterprise Module for Basesystem 15"
    );
}

#[test]
fn distributions_without_a_feed_are_a_closed_table() {
    for (id, database) in [
        ("amzn", PackageDatabase::Rpm),
        ("centos", PackageDatabase::Rpm),
        ("fedora", PackageDatabase::Rpm),
        ("ol", PackageDatabase::Rpm),
        ("arch", PackageDatabase::Pacman),
        ("gentoo", PackageDatabase::Portage),
        ("openwrt", PackageDatabase::Opkg),
        ("void", PackageDatabase::Xbps),
    ] {
        assert_eq!(ecosystems(&release(id, "1")), Support::NoFeed(database));
    }
}

#[test]
fn whatever_else_is_unknown() {
    for (id, version) in [
        ("", ""),
        ("linuxmint", "21"),
        ("kali", "2024.1"),
        ("Debian", "12"),
        ("debian", ""),
        ("debian", "12.5"),
        ("debian", "trixie/sid"),
        ("alpine", "3.21.0_alpha20240807"),
        ("alpine", "3"),
        ("alpine", ""),
        ("ubuntu", "24"),
        ("ubuntu", "24.04.1"),
        ("rhel", "6.10"),
        ("rhel", "10"),
        ("rocky", ""),
        ("rocky", "nine"),
        ("almalinux", "9.4.1.1"),
        ("opensuse-leap", "15"),
        ("sles", "15.5.1"),
        ("debian", "+12"),
        ("debian", "99999999999"),
    ] {
        assert_eq!(
            ecosystems(&release(id, version)),
            Support::Unknown,
            "{id} {version}"
        );
    }
}
