use schemars::JsonSchema;
use schemars::generate::SchemaSettings;

use serde_json::{Value, json};

use crate::{portieris_v1, v1beta1};

fn schema<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::openapi3().with(|settings| settings.inline_subschemas = true);
    settings
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value()
}

/// The schema and all below it, each with its path.
fn all<'a>(path: &str, schema: &'a Value) -> Vec<(String, &'a Value)> {
    let properties = schema["properties"].as_object().into_iter().flatten();
    let below = properties
        .flat_map(|(name, property)| all(&format!("{path}.{name}"), property))
        .chain(
            schema
                .get("items")
                .into_iter()
                .flat_map(|items| all(&format!("{path}[]"), items)),
        );
    [(path.to_owned(), schema)]
        .into_iter()
        .chain(below.collect::<Vec<_>>())
        .collect()
}

fn paths_where(schema: &Value, holds: impl Fn(&Value) -> bool) -> Vec<String> {
    let all = all("", schema);
    all.into_iter()
        .filter(|(_, schema)| holds(schema))
        .map(|(path, _)| path)
        .collect()
}

const OWN: &str = ".repositories[]";

#[test]
fn every_schema_is_structural_and_keeps_unknown_fields() {
    for schema in [
        schema::<v1beta1::PolicySpec>(),
        schema::<portieris_v1::PolicySpec>(),
    ] {
        for forbidden in [
            "additionalProperties",
            "anyOf",
            "oneOf",
            "allOf",
            "$ref",
            "writeOnly",
        ] {
            assert_eq!(
                paths_where(&schema, |schema| schema.get(forbidden).is_some()),
                [""; 0],
                "{forbidden}"
            );
        }
        let objects_that_prune = |schema: &Value| {
            schema["type"] == "object" && schema["x-kubernetes-preserve-unknown-fields"] != true
        };
        assert_eq!(paths_where(&schema, objects_that_prune), [""; 0]);
        assert_eq!(
            paths_where(&schema, |schema| !schema["type"].is_string()),
            [""; 0]
        );
    }
}

#[test]
fn every_field_is_explained_in_one_line() {
    for schema in [
        schema::<v1beta1::PolicySpec>(),
        schema::<portieris_v1::PolicySpec>(),
    ] {
        let unexplained = paths_where(&schema, |schema| !schema["description"].is_string());
        assert!(
            unexplained.iter().all(|path| path.ends_with("[]")),
            "{unexplained:?}"
        );
        let broken = |schema: &Value| {
            schema["description"]
                .as_str()
                .is_some_and(|text| text.contains('\n'))
        };
        assert_eq!(paths_where(&schema, broken), [""; 0]);
    }
}

#[test]
fn what_may_be_null_is_nullable_and_only_names_and_switches_are_required() {
    let schema = schema::<v1beta1::PolicySpec>();
    let nullable = paths_where(&schema, |schema| schema["nullable"] == true);
    for path in [
        "",
        ".policy",
        ".policies",
        ".policy.trust",
        ".policy.trust.signerSecrets",
        ".policy.va",
        ".policy.mode",
    ] {
        let path = match path {
            "" => ".repositories".to_owned(),
            path => format!("{OWN}{path}"),
        };
        assert!(nullable.contains(&path), "{path}");
    }
    let required: Vec<(String, &Value)> = all("", &schema)
        .into_iter()
        .filter_map(|(path, schema)| Some((path, schema.get("required")?)))
        .collect();
    assert_eq!(
        required,
        [
            (OWN.to_owned(), &json!(["name"])),
            (format!("{OWN}.policy.trust"), &json!(["enabled"])),
            (
                format!("{OWN}.policy.trust.signerSecrets[]"),
                &json!(["name"])
            ),
            (format!("{OWN}.policy.va"), &json!(["enabled"])),
            (
                format!("{OWN}.policy.vulnerability.ICCRVA"),
                &json!(["enabled"])
            ),
        ]
    );
}
