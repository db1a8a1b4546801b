//! Whether a user's policies make it an administrator.
//!
//! An administrator is who can do everything, and also who can give it to itself in one step: attach
//! a policy, write one, take another user's place, or start a machine under a role of its choice (the ways
//! that Rhino Security Labs, "AWS IAM Privilege Escalation", and Bishop Fox, "IAM Vulnerable", describe).

use crate::condition::Condition;
use crate::document::{Effect, PolicyDocument, Scope, Statement, Version};
use crate::evaluate::Context;
use crate::managed;
use crate::pattern::Pattern;

/// A user with all policies that apply to it.
#[derive(Debug, Clone)]
pub struct Holder<'a> {
    /// The ARN of the user.
    pub user_arn: &'a str,
    /// The ARNs of the groups that it is in.
    pub group_arns: Vec<&'a str>,
    /// Its own inline and attached policies and those of its groups.
    pub policies: Vec<HeldPolicy<'a>>,
}

/// One policy of a user.
#[derive(Debug, Clone, Copy)]
pub struct HeldPolicy<'a> {
    /// The name of the group that it comes from, if it is not the user's own.
    pub group: Option<&'a str>,
    /// Which policy.
    pub source: PolicySource<'a>,
}

/// Where the text of a policy is found.
#[derive(Debug, Clone, Copy)]
pub enum PolicySource<'a> {
    /// An inline policy.
    Inline {
        /// Its name.
        name: &'a str,
        /// Its document, percent-encoded or not.
        document: &'a str,
    },
    /// A managed policy.
    Managed {
        /// Its ARN.
        arn: &'a str,
        /// The document of its default version, percent-encoded or not. It may be left out for policies
        /// that AWS manages: those that make administrators are known.
        document: Option<&'a str>,
    },
}

/// What a user's policies make of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Privilege {
    /// It can do everything, or give it to itself in one step.
    Administrator {
        /// Which statement says so: `iam:AttachUserPolicy on * in inline policy ops`. Quotes the policy:
        /// to be escaped for a terminal.
        because: String,
    },
    /// Neither.
    Other,
    /// A policy could not be read. Nothing that could be read makes it an administrator.
    Unknown {
        /// Which, and why not.
        because: String,
    },
}

/// Judges a user by its policies.
///
/// Conditions on who asks, from where and when (MFA, addresses, dates) are taken to be met; conditions on
/// *what* is attached, passed or touched (`iam:PolicyARN`, `iam:PassedToService`, resource tags, …) are
/// heeded. A Deny counts if it has no condition. Permissions boundaries and organization policies are not
/// looked at.
pub fn privilege(holder: &Holder<'_>) -> Privilege {
    let mut statements = Vec::new();
    let mut unreadable = None;
    for policy in &holder.policies {
        match policy.document() {
            Ok(Some(document)) => statements.extend(document.statements.iter().map(|statement| Held {
                policy,
                version: document.version,
                statement: statement.clone(),
            })),
            Ok(None) => {}
            Err(why) => unreadable = unreadable.or(Some(format!("{}: {why}", policy.describe()))),
        }
    }
    let judged = Judged { user: User::new(holder), statements };
    match (judged.direct_way().or_else(|| judged.way_by_passing_a_role()), unreadable) {
        (Some(because), _) => Privilege::Administrator { because },
        (None, Some(because)) => Privilege::Unknown { because },
        (None, None) => Privilege::Other,
    }
}

/// What an escalating action acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    /// An arbitrary user.
    AnyUser,
    /// The user itself.
    Itself,
    /// An arbitrary group.
    AnyGroup,
    /// A group that the user is in.
    OwnGroup,
    /// An arbitrary role.
    AnyRole,
    /// An arbitrary customer managed policy.
    AnyPolicy,
    /// A customer managed policy that applies to the user.
    OwnPolicy,
}

/// The actions that are enough by themselves, each with the targets on which it is.
const DIRECT_WAYS: [(&str, &[Target]); 13] = [
    ("iam:AttachUserPolicy", &[Target::AnyUser, Target::Itself]),
    ("iam:PutUserPolicy", &[Target::AnyUser, Target::Itself]),
    ("iam:AttachGroupPolicy", &[Target::AnyGroup, Target::OwnGroup]),
    ("iam:PutGroupPolicy", &[Target::AnyGroup, Target::OwnGroup]),
    ("iam:AttachRolePolicy", &[Target::AnyRole]),
    ("iam:PutRolePolicy", &[Target::AnyRole]),
    ("iam:UpdateAssumeRolePolicy", &[Target::AnyRole]),
    ("iam:AddUserToGroup", &[Target::AnyGroup]),
    ("iam:CreatePolicyVersion", &[Target::AnyPolicy, Target::OwnPolicy]),
    ("iam:SetDefaultPolicyVersion", &[Target::AnyPolicy]),
    ("iam:CreateLoginProfile", &[Target::AnyUser]),
    ("iam:UpdateLoginProfile", &[Target::AnyUser]),
    ("iam:CreateAccessKey", &[Target::AnyUser]),
];

/// The services that run what they are told under a role passed to them, with the actions that this takes.
const PASSED_ROLE_WAYS: [(&str, &[&str]); 11] = [
    ("cloudformation.amazonaws.com", &["cloudformation:CreateStack"]),
    ("codebuild.amazonaws.com", &["codebuild:CreateProject", "codebuild:StartBuild"]),
    (
        "datapipeline.amazonaws.com",
        &[
            "datapipeline:CreatePipeline",
            "datapipeline:PutPipelineDefinition",
            "datapipeline:ActivatePipeline",
        ],
    ),
    ("ec2.amazonaws.com", &["ec2:RunInstances"]),
    ("ecs-tasks.amazonaws.com", &["ecs:RegisterTaskDefinition", "ecs:RunTask"]),
    ("glue.amazonaws.com", &["glue:CreateDevEndpoint"]),
    ("glue.amazonaws.com", &["glue:CreateJob", "glue:StartJobRun"]),
    ("lambda.amazonaws.com", &["lambda:CreateFunction", "lambda:InvokeFunction"]),
    ("lambda.amazonaws.com", &["lambda:CreateFunction", "lambda:AddPermission"]),
    ("lambda.amazonaws.com", &["lambda:CreateFunction", "lambda:CreateEventSourceMapping"]),
    (
        "sagemaker.amazonaws.com",
        &["sagemaker:CreateNotebookInstance", "sagemaker:CreatePresignedNotebookInstanceUrl"],
    ),
];

impl<'a> HeldPolicy<'a> {
    /// The policy's document; `None` for a policy of AWS that makes nobody an administrator.
    fn document(&self) -> Result<Option<PolicyDocument>, String> {
        let parse = |text| PolicyDocument::parse(text).map(Some).map_err(|error| error.to_string());
        match self.source {
            PolicySource::Inline { document, .. } => parse(document),
            PolicySource::Managed { document: Some(document), .. } => parse(document),
            PolicySource::Managed { arn, document: None } => {
                if managed::managed_by_aws(arn).is_none() {
                    return Err("its document is not known".to_owned());
                }
                Ok(managed::administrator_actions(arn).map(|actions| PolicyDocument {
                    version: Version::V2012,
                    id: None,
                    statements: vec![Statement {
                        sid: None,
                        effect: Effect::Allow,
                        principals: None,
                        actions: Scope::Only(actions.iter().map(|action| (*action).to_owned()).collect()),
                        resources: Some(Scope::Only(vec!["*".to_owned()])),
                        conditions: Vec::new(),
                    }],
                }))
            }
        }
    }

    fn describe(&self) -> String {
        let policy = match self.source {
            PolicySource::Inline { name, .. } => format!("inline policy {name}"),
            PolicySource::Managed { arn, .. } => format!("managed policy {arn}"),
        };
        match self.group {
            Some(group) => format!("{policy} of group {group}"),
            None => policy,
        }
    }
}

/// The user, and the ARNs that the targets stand for.
struct User<'a> {
    holder: &'a Holder<'a>,
    /// `arn:aws:iam::111122223333:`
    prefix: String,
    /// What `${aws:username}` stands for.
    context: Context,
}

/// A name that a policy matches only if it means all names.
const ANY: &str = "rotakey.stands-for@any,name";

impl<'a> User<'a> {
    fn new(holder: &'a Holder<'a>) -> Self {
        let mut parts = holder.user_arn.splitn(6, ':');
        let partition = parts.nth(1).unwrap_or("aws");
        let account = parts.nth(2).unwrap_or_default();
        let name = holder.user_arn.rsplit('/').next().unwrap_or_default();
        Self {
            holder,
            prefix: format!("arn:{partition}:iam::{account}:"),
            context: Context::new().with("aws:username", name).with("aws:PrincipalAccount", account),
        }
    }

    fn arns(&self, target: Target) -> Vec<String> {
        let any = |kind: &str| vec![format!("{}{kind}/{ANY}", self.prefix)];
        match target {
            Target::AnyUser => any("user"),
            Target::AnyGroup => any("group"),
            Target::AnyRole => any("role"),
            Target::AnyPolicy => any("policy"),
            Target::Itself => vec![self.holder.user_arn.to_owned()],
            Target::OwnGroup => self.holder.group_arns.iter().map(|arn| (*arn).to_owned()).collect(),
            Target::OwnPolicy => self.own_policies().map(str::to_owned).collect(),
        }
    }

    fn own_policies(&self) -> impl Iterator<Item = &'a str> {
        self.holder.policies.iter().filter_map(|policy| match policy.source {
            PolicySource::Managed { arn, .. } if managed::managed_by_aws(arn).is_none() => Some(arn),
            _ => None,
        })
    }

    /// Whether a condition leaves the way open that leads through `service` (for passed roles).
    fn leaves_open(&self, condition: &Condition, service: Option<&str>) -> bool {
        let met = |key: &str, value: &str| {
            condition.is_met(Version::V2012, &self.context.clone().with(key, value)) == Some(true)
        };
        let key = condition.key.to_ascii_lowercase();
        match (key.as_str(), service) {
            ("iam:policyarn", _) => ["AdministratorAccess", "IAMFullAccess"]
                .iter()
                .any(|name| met(&key, &format!("{}policy/{name}", self.managed_prefix()))),
            ("iam:passedtoservice", Some(service)) => {
                met(&key, service) || met(&key, &format!("{service}.cn"))
            }
            ("iam:permissionsboundary", _) => false,
            _ => ![
                "aws:calledvia",
                "aws:resourcetag/",
                "aws:ismcpserviceaction",
                "aws:via",
                "iam:resourcetag/",
            ]
            .iter()
            .any(|prefix| key.starts_with(prefix)),
        }
    }

    fn managed_prefix(&self) -> String {
        let partition = self.prefix.split(':').nth(1).unwrap_or("aws");
        format!("arn:{partition}:iam::aws:")
    }
}

/// A statement, and the policy that it stands in.
struct Held<'a> {
    policy: &'a HeldPolicy<'a>,
    version: Version,
    statement: Statement,
}

/// The statements of all policies of a user.
struct Judged<'a> {
    user: User<'a>,
    statements: Vec<Held<'a>>,
}

impl Judged<'_> {
    /// The first direct way that is open, in words.
    fn direct_way(&self) -> Option<String> {
        DIRECT_WAYS.iter().find_map(|(action, targets)| {
            let arns = targets.iter().flat_map(|target| self.user.arns(*target));
            arns.into_iter().find_map(|arn| self.grant(action, &arn, None))
        })
    }

    /// The first service that would run the user's code under a role of the user's choice, in words.
    fn way_by_passing_a_role(&self) -> Option<String> {
        PASSED_ROLE_WAYS.iter().find_map(|(service, actions)| {
            let [role] = &self.user.arns(Target::AnyRole)[..] else { return None };
            let grant = self.grant("iam:PassRole", role, Some(service))?;
            let launches = actions.iter().all(|action| self.grants_somewhere(action));
            launches.then(|| format!("{grant}, with {}", actions.join(" and ")))
        })
    }

    /// The grant of an action on a resource, in words, unless it is denied.
    fn grant(&self, action: &str, arn: &str, service: Option<&str>) -> Option<String> {
        let concerns = |held: &Held<'_>| {
            held.statement.names_action(action)
                && held.statement.names_resource(arn, held.version, &self.user.context)
        };
        if self.denials().any(concerns) {
            return None;
        }
        let granting =
            self.grants().filter(|held| self.is_open(held, service)).find(|held| concerns(held))?;
        Some(granting.in_words(action, arn, &self.user.context))
    }

    /// Whether an action is allowed on any resource at all.
    fn grants_somewhere(&self, action: &str) -> bool {
        let denied = self.denials().any(|held| {
            let everywhere = match &held.statement.resources {
                Some(Scope::Only(resources)) => resources.iter().any(|resource| resource == "*"),
                _ => false,
            };
            everywhere && held.statement.names_action(action)
        });
        !denied && self.grants().any(|held| self.is_open(held, None) && held.statement.names_action(action))
    }

    fn grants(&self) -> impl Iterator<Item = &Held<'_>> {
        self.statements.iter().filter(|held| held.statement.effect == Effect::Allow)
    }

    fn denials(&self) -> impl Iterator<Item = &Held<'_>> {
        self.statements
            .iter()
            .filter(|held| held.statement.effect == Effect::Deny && held.statement.conditions.is_empty())
    }

    fn is_open(&self, held: &Held<'_>, service: Option<&str>) -> bool {
        held.statement.conditions.iter().all(|condition| self.user.leaves_open(condition, service))
    }
}

impl Held<'_> {
    /// `iam:* on * in inline policy ops`, with the entries of the statement that grant the action.
    fn in_words(&self, action: &str, arn: &str, context: &Context) -> String {
        let lower = action.to_ascii_lowercase();
        let action = match &self.statement.actions {
            Scope::Only(entries) => entries
                .iter()
                .find(|entry| Pattern::wild_lowercase(entry).matches(&lower))
                .map_or(action.to_owned(), Clone::clone),
            Scope::AllBut(entries) => format!("{action} (all but {})", entries.join(", ")),
        };
        let resource = match &self.statement.resources {
            Some(Scope::Only(entries)) => entries
                .iter()
                .find(|entry| {
                    Pattern::with_variables(entry, self.version, context)
                        .is_some_and(|pattern| pattern.matches_arn(arn))
                })
                .map_or("*".to_owned(), Clone::clone),
            Some(Scope::AllBut(entries)) => format!("all but {}", entries.join(", ")),
            None => "*".to_owned(),
        };
        format!("{action} on {resource} in {}", self.policy.describe())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALICE: &str = "arn:aws:iam::111122223333:user/team/alice";
    const GROUP: &str = "arn:aws:iam::111122223333:group/admins";

    fn document(statements: &str) -> String {
        format!(r#"{{"Version": "2012-10-17", "Statement": [{statements}]}}"#)
    }

    /// The verdict over a user whose inline policy `ops` has these statements.
    fn inline(statements: &str) -> Privilege {
        let document = document(statements);
        judge(vec![HeldPolicy {
            group: None,
            source: PolicySource::Inline { name: "ops", document: &document },
        }])
    }

    fn judge(policies: Vec<HeldPolicy<'_>>) -> Privilege {
        privilege(&Holder { user_arn: ALICE, group_arns: vec![GROUP], policies })
    }

    fn attached(arn: &str) -> HeldPolicy<'_> {
        HeldPolicy { group: None, source: PolicySource::Managed { arn, document: None } }
    }

    fn administrator(because: &str) -> Privilege {
        Privilege::Administrator { because: because.to_owned() }
    }

    #[test]
    fn everything_and_the_ways_to_it_make_an_administrator() {
        for (statement, because) in [
            (r#"{"Effect": "Allow", "Action": "*", "Resource": "*"}"#, "* on *"),
            (r#"{"Effect": "Allow", "Action": "*:*", "Resource": "*"}"#, "*:* on *"),
            (r#"{"Effect": "Allow", "Action": ["s3:*", "iam:*"], "Resource": "*"}"#, "iam:* on *"),
            (
                r#"{"Effect": "Allow", "Action": "IAM:attachuserpolicy", "Resource": "*"}"#,
                "IAM:attachuserpolicy on *",
            ),
            (
                r#"{"Effect": "Allow", "Action": "iam:Put*", "Resource": "arn:aws:iam::*:user/*"}"#,
                "iam:Put* on arn:aws:iam::*:user/*",
            ),
            (
                r#"{"Effect": "Allow", "Action": "iam:PutUserPolicy",
                 "Resource": "arn:aws:iam::*:user/*/${aws:username}"}"#,
                "iam:PutUserPolicy on arn:aws:iam::*:user/*/${aws:username}",
            ),
            (
                r#"{"Effect": "Allow", "Action": "iam:PutGroupPolicy",
                 "Resource": "arn:aws:iam::111122223333:group/admins"}"#,
                "iam:PutGroupPolicy on arn:aws:iam::111122223333:group/admins",
            ),
            (
                r#"{"Effect": "Allow", "Action": "iam:CreatePolicyVersion", "Resource": "*"}"#,
                "iam:CreatePolicyVersion on *",
            ),
            (
                r#"{"Effect": "Allow", "Action": "iam:CreateAccessKey", "Resource": "*",
                 "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}"#,
                "iam:CreateAccessKey on *",
            ),
            (
                r#"{"Effect": "Allow", "NotAction": "organizations:*", "Resource": "*"}"#,
                "iam:AttachUserPolicy (all but organizations:*) on *",
            ),
            (
                r#"{"Effect": "Allow", "Action": "iam:UpdateAssumeRolePolicy",
                 "NotResource": "arn:aws:iam::*:role/break-glass"}"#,
                "iam:UpdateAssumeRolePolicy on all but arn:aws:iam::*:role/break-glass",
            ),
            (
                r#"{"Effect": "Allow", "Action": "*", "Resource": "*"},
                {"Effect": "Deny", "Action": "iam:*", "Resource": "*",
                 "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}}}"#,
                "* on *",
            ),
            (
                r#"{"Effect": "Allow", "Action": "iam:*", "Resource": "*"},
                {"Effect": "Deny", "Action": "iam:*User*", "Resource": "*"}"#,
                "iam:* on *",
            ),
        ] {
            let expected = administrator(&format!("{because} in inline policy ops"));
            assert_eq!(inline(statement), expected, "{statement}");
        }
    }

    #[test]
    fn each_listed_way_is_enough_by_itself() {
        for (action, _) in DIRECT_WAYS {
            let verdict = inline(&format!(r#"{{"Effect": "Allow", "Action": "{action}", "Resource": "*"}}"#));
            assert_eq!(verdict, administrator(&format!("{action} on * in inline policy ops")));
        }
        for (_, actions) in PASSED_ROLE_WAYS {
            let actions = actions.join(r#"", ""#);
            let verdict = inline(&format!(
                r#"{{"Effect": "Allow", "Action": ["iam:PassRole", "{actions}"], "Resource": "*"}}"#
            ));
            assert!(matches!(verdict, Privilege::Administrator { .. }), "{actions}");
        }
    }

    #[test]
    fn narrower_grants_make_none() {
        for statement in [
            "",
            r#"{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}"#,
            r#"{"Effect": "Allow", "Action": "iam:Get*", "Resource": "*"}"#,
            r#"{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}"#,
            r#"{"Effect": "Allow", "Action": "iam:*", "Resource": "arn:aws:iam::*:user/apps/*"}"#,
            r#"{"Effect": "Allow", "Action": "iam:*AccessKey*",
                "Resource": "arn:aws:iam::*:user/*/${aws:username}"}"#,
            r#"{"Effect": "Allow", "Action": "iam:AttachUserPolicy", "Resource": "*",
                "Condition": {"ArnEquals": {"iam:PolicyARN": "arn:aws:iam::aws:policy/ReadOnlyAccess"}}}"#,
            r#"{"Effect": "Allow", "Action": "iam:AttachUserPolicy", "Resource": "*", "Condition":
                {"StringEquals": {"iam:PermissionsBoundary": "arn:aws:iam::111122223333:policy/edge"}}}"#,
            r#"{"Effect": "Allow", "Action": ["iam:PassRole"], "Resource": "*"}"#,
            r#"{"Effect": "Allow", "Action": ["iam:PassRole", "ec2:RunInstances"], "Resource": "*",
                "Condition": {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}}"#,
            r#"{"Effect": "Allow", "Action": ["ec2:*", "lambda:*"], "Resource": "*"},
               {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "arn:aws:iam::*:role/app-*"}"#,
            r#"{"Effect": "Allow", "Action": "*", "Resource": "*"},
               {"Effect": "Deny", "Action": "iam:*", "Resource": "*"}"#,
            r#"{"Effect": "Allow", "Action": "iam:PutUserPolicy", "Resource": "*"},
               {"Effect": "Deny", "NotAction": "iam:Get*", "Resource": "*"}"#,
        ] {
            assert_eq!(inline(statement), Privilege::Other, "{statement}");
        }
    }

    #[test]
    fn a_role_passed_to_a_service_that_may_be_started_makes_an_administrator() {
        let verdict = inline(
            r#"{"Effect": "Allow", "Action": "ec2:*", "Resource": "arn:aws:ec2:eu-west-1:*:*"},
               {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "arn:aws:iam::*:role/*",
                "Condition": {"StringLike": {"iam:PassedToService": "ec2.*"}}}"#,
        );
        let because = "iam:PassRole on arn:aws:iam::*:role/* in inline policy ops, with ec2:RunInstances";
        assert_eq!(verdict, administrator(because));
    }

    #[test]
    fn policies_of_aws_are_known_in_every_partition() {
        for partition in ["aws", "aws-cn", "aws-us-gov"] {
            let arn = format!("arn:{partition}:iam::aws:policy/AdministratorAccess");
            let because = format!("* on * in managed policy {arn} of group admins");
            let policy = HeldPolicy { group: Some("admins"), ..attached(&arn) };
            assert_eq!(judge(vec![policy]), administrator(&because));
        }
        assert_eq!(judge(vec![attached("arn:aws:iam::aws:policy/ReadOnlyAccess")]), Privilege::Other);
        let deny = document(r#"{"Effect": "Deny", "Action": "*", "Resource": "*"}"#);
        let denied =
            HeldPolicy { group: None, source: PolicySource::Inline { name: "stop", document: &deny } };
        let verdict = judge(vec![attached("arn:aws:iam::aws:policy/AdministratorAccess"), denied]);
        assert_eq!(verdict, Privilege::Other);
    }

    #[test]
    fn a_new_version_of_ones_own_policy_is_a_way() {
        let arn = "arn:aws:iam::111122223333:policy/apps";
        let text = document(&format!(
            r#"{{"Effect": "Allow", "Action": "iam:CreatePolicyVersion", "Resource": "{arn}"}}"#
        ));
        let policy = HeldPolicy { group: None, source: PolicySource::Managed { arn, document: Some(&text) } };
        assert!(matches!(judge(vec![policy]), Privilege::Administrator { .. }));
        assert_eq!(inline(&text[text.find('[').unwrap() + 1..text.rfind(']').unwrap()]), Privilege::Other);
    }

    #[test]
    fn what_cannot_be_read_is_never_taken_for_harmless() {
        let broken = HeldPolicy { group: None, source: PolicySource::Inline { name: "torn", document: "{" } };
        let Privilege::Unknown { because } = judge(vec![broken]) else { panic!("must be unknown") };
        assert!(because.starts_with("inline policy torn: not JSON: EOF"), "{because}");

        let unseen = attached("arn:aws:iam::111122223333:policy/apps");
        let because = "managed policy arn:aws:iam::111122223333:policy/apps: its document is not known";
        assert_eq!(judge(vec![unseen]), Privilege::Unknown { because: because.to_owned() });

        let verdict = judge(vec![broken, attached("arn:aws:iam::aws:policy/IAMFullAccess")]);
        assert!(matches!(verdict, Privilege::Administrator { .. }), "{verdict:?}");
    }
}
