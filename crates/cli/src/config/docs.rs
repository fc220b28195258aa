//! Writes `docs/configuration.md` from the comments of the configuration file's types, and keeps it true.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs};

use serde_json::Value;

use super::file::ConfigurationFile;

const EXAMPLE: &str = include_str!("example.yaml");

#[test]
fn the_page_about_the_configuration_is_that_of_this_version() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md");
    let page = page();
    if env::var_os("CISE_UPDATE_DOCS").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == page,
        "docs/configuration.md is out of date; run the tests with CISE_UPDATE_DOCS=1"
    );
}

fn page() -> String {
    let schema = Value::from(schemars::schema_for!(ConfigurationFile));
    let types: BTreeMap<String, Value> = serde_json::from_value(schema["$defs"].clone()).unwrap();
    let mut page = format!(
        "# Configuration\n\n{}\n\n```yaml\n{EXAMPLE}```\n",
        description(&schema)
    );
    section(&mut page, "Fields", &schema, &types);
    for (field, name) in [
        ("registries[]", "RegistryEntry"),
        ("pinnedRoots[]", "PinnedRoot"),
        ("advisor", "AdvisorSection"),
        ("advisor.pull", "DatabasePull"),
        ("advisor.vex", "VexSection"),
        ("advisor.cache", "AdvisorFolder"),
        ("advisor.scratch", "AdvisorFolder"),
        ("advisor.service", "AdvisorService"),
        ("limits", "Limits"),
        ("cluster", "ClusterSection"),
        ("cluster.certificates", "CertificatesSection"),
        ("cluster.selfHealing", "SelfHealing"),
    ] {
        let title = format!("`{field}`");
        let _ = write!(page, "\n## {title}\n\n{}\n", description(&types[name]));
        fields(&mut page, &types[name], &types);
    }
    page
}

fn section(page: &mut String, title: &str, schema: &Value, types: &BTreeMap<String, Value>) {
    let _ = write!(page, "\n## {title}\n");
    fields(page, schema, types);
}

fn fields(page: &mut String, schema: &Value, types: &BTreeMap<String, Value>) {
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let _ = write!(page, "\n| field | type | meaning |\n|---|---|---|\n");
    for (name, field) in schema["properties"].as_object().unwrap() {
        let must = if required.contains(&Value::from(name.as_str())) {
            " (required)"
        } else {
            ""
        };
        let _ = writeln!(
            page,
            "| `{name}`{must} | {} | {} |",
            kind(field, types),
            meaning(field, types)
        );
    }
}

fn meaning(field: &Value, types: &BTreeMap<String, Value>) -> String {
    let mut meaning = description(field);
    for choice in named(field, types)
        .and_then(|named| named["oneOf"].as_array())
        .into_iter()
        .flatten()
    {
        let _ = write!(
            meaning,
            " `{}`: {}",
            choice["const"].as_str().unwrap(),
            description(choice)
        );
    }
    meaning
}

fn kind(field: &Value, types: &BTreeMap<String, Value>) -> &'static str {
    if named(field, types).is_some_and(|named| named["oneOf"].is_array()) {
        return "one of";
    }
    let kind = field["type"]
        .as_array()
        .map_or(&field["type"], |kinds| &kinds[0]);
    match kind.as_str() {
        Some("string") => "text",
        Some("integer") => "number",
        Some("boolean") => "`true` or `false`",
        Some("array") => "list",
        _ => "map",
    }
}

/// The type that a field refers to, also where it may be left out.
fn named<'t>(field: &Value, types: &'t BTreeMap<String, Value>) -> Option<&'t Value> {
    let reference = field["$ref"]
        .as_str()
        .or_else(|| field["anyOf"][0]["$ref"].as_str())?;
    types.get(reference.rsplit('/').next()?)
}

/// A comment on one line.
fn description(schema: &Value) -> String {
    schema["description"]
        .as_str()
        .unwrap_or_default()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}
