//! Results for machines.

use serde_json::Value;

use crate::check::folder;

#[test]
fn json_has_an_object_for_each_image() {
    let run = folder()
        .run("check --policies policies -f deploy -o json -n team registry.example.com/watched/a");
    assert_eq!(run.status, 1, "{}", run.stderr);
    let images: Value = serde_json::from_str(&run.stdout).unwrap();
    for image in images.as_array().unwrap() {
        for field in [
            "image", "allowed", "digest", "policy", "pattern", "reasons", "evidence",
        ] {
            assert!(image.get(field).is_some(), "{field} in {image}");
        }
    }
    insta::assert_snapshot!(run.stdout);
}

#[test]
fn sarif_has_a_result_for_each_reason_with_its_place() {
    let run = folder()
        .run("check --policies policies -f deploy -o sarif -n team registry.example.com/watched/a");
    assert_eq!(run.status, 1, "{}", run.stderr);
    let log: Value = serde_json::from_str(&run.stdout).unwrap();
    sarif_is_in_order(&log);
    insta::with_settings!({filters => vec![(concat!(r#""version": ""#, env!("CARGO_PKG_VERSION")), r#""version": "VERSION"#)]}, {
        insta::assert_snapshot!(run.stdout);
    });
}

/// What SARIF 2.1.0 demands of the objects that occur, by its sections 3.13, 3.14, 3.18, 3.19, 3.27 to 3.30, 3.33 and 3.49.
fn sarif_is_in_order(log: &Value) {
    has_only(log, &["version", "runs"], &["$schema"]);
    assert_eq!(log["version"], "2.1.0");
    for run in elements(&log["runs"]) {
        has_only(run, &["tool"], &["results", "columnKind"]);
        has_only(&run["tool"], &["driver"], &[]);
        has_only(&run["tool"]["driver"], &["name"], &["version", "rules"]);
        let rules = elements(&run["tool"]["driver"]["rules"]);
        for rule in rules {
            has_only(rule, &["id"], &["shortDescription"]);
            has_only(&rule["shortDescription"], &["text"], &[]);
            assert_eq!(
                rules
                    .iter()
                    .filter(|other| other["id"] == rule["id"])
                    .count(),
                1
            );
        }
        for result in elements(&run["results"]) {
            has_only(
                result,
                &["message"],
                &["ruleId", "ruleIndex", "level", "locations", "properties"],
            );
            has_only(&result["message"], &["text"], &[]);
            assert!(
                ["error", "warning", "note", "none"].contains(&result["level"].as_str().unwrap())
            );
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index]["id"], result["ruleId"]);
            elements(&result["locations"])
                .iter()
                .for_each(location_is_in_order);
        }
    }
}

fn location_is_in_order(location: &Value) {
    has_only(location, &["logicalLocations"], &["physicalLocation"]);
    for logical in elements(&location["logicalLocations"]) {
        has_only(logical, &[], &["name", "fullyQualifiedName", "kind"]);
    }
    if let Some(physical) = location.get("physicalLocation") {
        has_only(physical, &["artifactLocation", "region"], &[]);
        has_only(&physical["artifactLocation"], &["uri"], &[]);
        has_only(&physical["region"], &["startLine"], &["startColumn"]);
        assert!(physical["region"]["startLine"].as_u64() >= Some(1));
        assert!(physical["region"]["startColumn"].as_u64() >= Some(1));
    }
}

fn has_only(object: &Value, required: &[&str], optional: &[&str]) {
    let fields = object.as_object().unwrap();
    for field in required {
        assert!(fields.contains_key(*field), "{field} in {object}");
    }
    for field in fields.keys() {
        assert!(
            required.contains(&field.as_str()) || optional.contains(&field.as_str()),
            "{field} in {object}"
        );
    }
}

fn elements(list: &Value) -> &[Value] {
    list.as_array().unwrap()
}

#[test]
fn junit_has_a_test_case_for_each_image() {
    let run = folder()
        .run("check --policies policies -f deploy -o junit -n team registry.example.com/watched/a");
    assert_eq!(run.status, 1, "{}", run.stderr);
    let document = roxmltree::Document::parse(&run.stdout).unwrap();
    element_is_in_order(document.root_element());
    insta::assert_snapshot!(run.stdout);
}

/// What the schema of Jenkins (junit-10.xsd) demands of the elements that occur.
fn element_is_in_order(element: roxmltree::Node<'_, '_>) {
    let (required, optional, children): (&[&str], &[&str], &[&str]) =
        match element.tag_name().name() {
            "testsuites" => (
                &[],
                &["name", "tests", "failures", "errors"],
                &["testsuite"],
            ),
            "testsuite" => (&["name", "tests", "failures", "errors"], &[], &["testcase"]),
            "testcase" => (&["name"], &["classname"], &["failure", "error"]),
            "failure" | "error" => (&[], &["type", "message"], &[]),
            other => panic!("<{other}> is unknown"),
        };
    for name in required {
        assert!(element.has_attribute(*name), "{name} in {element:?}");
    }
    for attribute in element.attributes() {
        assert!(
            required.contains(&attribute.name()) || optional.contains(&attribute.name()),
            "{attribute:?}"
        );
    }
    if element.tag_name().name() == "testsuite" {
        let cases = element.children().filter(roxmltree::Node::is_element);
        let with = |name: &str| {
            cases
                .clone()
                .filter(|case| case.children().any(|child| child.has_tag_name(name)))
                .count()
                .to_string()
        };
        assert_eq!(
            element.attribute("tests"),
            Some(cases.clone().count().to_string().as_str())
        );
        assert_eq!(
            element.attribute("failures"),
            Some(with("failure").as_str())
        );
        assert_eq!(element.attribute("errors"), Some(with("error").as_str()));
    }
    for child in element.children().filter(roxmltree::Node::is_element) {
        assert!(children.contains(&child.tag_name().name()), "{child:?}");
        element_is_in_order(child);
    }
}

#[test]
fn reports_go_to_standard_output_and_nothing_else_does() {
    for format in ["json", "sarif", "junit"] {
        let run = folder().run(&format!("check -o {format} nginx"));
        assert_eq!(run.status, 1);
        assert!(
            run.stdout.starts_with(['[', '{', '<']) && run.stdout.ends_with([']', '}', '>', '\n']),
            "{}",
            run.stdout
        );
        assert!(run.stderr.starts_with("hint: "), "{}", run.stderr);
    }
}
