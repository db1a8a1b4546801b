//! Judging, apart from writing: portions of an audit can be made in any thread, down to their text, and are
//! written in order.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rotakey_core::audit::{Code, DocumentPart, FindingsCsv, Judge, Mode, NotJudged, Severity, is_complete};
use rotakey_core::id::UserName;
use rotakey_core::policy::{Policy, UserSubject};

use super::AuditArgs;
use super::tally::{Tally, Worst};
use crate::cli::Format;
use crate::error::Verdict;

/// The most users that people are shown.
const SCREENFUL: usize = 100;

/// What is asked of an audit: the arguments, understood.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    pub(super) judge: Judge<'a>,
    pub(super) mode: Mode,
    pub(super) users: &'a [UserName],
    only: &'a [Code],
    fail_on: Severity,
    all: bool,
    pub(super) format: Format,
}

/// What was made of some users.
#[derive(Debug)]
pub(super) struct Portion {
    pub(super) tally: Tally,
    pub(super) not_judged: Vec<NotJudged>,
    /// Those of the users asked about that were among them.
    pub(super) seen: BTreeSet<UserName>,
    pub(super) material: Material,
}

/// The judgements in the form that was asked for.
#[derive(Debug)]
pub(super) enum Material {
    Human(Worst),
    Json(DocumentPart),
    Csv(FindingsCsv),
}

impl<'a> Question<'a> {
    /// Understands the arguments. What the gaps are about as a whole is not judged.
    pub(super) fn new(
        args: &'a AuditArgs,
        policy: &'a Policy,
        gaps: &[NotJudged],
        format: Format,
        now: Timestamp,
    ) -> Self {
        let mode = if args.as_aws_config { Mode::AwsConfig } else { Mode::Exact };
        Self {
            judge: Judge::new(policy, args.at.unwrap_or(now), mode).with_gaps(gaps),
            mode,
            users: &args.users,
            only: &args.only,
            fail_on: args.fail_on,
            all: args.all,
            format,
        }
    }

    /// A portion with nothing in it.
    pub(super) fn begin(&self) -> Portion {
        Portion {
            tally: Tally::default(),
            not_judged: Vec::new(),
            seen: BTreeSet::new(),
            material: match self.format {
                Format::Human => Material::Human(self.worst()),
                Format::Json => Material::Json(DocumentPart::default()),
                Format::Csv => Material::Csv(FindingsCsv::without_header()),
            },
        }
    }

    /// Judges one user, if it is asked about, and adds what is found to the portion.
    pub(super) fn judge(&self, subject: &UserSubject, portion: &mut Portion) {
        if !self.users.is_empty() {
            let Some(name) = subject.principal.user().filter(|name| self.users.contains(name)) else {
                return;
            };
            portion.seen.insert(name.clone());
        }
        let mut opinion = self.judge.opinion(subject);
        opinion.retain(|code| self.asks_about(code));
        portion.tally.add(&opinion);
        portion.not_judged.append(&mut opinion.take_not_judged());
        match &mut portion.material {
            Material::Human(worst) => worst.add(opinion),
            Material::Json(document) => document.user(&opinion.into_judgement()),
            Material::Csv(lines) => {
                opinion.into_judgement().findings.iter().for_each(|finding| lines.finding(finding));
            }
        }
    }

    /// Nobody yet, and room for as many as are to be shown.
    pub(super) fn worst(&self) -> Worst {
        Worst::new((!self.all).then_some(SCREENFUL))
    }

    /// What the exit code says.
    pub(super) fn verdict(&self, tally: &Tally, not_judged: &[NotJudged]) -> Verdict {
        if !is_complete(not_judged) {
            Verdict::Incomplete
        } else if tally.worst_severity().is_some_and(|severity| severity >= self.fail_on) {
            Verdict::Findings
        } else {
            Verdict::Clean
        }
    }

    fn asks_about(&self, code: Code) -> bool {
        self.only.is_empty() || self.only.contains(&code)
    }
}
