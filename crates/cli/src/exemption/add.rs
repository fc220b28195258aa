//! `cise exemption add`.

use cise_advisor::exemption::{Exemption, ExemptionSpec};

use jiff::Timestamp;

use super::AddArgs;
use super::file::ExemptionFile;
use super::naming;
use crate::failure::Failure;
use crate::terminal;

pub(super) fn run(args: &AddArgs) -> Result<(), Failure> {
    let issue = &args.issue;
    let file = args.file.as_deref().map(ExemptionFile::open).transpose()?;
    let known = file.as_ref().map_or(&[][..], ExemptionFile::exemptions);
    let exemption = args.exemption(known)?;
    let announced = format!(
        "Creating exemption for '{}' in '{}'...",
        issue.issue_id, issue.scope
    );
    let document = format!("---\n{}", serde_saphyr::to_string(&exemption)?);
    match file {
        None => {
            terminal::tell(&announced);
            terminal::print(&document)
        }
        Some(file) => {
            file.add(exemption, &document)?;
            terminal::print(&format!("{announced}\n\nOK\n"))
        }
    }
}

impl AddArgs {
    fn exemption(&self, known: &[Exemption]) -> Result<Exemption, Failure> {
        let issue = &self.issue;
        let spec = ExemptionSpec {
            issue_type: issue.issue_type.into(),
            issue_id: issue.issue_id.clone(),
            images: issue.images()?,
            reason: self.reason.as_deref().map(Into::into),
            owner: self.owner.as_deref().map(Into::into),
            expires: self.expires.clone(),
        };
        let origin = naming::origin(issue.pods(), &spec, known)?;
        let exemption = Exemption::new(origin, spec)?;
        if exemption.overreaches() {
            return Err(Failure::new(
                "--scope: that is every image of the account, and --namespace names the pods of one namespace",
            )
            .with_hint(
                "name a repository, or leave --namespace out to exempt the issue for all pods",
            ));
        }
        if let Some(end) = &self.expires
            && exemption.is_over(Timestamp::now())
        {
            return Err(Failure::new(format!(
                "--expires: {end} is over, and nothing would be exempted"
            ))
            .with_hint("name an end that is to come, or leave --expires out"));
        }
        Ok(exemption)
    }
}
