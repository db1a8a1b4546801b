//! Amazon Athena: a query, from its start to its rows.
//!
//! A query costs by what it reads, whether anybody waits for it or not: one that is given up is stopped.
//!
//! Permissions: `athena:StartQueryExecution`, `GetQueryExecution`, `GetQueryResults`, `StopQueryExecution`; what
//! the query reads (`glue:GetTable`, `glue:GetPartitions`, `s3:GetObject`, `s3:ListBucket`), and where its result
//! goes (`s3:GetBucketLocation`, `s3:GetObject`, `s3:PutObject`).

mod hint;

use std::sync::Arc;

use aws_sdk_athena::Client;
use aws_sdk_athena::operation::get_query_results::GetQueryResultsOutput;
use aws_sdk_athena::types::{
    QueryExecution, QueryExecutionContext, QueryExecutionState, QueryExecutionStatus, ResultConfiguration,
    Row, StatementType,
};
use jiff::{SignedDuration, Timestamp};
use rotakey_engine::port::{Clock, PortError, PortErrorKind};

use crate::error::{escaped, failed, incomplete};
use crate::paging::next_page;
use crate::patience::patiently;

/// Athena of the account that the credentials belong to, in one region.
#[derive(Clone)]
pub struct Athena {
    client: Client,
    clock: Arc<dyn Clock>,
}

/// A query to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The statement.
    pub sql: String,
    /// The workgroup, which says who pays and how much may be read.
    pub workgroup: String,
    /// The database of the tables that the statement does not qualify.
    pub database: Option<String>,
    /// Where the result goes, such as `s3://bucket/folder/`. Not needed if the workgroup says it, and of no effect if
    /// the workgroup insists.
    pub output_location: Option<String>,
    /// 32 to 128 characters that tell this run from all others. With those of an earlier run of the same statement,
    /// Athena answers with that run and reads nothing.
    pub request_token: String,
    /// After how long the query is stopped.
    pub within: SignedDuration,
    /// The most rows that are read.
    pub most_rows: usize,
}

/// What a query gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryResult {
    /// What Athena knows the run by.
    pub execution_id: String,
    /// The names of the columns.
    pub columns: Vec<String>,
    /// The rows, each as wide as the columns; `None` is `NULL`.
    pub rows: Vec<Vec<Option<String>>>,
    /// How many bytes were read, which is what is paid for.
    pub bytes_scanned: Option<u64>,
}

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// A call failed.
    #[error("{error}{}", left(*.left_running))]
    Call {
        /// The failure.
        error: PortError,
        /// Whether the query may go on, since it could not be stopped.
        left_running: bool,
    },
    /// The query failed.
    #[error("Athena's query {execution_id} failed: {reason}")]
    Failed {
        /// What Athena knows the run by.
        execution_id: String,
        /// What Athena says, escaped.
        reason: String,
        /// Whether the same query may succeed later.
        is_retryable: bool,
    },
    /// Somebody or a limit of the workgroup stopped the query.
    #[error("Athena's query {execution_id} was cancelled: {reason}")]
    Cancelled {
        /// What Athena knows the run by.
        execution_id: String,
        /// What Athena says, escaped.
        reason: String,
    },
    /// The query took too long and was stopped.
    #[error("Athena's query {execution_id} has not ended within {} seconds{}", .within.as_secs(), left(*.left_running))]
    TooLate {
        /// What Athena knows the run by.
        execution_id: String,
        /// How long it had.
        within: SignedDuration,
        /// Whether it may go on, since it could not be stopped.
        left_running: bool,
    },
    /// The result is longer than the caller can use.
    #[error("the result of Athena's query {execution_id} has more than {most_rows} rows")]
    TooManyRows {
        /// What Athena knows the run by.
        execution_id: String,
        /// The most rows.
        most_rows: usize,
    },
}

/// The shortest and the longest pause between two looks at a query; each is half as long again as the last.
const FIRST_LOOK: SignedDuration = SignedDuration::from_millis(500);
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_secs(10);

/// The most rows that Athena gives at once.
const PAGE: i32 = 1_000;

impl QueryError {
    /// What may help.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Call { error, .. } => hint::of_reason(&error.message),
            Self::Failed { reason, is_retryable, .. } => hint::of_reason(reason)
                .or(is_retryable.then_some("Athena says that the same query may succeed later")),
            Self::Cancelled { reason, .. } => hint::of_reason(reason),
            Self::TooLate { .. } => Some("ask for fewer days, or allow more time"),
            Self::TooManyRows { .. } => Some("ask for fewer days, or for one key"),
        }
    }
}

impl Athena {
    pub(crate) fn new(client: Client, clock: Arc<dyn Clock>) -> Self {
        Self { client, clock }
    }

    /// Starts the query, waits for its end, and reads its rows.
    ///
    /// # Errors
    /// As [`QueryError`] says. Throttling and silence are waited out for a minute at each call. Whatever fails before
    /// the query has ended, the query is stopped.
    pub async fn run(&self, query: &Query) -> Result<QueryResult, QueryError> {
        let deadline = self.clock.now().checked_add(query.within).unwrap_or(Timestamp::MAX);
        let id = self.start(query).await.map_err(|error| QueryError::Call { error, left_running: false })?;
        let execution = match self.ended(&id, deadline).await {
            Ok(Some(execution)) => execution,
            Ok(None) => {
                let (execution_id, left_running) = (id.clone(), self.stop(&id).await.is_err());
                return Err(QueryError::TooLate { execution_id, within: query.within, left_running });
            }
            Err(error) => {
                return Err(QueryError::Call { error, left_running: self.stop(&id).await.is_err() });
            }
        };
        check_end(&id, execution.status.as_ref())?;
        let statistics = execution.statistics.as_ref();
        let scanned = statistics.and_then(|statistics| statistics.data_scanned_in_bytes);
        let mut result = QueryResult {
            execution_id: id,
            columns: Vec::new(),
            rows: Vec::new(),
            bytes_scanned: scanned.and_then(|bytes| u64::try_from(bytes).ok()),
        };
        self.read(&mut result, execution.statement_type == Some(StatementType::Dml), query.most_rows).await?;
        Ok(result)
    }

    /// The same token starts the query once, however often it is sent.
    async fn start(&self, query: &Query) -> Result<String, PortError> {
        const OPERATION: &str = "athena:StartQueryExecution";
        if !(32..=128).contains(&query.request_token.chars().count()) {
            let message = "a request token has 32 to 128 characters";
            return Err(PortError::new(PortErrorKind::Invalid, OPERATION, message));
        }
        let context =
            query.database.as_ref().map(|name| QueryExecutionContext::builder().database(name).build());
        let output = query
            .output_location
            .as_ref()
            .map(|location| ResultConfiguration::builder().output_location(location).build());
        let answer = patiently(&*self.clock, || async {
            let call = self.client.start_query_execution().query_string(&query.sql);
            let call = call.work_group(&query.workgroup).client_request_token(&query.request_token);
            let call =
                call.set_query_execution_context(context.clone()).set_result_configuration(output.clone());
            call.send().await.map_err(failed(OPERATION))
        })
        .await?;
        answer.query_execution_id.ok_or_else(|| incomplete(OPERATION, "the id of the query"))
    }

    /// The query when it has ended; `None` if it has not by the deadline.
    async fn ended(&self, id: &str, deadline: Timestamp) -> Result<Option<QueryExecution>, PortError> {
        const OPERATION: &str = "athena:GetQueryExecution";
        let mut pause = FIRST_LOOK;
        loop {
            let answer = patiently(&*self.clock, || async {
                let call = self.client.get_query_execution().query_execution_id(id);
                call.send().await.map_err(failed(OPERATION))
            })
            .await?;
            let execution = answer.query_execution.ok_or_else(|| incomplete(OPERATION, "the query"))?;
            let status =
                execution.status.as_ref().ok_or_else(|| incomplete(OPERATION, "the query's status"))?;
            match status.state.as_ref().ok_or_else(|| incomplete(OPERATION, "the query's state"))? {
                QueryExecutionState::Succeeded
                | QueryExecutionState::Failed
                | QueryExecutionState::Cancelled => return Ok(Some(execution)),
                // Whatever other state there is or will be: the query has not ended.
                _ => {}
            }
            let now = self.clock.now();
            if now >= deadline {
                return Ok(None);
            }
            self.clock.sleep_until(now.checked_add(pause).unwrap_or(deadline).min(deadline)).await;
            pause = (pause * 3 / 2).min(LONGEST_PAUSE);
        }
    }

    /// Stops the query. That one has ended is no error to Athena.
    async fn stop(&self, id: &str) -> Result<(), PortError> {
        patiently(&*self.clock, || async {
            let call = self.client.stop_query_execution().query_execution_id(id);
            call.send().await.map(drop).map_err(failed("athena:StopQueryExecution"))
        })
        .await
    }

    /// Reads all pages of the result.
    async fn read(
        &self,
        result: &mut QueryResult,
        has_header: bool,
        most_rows: usize,
    ) -> Result<(), QueryError> {
        const OPERATION: &str = "athena:GetQueryResults";
        let ended = |error| QueryError::Call { error, left_running: false };
        let mut token: Option<String> = None;
        loop {
            let page = patiently(&*self.clock, || async {
                let call = self.client.get_query_results().query_execution_id(&result.execution_id);
                let call = call.max_results(PAGE).set_next_token(token.clone());
                call.send().await.map_err(failed(OPERATION))
            })
            .await
            .map_err(ended)?;
            let next = page.next_token.clone().filter(|token| !token.is_empty());
            let is_first = token.is_none();
            token = next_page(OPERATION, next, token.as_deref()).map_err(ended)?;
            add_page(OPERATION, result, page, is_first.then_some(has_header)).map_err(ended)?;
            if result.rows.len() > most_rows {
                return Err(QueryError::TooManyRows { execution_id: result.execution_id.clone(), most_rows });
            }
            if token.is_none() {
                return Ok(());
            }
        }
    }
}

/// Adds a page to the result. Of the first one it is said whether it has a header.
fn add_page(
    operation: &'static str,
    result: &mut QueryResult,
    page: GetQueryResultsOutput,
    first: Option<bool>,
) -> Result<(), PortError> {
    let set = page.result_set.ok_or_else(|| incomplete(operation, "the rows"))?;
    let mut rows = set.rows.unwrap_or_default().into_iter().map(cells).peekable();
    if let Some(has_header) = first {
        let described = set.result_set_metadata.and_then(|metadata| metadata.column_info);
        result.columns = described.unwrap_or_default().into_iter().map(|column| column.name).collect();
        // The first row of a SELECT repeats the names of the columns; that of other statements is one of the result.
        if has_header || rows.peek().is_some_and(|row| is_header(row, &result.columns)) {
            rows.next();
        }
    }
    for row in rows {
        if row.len() != result.columns.len() {
            let (is, of) = (row.len(), result.columns.len());
            let message = format!("AWS answered with a row of {is} values for {of} columns");
            return Err(PortError::new(PortErrorKind::Invalid, operation, message));
        }
        result.rows.push(row);
    }
    Ok(())
}

fn cells(row: Row) -> Vec<Option<String>> {
    row.data.unwrap_or_default().into_iter().map(|datum| datum.var_char_value).collect()
}

fn is_header(row: &[Option<String>], columns: &[String]) -> bool {
    !columns.is_empty() && row.iter().map(Option::as_deref).eq(columns.iter().map(|name| Some(name.as_str())))
}

/// Fails unless the query succeeded.
fn check_end(id: &str, status: Option<&QueryExecutionStatus>) -> Result<(), QueryError> {
    let execution_id = id.to_owned();
    let state = status.and_then(|status| status.state.as_ref());
    let error = status.and_then(|status| status.athena_error.as_ref());
    let reason = status.and_then(|status| status.state_change_reason.as_deref());
    let reason = reason.or(error.and_then(|error| error.error_message.as_deref()));
    let reason = escaped(reason.unwrap_or("Athena does not say why"));
    match state {
        Some(QueryExecutionState::Succeeded) => Ok(()),
        Some(QueryExecutionState::Cancelled) => Err(QueryError::Cancelled { execution_id, reason }),
        _ => {
            let is_retryable = error.is_some_and(|error| error.retryable);
            Err(QueryError::Failed { execution_id, reason, is_retryable })
        }
    }
}

fn left(running: bool) -> &'static str {
    if running { "; it could not be stopped and may go on, and cost" } else { "" }
}
