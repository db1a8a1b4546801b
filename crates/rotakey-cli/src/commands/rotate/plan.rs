//! `rotakey rotate plan`: what a rotation would do, when and why. Changes nothing.

use std::collections::BTreeSet;

use clap::Args;
use jiff::Timestamp;
use rotakey_core::audit::{NotJudged, is_complete};
use rotakey_core::fact::LastUsed;
use rotakey_core::id::{AccountId, RotationId, UserName};
use rotakey_core::policy::{Config, Principal, UserSubject};
use rotakey_core::rotate::{
    Choice, ConsumerUse, KnownKey, KnownUsage, LAST_USED_LAG, LOOK_BACK, PROPAGATION, Plan,
};
use rotakey_engine::port::{Accounts as _, UsageSource};
use rotakey_engine::store::Store;
use serde::Serialize;

use super::selection::{Chosen, Fallback, Selection, What, choose};
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
ends in time. A user with two active keys is left for a person: which of them
an application uses cannot be known. Exits with 1 if there is such a user.

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
    pub(crate) rotations: Vec<PlannedData>,
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
    reason: String,
    destinations: Vec<String>,
    old_key_disabled_at_earliest: Timestamp,
    old_key_deleted_at_earliest: Timestamp,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    told: Vec<String>,
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
            rotations: Vec::new(),
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

    /// Whether something could not be read, or waits for a person.
    pub(crate) fn verdict(&self) -> Verdict {
        match (self.complete, self.left_for_a_person.is_empty()) {
            (false, _) => Verdict::Incomplete,
            (true, false) => Verdict::Findings,
            (true, true) => Verdict::Clean,
        }
    }
}

impl PlannedData {
    fn new(plan: Plan, told: Vec<String>, now: Timestamp) -> Self {
        let published = now.saturating_add(PROPAGATION).unwrap_or(Timestamp::MAX);
        let quiet = published.saturating_add(plan.timing.quiet_for).unwrap_or(Timestamp::MAX);
        let disabled = quiet.saturating_add(LAST_USED_LAG).unwrap_or(Timestamp::MAX);
        let deleted = disabled.saturating_add(plan.timing.delete_after).unwrap_or(Timestamp::MAX);
        Self {
            account_id: plan.subject.account_id,
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

/// Runs the command.
pub(crate) async fn run(
    args: &PlanArgs,
    config: &Config,
    accounts: &AllAccounts,
    store: &dyn Store,
    printer: &Printer,
    now: Timestamp,
) -> Result<Verdict, CommandError> {
    let fallback = Fallback::find()?;
    let inventories = accounts.read(printer).await?;
    let place = |user: &_| fallback.destination(user);
    let chosen = choose(inventories, &args.selection, config, store, &place, now).await?;
    let mut data = PlanData::new(chosen, config, now);
    for rotation in &mut data.rotations {
        let account = accounts.get(&rotation.plan.subject.account_id);
        if let Some(source) = account.and_then(|account| account.usage) {
            rotation.look_at_usage(source, now).await;
        }
    }
    match printer.format() {
        Format::Json => printer.json(&data)?,
        Format::Csv => print_csv(&data, printer)?,
        Format::Human => print(&data, usize::MAX, printer)?,
    }
    if !data.rotations.is_empty() {
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
        write([&account, user_name, &rotation.access_key_id, "rotate", &rotation.reason, &destinations])?;
    }
    for left in &data.left_for_a_person {
        let account = left.account_id.to_string();
        for key in &left.keys {
            write([&account, &left.user_name.to_string(), &key.key, "left-for-a-person", &left.why, ""])?;
        }
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
    for under_way in &data.under_way {
        let text = format!("is being rotated: rotakey rotate log {}", under_way.rotation);
        let user = data.named(under_way.account_id, &under_way.user_name);
        others.row([Cell::new(user), Cell::new(text)]);
    }
    if !data.exempt.is_empty() || !data.under_way.is_empty() {
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
            Cell::new(destinations.next().map_or("", String::as_str)),
        ]);
        for destination in destinations {
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
    }
    let more = data.rotations.len().saturating_sub(most);
    if more > 0 {
        table.sentence(0, Cell::new(format!("… and {} more", grouped(more))).style(palette.quiet));
    }
    table
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
    let Some(first) = data.rotations.first() else { return Vec::new() };
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
    let mut trials = data.rotations.iter().filter_map(|rotation| rotation.plan.timing.brown_out);
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
