//! `rotakey trail athena`: the same questions, answered by an engine that exists where a trail is too large for one
//! machine.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use jiff::SignedDuration;
use rotakey_aws::athena::{Query, QueryError, QueryResult};
use rotakey_core::id::{AccessKeyId, AccountId};
use rotakey_trail::engine::athena::{Table, TableSource, create_table, query};
use rotakey_trail::engine::clickhouse::{self, FileSource};
use rotakey_trail::engine::rows::{self, Cells, RowsError};
use rotakey_trail::engine::{Bucket, Identifier, OrganizationId, Pattern, Question, RegionName, Scope};
use rotakey_trail::event_time::EventTime;
use rotakey_trail::keys::KeysFilter;
use rotakey_trail::summary::Summary;
use serde::Serialize;

use super::input::instant;
use super::keys;
use crate::assembly::Aws;
use crate::cli::{Format, GlobalArgs};
use crate::error::{CommandError, Verdict, exit_codes};
use crate::explain::port_error;
use crate::printer::Printer;
use crate::quantity::grouped;

mod told;

/// Ask Athena or ClickHouse instead: print the table and the queries, or run them
#[derive(Debug, Args)]
#[command(after_help = concat!(
    "For trails too large for one machine. Without --run nothing is called: the
statement is printed, for you to read and to run where you like. `table` makes a
table over the trail's bucket whose partitions (account, region, day) are
projected: nothing has to crawl the bucket, and what a query does not ask about
is not read. A query reads the table once, and Athena is paid by the bytes read:
give --from, --accounts and --regions. Duplicates are removed by event id.

`usage` has the columns of `trail usage --format csv`; as printed, the sessions
that a key minted are listed, and --run counts their use. `consumers` has a row
for each key, address and client. `keys` gives the records that manage keys, of
which --run makes what `trail keys` tells.

A table made without --accounts wants every query to name them.

Examples:
  rotakey trail athena table --location s3://trail-bucket/ \\
      --organization o-exampleorgid --accounts 111122223333,444455556666
  rotakey trail athena usage --accounts 111122223333 --from 2026-11-01
  rotakey trail athena usage --from 2026-11-01 --run --workgroup audits \\
      --output-location s3://results/rotakey/ --format csv
  rotakey trail athena usage --dialect clickhouse --cluster main \\
      --location s3://trail-bucket/
  rotakey trail athena keys --dialect clickhouse --location logs/

",
    exit_codes!()
))]
pub(crate) struct AthenaArgs {
    /// The statement: that makes the table, or that asks
    #[arg(value_name = "WHAT", value_enum)]
    what: What,
    /// Where the trail delivers, s3://BUCKET/PREFIX; for ClickHouse also a folder of its server
    #[arg(long, value_name = "URL")]
    location: Option<String>,
    /// The organization, if the trail is one of an organization
    #[arg(long, value_name = "ID")]
    organization: Option<OrganizationId>,
    /// Only these accounts
    #[arg(long, value_name = "ID,...", value_delimiter = ',')]
    accounts: Vec<AccountId>,
    /// Only these regions; `table` takes all of the partition aws else
    #[arg(long, value_name = "REGION,...", value_delimiter = ',')]
    regions: Vec<RegionName>,
    /// Only events from this instant or day on; `table` takes a year else
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    from: Option<EventTime>,
    /// Only events before this instant or day
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    until: Option<EventTime>,
    /// Only this key; can be given several times
    #[arg(long = "key", value_name = "ID")]
    keys: Vec<AccessKeyId>,
    /// The database of Athena
    #[arg(long, value_name = "NAME", default_value = "default")]
    database: Identifier,
    /// The table of Athena
    #[arg(long, value_name = "NAME", default_value = "cloudtrail_logs")]
    table: Identifier,
    /// Whose SQL
    #[arg(long, value_name = "ENGINE", value_enum, default_value_t = Dialect::Athena)]
    dialect: Dialect,
    /// The cluster of ClickHouse whose servers share the work
    #[arg(long, value_name = "NAME", default_value = "default")]
    cluster: Pattern,
    /// Run the statement on Athena, and tell the answer
    #[arg(long, requires = "workgroup")]
    run: bool,
    /// The workgroup of Athena, which says who pays and how much may be read
    #[arg(long, value_name = "NAME", requires = "run")]
    workgroup: Option<String>,
    /// Where Athena writes the answer, if the workgroup does not say it
    #[arg(long, value_name = "URL", requires = "run")]
    output_location: Option<String>,
    /// Stop the query after so long
    #[arg(long, value_name = "DURATION", requires = "run", default_value = "30m")]
    within: SignedDuration,
}

/// Which statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    Table,
    Usage,
    Consumers,
    Keys,
}

/// Whose SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum Dialect {
    Athena,
    #[value(name = "clickhouse")]
    ClickHouse,
}

/// A statement in `--format json`.
#[derive(Debug, Serialize)]
struct Statement<'a> {
    dialect: Dialect,
    statement: &'a str,
}

/// The most rows that are read of an answer: a million keys.
const MOST_ROWS: usize = 1_000_000;

/// Runs the command.
pub(super) async fn run(
    args: &AthenaArgs,
    globals: &GlobalArgs,
    printer: &Printer,
) -> Result<Verdict, CommandError> {
    let statement = args.statement()?;
    match &args.workgroup {
        Some(workgroup) if args.run => args.ask(statement, workgroup, globals, printer).await,
        _ => {
            match printer.format() {
                Format::Json => {
                    printer.json(&Statement { dialect: args.dialect, statement: &statement })?;
                }
                Format::Csv => {
                    return Err(CommandError::usage("a statement is not CSV")
                        .hint("Add --run and --workgroup for rows, or use --format human or json."));
                }
                Format::Human => printer.text(&format!("{statement};\n"))?,
            }
            Ok(Verdict::Clean)
        }
    }
}

impl AthenaArgs {
    /// What the arguments ask for.
    fn statement(&self) -> Result<String, CommandError> {
        if let Some((from, until)) = self.from.zip(self.until)
            && until <= from
        {
            return Err(CommandError::usage(format!("nothing is from {from} on and before {until}"))
                .hint("--until names the first instant that is too late."));
        }
        let scope = Scope {
            accounts: self.accounts.clone(),
            regions: self.regions.clone(),
            from: self.from,
            until: self.until,
            keys: self.keys.clone(),
        };
        let table = Table { database: self.database.clone(), name: self.table.clone() };
        let question = match self.what {
            What::Table if self.dialect == Dialect::ClickHouse => {
                return Err(CommandError::usage("ClickHouse needs no table: it reads the files")
                    .hint("Ask for usage, consumers or keys."));
            }
            What::Table => {
                let source =
                    TableSource { location: self.bucket()?, organization: self.organization.clone() };
                return Ok(create_table(&table, &source, &scope));
            }
            What::Usage => Question::Usage,
            What::Consumers => Question::Consumers,
            What::Keys => Question::Keys,
        };
        match self.dialect {
            Dialect::Athena => Ok(query(&table, question, &scope)),
            Dialect::ClickHouse if self.run => Err(CommandError::usage("--run is for Athena only")
                .hint("Give the printed query to clickhouse-client, or to whatever asks your cluster.")),
            Dialect::ClickHouse => Ok(clickhouse::query(&self.files()?, question, &scope)),
        }
    }

    fn bucket(&self) -> Result<Bucket, CommandError> {
        self.location()?.parse().map_err(|error| {
            CommandError::usage(error).hint("Such a location looks like s3://trail-bucket/prefix/.")
        })
    }

    fn location(&self) -> Result<&str, CommandError> {
        self.location.as_deref().ok_or_else(|| {
            CommandError::usage("the statement must say where the log files are")
                .hint("Name the trail's bucket with --location s3://BUCKET/PREFIX.")
        })
    }

    fn files(&self) -> Result<FileSource, CommandError> {
        if self.location()?.starts_with("s3://") {
            return Ok(FileSource::S3 {
                cluster: self.cluster.clone(),
                location: self.bucket()?,
                organization: self.organization.clone(),
            });
        }
        // ClickHouse looks in its own folder for what is not absolute.
        let folder = std::path::absolute(PathBuf::from(self.location()?)).map_err(CommandError::usage)?;
        let folder = folder.to_string_lossy().parse().map_err(|error| {
            CommandError::usage(error).hint("Name a folder whose path has no such characters.")
        })?;
        Ok(FileSource::Folder(folder))
    }

    /// Runs the statement and tells the answer.
    async fn ask(
        &self,
        statement: String,
        workgroup: &str,
        globals: &GlobalArgs,
        printer: &Printer,
    ) -> Result<Verdict, CommandError> {
        let aws = Aws::connect(globals).await?;
        let athena = aws.connection.athena(None, aws.clock.clone());
        let query = Query {
            sql: statement,
            workgroup: workgroup.to_owned(),
            database: Some(self.database.to_string()),
            output_location: self.output_location.clone(),
            request_token: request_token()?,
            within: self.within,
            most_rows: MOST_ROWS,
        };
        let result = athena.run(&query).await.map_err(query_error)?;
        self.tell(&result, printer)?;
        if let Some(bytes) = result.bytes_scanned {
            let bytes = grouped(usize::try_from(bytes).unwrap_or(usize::MAX));
            printer.detail(&format!("Athena read {bytes} bytes; its query is {}.", result.execution_id));
        }
        Ok(Verdict::Clean)
    }

    fn tell(&self, result: &QueryResult, printer: &Printer) -> Result<(), CommandError> {
        let cells = Cells { columns: &result.columns, rows: &result.rows };
        match self.what {
            What::Table => {
                printer.note(&format!("The table {}.{} is there.", self.database, self.table));
                Ok(())
            }
            What::Usage => told::usage(&rows::usage(cells).map_err(rows_error)?, result, printer),
            What::Consumers => told::consumers(&rows::consumers(cells).map_err(rows_error)?, result, printer),
            What::Keys => {
                let answer = rows::keys(cells).map_err(rows_error)?;
                let document = answer.into_document(&KeysFilter::default(), None, &Summary::default());
                keys::print(&document, true, printer)
            }
        }
    }
}

/// A text that no other run has.
fn request_token() -> Result<String, CommandError> {
    let chance = || {
        getrandom::u64()
            .map_err(|error| CommandError::failure(format!("the system gives no random numbers: {error}")))
    };
    Ok(format!("{:016x}{:016x}", chance()?, chance()?))
}

fn query_error(error: QueryError) -> CommandError {
    let hint = error.hint();
    let mut told = match error {
        QueryError::Call { error, left_running: false } => port_error(error),
        error => CommandError::failure(error),
    };
    if let Some(hint) = hint {
        told = told.hint(hint);
    }
    told
}

fn rows_error(error: RowsError) -> CommandError {
    CommandError::failure(error).hint("The table must be one that `rotakey trail athena table` makes.")
}
