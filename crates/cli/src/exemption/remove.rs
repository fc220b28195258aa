//! `cise exemption rm`.

use cise_advisor::exemption::Exemption;
use cise_policy::Pattern;

use super::file::ExemptionFile;
use super::{IssueArgs, RemoveArgs};
use crate::failure::Failure;
use crate::terminal;

pub(super) fn run(args: &RemoveArgs) -> Result<(), Failure> {
    let (issue, path) = (&args.issue, &args.file.file);
    let images = issue.images()?;
    let file = ExemptionFile::read(path)?;
    let is_meant = |exemption: &Exemption| issue.is_of(exemption, &images);
    if !file.exemptions().iter().any(is_meant) {
        return Err(Failure::new(format!(
            "{} has no exemption for '{}' in '{}'",
            path.display(),
            issue.issue_id,
            issue.scope
        ))
        .with_hint("`cise exemption list` shows what it has"));
    }
    file.remove(is_meant)?;
    terminal::print(&format!(
        "Deleting exemption for '{}' in '{}'...\n\nOK\n",
        issue.issue_id, issue.scope
    ))
}

impl IssueArgs {
    fn is_of(&self, exemption: &Exemption, images: &[Pattern]) -> bool {
        let spec = exemption.spec();
        spec.is_about(self.issue_type.into(), self.issue_id.as_str())
            && spec.images == images
            && *exemption.origin().scope() == self.pods()
    }
}
