use std::sync::atomic::{AtomicUsize, Ordering};

use cise_advisor::assessment::{Issue, PackageKind, Status, Tolerance, Unsupported};
use cise_advisor::database::{KnownExploited, Ransomware};
use cise_advisor::inventory::Platform;
use cise_advisor::{Gap, Severity};
use cise_signature::store::Revision;
use futures::future::{BoxFuture, ready};

use super::*;

const NOW: &str = "2026-11-26T09:00:00Z";
const THREE_DAYS: SignedDuration = SignedDuration::from_hours(72);

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn digest(digit: char) -> Digest {
    Digest::parse(&format!("sha256:{}", digit.to_string().repeat(64))).unwrap()
}

fn team() -> Namespace {
    Namespace::parse("team").unwrap()
}

fn issue(id: &str) -> Issue {
    Issue {
        id: id.into(),
        severity: Severity::High,
        known_exploited: None,
        exploitation: None,
        exemption: None,
        notices: Vec::new(),
    }
}

/// An issue with an exemption of its own.
fn exempted(id: &str) -> Issue {
    let document = format!(
        "apiVersion: securityenforcement.admission.cloud.ibm.com/v1beta1\nkind: ClusterImageExemption\nmetadata: {{name: one}}\n\
         spec: {{issueType: cve, issueID: {id}, images: ['*']}}"
    );
    let exemption = cise_advisor::exemption::from_yaml(&document, "default").unwrap();
    Issue {
        exemption: Some(Arc::new(exemption)),
        ..issue(id)
    }
}

fn amd64() -> Platform {
    Platform::new("linux", "amd64", "")
}

fn assessment(status: Status, issues: Vec<Issue>) -> Assessment {
    Assessment {
        status,
        platforms: [(amd64(), status)].into(),
        issues: issues.into_iter().map(with_a_notice).collect(),
        ..Assessment::unscanned(time(NOW))
    }
}

fn with_a_notice(issue: Issue) -> Issue {
    let notice = cise_advisor::assessment::Notice {
        id: "DSA-1-1".into(),
        summary: "".into(),
        published: None,
        exemption: None,
        packages: Vec::new(),
    };
    Issue {
        notices: vec![notice],
        ..issue
    }
}

fn failing() -> Assessment {
    assessment(Status::Fail, vec![issue("CVE-2026-2")])
}

fn passing() -> Assessment {
    assessment(Status::Ok, Vec::new())
}

/// What is recorded of an image that was admitted at a time.
fn record(admitted: &Assessment, rules: &Rules, at: &str) -> AdmittedImages {
    let mut record = AdmittedImages::of(team());
    if let Some(image) = Admitted::of(&digest('1'), admitted, rules) {
        record.insert(image, time(at));
    }
    record
}

/// Until when an image is admitted, by what was recorded of it, with its digest.
fn granted(refused: &Assessment, rules: &Rules, record: &AdmittedImages) -> Option<String> {
    let one = digest('1');
    let until = Plea::of(&one, refused, rules)?.granted(record, time(NOW), THREE_DAYS);
    until.map(|until| until.to_string())
}

#[test]
fn what_passed_within_the_time_is_admitted_until_it_is_over() {
    let rules = Rules::default();
    for (at, until) in [
        ("2026-11-26T08:59:59Z", Some("2026-11-29T08:59:59Z")),
        ("2026-11-23T09:00:01Z", Some("2026-11-26T09:00:01Z")),
        ("2026-11-23T09:00:00Z", None),
        ("2026-10-01T00:00:00Z", None),
        // Of a replica whose clock is a little ahead, and of one whose clock is wrong.
        ("2026-11-26T09:04:00Z", Some("2026-11-29T09:04:00Z")),
        ("2026-11-27T09:00:00Z", None),
    ] {
        let record = record(&passing(), &rules, at);
        assert_eq!(
            granted(&failing(), &rules, &record).as_deref(),
            until,
            "{at}"
        );
    }
}

#[test]
fn only_what_passed_is_remembered() {
    let rules = Rules::default();
    let warned = assessment(Status::Warn, vec![exempted("CVE-2026-1")]);
    for (admitted, forgives) in [
        (passing(), true),
        (warned, true),
        (assessment(Status::Unsupported, Vec::new()), false),
        (failing(), false),
        (assessment(Status::Incomplete, Vec::new()), false),
        (assessment(Status::Unscanned, Vec::new()), false),
    ] {
        let record = record(&admitted, &rules, "2026-11-26T08:00:00Z");
        let granted = granted(&failing(), &rules, &record);
        assert_eq!(granted.is_some(), forgives, "{}", admitted.status);
    }
}

#[test]
fn issues_alone_are_forgiven_and_only_those_that_are_new_and_not_exploited() {
    let rules = Rules::default();
    let exploited = Issue {
        known_exploited: Some(KnownExploited {
            added: "2026-11-25".parse().unwrap(),
            due: None,
            ransomware: Ransomware::Unknown,
        }),
        ..issue("CVE-2026-3")
    };
    let with_gap = Assessment {
        gaps: [Gap::NotWhole].into(),
        ..failing()
    };
    let half_read = Assessment {
        platforms: [
            (amd64(), Status::Fail),
            (Platform::new("linux", "arm64", ""), Status::Incomplete),
        ]
        .into(),
        ..failing()
    };
    let was_exempted = assessment(Status::Warn, vec![exempted("CVE-2026-2")]);
    let other_exempted = assessment(Status::Warn, vec![exempted("CVE-2026-1")]);
    for (admitted, refused, forgiven) in [
        (&passing(), &failing(), true),
        (&other_exempted, &failing(), true),
        // Its exemption has ended, or was taken back.
        (&was_exempted, &failing(), false),
        (
            &passing(),
            &assessment(Status::Fail, vec![issue("CVE-2026-2"), exploited]),
            false,
        ),
        (&passing(), &with_gap, false),
        (&passing(), &half_read, false),
        (
            &passing(),
            &assessment(Status::Incomplete, Vec::new()),
            false,
        ),
        (
            &passing(),
            &assessment(Status::Unscanned, Vec::new()),
            false,
        ),
    ] {
        let record = record(admitted, &rules, "2026-11-26T08:00:00Z");
        let granted = granted(refused, &rules, &record);
        assert_eq!(granted.is_some(), forgiven, "{refused:?}");
    }
}

#[test]
fn another_digest_another_rule_or_another_platform_is_not_what_was_admitted() {
    let rules = Rules::default();
    let stricter = Rules {
        packages: [PackageKind::Os, PackageKind::Language].into(),
        ..Rules::default()
    };
    let recorded = record(&passing(), &rules, "2026-11-26T08:00:00Z");
    assert!(granted(&failing(), &rules, &recorded).is_some());
    assert_eq!(granted(&failing(), &stricter, &recorded), None);
    let other = digest('2');
    let refused = failing();
    let plea = Plea::of(&other, &refused, &rules).unwrap();
    assert_eq!(plea.granted(&recorded, time(NOW), THREE_DAYS), None);
    let elsewhere = Assessment {
        platforms: [(Platform::new("linux", "arm64", ""), Status::Fail)].into(),
        ..failing()
    };
    assert_eq!(granted(&elsewhere, &rules, &recorded), None);
}

#[test]
fn what_the_rules_do_not_tolerate_is_not_forgiven_with_the_issues() {
    let rules = Rules {
        unsupported: Tolerance::Deny,
        ..Rules::default()
    };
    let recorded = record(&passing(), &rules, "2026-11-26T08:00:00Z");
    assert!(granted(&failing(), &rules, &recorded).is_some());
    let unsupported = Assessment {
        unsupported: [Unsupported::Bare].into(),
        ..failing()
    };
    assert_eq!(granted(&unsupported, &rules, &recorded), None);
}

#[test]
fn a_record_comes_back_and_is_bounded() {
    let rules = Rules::default();
    let mut record = AdmittedImages::of(team());
    let many = (0..60).map(|number| exempted(&format!("CVE-2026-{number}")));
    let warned = assessment(Status::Warn, many.collect());
    let hour = |hour: i64| time(NOW) + SignedDuration::from_hours(hour);
    for number in 0..400 {
        let own = Digest::parse(&format!("sha256:{number:064x}")).unwrap();
        record.insert(Admitted::of(&own, &warned, &rules).unwrap(), hour(number));
    }
    assert_eq!(record.iter().count(), 256);
    assert_eq!(record.iter().map(|(at, _)| at).min(), Some(hour(144)));
    let json = record.to_json();
    assert!(json.len() < 512 * 1024, "{} bytes", json.len());
    assert_eq!(
        AdmittedImages::from_json(json.as_bytes(), &team()),
        Ok(record.clone())
    );
    record.drop_before(hour(399));
    assert_eq!(record.iter().count(), 1);
    let too_many = (0..65).map(|number| exempted(&format!("CVE-2026-{number}")));
    let warned = assessment(Status::Warn, too_many.collect());
    assert_eq!(Admitted::of(&digest('1'), &warned, &rules), None);
}

#[test]
fn what_is_no_record_of_the_namespace_is_refused() {
    let other = Namespace::parse("other").unwrap();
    let of_team = AdmittedImages::of(team()).to_json();
    for (json, namespace, why) in [
        (
            of_team.clone(),
            &other,
            "it is the record of namespace `team`",
        ),
        (
            of_team.replace("\"format\":1", "\"format\":2"),
            &team(),
            "it is of format 2",
        ),
        (
            of_team.replace("images", "imagines"),
            &team(),
            "it is no record",
        ),
        (" ".repeat(600_000), &team(), "it has 600000 bytes"),
        (String::new(), &team(), "it is no record"),
    ] {
        let error = AdmittedImages::from_json(json.as_bytes(), namespace).unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
}

/// A record in memory that counts what is asked of it, and whose first writers come too late.
#[derive(Default)]
struct Counting {
    record: Mutex<Option<(u64, AdmittedImages)>>,
    conflicts: AtomicUsize,
    reads: AtomicUsize,
    writes: AtomicUsize,
}

impl Counting {
    fn counts(&self) -> (usize, usize) {
        let count = |of: &AtomicUsize| of.load(Ordering::Relaxed);
        (count(&self.reads), count(&self.writes))
    }

    fn write(&self, revision: Option<&Revision>, images: &AdmittedImages) -> Written {
        self.writes.fetch_add(1, Ordering::Relaxed);
        let mut record = self.record.lock().unwrap();
        let current = record.as_ref().map(|(number, _)| *number);
        let is_late = self
            .conflicts
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            })
            .is_ok();
        if is_late
            || current.map(|number| number.to_string()).as_deref() != revision.map(Revision::as_str)
        {
            return Written::Conflict;
        }
        *record = Some((current.map_or(0, |number| number + 1), images.clone()));
        Written::Done
    }
}

impl AdmissionRecord for Counting {
    fn load<'a>(
        &'a self,
        _: &'a Namespace,
    ) -> BoxFuture<'a, Result<Option<Recorded>, RecordError>> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let record = self.record.lock().unwrap();
        let recorded = record.as_ref().map(|(number, images)| Recorded {
            images: images.clone(),
            revision: Revision::new(number.to_string()),
        });
        Box::pin(ready(Ok(recorded)))
    }

    fn create<'a>(
        &'a self,
        images: &'a AdmittedImages,
    ) -> BoxFuture<'a, Result<Written, RecordError>> {
        Box::pin(ready(Ok(self.write(None, images))))
    }

    fn replace<'a>(
        &'a self,
        revision: &'a Revision,
        images: &'a AdmittedImages,
    ) -> BoxFuture<'a, Result<Written, RecordError>> {
        Box::pin(ready(Ok(self.write(Some(revision), images))))
    }
}

fn admitted(digit: char) -> Admitted {
    Admitted::of(&digest(digit), &passing(), &Rules::default()).unwrap()
}

#[tokio::test]
async fn an_image_whose_pods_come_and_go_is_recorded_once_an_hour_and_missed_by_nobody() {
    let record = Arc::new(Counting::default());
    let replicas = [(); 2].map(|()| AlreadyAdmitted::new(Arc::clone(&record) as _, THREE_DAYS));
    let [one, other] = &replicas;
    for (replica, at, counts) in [
        (one, "2026-11-26T09:00:00Z", (1, 1)),
        (one, "2026-11-26T09:59:59Z", (1, 1)),
        // What the other has written is found by reading it.
        (other, "2026-11-26T09:10:00Z", (2, 1)),
        (one, "2026-11-26T10:00:00Z", (3, 2)),
    ] {
        replica.remember(&team(), &[admitted('1')], time(at)).await;
        assert_eq!(record.counts(), counts, "{at}");
    }
    let (team, digest, refused, rules) = (team(), digest('1'), failing(), Rules::default());
    let day_after = time("2026-11-27T00:00:00Z");
    let until = one.until(&team, &digest, (&refused, &rules), day_after);
    assert_eq!(until.await, Some(time("2026-11-29T10:00:00Z")));
}

#[tokio::test]
async fn who_comes_too_late_reads_again_and_keeps_what_the_other_wrote() {
    let record = Arc::new(Counting::default());
    let gate = AlreadyAdmitted::new(Arc::clone(&record) as _, THREE_DAYS);
    gate.remember(&team(), &[admitted('1')], time(NOW)).await;
    record.conflicts.store(2, Ordering::Relaxed);
    gate.remember(&team(), &[admitted('2')], time(NOW)).await;
    assert_eq!(record.counts(), (4, 4));
    let kept = record
        .record
        .lock()
        .unwrap()
        .as_ref()
        .unwrap()
        .1
        .iter()
        .count();
    assert_eq!(kept, 2);
    // Of somebody who never gets through, nothing is kept and nobody waits for ever.
    record.conflicts.store(usize::MAX, Ordering::Relaxed);
    gate.remember(&team(), &[admitted('3')], time(NOW)).await;
    assert_eq!(record.counts(), (9, 9));
}
