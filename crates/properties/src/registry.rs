use cise_reference::Repository;
use cise_registry::fuzzing::bearer_challenge;
use cise_registry::{DockerConfig, DockerConfigError, Keyring, Manifest, MediaType};
use serde_json::Value;

use crate::{assert_message, first_line};

/// `WWW-Authenticate` headers, one in each line: a challenge that is quoted by the book is read back as it was.
pub(crate) fn challenge(bytes: &[u8]) {
    let headers: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    let Some(challenge) = bearer_challenge(&headers) else {
        return;
    };
    let (realm, service, scope) = &challenge;
    let quoted = |text: &str| text.replace('\\', r"\\").replace('"', r#"\""#);
    let parameter = |name: &str, value: &Option<String>| {
        value
            .as_ref()
            .map(|value| format!(r#",{name}="{}""#, quoted(value)))
            .unwrap_or_default()
    };
    let rest = parameter("service", service) + &parameter("scope", scope);
    let header = format!(r#"Bearer realm="{}"{rest}"#, quoted(realm));
    // Escaping may make a header larger than any that is read.
    if header.len() <= 8 * 1024 {
        assert_eq!(bearer_challenge(&[header.as_bytes()]), Some(challenge));
    }
}

/// A pull secret gives each repository a bounded list of credentials, and shows nobody its secrets.
pub(crate) fn docker_config(bytes: &[u8]) {
    check_config(bytes, &DockerConfig::from_config_json("the secret", bytes));
    check_config(bytes, &DockerConfig::from_dockercfg("the secret", bytes));
}

fn check_config(bytes: &[u8], config: &Result<DockerConfig, DockerConfigError>) {
    let shown = match config {
        Ok(config) => {
            let keyring = Keyring::new([config]);
            for repository in [
                "docker.io/library/nginx",
                "registry.example.com/team/app",
                "localhost:5000/app",
            ] {
                let candidates =
                    Repository::parse(repository).map(|repository| keyring.candidates(&repository));
                assert!(
                    candidates.is_ok_and(|candidates| candidates.iter().count() <= bytes.len())
                );
            }
            format!("{config:?}")
        }
        Err(error) => {
            assert_message(error);
            format!("{error} {error:?}")
        }
    };
    let document = serde_json::from_slice(bytes).unwrap_or_default();
    let mut secrets = Vec::new();
    collect_secrets(&document, &mut secrets);
    let text = String::from_utf8_lossy(bytes);
    for secret in secrets {
        // One that is also a name, or any word, is there for another reason.
        let is_unmistakable = secret.len() >= 6
            && secret.bytes().any(|byte| byte.is_ascii_digit())
            && text.matches(secret).count() == 1;
        assert!(
            !is_unmistakable || !shown.contains(secret),
            "{secret} is shown: {shown}"
        );
    }
}

fn collect_secrets<'v>(value: &'v Value, secrets: &mut Vec<&'v str>) {
    const NAMES: [&str; 4] = ["auth", "identitytoken", "password", "registrytoken"];
    let Value::Object(fields) = value else { return };
    for (name, value) in fields {
        match value {
            Value::String(secret) if NAMES.contains(&&*name.to_ascii_lowercase()) => {
                secrets.push(secret);
            }
            inner => collect_secrets(inner, secrets),
        }
    }
}

/// A content type in the first line and a document in the rest: no document is an image to one reader and an index to
/// another, whatever the server calls it.
pub(crate) fn image_manifest(bytes: &[u8]) {
    let (content_type, document) = first_line(bytes);
    let types = [
        str::from_utf8(content_type).ok(),
        None,
        Some(MediaType::DockerManifest.as_str()),
        Some(MediaType::DockerManifestList.as_str()),
        Some(MediaType::OciManifest.as_str()),
        Some(MediaType::OciIndex.as_str()),
    ];
    let read = types
        .map(|content_type| Manifest::parse(document, content_type).inspect_err(assert_message));
    let images = read
        .iter()
        .filter(|read| matches!(read, Ok(Manifest::Image(_))))
        .count();
    let indexes = read
        .iter()
        .filter(|read| matches!(read, Ok(Manifest::Index(_))))
        .count();
    assert!(
        images == 0 || indexes == 0,
        "{images} times an image, {indexes} times an index"
    );
}
