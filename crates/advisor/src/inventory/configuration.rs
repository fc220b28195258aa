//! An image's configuration, as far as it says what the layers are.

use cise_reference::Digest;
use cise_registry::JsonForm;
use serde::Deserialize;

use super::platform::Platform;

/// The most bytes of a configuration; large ones have long histories.
pub(super) const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// The fields of image-spec 1.1 that say what an image is made of and where it runs. Runtimes read more, which changes nothing
/// about the files that they show.
const FORM: JsonForm = JsonForm {
    depth: 32,
    values: 200_000,
    fields: &[
        "os",
        "os.version",
        "os.features",
        "architecture",
        "variant",
        "config",
        "rootfs",
        "type",
        "diff_ids",
        "history",
        "empty_layer",
    ],
    maps: &["Labels", "ExposedPorts", "Volumes", "annotations"],
};

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
        FORM.check(json).map_err(|error| error.to_string())?;
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
    use std::cell::{Cell, RefCell};

    use cise_testkit::components::READERS;
    use cise_testkit::readers::{Documents, Readers};
    use proptest::prelude::*;
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
    use serde_json::json;

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
    fn what_somebody_else_reads_otherwise_is_refused() {
        let with = |field: &str| {
            let json = format!(
                r#"{{"os":"linux","architecture":"arm64",{field},"rootfs":{{"type":"layers","diff_ids":["{DIGEST}"]}}}}"#
            );
            Configuration::parse(json.as_bytes())
        };
        for field in [
            r#""OS":"windows""#,
            r#""Architecture":"amd64""#,
            r#""Variant":"v7""#,
            r#""RootFS":{"type":"layers"}"#,
            r#""rootf\u017f":{"type":"layers"}"#,
            r#""config":{"Cmd":[],"cmd":[]}"#,
        ] {
            assert!(with(field).is_err(), "{field}");
        }
        for field in [
            r#""config":{"Labels":{"A":"1","a":"2"},"Volumes":{"/OS":{},"/os":{}},"ExposedPorts":{"80/tcp":{}}}"#,
            r#""container_config":{"Hostname":"x","Image":"","OnBuild":null},"docker_version":"20","Size":7"#,
            r#""config":{"ArgsEscaped":true,"Healthcheck":{"Test":["NONE"],"Interval":1}}"#,
        ] {
            assert!(with(field).is_ok(), "{field}");
        }
    }

    #[test]
    fn a_configuration_that_does_not_is_refused() {
        let layers = format!(r#"{{"type":"layers","diff_ids":["{DIGEST}"]}}"#);
        let twice = layers.replace("\"type\"", r#""diff_ids":[],"type""#);
        let folded = layers.replace("\"type\"", r#""Diff_IDs":[],"type""#);
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
            ("linux", &twice, "twice"),
            ("linux", &folded, "is `diff_ids` to some"),
            ("linux", "7", "invalid type"),
        ];
        for (os, rootfs, why) in table {
            let error = parse(os, rootfs).expect_err(rootfs);
            assert!(error.contains(why), "{rootfs}: {error}");
        }
        assert!(Configuration::parse(b"{}").is_err());
        assert!(Configuration::parse(b"\xff").is_err());
    }

    /// A field in the letters that somebody may write it in.
    fn field(name: &'static str, values: &'static [&'static str]) -> impl Strategy<Value = String> {
        let key = prop_oneof![
            8 => Just(name.to_owned()),
            1 => Just(name.to_uppercase()),
            1 => Just(name.replacen('s', "\u{17f}", 1)),
        ];
        (key, prop::sample::select(values))
            .prop_map(|(key, value)| format!("{}:{value}", json!(key)))
    }

    fn configuration() -> impl Strategy<Value = String> {
        const LAYERS: [&str; 2] = [
            r#"["sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]"#,
            "[]",
        ];
        let more = |name, values| prop::option::weighted(0.2, field(name, values));
        let rootfs = (
            field("type", &[r#""layers""#]),
            field("diff_ids", &LAYERS),
            more("diff_ids", &LAYERS),
        )
            .prop_map(|(kind, ids, more)| {
                let fields = [kind, ids].into_iter().chain(more);
                format!(r#""rootfs":{{{}}}"#, fields.collect::<Vec<_>>().join(","))
            });
        let fields = (
            field("os", &[r#""linux""#]),
            field("architecture", &[r#""amd64""#, r#""arm64""#]),
            more("os", &[r#""linux""#, r#""windows""#]),
            more("variant", &[r#""v6""#, r#""v7""#]),
            more("architecture", &[r#""s390x""#]),
            rootfs,
        );
        fields.prop_map(|(os, architecture, other, variant, again, rootfs)| {
            let always = [os, architecture, rootfs].into_iter();
            let all = always.chain(other).chain(variant).chain(again);
            format!("{{{}}}", all.collect::<Vec<_>>().join(","))
        })
    }

    #[test]
    fn what_is_read_is_what_go_reads() {
        if READERS.require().is_none() {
            return;
        }
        let go = RefCell::new(Readers::start(Documents::Configurations).expect("the readers"));
        let compared = Cell::new(0);
        let config = Config {
            cases: 500,
            failure_persistence: None,
            ..Config::default()
        };
        let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        let result = TestRunner::new_with_rng(config, rng).run(&configuration(), |json| {
            let Ok(ours) = Configuration::parse(json.as_bytes()) else {
                return Ok(());
            };
            let theirs = go.borrow_mut().read(json.as_bytes()).expect("an answer");
            let platform = theirs["platform"].as_str().unwrap_or_default();
            let parts: Vec<_> = platform.split('/').collect();
            prop_assert_eq!(
                &ours.platform,
                &Platform::new(parts[0], parts[1], parts[2]),
                "{}",
                json
            );
            let ids: Vec<_> = ours.diff_ids.iter().map(|id| json!(id.as_str())).collect();
            let listed = theirs["diffIDs"].as_array().cloned().unwrap_or_default();
            prop_assert_eq!(ids, listed, "{}", json);
            compared.set(compared.get() + 1);
            Ok(())
        });
        result.expect("the same configurations");
        assert!(compared.get() > 50, "only {compared:?} were compared");
    }
}
