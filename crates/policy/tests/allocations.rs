//! Resolving an image allocates nothing, and what is compiled is held once. The allocator of this test counts.

use std::error::Error;
use std::sync::Arc;

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

/// Policies of one entry each, ten in a namespace, as they are read.
fn small_policies(count: usize) -> Result<Vec<Arc<Policy>>, Box<dyn Error>> {
    let policies = (0..count).map(|i| {
        let policy = format!(
            r#"{{"apiVersion":"{}","kind":"ImagePolicy","metadata":{{"name":"policy-{i}","namespace":"team-{}"}},
                "spec":{{"repositories":[{{"name":"registry{i}.example.com/team/*","policy":null}}]}}}}"#,
            ApiGroup::V1Beta1.api_version(),
            i / 10,
        );
        Ok(Arc::new(cise_policy::from_json(policy.as_bytes(), "")?))
    });
    policies.collect()
}

/// How many bytes are held of what `made` gives, for each of so many.
fn bytes_each<T>(
    count: usize,
    made: impl FnOnce() -> Result<T, Box<dyn Error>>,
) -> Result<(T, u64), Box<dyn Error>> {
    let mut result = None;
    let held = allocation_counter::measure(|| result = Some(made()));
    let result = result.ok_or("it was not made")??;
    let bytes = u64::try_from(held.bytes_current)?;
    Ok((result, bytes / u64::try_from(count)?))
}

#[test]
fn a_small_policy_takes_a_kibibyte_and_what_is_compiled_of_it_half_of_one()
-> Result<(), Box<dyn Error>> {
    const COUNT: usize = 1000;
    let (policies, read) = bytes_each(COUNT, || small_policies(COUNT))?;
    let compile = || Ok(Policies::compile(policies.iter().map(Arc::clone), []));
    let (generation, compiled) = bytes_each(COUNT, compile)?;
    assert!(read <= 1024 && compiled <= 512, "{read} and {compiled}");

    let mut changed = policies.clone();
    if let (Some(first), Some(other)) = (changed.first_mut(), small_policies(1)?.pop()) {
        *first = other;
    }
    let renew = || Ok(generation.renewed(changed.iter().map(Arc::clone), []));
    let (_, renewed) = bytes_each(COUNT, renew)?;
    assert!(renewed <= 64, "{renewed} for each beside the ones before");
    Ok(())
}

#[test]
fn the_counter_counts() {
    let allocations = allocation_counter::measure(|| drop(vec![1, 2, 3]));
    assert_eq!(allocations.count_total, 1);
}
