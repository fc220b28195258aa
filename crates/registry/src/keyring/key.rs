//! Keys of docker configurations: `registry.example.com`, `https://index.docker.io/v1/`, `*.example.com:5000/team`.

use cise_reference::Repository;

/// A key as the kubelet reads it: the scheme and `/v1/` or `/v2/` dropped, the host a pattern for each of its labels, the port
/// and the path literal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RegistryKey {
    /// Host, port and path together, which is what keys are ordered by.
    text: String,
    host: String,
    port: Option<u16>,
    path: String,
}

const DOCKER_HUB_DEFAULT: &str = "index.docker.io";

impl RegistryKey {
    /// Reads a key; nothing for one that is no URL, which the kubelet passes over.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let rest = text
            .strip_prefix("https://")
            .or_else(|| text.strip_prefix("http://"))
            .unwrap_or(text);
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let host_and_port = authority.rsplit('@').next().unwrap_or_default();
        let (host, port) = split_port(host_and_port)?;
        if host.is_empty()
            || host.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\')
        {
            return None;
        }
        // 443 is what no port means, and Docker Hub's registry is meant by its own name too: references are read so as well.
        let port = port.filter(|port| *port != 443);
        let host = if host.eq_ignore_ascii_case("registry-1.docker.io") {
            "docker.io"
        } else {
            host
        }
        .to_ascii_lowercase();
        let path = effective_path(path).to_owned();
        let port_text = port.map(|port| format!(":{port}")).unwrap_or_default();
        Some(Self {
            text: format!("{host}{port_text}{path}"),
            host,
            port,
            path,
        })
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether its credential may do for `repository`: as many labels, each matching; the same port; the path a prefix, which
    /// for the kubelet need not end at a `/`.
    pub(super) fn matches(&self, repository: &Repository) -> bool {
        let host = repository.host();
        let path = repository.path();
        host.port() == self.port
            && labels_match(&self.host, host.name())
            && (self.path.is_empty()
                || self
                    .path
                    .strip_prefix('/')
                    .is_some_and(|prefix| path.starts_with(prefix)))
    }

    /// Whether it is the key that docker writes for its Hub, which the kubelet falls back to.
    pub(super) fn is_docker_hub_default(&self) -> bool {
        self.text == DOCKER_HUB_DEFAULT
    }
}

fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    if let Some(literal) = authority.strip_prefix('[') {
        let (host, rest) = literal.split_once(']')?;
        return match rest.strip_prefix(':') {
            None => rest.is_empty().then_some((host, None)),
            Some(port) => Some((host, port.parse().ok())),
        };
    }
    match authority.rsplit_once(':') {
        None => Some((authority, None)),
        Some((host, "")) => Some((host, None)),
        Some((host, port)) => Some((host, Some(port.parse().ok()?))),
    }
}

fn effective_path(path: &str) -> &str {
    let versioned = path.starts_with("/v1/") || path.starts_with("/v2/");
    let path = if versioned {
        path.get(3..).unwrap_or_default()
    } else {
        path
    };
    if path == "/" { "" } else { path }
}

fn labels_match(pattern: &str, host: &str) -> bool {
    let mut labels = host.split('.');
    let all = pattern.split('.').all(|pattern| {
        labels
            .next()
            .is_some_and(|label| glob_matches(pattern, label))
    });
    all && labels.next().is_none()
}

/// Matches one label: `*` is any run of characters, everything else itself. The other signs of Go's `path.Match` cannot stand
/// in the host of a URL.
fn glob_matches(pattern: &str, label: &str) -> bool {
    let Some((prefix, rest)) = pattern.split_once('*') else {
        return pattern == label;
    };
    let Some(mut label) = label.strip_prefix(prefix) else {
        return false;
    };
    let mut pieces = rest.split('*');
    let Some(suffix) = pieces.next_back() else {
        return true;
    };
    for piece in pieces {
        match label
            .find(piece)
            .and_then(|at| label.get(at + piece.len()..))
        {
            Some(after) => label = after,
            None => return false,
        }
    }
    label.ends_with(suffix)
}
