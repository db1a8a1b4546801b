use std::sync::Mutex;

use async_trait::async_trait;
use futures::FutureExt;
use rotakey_core::audit::is_complete;
use rotakey_core::fact::{KeyFacts, KeyStatus, LastUsed};
use rotakey_core::id::AccessKeyId;
use rotakey_core::policy::KeySlot;

use super::super::{InlinePolicy, ManagedPolicy, NoProgress};
use super::*;
use crate::port::CallerIdentity;

const NOW: &str = "2026-11-23T12:00:00Z";
const ACCOUNT: &str = "111122223333";
const HEADER: &str = "user,arn,user_creation_time,password_enabled,\
    access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_region,\
    access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,\
    access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service";

/// A made-up account, which counts the calls.
struct Fake {
    report: Result<String, PortErrorKind>,
    details: Result<AccountDetails, PortErrorKind>,
    keys: BTreeMap<UserName, Result<Vec<KeyFacts>, PortErrorKind>>,
    last_used: Result<LastUsed, PortErrorKind>,
    calls: Mutex<Vec<String>>,
}

impl Fake {
    /// An account without users.
    fn new() -> Self {
        Self {
            report: Ok(HEADER.to_owned()),
            details: Ok(AccountDetails::default()),
            keys: BTreeMap::new(),
            last_used: Ok(LastUsed::Never),
            calls: Mutex::new(Vec::new()),
        }
    }

    /// A user in the report with a key of that creation, and another if given.
    fn reported(mut self, name: &str, first: &str, second: &str) -> Self {
        let key = |created: &str| match created {
            "" => "false,N/A,N/A,N/A,N/A".to_owned(),
            _ => format!("true,{created},2026-11-20T00:00:00Z,eu-central-1,s3"),
        };
        let row = format!(
            "\n{name},arn:aws:iam::{ACCOUNT}:user/{name},2020-01-01T00:00:00Z,true,{},{}",
            key(first),
            key(second)
        );
        self.report = self.report.map(|report| report + &row);
        self
    }

    /// A user in the authorization details.
    fn described(mut self, name: &str, policies: Policies, groups: &[&str]) -> Self {
        let details = self.details.as_mut().unwrap();
        details.users.push(UserDetails {
            name: name.parse().unwrap(),
            id: "AIDACKCEVSQ6C2EXAMPLE".parse().unwrap(),
            arn: format!("arn:aws:iam::{ACCOUNT}:user/{name}"),
            path: "/".to_owned(),
            created_at: "2020-01-01T00:00:00Z".parse().unwrap(),
            tags: Tags::from([("Owner".to_owned(), "Ann".to_owned())]),
            policies,
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            permissions_boundary: None,
        });
        self
    }

    /// What listing the keys of a user answers.
    fn listed(mut self, name: &str, keys: Result<&[(&str, &str)], PortErrorKind>) -> Self {
        let keys = keys.map(|keys| {
            let facts = keys.iter().map(|(id, created_at)| KeyFacts {
                id: id.parse().unwrap(),
                status: KeyStatus::Active,
                created_at: created_at.parse().unwrap(),
            });
            facts.collect()
        });
        self.keys.insert(name.parse().unwrap(), keys);
        self
    }

    fn called(&self, call: impl Into<String>) {
        self.calls.lock().unwrap().push(call.into());
    }

    fn calls(&self) -> Vec<String> {
        let mut calls = self.calls.lock().unwrap().clone();
        calls.sort();
        calls
    }

    fn load(&self) -> Result<AccountInventory, PortError> {
        let four = NonZeroUsize::new(4).unwrap();
        load(self, NOW.parse().unwrap(), &NoProgress, four).now_or_never().expect("the fake never waits")
    }
}

fn failed(kind: PortErrorKind, operation: &str) -> PortError {
    PortError::new(kind, operation, "no")
}

#[async_trait]
impl Inventory for Fake {
    async fn caller(&self) -> Result<CallerIdentity, PortError> {
        let arn = format!("arn:aws:iam::{ACCOUNT}:user/auditor");
        Ok(CallerIdentity { account_id: ACCOUNT.parse().unwrap(), arn })
    }

    async fn credential_report(&self, _: &dyn Progress) -> Result<CredentialReport, PortError> {
        let generated_at = "2026-11-23T09:00:00Z".parse().unwrap();
        let report = self.report.clone().map_err(|kind| failed(kind, "iam:GetCredentialReport"))?;
        Ok(CredentialReport { generated_at, csv: report.into_bytes() })
    }

    async fn account_details(&self, _: &dyn Progress) -> Result<AccountDetails, PortError> {
        self.details.clone().map_err(|kind| failed(kind, "iam:GetAccountAuthorizationDetails"))
    }

    async fn access_keys(&self, user: &UserName) -> Result<Vec<KeyFacts>, PortError> {
        self.called(format!("list {user}"));
        let keys = self.keys.get(user).cloned().unwrap_or(Err(PortErrorKind::NotFound));
        keys.map_err(|kind| failed(kind, "iam:ListAccessKeys"))
    }

    async fn last_used(&self, key: &AccessKeyId) -> Result<LastUsed, PortError> {
        self.called(format!("last used {key}"));
        self.last_used.clone().map_err(|kind| failed(kind, "iam:GetAccessKeyLastUsed"))
    }
}

const JANUARY: &str = "2026-01-01T00:00:00Z";
const NOON: &str = "2026-11-23T11:00:00Z";
const FIRST: &str = "AKIAIOSFODNN7EXAMPLE";
const SECOND: &str = "AKIAI44QH8DHBEXAMPLE";

fn unread(inventory: &AccountInventory) -> Vec<String> {
    let unread = inventory.gaps.iter().filter(|gap| gap.cause == Cause::NotRead);
    unread
        .map(|gap| {
            let user = gap.user_name.as_ref().map_or("all users", Principal::name);
            format!("{user}: {}: {}", gap.code.map_or("all checks", Code::as_str), gap.why)
        })
        .collect()
}

#[test]
fn only_users_that_hold_keys_or_are_new_are_asked_for() {
    let fake = Fake::new()
        .reported("alice", JANUARY, "")
        .reported("bob", "", "")
        .described("alice", Policies::default(), &[])
        .described("bob", Policies::default(), &[])
        .described("new", Policies::default(), &[])
        .listed("alice", Ok(&[(FIRST, JANUARY)]))
        .listed("new", Ok(&[]));
    let inventory = fake.load().unwrap();
    assert_eq!(fake.calls(), ["list alice", "list new"]);
    assert!(is_complete(&inventory.gaps));
    let [alice] = &inventory.subjects[..] else { panic!("only alice holds a key") };
    assert_eq!(alice.tags.known().unwrap()["Owner"], "Ann");
    assert_eq!(alice.privilege, Seen::Known(Privilege::Other));
    assert_eq!(alice.console_password, Seen::Known(true));
    let [key] = &alice.keys[..] else { panic!("one key") };
    assert_eq!((key.id.as_ref().unwrap().as_str(), key.slot), (FIRST, Some(KeySlot::First)));
    assert_eq!(key.last_used.known().and_then(LastUsed::at), Some("2026-11-20T00:00:00Z".parse().unwrap()));
    assert_eq!(key.last_used_as_of, inventory.report_generated_at);
}

#[test]
fn the_last_use_is_asked_for_only_where_the_report_leaves_it_open() {
    let fake = Fake::new()
        .reported("alice", JANUARY, "")
        .reported("twins", JANUARY, JANUARY)
        .listed("alice", Ok(&[(FIRST, JANUARY), ("AKIANEWERTHANTHEREPORT", NOON)]))
        .listed("twins", Ok(&[("AKIAFIRSTTWIN0000000", JANUARY), ("AKIASECONDTWIN000000", JANUARY)]));
    let inventory = fake.load().unwrap();
    assert_eq!(
        fake.calls(),
        [
            "last used AKIAFIRSTTWIN0000000",
            "last used AKIANEWERTHANTHEREPORT",
            "last used AKIASECONDTWIN000000",
            "list alice",
            "list twins",
        ]
    );
    let newer = &inventory.subjects[0].keys[1];
    assert_eq!(
        (&newer.last_used, newer.last_used_as_of),
        (&Seen::Known(LastUsed::Never), Some(NOW.parse().unwrap()))
    );
}

#[test]
fn a_user_deleted_since_the_report_is_no_gap() {
    let fake = Fake::new().reported("gone", JANUARY, "").listed("gone", Err(PortErrorKind::NotFound));
    let inventory = fake.load().unwrap();
    assert_eq!(inventory.subjects, []);
    assert!(is_complete(&inventory.gaps));
}

#[test]
fn a_user_that_cannot_be_read_is_judged_by_the_report_and_the_audit_not_complete() {
    let fake = Fake::new()
        .reported("alice", JANUARY, "")
        .reported("bob", JANUARY, "")
        .listed("alice", Err(PortErrorKind::Throttled))
        .listed("bob", Ok(&[(SECOND, JANUARY)]));
    let inventory = fake.load().unwrap();
    assert_eq!(
        unread(&inventory),
        [
            "alice: all checks: iam:ListAccessKeys: no; judged by the credential report of 2026-11-23T09:00:00Z, which has no key ids"
        ]
    );
    let ids: Vec<_> = inventory.subjects.iter().map(|subject| subject.keys[0].id.is_some()).collect();
    assert_eq!(ids, [false, true]);
}

#[test]
fn a_last_use_that_cannot_be_asked_for_is_unknown() {
    let mut fake = Fake::new().reported("alice", "", "").described("new", Policies::default(), &[]);
    fake = fake.listed("new", Ok(&[(FIRST, JANUARY)]));
    fake.last_used = Err(PortErrorKind::Throttled);
    let inventory = fake.load().unwrap();
    assert_eq!(inventory.subjects[0].keys[0].last_used, Seen::Unknown("iam:GetAccessKeyLastUsed: no".into()));
}

#[test]
fn without_the_details_users_are_read_but_their_tags_are_not_known() {
    let mut fake = Fake::new().reported("alice", JANUARY, "").listed("alice", Ok(&[(FIRST, JANUARY)]));
    fake.details = Err(PortErrorKind::Denied);
    let inventory = fake.load().unwrap();
    assert_eq!(unread(&inventory), ["all users: missing-tag: iam:GetAccountAuthorizationDetails: no"]);
    assert!(
        inventory.subjects[0].tags.known().is_none() && inventory.subjects[0].privilege.known().is_none()
    );
}

#[test]
fn without_a_report_all_users_are_asked_and_the_root_user_is_a_gap() {
    let cut_off = Fake::new().reported("alice", JANUARY, "").report.unwrap();
    for report in [Err(PortErrorKind::Denied), Ok(cut_off[..cut_off.len() - 1].to_owned() + "\nbob")] {
        let mut fake = Fake::new()
            .described("alice", Policies::default(), &[])
            .described("bob", Policies::default(), &[])
            .listed("alice", Ok(&[(FIRST, JANUARY)]))
            .listed("bob", Ok(&[]));
        fake.report = report;
        let inventory = fake.load().unwrap();
        assert_eq!(fake.calls(), [&format!("last used {FIRST}"), "list alice", "list bob"]);
        assert_eq!(inventory.subjects.len(), 1);
        let codes: Vec<_> = inventory.gaps.iter().filter_map(|gap| gap.code).collect();
        assert_eq!(codes, [Code::RootAccessKey, Code::ConsoleUserWithKeys]);
        assert!(!is_complete(&inventory.gaps));
    }
}

#[test]
fn without_both_nothing_is_claimed() {
    let mut fake = Fake::new();
    fake.report = Err(PortErrorKind::Denied);
    fake.details = Err(PortErrorKind::Denied);
    assert_eq!(fake.load().unwrap_err().operation, "iam:GetCredentialReport");
}

#[test]
fn the_root_user_comes_from_the_report_and_first() {
    let mut fake = Fake::new().reported("alice", JANUARY, "").listed("alice", Ok(&[(FIRST, JANUARY)]));
    let root = format!(
        "\n<root_account>,arn:aws:iam::{ACCOUNT}:root,2013-01-01T00:00:00Z,not_supported,true,\
         2014-01-01T00:00:00Z,N/A,N/A,N/A,false,N/A,N/A,N/A,N/A"
    );
    fake.report = fake.report.map(|report| report + &root);
    let inventory = fake.load().unwrap();
    let names: Vec<_> = inventory.subjects.iter().map(|subject| subject.principal.name()).collect();
    assert_eq!(names, ["<root_account>", "alice"]);
}

#[test]
fn administrators_are_found_through_their_groups_and_managed_policies() {
    let everything = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
    let attached = |arn: &str| Policies { attached: vec![arn.to_owned()], ..Policies::default() };
    let own = format!("arn:aws:iam::{ACCOUNT}:policy/everything");
    let inline = InlinePolicy { name: "all".into(), document: everything.into() };
    let mut fake = Fake::new()
        .described("by-aws", attached("arn:aws:iam::aws:policy/AdministratorAccess"), &[])
        .described("by-group", Policies::default(), &["admins"])
        .described("by-inline", Policies { inline: vec![inline], attached: Vec::new() }, &[])
        .described("by-own", attached(&own), &[])
        .described("lost-group", Policies::default(), &["elsewhere"])
        .described("plain", Policies::default(), &[]);
    let details = fake.details.as_mut().unwrap();
    details.managed_policies.push(ManagedPolicy { arn: own.clone(), document: everything.into() });
    details.groups.push(GroupDetails {
        name: "admins".into(),
        arn: format!("arn:aws:iam::{ACCOUNT}:group/admins"),
        policies: attached(&own),
    });
    let users = described(details);
    let found: Vec<_> = users
        .iter()
        .map(|(name, user)| match &user.privilege {
            Seen::Known(Privilege::Administrator { .. }) => format!("{name}: administrator"),
            Seen::Known(Privilege::Other) => format!("{name}: other"),
            Seen::Unknown(why) => format!("{name}: {why}"),
        })
        .collect();
    assert_eq!(
        found,
        [
            "by-aws: administrator",
            "by-group: administrator",
            "by-inline: administrator",
            "by-own: administrator",
            "lost-group: the policies of the group elsewhere are not known",
            "plain: other",
        ]
    );
}
