//! Resolving an image allocates nothing. The allocator of this test counts.

use std::error::Error;

use cise_policy::{
    ApiGroup, Entry, Mode, Origin, Pattern, PatternError, Pinning, Policies, Policy, Requirements,
    Resolution,
};
use cise_reference::Reference;

fn policies() -> Result<Policies, Box<dyn Error>> {
    let literal = (0..900).map(|i| format!("registry{}.example.com/team{i}/*", i % 10));
    let wild = (0..90).map(|i| format!("*.region{i}.example.net/team/*"));
    let inner = (0..10).map(|i| format!("registry{i}.example.com/shared/*/service{i}"));
    let tied = (0..4).map(|_| "quay.io/*".to_owned());
    let names = literal.chain(wild).chain(inner).chain(tied);
    let entries: Vec<Entry> = names.map(|name| entry(&name)).collect::<Result<_, _>>()?;
    let origin = Origin::cluster(ApiGroup::V1Beta1, "default")?;
    Ok(Policies::compile([Policy::new(origin, entries)?], []))
}

fn entry(name: &str) -> Result<Entry, PatternError> {
    Ok(Entry {
        pattern: Pattern::parse(name)?,
        requirements: Requirements::default(),
        pinning: Pinning::Pin,
        mode: Mode::Enforce,
    })
}

fn check(image: &str, expected: usize) -> Result<(), Box<dyn Error>> {
    let policies = policies()?;
    let reference = Reference::parse(image)?;
    let mut found = 0;
    let allocations = allocation_counter::measure(|| {
        if let Resolution::Matched(matched) = policies.resolve("team", &reference) {
            found = matched.iter().count();
        }
    });
    assert_eq!(found, expected, "{image}");
    assert_eq!(allocations.count_total, 0, "{image}");
    Ok(())
}

#[test]
fn a_hit_a_miss_and_a_tie_are_found_without_an_allocation() -> Result<(), Box<dyn Error>> {
    check("registry2.example.com/team142/app:1", 1)?;
    check("eu.region7.example.net/team/app:1", 1)?;
    check("registry9.example.com/shared/a/b/service9", 1)?;
    check("quay.io/a", 4)?;
    check("registry2.example.com/nobody/app", 0)?;
    check("nginx", 0)
}

#[test]
fn the_counter_counts() {
    let allocations = allocation_counter::measure(|| drop(vec![1, 2, 3]));
    assert_eq!(allocations.count_total, 1);
}
