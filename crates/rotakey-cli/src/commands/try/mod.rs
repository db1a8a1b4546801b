//! `rotakey try`: the whole story on a simulated AWS.

use clap::Args;
use rotakey_core::audit::{Judge, Mode};
use rotakey_core::rotate::{Ending, Rotation};
use rotakey_engine::driver::{Engine, Ports};
use rotakey_engine::inventory::{self, AccountInventory, NoProgress};
use rotakey_engine::memory_store::MemoryStore;
use rotakey_engine::port::{Account, NoChecks, OneAccount};
use serde::Serialize;

use self::diary::{Calls, Diary, grouped_u64};
use self::scene::{POLICY, Scene};
use super::audit::{Header, Source, Tally, Worst, print_audit};
use super::config::no_csv;
use super::rotate::{Driven, PlanData, Planner, Selection, print_plan};
use crate::assembly::CONCURRENCY;
use crate::cli::Format;
use crate::error::{CommandError, Verdict, exit_codes};
use crate::explain::{journal_error, port_error, store_error};
use crate::printer::Printer;
use crate::quantity::count;
use crate::table::{Cell, Fit, Table};

mod diary;
mod scene;

/// See the whole story on a simulated AWS, in under a minute
#[derive(Debug, Args)]
#[command(after_help = concat!(
    "Examples:
  rotakey try
  rotakey try --seed 7                     another account
  rotakey try --format json

An account with some 40 users is audited; what is due is planned and rotated
while applications keep calling with these keys; then it is audited again. The
clock is virtual, and nothing leaves this machine.

Next:
  rotakey sandbox                          a simulated AWS to play with yourself
  rotakey audit                            your own account; changes nothing

",
    exit_codes!()
))]
pub(crate) struct TryArgs {
    /// Where everything random comes from; the same seed tells the same story
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
}

/// What `--format json` writes.
#[derive(Debug, Serialize)]
struct Summary {
    seed: u64,
    keys_rotated: usize,
    application_calls: u64,
    application_calls_failed: u64,
    days_simulated: i64,
    findings_before: usize,
    findings_after: usize,
    left_for_a_person: Vec<Left>,
}

/// A user that only a person can decide about.
#[derive(Debug, Serialize)]
struct Left {
    user_name: String,
    why: String,
    advice: String,
}

/// How many users and rotations are shown: enough to get the idea.
const SHOWN: usize = 6;

/// Runs the command.
pub(crate) async fn run(args: &TryArgs, printer: &Printer) -> Result<Verdict, CommandError> {
    if printer.format() == Format::Csv {
        return Err(no_csv("try"));
    }
    let scene = Scene::set(args.seed).await.map_err(port_error)?;
    let story = Story { scene: &scene, printer };
    let store = MemoryStore::default();

    let before = story.read().await?;
    story.introduce(&before)?;
    story.chapter("The audit")?;
    let findings_before = story.audit(&before)?;

    story.chapter("The plan")?;
    let plan = story.plan(before, &store).await?;

    story.chapter("The rotation, on a clock that runs fast while the applications go on")?;
    let diary = Diary::new(&scene.simulation, printer);
    let rotations = story.rotate(plan, &store, &diary).await?;

    story.chapter("The audit again")?;
    let after = story.read().await?;
    let findings_after = story.audit(&after)?;
    let left_for_a_person = story.left_for_a_person(after, &rotations, &store).await?;

    let calls = Calls::so_far(&scene.simulation);
    let rotated = |rotation: &&Rotation| matches!(rotation.ending(), Some(Ending::Rotated { .. }));
    let summary = Summary {
        seed: args.seed,
        keys_rotated: rotations.iter().filter(rotated).count(),
        application_calls: calls.made,
        application_calls_failed: calls.failed,
        days_simulated: diary.days(),
        findings_before,
        findings_after,
        left_for_a_person,
    };
    story.end(&summary, calls)?;
    if summary.application_calls_failed > 0 {
        printer.finish()?;
        let text = format!("{} calls of applications failed", grouped_u64(summary.application_calls_failed));
        return Err(CommandError::failure(text)
            .hint(format!("This must not happen. Please report it, with the seed {}.", args.seed)));
    }
    Ok(Verdict::Clean)
}

/// The story, and who tells it.
struct Story<'a> {
    scene: &'a Scene,
    printer: &'a Printer,
}

impl Story<'_> {
    fn is_told(&self) -> bool {
        self.printer.format() == Format::Human
    }

    fn chapter(&self, title: &str) -> Result<(), CommandError> {
        if !self.is_told() {
            return Ok(());
        }
        let style = self.printer.palette().chapter;
        self.printer.text(&format!("\n{style}== {title} =={style:#}\n\n"))?;
        self.printer.flush()
    }

    fn introduce(&self, account: &AccountInventory) -> Result<(), CommandError> {
        if !self.is_told() {
            return Ok(());
        }
        self.chapter("An account with old keys, and applications that live on them")?;
        let keys = account.subjects.iter().map(|user| user.keys.len()).sum();
        let applications = Calls::so_far(&self.scene.simulation).applications;
        self.printer.text(&format!(
            "A simulated AWS: {} with {}, and {} that\n\
             call S3, DynamoDB and SQS with them all the time. The clock is virtual, and\n\
             nothing leaves this machine. This is the policy, as in rotakey.toml:\n\n",
            count(account.subjects.len(), "user"),
            count(keys, "access key"),
            count(applications, "application"),
        ))?;
        let quiet = self.printer.palette().quiet;
        POLICY.lines().try_for_each(|line| match line {
            "" => self.printer.text("\n"),
            line => self.printer.text(&format!("  {quiet}{line}{quiet:#}\n")),
        })
    }

    async fn read(&self) -> Result<AccountInventory, CommandError> {
        let now = self.scene.simulation.now();
        inventory::load(&self.scene.operator, now, &NoProgress, CONCURRENCY).await.map_err(port_error)
    }

    /// Judges the account, and returns how many findings count.
    fn audit(&self, account: &AccountInventory) -> Result<usize, CommandError> {
        let policy = &self.scene.config.policy;
        let judge = Judge::new(policy, self.scene.simulation.now(), Mode::Exact).with_gaps(&account.gaps);
        let (mut tally, mut worst) = (Tally::default(), Worst::new(Some(SHOWN)));
        for subject in &account.subjects {
            let opinion = judge.opinion(subject);
            tally.add(&opinion);
            worst.add(opinion);
        }
        if self.is_told() {
            let header = Header {
                judged_at: judge.now(),
                boundary: Mode::Exact.boundary(),
                source: Source::Account {
                    account_id: account.account_id,
                    arn: account.caller_arn.clone(),
                    report_generated_at: account.report_generated_at,
                },
            };
            let left_out = worst.left_out;
            print_audit(&header, &tally, &worst.into_users(), left_out, self.printer)?;
        }
        Ok(tally.total().counted)
    }

    async fn plan(&self, account: AccountInventory, store: &MemoryStore) -> Result<PlanData, CommandError> {
        let plan = self.choose(account, store).await?;
        if self.is_told() {
            print_plan(&plan, SHOWN, self.printer)?;
        }
        Ok(plan)
    }

    async fn choose(&self, read: AccountInventory, store: &MemoryStore) -> Result<PlanData, CommandError> {
        let now = self.scene.simulation.now();
        let nowhere = |user: &rotakey_core::policy::UserSubject| {
            unreachable!("the policy of the story names a destination for {}", user.principal)
        };
        let operator = &self.scene.operator;
        let account = Account { iam: operator, probe: operator, usage: None };
        let planner = Planner {
            config: &self.scene.config,
            accounts: &OneAccount { id: self.scene.account_id, account },
            store,
            fallback: &nowhere,
            own_key: None,
            printer: self.printer,
            now,
        };
        let chosen = planner.choose(read.into(), &Selection::default()).await?;
        Ok(PlanData::new(chosen, planner.config, now))
    }

    /// Carries the plan out until nothing waits for time any more.
    async fn rotate(
        &self,
        plan: PlanData,
        store: &MemoryStore,
        diary: &Diary<'_>,
    ) -> Result<Vec<Rotation>, CommandError> {
        let operator = &self.scene.operator;
        let account = Account { iam: operator, probe: operator, usage: None };
        let ports = Ports {
            accounts: &OneAccount { id: self.scene.account_id, account },
            destinations: operator,
            checks: &NoChecks,
            store,
            clock: diary,
        };
        let listener = |rotation: &Rotation, event: &_| diary.note(rotation, event);
        let worker = "try".parse().expect("three letters are a worker id");
        let engine = Engine::new(ports, worker, &listener);
        for rotation in plan.rotations {
            engine.begin(rotation.plan).await.map_err(journal_error)?;
        }
        let driven = std::cell::RefCell::new(Driven::default());
        engine.run(|tick| driven.borrow_mut().add(tick)).await.map_err(store_error)?;
        let driven = driven.into_inner();
        if let Some(undriven) = driven.undriven.into_iter().next() {
            return Err(journal_error(undriven.error));
        }
        diary.close_day();
        Ok(driven.rotations)
    }

    /// Whom the plan or a rotation leaves for a person.
    async fn left_for_a_person(
        &self,
        account: AccountInventory,
        rotations: &[Rotation],
        store: &MemoryStore,
    ) -> Result<Vec<Left>, CommandError> {
        let plan = self.choose(account, store).await?;
        let planned = plan.left_for_a_person.into_iter().map(|left| Left {
            user_name: left.user_name.to_string(),
            why: left.why,
            advice: left.advice,
        });
        let asking = rotations.iter().filter_map(|rotation| {
            let question = rotation.question()?;
            Some(Left {
                user_name: rotation.plan().subject.user_name.to_string(),
                why: question.to_string(),
                advice: question.advice().to_owned(),
            })
        });
        Ok(planned.chain(asking).collect())
    }

    fn end(&self, summary: &Summary, calls: Calls) -> Result<(), CommandError> {
        if !self.is_told() {
            return self.printer.json(summary);
        }
        self.chapter("What came of it")?;
        let palette = self.printer.palette();
        let failed = if summary.application_calls_failed == 0 { palette.good } else { palette.bad };
        let mut table = Table::new([Fit::Whole, Fit::Wrap]);
        let mut row = |number: String, style, what: String| {
            table.row([Cell::new(format!("{number:>9}")).style(style), Cell::new(what)]);
        };
        row(summary.keys_rotated.to_string(), palette.good, "keys rotated".to_owned());
        let applications = count(calls.applications, "application");
        row(grouped_u64(summary.application_calls), palette.heading, format!("calls made by {applications}"));
        row(grouped_u64(summary.application_calls_failed), failed, "of them failed".to_owned());
        row(summary.days_simulated.to_string(), palette.heading, "days simulated".to_owned());
        let findings = format!("findings, of {} before", summary.findings_before);
        row(summary.findings_after.to_string(), palette.heading, findings);
        let people = "users left for a person, who must decide:".to_owned();
        row(summary.left_for_a_person.len().to_string(), palette.warning, people);
        for left in &summary.left_for_a_person {
            table.row([Cell::default(), Cell::new(format!("{}: {}", left.user_name, left.why))]);
            table.row([Cell::default(), Cell::new(format!("  do: {}", left.advice)).style(palette.command)]);
        }
        self.printer.table(&table)?;
        self.printer
            .hint("`rotakey sandbox` gives you a simulated AWS of your own; `rotakey audit` looks at yours.");
        Ok(())
    }
}
