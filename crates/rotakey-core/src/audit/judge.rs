//! Applies all checks to the keys of one user.

use jiff::Timestamp;

use super::check::{Age, CHECKS, Check, Found, KeyCase, Verdict, Words};
use super::code::Code;
use super::finding::{Finding, KeyRecord, LastUsedState, NotJudged, PrivilegeState};
use super::mode::{Mode, days_of};
use crate::fact::LastUsed;
use crate::policy::{Applied, KeySubject, Limits, Period, Policy, Principal, Ruling, UserSubject, ruling};
use crate::text::SharedText;

/// Judges users by a policy, at one instant.
#[derive(Debug)]
pub struct Judge<'p> {
    policy: &'p Policy,
    now: Timestamp,
    mode: Mode,
    left_out: Vec<Code>,
}

/// What is said of one user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Judgement {
    /// Its keys.
    pub keys: Vec<KeyRecord>,
    /// What is wrong with them: key by key, and in the order of [`Code::ALL`].
    pub findings: Vec<Finding>,
    /// What could not be judged.
    pub not_judged: Vec<NotJudged>,
}

impl<'p> Judge<'p> {
    /// Judges at the instant `now`, of which fractions of a second are dropped.
    pub fn new(policy: &'p Policy, now: Timestamp, mode: Mode) -> Self {
        let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
        Self { policy, now, mode, left_out: Vec::new() }
    }

    /// Leaves out the checks that the gaps are about as a whole, so that each of them is told of once and not
    /// with every key.
    pub fn with_gaps(mut self, gaps: &[NotJudged]) -> Self {
        self.left_out.extend(gaps.iter().filter(|gap| gap.user_name.is_none()).filter_map(|gap| gap.code));
        self
    }

    /// The instant of the audit, in whole seconds.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Judges one user.
    pub fn user(&self, subject: &UserSubject) -> Judgement {
        self.opinion(subject).into_judgement()
    }

    /// Judges one user, and says as little of it as can be.
    pub fn opinion<'a>(&'a self, subject: &'a UserSubject) -> Opinion<'a> {
        let (limits, rule) = self.limits_and_rule(subject);
        let mut opinion =
            Opinion { judge: self, subject, limits, rule, hits: Vec::new(), not_judged: Vec::new() };
        for (index, key) in subject.keys.iter().enumerate() {
            let age = Age::of(key, self.now);
            let (policy, mode, now) = (self.policy, self.mode, self.now);
            let case = KeyCase { subject, key, limits, policy, mode, now, age };
            for check in CHECKS.iter().filter(|check| self.applies(check, subject)) {
                let code = check.code;
                match (check.judge)(&case) {
                    Verdict::Clear => {}
                    Verdict::Found(found) => {
                        let ruling = self.ruling(code, subject, key);
                        opinion.hits.push(Hit { key: index, code, ruling, found });
                    }
                    Verdict::CannotTell(cause, why) => {
                        opinion.not_judged.push(NotJudged::of_key(subject, key, Some(code), cause, why));
                    }
                }
            }
        }
        opinion
    }

    /// Negative if the clock is wrong.
    fn age_seconds(&self, created_at: Timestamp) -> i64 {
        self.now.as_second() - created_at.as_second()
    }

    fn applies(&self, check: &Check, subject: &UserSubject) -> bool {
        let in_mode = match self.mode {
            Mode::Exact => true,
            Mode::AwsConfig => check.code == Code::KeyTooOld && subject.principal != Principal::Root,
        };
        in_mode && !self.left_out.contains(&check.code)
    }

    fn ruling(&self, code: Code, subject: &UserSubject, key: &KeySubject) -> Ruling<'_> {
        match self.mode {
            Mode::Exact => ruling(&self.policy.exemptions, code, subject, key, self.now),
            Mode::AwsConfig => Ruling::Counts,
        }
    }

    fn limits_and_rule(&self, subject: &UserSubject) -> (Limits, RuleName<'_>) {
        match self.mode {
            Mode::Exact => {
                let applied = self.policy.limits_for(subject);
                (applied.limits, RuleName::Of(applied))
            }
            Mode::AwsConfig => {
                let default = self.policy.default_limits();
                let max_age = days_of(default.max_age);
                (Limits { max_age, ..default }, RuleName::AwsConfig(max_age))
            }
        }
    }

    fn record(
        &self,
        subject: &UserSubject,
        key: &KeySubject,
        limits: Limits,
        rule: &SharedText,
    ) -> KeyRecord {
        let created_at = key.created_at.known().copied();
        let (region, service) = match key.last_used.known() {
            Some(LastUsed::At { region, service, .. }) => (region.clone(), service.clone()),
            Some(LastUsed::Never) | None => (None, None),
        };
        KeyRecord {
            account_id: subject.account_id,
            user_name: subject.principal.clone(),
            user_arn: subject.arn.clone(),
            access_key_id: key.id.clone(),
            key_slot: key.slot,
            status: key.status,
            created_at,
            age_seconds: created_at.map(|created_at| self.age_seconds(created_at)),
            last_used: LastUsedState::from(&key.last_used),
            last_used_at: last_used_at(key),
            last_used_region: region,
            last_used_service: service,
            last_used_as_of: key.last_used_as_of,
            privilege: PrivilegeState::from(&subject.privilege),
            owner: self.policy.owner_of(subject).map(str::to_owned),
            rule: rule.clone(),
            limit_seconds: limits.max_age.as_seconds(),
            due_at: created_at.map(|created_at| self.mode.due_at(created_at, limits.max_age)),
        }
    }
}

/// What is thought of one user. It becomes a [`Judgement`] only for who wants to read it: the findings of a
/// million users are counted, and those of a hundred shown.
pub struct Opinion<'a> {
    judge: &'a Judge<'a>,
    subject: &'a UserSubject,
    limits: Limits,
    rule: RuleName<'a>,
    hits: Vec<Hit<'a>>,
    not_judged: Vec<NotJudged>,
}

/// A finding that is not told yet.
struct Hit<'a> {
    /// Which of the user's keys it is about.
    key: usize,
    code: Code,
    ruling: Ruling<'a>,
    found: Found<'a>,
}

/// What set the limits.
enum RuleName<'a> {
    Of(Applied<'a>),
    AwsConfig(Period),
}

impl RuleName<'_> {
    fn text(&self) -> SharedText {
        match self {
            Self::Of(applied) => applied.name(),
            Self::AwsConfig(max_age) => {
                format!("ACCESS_KEYS_ROTATED (maxAccessKeyAge {})", max_age.whole_days()).into()
            }
        }
    }
}

impl<'a> Opinion<'a> {
    /// The user with its keys.
    pub fn subject(&self) -> &'a UserSubject {
        self.subject
    }

    /// The code of every finding, and whether it counts: those that are exempt do not.
    pub fn findings(&self) -> impl Iterator<Item = (Code, bool)> {
        self.hits.iter().map(|hit| (hit.code, !matches!(hit.ruling, Ruling::Exempt(_))))
    }

    /// The age of the oldest key, in seconds.
    pub fn oldest_age(&self) -> Option<i64> {
        let created = self.subject.keys.iter().filter_map(|key| key.created_at.known());
        created.map(|created_at| self.judge.age_seconds(*created_at)).max()
    }

    /// Forgets all that is about other codes. What is about all checks stays.
    pub fn retain(&mut self, asked: impl Fn(Code) -> bool) {
        self.hits.retain(|hit| asked(hit.code));
        self.not_judged.retain(|gap| gap.code.is_none_or(&asked));
    }

    /// Takes out what could not be judged.
    pub fn take_not_judged(&mut self) -> Vec<NotJudged> {
        std::mem::take(&mut self.not_judged)
    }

    /// All of it in words.
    pub fn into_judgement(self) -> Judgement {
        let rule = self.rule.text();
        let record = |key| self.judge.record(self.subject, key, self.limits, &rule);
        let keys: Vec<_> = self.subject.keys.iter().map(record).collect();
        let findings = self.hits.into_iter().map(|hit| finding(&keys[hit.key], hit)).collect();
        Judgement { keys, findings, not_judged: self.not_judged }
    }
}

fn finding(record: &KeyRecord, Hit { code, ruling, found, .. }: Hit<'_>) -> Finding {
    let Words { message, next_command } = (found.words)();
    Finding {
        code,
        severity: code.severity(),
        account_id: record.account_id,
        user_name: record.user_name.clone(),
        user_arn: record.user_arn.clone(),
        access_key_id: record.access_key_id.clone(),
        key_slot: record.key_slot,
        created_at: record.created_at,
        age_seconds: record.age_seconds,
        last_used_at: record.last_used_at,
        rule: record.rule.clone(),
        limit_seconds: found.limit.map(|(limit, _)| limit.as_seconds()),
        due_at: found.limit.map(|(_, due_at)| due_at),
        message,
        next_command,
        exempt: ruling.exempt(),
        exemption_note: ruling.note(),
    }
}

fn last_used_at(key: &KeySubject) -> Option<Timestamp> {
    key.last_used.known().and_then(LastUsed::at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{is_complete, report_gaps};
    use crate::fact::{KeyStatus, Seen};
    use crate::policy::{check, test_key, test_subject};

    const NOW: &str = "2026-11-23T12:00:00.987Z";

    /// `code message [exemption]` for each finding of alice, whose key was created at the given instant.
    fn story(config: &str, mode: Mode, created_at: &str, change: impl FnOnce(&mut UserSubject)) -> String {
        let policy = check(config).unwrap().policy;
        let mut subject = test_subject("alice");
        subject.keys = vec![test_key(created_at)];
        change(&mut subject);
        let judgement = Judge::new(&policy, NOW.parse().unwrap(), mode).user(&subject);
        let findings = judgement.findings.iter().map(|finding| {
            let exempt = finding.exempt.as_ref().map(|exempt| format!(" [exempt until {}]", exempt.until));
            let note = finding.exemption_note.as_ref().map(|note| format!(" [{note}]"));
            let (code, message, rule) = (finding.code, &finding.message, &finding.rule);
            format!("{code}: {message} ({rule}){}{}\n", exempt.unwrap_or_default(), note.unwrap_or_default())
        });
        let gaps = judgement
            .not_judged
            .iter()
            .map(|gap| format!("not judged: {}: {}\n", gap.code.map_or("all", Code::as_str), gap.why));
        findings.chain(gaps).collect()
    }

    #[test]
    fn a_key_may_have_several_findings() {
        let neglected = |subject: &mut UserSubject| {
            subject.tags = Seen::Known(Default::default());
            subject.console_password = Seen::Known(true);
            subject.keys[0].last_used = Seen::Known(LastUsed::Never);
            subject.keys.push(KeySubject { status: KeyStatus::Inactive, ..test_key("2025-11-23T12:00:00Z") });
        };
        insta::assert_snapshot!(story("", Mode::Exact, "2026-08-24T08:00:00Z", neglected), @r"
        key-too-old: 91 d 4 h old, limit 90 d (default)
        key-never-used: never used in the 91 d 4 h since it was created, limit 45 d (default)
        missing-tag: alice lacks the tags Owner or owner or Contact or contact, Application, Environment (default)
        console-user-with-keys: alice can also sign in to the console with a password (default)
        inactive-key-left: inactive and left behind, 365 d old: whoever may update keys can make it active again (default)
        missing-tag: alice lacks the tags Owner or owner or Contact or contact, Application, Environment (default)
        ");
    }

    #[test]
    fn fractions_of_a_second_of_the_audit_make_no_key_too_old() {
        assert_eq!(story("[policy]\nwarn_before = \"0s\"", Mode::Exact, "2026-08-25T12:00:01Z", |_| {}), "");
        assert!(story("", Mode::Exact, "2026-08-25T12:00:00Z", |_| {}).starts_with("key-due-soon: 90 d old"));
        assert!(
            story("", Mode::Exact, "2026-08-25T11:59:59Z", |_| {}).starts_with("key-too-old: 90 d 1 s old")
        );
    }

    #[test]
    fn aws_config_judges_nothing_but_the_age_in_full_days() {
        let config = r#"
            [policy]
            max_age = "90d 12h"
            [[policy.rule]]
            name = "strict"
            match = { user = "alice" }
            max_age = "30d"
            [[policy.exemption]]
            match = { user = "alice" }
            checks = ["key-too-old"]
            owner = "platform"
            reason = "AWS Config knows no exemptions"
            expires = 2030-01-01
        "#;
        let old = |created_at: &str| {
            story(config, Mode::AwsConfig, created_at, |subject| {
                subject.tags = Seen::Known(Default::default());
                subject.console_password = Seen::Known(true);
            })
        };
        assert_eq!(old("2026-08-24T12:00:01Z"), "", "90 d 23 h 59 min 59 s");
        insta::assert_snapshot!(old("2026-08-24T12:00:00Z"), @"key-too-old: 91 d old, limit 90 d (ACCESS_KEYS_ROTATED (maxAccessKeyAge 90))");
        let inactive = |subject: &mut UserSubject| subject.keys[0].status = KeyStatus::Inactive;
        assert_eq!(story("", Mode::AwsConfig, "2020-01-01T00:00:00Z", inactive), "");
        let root = |subject: &mut UserSubject| subject.principal = Principal::Root;
        assert_eq!(story("", Mode::AwsConfig, "2020-01-01T00:00:00Z", root), "");
    }

    #[test]
    fn exempt_findings_stay_and_say_who_answers_for_them() {
        let config = |expires: &str| {
            format!(
                "[[policy.exemption]]\nmatch = {{ user = \"alice\" }}\nchecks = [\"key-too-old\"]\n\
                 owner = \"platform\"\nreason = \"SES relay\"\nexpires = {expires}\n"
            )
        };
        let old = |config: &str| story(config, Mode::Exact, "2026-08-01T12:00:00Z", |_| {});
        insta::assert_snapshot!(old(&config("2026-11-23")), @"key-too-old: 114 d old, limit 90 d (default) [exempt until 2026-11-24T00:00:00Z]");
        insta::assert_snapshot!(old(&config("2026-11-22")), @"key-too-old: 114 d old, limit 90 d (default) [the exemption of platform (SES relay) expired with 2026-11-22 (UTC)]");
    }

    #[test]
    fn the_root_user_is_judged_by_the_default_and_never_exempt_by_a_star() {
        let config = "[[policy.exemption]]\nmatch = { user = \"*\" }\nchecks = [\"root-access-key\"]\n\
                      owner = \"platform\"\nreason = \"none\"\nexpires = 2030-01-01\n";
        let root = |subject: &mut UserSubject| {
            subject.principal = Principal::Root;
            subject.tags = Seen::Known(Default::default());
        };
        insta::assert_snapshot!(story(config, Mode::Exact, "2026-08-01T12:00:00Z", root), @r"
        root-access-key: the root user has an active access key, which no policy can limit (default)
        key-too-old: 114 d old, limit 90 d (default)
        ");
    }

    #[test]
    fn what_is_not_known_is_listed_and_the_audit_not_complete() {
        let policy = Policy::default();
        let mut subject = test_subject("alice");
        subject.keys[0].created_at = Seen::Unknown("the report has no date for it".into());
        subject.keys[0].last_used = Seen::Unknown("throttled".into());
        subject.tags = Seen::Unknown("denied".into());
        let judgement = Judge::new(&policy, NOW.parse().unwrap(), Mode::Exact).user(&subject);
        assert_eq!(judgement.findings, []);
        let codes: Vec<_> = judgement.not_judged.iter().filter_map(|gap| gap.code).collect();
        assert_eq!(codes, [Code::KeyTooOld, Code::KeyUnused, Code::MissingTag]);
        assert!(!is_complete(&judgement.not_judged));
    }

    #[test]
    fn what_a_report_never_tells_is_said_once_and_is_no_failure() {
        let policy = Policy::default();
        let mut subject = test_subject("alice");
        subject.tags = Seen::Unknown("a credential report does not tell it".into());
        let gaps = report_gaps();
        let judge = Judge::new(&policy, NOW.parse().unwrap(), Mode::Exact).with_gaps(&gaps);
        assert_eq!(judge.user(&subject).not_judged, []);
        assert!(is_complete(&gaps));
    }
}
