//! Puts together what a command needs of the outside: the connection to AWS, the places that keys go to, the
//! log of rotations, the clock.

use std::error::Error;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use rotakey_aws::{Connection, ConnectionOptions};
use rotakey_connect::{OutsideDestinations, OutsideNotifiers};
use rotakey_core::destination::DestinationSpec;
use rotakey_core::id::{AccessKeyId, AccountId, WorkerId};
use rotakey_core::notify::NotifierSpec;
use rotakey_core::policy::{Config, UserSubject};
use rotakey_core::rotate::{CheckSpec, Health};
use rotakey_engine::driver::Ports;
use rotakey_engine::herald::{Herald, HeraldPorts};
use rotakey_engine::inventory::{self, AccountInventory, Inventory as _};
use rotakey_engine::port::{Checks, Clock, Destination, Destinations, Notifier, Notifiers, PortError};
use rotakey_trail::source::objects::{
    ObjectStores, ProvideS3Credential, S3Credential, S3Credentials, S3Options,
};
use tokio::runtime::Handle;

use crate::accounts::{AccountArgs, AllAccounts};
use crate::cli::GlobalArgs;
use crate::clock;
use crate::commands::rotate::{Planner, UsageArgs};
use crate::configuration;
use crate::error::CommandError;
use crate::explain::port_error;
use crate::printer::Printer;
use crate::progress::Progress;
use crate::rotation_log::{Log, StoreArgs};

/// The most calls of AWS at a time. IAM throttles by account; the SDK slows down when it does.
pub(crate) const CONCURRENCY: NonZeroUsize = NonZeroUsize::new(16).expect("16 is not zero");

/// AWS, as the arguments and the environment name it.
pub(crate) struct Aws {
    pub(crate) connection: Connection,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Aws {
    /// Prepares the connection; nothing is called yet.
    pub(crate) async fn connect(globals: &GlobalArgs) -> Result<Self, CommandError> {
        let clock = clock(globals)?;
        let options = ConnectionOptions {
            profile: globals.profile.clone(),
            region: globals.region.clone(),
            endpoint_url: globals.endpoint_url.clone(),
            ..ConnectionOptions::default()
        };
        let connection = Connection::open(options).await.map_err(port_error)?;
        Ok(Self { connection, clock })
    }

    /// The access key of a user that the calls are signed with; `None` if they are signed with a session. Of a
    /// session that was made with a long-term key, the key is not known.
    pub(crate) async fn own_key(&self) -> Result<Option<AccessKeyId>, PortError> {
        let credentials = self.connection.credentials(self.clock.now()).await?;
        Ok(match credentials.session_token {
            None => credentials.access_key_id.parse().ok(),
            Some(_) => None,
        })
    }

    /// The accounts that the configuration and the arguments name.
    pub(crate) async fn accounts(
        &self,
        globals: &GlobalArgs,
        args: &AccountArgs,
        config: &Config,
        printer: &Printer,
    ) -> Result<AllAccounts, CommandError> {
        AllAccounts::open(globals, args, &config.accounts, &self.connection, &self.clock, printer).await
    }

    /// Reads all keys of the account that the credentials belong to.
    pub(crate) async fn read_account(&self, printer: &Printer) -> Result<AccountInventory, PortError> {
        let progress = Progress::new(printer);
        let inventory = self.connection.inventory(self.clock.clone());
        inventory::load(&inventory, self.clock.now(), &progress, CONCURRENCY).await
    }
}

/// The clock that the environment asks for.
pub(crate) fn clock(globals: &GlobalArgs) -> Result<Arc<dyn Clock>, CommandError> {
    let from_environment = std::env::var("AWS_ENDPOINT_URL").ok();
    clock::from_environment(globals.endpoint_url.as_deref().or(from_environment.as_deref()))
}

/// S3 as the trail reads it: with the credentials that the SDK finds, wherever these are from.
pub(crate) async fn object_stores(globals: &GlobalArgs) -> Result<ObjectStores, CommandError> {
    let aws = Aws::connect(globals).await?;
    let from_environment =
        || ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"].into_iter().find_map(|name| std::env::var(name).ok());
    let s3 = S3Options {
        region: aws.connection.region().map(str::to_owned),
        endpoint: globals.endpoint_url.clone().or_else(from_environment),
        credentials: S3Credentials::Provided(Arc::new(SdkCredentials {
            connection: aws.connection,
            clock: aws.clock,
        })),
    };
    Ok(ObjectStores::new(Handle::current(), s3))
}

/// The credentials of the SDK, for S3.
struct SdkCredentials {
    connection: Connection,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for SdkCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SdkCredentials")
    }
}

#[async_trait]
impl ProvideS3Credential for SdkCredentials {
    async fn credential(&self) -> Result<S3Credential, Box<dyn Error + Send + Sync>> {
        let credentials = self.connection.credentials(self.clock.now()).await?;
        Ok(S3Credential {
            access_key_id: credentials.access_key_id,
            secret_access_key: credentials.secret_access_key,
            session_token: credentials.session_token,
        })
    }
}

/// All that the engine reaches outside, for real.
pub(crate) struct Outside {
    config: Config,
    own_key: Option<AccessKeyId>,
    aws: Aws,
    accounts: AllAccounts,
    destinations: AllDestinations,
    notifiers: AllNotifiers,
    log: Log,
}

impl Outside {
    /// Everything for the engine, as the configuration and the arguments name it.
    pub(crate) async fn connect(
        globals: &GlobalArgs,
        store: &StoreArgs,
        args: &AccountArgs,
        usage: &UsageArgs,
        printer: &Printer,
    ) -> Result<Self, CommandError> {
        let aws = Aws::connect(globals).await?;
        let config = configuration::load(globals, printer, aws.clock.now())?;
        let usage = usage.open().await?;
        let own_key = aws.own_key().await.map_err(port_error)?;
        let accounts = aws.accounts(globals, args, &config, printer).await?.with_usage(usage);
        let log = Log::open(&store.location(globals)?, globals).await?;
        let outside = OutsideDestinations { clock: aws.clock.clone() };
        let destinations = AllDestinations { aws: aws.connection.clone(), outside };
        let notifiers = AllNotifiers::new(&aws);
        Ok(Self { config, own_key, aws, accounts, destinations, notifiers, log })
    }

    /// Closes what must be closed.
    pub(crate) async fn close(self) {
        self.log.close().await;
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// Whom AWS takes the person at the keyboard for.
    pub(crate) async fn caller_arn(&self) -> Result<String, CommandError> {
        let inventory = self.aws.connection.inventory(self.aws.clock.clone());
        Ok(inventory.caller().await.map_err(port_error)?.arn)
    }

    /// The access key that the calls are signed with, if it is a user's.
    pub(crate) fn own_key(&self) -> Option<&AccessKeyId> {
        self.own_key.as_ref()
    }

    pub(crate) fn accounts(&self) -> &AllAccounts {
        &self.accounts
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.aws.clock.now()
    }

    /// What users are judged by. `fallback` is where their keys go for whom the configuration names no destination.
    pub(crate) fn planner<'a>(
        &'a self,
        fallback: &'a dyn Fn(&UserSubject) -> DestinationSpec,
        printer: &'a Printer,
    ) -> Planner<'a> {
        Planner {
            config: &self.config,
            accounts: &self.accounts,
            store: self.log.store(),
            fallback,
            own_key: self.own_key(),
            printer,
            now: self.now(),
        }
    }

    /// As the engine wants it.
    pub(crate) fn ports(&self) -> Ports<'_> {
        Ports {
            accounts: &self.accounts,
            destinations: &self.destinations,
            checks: self,
            store: self.log.store(),
            clock: &*self.aws.clock,
        }
    }

    /// Who tells people, as the configuration says.
    pub(crate) fn herald(&self) -> Herald<'_> {
        let ports = HeraldPorts {
            store: self.log.store(),
            outbox: self.log.outbox(),
            accounts: &self.accounts,
            notifiers: &self.notifiers,
            clock: &*self.aws.clock,
        };
        Herald::new(ports, &self.config.notify, &self.config.policy)
    }
}

/// Every destination that this program knows.
struct AllDestinations {
    aws: Connection,
    outside: OutsideDestinations,
}

impl Destinations for AllDestinations {
    fn open(&self, spec: &DestinationSpec) -> Result<Box<dyn Destination>, PortError> {
        match spec {
            DestinationSpec::SecretsManager(_) | DestinationSpec::SsmParameter(_) => {
                Destinations::open(&self.aws, spec)
            }
            _ => self.outside.open(spec),
        }
    }
}

/// Every check that this program knows. Alarms are those of the account of the rotation.
#[async_trait]
impl Checks for Outside {
    async fn ask(&self, account: &AccountId, check: &CheckSpec) -> Result<Health, PortError> {
        let CheckSpec::CloudwatchAlarm(alarm) = check else {
            return rotakey_connect::check::ask(check).await;
        };
        let rings = self.accounts.alarm(account, &alarm.name, alarm.region.as_deref()).await?;
        Ok(if rings { Health::Failing("it is in the state ALARM".to_owned()) } else { Health::Well })
    }
}

/// Every way to people that this program knows.
pub(crate) struct AllNotifiers {
    aws: Connection,
    outside: OutsideNotifiers,
}

impl AllNotifiers {
    pub(crate) fn new(aws: &Aws) -> Self {
        Self { aws: aws.connection.clone(), outside: OutsideNotifiers { clock: aws.clock.clone() } }
    }
}

impl Notifiers for AllNotifiers {
    fn open(&self, spec: &NotifierSpec) -> Result<Box<dyn Notifier>, PortError> {
        match spec {
            NotifierSpec::Sns(_) | NotifierSpec::Ses(_) => Notifiers::open(&self.aws, spec),
            _ => self.outside.open(spec),
        }
    }
}

/// A name for this process that no other process has: a restarted one must not take its predecessor's
/// unfinished work for its own.
pub(crate) fn worker_id() -> Result<WorkerId, CommandError> {
    let chance = getrandom::u64()
        .map_err(|error| CommandError::failure(format!("the system gives no random numbers: {error}")))?;
    let host = rustix::system::uname();
    let host = host.nodename().to_string_lossy();
    let host: String = host.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
    let name = format!("{host}-{}-{chance:016x}", std::process::id());
    Ok(name.parse().expect("letters, digits and hyphens within the length are a worker id"))
}
