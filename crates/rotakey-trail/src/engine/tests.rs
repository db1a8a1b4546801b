use super::athena::{Table, TableSource, create_table, query};
use super::clickhouse::{self, FileSource};
use super::rows::{self, Cells, RowsError};
use super::*;

fn table() -> Table {
    Table { database: "logs".parse().unwrap(), name: "trail".parse().unwrap() }
}

fn scope() -> Scope {
    Scope {
        accounts: vec!["111122223333".parse().unwrap()],
        regions: vec!["eu-central-1".parse().unwrap(), "us-east-1".parse().unwrap()],
        from: EventTime::parse("2026-11-01T00:00:00Z"),
        until: EventTime::parse("2026-12-01T00:00:00Z"),
        keys: vec![],
    }
}

#[test]
fn nothing_that_ends_a_literal_is_a_name() {
    for text in ["", "a'b", "a\"b", "a`b", "a;b", "a b", "a\\b", "A", "1a", "a.b", "a--b", "a\nb", "ä"] {
        assert!(text.parse::<Identifier>().is_err(), "{text:?}");
    }
    for text in ["eu'central", "eu,us", "", "EU-central-1", "eu central", "*"] {
        assert!(text.parse::<RegionName>().is_err(), "{text:?}");
    }
    for text in ["o-", "o-short", "o-exampleorg'd", "x-exampleorgid", "o-EXAMPLEORGID"] {
        assert!(text.parse::<OrganizationId>().is_err(), "{text:?}");
    }
    for text in [
        "bucket",
        "https://bucket/",
        "s3://",
        "s3://b/",
        "s3://Bucket/",
        "s3://buc'ket/",
        "s3://bucket/a'b/",
        "s3://bucket/a\\b/",
        "s3://bucket/${account}/",
        "s3://bucket/*/",
        "s3://bucket/a\nb/",
        "s3://bucket/AWSLogs/111122223333/",
    ] {
        assert!(text.parse::<Bucket>().is_err(), "{text:?}");
    }
    for text in ["", "/logs/*", "/logs/{a,b}", "/logs/?", "/lo\ngs"] {
        assert!(text.parse::<Pattern>().is_err(), "{text:?}");
    }
}

#[test]
fn a_location_is_understood_however_much_of_it_is_given() {
    let folder = |text: &str| text.parse::<Bucket>().unwrap().accounts_folder(None);
    assert_eq!(folder("s3://trail-bucket"), "s3://trail-bucket/AWSLogs/");
    assert_eq!(folder("s3://trail-bucket/a//b/"), "s3://trail-bucket/a/b/AWSLogs/");
    assert_eq!(folder("s3://trail-bucket/a/AWSLogs/"), "s3://trail-bucket/a/AWSLogs/");
    let of_organization = "s3://trail-bucket/AWSLogs/o-exampleorgid/";
    assert_eq!(folder(of_organization), of_organization);
}

#[test]
fn a_folder_with_quotes_stays_within_its_literal() {
    let source = FileSource::Folder(r"/logs/it's \ odd".parse().unwrap());
    let sql = clickhouse::query(&source, Question::Usage, &Scope::default());
    assert!(sql.contains(r"file('/logs/it\'s \\ odd/**/CloudTrail/*/*/*/*/*.json.gz', "), "{sql}");
}

#[test]
fn the_table_projects_the_partitions_of_an_account_and_of_an_organization() {
    let source = |location: &str, organization: Option<&str>| TableSource {
        location: location.parse().unwrap(),
        organization: organization.map(|id| id.parse().unwrap()),
    };
    let sql = create_table(&table(), &source("s3://trail-bucket/p", None), &scope());
    for part in [
        "CREATE EXTERNAL TABLE IF NOT EXISTS `logs`.`trail` (",
        "LOCATION 's3://trail-bucket/p/AWSLogs/'",
        "'projection.account.values' = '111122223333'",
        "'projection.region.values' = 'eu-central-1,us-east-1'",
        "'projection.day.range' = '2026/10/31,2026/12/02'",
        "'storage.location.template' = 's3://trail-bucket/p/AWSLogs/${account}/CloudTrail/${region}/${day}'",
    ] {
        assert!(sql.contains(part), "{part}\n{sql}");
    }
    let organization = source("s3://trail-bucket", Some("o-exampleorgid"));
    let sql = create_table(&table(), &organization, &Scope::default());
    for part in [
        "LOCATION 's3://trail-bucket/AWSLogs/o-exampleorgid/'",
        "'projection.account.type' = 'injected'",
        "'projection.day.range' = 'NOW-1YEARS,NOW'",
        "'s3://trail-bucket/AWSLogs/o-exampleorgid/${account}/CloudTrail/${region}/${day}'",
    ] {
        assert!(sql.contains(part), "{part}\n{sql}");
    }
}

#[test]
fn what_is_not_asked_about_is_not_read() {
    let sql = query(&table(), Question::Usage, &scope());
    for part in [
        "FROM \"logs\".\"trail\"",
        "account IN ('111122223333')",
        "region IN ('eu-central-1', 'us-east-1')",
        "\"day\" >= '2026/10/31'",
        "\"day\" <= '2026/12/02'",
        "event_at >= '2026-11-01T00:00:00Z'",
        "event_at < '2026-12-01T00:00:00Z'",
    ] {
        assert!(sql.contains(part), "{part}\n{sql}");
    }
    assert_eq!(sql.matches("\"trail\"").count(), 1, "the table is read, and paid for, once");
    let source = FileSource::S3 {
        cluster: "main".parse().unwrap(),
        location: "s3://trail-bucket".parse().unwrap(),
        organization: None,
    };
    let sql = clickhouse::query(&source, Question::Usage, &scope());
    let files = "s3Cluster('main', 's3://trail-bucket/AWSLogs/111122223333/CloudTrail/{eu-central-1,us-east-1}/\
                 {2026/10,2026/11,2026/12}/*/*.json.gz', ";
    assert!(sql.contains(files), "{sql}");
}

#[test]
fn sessions_count_for_the_keys_that_they_descend_from() {
    let names = "access_key_id principal_arn account_id user_name calls denied_calls failed_calls throttled_calls \
                 first_at last_at actions error_codes regions addresses user_agents active_days minted_keys";
    let columns: Vec<String> = names.split_whitespace().map(str::to_owned).collect();
    let row = |key: &str, calls: &str, day: &str, minted: Option<&str>| {
        let day = format!("2026-11-{day}T00:00:00Z");
        let mut cells = vec![Some(key.to_owned()), None, None, None, Some(calls.to_owned())];
        cells.extend([Some("0"), Some("0"), Some("0")].map(|cell| cell.map(str::to_owned)));
        cells.extend([Some(day.clone()), Some(day)]);
        cells.extend(std::iter::repeat_n(Some("1".to_owned()), 6));
        cells.push(minted.map(str::to_owned));
        cells
    };
    let answer = [
        row("AKIA1", "7", "03", Some("ASIA1 ASIA2")),
        row("ASIA1", "5", "04", Some("ASIA3")),
        // A circle, which only made up records have.
        row("ASIA3", "2", "05", Some("ASIA1")),
    ];
    let rows = rows::usage(Cells { columns: &columns, rows: &answer }).unwrap();
    let key = &rows[0];
    assert_eq!((key.access_key_id.as_str(), key.calls), ("AKIA1", 7));
    assert_eq!((key.session_keys, key.session_calls), (3, 7));
    assert_eq!(key.session_last_at, EventTime::parse("2026-11-05T00:00:00Z"));
    let error = rows::usage(Cells { columns: &columns[1..], rows: &answer }).unwrap_err();
    assert_eq!(error, RowsError::NoColumn("access_key_id"));
    let mut wrong = row("AKIA1", "many", "03", None);
    let error = rows::usage(Cells { columns: &columns, rows: &[wrong.clone()] }).unwrap_err();
    assert_eq!(error, RowsError::Cell { row: 1, column: "calls", what: "number" });
    wrong.truncate(3);
    assert!(rows::usage(Cells { columns: &columns, rows: &[wrong] }).is_err(), "short rows do not panic");
}
