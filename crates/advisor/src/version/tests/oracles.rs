//! Random pairs, held against the package managers themselves.
//!
//! A manager that is not on this machine is skipped, and the test says so. `CISE_ORACLE_PAIRS=100000` compares that many
//! pairs with each; the default is what an everyday run can afford.

use std::cmp::Ordering;
use std::fmt::Write as _;
use std::process::{Command, Stdio};

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use super::pairs::pair;
use crate::Manager::{self, Apk, Dpkg, Rpm};
use crate::version::{compare, rpm};

#[test]
fn random_pairs_are_ordered_as_dpkg_orders_them() {
    if !is_here("dpkg", "--version") {
        return;
    }
    for (left, right) in pairs(Dpkg, 400) {
        let order = compare(Dpkg, &left, &right).unwrap();
        let relation = match order {
            Ordering::Less => "lt",
            Ordering::Equal => "eq",
            Ordering::Greater => "gt",
        };
        let agreed = Command::new("dpkg")
            .args(["--compare-versions", &left, relation, &right])
            .stderr(Stdio::null())
            .status()
            .unwrap();
        assert!(agreed.success(), "{left} {relation} {right}");
    }
}

#[test]
fn random_pairs_are_ordered_as_apk_orders_them() {
    if !is_here("apk", "--version") {
        return;
    }
    for (left, right) in pairs(Apk, 400) {
        let output = Command::new("apk")
            .args(["version", "-t", &left, &right])
            .output()
            .unwrap();
        let expected = match output.stdout.trim_ascii() {
            b"<" => Ordering::Less,
            b"=" => Ordering::Equal,
            b">" => Ordering::Greater,
            other => panic!("apk says {:?}", String::from_utf8_lossy(other)),
        };
        let order = compare(Apk, &left, &right);
        assert_eq!(order, Ok(expected), "{left} {right}");
    }
}

#[test]
fn random_pairs_are_ordered_as_rpm_orders_them() {
    if !is_here("rpm", "--version") {
        return;
    }
    // As many as an argument of a command has room for.
    for batch in pairs(Rpm, 4000).chunks(1000) {
        let answers = rpm_says(batch);
        assert_eq!(answers.len(), batch.len());
        for ((left, right), expected) in batch.iter().zip(answers) {
            // Its function `vercmp` is the total order, not that of dependencies.
            let [one, other] = [left, right].map(|text| rpm::Version::parse(text).unwrap());
            assert_eq!(one.cmp(&other), expected, "{left} {right}");
        }
    }
}

fn rpm_says(pairs: &[(String, String)]) -> Vec<Ordering> {
    let mut script = String::from("%{lua: ");
    for (left, right) in pairs {
        writeln!(script, "print(rpm.vercmp('{left}','{right}') .. '\\n')").unwrap();
    }
    script.push('}');
    let output = Command::new("rpm")
        .args(["--eval", &script])
        .output()
        .unwrap();
    let answers = String::from_utf8(output.stdout).unwrap();
    answers
        .split_ascii_whitespace()
        .map(|answer| answer.parse::<i32>().unwrap().cmp(&0))
        .collect()
}

fn pairs(manager: Manager, everyday: usize) -> Vec<(String, String)> {
    let count = std::env::var("CISE_ORACLE_PAIRS").map_or(everyday, |count| count.parse().unwrap());
    let mut runner = TestRunner::deterministic();
    let pairs = pair(manager);
    (0..count)
        .map(|_| pairs.new_tree(&mut runner).unwrap().current())
        .collect()
}

fn is_here(tool: &str, argument: &str) -> bool {
    let found = Command::new(tool).arg(argument).output().is_ok();
    if !found {
        println!("skipped: {tool} is not on this machine");
    }
    found
}
