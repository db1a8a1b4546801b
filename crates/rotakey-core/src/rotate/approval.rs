//! Who must agree to a plan, and who has: an approval is bound to the hash of a plan, so that another plan
//! needs another one.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::plan::Plan;
use super::rotation::Rotation;
use crate::policy::Glob;

/// What can need approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ApprovedStep {
    /// That the rotation begins.
    Begin,
    /// That it deletes the old key.
    Delete,
}

impl ApprovedStep {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Begin, Self::Delete];

    /// As in the configuration and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Begin => "begin",
            Self::Delete => "delete",
        }
    }
}

impl fmt::Display for ApprovedStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for ApprovedStep {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|step| step.as_str() == text);
        found.ok_or_else(|| format!("{text:?} is not a step that is approved: there are begin and delete"))
    }
}

/// The SHA-256 of what a plan comes to, in hexadecimal. It does not change while nothing of substance does.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PlanHash(String);

impl PlanHash {
    /// How many digits people need to copy, at the least.
    pub const SHORTEST: usize = 12;

    pub(super) fn of_digest(digest: &[u8]) -> Self {
        Self(data_encoding::HEXLOWER.encode(digest))
    }

    /// All 64 digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first digits, as people see them.
    pub fn short(&self) -> &str {
        self.0.get(..Self::SHORTEST).unwrap_or(&self.0)
    }

    /// Whether a person who wrote that (all digits, or enough of the first ones) means this.
    pub fn is_meant_by(&self, text: &str) -> bool {
        text.len() >= Self::SHORTEST && self.0.starts_with(text)
    }
}

impl fmt::Display for PlanHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Whose approval a plan needs for one step. Part of the plan, and so of its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalNeed {
    /// The step.
    pub step: ApprovedStep,
    /// How many different people.
    pub people: u8,
    /// Patterns of the ARNs of those who may; anybody if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by: Vec<String>,
    /// How long an approval holds.
    pub valid_for: SignedDuration,
    /// Whether two sessions of one role are two people: their names are the identity provider's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub trust_session_names: bool,
}

/// That somebody agrees to a step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The step.
    pub step: ApprovedStep,
    /// The plan.
    pub plan: PlanHash,
    /// The ARN that AWS took the approver for.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// What is missing until a step may be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingApproval {
    /// The step.
    pub step: ApprovedStep,
    /// How many people have approved it.
    pub given: usize,
    /// How many must have.
    pub people: usize,
}

impl fmt::Display for MissingApproval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let people = if self.people == 1 { "person" } else { "people" };
        let what = match self.step {
            ApprovedStep::Begin => "to begin",
            ApprovedStep::Delete => "to delete the old key",
        };
        write!(f, "approval {what}: given by {} of {} {people}", self.given, self.people)
    }
}

/// The proof that a step has all the approvals that its plan needs; also of one that needs none.
#[derive(Debug, PartialEq, Eq)]
pub struct Approved(());

impl ApprovalNeed {
    /// Who has approved, among those that may and whose approval still holds, each person once.
    fn people_of<'a>(&self, approvals: &'a [Approval], now: Timestamp) -> BTreeSet<&'a str> {
        let allowed = |arn: &str| {
            self.by.is_empty() || self.by.iter().any(|pattern| Glob::from(pattern.as_str()).matches(arn))
        };
        approvals
            .iter()
            .filter(|approval| approval.step == self.step && allowed(&approval.by))
            .filter(|approval| now.duration_since(approval.at) < self.valid_for)
            .map(|approval| person(&approval.by, self.trust_session_names))
            .collect()
    }
}

impl Plan {
    /// The proof that the approvals suffice for the step at `now`, or what is missing. Approvals of another
    /// plan do not count.
    ///
    /// # Errors
    /// The first need that is not met.
    pub fn approved(
        &self,
        step: ApprovedStep,
        approvals: &[Approval],
        now: Timestamp,
    ) -> Result<Approved, MissingApproval> {
        let mut needs = self.approvals.iter().filter(|need| need.step == step).peekable();
        if needs.peek().is_none() {
            return Ok(Approved(()));
        }
        let hash = self.hash();
        let ours: Vec<_> = approvals.iter().filter(|approval| approval.plan == hash).cloned().collect();
        for need in needs {
            let (given, people) = (need.people_of(&ours, now).len(), usize::from(need.people));
            if given < people {
                return Err(MissingApproval { step, given, people });
            }
        }
        Ok(Approved(()))
    }

    /// Whether the step needs anybody's approval.
    pub fn needs_approval(&self, step: ApprovedStep) -> bool {
        self.approvals.iter().any(|need| need.step == step)
    }

    /// Whether the approval of that person would count for the step.
    pub fn may_approve(&self, step: ApprovedStep, arn: &str) -> bool {
        self.approvals.iter().any(|need| {
            let allowed = |pattern: &String| Glob::from(pattern.as_str()).matches(arn);
            need.step == step && (need.by.is_empty() || need.by.iter().any(allowed))
        })
    }
}

impl Rotation {
    /// What the log says that people have approved.
    pub fn approvals(&self) -> &[Approval] {
        &self.approvals
    }

    /// The approval without which the rotation does not go on from where it stands, or will not soon.
    pub fn awaits_approval(&self, now: Timestamp) -> Option<MissingApproval> {
        let step = self.state.next_approved_step(&self.plan)?;
        if self.rollback.is_some() {
            return None;
        }
        self.plan.approved(step, &self.approvals, now).err()
    }
}

/// The human or the program behind an ARN of STS, as far as it can be told. Whoever assumes a role chooses the
/// name of the session, so two sessions of one role are taken for one person, unless the names are trusted. IAM
/// Identity Center fills in the name of its user itself, and the same user may come by several of its roles.
fn person(arn: &str, trust_session_names: bool) -> &str {
    const IDENTITY_CENTER: &str = "AWSReservedSSO_";
    let resource = arn.splitn(6, ':').nth(5).unwrap_or(arn);
    match resource.split('/').collect::<Vec<_>>().as_slice() {
        ["assumed-role", role, session] if role.starts_with(IDENTITY_CENTER) => session,
        ["assumed-role", _, session] if trust_session_names => session,
        ["assumed-role", _, session] | ["federated-user", session] => &arn[..arn.len() - session.len()],
        _ => arn,
    }
}

#[cfg(test)]
mod tests {
    use std::slice;

    use super::*;
    use crate::rotate::model::{World, plan};
    use crate::rotate::plan::Timing;

    const ANN: &str = "arn:aws:iam::123456789012:user/ann";
    const BOB: &str = "arn:aws:iam::123456789012:user/bob";

    fn needing(people: u8, by: &[&str]) -> Plan {
        let mut plan = plan(&World::new(1, None), Timing::default());
        plan.approvals.push(ApprovalNeed {
            step: ApprovedStep::Delete,
            people,
            by: by.iter().map(|&by| by.to_owned()).collect(),
            valid_for: SignedDuration::from_hours(48),
            trust_session_names: false,
        });
        plan
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn of(plan: &Plan, by: &str) -> Approval {
        Approval {
            step: ApprovedStep::Delete,
            plan: plan.hash(),
            by: by.to_owned(),
            at: at("2026-01-01T00:00:00Z"),
        }
    }

    fn missing(plan: &Plan, approvals: &[Approval], now: &str) -> Option<String> {
        plan.approved(ApprovedStep::Delete, approvals, at(now)).err().map(|missing| missing.to_string())
    }

    #[test]
    fn two_people_are_two_people() {
        let plan = needing(2, &[]);
        let soon = "2026-01-01T01:00:00Z";
        let one = Some("approval to delete the old key: given by 1 of 2 people".to_owned());
        assert_eq!(missing(&plan, &[of(&plan, ANN)], soon), one);
        assert_eq!(missing(&plan, &[of(&plan, ANN), of(&plan, ANN)], soon), one, "one person twice is one");
        assert_eq!(missing(&plan, &[of(&plan, ANN), of(&plan, BOB)], soon), None);
    }

    #[test]
    fn whoever_names_their_own_session_is_not_two_people() {
        let session =
            |role: &str, name: &str| format!("arn:aws:sts::123456789012:assumed-role/{role}/{name}");
        let same = |one: String, other: String, trust| person(&one, trust) == person(&other, trust);
        assert!(same(session("Ops", "ann"), session("Ops", "bob"), false));
        assert!(
            !same(session("Ops", "ann"), session("Ops", "bob"), true),
            "if an identity provider names them"
        );
        assert!(!same(session("Ops", "ann"), session("Dev", "ann"), false));
        let (admin, reader) =
            ("AWSReservedSSO_Admin_0123456789abcdef", "AWSReservedSSO_Read_0123456789abcdef");
        assert!(same(session(admin, "ann@example.com"), session(reader, "ann@example.com"), false));
        assert!(!same(session(admin, "ann@example.com"), session(admin, "bob@example.com"), false));
    }

    #[test]
    fn an_approval_expires_and_holds_for_its_plan_only() {
        let plan = needing(1, &[]);
        let approval = of(&plan, ANN);
        assert_eq!(missing(&plan, slice::from_ref(&approval), "2026-01-02T23:59:59Z"), None);
        assert!(missing(&plan, slice::from_ref(&approval), "2026-01-03T00:00:00Z").is_some());
        let mut changed = plan.clone();
        changed.timing.delete_after += SignedDuration::from_hours(1);
        assert!(missing(&changed, slice::from_ref(&approval), "2026-01-01T01:00:00Z").is_some());
        let mut talked_of = plan;
        talked_of.reason = "77 days old".to_owned();
        assert_eq!(missing(&talked_of, &[approval], "2026-01-01T01:00:00Z"), None, "nothing of substance");
    }

    #[test]
    fn only_those_named_can_approve() {
        let plan = needing(1, &["arn:aws:iam::123456789012:user/ann"]);
        let soon = "2026-01-01T01:00:00Z";
        assert!(missing(&plan, &[of(&plan, BOB)], soon).is_some());
        assert!(!plan.may_approve(ApprovedStep::Delete, BOB));
        assert_eq!(missing(&plan, &[of(&plan, ANN)], soon), None);
    }

    #[test]
    fn what_needs_no_approval_is_approved() {
        let plan = needing(2, &[]);
        assert!(plan.approved(ApprovedStep::Begin, &[], at("2026-01-01T00:00:00Z")).is_ok());
    }
}
