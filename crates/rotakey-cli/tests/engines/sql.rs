//! `rotakey trail athena` against `rotakey trail usage`: the statements are run, on DuckDB in Athena's place and on
//! ClickHouse, and their answers are read as that of Athena is.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::support::Desk;
use crate::trail::{Rows, Trail, python, rows};

/// What the columns are that an engine tells by itself; those of sessions are added where its answer is read.
const COLUMNS: [&str; 16] = [
    "access_key_id",
    "principal_arn",
    "account_id",
    "user_name",
    "calls",
    "denied_calls",
    "failed_calls",
    "throttled_calls",
    "first_at",
    "last_at",
    "actions",
    "error_codes",
    "regions",
    "addresses",
    "user_agents",
    "active_days",
];

#[derive(Debug, Deserialize)]
struct Answers {
    athena: Vec<Table>,
    clickhouse: Vec<Table>,
}

#[derive(Debug, Clone, Deserialize)]
struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<Option<String>>>,
}

#[test]
fn athena_and_clickhouse_answer_as_we_do() {
    let trail = Trail::of(5_000);
    let everything = trail.usage(&[]);
    assert!(everything.len() > 100, "the trail has many keys");
    let mut times: Vec<&str> = everything.values().map(|row| row["last_at"].as_str()).collect();
    times.sort_unstable();
    let (from, until) = (times[times.len() / 4], times[times.len() * 3 / 4]);
    let selections = [vec![], vec!["--from", from, "--until", until]];
    let in_part = ["--from", from, "--until", until, "--in-region", "eu-central-1"];
    let asked_in_part = ["--from", from, "--until", until, "--regions", "eu-central-1"];
    let ours = [everything.clone(), trail.usage(&selections[1]), trail.usage(&in_part)];
    assert!(ours.iter().all(|rows| !rows.is_empty()));

    let folder = trail.folder.display().to_string();
    let statements = |what: &str, dialect: &[&str]| -> Vec<String> {
        let selections = [&selections[0][..], &selections[1], &asked_in_part];
        let statement = |selection: &&[&str]| trail.statement(&[&[what], dialect, selection].concat());
        selections.iter().map(statement).collect()
    };
    let on_clickhouse = ["--dialect", "clickhouse", "--location", &folder];
    let mut athena = statements("usage", &[]);
    let mut clickhouse = statements("usage", &on_clickhouse);
    for what in ["consumers", "keys"] {
        athena.push(statements(what, &[]).swap_remove(0));
        clickhouse.push(statements(what, &on_clickhouse).swap_remove(0));
    }
    let answers = answers(&json!({
        "trail": folder,
        "table": trail.statement(&["table", "--location", "s3://trail-bucket/", "--accounts", "111122223333"]),
        "athena": athena,
        "clickhouse": clickhouse,
    }));

    for theirs in [&answers.athena, &answers.clickhouse] {
        for (theirs, ours) in theirs.iter().zip(&ours) {
            check_usage(theirs, ours);
        }
        check_consumers(&theirs[3], &ours[0]);
    }
    check_run(&trail, &answers.athena, &ours[0]);
}

/// The rows with our columns, without those that tell of nothing but sessions.
fn check_usage(theirs: &Table, ours: &Rows) {
    let keys = theirs.column("access_key_id");
    let expected: Vec<String> =
        ours.iter().filter(|(_, row)| row["calls"] != "0").map(|(key, _)| key.clone()).collect();
    assert_eq!(keys, expected, "all keys that were used, in order");
    for name in COLUMNS {
        for (key, cell) in keys.iter().zip(theirs.column(name)) {
            assert_eq!(cell, ours[key][name], "{name} of {key}");
        }
    }
}

/// The calls by all consumers of a key are the calls of the key.
fn check_consumers(theirs: &Table, ours: &Rows) {
    for name in ["calls", "denied_calls", "failed_calls", "throttled_calls"] {
        let mut sums: std::collections::BTreeMap<String, u64> = Default::default();
        for (key, cell) in theirs.column("access_key_id").into_iter().zip(theirs.column(name)) {
            *sums.entry(key).or_default() += cell.parse::<u64>().expect("a number");
        }
        for (key, sum) in sums {
            assert_eq!(sum.to_string(), ours[&key][name], "{name} of {key}");
        }
    }
}

/// `--run`, with moto in Athena's place, which answers what it was given before: here what DuckDB said. What is told then
/// is what we tell of the files, sessions and all.
fn check_run(trail: &Trail, answers: &[Table], ours: &Rows) {
    let url = std::env::var("ROTAKEY_TEST_MOTO_URL")
        .expect("ROTAKEY_TEST_MOTO_URL is set: run the tests by `cargo xtask test`");
    // A region that no other test uses has a queue of results of its own.
    let region = "sa-east-1";
    let results: Vec<Value> = [0, 3, 4].map(|place: usize| answers[place].as_result()).to_vec();
    post(&url, "/moto-api/static/athena/query-results", &json!({"region": region, "results": results}));
    let mut desk = Desk::new();
    for (name, value) in [
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "moto"),
        ("AWS_REGION", region),
        ("AWS_ENDPOINT_URL", &url),
    ] {
        desk.export(name, value);
    }
    let run = |what: &str, format: &str| {
        let options = ["--run", "--workgroup", "primary", "--format", format];
        desk.run(&[&["trail", "athena", what], &options[..]].concat()).exits(0)
    };
    let told = rows(&run("usage", "csv").stdout);
    assert_eq!(told.len(), ours.len());
    for (key, row) in ours {
        assert_eq!(&told[key], row, "{key}");
    }
    let consumers = run("consumers", "json").json();
    let rows = consumers["keys"].as_array().expect("a list").len();
    assert_eq!(rows, answers[3].rows.len());

    let folder = trail.folder.display().to_string();
    let expected = trail.desk.run(&["trail", "keys", "--format", "json", &folder]).exits(0).json();
    let told = run("keys", "json").json();
    let events = |document: &Value| -> Vec<Value> {
        let events = document["events"].as_array().expect("a list").iter();
        events.filter(|event| event["concern"] != "sign_in").cloned().collect()
    };
    assert!(!events(&expected).is_empty(), "the trail has keys that are managed");
    assert_eq!(events(&told), events(&expected));
}

impl Table {
    fn column(&self, name: &str) -> Vec<String> {
        let place = self.columns.iter().position(|column| column == name).expect("the column is there");
        self.rows.iter().map(|row| row[place].clone().unwrap_or_default()).collect()
    }

    /// As Athena gives it: the first row has the names of the columns.
    fn as_result(&self) -> Value {
        let row = |cells: Vec<Value>| json!({ "Data": cells });
        let cell = |cell: &Option<String>| match cell {
            Some(text) => json!({ "VarCharValue": text }),
            None => json!({}),
        };
        let names = self.columns.iter().map(|name| json!({ "VarCharValue": name })).collect();
        let rows: Vec<Value> = std::iter::once(row(names))
            .chain(self.rows.iter().map(|cells| row(cells.iter().map(cell).collect())))
            .collect();
        let columns: Vec<Value> = self.columns.iter().map(|name| column(name)).collect();
        json!({ "rows": rows, "column_info": columns })
    }
}

fn column(name: &str) -> Value {
    json!({
        "CatalogName": "hive", "SchemaName": "", "TableName": "", "Name": name, "Label": name, "Type": "varchar",
        "Precision": 0, "Scale": 0, "Nullable": "UNKNOWN", "CaseSensitive": true,
    })
}

fn answers(asked: &Value) -> Answers {
    let mut command = Command::new(python("ROTAKEY_TEST_ENGINES_PYTHON"));
    command.env_clear().args(["-c", include_str!("sql_answers.py")]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("Python runs");
    let mut stdin = child.stdin.take().expect("standard input is piped");
    stdin.write_all(asked.to_string().as_bytes()).expect("it is read");
    drop(stdin);
    let output = child.wait_with_output().expect("Python ends");
    assert!(output.status.success(), "its message is above");
    serde_json::from_slice(&output.stdout).expect("it writes JSON")
}

fn post(url: &str, path: &str, body: &Value) {
    let address = url.trim_start_matches("http://").trim_end_matches('/');
    let body = body.to_string();
    let mut connection = TcpStream::connect(address).expect("moto listens");
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    );
    connection.write_all(request.as_bytes()).expect("moto listens");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).expect("moto answers");
    assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
}
