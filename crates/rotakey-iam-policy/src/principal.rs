//! Who asks, and whom a `Principal` element means.

use crate::document::PrincipalPattern;

/// Who makes a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Principal<'a> {
    /// A user, the root user or a role session of an AWS account.
    Aws {
        /// Its ARN: `arn:aws:iam::ACCOUNT:user/…`, `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`, ….
        arn: &'a str,
        /// The ARN of the role, if it is a role session.
        role_arn: Option<&'a str>,
    },
    /// An AWS service, such as `ec2.amazonaws.com`.
    Service(&'a str),
    /// A federated identity, by the ARN or host name of its provider.
    Federated(&'a str),
}

impl Principal<'_> {
    /// Whether the entry of a `Principal` element means this principal. An account, by its id or as
    /// `arn:…:root`, means everyone in it. Other ARNs mean themselves: they may hold no wildcard.
    pub(crate) fn is_meant_by(&self, pattern: &PrincipalPattern) -> bool {
        match (pattern, self) {
            (PrincipalPattern::Anyone, _) => true,
            (PrincipalPattern::Aws(meant), Self::Aws { arn, role_arn }) => {
                meant == arn
                    || role_arn.is_some_and(|role| role == meant)
                    || account_meant(meant).is_some_and(|account| account_of(arn) == Some(account))
            }
            (PrincipalPattern::Service(meant), Self::Service(name)) => meant == name,
            (PrincipalPattern::Federated(meant), Self::Federated(provider)) => meant == provider,
            _ => false,
        }
    }
}

/// The account that `111122223333` or `arn:aws:iam::111122223333:root` stands for.
fn account_meant(text: &str) -> Option<&str> {
    let is_account = |text: &str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_account(text) {
        return Some(text);
    }
    let parts: Vec<_> = text.splitn(6, ':').collect();
    match parts[..] {
        ["arn", _, "iam", "", account, "root"] if is_account(account) => Some(account),
        _ => None,
    }
}

fn account_of(arn: &str) -> Option<&str> {
    arn.split(':').nth(4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn principals_match_as_documented() {
        let user = Principal::Aws { arn: "arn:aws:iam::111122223333:user/alice", role_arn: None };
        let session = Principal::Aws {
            arn: "arn:aws:sts::111122223333:assumed-role/ops/now",
            role_arn: Some("arn:aws:iam::111122223333:role/team/ops"),
        };
        let aws = |text: &str| PrincipalPattern::Aws(text.to_owned());
        for (principal, pattern, expected) in [
            (user, PrincipalPattern::Anyone, true),
            (user, aws("111122223333"), true),
            (user, aws("arn:aws:iam::111122223333:root"), true),
            (user, aws("arn:aws:iam::111122223333:user/alice"), true),
            (user, aws("arn:aws:iam::111122223333:user/bob"), false),
            (user, aws("arn:aws:iam::111122223333:user/*"), false),
            (user, aws("444455556666"), false),
            (user, aws("arn:aws:iam::444455556666:root"), false),
            (session, aws("arn:aws:iam::111122223333:role/team/ops"), true),
            (session, aws("arn:aws:sts::111122223333:assumed-role/ops/now"), true),
            (session, aws("arn:aws:iam::111122223333:role/ops"), false),
            (user, PrincipalPattern::Service("ec2.amazonaws.com".to_owned()), false),
            (Principal::Service("ec2.amazonaws.com"), aws("111122223333"), false),
            (
                Principal::Service("ec2.amazonaws.com"),
                PrincipalPattern::Service("ec2.amazonaws.com".to_owned()),
                true,
            ),
            (
                Principal::Federated("accounts.google.com"),
                PrincipalPattern::Federated("accounts.google.com".to_owned()),
                true,
            ),
            (user, PrincipalPattern::CanonicalUser("79a5".to_owned()), false),
        ] {
            assert_eq!(principal.is_meant_by(&pattern), expected, "{principal:?} {pattern:?}");
        }
    }
}
