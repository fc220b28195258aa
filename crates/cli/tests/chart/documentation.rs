//! What is made from something else: the definitions of policies and exemptions from their types, the page about the values from the values.

use std::fmt::Write as _;
use std::slice;

use cise_kubernetes::{definitions, exemption_definitions};
use cise_policy::ApiGroup;
use serde_json::Value;

use crate::chart::{assert_made, documents, file};

#[test]
fn the_definitions_in_the_chart_are_those_of_this_version() {
    let own = [definitions(ApiGroup::V1Beta1), exemption_definitions()].concat();
    for (folder, definitions) in [
        ("files/crds", own),
        (
            "files/crds-portieris",
            definitions(ApiGroup::PortierisV1).to_vec(),
        ),
    ] {
        for definition in definitions {
            let name = definition["metadata"]["name"].as_str().unwrap();
            let yaml = serde_saphyr::to_string(&definition).unwrap();
            assert_eq!(documents(&yaml), slice::from_ref(&definition));
            assert_made(&format!("{folder}/{name}.yaml"), &yaml);
        }
    }
}

#[test]
fn the_page_about_the_values_is_that_of_this_version() {
    let page = file("README.md");
    let (before, _) = page.split_once(TABLE).unwrap();
    assert_made("README.md", &format!("{before}{TABLE}{}", table()));
}

#[test]
fn the_schema_knows_the_values_and_no_others() {
    let schema: Value = serde_json::from_str(&file("values.schema.json")).unwrap();
    let [values] = &documents(&file("values.yaml"))[..] else {
        panic!("expected one document")
    };
    assert_known(&schema, values, "values");
}

const TABLE: &str = "| value | default | meaning |\n|---|---|---|\n";

/// A row for each value that is described.
fn table() -> String {
    let text = file("values.yaml");
    let [values] = &documents(&text)[..] else {
        panic!("expected one document")
    };
    let (mut table, mut path, mut comment) = (String::new(), Vec::new(), Vec::new());
    for line in text.lines() {
        let depth = line.len() - line.trim_start().len();
        match line.trim_start().strip_prefix('#') {
            Some(words) => comment.push(words.trim()),
            None if line.is_empty() => comment.clear(),
            None => {
                path.truncate(depth / 2);
                path.push(line.trim_start().split(':').next().unwrap());
                if !comment.is_empty() {
                    let default = values.pointer(&format!("/{}", path.join("/"))).unwrap();
                    let _ = writeln!(
                        table,
                        "| `{}` | `{default}` | {} |",
                        path.join("."),
                        comment.join(" ")
                    );
                    comment.clear();
                }
            }
        }
    }
    table
}

/// Every value has a place in the schema, every place a value, and the schema refuses what has no place.
fn assert_known(schema: &Value, value: &Value, path: &str) {
    let Some(places) = schema["properties"].as_object() else {
        return;
    };
    assert_eq!(schema["additionalProperties"], false, "{path}");
    let Some(values) = value.as_object().filter(|values| !values.is_empty()) else {
        return;
    };
    for (name, value) in values {
        let place = places
            .get(name)
            .unwrap_or_else(|| panic!("{path}.{name} is not in the schema"));
        assert_known(place, value, &format!("{path}.{name}"));
    }
    // Kubernetes, not the chart, says what may be in these; and `global` is for charts above this one.
    let elsewhere = ["values.resources", "values.affinity"].contains(&path);
    for name in places.keys().filter(|name| !elsewhere && *name != "global") {
        assert!(values.contains_key(name), "{path}.{name} has no default");
    }
}
