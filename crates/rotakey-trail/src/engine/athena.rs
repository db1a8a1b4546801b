//! Amazon Athena: the table over a trail's bucket, and the queries (Trino's SQL).
//!
//! <https://docs.aws.amazon.com/athena/latest/ug/create-cloudtrail-table-partition-projection.html>: `CloudTrailInputFormat`
//! takes the records out of the files, the JSON SerDe of Hive reads them, objects in columns of texts as JSON. Partitions
//! are projected: no crawler, no `ALTER TABLE`, and what a query does not ask about is not even listed.

use super::{Bucket, Grammar, Identifier, OrganizationId, Question, RegionName, Scope, folder_of, list};

/// A table that there is or shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its database.
    pub database: Identifier,
    /// Its name.
    pub name: Identifier,
}

/// What a table reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSource {
    /// Where the trail delivers.
    pub location: Bucket,
    /// Whose trail it is, if not one account's.
    pub organization: Option<OrganizationId>,
}

/// The regions that a table is made for if none are named: those of the partition `aws`.
pub const REGIONS: [&str; 34] = [
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
];

/// The columns that the queries use, and no others: a column that is not there cannot fail on a strange value.
const COLUMNS: &str = "\
    eventtime STRING,
    eventsource STRING,
    eventname STRING,
    awsregion STRING,
    sourceipaddress STRING,
    useragent STRING,
    errorcode STRING,
    errormessage STRING,
    useridentity STRUCT<
        type: STRING,
        principalid: STRING,
        arn: STRING,
        accountid: STRING,
        invokedby: STRING,
        accesskeyid: STRING,
        username: STRING>,
    requestparameters STRING,
    responseelements STRING,
    additionaleventdata STRING,
    eventid STRING,
    recipientaccountid STRING,
    vpcendpointid STRING";

/// A literal of Trino and of Hive. What it may not hold is not in it: names are checked where they are read, and
/// backslashes, which only Hive heeds, are refused there.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

const GRAMMAR: Grammar = Grammar {
    literal,
    matches: |column, pattern| format!("regexp_like({column}, {})", literal(pattern)),
    short_code: "regexp_replace(nullif(errorcode, ''), '^[^.]*[.]', '')",
};

/// The statement that makes the table. Without accounts in the scope, every query must name its own: Athena calls such
/// a partition injected.
pub fn create_table(table: &Table, source: &TableSource, scope: &Scope) -> String {
    let location = source.location.accounts_folder(source.organization.as_ref());
    let accounts = match scope.accounts.is_empty() {
        true => "'projection.account.type' = 'injected'".to_owned(),
        false => {
            let accounts: Vec<String> = scope.accounts.iter().map(ToString::to_string).collect();
            format!(
                "'projection.account.type' = 'enum',\n    'projection.account.values' = {}",
                literal(&accounts.join(","))
            )
        }
    };
    let regions: Vec<&str> = match scope.regions.is_empty() {
        true => REGIONS.to_vec(),
        false => scope.regions.iter().map(RegionName::as_str).collect(),
    };
    let (first, last) = scope.days();
    let first = first.map_or_else(|| "NOW-1YEARS".to_owned(), folder_of);
    let last = last.map_or_else(|| "NOW".to_owned(), folder_of);
    format!(
        "CREATE EXTERNAL TABLE IF NOT EXISTS `{}`.`{}` (
    {COLUMNS}
)
PARTITIONED BY (`account` STRING, `region` STRING, `day` STRING)
ROW FORMAT SERDE 'org.apache.hive.hcatalog.data.JsonSerDe'
STORED AS INPUTFORMAT 'com.amazon.emr.cloudtrail.CloudTrailInputFormat'
OUTPUTFORMAT 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
LOCATION {}
TBLPROPERTIES (
    'projection.enabled' = 'true',
    {accounts},
    'projection.region.type' = 'enum',
    'projection.region.values' = {},
    'projection.day.type' = 'date',
    'projection.day.format' = 'yyyy/MM/dd',
    'projection.day.range' = '{first},{last}',
    'projection.day.interval' = '1',
    'projection.day.interval.unit' = 'DAYS',
    'storage.location.template' = {}
)",
        table.database,
        table.name,
        literal(&location),
        literal(&regions.join(",")),
        literal(&format!("{location}${{account}}/CloudTrail/${{region}}/${{day}}")),
    )
}

/// The query.
pub fn query(table: &Table, question: Question, scope: &Scope) -> String {
    let records = records(table, question, scope);
    let throttled = GRAMMAR.is_throttled();
    let denied = GRAMMAR.is_denied();
    let counts = format!(
        "count(*) AS calls,
    count_if(coalesce(NOT {throttled} AND {denied}, false)) AS denied_calls,
    count_if(coalesce(NOT {throttled}, false)) AS failed_calls,
    count_if(coalesce({throttled}, false)) AS throttled_calls,
    min(event_at) AS first_at,
    max(event_at) AS last_at"
    );
    let names = |column: &str| format!("array_join(array_sort(array_agg(DISTINCT {column})), ' ')");
    match question {
        Question::Usage => {
            // Of the principals of a key the one of its latest call counts.
            let latest = |column: &str| {
                format!("max_by(coalesce({column}, ''), event_at || arn) FILTER (WHERE arn <> '')")
            };
            format!(
                "{records}
SELECT
    access_key_id,
    {} AS principal_arn,
    {} AS account_id,
    {} AS user_name,
    {counts},
    count(DISTINCT event_source || ' ' || event_name) AS actions,
    count(DISTINCT event_source || ' ' || event_name || ' ' || error_code) AS error_codes,
    count(DISTINCT aws_region) AS regions,
    count(DISTINCT source_ip) AS addresses,
    count(DISTINCT user_agent) AS user_agents,
    count(DISTINCT substr(event_at, 1, 10)) AS active_days,
    {} AS minted_keys
FROM events
GROUP BY access_key_id
ORDER BY access_key_id",
                latest("arn"),
                latest("caller_account"),
                latest("user_name"),
                names("minted_key"),
            )
        }
        Question::Consumers => format!(
            "{records}
SELECT
    access_key_id,
    source_ip,
    user_agent,
    vpc_endpoint,
    invoked_by,
    {counts},
    count(DISTINCT substr(event_at, 1, 10)) AS active_days,
    {} AS services,
    {} AS regions
FROM events
GROUP BY access_key_id, source_ip, user_agent, vpc_endpoint, invoked_by
ORDER BY access_key_id, last_at DESC",
            names("event_source"),
            names("aws_region"),
        ),
        Question::Keys => format!(
            "{records}
SELECT
    event_at AS at,
    event_name AS action,
    event_source,
    managed_key AS access_key_id,
    caller_account AS account_id,
    record_account,
    arn AS principal,
    caller_type AS principal_type,
    caller_id AS principal_id,
    caller_name,
    invoked_by,
    access_key_id AS signed_by,
    source_ip,
    user_agent,
    aws_region AS region,
    error_code AS error,
    error_message,
    event_id,
    request_parameters,
    response_elements,
    additional_event_data
FROM events
ORDER BY event_at"
        ),
    }
}

/// The records that are asked about, each once, as the table `events`.
fn records(table: &Table, question: Question, scope: &Scope) -> String {
    let mut partitions = Vec::new();
    if !scope.accounts.is_empty() {
        let accounts = scope.accounts.iter().map(ToString::to_string);
        partitions.push(format!("account IN ({})", list(literal, accounts)));
    }
    if !scope.regions.is_empty() {
        partitions
            .push(format!("region IN ({})", list(literal, scope.regions.iter().map(RegionName::as_str))));
    }
    let (first, last) = scope.days();
    if let Some(first) = first {
        partitions.push(format!("\"day\" >= {}", literal(&folder_of(first))));
    }
    if let Some(last) = last {
        partitions.push(format!("\"day\" <= {}", literal(&folder_of(last))));
    }
    // Records without these are malformed.
    partitions.push("eventtime <> '' AND eventsource <> '' AND eventname <> ''".to_owned());
    let restrictions = GRAMMAR.restrictions(scope, question);
    let only_keys = match question {
        Question::Usage => {
            "
        CASE
            WHEN eventsource IN ('sts.amazonaws.com', 'signin.amazonaws.com')
                OR json_extract_scalar(responseelements, '$.credentials.accessKeyId') LIKE 'ASIA%'
            THEN nullif(json_extract_scalar(responseelements, '$.credentials.accessKeyId'), '')
        END AS minted_key,"
        }
        Question::Consumers => "",
        Question::Keys => {
            "
        coalesce(
            nullif(json_extract_scalar(responseelements, '$.accessKey.accessKeyId'), ''),
            nullif(json_extract_scalar(requestparameters, '$.accessKeyId'), '')
        ) AS managed_key,
        nullif(errormessage, '') AS error_message,
        requestparameters AS request_parameters,
        responseelements AS response_elements,
        additionaleventdata AS additional_event_data,"
        }
    };
    format!(
        "WITH records AS (
    SELECT
        substr(eventtime, 1, 19) || 'Z' AS event_at,
        eventsource AS event_source,
        eventname AS event_name,
        nullif(awsregion, '') AS aws_region,
        nullif(sourceipaddress, '') AS source_ip,
        nullif(useragent, '') AS user_agent,
        nullif(errorcode, '') AS error_code,
        {} AS short_code,
        nullif(useridentity.accesskeyid, '') AS access_key_id,
        nullif(useridentity.arn, '') AS arn,
        nullif(useridentity.type, '') AS caller_type,
        nullif(useridentity.principalid, '') AS caller_id,
        nullif(useridentity.accountid, '') AS caller_account,
        nullif(useridentity.username, '') AS caller_name,
        coalesce(
            nullif(useridentity.username, ''),
            regexp_extract(useridentity.arn, ':assumed-role/([^/]*)', 1)
        ) AS user_name,
        nullif(useridentity.invokedby, '') AS invoked_by,
        nullif(vpcendpointid, '') AS vpc_endpoint,
        coalesce(nullif(recipientaccountid, ''), nullif(useridentity.accountid, '')) AS record_account,{only_keys}
        nullif(eventid, '') AS event_id
    FROM \"{}\".\"{}\"
    WHERE {}
),
numbered AS (
    SELECT *, row_number() OVER (PARTITION BY event_id ORDER BY event_at) AS place
    FROM records
    WHERE {}
),
events AS (
    SELECT * FROM numbered WHERE place = 1 OR event_id IS NULL
)",
        GRAMMAR.short_code,
        table.database,
        table.name,
        partitions.join("\n        AND "),
        restrictions.join("\n        AND "),
    )
}
