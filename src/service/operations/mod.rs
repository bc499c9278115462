//! One file an operation, and the list of them. `docs/CONTRIBUTING.md` says how one is added.

mod associate_cross_account_replica;
pub(super) mod batch_get_secret_value;
mod cancel_rotate_secret;
mod create_secret;
mod delete_resource_policy;
mod delete_secret;
mod describe_secret;
mod disassociate_cross_account_replica;
pub(crate) mod get_random_password;
mod get_resource_policy;
pub(super) mod get_secret_value;
mod list_resource_policies;
mod list_secret_version_ids;
mod list_secrets;
mod put_resource_policy;
pub(crate) mod put_secret_value;
mod remove_regions_from_replication;
mod replicate_secret_to_regions;
mod restore_secret;
pub(crate) mod rotate_secret;
mod stop_replication_to_replica;
mod tag_resource;
mod untag_resource;
mod update_secret;
mod update_secret_version_stage;
mod validate_resource_policy;

use super::action::Action;
use super::operation::Entry;

/// All operations, in alphabetical order.
pub(crate) const ALL: &[Entry] = &[
    Entry::of::<associate_cross_account_replica::AssociateCrossAccountReplica>(),
    Entry::of::<batch_get_secret_value::BatchGetSecretValue>(),
    Entry::of::<cancel_rotate_secret::CancelRotateSecret>(),
    Entry::of::<create_secret::CreateSecret>(),
    Entry::of::<delete_resource_policy::DeleteResourcePolicy>(),
    Entry::of::<delete_secret::DeleteSecret>(),
    Entry::of::<describe_secret::DescribeSecret>(),
    Entry::of::<disassociate_cross_account_replica::DisassociateCrossAccountReplica>(),
    Entry::of::<get_random_password::GetRandomPassword>(),
    Entry::of::<get_resource_policy::GetResourcePolicy>(),
    Entry::of::<get_secret_value::GetSecretValue>(),
    Entry::of::<list_resource_policies::ListResourcePolicies>(),
    Entry::of::<list_secret_version_ids::ListSecretVersionIds>(),
    Entry::of::<list_secrets::ListSecrets>(),
    Entry::of::<put_resource_policy::PutResourcePolicy>(),
    Entry::of::<put_secret_value::PutSecretValue>(),
    Entry::of::<remove_regions_from_replication::RemoveRegionsFromReplication>(),
    Entry::of::<replicate_secret_to_regions::ReplicateSecretToRegions>(),
    Entry::of::<restore_secret::RestoreSecret>(),
    Entry::of::<rotate_secret::RotateSecret>(),
    Entry::of::<stop_replication_to_replica::StopReplicationToReplica>(),
    Entry::of::<tag_resource::TagResource>(),
    Entry::of::<untag_resource::UntagResource>(),
    Entry::of::<update_secret::UpdateSecret>(),
    Entry::of::<update_secret_version_stage::UpdateSecretVersionStage>(),
    Entry::of::<validate_resource_policy::ValidateResourcePolicy>(),
];

/// Each name has its own operation, or it does not compile: one that was copied keeps no other's name.
const _: () = {
    assert!(ALL.len() == Action::ALL.len());
    let (mut entries, mut actions) = (ALL, Action::ALL);
    while let ([entry, next_entries @ ..], [action, next_actions @ ..]) = (entries, actions) {
        assert!(entry.action.is(*action));
        (entries, actions) = (next_entries, next_actions);
    }
};

/// Finds an operation by its command's name.
pub(crate) fn find(command: &str) -> Option<&'static Entry> {
    ALL.iter().find(|entry| entry.command() == command)
}
