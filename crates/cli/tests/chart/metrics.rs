//! The dashboard and the alerts ask for metrics that there are.

use std::collections::BTreeSet;

use crate::chart::file;

/// The table of metrics is in the documentation of this module.
const METRICS: &str = include_str!("../../../server/src/metrics.rs");
const DASHBOARD: &str = include_str!("../../../../dashboards/cise.json");

#[test]
fn the_alerts_and_the_dashboard_ask_for_metrics_that_exist() {
    for text in [&file("templates/prometheusrule.yaml"), DASHBOARD] {
        let asked = metrics_in(text);
        assert!(asked.len() > 3, "{asked:?}");
        for metric in asked {
            let of_histogram = ["_bucket", "_sum", "_count"]
                .iter()
                .find_map(|suffix| metric.strip_suffix(suffix));
            let row = format!("| `{}` |", of_histogram.unwrap_or(metric));
            assert!(METRICS.contains(&row), "{metric} does not exist");
        }
    }
}

#[test]
fn the_documentation_has_the_table_of_the_code() {
    let documentation = include_str!("../../../../docs/metrics.md");
    let names = |text: &'static str| {
        let rows = text.lines().filter_map(|line| {
            let row = line.trim_start_matches("//! ").strip_prefix("| `")?;
            row.split_once('`').map(|(name, _)| name)
        });
        rows.filter(|name| name.starts_with("cise_"))
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(names(documentation), names(METRICS));
}

#[test]
fn the_dashboard_is_json_with_panels_of_which_none_hides_another() {
    let dashboard: serde_json::Value = serde_json::from_str(DASHBOARD).unwrap();
    let mut taken = BTreeSet::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        let [x, y, w, h] =
            ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().unwrap());
        assert!(x + w <= 24, "{panel}");
        for place in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
            assert!(taken.insert(place), "two panels at {place:?}");
        }
    }
}

/// All words that begin like a metric of this program.
fn metrics_in(text: &str) -> BTreeSet<&str> {
    let is_part_of_word = |character: char| character.is_ascii_alphanumeric() || character == '_';
    text.split(|character| !is_part_of_word(character))
        .filter(|word| word.starts_with("cise_"))
        .collect()
}
