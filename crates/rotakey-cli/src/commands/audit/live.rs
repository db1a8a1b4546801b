//! An audit of the account that the credentials belong to, or of several.

use rotakey_core::policy::Config;

use super::AuditArgs;
use super::human::{Header, Source};
use super::portion::Question;
use super::sink::Auditor;
use crate::accounts::Inventories;
use crate::assembly::Aws;
use crate::cli::GlobalArgs;
use crate::error::{CommandError, Verdict};
use crate::printer::{Printer, cannot_write};

/// Runs the audit.
pub(super) async fn run(
    args: &AuditArgs,
    config: &Config,
    globals: &GlobalArgs,
    printer: &Printer,
) -> Result<Verdict, CommandError> {
    let aws = Aws::connect(globals).await?;
    let accounts = aws.accounts(globals, &args.accounts, config, printer).await?;
    let Inventories { accounts: read, mut not_read } = accounts.read(printer).await?;
    printer.detail(&format!("{} calls of AWS were sent.", aws.connection.calls_sent()));
    let now = aws.clock.now();
    let ask = |gaps: &[_]| Question::new(args, &config.policy, gaps, printer.format(), now);
    // What one account leaves out is judged in the others all the same.
    let questions: Vec<_> = read.iter().map(|account| ask(&account.gaps)).collect();
    let whole = ask(&[]);
    let source = match read.as_slice() {
        [one] if accounts.is_one() => Source::Account {
            account_id: one.account_id,
            arn: one.caller_arn.clone(),
            report_generated_at: one.report_generated_at,
        },
        several => Source::Accounts { read: several.len(), not_read: not_read.len() },
    };
    let header = Header::new(&whole, source);
    not_read.extend(read.iter().flat_map(|account| account.gaps.iter().cloned()));
    let mut auditor = Auditor::new(&whole, not_read, printer)?;
    for (account, question) in read.iter().zip(&questions) {
        let mut portion = question.begin();
        account.subjects.iter().for_each(|subject| question.judge(subject, &mut portion));
        auditor.take(portion).map_err(cannot_write)?;
    }
    auditor.finish(&header)
}
