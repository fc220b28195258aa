use serde_json::json;

use super::{advisory, changed};
use crate::{Ecosystem, Event, Range};

fn names(list: &[Box<str>]) -> Vec<&str> {
    list.iter().map(|name| &**name).collect()
}

#[test]
fn debian_a_notice_names_its_vulnerabilities_upstream_and_its_fix_by_source_package() {
    let advisory = advisory(&changed(|_| ()));
    assert_eq!(&*advisory.id, "DSA-3029-1");
    assert_eq!(names(&advisory.vulnerabilities), ["CVE-2014-3616"]);
    assert_eq!(
        advisory.published.unwrap().to_string(),
        "2014-09-20T00:00:00Z"
    );
    assert_eq!(
        advisory.modified.unwrap().to_string(),
        "2014-09-20T08:18:07Z"
    );
    let [affected] = &advisory.affected[..] else {
        panic!("one package");
    };
    assert_eq!(affected.ecosystem, Ecosystem::new("Debian:7"));
    assert_eq!(&*affected.package, "nginx");
    let events = vec![
        Event::Introduced("0".into()),
        Event::Fixed("1.2.1-2.2+wheezy3".into()),
    ];
    assert_eq!(affected.ranges, [Range { events }]);
}

#[test]
fn debian_the_urgency_of_a_package_is_its_severity_unless_nothing_is_said() {
    for (urgency, severity) in [
        ("unimportant", Some("unimportant")),
        ("not yet assigned", None),
        ("end-of-life", None),
    ] {
        let advisory = advisory(&changed(|record| {
            record["affected"][0]["ecosystem_specific"] = json!({"urgency": urgency});
        }));
        assert_eq!(advisory.affected[0].severity.as_deref(), severity);
    }
}

#[test]
fn elts_a_notice_names_its_vulnerabilities_as_related_and_uses_the_ecosystem_of_the_release() {
    let advisory = advisory(&json!({
        "id": "ELA-1000-1",
        "modified": "2023-11-15T00:00:00Z",
        "related": ["CVE-2023-43040"],
        "database_specific": {"type": "security update"},
        "affected": [
            {"package": {"ecosystem": "Debian:8", "name": "ceph"}, "ranges": [
                {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "0.80.7-2+deb8u6"}]}]},
            {"package": {"ecosystem": "Debian:9", "name": "ceph"}, "ranges": [
                {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "10.2.11-2+deb9u2"}]}]}
        ]
    }));
    assert_eq!(names(&advisory.vulnerabilities), ["CVE-2023-43040"]);
    assert_eq!(advisory.affected.len(), 2);
    assert_eq!(advisory.published, None);
}

#[test]
fn ubuntu_a_record_has_a_word_for_the_severity_and_a_list_of_binaries_that_limits_nothing() {
    let advisory = advisory(&json!({
        "schema_version": "1.7.3",
        "id": "UBUNTU-CVE-2023-4004",
        "modified": "2025-10-13T15:48:05.891034Z",
        "aliases": [],
        "related": [],
        "upstream": ["CVE-2023-4004"],
        "severity": [{"type": "Ubuntu", "score": "high"}],
        "affected": [{
            "package": {"ecosystem": "Ubuntu:Pro:18.04:LTS", "name": "openssl"},
            "ranges": [{"type": "ECOSYSTEM", "events": [
                {"introduced": "0"}, {"fixed": "1.1.1-1ubuntu2.1~18.04.23+esm3"}]}],
            "versions": ["1.1.0g-2ubuntu2", "1.1.1-1ubuntu2.1~18.04.23"],
            "ecosystem_specific": {"binaries": [
                {"binary_name": "libssl1.1", "binary_version": "1.1.1-1ubuntu2.1~18.04.23+esm3"}]}
        }]
    }));
    assert_eq!(names(&advisory.vulnerabilities), ["CVE-2023-4004"]);
    assert_eq!(advisory.severity.as_deref(), Some("high"));
    assert_eq!(advisory.affected[0].versions.len(), 2);
    assert!(advisory.affected[0].binaries.is_empty());
}

#[test]
fn ubuntu_a_notice_of_several_vulnerabilities_names_each_once_whatever_else_it_calls_them() {
    let advisory = advisory(&changed(|record| {
        record["id"] = "USN-7234-1".into();
        record["upstream"] = json!([
            "CVE-2024-40967",
            "CVE-2023-21400",
            "UBUNTU-CVE-2023-21400",
            "UBUNTU-CVE-2024-40967"
        ]);
        record["related"] = json!(["CVE-2024-40967"]);
    }));
    assert_eq!(
        names(&advisory.vulnerabilities),
        ["CVE-2023-21400", "CVE-2024-40967"]
    );
}

#[test]
fn alpine_an_origin_is_named_and_a_package_may_have_a_range_per_branch() {
    let advisory = advisory(&json!({
        "id": "ALPINE-CVE-2022-37434",
        "modified": "2024-01-01T00:00:00Z",
        "upstream": ["CVE-2022-37434"],
        "affected": [{
            "package": {"ecosystem": "Alpine:v3.16", "name": "zlib", "purl": "pkg:apk/alpine/zlib?arch=source"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.2.12-r2"}]}],
            "versions": ["1.2.12-r0", "1.2.12-r1"]
        }]
    }));
    assert_eq!(names(&advisory.vulnerabilities), ["CVE-2022-37434"]);
    assert_eq!(advisory.affected[0].ecosystem.as_str(), "Alpine:v3.16");
}

#[test]
fn wolfi_and_chainguard_one_vulnerability_has_two_names_upstream_and_no_release() {
    let advisory = advisory(&json!({
        "id": "CGA-2222-3333-4444",
        "modified": "2024-05-01T00:00:00Z",
        "upstream": ["CVE-2024-24790", "GHSA-49gw-vxvf-fc2g"],
        "affected": [
            {"package": {"ecosystem": "Chainguard", "name": "go-1.21"}, "ranges": [
                {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.21.11-r0"}]}]},
            {"package": {"ecosystem": "Wolfi", "name": "go-1.21"}, "ranges": [
                {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.21.11-r0"}]}]}
        ]
    }));
    assert_eq!(names(&advisory.vulnerabilities), ["CVE-2024-24790"]);
    assert_eq!(advisory.affected[1].ecosystem, Ecosystem::new("Wolfi"));
}

#[test]
fn red_hat_a_package_is_listed_for_each_cpe_and_its_stream_is_in_the_one_line() {
    let advisory = advisory(&json!({
        "schema_version": "1.7.0",
        "id": "RHSA-2024:6220",
        "modified": "2024-09-02T14:30:00Z",
        "published": "2024-09-02T14:30:00Z",
        "upstream": ["CVE-2024-6345"],
        "related": [],
        "summary": "Red Hat Security Advisory: python39:3.9 security update",
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:H/I:H/A:H"}],
        "affected": [{
            "package": {"ecosystem": "Red Hat:rhel_aus:8.6::appstream", "name": "PyYAML", "purl": "pkg:rpm/redhat/PyYAML"},
            "ranges": [{"type": "ECOSYSTEM", "events": [
                {"introduced": "0"}, {"fixed": "0:5.4.1-1.module+el8.5.0+10613+59a13ec4"}]}]
        }]
    }));
    let affected = &advisory.affected[0];
    assert_eq!(
        affected.ecosystem.as_str(),
        "Red Hat:rhel_aus:8.6::appstream"
    );
    assert_eq!(affected.ecosystem.family(), "Red Hat");
    assert_eq!(affected.module.as_deref(), Some("python39:3.9"));
    assert_eq!(
        advisory.severity.as_deref(),
        Some("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:H/I:H/A:H")
    );
}

#[test]
fn a_stream_is_read_from_the_purl_or_else_from_a_line_that_names_a_single_one() {
    let plain = "0:1-1.el8";
    let modular = "0:1-1.module_el8.10.0+4006+3c416519";
    for (fix, purl, summary, stream) in [
        (
            modular,
            "pkg:rpm/a/n",
            "Important: nodejs:18 security update",
            Some("nodejs:18"),
        ),
        (
            modular,
            "pkg:rpm/a/n",
            "Moderate: go-toolset:rhel8 security update",
            Some("go-toolset:rhel8"),
        ),
        (
            modular,
            "pkg:rpm/a/n?arch=x86_64&rpmmod=nodejs%3A20%3A8100",
            "Important: nodejs:18 security update",
            Some("nodejs:20"),
        ),
        (
            modular,
            "pkg:rpm/a/n",
            "Important: virt:rhel and virt-devel:rhel security update",
            None,
        ),
        (
            modular,
            "pkg:rpm/a/n",
            "Important: RHSA-2024:1234 again",
            None,
        ),
        (
            plain,
            "pkg:rpm/a/n",
            "Important: nodejs:18 security update",
            None,
        ),
    ] {
        let advisory = advisory(&changed(|record| {
            record["summary"] = summary.into();
            record["affected"][0]["package"] =
                json!({"ecosystem": "AlmaLinux:8", "name": "nodejs", "purl": purl});
            record["affected"][0]["ranges"][0]["events"][1]["fixed"] = fix.into();
        }));
        let found = advisory.affected[0].module.as_deref();
        assert_eq!(found, stream, "{fix} {purl} {summary}");
    }
}

#[test]
fn almalinux_and_rocky_a_notice_names_its_vulnerabilities_as_related_or_as_aliases() {
    for (id, member, ecosystem) in [
        ("ALSA-2024:5101", "related", "AlmaLinux:8"),
        ("RLSA-2024:5101", "aliases", "Rocky Linux:8"),
    ] {
        let advisory = advisory(&changed(|record| {
            record["id"] = id.into();
            record["upstream"] = json!([]);
            record[member] = json!(["CVE-2024-21147", "CVE-2024-21131"]);
            record["affected"][0]["package"] = json!({"ecosystem": ecosystem, "name": "bind"});
        }));
        assert_eq!(
            names(&advisory.vulnerabilities),
            ["CVE-2024-21131", "CVE-2024-21147"]
        );
    }
}

#[test]
fn suse_the_binaries_of_the_product_limit_the_advisory() {
    for ecosystem in [
        "SUSE:Linux Enterprise Module for Basesystem 15 SP5",
        "openSUSE:Leap 15.5",
    ] {
        let advisory = advisory(&changed(|record| {
            record["id"] = "SUSE-SU-2023:3313-1".into();
            record["affected"][0]["package"] = json!({"ecosystem": ecosystem, "name": "curl"});
            record["affected"][0]["ecosystem_specific"] = json!({"binaries": [
                {"curl": "8.0.1-150400.5.26.1", "libcurl4": "8.0.1-150400.5.26.1"},
                {"libcurl4-32bit": "8.0.1-150400.5.26.1"}
            ]});
        }));
        assert_eq!(
            names(&advisory.affected[0].binaries),
            ["curl", "libcurl4", "libcurl4-32bit"]
        );
    }
}

#[test]
fn only_a_notice_means_what_it_lists_as_related() {
    let vulnerabilities = |id: &str| {
        let advisory = advisory(&changed(|record| {
            record["id"] = id.into();
            record["upstream"] = json!([]);
            record["related"] = json!(["CVE-2020-8287"]);
        }));
        names(&advisory.vulnerabilities).join(" ")
    };
    for notice in [
        "DSA-1-1",
        "DLA-1-1",
        "ELA-669-1",
        "USN-1-1",
        "RHSA-2024:1",
        "ALSA-2024:1",
        "RLSA-2024:1",
        "SUSE-SU-2024:1-1",
        "openSUSE-SU-2024:1-1",
    ] {
        assert_eq!(vulnerabilities(notice), "CVE-2020-8287", "{notice}");
    }
    for other in [
        "GO-2020-0001",
        "PYSEC-2020-1",
        "DEBIAN-CVE-2020-1",
        "SUSE-RU-2024:1-1",
    ] {
        assert_eq!(vulnerabilities(other), other);
    }
    assert_eq!(vulnerabilities("CVE-2019-0001"), "CVE-2019-0001");
}

#[test]
fn go_and_pypi_a_time_that_cannot_be_says_nothing_and_costs_nothing() {
    for modified in ["0001-01-01T00:00:00Z", "1-01-01T00:00:00Z", "yesterday"] {
        let advisory = advisory(&json!({
            "schema_version": "1.3.1",
            "id": "GO-2020-0001",
            "modified": modified,
            "published": "2021-04-14T20:04:52Z",
            "aliases": ["CVE-2020-36567", "GHSA-6vm3-jj99-7229"],
            "affected": [{
                "package": {"name": "github.com/gin-gonic/gin", "ecosystem": "Go"},
                "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.6.0"}]}],
                "ecosystem_specific": {"imports": [{"path": "github.com/gin-gonic/gin", "symbols": ["Default"]}]}
            }]
        }));
        assert_eq!(advisory.modified, None);
        assert!(advisory.published.is_some());
        assert_eq!(advisory.affected[0].ranges.len(), 1);
    }
}

#[test]
fn a_vulnerability_goes_by_its_cve_id_else_by_its_ghsa_id_else_by_the_records_own() {
    for (aliases, vulnerabilities) in [
        (
            json!(["CVE-2020-36567", "GHSA-6vm3-jj99-7229"]),
            "CVE-2020-36567",
        ),
        (json!(["GHSA-6vm3-jj99-7229"]), "GHSA-6vm3-jj99-7229"),
        (
            json!(["SNYK-1", "CVE-2020-X", "CVE-20-1234", "CVE-2020-123"]),
            "GO-2020-0001",
        ),
        (json!([]), "GO-2020-0001"),
    ] {
        let advisory = advisory(&changed(|record| {
            record["id"] = "GO-2020-0001".into();
            record["upstream"] = json!([]);
            record["aliases"] = aliases.clone();
        }));
        assert_eq!(
            names(&advisory.vulnerabilities),
            [vulnerabilities],
            "{aliases}"
        );
    }
}

#[test]
fn commits_are_no_versions_and_what_names_no_package_is_left_out() {
    let advisory = advisory(&changed(|record| {
        let commits = json!({"type": "GIT", "repo": "https://example.com/a.git", "events": [
            {"introduced": "0"}, {"fixed": "a71af9c144f9579f6dbe945341c1df37aaf09c0d"}]});
        record["affected"] = json!([
            {"package": {"ecosystem": "Debian:7", "name": "nginx"}, "ranges": [commits], "versions": ["1.0", "1.1"]},
            {"ranges": [commits]}
        ]);
    }));
    let [affected] = &advisory.affected[..] else {
        panic!("one package");
    };
    assert!(affected.ranges.is_empty());
    assert_eq!(names(&affected.versions), ["1.0", "1.1"]);
}

#[test]
fn a_vector_is_preferred_to_an_older_one_and_to_a_word() {
    for (severities, preferred) in [
        (json!([]), None),
        (
            json!([{"type": "Ubuntu", "score": "low"}, {"type": "CVSS_V3", "score": "CVSS:3.1/AV:N"}]),
            Some("CVSS:3.1/AV:N"),
        ),
        (
            json!([{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N"}, {"type": "CVSS_V4", "score": "CVSS:4.0/AV:N"}]),
            Some("CVSS:4.0/AV:N"),
        ),
        (json!([{"type": "Other", "score": "9"}]), None),
    ] {
        let advisory = advisory(&changed(|record| record["severity"] = severities.clone()));
        assert_eq!(advisory.severity.as_deref(), preferred, "{severities}");
    }
}
