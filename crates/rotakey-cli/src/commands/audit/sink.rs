//! Writes an audit, portion by portion, in the form that was asked for.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Write as _};

use rotakey_core::audit::{DocumentWriter, FindingsCsv, NotJudged};
use rotakey_core::id::UserName;

use super::human::{Header, advise, print_audit};
use super::portion::{Material, Portion, Question};
use super::tally::{Tally, Worst};
use crate::cli::Format;
use crate::error::{CommandError, Verdict};
use crate::harmless_json::HarmlessJson;
use crate::printer::{Data, Printer, cannot_write};

/// An audit while it is written.
pub(super) struct Auditor<'a> {
    question: &'a Question<'a>,
    printer: &'a Printer,
    sink: Sink<'a>,
    tally: Tally,
    not_judged: Vec<NotJudged>,
    seen: BTreeSet<UserName>,
}

enum Sink<'a> {
    Human(Worst),
    Json(DocumentWriter<HarmlessJson<Data<'a>>, File>),
    Csv(Data<'a>),
}

impl<'a> Auditor<'a> {
    /// Begins. `gaps` is what is known from the start to be missing.
    pub(super) fn new(
        question: &'a Question<'a>,
        gaps: Vec<NotJudged>,
        printer: &'a Printer,
    ) -> Result<Self, CommandError> {
        let sink = match question.format {
            Format::Human => Sink::Human(question.worst()),
            Format::Json => {
                let spool = tempfile::tempfile().map_err(cannot_write)?;
                let out = HarmlessJson::new(printer.data());
                Sink::Json(DocumentWriter::new(out, spool, question.judge.now()).map_err(cannot_write)?)
            }
            Format::Csv => {
                let mut out = printer.data();
                out.write_all(&FindingsCsv::with_header().into_bytes()).map_err(cannot_write)?;
                Sink::Csv(out)
            }
        };
        Ok(Self { question, printer, sink, tally: Tally::default(), not_judged: gaps, seen: BTreeSet::new() })
    }

    /// How many keys were judged so far.
    pub(super) fn keys(&self) -> usize {
        self.tally.keys
    }

    /// Takes the next portion.
    pub(super) fn take(&mut self, mut portion: Portion) -> io::Result<()> {
        self.tally.merge(&portion.tally);
        self.not_judged.append(&mut portion.not_judged);
        self.seen.append(&mut portion.seen);
        match (&mut self.sink, portion.material) {
            (Sink::Human(all), Material::Human(worst)) => all.merge(worst),
            (Sink::Json(document), Material::Json(part)) => document.part(&part)?,
            (Sink::Csv(out), Material::Csv(lines)) => out.write_all(&lines.into_bytes())?,
            _ => unreachable!("one question has one form for all portions"),
        }
        Ok(())
    }

    /// Ends: writes what comes last, and says what the exit code is.
    pub(super) fn finish(self, header: &Header) -> Result<Verdict, CommandError> {
        if let Some(name) = self.question.users.iter().find(|name| !self.seen.contains(name)) {
            return Err(CommandError::usage(format!(
                "there is no user {name} with access keys in what was audited"
            ))
            .hint("User names are case-sensitive; `rotakey audit` without --user judges all."));
        }
        match self.sink {
            Sink::Human(worst) => {
                let left_out = worst.left_out;
                let users = worst.into_users();
                print_audit(header, &self.tally, &users, left_out, self.printer)?;
                advise(&users, left_out, &self.tally, &self.not_judged, self.printer);
            }
            Sink::Json(document) => {
                document.finish(&self.not_judged).map_err(cannot_write)?;
            }
            Sink::Csv(mut out) => out.flush().map_err(cannot_write)?,
        }
        Ok(self.question.verdict(&self.tally, &self.not_judged))
    }
}
