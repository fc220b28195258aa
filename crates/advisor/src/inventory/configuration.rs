//! An image's configuration, as far as it says what the layers are.

use cise_reference::Digest;
use serde::Deserialize;

use super::platform::Platform;

/// The most bytes of a configuration; large ones have long histories.
pub(super) const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// What a configuration says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Configuration {
    /// What the image is for.
    pub(super) platform: Platform,
    /// The digests of the layers' archives, the lowest first.
    pub(super) diff_ids: Vec<Digest>,
}

#[derive(Deserialize)]
struct Wire {
    os: String,
    architecture: String,
    variant: Option<String>,
    rootfs: RootFs,
}

#[derive(Deserialize)]
struct RootFs {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    diff_ids: Vec<String>,
}

impl Configuration {
    /// Reads a configuration; an error says what is wrong with it.
    pub(super) fn parse(json: &[u8]) -> Result<Self, String> {
        let wire: Wire = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        if wire.rootfs.kind != "layers" {
            return Err("its root file system is not one of layers".to_owned());
        }
        if wire.os.is_empty() || wire.architecture.is_empty() {
            return Err("it does not say what platform it is for".to_owned());
        }
        let diff_ids = wire.rootfs.diff_ids.iter().map(|text| Digest::parse(text));
        let diff_ids: Result<_, _> = diff_ids.collect();
        let variant = wire.variant.unwrap_or_default();
        Ok(Self {
            platform: Platform::new(&wire.os, &wire.architecture, &variant),
            diff_ids: diff_ids.map_err(|error| error.to_string())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    fn parse(os: &str, rootfs: &str) -> Result<Configuration, String> {
        let json = format!(
            r#"{{"os":"{os}","architecture":"arm64","variant":"v8","history":[{{}}],"rootfs":{rootfs}}}"#
        );
        Configuration::parse(json.as_bytes())
    }

    #[test]
    fn a_configuration_says_which_layers_make_the_image() {
        let layers = format!(r#"{{"type":"layers","diff_ids":["{DIGEST}"]}}"#);
        let configuration = parse("linux", &layers).expect("a configuration");
        assert_eq!(configuration.platform.to_string(), "linux/arm64");
        assert_eq!(
            configuration.diff_ids,
            [Digest::parse(DIGEST).expect("a digest")]
        );
        let none = parse("linux", r#"{"type":"layers"}"#).expect("a configuration");
        assert_eq!(none.diff_ids, []);
    }

    #[test]
    fn a_configuration_that_does_not_is_refused() {
        let layers = format!(r#"{{"type":"layers","diff_ids":["{DIGEST}"]}}"#);
        let twice = layers.replace("\"type\"", r#""diff_ids":[],"type""#);
        let table = [
            ("", layers.as_str(), "platform"),
            (
                "linux",
                r#"{"type":"layers","diff_ids":["sha256:../x"]}"#,
                "64",
            ),
            (
                "linux",
                r#"{"type":"layers+base","diff_ids":[]}"#,
                "not one of layers",
            ),
            ("linux", r#"{"diff_ids":[]}"#, "type"),
            ("linux", &twice, "duplicate"),
            ("linux", "7", "invalid type"),
        ];
        for (os, rootfs, why) in table {
            let error = parse(os, rootfs).expect_err(rootfs);
            assert!(error.contains(why), "{rootfs}: {error}");
        }
        assert!(Configuration::parse(b"{}").is_err());
        assert!(Configuration::parse(b"\xff").is_err());
    }
}
