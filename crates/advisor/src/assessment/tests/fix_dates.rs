//! Since when a fix is there.

use super::fixture::*;
use crate::database::FixDates;
use crate::{Advisory, Gap};

use super::super::*;

const PUBLISHED: &str = "2026-11-01T00:00:00Z";
const HELD: &str = "2026-11-10T00:00:00Z";
const TO_COME: &str = "2026-11-27T00:00:00Z";

fn published(id: &str, time: Option<&str>) -> Advisory {
    Advisory {
        published: time.map(self::time),
        ..advisory(id, &["CVE-2026-1"], "openssl", "3.0.10-1")
    }
}

fn date(source: &Source) -> Option<Timestamp> {
    let assessment = assessed(&with_openssl(), source);
    assessment.issues[0].notices[0].packages[0].fix_date
}

/// An advisory, when it says that it was published, since when a database has had its fix, and what is told.
type Row<'a> = (&'a str, Option<&'a str>, Option<&'a str>, Option<&'a str>);

#[test]
fn a_fix_is_there_since_its_notice_was_published_else_since_an_earlier_database_held_it() {
    let (notice, record) = ("DSA-1-1", "DEBIAN-CVE-2026-1");
    let table: [Row<'_>; 9] = [
        (notice, Some(PUBLISHED), None, Some(PUBLISHED)),
        (notice, Some(PUBLISHED), Some(HELD), Some(PUBLISHED)),
        (notice, None, Some(HELD), Some(HELD)),
        (notice, None, None, None),
        // A record of a vulnerability is published with the vulnerability, and may have been fixed years later.
        (record, Some(PUBLISHED), None, None),
        (record, Some(PUBLISHED), Some(HELD), Some(HELD)),
        (record, None, None, None),
        // What is to come was not then.
        (notice, Some(TO_COME), Some(HELD), None),
        (record, None, Some(TO_COME), None),
    ];
    for (id, told, held, expected) in table {
        let source = Source {
            fix_dates: FixDates::new(held.map(time)),
            ..Source::of([published(id, told)])
        };
        assert_eq!(
            date(&source),
            expected.map(time),
            "{id}, published {told:?}, held {held:?}"
        );
    }
}

#[test]
fn a_date_that_cannot_be_read_leaves_a_gap_and_is_not_asked_for_where_the_notice_says_it() {
    for (id, gaps) in [("DSA-1-1", 0), ("DEBIAN-CVE-2026-1", 1)] {
        let source = Source {
            fix_dates_fault: Some(Unreadable),
            ..Source::of([published(id, Some(PUBLISHED))])
        };
        let assessment = assessed(&with_openssl(), &source);
        assert_eq!(assessment.status, Status::Fail);
        let told = assessment.gaps.iter();
        let told = told.filter(|gap| matches!(gap, Gap::NoAnswer { .. }));
        assert_eq!(told.count(), gaps, "{id}");
    }
}
