//! Athena: a query on moto's server, which runs none but answers as it is told, and what moto does not do, by a script.

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;

use jiff::SignedDuration;
use rotakey_aws::athena::{Query, QueryError, QueryResult};
use rotakey_aws::{Connection, ConnectionOptions};
use rotakey_core::secret::{AccessKeyPair, Secret};
use rotakey_engine::port::PortErrorKind;
use serde_json::{Value, json};
use support::{Replay, VirtualClock};

#[tokio::test]
async fn a_query_on_moto_gives_its_rows() {
    let url = std::env::var("ROTAKEY_TEST_MOTO_URL").unwrap_or_else(|_| {
        panic!(
            "ROTAKEY_TEST_MOTO_URL is not set: this test needs moto's server. \
             Run `cargo xtask setup` once, and the tests by `cargo xtask test`."
        )
    });
    // A region that no other test uses has a queue of results of its own.
    let region = "eu-north-1";
    let rows = json!([
        row(&[Some("key"), Some("calls")]),
        row(&[Some("AKIA1"), Some("7")]),
        row(&[None, Some("1")])
    ]);
    let result = json!({"rows": rows, "column_info": columns(&["key", "calls"])});
    post(&url, "/moto-api/static/athena/query-results", &json!({"region": region, "results": [result]}));
    let options = ConnectionOptions {
        region: Some("us-east-1".to_owned()),
        endpoint_url: Some(url),
        credentials: Some(AccessKeyPair {
            id: "AKIAIOSFODNN7EXAMPLE".parse().unwrap(),
            secret: Secret::new("moto".to_owned()),
        }),
        ..ConnectionOptions::default()
    };
    let athena = Connection::open(options).await.unwrap().athena(Some(region), VirtualClock::new());
    let result = athena.run(&Query { workgroup: "primary".to_owned(), ..query() }).await.unwrap();
    assert_eq!(result.columns, ["key", "calls"]);
    assert_eq!(result.rows, [[text("AKIA1"), text("7")], [None, text("1")]]);
}

#[tokio::test]
async fn a_query_is_started_waited_for_and_read_page_by_page() {
    let replay = Replay::start([
        (200, json!({"QueryExecutionId": "q-1"})),
        (200, state("QUEUED")),
        (200, state("RUNNING")),
        (200, state("RUNNING")),
        (200, state("SUCCEEDED")),
        (200, page(&[row(&[Some("key"), Some("calls")]), row(&[Some("AKIA1"), Some("7")])], Some("next"))),
        (200, page(&[row(&[Some("key"), Some("calls")]), row(&[Some(""), None])], None)),
    ]);
    let clock = VirtualClock::new();
    let result = replay.connect().await.athena(None, clock.clone()).run(&query()).await.unwrap();
    let expected = QueryResult {
        execution_id: "q-1".to_owned(),
        columns: vec!["key".to_owned(), "calls".to_owned()],
        // Only the first row of the first page is a header.
        rows: vec![vec![text("AKIA1"), text("7")], vec![text("key"), text("calls")], vec![text(""), None]],
        bytes_scanned: Some(4096),
    };
    assert_eq!(result, expected);
    assert_eq!(clock.waited(), SignedDuration::from_millis(500 + 750 + 1_125));
    let requests = replay.requests();
    let started = json!({
        "QueryString": "SELECT 1", "ClientRequestToken": query().request_token, "WorkGroup": "trail",
        "QueryExecutionContext": {"Database": "logs"},
        "ResultConfiguration": {"OutputLocation": "s3://results/trail/"},
    });
    assert_eq!(requests[0], ("StartQueryExecution".to_owned(), started));
    assert_eq!(requests[5].1, json!({"QueryExecutionId": "q-1", "MaxResults": 1000}));
    assert_eq!(requests[6].1["NextToken"], "next");
}

#[tokio::test]
async fn a_statement_without_a_header_keeps_its_first_row() {
    let mut ended = state("SUCCEEDED");
    ended["QueryExecution"]["StatementType"] = "UTILITY".into();
    let rows = [row(&[Some("first"), None]), row(&[Some("second"), None])];
    let replay =
        Replay::start([(200, json!({"QueryExecutionId": "q-1"})), (200, ended), (200, page(&rows, None))]);
    let result = replay.connect().await.athena(None, VirtualClock::new()).run(&query()).await.unwrap();
    assert_eq!(result.rows.len(), 2);
}

#[tokio::test]
async fn a_start_that_is_not_answered_is_sent_again_with_the_same_token() {
    let silent = || (500, json!({"__type": "InternalServerException", "message": "try again"}));
    let started = (200, json!({"QueryExecutionId": "q-1"}));
    let replay =
        Replay::start([silent(), silent(), started, (200, state("SUCCEEDED")), (200, page(&[], None))]);
    let clock = VirtualClock::new();
    replay.connect().await.athena(None, clock.clone()).run(&query()).await.unwrap();
    let starts = replay.requests().into_iter().take(3);
    let tokens: Vec<Value> = starts.map(|(_, body)| body["ClientRequestToken"].clone()).collect();
    assert_eq!(tokens, vec![Value::from(query().request_token); 3]);
    assert_eq!(clock.waited(), SignedDuration::from_secs(1 + 2));
}

#[tokio::test]
async fn a_failed_query_says_why_and_what_helps() {
    let mut failed = state("FAILED");
    failed["QueryExecution"]["Status"]["StateChangeReason"] =
        "TABLE_NOT_FOUND: line 1:15: Table 'a\u{1b}[2J' does not exist".into();
    failed["QueryExecution"]["Status"]["AthenaError"] = json!({"ErrorCategory": 2, "Retryable": false});
    let replay = Replay::start([(200, json!({"QueryExecutionId": "q-1"})), (200, failed)]);
    let error = replay.connect().await.athena(None, VirtualClock::new()).run(&query()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        r"Athena's query q-1 failed: TABLE_NOT_FOUND: line 1:15: Table 'a\u{1b}[2J' does not exist"
    );
    assert!(error.hint().unwrap().starts_with("make the table first"));
    assert_eq!(replay.operations(), ["StartQueryExecution", "GetQueryExecution"], "there is nothing to stop");
}

#[tokio::test]
async fn a_query_that_a_limit_cancelled_says_so() {
    let mut cancelled = state("CANCELLED");
    cancelled["QueryExecution"]["Status"]["StateChangeReason"] =
        "Query cancelled! : Bytes scanned limit was exceeded".into();
    let replay = Replay::start([(200, json!({"QueryExecutionId": "q-1"})), (200, cancelled)]);
    let error = replay.connect().await.athena(None, VirtualClock::new()).run(&query()).await.unwrap_err();
    assert!(matches!(error, QueryError::Cancelled { .. }), "{error}");
    assert!(error.hint().unwrap().contains("raise the limit of the workgroup"));
}

#[tokio::test]
async fn a_query_that_takes_too_long_is_stopped() {
    let mut script = vec![(200, json!({"QueryExecutionId": "q-1"}))];
    script.extend(vec![(200, state("RUNNING")); 4]);
    script.push((200, json!({})));
    let replay = Replay::start(script);
    let clock = VirtualClock::new();
    let patient = Query { within: SignedDuration::from_secs(2), ..query() };
    let error = replay.connect().await.athena(None, clock.clone()).run(&patient).await.unwrap_err();
    assert_eq!(error.to_string(), "Athena's query q-1 has not ended within 2 seconds");
    assert_eq!(clock.waited(), SignedDuration::from_secs(2));
    let last = replay.requests().pop().unwrap();
    assert_eq!(last, ("StopQueryExecution".to_owned(), json!({"QueryExecutionId": "q-1"})));
}

#[tokio::test]
async fn a_query_that_cannot_be_watched_is_stopped_or_said_to_go_on() {
    let denied = || (400, json!({"__type": "AccessDeniedException", "message": "not authorized to perform"}));
    for (stopped, left_running) in [((200, json!({})), false), (denied(), true)] {
        let replay = Replay::start([(200, json!({"QueryExecutionId": "q-1"})), denied(), stopped]);
        let error = replay.connect().await.athena(None, VirtualClock::new()).run(&query()).await.unwrap_err();
        let QueryError::Call { error: call, left_running: left } = &error else { panic!("{error}") };
        assert_eq!((call.kind, *left), (PortErrorKind::Denied, left_running));
        assert_eq!(error.to_string().contains("may go on, and cost"), left_running, "{error}");
        assert_eq!(replay.operations(), ["StartQueryExecution", "GetQueryExecution", "StopQueryExecution"]);
    }
}

#[tokio::test]
async fn a_result_that_is_longer_than_allowed_or_of_another_shape_is_an_error() {
    let run = async |rows: &[Value]| {
        let script =
            [(200, json!({"QueryExecutionId": "q-1"})), (200, state("SUCCEEDED")), (200, page(rows, None))];
        let athena = Replay::start(script).connect().await.athena(None, VirtualClock::new());
        athena.run(&Query { most_rows: 2, ..query() }).await.map(|result| result.rows.len())
    };
    let (header, full) = (row(&[Some("key"), Some("calls")]), row(&[Some("AKIA1"), Some("7")]));
    assert_eq!(run(&[header.clone(), full.clone(), full.clone()]).await.unwrap(), 2);
    let long = run(&[header.clone(), full.clone(), full.clone(), full]).await.unwrap_err();
    assert!(matches!(long, QueryError::TooManyRows { most_rows: 2, .. }), "{long}");
    let narrow = run(&[header, row(&[Some("AKIA1")])]).await.unwrap_err();
    assert!(narrow.to_string().contains("a row of 1 values for 2 columns"), "{narrow}");
}

#[tokio::test]
async fn a_token_that_athena_would_refuse_is_refused_before_anything_is_sent() {
    let replay = Replay::start([]);
    let short = Query { request_token: "short".to_owned(), ..query() };
    let error = replay.connect().await.athena(None, VirtualClock::new()).run(&short).await.unwrap_err();
    assert!(error.to_string().contains("32 to 128 characters"), "{error}");
    assert!(replay.requests().is_empty());
}

fn query() -> Query {
    Query {
        sql: "SELECT 1".to_owned(),
        workgroup: "trail".to_owned(),
        database: Some("logs".to_owned()),
        output_location: Some("s3://results/trail/".to_owned()),
        request_token: "0123456789abcdef0123456789abcdef".to_owned(),
        within: SignedDuration::from_mins(10),
        most_rows: 1_000,
    }
}

fn text(value: &str) -> Option<String> {
    Some(value.to_owned())
}

fn row(cells: &[Option<&str>]) -> Value {
    let cell = |cell: &Option<&str>| cell.map_or(json!({}), |value| json!({"VarCharValue": value}));
    json!({"Data": cells.iter().map(cell).collect::<Vec<_>>()})
}

fn columns(names: &[&str]) -> Value {
    names.iter().map(|name| json!({"Name": name, "Label": name, "Type": "varchar"})).collect()
}

fn page(rows: &[Value], next: Option<&str>) -> Value {
    let metadata = json!({"ColumnInfo": columns(&["key", "calls"])});
    json!({"ResultSet": {"Rows": rows, "ResultSetMetadata": metadata}, "NextToken": next})
}

fn state(state: &str) -> Value {
    json!({"QueryExecution": {
        "QueryExecutionId": "q-1", "StatementType": "DML", "Status": {"State": state},
        "Statistics": {"DataScannedInBytes": 4096},
    }})
}

/// Tells moto something.
fn post(url: &str, path: &str, body: &Value) {
    let host = url.strip_prefix("http://").unwrap();
    let (body, mut stream) = (body.to_string(), TcpStream::connect(host).unwrap());
    let length = body.len();
    let head =
        format!("POST {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {length}");
    stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
}
