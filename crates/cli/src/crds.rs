//! `cise crds`: the definitions of policies and exemptions.

use cise_kubernetes::{definitions, exemption_definitions};
use cise_policy::ApiGroup;
use clap::{Args, ValueEnum};

use crate::failure::Failure;
use crate::terminal;

#[derive(Args, Debug)]
#[command(
    long_about = "Print the definitions of policies and exemptions that a cluster needs\n\n\
        A cluster has to know ImagePolicy and ClusterImagePolicy before anybody can apply one, and ImageExemption and \
        ClusterImageExemption before anybody can exempt an issue. The definitions are printed as YAML.",
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

/// Prints the definitions of a group, each as a document of YAML. Exemptions are of the first group alone.
pub(crate) fn run(args: &CrdsArgs) -> Result<(), Failure> {
    let mut documents = String::new();
    let exemptions = match args.group {
        Group::Securityenforcement => exemption_definitions().to_vec(),
        Group::Portieris => Vec::new(),
    };
    for definition in definitions(args.group.into()).into_iter().chain(exemptions) {
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
