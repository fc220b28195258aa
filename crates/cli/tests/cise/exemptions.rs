//! `cise exemption`: manifests of what somebody answers for.

use std::fs;

use crate::program::Folder;

const ADD: &str = "exemption add --file exemptions.yaml";

#[test]
fn exemptions_are_added_listed_and_removed() {
    let folder = Folder::new(&[]);
    let transcripts: Vec<String> = [
        "exemption types",
        "exemption add --scope registry.example.com/team/app:v1 --issue-type cve --issue-id CVE-2026-10001 --reason unreachable --owner team-app --expires 2999-12-31",
        &format!("{ADD} -n team --scope registry.example.com/team/app --issue-type cve --issue-id CVE-2026-10001 --owner team-app --expires 2999-12-31"),
        &format!("{ADD} --scope * --issue-type sn --issue-id DSA-6001-1"),
        &format!("{ADD} --scope team --registry us.icr.io --issue-type configuration --issue-id application_configuration:mysql.ssl-ca"),
        "exemption list --file exemptions.yaml",
        "exemption rm --file exemptions.yaml --scope * --issue-type sn --issue-id dsa-6001-1",
        "exemption rm --file exemptions.yaml --scope * --issue-type sn --issue-id DSA-6001-1",
        "exemption list --file exemptions.yaml",
    ]
    .iter()
    .map(|arguments| format!("$ cise {arguments}\n{}", folder.run(arguments).transcript()))
    .collect();
    insta::assert_snapshot!(transcripts.join("\n"));
}

#[test]
fn malformed_exemptions_are_refused_with_what_was_expected() {
    let folder = Folder::new(&[("exemptions.yaml", "kind: ImageExemption\n")]);
    let transcripts: Vec<String> = [
        "exemption add --scope * --issue-type cve --issue-id DSA-6001-1",
        "exemption add --scope * --issue-type cve --issue-id CVE-2026-10001 --expires tomorrow",
        "exemption add --scope * --issue-type cve --issue-id CVE-2026-10001 --expires 2020-01-01",
        "exemption add --scope UPPER/case --issue-type cve --issue-id CVE-2026-10001",
        "exemption add --scope * --issue-type all --issue-id CVE-2026-10001",
        "exemption add -n team --scope * --issue-type cve --issue-id CVE-2026-10001",
        "exemption list --file exemptions.yaml",
        "exemption list --file none.yaml",
        "exemption rm --file none.yaml --scope * --issue-type sn --issue-id DSA-6001-1",
    ]
    .iter()
    .map(|arguments| format!("$ cise {arguments}\n{}", folder.run(arguments).transcript()))
    .collect();
    insta::with_settings!({filters => vec![(r"\(os error \d+\)", "(os error N)")]}, {
        insta::assert_snapshot!(transcripts.join("\n"));
    });
}

#[test]
fn the_other_documents_of_a_file_stay_as_they_are() {
    let known = "\
# who answers for what
---
apiVersion: securityenforcement.admission.cloud.ibm.com/v1beta1
kind: ClusterImageExemption
metadata:
  name: zlib
  labels: {team: web}
  annotations: {ticket: \"17\"}
spec: {issueType: cve, issueID: CVE-2026-10002, images: ['*'], owner: bob}";
    let folder = Folder::new(&[("exemptions.yaml", known), ("exemptions.tmp", "somebody's")]);
    for arguments in [
        "exemption add --file exemptions.yaml --scope team/app --issue-type cve --issue-id CVE-2026-10001",
        "exemption add --file exemptions.yaml --scope team/other --issue-type cve --issue-id CVE-2026-10001",
        "exemption list --file exemptions.yaml",
        "exemption rm --file exemptions.yaml --scope team/app --issue-type cve --issue-id CVE-2026-10001",
        "exemption rm --file exemptions.yaml --scope team/other --issue-type cve --issue-id cve-2026-10001",
    ] {
        let run = folder.run(arguments);
        assert_eq!(run.status, 0, "{arguments}: {}", run.stderr);
    }
    let text = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(text("exemptions.yaml"), format!("{known}\n"));
    assert_eq!(text("exemptions.tmp"), "somebody's");
}
