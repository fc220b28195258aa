mod readers;

use super::*;

const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

fn descriptor() -> String {
    format!(r#"{{"mediaType":"x/y","digest":"{DIGEST}","size":3}}"#)
}

fn image(media_type: &str) -> String {
    let d = descriptor();
    format!(r#"{{"schemaVersion":2,{media_type}"config":{d},"layers":[{d}]}}"#)
}

fn index(media_type: &str) -> String {
    format!(
        r#"{{"schemaVersion":2,{media_type}"manifests":[{}]}}"#,
        descriptor()
    )
}

fn typed(media_type: MediaType) -> String {
    format!(r#""mediaType":"{}","#, media_type.as_str())
}

fn kind(json: &str, content_type: Option<&str>) -> Result<MediaType, ManifestError> {
    Manifest::parse(json.as_bytes(), content_type).map(|manifest| match manifest {
        Manifest::Image(image) => image.media_type,
        Manifest::Index(index) => index.media_type,
    })
}

#[test]
fn document_server_and_fields_must_agree_on_what_it_is() {
    use MediaType::{DockerManifest, DockerManifestList, OciIndex, OciManifest};
    let with_parameter = format!("{}; charset=utf-8", DockerManifest.as_str());
    let agreeing = [
        (
            image(&typed(OciManifest)),
            Some(OciManifest.as_str()),
            OciManifest,
        ),
        (image(""), Some(OciManifest.as_str()), OciManifest),
        (image(""), None, OciManifest),
        (image(""), Some("application/json"), OciManifest),
        (image(&typed(DockerManifest)), None, DockerManifest),
        (
            image(&typed(DockerManifest)),
            Some(with_parameter.as_str()),
            DockerManifest,
        ),
        (index(""), None, OciIndex),
        (
            index(&typed(DockerManifestList)),
            Some("application/octet-stream"),
            DockerManifestList,
        ),
    ];
    for (json, content_type, expected) in agreeing {
        assert_eq!(
            kind(&json, content_type),
            Ok(expected),
            "{json} as {content_type:?}"
        );
    }
}

#[test]
fn ambiguous_documents_are_refused() {
    use MediaType::{DockerManifest, OciIndex, OciManifest};
    let d = descriptor();
    let both = format!(r#"{{"schemaVersion":2,"config":{d},"layers":[{d}],"manifests":[{d}]}}"#);
    let half = format!(r#"{{"schemaVersion":2,"config":{d},"manifests":[{d}]}}"#);
    let twice = format!(r#"{{"schemaVersion":2,"manifests":[{d}],"manifests":[]}}"#);
    let types = |inner: MediaType, outer: MediaType| ManifestError::MediaTypes {
        inner: inner.as_str().to_owned(),
        outer: outer.as_str().to_owned(),
    };
    let table = [
        (both.clone(), None, ManifestError::Ambiguous),
        (both, Some(OciIndex.as_str()), ManifestError::Ambiguous),
        (half, Some(OciIndex.as_str()), ManifestError::Ambiguous),
        (
            image(&typed(OciManifest)),
            Some(OciIndex.as_str()),
            types(OciManifest, OciIndex),
        ),
        (
            image(&typed(OciManifest)),
            Some(DockerManifest.as_str()),
            types(OciManifest, DockerManifest),
        ),
        (
            image(""),
            Some(OciIndex.as_str()),
            ManifestError::Shape(OciIndex.as_str().to_owned()),
        ),
        (
            image(""),
            Some("text/html"),
            ManifestError::Unknown(Some("text/html".to_owned())),
        ),
        ("{}".to_owned(), None, ManifestError::Unknown(None)),
    ];
    for (json, content_type, expected) in table {
        assert_eq!(
            kind(&json, content_type),
            Err(expected),
            "{json} as {content_type:?}"
        );
    }
    assert!(
        matches!(kind(&twice, None), Err(ManifestError::Malformed(reason)) if reason.contains("`manifests`"))
    );
}

#[test]
fn a_document_that_go_reads_otherwise_is_refused() {
    let d = descriptor();
    let with = |inner: &str| d.replace('}', &format!(",{inner}}}"));
    let of = |descriptor: &str| format!(r#"{{"schemaVersion":2,"manifests":[{descriptor}]}}"#);
    let image = image("");
    let image_with = |inner: &str| image.replace("{\"schema", &format!("{{{inner},\"schema"));
    let other = DIGEST.replace('a', "b");
    let table = [
        (image_with(r#""Layers":[]"#), "layers"),
        (image_with(r#""layer\u017f":[]"#), "layers"),
        (image_with(&format!(r#""Config":{d}"#)), "config"),
        (image_with(r#""Manifests":[]"#), "manifests"),
        (image_with(r#""MediaType":"""#), "mediaType"),
        (image_with(r#""SchemaVersion":1"#), "schemaVersion"),
        (image_with(r#""FsLayers":[]"#), "fsLayers"),
        (image_with(r#""Annotations":{}"#), "annotations"),
        (image_with(r#""Subject":null"#), "subject"),
        (of(&with(&format!(r#""Digest":"{other}""#))), "digest"),
        (of(&with(r#""Size":1"#)), "size"),
        (of(&with(r#""URLs":[]"#)), "urls"),
        (of(&with(r#""Platform":{}"#)), "platform"),
        (
            of(&with(
                r#""platform":{"os":"linux","architecture":"arm64","OS":"windows"}"#,
            )),
            "os",
        ),
        (
            of(&with(
                r#""platform":{"os":"linux","architecture":"arm64","Variant":"v7"}"#,
            )),
            "variant",
        ),
    ];
    for (json, field) in table {
        let refused = Manifest::parse(json.as_bytes(), None);
        assert!(
            matches!(&refused, Err(ManifestError::Malformed(why)) if why.contains(&format!("is `{field}` to some"))),
            "{json}: {refused:?}"
        );
    }
    let free = image_with(r#""annotations":{"Layers":"1","layers":"2"}"#);
    assert!(Manifest::parse(free.as_bytes(), None).is_ok(), "{free}");
}

#[test]
fn schema_1_is_refused_with_its_reason() {
    let signed = "application/vnd.docker.distribution.manifest.v1+prettyjws";
    let table = [
        (
            r#"{"schemaVersion":1,"fsLayers":[],"history":[]}"#.to_owned(),
            None,
        ),
        (image(""), Some(signed)),
        (r#"{"schemaVersion":2,"fsLayers":[]}"#.to_owned(), None),
    ];
    for (json, content_type) in table {
        assert_eq!(
            kind(&json, content_type),
            Err(ManifestError::Schema1),
            "{json} as {content_type:?}"
        );
    }
}

#[test]
fn a_digest_that_is_none_is_refused() {
    for digest in ["sha256:../../x", "sha256:AAAA", "sha256:aa", "md5:aaaa", ""] {
        let json = image("").replacen(DIGEST, digest, 1);
        assert!(
            matches!(kind(&json, None), Err(ManifestError::Malformed(_))),
            "{digest}"
        );
    }
}
