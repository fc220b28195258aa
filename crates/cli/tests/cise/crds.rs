//! `cise crds`.

use cise_kubernetes::{definitions, exemption_definitions};
use cise_policy::ApiGroup;
use serde_json::Value;

use crate::program::Folder;

#[test]
fn the_definitions_of_each_group_are_printed_as_documents_of_yaml() {
    let folder = Folder::new(&[]);
    let own = [definitions(ApiGroup::V1Beta1), exemption_definitions()].concat();
    for (arguments, expected) in [
        ("crds", &own[..]),
        ("crds --group securityenforcement", &own[..]),
        (
            "crds --group portieris",
            &definitions(ApiGroup::PortierisV1)[..],
        ),
    ] {
        let run = folder.run(arguments);
        assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{arguments}");
        let printed: Vec<Value> = serde_saphyr::from_multiple(&run.stdout).unwrap();
        assert_eq!(printed, expected, "{arguments}");
    }
}
