//! Whether a statement is about a vulnerability, by its names.

use super::document::Vulnerability;
use crate::osv::is_notice;

/// The names of an issue: its id and the advisories that speak of it, and the notices that fix it, which are names of several at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names<'a> {
    pub(crate) id: &'a str,
    pub(crate) aliases: &'a [Box<str>],
    pub(crate) notices: &'a [&'a str],
}

/// How surely a statement is about an issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Naming {
    /// It is about another.
    No,
    /// It names a notice, or one of several vulnerabilities.
    Perhaps,
    /// It names this one, as an exemption has to.
    Exact,
}

impl Names<'_> {
    /// Every name by which a statement may be about the issue.
    pub(super) fn all(&self) -> impl Iterator<Item = &str> {
        let aliases = self.aliases.iter().map(AsRef::as_ref);
        [self.id]
            .into_iter()
            .chain(aliases)
            .chain(self.notices.iter().copied())
    }

    /// A name that stands for several vulnerabilities forgives none of them: each has to be named.
    pub(super) fn naming(&self, vulnerability: &Vulnerability) -> Naming {
        let Vulnerability { name, aliases, .. } = vulnerability;
        let is_ours =
            |name: &str| *name == *self.id || self.aliases.iter().any(|alias| **alias == *name);
        let names_one = |name: &str| is_ours(name) && !is_notice(name);
        let is_sole = |alias: &str| {
            !is_cve(alias)
                || [name]
                    .into_iter()
                    .chain(aliases)
                    .all(|one| !is_cve(one) || **one == *alias)
        };
        let by_alias = |alias: &str| names_one(alias) && is_sole(alias);
        if names_one(name) || aliases.iter().any(|alias| by_alias(alias)) {
            return Naming::Exact;
        }
        let mut written = [name].into_iter().chain(aliases);
        if written.any(|one| self.all().any(|name| name.eq_ignore_ascii_case(one))) {
            Naming::Perhaps
        } else {
            Naming::No
        }
    }
}

fn is_cve(name: &str) -> bool {
    name.get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("CVE-"))
}
