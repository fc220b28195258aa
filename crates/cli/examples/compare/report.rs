//! The comparison as a page of Markdown.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

use cise_advisor::assessment::NotCounted;

use crate::difference::{Difference, Rule, Whose};

/// What was found out about one image.
pub(crate) struct Compared {
    pub(crate) name: &'static str,
    pub(crate) how: &'static str,
    pub(crate) status: String,
    pub(crate) packages: Shares,
    pub(crate) findings: Shares,
    /// How many vulnerabilities both find.
    pub(crate) vulnerabilities: usize,
    /// Of the findings of both, how many count, and how many do not, by the reason.
    pub(crate) counted: usize,
    pub(crate) uncounted: BTreeMap<NotCounted, usize>,
}

/// How much both have, and what only one has.
pub(crate) struct Shares {
    pub(crate) common: usize,
    pub(crate) differences: Vec<Difference>,
}

impl Shares {
    fn only(&self, whose: Whose) -> usize {
        self.differences
            .iter()
            .filter(|difference| difference.whose == whose)
            .count()
    }

    fn unexplained(&self) -> impl Iterator<Item = &Difference> {
        self.differences
            .iter()
            .filter(|difference| difference.rule.is_none())
    }
}

/// All that was found out.
pub(crate) struct Page {
    pub(crate) versions: Vec<(&'static str, String)>,
    pub(crate) compared: Vec<Compared>,
    /// Images that could not be made, and what they need.
    pub(crate) missing: Vec<(&'static str, &'static str)>,
}

impl Page {
    /// How many differences nobody has explained.
    pub(crate) fn unexplained(&self) -> usize {
        let shares = self
            .compared
            .iter()
            .flat_map(|image| [&image.packages, &image.findings]);
        shares.map(|shares| shares.unexplained().count()).sum()
    }

    fn table(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "| image | status | packages: both | only CISE | only syft | findings: both | only CISE | only osv-scanner | vulnerabilities: both |"
        )?;
        writeln!(f, "|---|---|---:|---:|---:|---:|---:|---:|---:|")?;
        for image in &self.compared {
            let Compared {
                name,
                status,
                packages,
                findings,
                vulnerabilities,
                ..
            } = image;
            let [ours, theirs] = [Whose::Ours, Whose::Theirs].map(|whose| packages.only(whose));
            let [found, missed] = [Whose::Ours, Whose::Theirs].map(|whose| findings.only(whose));
            writeln!(
                f,
                "| {name} | {status} | {} | {ours} | {theirs} | {} | {found} | {missed} | {vulnerabilities} |",
                packages.common, findings.common
            )?;
        }
        Ok(())
    }

    fn differences(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| image | of | only | how many | why | such as |")?;
        writeln!(f, "|---|---|---|---:|---|---|")?;
        for image in &self.compared {
            for (about, other, shares) in [
                ("packages", "syft", &image.packages),
                ("findings", "osv-scanner", &image.findings),
            ] {
                let mut groups: BTreeMap<(Whose, Option<Rule>), Vec<&Difference>> = BTreeMap::new();
                for difference in &shares.differences {
                    groups
                        .entry((difference.whose, difference.rule))
                        .or_default()
                        .push(difference);
                }
                for ((whose, rule), group) in groups {
                    let whose = match whose {
                        Whose::Ours => "CISE",
                        Whose::Theirs => other,
                    };
                    let why = rule.map_or("**unexplained**", Rule::sentence);
                    let example = group.first().map_or("", |difference| &difference.what);
                    writeln!(
                        f,
                        "| {} | {about} | {whose} | {} | {why} | {example} |",
                        image.name,
                        group.len()
                    )?;
                }
            }
        }
        Ok(())
    }

    fn counted(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| image | findings of both that count | that do not |")?;
        writeln!(f, "|---|---:|---|")?;
        for image in &self.compared {
            let mut reasons = String::new();
            for (why, count) in &image.uncounted {
                let separator = if reasons.is_empty() { "" } else { ", " };
                write!(reasons, "{separator}{count} {}", reason(*why))?;
            }
            writeln!(f, "| {} | {} | {reasons} |", image.name, image.counted)?;
        }
        Ok(())
    }
}

fn reason(why: NotCounted) -> &'static str {
    match why {
        NotCounted::NoFix => "without a published fix",
        NotCounted::Kernel => "of a kernel's sources",
        NotCounted::Paid(_) => "with a fix of a paid channel",
        NotCounted::Language => "of a programming language",
    }
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.table(f)?;
        writeln!(f, "\n## What differs, and why\n")?;
        self.differences(f)?;
        writeln!(f, "\n## What counts of it\n")?;
        self.counted(f)?;
        writeln!(f, "\n## The images\n")?;
        for Compared { name, how, .. } in &self.compared {
            writeln!(f, "- *{name}*: {how}")?;
        }
        for (name, needs) in &self.missing {
            writeln!(f, "- *{name}* was not made: {needs} is missing here")?;
        }
        writeln!(f, "\n## Versions\n")?;
        let versions: BTreeSet<_> = self.versions.iter().collect();
        for (program, version) in versions {
            writeln!(f, "- {program}: {version}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(whose: Whose, what: &str, rule: Option<Rule>) -> Difference {
        Difference {
            whose,
            what: what.to_owned(),
            rule,
        }
    }

    fn compared(name: &'static str, findings: Vec<Difference>) -> Compared {
        Compared {
            name,
            how: "made by hand",
            status: "FAIL".to_owned(),
            packages: Shares {
                common: 9,
                differences: Vec::new(),
            },
            findings: Shares {
                common: 5,
                differences: findings,
            },
            vulnerabilities: 4,
            counted: 3,
            uncounted: [(NotCounted::NoFix, 1), (NotCounted::Kernel, 1)].into(),
        }
    }

    fn page(findings: Vec<Difference>) -> Page {
        Page {
            versions: vec![("syft", "syft 1".to_owned()), ("apk", "apk 3".to_owned())],
            compared: vec![compared("debian", findings), compared("alpine", Vec::new())],
            missing: vec![("almalinux", "rpm")],
        }
    }

    #[test]
    fn the_page_counts_what_both_have_and_tells_each_difference_with_its_reason_once() {
        let page = page(vec![
            difference(Whose::Ours, "CVE-1 in a", Some(Rule::Kernel)),
            difference(Whose::Ours, "CVE-2 in b", Some(Rule::Kernel)),
            difference(Whose::Theirs, "CVE-3 in c", Some(Rule::Language)),
        ]);
        assert_eq!(page.unexplained(), 0);
        insta::assert_snapshot!(page);
    }

    #[test]
    fn what_no_rule_explains_is_counted_and_shown_as_that() {
        let page = page(vec![
            difference(Whose::Ours, "CVE-1 in a", None),
            difference(Whose::Theirs, "CVE-2 in b", None),
            difference(Whose::Theirs, "CVE-3 in c", Some(Rule::Module)),
        ]);
        assert_eq!(page.unexplained(), 2);
        let text = page.to_string();
        for row in [
            "| debian | findings | CISE | 1 | **unexplained** | CVE-1 in a |",
            "| debian | findings | osv-scanner | 1 | **unexplained** | CVE-2 in b |",
        ] {
            assert!(text.contains(row), "{row} in {text}");
        }
    }
}
