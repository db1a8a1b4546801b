//! The lines of an export.
//!
//! ```text
//! {"type":"export","format":1}
//! {"type":"rotation","id":…,"account_id":…,"user_name":…,"user_id":…,"open":false,"records":2}
//! {"type":"record","version":1,"hash":…,"body":…}
//! {"type":"record","version":2,"hash":…,"body":…}
//! {"type":"end","rotations":1,"records":2}
//! ```
//!
//! `body` is the text that was hashed, as a JSON string. The last line says how much there was, so that an export that
//! was cut off is not taken for a whole one.

use std::borrow::Cow;
use std::io::{self, BufRead, Read as _};

use rotakey_core::id::{AccountId, RotationId, UserId, UserName};
use rotakey_core::rotate::{ChainHash, Record, Subject};
use serde::{Deserialize, Serialize};

use super::{Amount, Log, Unsound};

/// The format that this program writes. A later one is refused, all before are read.
const KNOWN: u64 = 1;

/// No line of an export is as long as that, in bytes.
const LONGEST: u64 = 64 << 20;

#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
enum Line<'a> {
    Export {
        format: u64,
    },
    Rotation {
        id: RotationId,
        account_id: AccountId,
        user_name: UserName,
        user_id: UserId,
        open: bool,
        records: u64,
    },
    Record {
        version: u64,
        hash: Cow<'a, str>,
        body: Cow<'a, str>,
    },
    End {
        rotations: u64,
        records: u64,
    },
}

/// Why an export cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// It is something else, or was changed.
    #[error("line {line}: {what}")]
    Malformed {
        /// The number of the line.
        line: u64,
        /// What is wrong with it.
        what: String,
    },
    /// A later version of rotakey has written it.
    #[error("it was written by a newer rotakey (its format is {found}, this program knows {KNOWN})")]
    Newer {
        /// Its format.
        found: u64,
    },
    /// It was cut off.
    #[error("it ends after line {line}, before its own end")]
    Truncated {
        /// The number of its last line.
        line: u64,
    },
    /// A log in it is not sound.
    #[error(transparent)]
    Unsound(Unsound),
    /// It cannot be read.
    #[error("{0}")]
    Unreadable(#[from] io::Error),
}

/// Writes an export.
pub(super) struct Writer<'a> {
    out: &'a mut dyn io::Write,
    amount: Amount,
}

impl<'a> Writer<'a> {
    pub(super) fn begin(out: &'a mut dyn io::Write) -> io::Result<Self> {
        let mut writer = Self { out, amount: Amount::default() };
        writer.line(&Line::Export { format: KNOWN })?;
        Ok(writer)
    }

    pub(super) fn write(&mut self, log: &Log, open: bool) -> io::Result<()> {
        let Subject { account_id, user_name, user_id } = log.subject.clone();
        let (id, records) = (log.id.clone(), log.records.len() as u64);
        self.line(&Line::Rotation { id, account_id, user_name, user_id, open, records })?;
        for Record { version, body, hash } in &log.records {
            self.line(&Line::Record { version: *version, hash: hash.as_str().into(), body: body.into() })?;
        }
        self.amount.add(log);
        Ok(())
    }

    pub(super) fn end(mut self) -> io::Result<Amount> {
        let Amount { rotations, records } = self.amount;
        self.line(&Line::End { rotations, records })?;
        Ok(self.amount)
    }

    fn line(&mut self, line: &Line<'_>) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.out.write_all(&text)
    }
}

/// A log of an export, which was found sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportedLog {
    /// The log.
    pub log: Log,
    /// Whether its rotation has not ended.
    pub is_open: bool,
}

/// An export, read log by log. Ends with an error where it is not whole.
pub struct Export<R> {
    lines: R,
    number: u64,
    amount: Amount,
    is_over: bool,
}

impl<R: BufRead> Export<R> {
    /// Reads the first line.
    ///
    /// # Errors
    /// It is no export, or a newer one.
    pub fn open(lines: R) -> Result<Self, ExportError> {
        let mut export = Self { lines, number: 0, amount: Amount::default(), is_over: false };
        // A newer format may have more to say in its first line.
        #[derive(Deserialize)]
        struct Header {
            #[serde(rename = "type")]
            kind: String,
            format: u64,
        }
        let text = export.text()?.unwrap_or_default();
        match serde_json::from_str(&text) {
            Ok(Header { kind, format }) if kind == "export" && format <= KNOWN => Ok(export),
            Ok(Header { kind, format }) if kind == "export" => Err(ExportError::Newer { found: format }),
            _ => Err(export.malformed("this is no export of rotakey")),
        }
    }

    fn log(&mut self) -> Result<Option<ExportedLog>, ExportError> {
        let text = self.text()?.ok_or(ExportError::Truncated { line: self.number })?;
        match self.parse(&text)? {
            Line::Rotation { id, account_id, user_name, user_id, open, records } => {
                let mut read = Vec::new();
                for _ in 0..records {
                    let text = self.text()?.ok_or(ExportError::Truncated { line: self.number })?;
                    let Line::Record { version, hash, body } = self.parse(&text)? else {
                        return Err(self.malformed("a record is wanted here"));
                    };
                    let hash = ChainHash::from_stored(hash.into_owned());
                    read.push(Record { version, body: body.into_owned(), hash });
                }
                let log = Log { id, subject: Subject { account_id, user_name, user_id }, records: read };
                let rotation = log.check().map_err(ExportError::Unsound)?;
                if rotation.ending().is_none() != open {
                    return Err(self.malformed("the log says otherwise of whether the rotation is open"));
                }
                self.amount.add(&log);
                Ok(Some(ExportedLog { log, is_open: open }))
            }
            Line::End { rotations, records } if self.amount == (Amount { rotations, records }) => {
                match self.text()? {
                    None => Ok(None),
                    Some(_) => Err(self.malformed("something follows the end")),
                }
            }
            Line::End { .. } => Err(self.malformed("there was more, or less, before the end")),
            Line::Export { .. } | Line::Record { .. } => Err(self.malformed("a rotation is wanted here")),
        }
    }

    /// The next line; `None` if there is none.
    fn text(&mut self) -> Result<Option<String>, ExportError> {
        let mut text = String::new();
        let length = self.lines.by_ref().take(LONGEST).read_line(&mut text)?;
        if length == 0 {
            return Ok(None);
        }
        self.number += 1;
        match text.pop() {
            Some('\n') => Ok(Some(text)),
            _ if length as u64 == LONGEST => Err(self.malformed("the line has no end")),
            _ => Err(ExportError::Truncated { line: self.number }),
        }
    }

    fn parse<'a>(&self, text: &'a str) -> Result<Line<'a>, ExportError> {
        serde_json::from_str(text).map_err(|error| self.malformed(&error.to_string()))
    }

    fn malformed(&self, what: &str) -> ExportError {
        ExportError::Malformed { line: self.number, what: what.to_owned() }
    }
}

impl<R: BufRead> Iterator for Export<R> {
    type Item = Result<ExportedLog, ExportError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let log = self.log().transpose();
        self.is_over = !matches!(log, Some(Ok(_)));
        log
    }
}
