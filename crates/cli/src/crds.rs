//! `cise crds`: the definitions of policies.

use cise_kubernetes::definitions;
use cise_policy::ApiGroup;
use clap::{Args, ValueEnum};

use crate::failure::Failure;
use crate::terminal;

#[derive(Args, Debug)]
#[command(
    long_about = "Print the definitions of policies that a cluster needs\n\n\
        A cluster has to know ImagePolicy and ClusterImagePolicy before anybody can apply one. The definitions are printed as YAML.",
    after_help = "\
Examples:
  cise crds | kubectl apply -f -"
)]
pub(crate) struct CrdsArgs {
    /// Of which API group
    #[arg(long, value_enum, default_value_t = Group::Securityenforcement)]
    group: Group,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Group {
    /// securityenforcement.admission.cloud.ibm.com
    Securityenforcement,
    /// portieris.cloud.ibm.com, the group of the successor
    Portieris,
}

/// Prints both definitions of a group, each as a document of YAML.
pub(crate) fn run(args: &CrdsArgs) -> Result<(), Failure> {
    let mut documents = String::new();
    for definition in definitions(args.group.into()) {
        documents.push_str("---\n");
        documents.push_str(&serde_saphyr::to_string(&definition)?);
    }
    terminal::print(&documents)
}

impl From<Group> for ApiGroup {
    fn from(group: Group) -> Self {
        match group {
            Group::Securityenforcement => Self::V1Beta1,
            Group::Portieris => Self::PortierisV1,
        }
    }
}
