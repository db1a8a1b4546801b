//! Judges access keys by a policy.
//!
//! [`Judge::user`] takes one user with its keys and says what it finds, without looking at any other user: an
//! account of any size is judged in a stream. Each check is one file in `check/`; a finding is always about
//! one key, and one key may have several.
//!
//! What could not be read is never judged as if it were fine: it is listed as [`NotJudged`].

mod check;
mod code;
mod command;
mod document;
mod finding;
mod findings_csv;
mod judge;
mod mode;
mod overlay;

pub use code::{Code, Severity};
pub use document::{Document, DocumentPart, DocumentWriter, document_schema};
pub use finding::{
    Cause, Finding, KeyRecord, LastUsedState, NotJudged, PrivilegeState, is_complete, report_gaps,
};
pub use findings_csv::{FINDING_COLUMNS, FindingsCsv};
pub use judge::{Judge, Judgement, Opinion};
pub use mode::Mode;
pub use overlay::overlay;
