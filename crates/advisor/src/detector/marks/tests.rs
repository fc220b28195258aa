use super::*;

#[test]
fn what_comes_of_a_distribution_is_a_mark() {
    let table = [
        ("etc/os-release", Mark::Release),
        ("usr/lib/os-release", Mark::Release),
        ("os-release", Mark::Release),
        ("etc/alpine-release", Mark::Release),
        ("etc/redhat-release", Mark::Release),
        ("etc/debian_version", Mark::Release),
        ("var/lib/dpkg/status", Mark::PackageDatabase),
        ("var/lib/dpkg/status-old", Mark::PackageDatabase),
        ("var/lib/dpkg/info/libc6:amd64.list", Mark::PackageDatabase),
        (
            "var/lib/dpkg/status.d/tzdata.md5sums",
            Mark::PackageDatabase,
        ),
        ("usr/lib/apk/db/installed", Mark::PackageDatabase),
        ("lib/apk/db/scripts.tar", Mark::PackageDatabase),
        ("opt/db/rpm/rpmdb.sqlite", Mark::PackageDatabase),
        ("usr/lib/sysimage/rpm/Index.db", Mark::PackageDatabase),
        (
            "var/lib/rpmmanifest/container-manifest-1",
            Mark::PackageDatabase,
        ),
        (
            "var/lib/pacman/local/bash-5.2-1/desc",
            Mark::PackageDatabase,
        ),
        (
            "var/db/pkg/app-shells/bash-5.2/CONTENTS",
            Mark::PackageDatabase,
        ),
        ("var/lib/chisel/manifest.wall", Mark::PackageDatabase),
        ("sbin/apk", Mark::PackageManager),
        ("usr/bin/dpkg", Mark::PackageManager),
        ("usr/bin/microdnf", Mark::PackageManager),
        ("rpm", Mark::PackageManager),
        ("lib64/ld-linux-x86-64.so.2", Mark::DynamicLoader),
        ("lib/ld-linux.so.2", Mark::DynamicLoader),
        ("lib/ld-linux-aarch64.so.1", Mark::DynamicLoader),
        ("lib/ld64.so.1", Mark::DynamicLoader),
        ("usr/lib/x86_64-linux-gnu/ld-2.31.so", Mark::DynamicLoader),
        ("lib/ld-musl-x86_64.so.1", Mark::DynamicLoader),
        ("lib/ld-uClibc.so.0", Mark::DynamicLoader),
        ("etc/ld.so.cache", Mark::DynamicLoader),
        ("system/bin/linker64", Mark::DynamicLoader),
    ];
    for (path, expected) in table {
        assert_eq!(Mark::of(path), Some(expected), "{path}");
    }
}

#[test]
fn what_an_image_without_a_distribution_holds_is_none() {
    let table = [
        "",
        "app",
        "etc/passwd",
        "etc/ssl/certs/ca-certificates.crt",
        "usr/share/zoneinfo/UTC",
        "usr/bin/kubectl",
        "var/lib/app/status",
        "srv/www/release",
        "srv/www/release-notes",
        "opt/rpm/readme",
        "lib/world.so",
        "bin/ld",
    ];
    for path in table {
        assert_eq!(Mark::of(path), None, "{path}");
    }
}
