//! The lines of an export.
//!
//! ```text
//! {"type":"export","format":2}
//! {"type":"control","name":"halt","body":…}
//! {"type":"rotation","id":…,"account_id":…,"user_name":…,"user_id":…,"open":false,"records":2,"deliveries":1,"settled":true}
//! {"type":"record","version":1,"hash":…,"body":…}
//! {"type":"record","version":2,"hash":…,"body":…}
//! {"type":"delivery","notice":…,"channel":…,"attempts":1,"outcome":{"state":"sent","at":…}}
//! {"type":"end","rotations":1,"records":2,"deliveries":1,"controls":1}
//! ```
//!
//! `body` of a record is the text that was hashed, as a JSON string. The last line says how much there was, so that an
//! export that was cut off is not taken for a whole one. Format 1 had neither controls nor deliveries, and did not say
//! whether there were any.

use std::borrow::Cow;
use std::io::{self, BufRead, Read as _};

use rotakey_core::id::{AccountId, RotationId, UserId, UserName};
use rotakey_core::notify::{NoticeId, Topic};
use rotakey_core::rotate::{ChainHash, Record, Subject};
use serde::{Deserialize, Serialize};

use super::{Amount, Log, Told, Unsound};
use crate::control::Control;
use crate::outbox::{Delivery, DeliveryState};

/// The format that this program writes. A later one is refused, all before are read.
const KNOWN: u64 = 2;

/// The first format that says what people were told, and what they said.
const TELLS: u64 = 2;

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
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deliveries: Option<u64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        settled: Option<bool>,
    },
    Control {
        name: Cow<'a, str>,
        body: Cow<'a, str>,
    },
    Record {
        version: u64,
        hash: Cow<'a, str>,
        body: Cow<'a, str>,
    },
    Delivery {
        notice: Cow<'a, NoticeId>,
        channel: Cow<'a, str>,
        attempts: u32,
        outcome: Cow<'a, DeliveryState>,
    },
    End {
        rotations: u64,
        records: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        deliveries: Option<u64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        controls: Option<u64>,
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

    /// Before all logs.
    pub(super) fn control(&mut self, Control { name, body }: &Control) -> io::Result<()> {
        self.amount.controls += 1;
        self.line(&Line::Control { name: name.into(), body: body.into() })
    }

    pub(super) fn log(&mut self, log: &Log, open: bool, told: &Told) -> io::Result<()> {
        let Subject { account_id, user_name, user_id } = log.subject.clone();
        let (id, records) = (log.id.clone(), log.records.len() as u64);
        let (deliveries, settled) = (Some(told.deliveries.len() as u64), Some(told.is_settled));
        self.line(&Line::Rotation {
            id,
            account_id,
            user_name,
            user_id,
            open,
            records,
            deliveries,
            settled,
        })?;
        for Record { version, body, hash } in &log.records {
            self.line(&Line::Record { version: *version, hash: hash.as_str().into(), body: body.into() })?;
        }
        for Delivery { notice, channel, attempts, state, .. } in &told.deliveries {
            let (notice, outcome) = (Cow::Borrowed(notice), Cow::Borrowed(state));
            self.line(&Line::Delivery { notice, channel: channel.into(), attempts: *attempts, outcome })?;
        }
        self.amount.add(log, Some(told));
        Ok(())
    }

    pub(super) fn end(mut self) -> io::Result<Amount> {
        let Amount { rotations, records, deliveries, controls } = self.amount;
        let (deliveries, controls) = (Some(deliveries), Some(controls));
        self.line(&Line::End { rotations, records, deliveries, controls })?;
        Ok(self.amount)
    }

    fn line(&mut self, line: &Line<'_>) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        self.out.write_all(&text)
    }
}

/// One thing of an export, which was found sound. Controls come before all logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exported {
    /// What a person said to all workers.
    Control(Control),
    /// A log.
    Log(ExportedLog),
}

/// A log of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportedLog {
    /// The log.
    pub log: Log,
    /// Whether its rotation has not ended.
    pub is_open: bool,
    /// What people were told of it; `None` if the export is of a format that does not say.
    pub told: Option<Told>,
}

/// An export, read thing by thing. Ends with an error where it is not whole.
pub struct Export<R> {
    lines: R,
    number: u64,
    format: u64,
    amount: Amount,
    is_over: bool,
}

impl<R: BufRead> Export<R> {
    /// Reads the first line.
    ///
    /// # Errors
    /// It is no export, or a newer one.
    pub fn open(lines: R) -> Result<Self, ExportError> {
        let mut export = Self { lines, number: 0, format: KNOWN, amount: Amount::default(), is_over: false };
        // A newer format may have more to say in its first line.
        #[derive(Deserialize)]
        struct Header {
            #[serde(rename = "type")]
            kind: String,
            format: u64,
        }
        let text = export.text()?.unwrap_or_default();
        match serde_json::from_str(&text) {
            Ok(Header { kind, format }) if kind == "export" && format <= KNOWN => {
                Ok(Self { format, ..export })
            }
            Ok(Header { kind, format }) if kind == "export" => Err(ExportError::Newer { found: format }),
            _ => Err(export.malformed("this is no export of rotakey")),
        }
    }

    /// Whether it says what people were told, and what they said.
    pub fn tells(&self) -> bool {
        self.format >= TELLS
    }

    fn read(&mut self) -> Result<Option<Exported>, ExportError> {
        let text = self.text()?.ok_or(ExportError::Truncated { line: self.number })?;
        match self.parse(&text)? {
            Line::Control { name, body } if self.tells() && self.amount.rotations == 0 => {
                let control = Control { name: name.into_owned(), body: body.into_owned() };
                control.check().map_err(|what| ExportError::Unsound(Unsound::Control(what)))?;
                self.amount.controls += 1;
                Ok(Some(Exported::Control(control)))
            }
            Line::Rotation { id, account_id, user_name, user_id, open, records, deliveries, settled } => {
                let records = self.records(records)?;
                let log = Log { id, subject: Subject { account_id, user_name, user_id }, records };
                let rotation = log.check().map_err(ExportError::Unsound)?;
                if rotation.ending().is_none() != open {
                    return Err(self.malformed("the log says otherwise of whether the rotation is open"));
                }
                let told = match (self.tells(), deliveries, settled) {
                    (true, Some(number), Some(is_settled)) => {
                        let told = Told { deliveries: self.deliveries(&log, number)?, is_settled };
                        told.check(&log, open).map_err(ExportError::Unsound)?;
                        Some(told)
                    }
                    (false, None, None) => None,
                    _ => return Err(self.malformed("what people were told is wanted from format 2 on")),
                };
                self.amount.add(&log, told.as_ref());
                Ok(Some(Exported::Log(ExportedLog { log, is_open: open, told })))
            }
            Line::End { rotations, records, deliveries, controls }
                if self.tells() == (deliveries.is_some() && controls.is_some()) =>
            {
                let (deliveries, controls) = (deliveries.unwrap_or_default(), controls.unwrap_or_default());
                if self.amount != (Amount { rotations, records, deliveries, controls }) {
                    return Err(self.malformed("there was more, or less, before the end"));
                }
                match self.text()? {
                    None => Ok(None),
                    Some(_) => Err(self.malformed("something follows the end")),
                }
            }
            _ => Err(self.malformed("a rotation is wanted here")),
        }
    }

    fn records(&mut self, number: u64) -> Result<Vec<Record>, ExportError> {
        let mut read = Vec::new();
        for _ in 0..number {
            let text = self.text()?.ok_or(ExportError::Truncated { line: self.number })?;
            let Line::Record { version, hash, body } = self.parse(&text)? else {
                return Err(self.malformed("a record is wanted here"));
            };
            let hash = ChainHash::from_stored(hash.into_owned());
            read.push(Record { version, body: body.into_owned(), hash });
        }
        Ok(read)
    }

    fn deliveries(&mut self, log: &Log, number: u64) -> Result<Vec<Delivery>, ExportError> {
        let mut read = Vec::new();
        for _ in 0..number {
            let text = self.text()?.ok_or(ExportError::Truncated { line: self.number })?;
            let Line::Delivery { notice, channel, attempts, outcome } = self.parse(&text)? else {
                return Err(self.malformed("a delivery is wanted here"));
            };
            read.push(Delivery {
                topic: Topic::from(&log.id),
                notice: notice.into_owned(),
                channel: channel.into_owned(),
                version: 1,
                attempts,
                state: outcome.into_owned(),
            });
        }
        Ok(read)
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
    type Item = Result<Exported, ExportError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let next = self.read().transpose();
        self.is_over = !matches!(next, Some(Ok(_)));
        next
    }
}
