//! `rotakey rotate plan`: what a rotation would do, when and why. Changes nothing.

use std::collections::BTreeSet;

use clap::Args;
use jiff::Timestamp;
use rotakey_core::audit::{NotJudged, is_complete};
use rotakey_core::destination::DestinationSpec;
use rotakey_core::fact::LastUsed;
use rotakey_core::id::{AccountId, RotationId, UserName};
use rotakey_core::policy::{Config, Principal, UserSubject};
use rotakey_core::rotate::controls::{Candidate, Controls, Forecast, Halt};
use rotakey_core::rotate::{
    ApprovedStep, Choice, ConsumerUse, KnownKey, KnownUsage, LOOK_BACK, Plan, PlanHash, hash_of_all,
};
use rotakey_engine::port::{Accounts as _, UsageSource};
use serde::Serialize;

use super::control::Situation;
use super::held::Held;
use super::selection::{Chosen, Planner, Selection, What};
use crate::accounts::AllAccounts;
use crate::cli::Format;
use crate::commands::audit::gap_in_words;
use crate::error::{CommandError, Verdict, exit_codes};
use crate::printer::{Printer, cannot_write};
use crate::quantity::{count, day, duration, grouped, instant, relative, rough};
use crate::table::{Cell, Fit, Table};

/// Say what a rotation would do, when and why; changes nothing
#[derive(Debug, Args)]
#[command(after_help = concat!(
    "Examples:
  rotakey rotate plan                      every key that is due
  rotakey rotate plan --user ci-deploy     this user, due or not
  rotakey rotate plan --format json

A key is due from the warning period before its limit on, so that its rotation
ends in time. Of two active keys, one that was replaced and is no longer used is
brought to its end; if applications need both, or that cannot be told, the user
is left for a person. What limits, canaries, windows, freezes or a halt hold
back is shown with the reason. Exits with 1 if a person is waited for, also if
an approval is missing; the hash of the plan is what `rotate approve` takes.

",
    exit_codes!()
))]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    selection: Selection,
}

/// What `--format json` writes.
#[derive(Debug, Serialize)]
pub(crate) struct PlanData {
    planned_at: Timestamp,
    /// The account, if it is one only.
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<AccountId>,
    /// The accounts that were read.
    accounts: Vec<AccountId>,
    complete: bool,
    not_read: Vec<NotJudged>,
    /// What `rotate approve` takes for all of them.
    plan_hash: Option<PlanHash>,
    halted: Option<Halt>,
    pub(crate) rotations: Vec<PlannedData>,
    waiting: Vec<WaitsData>,
    pub(crate) left_for_a_person: Vec<LeftData>,
    exempt: Vec<ExemptData>,
    under_way: Vec<UnderWayData>,
    not_due: Vec<NotDueData>,
}

/// A rotation that would begin.
#[derive(Debug, Serialize)]
pub(crate) struct PlannedData {
    #[serde(skip)]
    pub(crate) plan: Plan,
    account_id: AccountId,
    user_name: UserName,
    access_key_id: String,
    /// `replace`, or `finish` for a key that needs no successor.
    task: &'static str,
    reason: String,
    destinations: Vec<String>,
    /// `None` as long as it is not known where the key goes.
    plan_hash: Option<PlanHash>,
    /// What keeps it from beginning.
    pub(crate) held_back: Option<Held>,
    pub(crate) missing_approval: Option<String>,
    old_key_disabled_at_earliest: Timestamp,
    old_key_deleted_at_earliest: Timestamp,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    told: Vec<String>,
    /// The freeze or the window that makes the key older than its limit.
    overdue_by: Option<String>,
    /// Whether rotakey itself runs on the key.
    own_key: bool,
    /// Who may hold the old key up for longer, unless it is seen on the new one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    held_up_by: Vec<HeldUpData>,
    /// Why others may use the key too, where it was looked who does.
    #[serde(skip_serializing_if = "Option::is_none")]
    consumers_not_seen: Option<String>,
}

/// A consumer that comes so seldom that its silence means nothing yet.
#[derive(Debug, Serialize)]
struct HeldUpData {
    #[serde(flatten)]
    used: ConsumerUse,
    text: String,
    earliest_safe_date: Timestamp,
}

/// A user that time alone makes room for.
#[derive(Debug, Serialize)]
struct WaitsData {
    account_id: AccountId,
    user_name: Principal,
    until: Timestamp,
    why: String,
}

/// A user that only a person can decide about.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct LeftData {
    account_id: AccountId,
    pub(crate) user_name: Principal,
    pub(crate) why: String,
    pub(crate) advice: String,
    keys: Vec<KnownKey>,
}

#[derive(Debug, Serialize)]
struct ExemptData {
    account_id: AccountId,
    user_name: Principal,
    why: String,
}

#[derive(Debug, Serialize)]
struct UnderWayData {
    account_id: AccountId,
    user_name: Principal,
    rotation: RotationId,
}

#[derive(Debug, Serialize)]
struct NotDueData {
    account_id: AccountId,
    user_name: Principal,
    due_at: Timestamp,
}

impl PlanData {
    /// Sorts what was chosen by what becomes of it.
    pub(crate) fn new(chosen: Chosen, config: &Config, now: Timestamp) -> Self {
        let mut data = Self {
            planned_at: now,
            account_id: match chosen.account_ids.as_slice() {
                [one] => Some(*one),
                _ => None,
            },
            accounts: chosen.account_ids,
            complete: is_complete(&chosen.gaps),
            not_read: chosen.gaps,
            plan_hash: None,
            halted: None,
            rotations: Vec::new(),
            waiting: Vec::new(),
            left_for_a_person: Vec::new(),
            exempt: Vec::new(),
            under_way: Vec::new(),
            not_due: Vec::new(),
        };
        for user in chosen.users {
            let told = audience(config, &user.subject);
            let (account_id, user_name) = (user.subject.account_id, user.subject.principal);
            match user.what {
                What::UnderWay(rotation) => {
                    data.under_way.push(UnderWayData { account_id, user_name, rotation });
                }
                What::Chosen(Choice::Rotate(plan)) => {
                    data.rotations.push(PlannedData::new(*plan, told, now));
                }
                What::Chosen(Choice::Ask { why, keys, advice }) => {
                    data.left_for_a_person.push(LeftData { account_id, user_name, why, advice, keys });
                }
                What::Chosen(Choice::Exempt { why }) => {
                    data.exempt.push(ExemptData { account_id, user_name, why });
                }
                What::Chosen(Choice::Waits { until, why }) => {
                    data.waiting.push(WaitsData { account_id, user_name, until, why });
                }
                What::Chosen(Choice::NotDue { due_at }) => {
                    data.not_due.push(NotDueData { account_id, user_name, due_at })
                }
                What::Chosen(Choice::NoActiveKey) => {}
            }
        }
        data
    }

    /// Says what could not be read, of which nothing is planned.
    pub(crate) fn tell_gaps(&self, printer: &Printer) {
        for gap in &self.not_read {
            printer.warning(&format!("Not read: {}", gap_in_words(gap)));
        }
    }

    /// The user, with its account if there are several.
    fn named(&self, account: AccountId, user: &Principal) -> String {
        match self.account_id {
            Some(_) => user.to_string(),
            None => format!("{user} ({account})"),
        }
    }

    /// Says of each rotation what keeps it from beginning, and when its steps come at the earliest.
    pub(crate) fn hold(&mut self, controls: &Controls, situation: &Situation, now: Timestamp) {
        let users: Vec<UserSubject> = self.rotations.iter().map(|rotation| rotation.plan.user()).collect();
        let candidates: Vec<Candidate<'_>> = self
            .rotations
            .iter()
            .zip(&users)
            .map(|(it, user)| Candidate { user, limit_at: it.plan.limit_at, own_key: it.plan.own_key })
            .collect();
        // Whoever lacks an approval takes nobody's place.
        for rotation in &mut self.rotations {
            rotation.missing_approval = rotation.missing(situation, now);
        }
        let approved: Vec<_> =
            (0..users.len()).filter(|&index| self.rotations[index].missing_approval.is_none()).collect();
        let may_begin: Vec<_> = approved.iter().map(|&index| candidates[index]).collect();
        let permits = controls.admit(&may_begin, &situation.fleet, situation.halt.as_ref(), now);
        for (index, permit) in approved.into_iter().zip(permits) {
            self.rotations[index].held_back = Held::of(permit);
        }
        for (rotation, user) in self.rotations.iter_mut().zip(&users) {
            rotation.foresee(controls, user, now);
        }
        let known = self.rotations.iter().all(|rotation| rotation.plan_hash.is_some());
        let any = !self.rotations.is_empty();
        self.plan_hash =
            (any && known).then(|| hash_of_all(self.rotations.iter().map(|rotation| &rotation.plan)));
        self.halted.clone_from(&situation.halt);
    }

    /// Hashes the plans anew, once it is known where their keys go.
    pub(crate) fn know_places(&mut self) {
        for rotation in &mut self.rotations {
            rotation.plan_hash = knows_its_places(&rotation.plan).then(|| rotation.plan.hash());
        }
    }

    /// How many may begin now.
    fn free(&self) -> usize {
        self.rotations.iter().filter(|rotation| rotation.may_begin()).count()
    }

    /// Whether something could not be read, or waits for a person.
    pub(crate) fn verdict(&self) -> Verdict {
        let unapproved = self.rotations.iter().any(|rotation| rotation.missing_approval.is_some());
        match (self.complete, self.left_for_a_person.is_empty() && !unapproved) {
            (false, _) => Verdict::Incomplete,
            (true, false) => Verdict::Findings,
            (true, true) => Verdict::Clean,
        }
    }
}

impl PlannedData {
    fn new(plan: Plan, told: Vec<String>, now: Timestamp) -> Self {
        let Forecast { disabled, deleted, .. } = Controls::default().forecast(&plan, &plan.user(), now);
        Self {
            account_id: plan.subject.account_id,
            task: if plan.task.is_to_replace() { "replace" } else { "finish" },
            plan_hash: knows_its_places(&plan).then(|| plan.hash()),
            held_back: None,
            missing_approval: None,
            overdue_by: None,
            own_key: plan.own_key,
            user_name: plan.subject.user_name.clone(),
            access_key_id: plan.old_key.to_string(),
            reason: plan.reason.clone(),
            destinations: plan.destinations.iter().map(ToString::to_string).collect(),
            old_key_disabled_at_earliest: disabled,
            old_key_deleted_at_earliest: deleted,
            told,
            held_up_by: Vec::new(),
            consumers_not_seen: None,
            plan,
        }
    }

    /// Asks who uses the old key.
    async fn look_at_usage(&mut self, source: &dyn UsageSource, now: Timestamp) {
        let timing = &self.plan.timing;
        let usage = source.usage(&self.plan.old_key, now - LOOK_BACK.max(timing.longest_quiet)).await;
        let usage = match usage {
            Ok(usage) => usage.bounded(),
            Err(error) => return self.consumers_not_seen = Some(error.to_string()),
        };
        self.consumers_not_seen = usage.incomplete.clone();
        let known = KnownUsage { looked_at: Some(now), old: Some(usage), ..KnownUsage::default() };
        let left = known.left(timing, None, now);
        let left = left.into_iter().filter(|left| left.safe_at > self.old_key_disabled_at_earliest);
        self.held_up_by = left
            .map(|left| HeldUpData {
                used: left.used.clone(),
                text: left.used.describe(now),
                earliest_safe_date: left.safe_at,
            })
            .collect();
    }
}

/// Who would be told of the rotation of a key of that user.
fn audience(config: &Config, subject: &UserSubject) -> Vec<String> {
    let owner = config.policy.owner_of(subject);
    config.notify.iter().filter_map(|channel| channel.audience(subject, owner)).collect()
}

impl PlannedData {
    /// Whether nothing keeps it from beginning.
    pub(crate) fn may_begin(&self) -> bool {
        self.held_back.is_none() && self.missing_approval.is_none()
    }

    /// Says why it does not begin.
    pub(crate) fn tell_why_not(&self, printer: &Printer) {
        if let Some(held) = &self.held_back {
            printer.note(&format!("{} waits {}", self.user_name, held.words()));
        }
        if let Some(missing) = &self.missing_approval {
            printer.warning(&format!("{} does not begin: it needs {missing}", self.user_name));
            if let Some(hash) = &self.plan_hash {
                printer.hint(&format!("`rotakey rotate approve {}` agrees to it.", hash.short()));
            }
        }
    }

    fn missing(&self, situation: &Situation, now: Timestamp) -> Option<String> {
        if self.plan_hash.is_none() && !self.plan.approvals.is_empty() {
            return Some(
                "approval, but where its key goes is not known before the first `rotakey rotate apply`"
                    .to_owned(),
            );
        }
        let given = self.plan_hash.as_ref().and_then(|hash| situation.approvals.get(hash));
        let given = given.map_or(&[][..], Vec::as_slice);
        self.plan.approved(ApprovedStep::Begin, given, now).err().map(|missing| missing.to_string())
    }

    fn foresee(&mut self, controls: &Controls, user: &UserSubject, now: Timestamp) {
        let begins = self.held_back.as_ref().and_then(|held| held.until).unwrap_or(now).max(now);
        let forecast = controls.forecast(&self.plan, user, begins);
        self.old_key_disabled_at_earliest = forecast.disabled;
        self.old_key_deleted_at_earliest = forecast.deleted;
        self.overdue_by = forecast.overdue_by;
    }
}

/// A key that goes to files of this machine is readable by an identity that is made when it is first needed.
fn knows_its_places(plan: &Plan) -> bool {
    plan.destinations.iter().all(|destination| match destination {
        DestinationSpec::AgeFile(file) => !file.recipients.is_empty(),
        _ => true,
    })
}

/// Runs the command.
pub(crate) async fn run(
    args: &PlanArgs,
    accounts: &AllAccounts,
    planner: &Planner<'_>,
) -> Result<Verdict, CommandError> {
    let Planner { config, store, printer, now, .. } = *planner;
    let chosen = planner.choose(accounts.read(printer).await?, &args.selection).await?;
    let active = chosen.active.clone();
    let mut data = PlanData::new(chosen, config, now);
    // What a key that needs no successor is judged by was looked at already.
    for rotation in data.rotations.iter_mut().filter(|rotation| rotation.plan.task.is_to_replace()) {
        let account = accounts.get(&rotation.plan.subject.account_id);
        if let Some(source) = account.and_then(|account| account.usage) {
            rotation.look_at_usage(source, now).await;
        }
    }
    let controls = &config.rotate.controls;
    let plans = data.rotations.iter().map(|rotation| &rotation.plan);
    let situation = Situation::read(controls, &active, plans, store).await?;
    data.hold(controls, &situation, now);
    match printer.format() {
        Format::Json => printer.json(&data)?,
        Format::Csv => print_csv(&data, printer)?,
        Format::Human => print(&data, usize::MAX, printer)?,
    }
    if let (Format::Human, Some(hash)) = (printer.format(), &data.plan_hash) {
        printer.text(&format!("\nThe hash of this plan is {}.\n", hash.short()))?;
    }
    if data.rotations.iter().any(|rotation| rotation.missing_approval.is_some()) {
        printer.hint("`rotakey rotate approve HASH` agrees to a rotation, or to the whole plan.");
    }
    if data.free() > 0 {
        printer.hint("`rotakey rotate apply` begins these rotations; until then nothing is changed.");
    }
    Ok(data.verdict())
}

fn print_csv(data: &PlanData, printer: &Printer) -> Result<(), CommandError> {
    let mut rows = csv::Writer::from_writer(printer.data());
    let mut write = |row: [&str; 6]| rows.write_record(row).map_err(|error| cannot_write(error.into()));
    write(["account_id", "user_name", "access_key_id", "what", "why", "destinations"])?;
    for rotation in &data.rotations {
        let destinations = rotation.destinations.join(" ");
        let user_name = rotation.user_name.as_str();
        let account = rotation.account_id.to_string();
        let what = match (rotation.may_begin(), rotation.task) {
            (false, _) => "held-back",
            (true, "finish") => "finish",
            _ => "rotate",
        };
        let why = rotation.held_back.as_ref().map(Held::words).or_else(|| rotation.missing_approval.clone());
        let why = why.as_ref().unwrap_or(&rotation.reason);
        write([&account, user_name, &rotation.access_key_id, what, why, &destinations])?;
    }
    for left in &data.left_for_a_person {
        let account = left.account_id.to_string();
        for key in &left.keys {
            write([&account, &left.user_name.to_string(), &key.key, "left-for-a-person", &left.why, ""])?;
        }
    }
    for waits in &data.waiting {
        let account = waits.account_id.to_string();
        write([&account, &waits.user_name.to_string(), "", "waiting", &waits.why, ""])?;
    }
    for exempt in &data.exempt {
        let account = exempt.account_id.to_string();
        write([&account, &exempt.user_name.to_string(), "", "exempt", &exempt.why, ""])?;
    }
    for under_way in &data.under_way {
        let account = under_way.account_id.to_string();
        write([
            &account,
            &under_way.user_name.to_string(),
            "",
            "under-way",
            under_way.rotation.as_str(),
            "",
        ])?;
    }
    rows.flush().map_err(cannot_write)
}

/// Prints the plan for people, with at most so many of the keys to rotate.
pub(crate) fn print(data: &PlanData, most: usize, printer: &Printer) -> Result<(), CommandError> {
    let palette = printer.palette();
    let heading = |text: &str| format!("{0}{text}{0:#}\n", palette.heading);
    let accounts = match data.account_id {
        Some(account) => format!("Account {account}"),
        None => count(data.accounts.len(), "account"),
    };
    let at = instant(data.planned_at);
    printer.text(&format!("{accounts}, planned at {at}; nothing is changed.\n\n"))?;
    if let Some(halt) = &data.halted {
        printer.warning(&format!("Everything is halted by {}: {}", halt.by, halt.why));
    }
    if data.rotations.is_empty() {
        printer.text("No key is to be rotated.\n")?;
    } else {
        printer.text(&heading(&format!("{} to rotate", count(data.rotations.len(), "key"))))?;
        printer.table(&rotations(data, most, printer))?;
        printer.text("\n")?;
        let mut steps = Table::new([Fit::Whole, Fit::Wrap]);
        for (when, what) in timeline(data) {
            steps.row([Cell::new(when).style(palette.quiet), Cell::new(what)]);
        }
        let told: BTreeSet<&str> =
            data.rotations.iter().flat_map(|rotation| &rotation.told).map(String::as_str).collect();
        if !told.is_empty() {
            let people = told.into_iter().collect::<Vec<_>>().join(", ");
            steps.row([Cell::new("people told").style(palette.quiet), Cell::new(people)]);
        }
        printer.table(&steps)?;
    }
    if !data.left_for_a_person.is_empty() {
        let number = count(data.left_for_a_person.len(), "user");
        printer.text(&format!("\n{}", heading(&format!("{number} left for a person"))))?;
        printer.table(&left_for_a_person(data, printer))?;
    }
    let mut others = Table::new([Fit::Elide, Fit::Wrap]);
    for exempt in &data.exempt {
        let user = data.named(exempt.account_id, &exempt.user_name);
        others.row([Cell::new(user), Cell::new(&exempt.why)]);
    }
    for waits in &data.waiting {
        let text = format!("waits until {}: {}", instant(waits.until), waits.why);
        others.row([Cell::new(data.named(waits.account_id, &waits.user_name)), Cell::new(text)]);
    }
    for under_way in &data.under_way {
        let text = format!("is being rotated: rotakey rotate log {}", under_way.rotation);
        let user = data.named(under_way.account_id, &under_way.user_name);
        others.row([Cell::new(user), Cell::new(text)]);
    }
    if !data.exempt.is_empty() || !data.under_way.is_empty() || !data.waiting.is_empty() {
        printer.text(&format!("\n{}", heading("Not planned")))?;
        printer.table(&others)?;
    }
    if let Some(next) = data.not_due.iter().map(|user| user.due_at).min() {
        let number = count(data.not_due.len(), "user");
        printer.text(&format!("\n{number} not due yet; the next key is due on {}.\n", day(next)))?;
    }
    data.tell_gaps(printer);
    Ok(())
}

fn rotations(data: &PlanData, most: usize, printer: &Printer) -> Table {
    let palette = printer.palette();
    let mut table = Table::new([Fit::Elide, Fit::Whole, Fit::Elide]);
    table.row(["USER", "KEY", "NEW KEY GOES TO"].map(|title| Cell::new(title).style(palette.heading)));
    let mut account = data.account_id;
    for rotation in data.rotations.iter().take(most) {
        if account != Some(rotation.account_id) {
            account = Some(rotation.account_id);
            let text = format!("in account {}", rotation.account_id);
            table.sentence(0, Cell::new(text).style(palette.quiet));
        }
        let mut destinations = rotation.destinations.iter();
        table.row([
            Cell::new(rotation.user_name.as_str()),
            Cell::new(&rotation.access_key_id),
            Cell::new(match (rotation.task, destinations.next()) {
                ("finish", _) => "(none: it is finished)",
                (_, first) => first.map_or("", String::as_str),
            }),
        ]);
        for destination in destinations.filter(|_| rotation.task == "replace") {
            table.row([Cell::default(), Cell::default(), Cell::new(destination)]);
        }
        table.sentence(2, Cell::new(&rotation.reason).style(palette.quiet));
        for held_up in &rotation.held_up_by {
            let date = held_up.earliest_safe_date.strftime("%Y-%m-%d %H:%M");
            let text = format!(
                "{} must be seen on the new key; else the earliest safe date is {date}",
                held_up.text
            );
            table.sentence(2, Cell::new(text).style(palette.warning));
        }
        if let Some(why) = &rotation.consumers_not_seen {
            let text = format!("not all who use it can be seen: {why}");
            table.sentence(2, Cell::new(text).style(palette.quiet));
        }
        for text in remarks(rotation) {
            table.sentence(2, Cell::new(text).style(palette.warning));
        }
    }
    let more = data.rotations.len().saturating_sub(most);
    if more > 0 {
        table.sentence(0, Cell::new(format!("… and {} more", grouped(more))).style(palette.quiet));
    }
    table
}

/// What is special about a rotation.
fn remarks(rotation: &PlannedData) -> Vec<String> {
    let mut remarks = Vec::new();
    if let Some(missing) = &rotation.missing_approval {
        let hash = rotation.plan_hash.as_ref().map_or("", PlanHash::short);
        remarks.push(format!("needs {missing} {hash}").trim_end().to_owned());
    }
    if let Some(held) = &rotation.held_back {
        remarks.push(format!("waits {}", held.words()));
    }
    if let Some(by) = &rotation.overdue_by {
        remarks.push(format!("gets too old on the way: {by}"));
    }
    if rotation.own_key {
        remarks
            .push("rotakey itself runs on this key: run it with the new one once that is there".to_owned());
    }
    remarks
}

fn left_for_a_person(data: &PlanData, printer: &Printer) -> Table {
    let palette = printer.palette();
    let mut table = Table::new([Fit::Elide]);
    for left in &data.left_for_a_person {
        let text = format!("{}: {}", data.named(left.account_id, &left.user_name), left.why);
        table.sentence(0, Cell::new(text).style(palette.warning));
        for key in &left.keys {
            table.sentence(2, Cell::new(known(key, data.planned_at)).style(palette.quiet));
        }
        table.sentence(2, Cell::new(format!("do: {}", left.advice)).style(palette.command));
    }
    table
}

/// What is known of a key, at a glance.
fn known(key: &KnownKey, now: Timestamp) -> String {
    let age =
        key.created_at.map_or_else(String::new, |at| format!(", {} old", rough(now.duration_since(at))));
    let used = match &key.last_used {
        None => "last use unknown".to_owned(),
        Some(LastUsed::Never) => "never used".to_owned(),
        Some(LastUsed::At { at, service, .. }) => {
            format!("last used {} for {}", relative(*at, now), service.as_deref().unwrap_or("something"))
        }
    };
    format!("{} {}{age}, {used}", key.key, key.status)
}

/// What happens to each of the keys, and when at the earliest.
fn timeline(data: &PlanData) -> Vec<(String, String)> {
    let Some(first) = data.rotations.iter().find(|rotation| rotation.task == "replace") else {
        return Vec::new();
    };
    let timing = &first.plan.timing;
    let mut steps = vec![
        ("at once".to_owned(), "a new key is created, delivered, tested, and published".to_owned()),
        (
            format!("from {}", day(first.old_key_disabled_at_earliest)),
            format!(
                "the old key is disabled, once it has been quiet for {} (longer if its own pauses were); still \
                 used after {}, a person is asked",
                duration(timing.quiet_for),
                duration(timing.adopt_timeout)
            ),
        ),
    ];
    let mut trials = data.rotations.iter().filter_map(|rotation| rotation.plan.brown_out());
    if let Some(brown_out) = trials.next() {
        let whose = if trials.count() + 1 < data.rotations.len() { ", some of them," } else { "" };
        let text = format!("before that it{whose} is disabled for {} by way of trial", duration(brown_out));
        steps.push((String::new(), text));
    }
    steps.push((
        format!("from {}", day(first.old_key_deleted_at_earliest)),
        format!("the old key is deleted, {} after it was disabled", duration(timing.delete_after)),
    ));
    steps
}
