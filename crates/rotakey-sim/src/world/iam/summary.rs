//! Account-wide odds and ends.

use std::collections::BTreeMap;

use crate::api::{Fault, Tree};
use crate::world::World;
use crate::world::account::Call;
use crate::world::iam::KEYS_PER_USER;

/// `GetAccountSummary`: the counts and quotas that are simulated.
pub(super) fn get(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let seen = world.iam_seen(call);
    let root = &world.account(call).root;
    let devices = seen.users.values().map(|user| user.mfa_devices.len()).sum::<usize>();
    let entries: BTreeMap<String, Tree> = [
        ("AccessKeysPerUserQuota", KEYS_PER_USER),
        ("AccountAccessKeysPresent", usize::from(!root.keys.is_empty())),
        ("AccountMFAEnabled", usize::from(root.mfa_active)),
        ("Groups", seen.groups.len()),
        ("MFADevices", devices),
        ("MFADevicesInUse", devices),
        ("Policies", seen.policies.len()),
        ("Roles", seen.roles.len()),
        ("Users", seen.users.len()),
        ("UsersQuota", 5_000),
    ]
    .into_iter()
    .map(|(name, count)| (name.to_owned(), Tree::Integer(i64::try_from(count).unwrap_or(i64::MAX))))
    .collect();
    Ok(Tree::map([("SummaryMap", Tree::Dictionary(entries))]))
}

/// `ListAccountAliases`: no account has one.
pub(super) fn aliases() -> Result<Tree, Fault> {
    Ok(Tree::map([("AccountAliases", Tree::List(Vec::new())), ("IsTruncated", false.into())]))
}
