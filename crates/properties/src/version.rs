use std::cmp::Ordering;

use cise_advisor::Manager;
use cise_advisor::version::{apk, compare, dpkg, rpm};

use crate::{assert_message, first_line};

/// Three versions, one in each line: whatever a package manager can order at all, it orders totally.
pub(crate) fn version(bytes: &[u8]) {
    let (first, rest) = first_line(bytes);
    let (second, third) = first_line(rest);
    let [Ok(first), Ok(second), Ok(third)] = [first, second, third].map(str::from_utf8) else {
        return;
    };
    for manager in [Manager::Dpkg, Manager::Apk, Manager::Rpm] {
        let order = compare(manager, first, second).inspect_err(assert_message);
        let reverse = compare(manager, second, first).map(Ordering::reverse);
        assert_eq!(order.ok(), reverse.ok(), "{manager}");
    }
    let texts = [first, second, third];
    assert_total(texts.map(|text| dpkg::Version::parse(text).ok()));
    assert_total(texts.map(|text| apk::Version::parse(text).ok()));
    assert_total(texts.map(|text| rpm::Version::parse(text).ok()));
}

fn assert_total<V: Ord + std::fmt::Debug>(versions: [Option<V>; 3]) {
    let [Some(a), Some(b), Some(c)] = versions else {
        return;
    };
    let mut sorted = [&a, &b, &c];
    sorted.sort();
    let [low, middle, high] = sorted;
    assert!(low <= middle && middle <= high && low <= high, "{sorted:?}");
    assert_eq!(low == high, low == middle && middle == high, "{sorted:?}");
}
