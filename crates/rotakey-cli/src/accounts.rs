//! The accounts that a command works in: the one of the credentials, those of an organization or of a list by a role,
//! or those of profiles.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use clap::Args;
use futures::StreamExt as _;
use futures::stream;
use rotakey_aws::iam::AwsIam;
use rotakey_aws::member::{MemberRole, partition_of};
use rotakey_aws::sts::AwsKeyProbe;
use rotakey_aws::{Connection, ConnectionOptions};
use rotakey_connect::credential;
use rotakey_core::audit::{Cause, NotJudged};
use rotakey_core::id::AccountId;
use rotakey_core::policy::{AccountSelector, AccountsConfig, AccountsFrom, ExternalId};
use rotakey_core::secret::Secret;
use rotakey_engine::inventory::{self, AccountInventory, Inventory as _, NoProgress, Progress as _};
use rotakey_engine::port::{Account, Accounts, Clock, PortError, PortErrorKind, UsageSource};

use crate::assembly::CONCURRENCY;
use crate::cli::GlobalArgs;
use crate::commands::rotate::Usage;
use crate::error::{CommandError, ErrorKind};
use crate::explain::{entry_advice, port_error};
use crate::printer::Printer;
use crate::progress::Progress;
use crate::quantity::count;

/// Which accounts. Without any of these, what `[accounts]` in rotakey.toml says.
#[derive(Debug, Default, Args)]
pub(crate) struct AccountArgs {
    /// All accounts of the organization that are not excluded, each by the role that [accounts] in rotakey.toml names
    #[arg(long, global = true, help_heading = "Accounts", conflicts_with_all = ["account", "organizational_unit"])]
    all_accounts: bool,
    /// This account, by the role; can be given several times
    #[arg(long, value_name = "ID", global = true, help_heading = "Accounts")]
    account: Vec<AccountId>,
    /// The accounts below this unit of the organization (its id, or its path from the root), by the role; can be given
    /// several times
    #[arg(long, value_name = "OU", global = true, help_heading = "Accounts", conflicts_with = "account")]
    organizational_unit: Vec<AccountSelector>,
}

impl AccountArgs {
    /// What the configuration says, as far as the arguments do not say otherwise. What is excluded stays so.
    fn applied_to(&self, config: &AccountsConfig) -> AccountsConfig {
        let mut config = config.clone();
        if self.all_accounts {
            config.from = AccountsFrom::Organization;
            config.include.clear();
        }
        if !self.organizational_unit.is_empty() {
            config.from = AccountsFrom::Organization;
            config.include.clone_from(&self.organizational_unit);
        }
        if !self.account.is_empty() {
            match config.from {
                AccountsFrom::Organization => {
                    config.include = self.account.iter().copied().map(AccountSelector::Account).collect();
                }
                AccountsFrom::Own | AccountsFrom::List => {
                    config.from = AccountsFrom::List;
                    config.list.clone_from(&self.account);
                }
                AccountsFrom::Profiles => config.list.clone_from(&self.account),
            }
        }
        config
    }
}

/// Several accounts are read at a time, each with so many calls at a time.
const ACCOUNTS_AT_A_TIME: usize = 8;
const CALLS_IN_EACH: NonZeroUsize = NonZeroUsize::new(4).expect("4 is not zero");

/// The accounts that a command works in.
pub(crate) struct AllAccounts {
    hub: Connection,
    clock: Arc<dyn Clock>,
    way: Way,
    /// Accounts that were to be worked in and cannot be named: profiles that do not say whose they are.
    unnamed: Vec<NotJudged>,
    entered: Shelf,
    usage: Usage,
}

/// How an account is entered.
enum Way {
    /// The credentials belong to it.
    Own(AccountId),
    /// By a role of the same name in each of these accounts, also in rotakey's own: it then has no more rights there than
    /// elsewhere.
    Role { role: Arc<MemberRole>, accounts: BTreeMap<AccountId, String> },
    /// As its profile says.
    Profiles(BTreeMap<AccountId, Connection>),
}

/// What was read of the accounts.
#[derive(Debug, Default)]
pub(crate) struct Inventories {
    /// Those that could be read, at least in part.
    pub(crate) accounts: Vec<AccountInventory>,
    /// Those that could not.
    pub(crate) not_read: Vec<NotJudged>,
}

impl From<AccountInventory> for Inventories {
    fn from(account: AccountInventory) -> Self {
        Self { accounts: vec![account], not_read: Vec::new() }
    }
}

impl AllAccounts {
    /// The accounts that the configuration and the arguments name. AWS is asked which they are, but for a list. None of
    /// them is entered yet.
    pub(crate) async fn open(
        globals: &GlobalArgs,
        args: &AccountArgs,
        config: &AccountsConfig,
        hub: &Connection,
        clock: &Arc<dyn Clock>,
        printer: &Printer,
    ) -> Result<Self, CommandError> {
        let config = args.applied_to(config);
        let mut unnamed = Vec::new();
        let way = match config.from {
            AccountsFrom::Own => {
                let caller = hub.inventory(Arc::clone(clock)).caller().await.map_err(port_error)?;
                Way::Own(caller.account_id)
            }
            AccountsFrom::Organization => {
                let role = Arc::new(role(&config, hub).await?);
                Way::Role { role, accounts: members(&config, hub, clock, printer).await? }
            }
            AccountsFrom::List => {
                let excluded = |id: &&AccountId| config.exclude.contains(&AccountSelector::Account(**id));
                let accounts = config.list.iter().filter(|id| !excluded(id)).map(|id| (*id, String::new()));
                Way::Role { role: Arc::new(role(&config, hub).await?), accounts: accounts.collect() }
            }
            AccountsFrom::Profiles => {
                let (named, gaps) = profiles(globals, &config, clock).await?;
                unnamed = gaps;
                Way::Profiles(named)
            }
        };
        Ok(Self {
            hub: hub.clone(),
            clock: Arc::clone(clock),
            way,
            unnamed,
            entered: Shelf::default(),
            usage: Usage::Unseen,
        })
    }

    /// The same, with a source that tells who uses keys.
    pub(crate) fn with_usage(self, usage: Usage) -> Self {
        Self { usage, ..self }
    }

    /// Whether an alarm of that account is in the state ALARM.
    pub(crate) async fn alarm(
        &self,
        id: &AccountId,
        name: &str,
        region: Option<&str>,
    ) -> Result<bool, PortError> {
        let unserved =
            || PortError::new(PortErrorKind::Invalid, "ask for an alarm", "the account is not worked in");
        let entered = self.enter(id).ok_or_else(unserved)?;
        entered.connection.alarm(name, region, self.clock.now()).await
    }

    /// Whether it is about one account, as most are.
    pub(crate) fn is_one(&self) -> bool {
        matches!(self.way, Way::Own(_))
    }

    /// Reads all keys of all accounts, several accounts at a time. An account that cannot be read keeps no other.
    ///
    /// # Errors
    /// The accounts are not known, or there is one only and it cannot be read.
    pub(crate) async fn read(&self, printer: &Printer) -> Result<Inventories, CommandError> {
        if let Way::Own(_) = self.way {
            let progress = Progress::new(printer);
            let inventory = self.hub.inventory(Arc::clone(&self.clock));
            let read = inventory::load(&inventory, self.clock.now(), &progress, CONCURRENCY).await;
            return read.map(Inventories::from).map_err(|error| match error.kind {
                // The tool works, the account just does not let itself be read.
                PortErrorKind::Denied => CommandError { kind: ErrorKind::Incomplete, ..port_error(error) },
                _ => port_error(error),
            });
        }
        let accounts = self.named();
        let progress = Progress::new(printer);
        let (total, done) = (accounts.len(), AtomicUsize::new(0));
        progress.step(0, Some(total), READING);
        let read = stream::iter(&accounts).map(|(id, name)| {
            let (progress, done) = (&progress, &done);
            async move {
                let read = self.read_one(*id).await;
                progress.step(1 + done.fetch_add(1, Ordering::Relaxed), Some(total), READING);
                progress.suspended(|| printer.detail(&told(*id, name, &read)));
                (*id, name, read)
            }
        });
        let read: Vec<_> = read.buffered(ACCOUNTS_AT_A_TIME).collect().await;
        let mut inventories = Inventories { accounts: Vec::new(), not_read: self.unnamed.clone() };
        for (id, name, read) in read {
            match read {
                Ok(account) => inventories.accounts.push(account),
                Err(error) => inventories.not_read.push(not_read(Some(id), &named(id, name), &error)),
            }
        }
        Ok(inventories)
    }

    async fn read_one(&self, id: AccountId) -> Result<AccountInventory, PortError> {
        let unserved = || PortError::new(PortErrorKind::Invalid, "enter the account", "it is not worked in");
        let entered = self.enter(&id).ok_or_else(unserved)?;
        let inventory = entered.connection.inventory(Arc::clone(&self.clock));
        let read = inventory::load(&inventory, self.clock.now(), &NoProgress, CALLS_IN_EACH).await?;
        if read.account_id == id {
            return Ok(read);
        }
        let message = format!("the role belongs to account {}", read.account_id);
        Err(PortError::new(PortErrorKind::Invalid, "enter the account", message))
    }

    /// The accounts, with their names as far as they are known.
    fn named(&self) -> BTreeMap<AccountId, String> {
        match &self.way {
            Way::Own(id) => [(*id, String::new())].into(),
            Way::Role { accounts, .. } => accounts.clone(),
            Way::Profiles(profiles) => profiles.keys().map(|id| (*id, String::new())).collect(),
        }
    }

    /// The accounts that could not be entered when that was last tried, and why.
    pub(crate) fn not_entered(&self) -> Vec<NotJudged> {
        let refused = self
            .entered
            .iter()
            .filter_map(|entered| entered.connection.refusal().map(|error| (entered.id, error)));
        refused.map(|(id, error)| not_read(Some(id), &named(id, ""), &error)).collect()
    }

    /// The account of that number; `None` if it is not worked in.
    fn enter(&self, id: &AccountId) -> Option<&Entered> {
        if let Some(entered) = self.entered.find(id) {
            return Some(entered);
        }
        let connection = match &self.way {
            Way::Own(own) => (own == id).then(|| self.hub.clone()),
            Way::Role { role, accounts } => {
                accounts.contains_key(id).then(|| self.hub.assuming(*id, role, Arc::clone(&self.clock)))
            }
            Way::Profiles(named) => named.get(id).cloned(),
        };
        let connection = connection?;
        let (iam, probe) = (connection.iam(Arc::clone(&self.clock)), connection.key_probe());
        let usage = self.usage.of(&connection, &self.clock);
        Some(self.entered.put(Entered { id: *id, connection, iam, probe, usage }))
    }
}

const READING: &str = "reading accounts";

impl Accounts for AllAccounts {
    fn ids(&self) -> Vec<AccountId> {
        self.named().into_keys().collect()
    }

    fn get(&self, id: &AccountId) -> Option<Account<'_>> {
        self.enter(id).map(|entered| Account {
            iam: &entered.iam,
            probe: &entered.probe,
            usage: entered.usage.as_deref(),
        })
    }
}

/// An account, ready to be called.
struct Entered {
    id: AccountId,
    connection: Connection,
    iam: AwsIam,
    probe: AwsKeyProbe,
    usage: Option<Arc<dyn UsageSource>>,
}

/// Accounts that can be added while others of them are lent.
#[derive(Default)]
struct Shelf(OnceLock<Box<Slot>>);

struct Slot {
    entered: Entered,
    next: Shelf,
}

impl Shelf {
    fn iter(&self) -> impl Iterator<Item = &Entered> {
        let first = self.0.get();
        std::iter::successors(first, |slot| slot.next.0.get()).map(|slot| &slot.entered)
    }

    fn find(&self, id: &AccountId) -> Option<&Entered> {
        self.iter().find(|entered| entered.id == *id)
    }

    /// Puts the account at the end, unless somebody was faster.
    fn put(&self, entered: Entered) -> &Entered {
        let id = entered.id;
        let mut entered = Some(entered);
        let mut shelf = self;
        loop {
            let slot = shelf.0.get_or_init(|| {
                let entered = entered.take().expect("it is put once: the loop ends where it is");
                Box::new(Slot { entered, next: Self::default() })
            });
            if slot.entered.id == id {
                return &slot.entered;
            }
            shelf = &slot.next;
        }
    }
}

/// The accounts of the organization that are meant. Those that cannot be worked in are told.
async fn members(
    config: &AccountsConfig,
    hub: &Connection,
    clock: &Arc<dyn Clock>,
    printer: &Printer,
) -> Result<BTreeMap<AccountId, String>, CommandError> {
    let AccountsConfig { include, exclude, .. } = config;
    let tree = include.iter().chain(exclude).any(AccountSelector::needs_tree);
    let organization = hub.organization(Arc::clone(clock)).read(tree).await.map_err(|error| {
        let denied = error.kind == PortErrorKind::Denied;
        let error = port_error(error);
        if denied {
            return error
                .hint("Organizations answers the management account and delegated administrators only.");
        }
        error
    })?;
    let selected = organization.select(include, exclude);
    if !selected.unknown.is_empty() {
        let unknown: Vec<String> = selected.unknown.iter().map(ToString::to_string).collect();
        return Err(CommandError::usage(format!(
            "nothing in the organization is called {}",
            unknown.join(", ")
        ))
        .hint("Units are named by their id (ou-ab12-11112222) or by their path from the root (Workloads/Production); names are case-sensitive."));
    }
    for (id, state) in &selected.left_out {
        printer.note(&format!("Account {id} is left out: AWS has it as {state}."));
    }
    Ok(selected.accounts)
}

async fn role(config: &AccountsConfig, hub: &Connection) -> Result<MemberRole, CommandError> {
    let external_id = match &config.external_id {
        None => None,
        Some(ExternalId::Text(text)) => Some(Secret::new(text.clone())),
        Some(ExternalId::From(source)) => {
            let read = credential::read(source).await.map_err(|error| {
                CommandError::usage(error).hint("It is named by external_id in [accounts] of rotakey.toml.")
            });
            Some(read?)
        }
    };
    let of_region = || partition_of(hub.region().unwrap_or_default()).to_owned();
    let partition = config.partition.clone().unwrap_or_else(of_region);
    Ok(MemberRole { partition, name: config.role.clone(), external_id })
}

/// Asks of each profile whose it is. Of two profiles of the same account the first is used.
async fn profiles(
    globals: &GlobalArgs,
    config: &AccountsConfig,
    clock: &Arc<dyn Clock>,
) -> Result<(BTreeMap<AccountId, Connection>, Vec<NotJudged>), CommandError> {
    let asked = stream::iter(&config.profiles).map(|profile| async move {
        let options = ConnectionOptions {
            profile: Some(profile.clone()),
            region: globals.region.clone(),
            endpoint_url: globals.endpoint_url.clone(),
            ..ConnectionOptions::default()
        };
        let connection = Connection::open(options).await?;
        let caller = connection.inventory(Arc::clone(clock)).caller().await?;
        Ok::<_, PortError>((caller.account_id, connection))
    });
    let asked: Vec<_> = asked.buffered(ACCOUNTS_AT_A_TIME).collect().await;
    let (mut named, mut gaps) = (BTreeMap::new(), Vec::new());
    let wanted: BTreeSet<AccountId> = config.list.iter().copied().collect();
    for (profile, asked) in config.profiles.iter().zip(asked) {
        match asked {
            Ok((id, connection)) if wanted.is_empty() || wanted.contains(&id) => {
                named.entry(id).or_insert(connection);
            }
            Ok(_) => {}
            Err(error) => gaps.push(not_read(None, &format!("the profile {profile}"), &error)),
        }
    }
    if let Some(missing) = wanted.iter().find(|id| !named.contains_key(*id)) {
        return Err(CommandError::usage(format!(
            "no profile in [accounts] of rotakey.toml is of account {missing}"
        )));
    }
    Ok((named, gaps))
}

fn not_read(account_id: Option<AccountId>, what: &str, error: &PortError) -> NotJudged {
    let why = format!("{what} was not read: {error}. {}", entry_advice(error));
    NotJudged { account_id, user_name: None, access_key_id: None, code: None, cause: Cause::NotRead, why }
}

fn named(id: AccountId, name: &str) -> String {
    if name.is_empty() { format!("account {id}") } else { format!("account {id} ({name})") }
}

fn told(id: AccountId, name: &str, read: &Result<AccountInventory, PortError>) -> String {
    match read {
        Ok(read) => format!("Read {}: {} with keys.", named(id, name), count(read.subjects.len(), "user")),
        Err(error) => format!("Could not read {}: {error}", named(id, name)),
    }
}
