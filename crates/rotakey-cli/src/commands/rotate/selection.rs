//! Which keys are to be rotated: what the policy says of every user of the account, without those that are
//! being rotated already.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use clap::Args;
use jiff::Timestamp;
use rotakey_core::audit::{Cause, NotJudged};
use rotakey_core::destination::{self as specs, DestinationSpec};
use rotakey_core::fact::Seen;
use rotakey_core::id::{AccessKeyId, AccountId, RotationId, UserId, UserName};
use rotakey_core::policy::{Config, KeySubject, UserSubject};
use rotakey_core::rotate::{Choice, Chooser, KeyUsage, LOOK_BACK};
use rotakey_engine::inventory::AccountInventory;
use rotakey_engine::port::Accounts;
use rotakey_engine::store::Store;

use super::histories::Histories;
use super::logbook;
use crate::accounts::Inventories;
use crate::error::CommandError;
use crate::explain::port_error;
use crate::places;
use crate::printer::Printer;

/// Whose keys.
#[derive(Debug, Default, Args)]
pub(crate) struct Selection {
    /// Only this user, also if its key is not due yet; can be given several times
    #[arg(long = "user", value_name = "NAME")]
    pub(crate) users: Vec<UserName>,
    /// Only the user of this key, also if it is not due yet; can be given several times
    #[arg(long = "key", value_name = "KEY-ID")]
    pub(crate) keys: Vec<AccessKeyId>,
}

/// What is to be done for one user.
#[derive(Debug)]
pub(crate) struct Selected {
    pub(crate) subject: UserSubject,
    pub(crate) what: What,
}

/// What is to be done.
#[derive(Debug)]
pub(crate) enum What {
    /// It is being rotated already.
    UnderWay(RotationId),
    /// What the policy says.
    Chosen(Choice),
}

/// All users with keys, and what could not be read of the account.
#[derive(Debug)]
pub(crate) struct Chosen {
    pub(crate) account_ids: Vec<AccountId>,
    pub(crate) users: Vec<Selected>,
    /// How many users have an active key, in each account, selected or not.
    pub(crate) active: BTreeMap<AccountId, usize>,
    pub(crate) gaps: Vec<NotJudged>,
}

impl Selection {
    fn names_nobody(&self) -> bool {
        self.users.is_empty() && self.keys.is_empty()
    }

    fn contains(&self, user: &UserSubject) -> bool {
        let has_key = |id| user.keys.iter().any(|key| key.id.as_ref() == Some(id));
        self.names_nobody()
            || self.users.iter().any(|name| user.principal.user() == Some(name))
            || self.keys.iter().any(has_key)
    }

    /// Who was named and is not there.
    /// Of accounts that were not all read, somebody who is missing may be in one of those.
    fn check_all_found(&self, accounts: &[AccountInventory], complete: bool) -> Result<(), CommandError> {
        let mut missing: BTreeSet<&str> = self.users.iter().map(UserName::as_str).collect();
        missing.extend(self.keys.iter().map(AccessKeyId::as_str));
        for user in accounts.iter().flat_map(|account| &account.subjects) {
            if let Some(name) = user.principal.user() {
                missing.remove(name.as_str());
            }
            for id in user.keys.iter().filter_map(|key| key.id.as_ref()) {
                missing.remove(id.as_str());
            }
        }
        if missing.is_empty() || !complete {
            return Ok(());
        }
        let missing: Vec<&str> = missing.into_iter().collect();
        Err(CommandError::usage(format!("no user with an access key is {}", missing.join(", ")))
            .hint("`rotakey audit` lists the users and their keys; names are case-sensitive."))
    }
}

/// What users are judged by: a plan that is made for a look, to be begun or to be approved is made in one way.
pub(crate) struct Planner<'a> {
    pub(crate) config: &'a Config,
    /// Where it is asked who uses the keys of users that have several.
    pub(crate) accounts: &'a dyn Accounts,
    pub(crate) store: &'a dyn Store,
    /// Where the keys of a user go that the configuration names no destination for.
    pub(crate) fallback: &'a dyn Fn(&UserSubject) -> DestinationSpec,
    pub(crate) own_key: Option<&'a AccessKeyId>,
    pub(crate) printer: &'a Printer,
    pub(crate) now: Timestamp,
}

impl Planner<'_> {
    /// Asks the policy about every user of the accounts that was selected.
    pub(crate) async fn choose(
        &self,
        inventories: Inventories,
        selection: &Selection,
    ) -> Result<Chosen, CommandError> {
        let Inventories { accounts, mut not_read } = inventories;
        selection.check_all_found(&accounts, not_read.is_empty())?;
        let under_way: BTreeMap<UserId, RotationId> = logbook::list(self.store, false)
            .await?
            .into_iter()
            .map(|rotation| (rotation.subject.user_id, rotation.id))
            .collect();
        let mut active: BTreeMap<AccountId, usize> = BTreeMap::new();
        let subjects_of = accounts.iter().flat_map(|account| &account.subjects);
        for user in subjects_of.filter(|user| user.keys.iter().any(KeySubject::is_active)) {
            *active.entry(user.account_id).or_default() += 1;
        }
        let account_ids = accounts.iter().map(|account| account.account_id).collect();
        let mut subjects = Vec::new();
        for account in accounts {
            subjects.extend(account.subjects.into_iter().filter(|user| selection.contains(user)));
            not_read.extend(account.gaps);
        }
        let rotation_of = |user: &UserSubject| user.user_id.as_ref().and_then(|id| under_way.get(id));
        let idle = subjects.iter().filter(|user| rotation_of(user).is_none());
        let histories = self.look(idle, selection).await;
        let usage = |key: &AccessKeyId| histories.of(key);
        let chooser = self.chooser(selection, &usage);
        let users = subjects.into_iter().map(|subject| {
            let what = match rotation_of(&subject) {
                Some(rotation) => What::UnderWay(rotation.clone()),
                None => What::Chosen(chooser.choose(&subject)),
            };
            Selected { subject, what }
        });
        let users = users.collect();
        let gaps = not_read.into_iter().filter(|gap| gap.cause == Cause::NotRead).collect();
        Ok(Chosen { account_ids, users, active, gaps })
    }

    /// Looks who uses the keys of those users of which the decision needs to know it.
    async fn look(&self, users: impl Iterator<Item = &UserSubject>, selection: &Selection) -> Histories {
        let not_yet = |_: &AccessKeyId| Seen::Unknown("it was not looked yet".to_owned());
        let chooser = self.chooser(selection, &not_yet);
        let mut keys: BTreeMap<AccountId, Vec<AccessKeyId>> = BTreeMap::new();
        for user in users {
            for key in chooser.keys_in_question(user) {
                keys.entry(user.account_id).or_default().push(key.clone());
            }
        }
        let since = self.now - LOOK_BACK.max(self.config.rotate.longest_quiet.into());
        Histories::read(keys, self.accounts, since, self.printer).await
    }

    fn chooser<'c>(
        &'c self,
        selection: &Selection,
        usage: &'c dyn Fn(&AccessKeyId) -> Seen<KeyUsage>,
    ) -> Chooser<'c> {
        Chooser {
            policy: &self.config.policy,
            rotate: &self.config.rotate,
            fallback: self.fallback,
            now: self.now,
            also_not_due: !selection.names_nobody(),
            own_key: self.own_key,
            usage,
        }
    }
}

/// Where keys go that the configuration names no destination for: an age file of their own on this machine,
/// encrypted to an identity of this machine.
#[derive(Debug)]
pub(crate) struct Fallback {
    identity: PathBuf,
    recipients: Vec<String>,
    keys: PathBuf,
}

impl Fallback {
    /// The identity of this machine, if it has one already; its files have no recipient otherwise.
    pub(crate) fn find() -> Result<Self, CommandError> {
        let identity = places::identity()?;
        let recipients = match identity.try_exists() {
            Ok(false) => Vec::new(),
            _ => rotakey_connect::identity::recipients(&identity).map_err(port_error)?,
        };
        Ok(Self { identity, recipients, keys: places::keys()? })
    }

    pub(crate) fn destination(&self, user: &UserSubject) -> DestinationSpec {
        DestinationSpec::AgeFile(specs::AgeFile {
            path: self.keys.join(user.account_id.to_string()).join(format!("{}.age", user.principal)),
            recipients: self.recipients.clone(),
            identity: self.identity.clone(),
        })
    }

    /// Makes sure that a destination of this kind can be read back: makes the identity if there is none yet.
    /// Other destinations are left alone.
    pub(crate) fn address(
        &mut self,
        destination: &mut DestinationSpec,
        printer: &Printer,
    ) -> Result<(), CommandError> {
        match destination {
            DestinationSpec::AgeFile(specs::AgeFile { identity, recipients, .. })
                if *identity == self.identity =>
            {
                if self.recipients.is_empty() {
                    self.recipients = vec![self.make_identity(printer)?];
                }
                recipients.clone_from(&self.recipients);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Makes the identity, and returns its recipient. Whoever loses it loses the keys in these files.
    fn make_identity(&self, printer: &Printer) -> Result<String, CommandError> {
        let folder = self.identity.parent().unwrap_or(Path::new("/"));
        make_private_folder(folder).map_err(|error| {
            CommandError::failure(format!("cannot make {}: {error}", folder.display())).hint(
                "Name destinations in rotakey.toml, or set XDG_DATA_HOME to a folder that can be written to.",
            )
        })?;
        let recipient = rotakey_connect::identity::generate(&self.identity).map_err(port_error)?;
        printer
            .note(&format!("Made the age identity {} ({recipient}). Back it up.", self.identity.display()));
        Ok(recipient)
    }
}

/// Makes a folder and all above it, for this person only.
fn make_private_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(test)]
mod tests;
