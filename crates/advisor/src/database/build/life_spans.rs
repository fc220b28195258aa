//! Dates of releases, as endoflife.date publishes them (version 1 of its interface): of one product, or of all.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::Path;

use jiff::civil::Date;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::error::BuildError;
use crate::database::life_span::LifeSpan;

/// The most bytes of a list: ten times what all products have.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Which of the dates is the end for everybody.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// That of security support. What is called extended has to be paid for.
    Support,
    /// That of extended support: the distribution itself gives it to everybody, as Debian's long term support.
    Extended,
}

/// The products that are distributions of images, by `ID` of their `os-release`.
const PRODUCTS: [(&str, &str, End); 14] = [
    ("almalinux", "almalinux", End::Support),
    ("alpine", "alpine", End::Support),
    ("alpine-linux", "alpine", End::Support),
    ("amazon-linux", "amzn", End::Support),
    ("centos", "centos", End::Support),
    ("centos-stream", "centos", End::Support),
    ("debian", "debian", End::Extended),
    ("fedora", "fedora", End::Support),
    ("opensuse", "opensuse-leap", End::Support),
    ("oracle-linux", "ol", End::Support),
    ("rhel", "rhel", End::Support),
    ("rocky-linux", "rocky", End::Support),
    ("sles", "sles", End::Support),
    ("ubuntu", "ubuntu", End::Support),
];

#[derive(Deserialize)]
struct Document {
    result: Products,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Products {
    All(Vec<Product>),
    One(Product),
}

#[derive(Deserialize)]
struct Product {
    name: Box<str>,
    releases: Vec<Cycle>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cycle {
    name: Box<str>,
    is_eol: bool,
    eol_from: Option<Date>,
    eoes_from: Option<Date>,
}

/// Whether the file is such a list, by the field that holds everything.
pub(crate) fn is_list(path: &Path) -> bool {
    #[derive(Deserialize)]
    struct Fields {
        #[serde(rename = "result")]
        _result: IgnoredAny,
    }
    File::open(path).is_ok_and(|file| {
        let file = BufReader::new(file.take(MAX_BYTES));
        serde_json::from_reader::<_, Fields>(file).is_ok()
    })
}

/// Reads a list.
pub(crate) fn read(path: &Path) -> Result<Vec<LifeSpan>, BuildError> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_BYTES).read_to_end(&mut bytes))
        .map_err(|source| BuildError::Source {
            path: path.to_owned(),
            source,
        })?;
    let senseless = |why: String| BuildError::List {
        path: path.to_owned(),
        why: why.into(),
    };
    let document: Document =
        serde_json::from_slice(&bytes).map_err(|error| senseless(error.to_string()))?;
    let products = match document.result {
        Products::All(products) => products,
        Products::One(product) => vec![product],
    };
    let spans = merged(products.iter().flat_map(Product::life_spans));
    if spans.is_empty() {
        let why = "none of its products is a distribution whose images are known";
        return Err(senseless(why.to_owned()));
    }
    Ok(spans)
}

/// One for each release, sorted. Of several that differ the later end counts, and one that is not settled is later than any:
/// two products may share an `os-release`, as `CentOS` and its stream do.
pub(crate) fn merged(spans: impl IntoIterator<Item = LifeSpan>) -> Vec<LifeSpan> {
    let mut by_release: BTreeMap<(Box<str>, Box<str>), LifeSpan> = BTreeMap::new();
    for span in spans {
        let key = (span.distribution.clone(), span.release.clone());
        let known = by_release.entry(key).or_insert_with(|| span.clone());
        known.ends = known.ends.zip(span.ends).map(|(one, other)| one.max(other));
        known.extended = known.extended.max(span.extended);
    }
    by_release.into_values().collect()
}

impl Product {
    fn life_spans(&self) -> impl Iterator<Item = LifeSpan> {
        let known = PRODUCTS.iter().find(|(name, ..)| **name == *self.name);
        known.into_iter().flat_map(|&(_, distribution, end)| {
            self.releases
                .iter()
                .filter_map(move |cycle| cycle.life_span(distribution, end))
        })
    }
}

impl Cycle {
    /// Nothing for one that is over since nobody knows when: there is no date to name.
    fn life_span(&self, distribution: &str, end: End) -> Option<LifeSpan> {
        let (ends, extended) = match end {
            End::Support => (self.eol_from, self.eoes_from),
            End::Extended => (self.eoes_from.or(self.eol_from), None),
        };
        (ends.is_some() || !self.is_eol).then(|| LifeSpan {
            distribution: distribution.into(),
            release: self.name.clone(),
            ends,
            extended,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use jiff::civil::date;
    use serde_json::{Value, json};

    use super::*;

    fn cycle(name: &str, is_eol: bool, eol_from: Option<&str>, eoes_from: Option<&str>) -> Value {
        json!({"name": name, "isEol": is_eol, "eolFrom": eol_from, "isEoes": null, "eoesFrom": eoes_from, "isLts": false})
    }

    fn read_from(result: &Value) -> Result<Vec<LifeSpan>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("full");
        let document = json!({"schema_version": "1.2.0", "total": 1, "result": result});
        fs::write(&path, document.to_string()).unwrap();
        assert!(is_list(&path));
        read(&path).map_err(|error| error.to_string())
    }

    fn span(
        distribution: &str,
        release: &str,
        ends: Option<Date>,
        extended: Option<Date>,
    ) -> LifeSpan {
        LifeSpan {
            distribution: distribution.into(),
            release: release.into(),
            ends,
            extended,
        }
    }

    #[test]
    fn the_end_for_everybody_is_that_of_what_need_not_be_paid_for() {
        let debian = json!({"name": "debian", "releases": [
            cycle("12", true, Some("2026-07-11"), Some("2028-06-30")),
            cycle("6", true, Some("2014-05-31"), None),
        ]});
        let ubuntu = json!({"name": "ubuntu", "releases": [
            cycle("22.04", false, Some("2027-04-01"), Some("2032-04-09")),
            cycle("26.10", false, None, None),
            cycle("4.10", true, None, None),
        ]});
        let kubernetes = json!({"name": "kubernetes", "releases": [cycle("1.30", true, Some("2025-06-28"), None)]});
        let expected = [
            span("debian", "12", Some(date(2028, 6, 30)), None),
            span("debian", "6", Some(date(2014, 5, 31)), None),
            span(
                "ubuntu",
                "22.04",
                Some(date(2027, 4, 1)),
                Some(date(2032, 4, 9)),
            ),
            span("ubuntu", "26.10", None, None),
        ];
        let read = read_from(&json!([kubernetes, debian, ubuntu]));
        assert_eq!(read.as_deref(), Ok(&expected[..]));
        let read = read_from(&debian);
        assert_eq!(read.as_deref(), Ok(&expected[..2]));
    }

    #[test]
    fn of_two_products_with_one_os_release_the_later_end_counts() {
        let read = read_from(&json!([
            {"name": "centos", "releases": [cycle("8", true, Some("2021-12-31"), None), cycle("9", false, None, None)]},
            {"name": "centos-stream", "releases": [cycle("8", true, Some("2024-05-31"), None), cycle("9", false, Some("2027-05-31"), None)]},
        ]));
        let expected = [
            span("centos", "8", Some(date(2024, 5, 31)), None),
            span("centos", "9", None, None),
        ];
        assert_eq!(read.as_deref(), Ok(&expected[..]));
    }

    #[test]
    fn a_list_of_something_else_is_refused_with_what_is_wrong() {
        for (result, why) in [
            (json!([]), "none of its products is a distribution"),
            (
                json!({"name": "go", "releases": []}),
                "none of its products is a distribution",
            ),
            (json!({"name": "debian"}), "did not match"),
        ] {
            let error = read_from(&result).unwrap_err();
            assert!(error.contains(why), "{result}: {error}");
        }
    }
}
