//! Writes the file beside where it will be, and puts it there once it is whole.

use std::collections::BTreeMap;
use std::io::BufWriter;
use std::path::Path;

use tempfile::NamedTempFile;

use super::assembly::Assembly;
use super::error::BuildError;
use super::gathering::Gathered;
use super::past::pasts;
use super::previous::Previous;
use super::{Build, Built, MAKER, Outcome, Progress};
use crate::Ecosystem;
use crate::database::fix_dates::Followed;
use crate::database::manifest::{Manifest, SegmentNote};
use crate::database::{container, replacement};

/// Writes what was gathered.
pub(crate) fn write(
    build: &Build,
    gathered: Gathered<'_>,
    previous: Option<&Previous>,
    output: &Path,
    progress: &mut Progress<'_>,
) -> Result<Built, BuildError> {
    let failed = |source| BuildError::Output {
        path: output.to_owned(),
        source,
    };
    let known_exploited = gathered.known_exploited.clone();
    let sources = gathered.sources.clone();
    let life_spans = gathered.life_spans.clone();
    let mut file = BufWriter::with_capacity(1 << 20, replacement::create(output).map_err(failed)?);
    container::write_preamble(&mut file).map_err(failed)?;
    let Assembled {
        segments,
        followed,
        kept,
    } = assemble(build, gathered, previous, output, &mut file, progress)?;
    let manifest = Manifest {
        maker: MAKER.into(),
        texts: build.texts,
        releases: build.releases.clone(),
        sources,
        known_exploited,
        life_spans,
        followed,
        segments,
    };
    let digest = container::write_end(&mut file, &manifest).map_err(failed)?;
    let file = file
        .into_inner()
        .map_err(|error| failed(error.into_error()))?;
    let bytes = file.as_file().metadata().map_err(failed)?.len();
    let outcome = if previous.is_some_and(|previous| previous.digest == digest) {
        Outcome::Unchanged
    } else {
        replacement::settle(file, output).map_err(failed)?;
        Outcome::Written
    };
    Ok(Built {
        digest,
        bytes,
        manifest,
        kept,
        outcome,
    })
}

/// What was written before the manifest.
struct Assembled {
    segments: Vec<SegmentNote>,
    followed: BTreeMap<Ecosystem, Followed>,
    /// How many feeds were taken over, and the join if it was.
    kept: usize,
}

fn assemble(
    build: &Build,
    gathered: Gathered<'_>,
    previous: Option<&Previous>,
    output: &Path,
    file: &mut BufWriter<NamedTempFile>,
    progress: &mut Progress<'_>,
) -> Result<Assembled, BuildError> {
    let join = gathered.plan.kept_vulnerabilities();
    let mut assembly = Assembly {
        out: file,
        path: output.to_owned(),
        sources: &gathered.sources,
        now: build.now,
        pasts: previous.map(pasts).unwrap_or_default(),
        followed: BTreeMap::new(),
        segments: Vec::new(),
        facts: join.is_none().then_some(gathered.facts),
        progress,
    };
    assembly.feeds(gathered.rows, gathered.plan.kept())?;
    if assembly.segments.is_empty() {
        return Err(BuildError::Empty(build.releases.clone()));
    }
    let mut kept = gathered.plan.kept().len();
    if let Some(join) = &join {
        assembly.keep_vulnerabilities(join)?;
        kept += 1;
    } else if let Some(facts) = assembly.facts.take() {
        assembly.vulnerabilities(facts.join()?)?;
    }
    Ok(Assembled {
        segments: assembly.segments,
        followed: assembly.followed,
        kept,
    })
}
