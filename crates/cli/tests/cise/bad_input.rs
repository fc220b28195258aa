//! Everything malformed ends with status 2 and a sentence that names the place and what was expected.

use crate::check::POLICIES;
use crate::program::Folder;

fn told(files: &[(&str, &str)], arguments: &str) -> String {
    let folder = Folder::new(files);
    let run = folder.run(arguments);
    assert_eq!(
        (run.status, run.stdout.as_str()),
        (2, ""),
        "{arguments}: {}",
        run.stderr
    );
    assert!(run.stderr.starts_with("error: "), "{}", run.stderr);
    run.stderr.trim_end().to_owned()
}

#[test]
fn malformed_manifests_are_refused_with_the_place_and_what_was_expected() {
    let pod = |spec: &str| {
        format!("# a comment\napiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\n{spec}")
    };
    let texts = [
        "a: [1\n".to_owned(),
        "just text\n".to_owned(),
        "a: b\n".to_owned(),
        "apiVersion: v1\nkind: [Pod]\n".to_owned(),
        "{{ .Values.image }}\n".to_owned(),
        "apiVersion: v1\nkind: Pod\nkind: Pod\n".to_owned(),
        pod("spec: []\n"),
        pod("spec:\n  containers:\n    a: b\n"),
        pod("spec:\n  containers:\n  - name: a\n    image: 5\n"),
        pod("spec:\n  containers:\n  - just text\n"),
        "apiVersion: extensions/v1beta1\nkind: Deployment\nmetadata: {name: a}\n".to_owned(),
        "apiVersion: v1\nkind: List\nitems: 5\n".to_owned(),
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n".to_owned(),
        String::new(),
    ];
    let told: Vec<String> = texts
        .iter()
        .map(|text| {
            told(
                &[("policies.yaml", POLICIES), ("app.yaml", text)],
                "check --policies policies.yaml -f app.yaml",
            )
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn malformed_policies_and_secrets_are_refused_with_the_place_and_what_was_expected() {
    let policy = |from: &str, to: &str| POLICIES.replacen(from, to, 1);
    let secret =
        |data: &str| format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: alice}}\n{data}");
    let texts = [
        policy("policy:", "polcy:"),
        policy("kind: ClusterImagePolicy", "kind: ImagePolicies"),
        policy("v1beta1", "v9"),
        policy("name: default", "name: Default"),
        policy("name: default", "name: default\n  namespace: team"),
        policy("icr.io/public/*", "icr.io//*"),
        policy("repositories:", "repositories: 5\n  other:"),
        policy("policy:\n", "policy: {trust: {enabled: maybe}}\n"),
        policy(
            "policy:\n",
            "policy: {trust: {signerSecrets: [{name: a}]}}\n",
        ),
        policy(
            "policy:\n",
            "policy: {trust: {enabled: true, trustServer: 'ftp://x'}}\n",
        ),
        policy(
            "name: web\n  namespace: team",
            "name: web\n  namespace: team\n  name: web",
        ),
        format!("{POLICIES}---\n{POLICIES}"),
        secret("data: {publicKey: 'not base64!'}\n"),
        secret("stringData: {name: 5}\n"),
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a}\nimagePullSecrets: [a]\n"
            .to_owned(),
    ];
    let told: Vec<String> = texts
        .iter()
        .map(|text| {
            told(
                &[("policies.yaml", text)],
                "check --policies policies.yaml nginx",
            )
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn malformed_images_are_refused_with_what_was_expected() {
    let told: Vec<String> = ["Nginx", "a:b:c", "a@sha256:12", "-", "a//b", "é"]
        .iter()
        .map(|image| told(&[], &format!("check -- {image}")))
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_malformed_reference_in_a_manifest_is_told_with_its_place() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: a\n    image: Nginx\n  - name: b\n";
    let folder = Folder::new(&[("policies.yaml", POLICIES), ("app.yaml", pod)]);
    insta::assert_snapshot!(
        folder
            .run("check --policies policies.yaml -f app.yaml")
            .transcript()
    );
}

#[test]
fn a_file_that_is_no_text_or_too_large_is_refused() {
    let folder = Folder::new(&[]);
    folder.write("latin.yaml", b"a: b\nc: \xe9\n");
    folder.write("large.yaml", vec![b'#'; (16 << 20) + 1]);
    let level = |n| {
        format!(
            "a{n}: &a{n} [{}]\n",
            vec![format!("*a{}", n - 1); 10].join(",")
        )
    };
    let bomb: Vec<String> = (1..12).map(level).collect();
    folder.write("bomb.yaml", format!("a0: &a0 [x]\n{}", bomb.concat()));
    for (file, expected) in [
        ("latin.yaml", "latin.yaml: line 2: expected text in UTF-8"),
        (
            "large.yaml",
            "large.yaml: the file is too large: expected at most 16 MiB",
        ),
        ("bomb.yaml", "bomb.yaml:"),
    ] {
        let run = folder.run(&format!("check -f {file}"));
        assert_eq!(run.status, 2);
        assert!(
            run.stderr.starts_with(&format!("error: {expected}")),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn an_image_on_disk_is_for_another_command() {
    let folder = Folder::new(&[
        ("policies.yaml", POLICIES),
        ("img/oci-layout", "{}"),
        ("image.tar", ""),
    ]);
    let check = |image: &str| folder.run(&format!("check --policies policies.yaml {image}"));
    for image in [
        "oci:img",
        "oci:img:v1",
        "oci:img/x",
        "oci-archive:image.tar",
    ] {
        let run = check(image);
        assert_eq!((run.status, &*run.stdout), (2, ""), "{image}");
        assert!(run.stderr.contains("it is on disk"), "{}", run.stderr);
        let hint = format!("hint: `cise va {image}`");
        assert!(run.stderr.contains(&hint), "{}", run.stderr);
    }
    // A repository of Docker Hub, of which nothing is on disk.
    assert_eq!(check("oci:v1").status, 1);
}

#[test]
fn an_image_without_a_name_that_can_be_has_an_object_for_programs() {
    let folder = Folder::new(&[("policies.yaml", POLICIES)]);
    let run = folder.run("check --policies policies.yaml -o json icr.io/public/a Nginx");
    assert_eq!(run.status, 2, "{}", run.transcript());
    let images: Vec<serde_json::Value> = serde_json::from_str(&run.stdout).unwrap();
    let found: Vec<_> = images
        .iter()
        .map(|image| (image["image"].as_str().unwrap(), image["allowed"].as_bool()))
        .collect();
    assert_eq!(
        found,
        [("icr.io/public/a", Some(true)), ("Nginx", Some(false))]
    );
}

#[test]
fn a_webhook_of_a_cluster_has_no_database_of_its_own() {
    let kubeconfig = "\
apiVersion: v1
kind: Config
current-context: nobody
contexts: [{name: nobody, context: {cluster: nowhere, user: nobody}}]
clusters: [{name: nowhere, cluster: {server: 'https://localhost:1'}}]
users: [{name: nobody, user: {token: none}}]
";
    let folder = Folder::new(&[
        ("kubeconfig", kubeconfig),
        ("cise.yaml", "advisor: {database: advisories.db}\n"),
    ]);
    let run = folder.run(
        "serve --config cise.yaml --kubeconfig kubeconfig --self-signed --listen 127.0.0.1:0 --admin 127.0.0.1:0",
    );
    assert_eq!(run.status, 2, "{}", run.transcript());
    let told = "in a cluster, `cise serve` has no advisory database of its own";
    assert!(run.stderr.contains(told), "{}", run.stderr);
    assert!(run.stderr.contains("advisor.service"), "{}", run.stderr);
}
