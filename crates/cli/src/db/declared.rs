//! What is declared of sources on the command line: of one of them by name, or of the one that it can be about.

use std::fmt::Display;
use std::str::FromStr;

use cise_advisor::database::build::Input;
use jiff::Timestamp;

use crate::failure::Failure;

/// A declaration: `SOURCE=WHAT`, or `WHAT` alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Declared<T> {
    source: Option<String>,
    what: T,
}

/// A source as it is written on the command line, and what is known of it.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) written: String,
    pub(super) input: Input,
}

/// Reads a declaration. A path may have a `=`, what is declared has none.
pub(super) fn parse<T: FromStr<Err: Display>>(text: &str) -> Result<Declared<T>, String> {
    let (source, what) = match text.rsplit_once('=') {
        Some((source, what)) => (Some(source.to_owned()), what),
        None => (None, text),
    };
    let what = what.parse().map_err(|error: T::Err| error.to_string())?;
    Ok(Declared { source, what })
}

/// Declares sources to be complete. Without a name it is meant of the only source that has records.
pub(super) fn covers(declared: &[Declared<String>], sources: &mut [Given]) -> Result<(), Failure> {
    for one in declared {
        let meant = match &one.source {
            Some(name) => named("--covers", name, sources)?,
            None => only(&one.what, sources)?,
        };
        meant.input.covers.insert(one.what.as_str().into());
    }
    Ok(())
}

/// Declares of when sources are. Without a name it is meant of all that are not named.
pub(super) fn as_of(
    declared: &[Declared<Timestamp>],
    sources: &mut [Given],
) -> Result<(), Failure> {
    let (own, general): (Vec<_>, Vec<_>) = declared.iter().partition(|one| one.source.is_some());
    if general.len() > 1 {
        return Err(Failure::new("--as-of is given twice for all sources")
            .with_hint("say of which one it is: --as-of SOURCE=TIME"));
    }
    for source in sources.iter_mut() {
        let time = general.first().map(|one| one.what);
        source.input.as_of = time.or(source.input.as_of);
    }
    for one in own {
        if let Some(name) = &one.source {
            named("--as-of", name, sources)?.input.as_of = Some(one.what);
        }
    }
    Ok(())
}

fn named<'s>(flag: &str, name: &str, sources: &'s mut [Given]) -> Result<&'s mut Given, Failure> {
    let found = sources.iter_mut().find(|source| source.written == name);
    found.ok_or_else(|| {
        Failure::new(format!("{flag} {name}=…: no source is called so"))
            .with_hint("write it as the source itself is written")
    })
}

/// A source is meant that cannot be another one: what is said of an archive is not true of a folder beside it.
fn only<'s>(what: &str, sources: &'s mut [Given]) -> Result<&'s mut Given, Failure> {
    let mut with_records: Vec<_> = sources
        .iter_mut()
        .filter(|source| source.input.has_records())
        .collect();
    match (with_records.pop(), with_records.len()) {
        (Some(one), 0) => Ok(one),
        (None, _) => Err(
            Failure::new(format!("--covers {what}: no source has records"))
                .with_hint("give an archive or a folder of OSV records as well"),
        ),
        (Some(_), others) => Err(Failure::new(format!(
            "--covers {what}: any of {} sources may be meant",
            others + 1
        ))
        .with_hint(format!("say of which one it is: --covers 'SOURCE={what}'"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONDAY: &str = "2026-11-23T00:00:00Z";
    const TUESDAY: &str = "2026-11-24T00:00:00Z";

    /// Two folders of records, and a list.
    fn sources() -> (tempfile::TempDir, Vec<Given>) {
        let folder = tempfile::tempdir().unwrap();
        let given = ["osv", "lo=cal", "kev.json"].map(|name| Given {
            written: name.to_owned(),
            input: Input::new(folder.path().join(name)),
        });
        for name in ["osv", "lo=cal"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        (folder, given.into())
    }

    fn covered(texts: &[&str], sources: &mut [Given]) -> Result<Vec<Vec<String>>, String> {
        let declared: Vec<_> = texts.iter().map(|text| parse(text).unwrap()).collect();
        covers(&declared, sources).map_err(|failure| failure.text())?;
        let of = |given: &Given| given.input.covers.iter().map(ToString::to_string).collect();
        Ok(sources.iter().map(of).collect())
    }

    #[test]
    fn what_is_said_to_be_complete_is_one_source() {
        let (_folder, all) = sources();
        let debian = || vec!["Debian:12".to_owned()];
        let list = [all[0].clone(), all[2].clone()];
        let alone = covered(&["Debian:12"], &mut list.clone());
        assert_eq!(alone, Ok(vec![debian(), Vec::new()]));
        let own = covered(&["lo=cal=Debian:12"], &mut all.clone());
        assert_eq!(own, Ok(vec![Vec::new(), debian(), Vec::new()]));
        for (text, fault) in [
            (
                "Debian:12",
                "error: --covers Debian:12: any of 2 sources may be meant\nhint: say of which one it is: --covers 'SOURCE=Debian:12'",
            ),
            (
                "ovs=Debian:12",
                "error: --covers ovs=…: no source is called so\nhint: write it as the source itself is written",
            ),
        ] {
            assert_eq!(covered(&[text], &mut all.clone()), Err(fault.to_owned()));
        }
        assert!(covered(&["Debian:12"], &mut [all[2].clone()]).is_err());
    }

    #[test]
    fn a_time_is_that_of_its_source_or_of_all_that_have_none() {
        let (_folder, all) = sources();
        let own = format!("osv={TUESDAY}");
        for (texts, expected) in [
            (vec![], [None, None, None]),
            (vec![MONDAY], [Some(MONDAY); 3]),
            (vec![&own], [Some(TUESDAY), None, None]),
            (
                vec![&own, MONDAY],
                [Some(TUESDAY), Some(MONDAY), Some(MONDAY)],
            ),
        ] {
            let declared: Vec<_> = texts.iter().map(|text| parse(text).unwrap()).collect();
            let mut sources = all.clone();
            assert!(as_of(&declared, &mut sources).is_ok());
            let found = sources.iter().map(|given| given.input.as_of);
            let expected = expected.map(|time| time.map(|time| time.parse().unwrap()));
            assert_eq!(found.collect::<Vec<_>>(), expected, "{texts:?}");
        }
        let twice = [MONDAY, TUESDAY].map(|text| parse(text).unwrap());
        assert!(as_of(&twice, &mut all.clone()).is_err());
        assert!(parse::<Timestamp>("osv=tuesday").is_err());
    }
}
