//! The credential report: its states, its columns, and how long it is kept.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_iam::operation::get_credential_report::GetCredentialReportOutput;
use aws_sdk_iam::types::StatusType;

use crate::cloud::Cloud;
use crate::outcome::outcome;
use crate::report::Report;

const HEADER: &str = "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,\
    password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,\
    access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,\
    access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,\
    cert_1_last_rotated,cert_2_active,cert_2_last_rotated";

pub(crate) async fn states_and_columns(cloud: &Cloud, report: &mut Report) {
    let used = an_old_user_with_two_keys(cloud).await;
    let get = || cloud.iam().get_credential_report().send();

    report.check("before one is asked for", "ReportNotPresent 410", outcome(&get().await));
    report.check("asked for the first time", "STARTED", generate(cloud).await);
    report.check("read while it is made", "ReportInProgress 404", outcome(&get().await));
    report.check("asked for while it is made", "INPROGRESS", generate(cloud).await);
    cloud.pass(Duration::from_secs(60));
    report.check("asked for when it is made", "COMPLETE", generate(cloud).await);

    let content = get().await.unwrap();
    report.check("its format", "text/csv", content.report_format().map_or("none", |format| format.as_str()));
    report.check("its instant", "within the hour", generated(cloud, &content));
    let table = Table::of(&content);
    report.check("its columns", HEADER, &table.header);
    check_rows(report, &table, &used);

    cloud.create_user("late").await;
    generate(cloud).await;
    let again = Table::of(&get().await.unwrap());
    report.check("a user made after the report, within 4 hours", "absent", again.presence("late"));
    let expired = cloud.after(Duration::from_secs(5 * 60 * 60), async { outcome(&get().await) }).await;
    report.check("read after 4 hours", "ReportExpired 410", expired);
    let renewed = async {
        generate(cloud).await;
        cloud.pass(Duration::from_secs(60));
        Table::of(&get().await.unwrap()).presence("late").to_owned()
    };
    report.check("made again after 4 hours", "present", cloud.after(Duration::ZERO, renewed).await);
}

/// The user `alice`: the first key active and used, the second inactive and never used. Gives the time in which all
/// that must show has shown.
async fn an_old_user_with_two_keys(cloud: &Cloud) -> Vec<String> {
    cloud.create_user("alice").await;
    let first = cloud.create_key("alice").await;
    let second = cloud.create_key("alice").await;
    cloud.whoami(&first).await;
    cloud
        .iam()
        .update_access_key()
        .user_name("alice")
        .access_key_id(&second.id)
        .status(StatusType::Inactive)
        .send()
        .await
        .unwrap();
    cloud.pass(Duration::from_secs(60 * 60));
    vec![first.id, second.id]
}

fn check_rows(report: &mut Report, table: &Table, ids: &[String]) {
    report.check("the root user", "present", table.presence("<root_account>"));
    let alice = |column: &str| table.field("alice", column);
    report.check("a user without a password: password_enabled", "false", alice("password_enabled"));
    report.check("a user without a password: password_last_used", "N/A", alice("password_last_used"));
    report.check("a user without a password: password_last_changed", "N/A", alice("password_last_changed"));
    report.check("a user without a password: password_next_rotation", "N/A", alice("password_next_rotation"));
    report.check("a user without a device: mfa_active", "false", alice("mfa_active"));
    report.check("an active key: active", "true", alice("access_key_1_active"));
    report.check("an active key: last_rotated", "a date", alice("access_key_1_last_rotated"));
    report.check("a used key: last_used_date", "a date", alice("access_key_1_last_used_date"));
    report.check("a used key: last_used_region", "us-east-1", alice("access_key_1_last_used_region"));
    report.check("a used key: last_used_service", "sts", alice("access_key_1_last_used_service"));
    report.check("an inactive key: active", "false", alice("access_key_2_active"));
    report.check("an inactive key: last_rotated", "a date", alice("access_key_2_last_rotated"));
    report.check("a never used key: last_used_date", "N/A", alice("access_key_2_last_used_date"));
    report.check("a never used key: last_used_region", "N/A", alice("access_key_2_last_used_region"));
    report.check("a never used key: last_used_service", "N/A", alice("access_key_2_last_used_service"));
    report.check("no certificate: last_rotated", "N/A", alice("cert_1_last_rotated"));
    let shown = ids.iter().filter(|id| table.text.contains(*id)).count();
    report.check("key ids in it", 0, shown);
}

async fn generate(cloud: &Cloud) -> String {
    let report = cloud.iam().generate_credential_report().send().await.unwrap();
    report.state().map_or("none", |state| state.as_str()).to_owned()
}

/// When the report says that it was made.
fn generated(cloud: &Cloud, report: &GetCredentialReportOutput) -> String {
    let at = report.generated_time().unwrap();
    let age = cloud.now().as_second() - at.secs();
    if (0..=3600).contains(&age) { "within the hour".to_owned() } else { at.to_string() }
}

/// The report as a table.
struct Table {
    text: String,
    header: String,
    rows: HashMap<String, HashMap<String, String>>,
}

impl Table {
    fn of(report: &GetCredentialReportOutput) -> Self {
        let text = String::from_utf8(report.content().unwrap().as_ref().to_vec()).unwrap();
        let mut lines = text.lines();
        let header = lines.next().unwrap().to_owned();
        let columns: Vec<&str> = header.split(',').collect();
        let row = |line: &str| {
            let fields: Vec<&str> = line.split(',').collect();
            assert_eq!(fields.len(), columns.len(), "{line}");
            let row =
                columns.iter().zip(&fields).map(|(column, field)| (column.to_string(), field.to_string()));
            (fields[0].to_owned(), row.collect())
        };
        let rows = lines.map(row).collect();
        Self { text, header, rows }
    }

    fn presence(&self, user: &str) -> &'static str {
        if self.rows.contains_key(user) { "present" } else { "absent" }
    }

    /// The field; all dates alike.
    fn field(&self, user: &str, column: &str) -> &str {
        let field = &self.rows[user][column];
        if field.parse::<jiff::Timestamp>().is_ok() { "a date" } else { field }
    }
}
