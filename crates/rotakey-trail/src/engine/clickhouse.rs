//! ClickHouse: the same queries over the files themselves, wherever its servers reach them. There is no table to make.

use super::{Bucket, EventTime, Grammar, OrganizationId, Pattern, Question, RegionName, Scope, folder_of};

/// Where the files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileSource {
    /// In a bucket, which all servers of a cluster read together.
    S3 {
        /// The name that the cluster has in the servers' configuration.
        cluster: Pattern,
        /// Where the trail delivers.
        location: Bucket,
        /// Whose trail it is, if not one account's.
        organization: Option<OrganizationId>,
    },
    /// In a folder of the one server.
    Folder(Pattern),
}

/// The most months that are named one by one.
const MOST_MONTHS: usize = 120;

/// What is read of a record. Objects in columns of texts are read as JSON.
const RECORD: &str = "Tuple(eventTime Nullable(String), eventSource Nullable(String), eventName Nullable(String), \
    awsRegion Nullable(String), sourceIPAddress Nullable(String), userAgent Nullable(String), \
    errorCode Nullable(String), errorMessage Nullable(String), requestParameters Nullable(String), \
    responseElements Nullable(String), additionalEventData Nullable(String), eventID Nullable(String), \
    recipientAccountId Nullable(String), vpcEndpointId Nullable(String), \
    userIdentity Tuple(type Nullable(String), principalId Nullable(String), arn Nullable(String), \
    accountId Nullable(String), invokedBy Nullable(String), accessKeyId Nullable(String), \
    userName Nullable(String)))";

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

const GRAMMAR: Grammar = Grammar {
    literal,
    matches: |column, pattern| format!("match({column}, {})", literal(pattern)),
    short_code: "replaceRegexpOne(nullIf(r.errorCode, ''), '^[^.]*[.]', '')",
};

/// The query.
pub fn query(source: &FileSource, question: Question, scope: &Scope) -> String {
    let records = records(source, question, scope);
    let throttled = GRAMMAR.is_throttled();
    let denied = GRAMMAR.is_denied();
    let counts = format!(
        "count() AS calls,
    countIf(ifNull(NOT {throttled} AND {denied}, 0)) AS denied_calls,
    countIf(ifNull(NOT {throttled}, 0)) AS failed_calls,
    countIf(ifNull({throttled}, 0)) AS throttled_calls,
    min(event_at) AS first_at,
    max(event_at) AS last_at"
    );
    let names = |column: &str| format!("arrayStringConcat(arraySort(groupUniqArray({column})), ' ')");
    match question {
        Question::Usage => {
            let latest = |column: &str| {
                format!("argMaxIf(ifNull({column}, ''), concat(event_at, arn), ifNull(arn != '', 0))")
            };
            format!(
                "{records}
SELECT
    access_key_id,
    {} AS principal_arn,
    {} AS account_id,
    {} AS user_name,
    {counts},
    uniqExact(event_source, event_name) AS actions,
    uniqExactIf((event_source, event_name, error_code), error_code IS NOT NULL) AS error_codes,
    uniqExact(aws_region) AS regions,
    uniqExact(source_ip) AS addresses,
    uniqExact(user_agent) AS user_agents,
    uniqExact(substring(event_at, 1, 10)) AS active_days,
    {} AS minted_keys
FROM events
GROUP BY access_key_id
ORDER BY access_key_id",
                latest("arn"),
                latest("caller_account"),
                latest("caller_user"),
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
    uniqExact(substring(event_at, 1, 10)) AS active_days,
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
    events.access_key_id AS signed_by,
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

/// The function that reads the files.
fn files(source: &FileSource, scope: &Scope) -> String {
    let one_of = |texts: Vec<String>| match texts.as_slice() {
        [] => "*".to_owned(),
        [only] => only.clone(),
        several => format!("{{{}}}", several.join(",")),
    };
    let regions = one_of(scope.regions.iter().map(|region| RegionName::as_str(region).to_owned()).collect());
    let below = format!("CloudTrail/{regions}/{}/*/*.json.gz", one_of(months(scope)).replace('*', "*/*"));
    let structure = literal(&format!("Records Array({RECORD})"));
    match source {
        FileSource::S3 { cluster, location, organization } => {
            let accounts = one_of(scope.accounts.iter().map(ToString::to_string).collect());
            let url = format!("{}{accounts}/{below}", location.accounts_folder(organization.as_ref()));
            let cluster = literal(cluster.as_str());
            format!("s3Cluster({cluster}, {}, 'JSONEachRow', {structure})", literal(&url))
        }
        FileSource::Folder(folder) => {
            let path = format!("{}/**/{below}", folder.as_str().trim_end_matches('/'));
            format!("file({}, 'JSONEachRow', {structure})", literal(&path))
        }
    }
}

/// The months whose folders may hold what is asked about, `2026/11`; none if they are not few.
fn months(scope: &Scope) -> Vec<String> {
    let (Some(first), Some(last)) = scope.days() else { return Vec::new() };
    let of = |time: EventTime| folder_of(time)[..7].to_owned();
    let mut months = vec![of(first)];
    let mut at = first;
    while at < last && months.len() <= MOST_MONTHS {
        // No month is shorter.
        let later = at.seconds() + 28 * crate::event_time::DAY;
        at = EventTime::from_seconds(later).map_or(last, |later| later.min(last));
        if months.last() != Some(&of(at)) {
            months.push(of(at));
        }
    }
    if months.len() > MOST_MONTHS { Vec::new() } else { months }
}

/// The records that are asked about, each once, as the table `events`.
fn records(source: &FileSource, question: Question, scope: &Scope) -> String {
    let restrictions = GRAMMAR.restrictions(scope, question);
    let only_keys = match question {
        Question::Usage => {
            "
        JSONExtractString(ifNull(r.responseElements, ''), 'credentials', 'accessKeyId') AS given_out,
        nullIf(if(
            r.eventSource IN ('sts.amazonaws.com', 'signin.amazonaws.com') OR startsWith(given_out, 'ASIA'),
            given_out, ''
        ), '') AS minted_key,"
        }
        Question::Consumers => "",
        Question::Keys => {
            "
        coalesce(
            nullIf(JSONExtractString(ifNull(r.responseElements, ''), 'accessKey', 'accessKeyId'), ''),
            nullIf(JSONExtractString(ifNull(r.requestParameters, ''), 'accessKeyId'), '')
        ) AS managed_key,
        nullIf(r.errorMessage, '') AS error_message,
        r.requestParameters AS request_parameters,
        r.responseElements AS response_elements,
        r.additionalEventData AS additional_event_data,"
        }
    };
    format!(
        "WITH records AS (
    SELECT
        concat(substring(r.eventTime, 1, 19), 'Z') AS event_at,
        r.eventSource AS event_source,
        r.eventName AS event_name,
        nullIf(r.awsRegion, '') AS aws_region,
        nullIf(r.sourceIPAddress, '') AS source_ip,
        nullIf(r.userAgent, '') AS user_agent,
        nullIf(r.errorCode, '') AS error_code,
        {} AS short_code,
        nullIf(r.userIdentity.accessKeyId, '') AS access_key_id,
        nullIf(r.userIdentity.arn, '') AS arn,
        nullIf(r.userIdentity.type, '') AS caller_type,
        nullIf(r.userIdentity.principalId, '') AS caller_id,
        nullIf(r.userIdentity.accountId, '') AS caller_account,
        nullIf(r.userIdentity.userName, '') AS caller_name,
        coalesce(
            nullIf(r.userIdentity.userName, ''),
            nullIf(extract(ifNull(r.userIdentity.arn, ''), ':assumed-role/([^/]*)'), '')
        ) AS caller_user,
        nullIf(r.userIdentity.invokedBy, '') AS invoked_by,
        nullIf(r.vpcEndpointId, '') AS vpc_endpoint,
        coalesce(nullIf(r.recipientAccountId, ''), nullIf(r.userIdentity.accountId, '')) AS record_account,{only_keys}
        nullIf(r.eventID, '') AS event_id
    FROM (
        SELECT arrayJoin(Records) AS r
        FROM {}
    )
    WHERE r.eventTime != '' AND r.eventSource != '' AND r.eventName != ''
),
events AS (
    SELECT *
    FROM records
    WHERE {}
    LIMIT 1 BY coalesce(event_id, toString(generateUUIDv4()))
)",
        GRAMMAR.short_code,
        files(source, scope),
        restrictions.join("\n        AND "),
    )
}
