//! The columns of a file: those of [`KeyUsage`], in Parquet's own words.
//!
//! A list is never null, and neither is what a row or an entry always has. Numbers are signed: Athena and older engines
//! know no others, and no count comes near the difference.

use parquet::schema::parser::parse_message_type;
use parquet::schema::types::Type;

#[cfg(doc)]
use rotakey_trail::usage::schema::KeyUsage;

/// The schema of the rows.
pub(super) fn key_usage() -> Type {
    let tally = format!(
        "required int64 calls; {} {}",
        field("required", "first_at", TIME),
        field("required", "last_at", TIME)
    );
    let texts = |names: &[&str], repetition: &str| -> String {
        names.iter().map(|name| field(repetition, name, TEXT)).collect()
    };
    let numbers =
        |names: &[&str]| -> String { names.iter().map(|name| format!("required int64 {name}; ")).collect() };
    let counts = numbers(&["calls", "denied_calls", "failed_calls", "throttled_calls"]);
    let times = field("optional", "first_at", TIME) + &field("optional", "last_at", TIME);
    let named = |name: &str| list(name, &(texts(&["name"], "required") + &tally));
    let clients =
        ["version", "runtime", "runtime_version", "execution_environment", "operating_system", "application"];
    let columns = [
        texts(&["access_key_id", "principal_arn", "principal_type", "account_id", "user_name"], "optional"),
        texts(&["consumer", "service", "day"], "optional"),
        counts.clone(),
        times.clone(),
        list("actions", &(texts(&["service", "action"], "required") + &tally)),
        list("errors", &(texts(&["service", "action", "code"], "required") + &tally)),
        named("regions"),
        numbers(&["addresses"]),
        list("networks", &(texts(&["network"], "required") + &numbers(&["addresses"]) + &tally)),
        numbers(&["distinct_user_agents"]),
        list(
            "user_agents",
            &[
                texts(&["family"], "required"),
                texts(&clients, "optional"),
                format!(
                    "required group credential_sources (LIST) {{ repeated group list {{ {} }} }} ",
                    field("required", "element", TEXT)
                ),
                texts(&["text"], "optional"),
                tally.clone(),
            ]
            .concat(),
        ),
        named("vpc_endpoints"),
        named("invoked_by"),
        format!(
            "optional group cadence {{ {} optional int64 typical_interval_seconds; \
             optional group schedule {{ {} required double confidence; {} {} }} }} ",
            numbers(&["active_days", "active_hours", "longest_gap_seconds"]),
            texts(&["kind", "text"], "required"),
            texts(&["explanation"], "required"),
            field("optional", "next_expected", TIME),
        ),
        texts(&["parent"], "optional"),
        format!("optional group sessions {{ {} {counts} {times} }} ", numbers(&["keys"])),
        "required boolean truncated; ".to_owned(),
    ];
    parse_message_type(&format!("message key_usage {{ {} }}", columns.concat()))
        .expect("the schema is written as Parquet wants it")
}

const TEXT: (&str, &str) = ("binary", "STRING");

/// Milliseconds since 1970, UTC.
const TIME: (&str, &str) = ("int64", "TIMESTAMP(MILLIS,true)");

fn field(repetition: &str, name: &str, (kind, meaning): (&str, &str)) -> String {
    format!("{repetition} {kind} {name} ({meaning}); ")
}

/// A list of groups with those fields.
fn list(name: &str, fields: &str) -> String {
    format!(
        "required group {name} (LIST) {{ repeated group list {{ required group element {{ {fields} }} }} }} "
    )
}
