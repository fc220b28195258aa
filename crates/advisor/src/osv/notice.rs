use jiff::Timestamp;

/// How the ids of notices begin: what a distribution publishes of several vulnerabilities at once.
const NOTICES: [&str; 9] = [
    "ALSA-",
    "DLA-",
    "DSA-",
    "ELA-",
    "RHSA-",
    "RLSA-",
    "SUSE-SU-",
    "USN-",
    "openSUSE-SU-",
];

/// Those of which every notice has a revision behind its number: `DSA-5532-1`.
const REVISED: [&str; 4] = ["DLA-", "DSA-", "ELA-", "USN-"];

/// Is this the id of a notice, in whatever case it is written?
pub(crate) fn is_notice(id: &str) -> bool {
    NOTICES.iter().any(|prefix| rest(id, prefix).is_some())
}

/// Is this the number of a notice without the revision that it has in all feeds?
pub(crate) fn lacks_revision(id: &str) -> bool {
    let number = REVISED.iter().find_map(|prefix| rest(id, prefix));
    number.is_some_and(|number| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// What follows a prefix.
fn rest<'a>(id: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = id.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// When a record published a fix: a notice is published with the fix, where a record of one vulnerability is published with the
/// vulnerability.
pub(crate) fn fix_published(id: &str, published: Option<Timestamp>) -> Option<Timestamp> {
    published.filter(|_| is_notice(id))
}
