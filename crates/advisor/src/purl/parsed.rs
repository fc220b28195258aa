//! Package URLs that others wrote.

use std::collections::BTreeMap;

/// The most bytes of one that is read.
const MAX_BYTES: usize = 1024;

/// A package URL, its parts decoded (purl-spec, `PURL-SPECIFICATION.rst`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PackageUrl {
    /// The type, in lower case.
    pub(crate) kind: Box<str>,
    /// The namespace; empty where there is none.
    pub(crate) namespace: Box<str>,
    /// The name.
    pub(crate) name: Box<str>,
    /// The version, where there is one.
    pub(crate) version: Option<Box<str>>,
    /// What narrows it further, keys in lower case. Empty values are no qualifiers.
    pub(crate) qualifiers: BTreeMap<Box<str>, Box<str>>,
    /// A path within the package; empty where there is none.
    pub(crate) subpath: Box<str>,
}

impl PackageUrl {
    /// Does a text claim to be a package URL?
    pub(crate) fn is_meant(text: &str) -> bool {
        let scheme = text.get(..4);
        scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("pkg:"))
    }

    /// Reads one; nothing, if it is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if !Self::is_meant(text) || text.len() > MAX_BYTES {
            return None;
        }
        let rest = text.get(4..)?.trim_start_matches('/');
        let (rest, subpath) = rest.rsplit_once('#').unwrap_or((rest, ""));
        let (rest, qualifiers) = rest.rsplit_once('?').unwrap_or((rest, ""));
        let (kind, rest) = rest.split_once('/')?;
        let (path, version) = match rest.rsplit_once('@') {
            // An `@` before the last `/` is of a namespace.
            Some((path, version)) if !version.contains('/') => (path, Some(version)),
            _ => (rest, None),
        };
        let path = path.trim_matches('/');
        let (namespace, name) = path.rsplit_once('/').unwrap_or(("", path));
        let is_kind = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'+' | b'-');
        let is_whole = !kind.is_empty() && !name.is_empty() && kind.bytes().all(is_kind);
        is_whole.then_some(())?;
        Some(Self {
            kind: kind.to_ascii_lowercase().into(),
            namespace: decoded(namespace)?,
            name: decoded(name)?,
            version: version
                .filter(|version| !version.is_empty())
                .map(decoded)
                .map_or(Some(None), |version| version.map(Some))?,
            qualifiers: read_qualifiers(qualifiers)?,
            subpath: decoded(subpath)?,
        })
    }
}

/// Nothing, if a key is there twice: readers differ in which of the two counts.
fn read_qualifiers(text: &str) -> Option<BTreeMap<Box<str>, Box<str>>> {
    let mut qualifiers = BTreeMap::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=')?;
        let value = decoded(value)?;
        if value.is_empty() {
            continue;
        }
        let before = qualifiers.insert(key.to_ascii_lowercase().into(), value);
        before.is_none().then_some(())?;
    }
    Some(qualifiers)
}

fn decoded(text: &str) -> Option<Box<str>> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            let (high, low) = (digit(bytes.next()?)?, digit(bytes.next()?)?);
            decoded.push(u8::try_from(high << 4 | low).ok()?);
        } else {
            decoded.push(byte);
        }
    }
    String::from_utf8(decoded).ok().map(Into::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Its parts, in order.
    fn parts(text: &str) -> Option<String> {
        let url = PackageUrl::parse(text)?;
        Some(format!(
            "{} {} {} {:?} {:?} {}",
            url.kind, url.namespace, url.name, url.version, url.qualifiers, url.subpath
        ))
    }

    #[test]
    fn parts_are_told_apart_and_decoded() {
        for (text, expected) in [
            (
                "pkg:deb/debian/libssl3@1:3.0%2Bb1-1?arch=amd64&distro=debian-12",
                r#"deb debian libssl3 Some("1:3.0+b1-1") {"arch": "amd64", "distro": "debian-12"} "#,
            ),
            ("pkg:apk/alpine/zlib", r"apk alpine zlib None {} "),
            (
                "PKG://OCI/app@sha256%3Aab",
                r#"oci  app Some("sha256:ab") {} "#,
            ),
            (
                "pkg:oci/app@sha256:ab?Arch=",
                r#"oci  app Some("sha256:ab") {} "#,
            ),
            (
                "pkg:npm/%40scope/name@1.0#dist/x.js",
                r#"npm @scope name Some("1.0") {} dist/x.js"#,
            ),
            ("pkg:npm/@scope/name", r"npm @scope name None {} "),
            ("pkg:rpm/a/b@", r"rpm a b None {} "),
        ] {
            assert_eq!(parts(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_none_is_not_read() {
        let long = format!("pkg:deb/debian/{}", "x".repeat(1024));
        for text in [
            "",
            "deb/debian/x@1",
            "pkg:deb",
            "pkg:deb/",
            "pkg:d b/x",
            "pkg:deb/debian/x@1%2",
            "pkg:deb/debian/x@1%ZZ",
            "pkg:deb/debian/x@%FF",
            "pkg:deb/debian/x@1?arch",
            "pkg:deb/debian/x@1?arch=a&arch=b",
            "pkg:deb/debian/x@1?arch=a&ARCH=b",
            &long,
        ] {
            assert_eq!(parts(text), None, "{text}");
        }
    }
}
