//! The actions that manage keys and their holders, and what each does.

use serde::Serialize;

/// What a call does to the keys of a user, or to what decides over what they are worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Concern {
    /// An access key is made, switched off or on, or deleted.
    AccessKey,
    /// Access keys are looked at.
    Look,
    /// The credential report is made or read: the state of all keys at once.
    CredentialReport,
    /// Another long-lived credential of a user: SSH key, certificate, service-specific password.
    OtherCredential,
    /// A user comes, goes, or gets another name.
    User,
    /// The tags of a user, which rotakey's policy and others decide by.
    Tags,
    /// What a user, and so each of its keys, may do.
    Permissions,
    /// The password of a user.
    Password,
    /// The second factors of a user.
    SecondFactor,
    /// A person signs in to the console.
    SignIn,
}

/// The actions of IAM that are told, with what they are about. From the IAM API reference, "Actions".
const IAM: &[(&str, Concern)] = &[
    ("AddUserToGroup", Concern::Permissions),
    ("AttachUserPolicy", Concern::Permissions),
    ("ChangePassword", Concern::Password),
    ("CreateAccessKey", Concern::AccessKey),
    ("CreateLoginProfile", Concern::Password),
    ("CreateServiceSpecificCredential", Concern::OtherCredential),
    ("CreateUser", Concern::User),
    ("DeactivateMFADevice", Concern::SecondFactor),
    ("DeleteAccessKey", Concern::AccessKey),
    ("DeleteLoginProfile", Concern::Password),
    ("DeleteSSHPublicKey", Concern::OtherCredential),
    ("DeleteServiceSpecificCredential", Concern::OtherCredential),
    ("DeleteSigningCertificate", Concern::OtherCredential),
    ("DeleteUser", Concern::User),
    ("DeleteUserPermissionsBoundary", Concern::Permissions),
    ("DeleteUserPolicy", Concern::Permissions),
    ("DetachUserPolicy", Concern::Permissions),
    ("EnableMFADevice", Concern::SecondFactor),
    ("GenerateCredentialReport", Concern::CredentialReport),
    ("GetAccessKeyLastUsed", Concern::Look),
    ("GetCredentialReport", Concern::CredentialReport),
    ("ListAccessKeys", Concern::Look),
    ("PutUserPermissionsBoundary", Concern::Permissions),
    ("PutUserPolicy", Concern::Permissions),
    ("RemoveUserFromGroup", Concern::Permissions),
    ("ResetServiceSpecificCredential", Concern::OtherCredential),
    ("TagUser", Concern::Tags),
    ("UntagUser", Concern::Tags),
    ("UpdateAccessKey", Concern::AccessKey),
    ("UpdateLoginProfile", Concern::Password),
    ("UpdateSSHPublicKey", Concern::OtherCredential),
    ("UpdateServiceSpecificCredential", Concern::OtherCredential),
    ("UpdateSigningCertificate", Concern::OtherCredential),
    ("UpdateUser", Concern::User),
    ("UploadSSHPublicKey", Concern::OtherCredential),
    ("UploadSigningCertificate", Concern::OtherCredential),
];

impl Concern {
    /// What the action of that service is about, if it is about keys or their holders.
    pub(crate) fn of(event_source: &str, event_name: &str) -> Option<Self> {
        match event_source {
            "iam.amazonaws.com" => {
                let index = IAM.binary_search_by_key(&event_name, |&(name, _)| name).ok()?;
                Some(IAM[index].1)
            }
            // https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-aws-console-sign-in-events.html
            "signin.amazonaws.com" => {
                matches!(event_name, "ConsoleLogin" | "CheckMfa").then_some(Self::SignIn)
            }
            _ => None,
        }
    }

    /// The actions of IAM that are told, but those that only look.
    pub(crate) fn actions_of_iam() -> impl Iterator<Item = &'static str> {
        IAM.iter().filter(|(_, concern)| *concern != Self::Look).map(|&(name, _)| name)
    }

    /// In a few words, for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AccessKey => "access key",
            Self::Look => "look",
            Self::CredentialReport => "credential report",
            Self::OtherCredential => "other credential",
            Self::User => "user",
            Self::Tags => "tags",
            Self::Permissions => "permissions",
            Self::Password => "password",
            Self::SecondFactor => "second factor",
            Self::SignIn => "sign-in",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_so_that_every_action_in_it_is_found() {
        assert!(IAM.is_sorted_by_key(|&(name, _)| name));
        for &(name, concern) in IAM {
            assert_eq!(Concern::of("iam.amazonaws.com", name), Some(concern), "{name}");
        }
        assert_eq!(Concern::of("iam.amazonaws.com", "ListUsers"), None);
        assert_eq!(Concern::of("s3.amazonaws.com", "CreateUser"), None);
    }
}
