//! `cise crds`.

use cise_kubernetes::definitions;
use cise_policy::ApiGroup;
use serde_json::Value;

use crate::program::Folder;

#[test]
fn the_definitions_of_each_group_are_printed_as_documents_of_yaml() {
    let folder = Folder::new(&[]);
    for (arguments, group) in [
        ("crds", ApiGroup::V1Beta1),
        ("crds --group securityenforcement", ApiGroup::V1Beta1),
        ("crds --group portieris", ApiGroup::PortierisV1),
    ] {
        let run = folder.run(arguments);
        assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{arguments}");
        let printed: Vec<Value> = serde_saphyr::from_multiple(&run.stdout).unwrap();
        assert_eq!(printed, definitions(group), "{arguments}");
    }
}
