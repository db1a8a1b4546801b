//! The credential report: made at most once in four hours, in a while, and of what was so when it was
//! started.

use std::fmt::Write;
use std::time::Duration;

use data_encoding::BASE64;
use jiff::Timestamp;
use rotakey_core::fact::KeyStatus;

use crate::api::{Fault, Tree};
use crate::consistency::DelayRange;
use crate::world::World;
use crate::world::account::{Account, Call};
use crate::world::iam::keys::whole_second;
use crate::world::iam::{AccessKey, User};
use crate::world::keyring::Use;

/// How long a report is good: a new one is not made before.
const LIFETIME: Duration = Duration::from_secs(4 * 60 * 60);

/// How long it takes to make one.
const WORK: DelayRange = DelayRange::milliseconds(1_500, 6_000);

const HEADER: &str = "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,\
                      password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,\
                      access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,\
                      access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,\
                      access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,\
                      cert_1_last_rotated,cert_2_active,cert_2_last_rotated";

/// The newest report of an account, made or being made.
#[derive(Debug, Default)]
pub(crate) struct CredentialReports(Option<Report>);

#[derive(Debug)]
struct Report {
    generated_at: Timestamp,
    ready_at: Timestamp,
    csv: String,
}

/// `GenerateCredentialReport`: `STARTED`, then `INPROGRESS`, then `COMPLETE`, and so for four hours.
pub(super) fn generate(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let now = call.now;
    let state = match &world.account(call).reports.0 {
        Some(report) if now < report.ready_at => "INPROGRESS",
        Some(report) if now < report.generated_at + LIFETIME => "COMPLETE",
        Some(_) | None => {
            let seen = world.iam_seen(call);
            let csv = write_report(world, world.account(call), seen.users.values().map(AsRef::as_ref), now);
            let ready_at = now + WORK.at(world.random.number());
            let report = Report { generated_at: whole_second(now), ready_at, csv };
            world.account_mut(call).reports.0 = Some(report);
            let description = "No report exists. Starting a new report generation task";
            return Ok(Tree::map([("State", "STARTED".into()), ("Description", description.into())]));
        }
    };
    Ok(Tree::map([("State", state.into())]))
}

/// `GetCredentialReport`.
pub(super) fn get(world: &mut World, call: &Call<'_>) -> Result<Tree, Fault> {
    let Some(report) = &world.account(call).reports.0 else {
        return Err(Fault::refused("ReportNotPresent", 410, "No report is present. Generate one first."));
    };
    if call.now < report.ready_at {
        return Err(Fault::refused("ReportInProgress", 404, "The report is still being generated."));
    }
    if call.now >= report.generated_at + LIFETIME {
        let message = "The report is older than four hours. Generate a new one.";
        return Err(Fault::refused("ReportExpired", 410, message));
    }
    Ok(Tree::map([
        ("Content", BASE64.encode(report.csv.as_bytes()).into()),
        ("GeneratedTime", report.generated_at.into()),
        ("ReportFormat", "text/csv".into()),
    ]))
}

fn write_report<'a>(
    world: &World,
    account: &Account,
    users: impl Iterator<Item = &'a User>,
    now: Timestamp,
) -> String {
    let used =
        |key: &AccessKey| world.keyring.last_use(key.id.as_str(), now, world.consistency.last_used_lag);
    let mut csv = HEADER.to_owned();
    write_row(&mut csv, root_row(account), &account.root.keys, used);
    for user in users {
        write_row(&mut csv, user_row(user, account), &user.keys, used);
    }
    csv
}

/// The first eight columns of the root user.
fn root_row(account: &Account) -> [String; 8] {
    [
        "<root_account>".to_owned(),
        format!("arn:aws:iam::{}:root", account.id),
        date(account.created_at),
        "not_supported".to_owned(),
        account.root.password_last_used.map_or_else(|| "no_information".to_owned(), date),
        "not_supported".to_owned(),
        "not_supported".to_owned(),
        account.root.mfa_active.to_string(),
    ]
}

/// The first eight columns of a user.
fn user_row(user: &User, account: &Account) -> [String; 8] {
    let absent = || "N/A".to_owned();
    let (last_used, last_changed) = match &user.login {
        Some(login) => {
            (login.last_used.map_or_else(|| "no_information".to_owned(), date), date(login.created_at))
        }
        None => (absent(), absent()),
    };
    [
        user.name.to_string(),
        user.arn(account.id),
        date(user.created_at),
        user.login.is_some().to_string(),
        last_used,
        last_changed,
        absent(),
        (!user.mfa_devices.is_empty()).to_string(),
    ]
}

fn write_row<'a>(
    csv: &mut String,
    first: [String; 8],
    keys: &[AccessKey],
    used: impl Fn(&AccessKey) -> Option<&'a Use>,
) {
    csv.push('\n');
    for (column, value) in first.iter().enumerate() {
        if column > 0 {
            csv.push(',');
        }
        write_field(csv, value);
    }
    for slot in 0..2 {
        match keys.get(slot) {
            None => csv.push_str(",false,N/A,N/A,N/A,N/A"),
            Some(key) => {
                let active = key.status == KeyStatus::Active;
                // Writing to a string does not fail.
                let _ = write!(csv, ",{active},{}", date(key.created_at));
                match used(key) {
                    None => csv.push_str(",N/A,N/A,N/A"),
                    Some(Use { at, region, service }) => {
                        let _ = write!(csv, ",{},{region},{service}", date(*at));
                    }
                }
            }
        }
    }
    csv.push_str(",false,N/A,false,N/A");
}

/// User names can hold commas.
fn write_field(csv: &mut String, value: &str) {
    if value.contains([',', '"']) {
        let _ = write!(csv, "\"{}\"", value.replace('"', "\"\""));
    } else {
        csv.push_str(value);
    }
}

/// As the report prints instants: `2020-01-02T03:04:05+00:00`.
fn date(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S+00:00").to_string()
}
