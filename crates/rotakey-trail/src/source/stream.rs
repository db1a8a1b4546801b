//! What passes by only once: standard input and named pipes.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Something that can be read from its beginning only once.
#[derive(Debug)]
pub struct Once(Mutex<Option<Source>>);

#[derive(Debug)]
enum Source {
    StandardInput,
    Pipe(PathBuf),
}

impl Once {
    /// Standard input.
    pub fn standard_input() -> Self {
        Self(Mutex::new(Some(Source::StandardInput)))
    }

    /// A named pipe.
    pub fn pipe(path: PathBuf) -> Self {
        Self(Mutex::new(Some(Source::Pipe(path))))
    }

    /// Begins to read it.
    ///
    /// # Errors
    /// If it was opened before, even where the system would wait for somebody to write to the pipe again.
    pub fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        match self.0.lock().unwrap_or_else(PoisonError::into_inner).take() {
            Some(Source::StandardInput) => Ok(Box::new(io::stdin())),
            Some(Source::Pipe(path)) => Ok(Box::new(File::open(path)?)),
            None => Err(io::Error::other("it can be read only once")),
        }
    }

    /// Reads it to its end and keeps it.
    ///
    /// # Errors
    /// If it cannot be read, or there is no room for it.
    pub fn spool(&self) -> io::Result<Spooled> {
        let mut file = tempfile::tempfile()?;
        let bytes = io::copy(&mut self.open()?, &mut file)?;
        file.rewind()?;
        Ok(Spooled { file: Arc::new(file), bytes })
    }
}

/// What passed by, kept in a file that has no name and vanishes with this value.
#[derive(Debug, Clone)]
pub struct Spooled {
    file: Arc<File>,
    bytes: u64,
}

impl Spooled {
    /// How large it is.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Reads it from its beginning, independently of all others who read it.
    pub fn open(&self) -> impl Read + Send + use<> {
        SpooledReader { file: Arc::clone(&self.file), offset: 0 }
    }
}

struct SpooledReader {
    file: Arc<File>,
    offset: u64,
}

impl Read for SpooledReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.offset)?;
        self.offset += read as u64;
        Ok(read)
    }
}
