//! Manifests drawn by chance, held against how Go reads them.

use cise_testkit::components::READERS;
use cise_testkit::readers::{Documents, Readers};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use serde_json::{Value, json};

use super::super::*;

/// A name in the letters that somebody may write it in.
fn spelt(name: &'static str) -> impl Strategy<Value = String> {
    prop_oneof![
        12 => Just(name.to_owned()),
        1 => Just(name.to_uppercase()),
        1 => Just(name.to_lowercase()),
        1 => Just(name[..1].to_uppercase() + &name[1..]),
        1 => Just(name.replacen('s', "\u{17f}", 1)),
        1 => Just(name.replacen('i', "\u{131}", 1)),
        1 => Just(format!("x{name}")),
    ]
}

fn digest() -> impl Strategy<Value = String> {
    prop::sample::select(b"abc".as_slice())
        .prop_map(|letter| {
            json!(format!(
                "sha256:{}",
                char::from(letter).to_string().repeat(64)
            ))
        })
        .prop_map(|digest| digest.to_string())
}

/// An object of these fields. The strategies that are within are kept on the heap, since they would take all of a stack.
fn object(fields: impl Strategy<Value = Vec<(String, String)>> + 'static) -> BoxedStrategy<String> {
    let object = fields.prop_map(|fields| {
        let fields = fields
            .iter()
            .map(|(key, value)| format!("{}:{value}", json!(key)));
        format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
    });
    object.boxed()
}

fn field(
    name: &'static str,
    value: impl Strategy<Value = String>,
) -> impl Strategy<Value = (String, String)> {
    (spelt(name), value)
}

fn word(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(words).prop_map(|word| json!(word).to_string())
}

fn platform() -> impl Strategy<Value = String> {
    let fields = (
        field("os", word(&["linux", "windows"])),
        field("architecture", word(&["amd64", "arm64"])),
        prop::option::weighted(0.4, field("variant", word(&["v7", "v8"]))),
        prop::option::weighted(0.3, field("architecture", word(&["amd64", "s390x"]))),
    );
    object(fields.prop_map(|(os, architecture, variant, more)| {
        let always = [os, architecture].into_iter();
        always.chain(variant).chain(more).collect()
    }))
}

fn descriptor() -> impl Strategy<Value = String> {
    let fields = (
        field("mediaType", word(&["x/y"])),
        field("digest", digest()),
        field("size", Just("3".to_owned())),
        prop::option::weighted(0.5, field("platform", platform())),
        prop::option::weighted(0.2, field("digest", digest())),
        prop::option::weighted(0.1, field("platform", platform())),
    );
    object(
        fields.prop_map(|(media_type, digest, size, platform, more, again)| {
            let always = [media_type, digest, size].into_iter();
            always.chain(platform).chain(more).chain(again).collect()
        }),
    )
}

fn list() -> impl Strategy<Value = String> {
    let list = prop::collection::vec(descriptor(), 0..3);
    list.prop_map(|list| format!("[{}]", list.join(",")))
        .boxed()
}

fn image() -> impl Strategy<Value = String> {
    let fields = (
        field("config", descriptor()),
        field("layers", list()),
        prop::option::weighted(0.2, field("layers", list())),
        prop::option::weighted(0.2, field("config", descriptor())),
    );
    object(fields.prop_map(|(config, layers, more, again)| {
        let always = [config, layers].into_iter();
        always.chain(more).chain(again).collect()
    }))
}

fn index() -> impl Strategy<Value = String> {
    let fields = (
        field("manifests", list()),
        prop::option::weighted(0.2, field("manifests", list())),
    );
    object(fields.prop_map(|(manifests, more)| [manifests].into_iter().chain(more).collect()))
}

/// What a manifest says, in the words of the program that Go's readers are asked with.
fn told(manifest: &Manifest) -> Value {
    let digests = |list: &[Descriptor]| -> Vec<String> {
        list.iter()
            .map(|one| one.digest.as_str().to_owned())
            .collect()
    };
    match manifest {
        Manifest::Image(image) => {
            json!({"config": image.config.digest.as_str(), "layers": digests(&image.layers)})
        }
        Manifest::Index(index) => {
            let images = index.manifests.iter().map(|image| {
                let platform = image.platform.as_ref().map(|platform| {
                    let variant = platform.variant.as_deref().unwrap_or_default();
                    format!(" {}/{}/{variant}", platform.os, platform.architecture)
                });
                format!("{}{}", image.digest.as_str(), platform.unwrap_or_default())
            });
            json!({"manifests": images.collect::<Vec<_>>()})
        }
    }
}

#[test]
fn what_is_read_is_what_go_reads() {
    if READERS.require().is_none() {
        return;
    }
    let go = Readers::start(Documents::Manifests).expect("the readers");
    let go = std::cell::RefCell::new(go);
    let compared = std::cell::Cell::new(0);
    let config = Config {
        cases: 1000,
        failure_persistence: None,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let result =
        TestRunner::new_with_rng(config, rng).run(&prop_oneof![image(), index()], |json| {
            let Ok(manifest) = Manifest::parse(json.as_bytes(), None) else {
                return Ok(());
            };
            let theirs = go.borrow_mut().read(json.as_bytes()).expect("an answer");
            let Some(ours) = told(&manifest).as_object().cloned() else {
                return Err(TestCaseError::fail("no object"));
            };
            for (field, ours) in ours {
                let theirs = match &theirs[&field] {
                    Value::Null => json!([]),
                    value => value.clone(),
                };
                prop_assert_eq!(&theirs, &ours, "{} of {}", field, json);
            }
            compared.set(compared.get() + 1);
            Ok(())
        });
    result.expect("the same manifests");
    assert!(compared.get() > 100, "only {compared:?} were compared");
}
