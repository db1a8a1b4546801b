//! One row of a credential report.

use std::io::BufRead;

use jiff::Timestamp;

use super::cell::{Cell, Cells};
use super::columns::{Column, Columns};
use super::error::ReportError;
use super::line::Lines;
use crate::id::AccountId;
use crate::policy::Principal;

/// What a credential report says of one user, as far as keys are judged by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row<'a> {
    /// The line, counted from 1 with the header.
    pub line: u64,
    /// The user, or the root user.
    pub principal: Principal,
    /// Its ARN.
    pub arn: &'a str,
    /// The account in the ARN.
    pub account_id: AccountId,
    /// When it was created.
    pub created_at: Timestamp,
    /// Whether it can sign in to the console with a password; `None` for the root user.
    pub password_enabled: Option<bool>,
    /// Its two places for keys.
    pub slots: [Slot<'a>; 2],
}

/// One place for an access key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot<'a> {
    /// Whether the key there is active.
    pub active: bool,
    /// When it was created. AWS calls it last rotated, but changing the status of a key does not rotate it.
    pub last_rotated: Option<Timestamp>,
    /// Its last use.
    pub last_used: LastUseCell<'a>,
}

impl Slot<'_> {
    /// Whether there is a key. Inactive keys keep their date, so a date means a key.
    pub fn holds_key(&self) -> bool {
        self.active || self.last_rotated.is_some()
    }
}

/// The last use of a key, as a report tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastUseCell<'a> {
    /// `N/A`: no use since 22 April 2015 is recorded, or there is no key.
    Never,
    /// The last recorded use.
    At {
        /// When.
        at: Timestamp,
        /// In which region.
        region: Option<&'a str>,
        /// Of which service.
        service: Option<&'a str>,
    },
    /// The report does not say.
    Unknown,
}

impl<'a> Row<'a> {
    /// Reads the line that `lines` stands at.
    pub(super) fn read<R: BufRead>(lines: &'a Lines<R>, columns: &'a Columns) -> Result<Self, ReportError> {
        if lines.width() != columns.width {
            return Err(ReportError::Width {
                line: lines.number(),
                found: lines.width(),
                expected: columns.width,
                truncated: lines.is_open_ended(),
            });
        }
        let cells = Cells { lines, columns };
        let principal = cells.text(Column::User).parse();
        let arn = cells.text(Column::Arn);
        let row = Self {
            line: lines.number(),
            principal: principal.map_err(|_| cells.wrong(Column::User, "the name of an IAM user"))?,
            arn,
            account_id: account_of(arn).ok_or_else(|| cells.wrong(Column::Arn, "the ARN of an IAM user"))?,
            created_at: cells.instant(Column::UserCreationTime)?,
            password_enabled: cells.optional_flag(Column::PasswordEnabled)?.value(),
            slots: [slot(&cells, &FIRST)?, slot(&cells, &SECOND)?],
        };
        cells.check_unused()?;
        Ok(row)
    }
}

/// The columns of one slot.
struct SlotColumns {
    active: Column,
    last_rotated: Column,
    last_used_date: Column,
    last_used_region: Column,
    last_used_service: Column,
}

const FIRST: SlotColumns = SlotColumns {
    active: Column::Key1Active,
    last_rotated: Column::Key1LastRotated,
    last_used_date: Column::Key1LastUsedDate,
    last_used_region: Column::Key1LastUsedRegion,
    last_used_service: Column::Key1LastUsedService,
};

const SECOND: SlotColumns = SlotColumns {
    active: Column::Key2Active,
    last_rotated: Column::Key2LastRotated,
    last_used_date: Column::Key2LastUsedDate,
    last_used_region: Column::Key2LastUsedRegion,
    last_used_service: Column::Key2LastUsedService,
};

fn slot<'a, R: BufRead>(cells: &Cells<'a, R>, columns: &SlotColumns) -> Result<Slot<'a>, ReportError> {
    Ok(Slot {
        active: cells.flag(columns.active)?,
        last_rotated: cells.optional_instant(columns.last_rotated)?.value(),
        last_used: match cells.optional_instant(columns.last_used_date)? {
            Cell::None => LastUseCell::Never,
            Cell::Unknown => LastUseCell::Unknown,
            Cell::Value(at) => LastUseCell::At {
                at,
                region: cells.optional_text(columns.last_used_region).value(),
                service: cells.optional_text(columns.last_used_service).value(),
            },
        },
    })
}

/// The account in `arn:PARTITION:iam::ACCOUNT:…`.
fn account_of(arn: &str) -> Option<AccountId> {
    let mut parts = arn.splitn(6, ':');
    let is_iam = parts.next() == Some("arn") && parts.nth(1) == Some("iam");
    let account = parts.nth(1)?;
    (is_iam && parts.next().is_some()).then(|| account.parse().ok())?
}
