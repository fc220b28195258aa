//! What a newcomer sees.

use crate::program::Folder;

#[test]
fn every_page_of_help_reads_well() {
    let folder = Folder::new(&[]);
    for arguments in [
        "",
        "--help",
        "check --help",
        "va --help",
        "db",
        "db build --help",
        "db pull --help",
        "db push --help",
        "db status --help",
        "exemption --help",
        "exemption add --help",
        "exemption list --help",
        "exemption rm --help",
        "exemption types --help",
        "serve --help",
        "advisor --help",
        "trust",
        "trust list --help",
        "trust show --help",
        "trust forget --help",
        "crds --help",
        "install --help",
        "status --help",
        "uninstall --help",
        "completions --help",
    ] {
        let name = match arguments {
            "" => "nothing said".to_owned(),
            _ => format!("help {}", arguments.replace("--help", "")),
        };
        let name = name.trim().replace(' ', "-");
        insta::assert_snapshot!(name, folder.run(arguments).transcript());
    }
}

#[test]
fn a_mistake_on_the_command_line_is_told_with_the_way_out() {
    let folder = Folder::new(&[("pod.yaml", "")]);
    let transcripts: Vec<String> = [
        "chek nginx",
        "check",
        "check --polices x nginx",
        "check -o yaml nginx",
        "check -n Team nginx",
        "check pod.yaml:",
        "check ./pod.yaml",
        "check UPPER/case:tag:tag",
        "check --config missing.yaml nginx",
        "check --policies missing nginx",
        "check -f missing.yaml",
        "serve --policies .",
        "serve --self-signed",
        "serve --policies . --tls-cert a.pem",
        "serve --policies . --tls-cert a.pem --tls-key a.pem --self-signed",
        "serve --policies . --self-signed --listen here",
        "serve --policies . --kubeconfig missing --self-signed",
        "serve --kubeconfig missing --self-signed",
        "trust list",
        "trust list --kubeconfig missing",
        "trust list --state missing",
        "trust list --state . --namespace team",
        "trust show --state . UPPER",
        "trust forget --state .",
        "va",
        "va -v -c nginx",
        "va -o yaml nginx",
        "db",
        "db build",
        "db status",
        "advisor --listen here",
        "exemption",
        "exemption add --scope *",
        "crds --group all",
        "install --image UPPER/case:tag:tag",
        "install --replicas 0",
        "install --kubeconfig missing",
        "status",
        "status --kubeconfig missing --probe Team",
        "uninstall",
        "uninstall --webhooks",
        "uninstall --state --namespace Team",
        "completions tcsh",
    ]
    .iter()
    .map(|arguments| format!("$ cise {arguments}\n{}", folder.run(arguments).transcript()))
    .collect();
    insta::with_settings!({filters => vec![(r"\(os error \d+\)", "(os error N)")]}, {
        insta::assert_snapshot!(transcripts.join("\n"));
    });
}

#[test]
fn every_shell_can_complete() {
    let folder = Folder::new(&[]);
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let run = folder.run(&format!("completions {shell}"));
        assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{shell}");
        for word in [
            "check",
            "va",
            "exemption",
            "serve",
            "trust",
            "crds",
            "policies",
        ] {
            assert!(run.stdout.contains(word), "{shell} completes {word}");
        }
    }
}

#[test]
fn the_version_is_that_of_the_package() {
    let run = Folder::new(&[]).run("--version");
    assert_eq!(
        (run.status, run.stdout),
        (0, format!("cise {}\n", env!("CARGO_PKG_VERSION")))
    );
}
