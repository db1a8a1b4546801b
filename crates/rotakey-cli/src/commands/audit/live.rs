//! An audit of the account that the credentials belong to.

use rotakey_core::policy::Policy;
use rotakey_engine::port::PortErrorKind;

use super::AuditArgs;
use super::human::{Header, Source};
use super::portion::Question;
use super::sink::Auditor;
use crate::assembly::Aws;
use crate::cli::GlobalArgs;
use crate::error::{CommandError, ErrorKind, Verdict};
use crate::explain::port_error;
use crate::printer::{Printer, cannot_write};

/// Runs the audit.
pub(super) async fn run(
    args: &AuditArgs,
    policy: &Policy,
    globals: &GlobalArgs,
    printer: &Printer,
) -> Result<Verdict, CommandError> {
    let aws = Aws::connect(globals).await?;
    let account = aws.read_account(printer).await.map_err(|error| match error.kind {
        // The tool works, the account just does not let itself be read.
        PortErrorKind::Denied => CommandError { kind: ErrorKind::Incomplete, ..port_error(error) },
        _ => port_error(error),
    })?;
    printer.detail(&format!("{} calls of AWS were sent.", aws.connection.calls_sent()));
    let question = Question::new(args, policy, &account.gaps, printer.format(), aws.clock.now());
    let header = Header::new(
        &question,
        Source::Account {
            account_id: account.account_id,
            arn: account.caller_arn,
            report_generated_at: account.report_generated_at,
        },
    );
    let mut auditor = Auditor::new(&question, account.gaps, printer)?;
    let mut portion = question.begin();
    account.subjects.iter().for_each(|subject| question.judge(subject, &mut portion));
    auditor.take(portion).map_err(cannot_write)?;
    auditor.finish(&header)
}
