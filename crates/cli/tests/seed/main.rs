//! The product's documentation, heading by heading, in a real cluster: its commands as they stand, and its sentences.
//! `docs/documentation-map.md` says which function holds which heading, and what differs.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod access;
mod customizing;
mod defaults;
mod deploying;
mod installing;
mod privileges;
mod reader;
mod removing;
mod signers;
#[path = "../../examples/demo/stage.rs"]
#[allow(
    dead_code,
    clippy::print_stderr,
    reason = "the demo shows more of its stage, and says what it waits for"
)]
mod stage;
#[path = "../../examples/demo_cluster/vulnerable.rs"]
mod vulnerable;

use reader::Reader;

/// One cluster for all headings: starting one takes as long as most of them.
#[test]
fn the_documentation_holds_from_installing_to_removing() {
    let Some(reader) = Reader::start() else {
        return;
    };
    installing::the_chart_is_installed_by_its_commands(&reader);
    installing::the_default_policy_applies_to_all_namespaces(&reader);

    defaults::the_three_policies_are_as_documented_to_the_letter(&reader);
    defaults::every_image_in_every_registry_must_be_trusted(&reader);
    defaults::the_systems_namespaces_run_every_image(&reader);
    defaults::a_policy_that_is_applied_overrides_the_default_one(&reader);
    defaults::a_default_policy_that_is_edited_counts_as_edited(&reader);

    customizing::without_any_policy_deployments_fail(&reader);
    customizing::the_policy_of_the_namespace_goes_before_that_of_the_cluster(&reader);
    reader.names_the_registry_and_its_trust_server();
    customizing::each_row_of_the_table_holds(&reader);

    signers::an_image_runs_if_all_listed_signers_signed_its_latest_version(&reader);
    signers::the_key_must_belong_to_the_signer(&reader);
    signers::a_policy_of_the_cluster_names_secrets_of_cises_namespace(&reader);

    access::the_rule_for_policies_lets_its_holder_write_them(&reader);
    access::one_with_rights_in_a_namespace_cannot_touch_policies_of_the_cluster(&reader);
    access::one_who_may_only_look_cannot_write(&reader);
    access::one_with_rights_on_policies_alone_cannot_exempt(&reader);
    access::one_who_may_exempt_does_so_in_their_namespace_and_writes_no_policy(&reader);
    access::the_rule_for_definitions_works_with_the_names_of_the_api(&reader);

    deploying::what_a_policy_allows_is_accepted_and_applied(&reader);
    deploying::a_denied_deployment_is_created_and_its_replica_set_says_why(&reader);
    deploying::images_that_the_advisor_does_not_support_are_allowed(&reader);
    deploying::a_deployment_is_allowed_only_if_all_images_pass(&reader);
    deploying::a_pod_is_not_updated_to_an_image_that_does_not_pass(&reader);

    privileges::it_does_what_its_roles_permit_and_asks_for_nothing_else(&reader);

    removing::without_its_webhooks_nothing_is_enforced(&reader);
    removing::nothing_is_left_but_definitions_and_policies(&reader);
    removing::who_may_delete_definitions_deletes_the_policies_with_them(&reader);
}
