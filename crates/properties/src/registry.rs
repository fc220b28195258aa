use std::time::Duration;

use cise_reference::Repository;
use cise_registry::fuzzing::{bearer_challenge, next_page, token_answer};
use cise_registry::{DockerConfig, DockerConfigError, Keyring, Manifest, MediaType};
use serde_json::Value;
use url::Url;

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

/// A `Date` header in the first line and a token server's answer in the rest: what is presented is the token of the answer and
/// nothing that ends a header, it is shown to nobody, and it is kept for a day at most.
pub(crate) fn token(bytes: &[u8]) {
    let (date, body) = first_line(bytes);
    let (header, kept_for) = match token_answer(date, body) {
        Ok(token) => token,
        Err(error) => return assert_message(&error),
    };
    assert!(
        kept_for <= Duration::from_secs(24 * 60 * 60),
        "{kept_for:?}"
    );
    assert!(header.is_sensitive(), "{header:?}");
    // Fields that nobody reads may hold what is no text, and numbers beyond all bounds.
    let Ok(answer) = serde_json::from_str::<Value>(&String::from_utf8_lossy(body)) else {
        return;
    };
    let token = header.as_bytes().strip_prefix(b"Bearer ");
    let of_answer = ["token", "access_token"].map(|name| answer.get(name).and_then(Value::as_str));
    assert!(
        of_answer
            .iter()
            .flatten()
            .any(|text| Some(text.as_bytes()) == token && !text.is_empty()),
        "{answer} has no such token"
    );
    assert!(
        !header
            .as_bytes()
            .iter()
            .any(|byte| matches!(byte, b'\r' | b'\n' | 0))
    );
}

/// The path of a page in the first line and its `Link` header in the rest: the next page is on the same server, whose name it
/// cannot change.
pub(crate) fn link(bytes: &[u8]) {
    let (path, link) = first_line(bytes);
    let (Ok(path), Ok(link)) = (str::from_utf8(path), str::from_utf8(link)) else {
        return;
    };
    for server in ["https://registry.example.com", "http://localhost:5000/"] {
        let Ok(url) = Url::parse(server) else { return };
        let Some(next) = next_page(&url, path, link) else {
            continue;
        };
        assert!(next.starts_with('/'), "{next}");
        let asked = Url::parse(&format!("{}{next}", server.trim_end_matches('/')));
        assert!(
            asked.is_ok_and(|asked| asked.origin() == url.origin() && asked.username().is_empty()),
            "{next}"
        );
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
