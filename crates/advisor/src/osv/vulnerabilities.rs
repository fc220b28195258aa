//! Which vulnerabilities a record speaks of.

use super::bounded::Word;
use super::notice::is_notice;
use super::record::Record;

/// The CVE ids of its own name, of `aliases`, of `upstream`, and, for a notice, of `related`; where there is none, the GHSA ids;
/// else its own id.
///
/// Sorted, each once. Beside a CVE id, names of other kinds (`UBUNTU-CVE-…`, `GHSA-…`) are further names of the same thing.
pub(super) fn of(record: &Record) -> Vec<Box<str>> {
    // Notices name what they fix there, where elsewhere it is a mere pointer.
    let related = is_notice(&record.id)
        .then_some(&record.related)
        .into_iter()
        .flatten();
    let names: Vec<&Word> = std::iter::once(&record.id)
        .chain(&record.aliases)
        .chain(&record.upstream)
        .chain(related)
        .collect();
    let mut shared = those(&names, is_cve);
    if shared.is_empty() {
        shared = those(&names, |id| id.starts_with("GHSA-"));
    }
    if shared.is_empty() {
        shared.push(record.id.clone().into());
    }
    shared
}

fn those(names: &[&Word], are: impl Fn(&str) -> bool) -> Vec<Box<str>> {
    let names = names.iter().copied().filter(|name| are(name));
    let mut names: Vec<Box<str>> = names.cloned().map(Into::into).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// `CVE-`, a year of four digits, and a number of four or more.
fn is_cve(id: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    id.strip_prefix("CVE-")
        .and_then(|rest| rest.split_once('-'))
        .is_some_and(|(year, number)| {
            year.len() == 4 && number.len() >= 4 && digits(year) && digits(number)
        })
}
