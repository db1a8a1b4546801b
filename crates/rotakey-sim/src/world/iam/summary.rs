//! What is said of the account as a whole.

use std::collections::BTreeMap;

use crate::api::{Fault, Tree};
use crate::world::World;
use crate::world::account::Call;
use crate::world::iam::{KEYS_PER_USER, iam_page, no_such_entity, users};

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

/// Listings of things that no simulated account has, and the lists that they are.
const NOTHING: [(&str, &str); 9] = [
    ("ListAccountAliases", "AccountAliases"),
    ("ListInstanceProfiles", "InstanceProfiles"),
    ("ListOpenIDConnectProviders", "OpenIDConnectProviderList"),
    ("ListSAMLProviders", "SAMLProviderList"),
    ("ListSSHPublicKeys", "SSHPublicKeys"),
    ("ListServerCertificates", "ServerCertificateMetadataList"),
    ("ListServiceSpecificCredentials", "ServiceSpecificCredentials"),
    ("ListSigningCertificates", "Certificates"),
    ("ListPolicyTags", "Tags"),
];

/// A listing of things that no simulated account has; `None` if the operation is none.
pub(super) fn nothing(action: &str) -> Option<Tree> {
    let (_, list) = NOTHING.into_iter().find(|(listing, _)| *listing == action)?;
    Some(Tree::map([(list, Tree::List(Vec::new())), ("IsTruncated", false.into())]))
}

/// `GetAccountPasswordPolicy`: no account has one.
pub(super) fn password_policy(call: &Call<'_>) -> Result<Tree, Fault> {
    let account = call.caller.account_id;
    Err(no_such_entity(format!("The Password Policy with domain name {account} cannot be found.")))
}

/// `ListVirtualMFADevices`: those of all users. All devices are assigned.
pub(super) fn virtual_mfa_devices(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let status = call.parameters.text("AssignmentStatus").unwrap_or("Any");
    call.parameters.one_of("AssignmentStatus", status, &["Assigned", "Unassigned", "Any"])?;
    let (seen, account) = (world.iam_seen(call), call.caller.account_id);
    let users = seen.users.values().filter(|_| status != "Unassigned");
    let devices = users.flat_map(|user| user.mfa_devices.iter().map(move |device| (user, device)));
    let rows = devices.map(|(user, device)| {
        let shown = Tree::map([
            ("SerialNumber", (&device.serial_number).into()),
            ("EnableDate", device.enabled_at.into()),
            ("User", users::describe(user, account)),
        ]);
        (device.serial_number.clone(), shown)
    });
    iam_page(call, "VirtualMFADevices", rows)
}
