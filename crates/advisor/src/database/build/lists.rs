//! The lists that join advisories: CISA's known exploited vulnerabilities, and EPSS.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;

use super::error::BuildError;
use crate::database::manifest::Catalogue;
use crate::database::vulnerability::{Exploitation, KnownExploited, Ransomware};

/// The most bytes that a catalogue may have: fifty times what CISA's has.
const MAX_CATALOGUE_BYTES: u64 = 64 * 1024 * 1024;

/// The most bytes that the scores may have, inflated: five times what they have.
const MAX_SCORES_BYTES: u64 = 64 * 1024 * 1024;

/// The fields of CISA's catalogue that are used.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    catalog_version: Box<str>,
    date_released: Option<Timestamp>,
    vulnerabilities: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    #[serde(rename = "cveID")]
    cve: Box<str>,
    date_added: Date,
    due_date: Option<Date>,
    known_ransomware_campaign_use: Option<Box<str>>,
}

impl Entry {
    fn known_exploited(&self) -> KnownExploited {
        KnownExploited {
            added: self.date_added,
            due: self.due_date,
            ransomware: match self.known_ransomware_campaign_use.as_deref() {
                Some("Known") => Ransomware::Known,
                _ => Ransomware::Unknown,
            },
        }
    }
}

/// Reads a catalogue, and calls `each` with its entries.
pub(crate) fn known_exploited(
    path: &Path,
    mut each: impl FnMut(&str, &KnownExploited) -> Result<(), BuildError>,
) -> Result<Catalogue, BuildError> {
    let mut bytes = Vec::new();
    let read = open(path)?
        .take(MAX_CATALOGUE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|source| unreadable(path, source))?;
    if read as u64 > MAX_CATALOGUE_BYTES {
        return Err(too_large(path, MAX_CATALOGUE_BYTES));
    }
    let document: Document = serde_json::from_slice(&bytes).map_err(|error| {
        let expected = "expected CISA's catalogue of known exploited vulnerabilities or the dates of endoflife.date, and records of OSV in a \
                        folder or an archive";
        senseless(path, &format!("{expected}: {error}"))
    })?;
    for entry in &document.vulnerabilities {
        check_name(path, &entry.cve)?;
        each(&entry.cve, &entry.known_exploited())?;
    }
    Ok(Catalogue {
        version: document.catalog_version,
        released: document.date_released,
        vulnerabilities: document.vulnerabilities.len() as u64,
    })
}

/// Reads scores (`cve,epss,percentile` after comments and a heading), and calls `each` with them. Gives their number.
pub(crate) fn scores(
    path: &Path,
    each: impl FnMut(&str, Exploitation) -> Result<(), BuildError>,
) -> Result<u64, BuildError> {
    scores_within(path, MAX_SCORES_BYTES, each)
}

fn scores_within(
    path: &Path,
    most: u64,
    mut each: impl FnMut(&str, Exploitation) -> Result<(), BuildError>,
) -> Result<u64, BuildError> {
    let mut file = BufReader::new(open(path)?);
    let start = file.fill_buf().map_err(|source| unreadable(path, source))?;
    let inflated: Box<dyn Read> = if start.starts_with(&[0x1f, 0x8b]) {
        Box::new(MultiGzDecoder::new(file))
    } else {
        Box::new(file)
    };
    let mut lines = BufReader::new(inflated.take(most + 1));
    let mut count = 0;
    for number in 0_u64.. {
        let mut line = String::new();
        let read = lines.read_line(&mut line);
        let read = read.map_err(|source| unreadable(path, source))?;
        if lines.get_ref().limit() == 0 {
            return Err(too_large(path, most));
        }
        if read == 0 {
            break;
        }
        let line = line.trim_end_matches(['\r', '\n']);
        if line.starts_with('#') || line.starts_with("cve,") || line.is_empty() {
            continue;
        }
        let (name, score) = score(line).ok_or_else(|| {
            let line = number + 1;
            senseless(
                path,
                &format!("line {line}: expected a CVE id and two numbers from 0 to 1"),
            )
        })?;
        check_name(path, name)?;
        each(name, score)?;
        count += 1;
    }
    Ok(count)
}

fn score(line: &str) -> Option<(&str, Exploitation)> {
    let mut fields = line.split(',');
    let name = fields.next()?;
    let exploitation = Exploitation {
        probability: share(fields.next()?)?,
        percentile: share(fields.next()?)?,
    };
    fields.next().is_none().then_some((name, exploitation))
}

/// A number from 0 to 1 in hundred-thousandths; further digits are cut.
fn share(text: &str) -> Option<u32> {
    const DIGITS: usize = 5;
    let text = text.trim();
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole: u32 = whole.parse().ok()?;
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let fraction: String = fraction.chars().chain(['0'; DIGITS]).take(DIGITS).collect();
    let share = whole
        .checked_mul(Exploitation::WHOLE)?
        .checked_add(fraction.parse().ok()?)?;
    (share <= Exploitation::WHOLE).then_some(share)
}

fn open(path: &Path) -> Result<File, BuildError> {
    File::open(path).map_err(|source| unreadable(path, source))
}

fn check_name(path: &Path, name: &str) -> Result<(), BuildError> {
    if name.is_empty() || name.len() > 64 || name.contains('\0') {
        return Err(senseless(
            path,
            &format!("`{}` is no CVE id", name.escape_debug()),
        ));
    }
    Ok(())
}

fn unreadable(path: &Path, source: io::Error) -> BuildError {
    BuildError::Source {
        path: path.to_owned(),
        source,
    }
}

/// Nothing of it is used: what is past the bound would be missing without a word.
fn too_large(path: &Path, most: u64) -> BuildError {
    senseless(path, &format!("it has more than {most} bytes, inflated"))
}

fn senseless(path: &Path, why: &str) -> BuildError {
    BuildError::List {
        path: path.to_owned(),
        why: why.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_read_to_five_digits() {
        for (text, expected) in [
            ("0.00042", Some(42)),
            ("0.974150000", Some(97_415)),
            ("1", Some(100_000)),
            ("1.0", Some(100_000)),
            ("0", Some(0)),
            ("0.5", Some(50_000)),
            ("1.00001", None),
            ("2", None),
            ("-0.1", None),
            ("0.1e3", None),
            ("", None),
            ("NaN", None),
        ] {
            assert_eq!(share(text), expected, "{text}");
        }
    }

    #[test]
    fn a_list_of_scores_is_read_whole_or_refused_by_its_size() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("epss.csv");
        let lines = "cve,epss,percentile\r\nCVE-2024-1,0.1,0.2\nCVE-2024-2,0.1,0.2\n";
        std::fs::write(&path, lines).unwrap();
        let length = lines.len() as u64;
        let read = |most| {
            let mut names = Vec::new();
            let count = scores_within(&path, most, |name, _| {
                names.push(name.to_owned());
                Ok(())
            });
            count
                .map(|count| (count, names))
                .map_err(|error| error.to_string())
        };
        let all = ["CVE-2024-1", "CVE-2024-2"].map(str::to_owned).to_vec();
        assert_eq!(read(length), Ok((2, all)));
        for most in [length - 1, 30, 1] {
            let told = format!(
                "the source `{}` cannot be read: it has more than {most} bytes, inflated",
                path.display()
            );
            assert_eq!(read(most), Err(told));
        }
    }

    #[test]
    fn a_line_of_scores_has_three_fields() {
        assert!(score("CVE-2021-44228,0.94358,0.99999").is_some());
        assert!(score("CVE-2021-44228,0.94358").is_none());
        assert!(score("CVE-2021-44228,0.94358,0.99999,1").is_none());
    }
}
