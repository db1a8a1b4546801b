//! Whose key it is and whether it is live, from an inventory: never by calling AWS with the key that was found.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use rotakey_core::audit::{Document, Judge, KeyRecord, Mode, is_complete};
use rotakey_core::id::{AccessKeyId, AccountId};

use crate::assembly::Aws;
use crate::cli::GlobalArgs;
use crate::configuration;
use crate::error::CommandError;
use crate::explain::port_error;
use crate::printer::Printer;

/// The keys that are known, by id.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    keys: HashMap<AccessKeyId, KeyRecord>,
    /// The accounts of which all keys are known: a key of theirs that is not here does not exist any more.
    whole: Vec<AccountId>,
}

/// What an inventory says of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Known<'i> {
    /// It is there.
    Key(&'i KeyRecord),
    /// All keys of its account are known, and it is none of them: it was deleted.
    Gone,
    /// Nothing.
    Nothing,
}

impl Inventory {
    /// Reads what the arguments name: files of `rotakey audit --format json`, or `aws` for the account of the
    /// credentials in use.
    pub(super) async fn read(
        sources: &[PathBuf],
        globals: &GlobalArgs,
        printer: &Printer,
    ) -> Result<Self, CommandError> {
        let mut inventory = Self::default();
        for source in sources {
            match source.to_str() {
                Some("aws") => inventory.add_live(globals, printer).await?,
                _ => inventory.add(from_file(source)?.keys),
            }
        }
        Ok(inventory)
    }

    /// What is known of an id.
    pub(super) fn lookup(&self, id: &AccessKeyId, account: Option<AccountId>) -> Known<'_> {
        match self.keys.get(id) {
            Some(record) => Known::Key(record),
            // Temporary credentials are in no inventory.
            None if id.as_str().starts_with("AKIA")
                && account.is_some_and(|account| self.whole.contains(&account)) =>
            {
                Known::Gone
            }
            None => Known::Nothing,
        }
    }

    fn add(&mut self, keys: Vec<KeyRecord>) {
        let with_id = |key: KeyRecord| Some((key.access_key_id.clone()?, key));
        self.keys.extend(keys.into_iter().filter_map(with_id));
    }

    /// Reads the account of the credentials in use. Only of such a look is it known to be whole: a file may be of some users
    /// only, or old.
    async fn add_live(&mut self, globals: &GlobalArgs, printer: &Printer) -> Result<(), CommandError> {
        let aws = Aws::connect(globals).await?;
        let now = aws.clock.now();
        let policy = configuration::load(globals, printer, now)?.policy;
        let account = aws.read_account(printer).await.map_err(port_error)?;
        let judge = Judge::new(&policy, now, Mode::Exact).with_gaps(&account.gaps);
        self.add(account.subjects.iter().flat_map(|subject| judge.user(subject).keys).collect());
        if is_complete(&account.gaps) {
            self.whole.push(account.account_id);
        }
        Ok(())
    }
}

fn from_file(path: &Path) -> Result<Document, CommandError> {
    let shown = path.display();
    let file = File::open(path).map_err(|error| {
        CommandError::usage(format!("cannot read the inventory {shown}: {error}"))
            .hint("`rotakey audit --format json --output FILE` writes one; `--inventory aws` asks AWS now.")
    })?;
    let document: Document = serde_json::from_reader(BufReader::new(file)).map_err(|error| {
        CommandError::usage(format!("{shown} is no inventory: {error}"))
            .hint("An inventory is what `rotakey audit --format json` writes.")
    })?;
    if document.schema_version != Document::VERSION {
        return Err(CommandError::usage(format!(
            "{shown} has version {} of the form; this program reads {}",
            document.schema_version,
            Document::VERSION
        )));
    }
    Ok(document)
}
