//! The one place that writes. Data goes to standard output or to `--output`; everything else (notes,
//! warnings, errors, progress) goes to standard error, so that data can be piped while a person reads.

use std::io::{self, IsTerminal as _, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use crate::cli::{ColorChoice, Format, FormatName, GlobalArgs};
use crate::error::CommandError;
use crate::harmless_json::HarmlessJson;
use crate::output::Output;
use crate::table::Table;
use crate::terminal::escape_lines;

/// The styles in use on one stream. All are plain where colour is off; nothing may be told by colour alone.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Palette {
    pub(crate) chapter: Style,
    pub(crate) heading: Style,
    pub(crate) good: Style,
    pub(crate) warning: Style,
    pub(crate) bad: Style,
    pub(crate) quiet: Style,
    pub(crate) command: Style,
}

impl Palette {
    fn coloured() -> Self {
        Self {
            chapter: AnsiColor::Magenta.on_default().bold(),
            heading: Style::new().bold(),
            good: AnsiColor::Green.on_default(),
            warning: AnsiColor::Yellow.on_default(),
            bad: AnsiColor::Red.on_default().bold(),
            quiet: Style::new().dimmed(),
            command: AnsiColor::Cyan.on_default(),
        }
    }

    fn of(choice: anstream::ColorChoice) -> Self {
        if choice == anstream::ColorChoice::Never { Self::default() } else { Self::coloured() }
    }
}

/// How much is said on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Loudness {
    /// Errors only.
    Quiet,
    /// Notes and warnings too.
    Normal,
    /// Everything that happens.
    Verbose,
}

/// Writes all that a command says.
#[derive(Debug)]
pub(crate) struct Printer {
    data: Mutex<Output>,
    format: FormatName,
    loudness: Loudness,
    progress: bool,
    width: Option<usize>,
    data_palette: Palette,
    message_palette: Palette,
}

impl Printer {
    /// The printer that the global arguments ask for.
    pub(crate) fn new(globals: &GlobalArgs) -> Result<Self, CommandError> {
        match globals.color {
            ColorChoice::Auto => anstream::ColorChoice::Auto,
            ColorChoice::Always => anstream::ColorChoice::AlwaysAnsi,
            ColorChoice::Never => anstream::ColorChoice::Never,
        }
        .write_global();
        let data = match &globals.output {
            None => Output::stdout(),
            Some(path) => Output::file(path).map_err(|error| {
                CommandError::failure(format!("cannot write {}: {error}", path.display()))
                    .hint("Choose a folder that exists and that you may write to.")
            })?,
        };
        let loudness = match (globals.quiet, globals.verbose) {
            (true, _) => Loudness::Quiet,
            (false, false) => Loudness::Normal,
            (false, true) => Loudness::Verbose,
        };
        Ok(Self {
            data_palette: match data {
                Output::Stdout(_) => Palette::of(anstream::AutoStream::choice(&io::stdout())),
                _ => Palette::default(),
            },
            width: if globals.output.is_none() { terminal_width() } else { None },
            data: Mutex::new(data),
            format: globals.format,
            loudness,
            progress: !globals.no_progress && loudness > Loudness::Quiet && io::stderr().is_terminal(),
            message_palette: Palette::of(anstream::AutoStream::choice(&io::stderr())),
        })
    }

    /// A printer for what goes wrong before the arguments are understood.
    pub(crate) fn plain() -> Self {
        Self {
            data: Mutex::new(Output::stdout()),
            format: FormatName::Human,
            loudness: Loudness::Normal,
            progress: false,
            width: None,
            data_palette: Palette::default(),
            message_palette: Palette::of(anstream::AutoStream::choice(&io::stderr())),
        }
    }

    /// The form that data is asked for in.
    pub(crate) fn format(&self) -> Format {
        self.format.format()
    }

    /// The form by its name, for a command that has more of them.
    pub(crate) fn format_name(&self) -> FormatName {
        self.format
    }

    /// Whether Parquet is asked for in place of [`Printer::format`].
    #[cfg(feature = "parquet")]
    pub(crate) fn writes_parquet(&self) -> bool {
        self.format.is_parquet()
    }

    /// The width of the terminal that the data goes to, where there is one.
    pub(crate) fn width(&self) -> Option<usize> {
        self.width
    }

    /// Whether a progress bar may be drawn.
    pub(crate) fn shows_progress(&self) -> bool {
        self.progress
    }

    /// The styles for data.
    pub(crate) fn palette(&self) -> Palette {
        self.data_palette
    }

    /// The sink of data. Foreign text must have been through [`crate::terminal::escape`].
    pub(crate) fn data(&self) -> Data<'_> {
        Data(self.data.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The sink of data for several writes, which others may come between.
    pub(crate) fn sink(&self) -> Sink<'_> {
        Sink(self)
    }

    /// One value as JSON, indented, with a line break behind it.
    pub(crate) fn json<T: Serialize + ?Sized>(&self, value: &T) -> Result<(), CommandError> {
        let mut data = HarmlessJson::new(self.data());
        serde_json::to_writer_pretty(&mut data, value).map_err(io::Error::from).map_err(cannot_write)?;
        data.write_all(b"\n").map_err(cannot_write)
    }

    /// A table for people.
    pub(crate) fn table(&self, table: &Table) -> Result<(), CommandError> {
        self.text(&table.render(self.width))
    }

    /// Text for people, written by us: foreign parts must have been escaped.
    pub(crate) fn text(&self, text: &str) -> Result<(), CommandError> {
        self.data().write_all(text.as_bytes()).map_err(cannot_write)
    }

    /// Makes what was written so far visible, for commands that go on for long.
    pub(crate) fn flush(&self) -> Result<(), CommandError> {
        self.data().flush().map_err(cannot_write)
    }

    /// Says something that a person wants to know. Silent with `--quiet`.
    pub(crate) fn note(&self, text: &str) {
        if self.loudness >= Loudness::Normal {
            say(&escape_lines(text));
        }
    }

    /// Says something that only `--verbose` asks for.
    pub(crate) fn detail(&self, text: &str) {
        if self.loudness >= Loudness::Verbose {
            let style = self.message_palette.quiet;
            say(&format!("{style}{}{style:#}", escape_lines(text)));
        }
    }

    /// Warns. Silent with `--quiet`.
    pub(crate) fn warning(&self, text: &str) {
        if self.loudness >= Loudness::Normal {
            let style = self.message_palette.warning;
            say(&format!("{style}Warning:{style:#} {}", escape_lines(text)));
        }
    }

    /// Proposes what to do next. Silent with `--quiet`.
    pub(crate) fn hint(&self, text: &str) {
        if self.loudness >= Loudness::Normal {
            self.say_hint(text);
        }
    }

    /// Says why the command failed and what to do about it. Never silent.
    pub(crate) fn error(&self, error: &CommandError) {
        let style = self.message_palette.bad;
        say(&format!("{style}Error:{style:#} {}", escape_lines(&error.to_string())));
        for hint in &error.hints {
            self.say_hint(hint);
        }
    }

    fn say_hint(&self, text: &str) {
        let style = self.message_palette.command;
        say(&format!("{style}Hint:{style:#} {}", escape_lines(text)));
    }

    /// Completes the data: flushes it, and puts a file in its place. What is written later is dropped, so a
    /// command that goes on running calls this after its last word.
    pub(crate) fn finish(&self) -> Result<(), CommandError> {
        std::mem::replace(&mut *self.data().0, Output::Closed).finish().map_err(cannot_write)
    }
}

/// The sink of data, for as long as nobody else writes there.
#[derive(Debug)]
pub(crate) struct Data<'a>(MutexGuard<'a, Output>);

impl Write for Data<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// The sink of data, held for each write only: several threads may have it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sink<'p>(&'p Printer);

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.data().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.data().flush()
    }
}

/// Why data could not be written.
pub(crate) fn cannot_write(error: io::Error) -> CommandError {
    let hint = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "Make room on the disk and run the command again; an existing output file was left as it was."
        }
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            "Choose a folder that you may write to with --output."
        }
        _ => "An existing output file was left as it was; run the command again.",
    };
    CommandError::failure(format!("cannot write the output: {error}")).hint(hint)
}

/// Writes a line to standard error. If that fails there is nobody left to tell.
fn say(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// The width that `COLUMNS` names, or that of the terminal on standard output.
fn terminal_width() -> Option<usize> {
    let named = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    named
        .or_else(|| {
            let (width, _) = terminal_size::terminal_size_of(io::stdout())?;
            Some(usize::from(width.0))
        })
        .filter(|&width: &usize| width > 0)
}
