//! How AWS is reached: credentials, region, endpoint, time-outs and retries.

use std::sync::Arc;
use std::time::Duration;

use aws_config::environment::region::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::region::ProfileFileRegionProvider;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, FrameworkMetadata, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_sts::config::IdentityCache;
use aws_smithy_async::rt::sleep::SharedAsyncSleep;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime::client::retries::RetryPartition;
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpClient};
use jiff::Timestamp;
use rotakey_core::destination::{self as specs, DestinationSpec};
use rotakey_core::id::{AccountId, RotationId};
use rotakey_core::notify::NotifierSpec;
use rotakey_core::secret::AccessKeyPair;
use rotakey_engine::port::{Clock, Destination, Destinations, Notifier, Notifiers, PortError, PortErrorKind};

use crate::athena::Athena;
use crate::calls::CallCounter;
use crate::cloudtrail::{CloudTrail, Paces};
use crate::credentials::{CredentialsCache, SigningCredentials};
use crate::dynamodb::Table;
use crate::iam::AwsIam;
use crate::inventory::AwsInventory;
use crate::member::{GENERAL_SESSION, MemberRole, Refusal, RoleSession, session_of};
use crate::organizations::AwsOrganization;
use crate::role::Roles;
use crate::secrets_manager::SecretsManager;
use crate::service;
use crate::ses::Sender;
use crate::signed::Signer;
use crate::sns::Topic;
use crate::sqs::NotificationQueue;
use crate::ssm::SsmParameter;
use crate::sts::AwsKeyProbe;
use crate::throttle::{LeaveThrottlingToUs, Pace, Throttle};

/// What the person at the keyboard may say about the connection. What is left out comes from AWS's own
/// environment variables and files.
#[derive(Debug, Default)]
pub struct ConnectionOptions {
    /// The profile of the shared configuration and credentials files.
    pub profile: Option<String>,
    /// The region. `us-east-1` if nothing names one: IAM is the same in all regions of a partition.
    pub region: Option<String>,
    /// Where all services are reached, such as `http://127.0.0.1:5000` for a simulated AWS.
    pub endpoint_url: Option<String>,
    /// The credentials themselves, in place of whatever the environment and the files name: for a simulated
    /// AWS, whose credentials are nowhere else.
    pub credentials: Option<AccessKeyPair>,
    /// The longest pause before a call that failed is sent a second time; later ones are twice as long each. The SDK's
    /// own, a second, if absent. For a server of a test, which is not spared by waiting.
    pub first_pause: Option<Duration>,
}

/// One set of credentials in one region. Cheap to clone; clones count their calls together.
#[derive(Debug, Clone)]
pub struct Connection {
    config: SdkConfig,
    calls: CallCounter,
    paces: Paces,
    fetched: CredentialsCache,
    roles: Roles,
    throttle: Throttle,
    /// How the account was entered, if by a role.
    entry: Option<Arc<Entry>>,
}

/// The way into an account by a role.
#[derive(Debug)]
struct Entry {
    from: Connection,
    account: AccountId,
    role: Arc<MemberRole>,
    refusal: Refusal,
}

const DEFAULT_REGION: &str = "us-east-1";

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);
const OPERATION_TIMEOUT: Duration = Duration::from_secs(30);

/// Attempts per call, the first included. Adaptive retries also slow the next calls down once AWS throttles; IAM and
/// STS are paced by [`Throttle`] in their place.
const ATTEMPTS: u32 = 4;

impl Connection {
    /// Finds the credentials' source and the region. Sends nothing: whether there are credentials shows at
    /// the first call.
    ///
    /// # Errors
    /// [`PortErrorKind::Invalid`] if the endpoint is no URL.
    pub async fn open(options: ConnectionOptions) -> Result<Self, PortError> {
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http_client())
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(CONNECT_TIMEOUT)
                    .operation_attempt_timeout(ATTEMPT_TIMEOUT)
                    .operation_timeout(OPERATION_TIMEOUT)
                    .build(),
            )
            .retry_config(retries(options.first_pause));
        if let Ok(rotakey) = FrameworkMetadata::new("rotakey", Some(env!("CARGO_PKG_VERSION"))) {
            loader = loader.framework_metadata(rotakey);
        }
        if let Some(url) = options.endpoint_url {
            if !url.starts_with("http://") && !url.starts_with("https://") {
                let message = "must begin with http:// or https://";
                return Err(PortError::new(PortErrorKind::Invalid, "use the endpoint URL", message));
            }
            loader = loader.endpoint_url(url);
        }
        let region = match options.region {
            Some(region) => Region::new(region),
            None => configured_region(options.profile.as_deref()).await,
        };
        if let Some(profile) = options.profile {
            loader = loader.profile_name(profile);
        }
        if let Some(pair) = options.credentials {
            loader = loader.credentials_provider(credentials(&pair));
        }
        let config = loader.region(region).load().await;
        Ok(Self {
            config,
            calls: CallCounter::default(),
            paces: Paces::default(),
            fetched: CredentialsCache::default(),
            roles: Roles::default(),
            throttle: Throttle::default(),
            entry: None,
        })
    }

    /// That role in that account, assumed with these credentials when it is first needed and again before a session
    /// ends. The limits of the account are found out apart from those of others.
    #[must_use]
    pub fn assuming(&self, account: AccountId, role: &Arc<MemberRole>, clock: Arc<dyn Clock>) -> Self {
        let entry =
            Entry { from: self.clone(), account, role: Arc::clone(role), refusal: Refusal::default() };
        entry.session(GENERAL_SESSION.to_owned(), Throttle::default(), clock)
    }

    /// The same account by a session that names the rotation, if it was entered by a role.
    pub(crate) fn for_rotation(&self, rotation: &RotationId, clock: Arc<dyn Clock>) -> Option<Self> {
        let entry = self.entry.as_ref()?;
        let entry = Entry {
            from: entry.from.clone(),
            account: entry.account,
            role: Arc::clone(&entry.role),
            refusal: entry.refusal.clone(),
        };
        Some(entry.session(session_of(rotation), self.throttle.clone(), clock))
    }

    /// Why the account could not be entered when that was last tried.
    pub fn refusal(&self) -> Option<PortError> {
        self.entry.as_ref()?.refusal.get()
    }

    /// The number of requests sent so far, retries included. Those that only fetch rotakey's own
    /// credentials (an assumed role, single sign-on) are not counted.
    pub fn calls_sent(&self) -> u64 {
        self.calls.sent()
    }

    /// The region that is called.
    pub fn region(&self) -> Option<&str> {
        self.config.region().map(Region::as_ref)
    }

    /// The credentials that calls are signed with, for a client that is not the SDK's: from the profile, single
    /// sign-on, the machine, or wherever this connection has them from. Ask again for each request: what was fetched
    /// is kept until shortly before it ends.
    ///
    /// # Errors
    /// [`PortErrorKind::Credentials`] if there are none.
    pub async fn credentials(&self, now: Timestamp) -> Result<SigningCredentials, PortError> {
        self.fetched.get(self.config.credentials_provider(), now).await
    }

    /// IAM, as a rotation needs it. The clock serves the waiting between calls.
    pub fn iam(&self, clock: Arc<dyn Clock>) -> AwsIam {
        AwsIam::new(self.clone(), clock)
    }

    /// IAM, as an audit needs it. The clock serves the waiting between calls.
    pub fn inventory(&self, clock: Arc<dyn Clock>) -> AwsInventory {
        AwsInventory::new(self.iam_client(), self.sts_client(), self.pace(clock))
    }

    /// The organization that the account belongs to. The clock serves the waiting between calls.
    pub fn organization(&self, clock: Arc<dyn Clock>) -> AwsOrganization {
        let builder =
            aws_sdk_organizations::config::Builder::from(&self.config).interceptor(self.calls.clone());
        AwsOrganization::new(aws_sdk_organizations::Client::from_conf(builder.build()), clock)
    }

    /// The probe of key pairs. It takes nothing but the region, the endpoint and the time-outs from this
    /// connection.
    pub fn key_probe(&self) -> AwsKeyProbe {
        AwsKeyProbe::new(self.config.clone(), self.calls.clone())
    }

    /// The state of the CloudWatch alarm of that name, in that region or the connection's own: whether it is in ALARM.
    ///
    /// # Errors
    /// [`PortErrorKind::NotFound`] if there is no such alarm, [`PortErrorKind::Ambiguous`] if it has not enough data.
    pub async fn alarm(&self, name: &str, region: Option<&str>, now: Timestamp) -> Result<bool, PortError> {
        let signer = Signer::new(&self.config, self.calls.clone());
        let region = region.or(self.region()).unwrap_or(DEFAULT_REGION);
        let found = self.fetched.get(self.config.credentials_provider(), now).await?;
        service::alarm(&signer, found.for_signing(), name, region).await
    }

    /// That secret in AWS Secrets Manager.
    pub fn secret(&self, place: &specs::SecretsManager) -> SecretsManager {
        let base = self.base(place.role_arn.as_deref(), place.external_id.as_deref());
        let region = place.region.as_deref().or(self.region()).map(str::to_owned);
        SecretsManager::new(place.clone(), region, |region| {
            let mut builder =
                aws_sdk_secretsmanager::config::Builder::from(&base).interceptor(self.calls.clone());
            builder
                .set_region(region.map(|region| Region::new(region.to_owned())).or(base.region().cloned()));
            aws_sdk_secretsmanager::Client::from_conf(builder.build())
        })
    }

    /// That parameter in the SSM Parameter Store.
    pub fn parameter(&self, place: &specs::SsmParameter) -> SsmParameter {
        let base = self.base(place.role_arn.as_deref(), place.external_id.as_deref());
        let mut builder = aws_sdk_ssm::config::Builder::from(&base).interceptor(self.calls.clone());
        if let Some(region) = &place.region {
            builder = builder.region(Region::new(region.clone()));
        }
        SsmParameter::new(aws_sdk_ssm::Client::from_conf(builder.build()), place.clone())
    }

    /// That table of DynamoDB, in that region or the connection's own.
    pub fn table(&self, name: &str, region: Option<&str>) -> Table {
        let mut builder =
            aws_sdk_dynamodb::config::Builder::from(&self.config).interceptor(self.calls.clone());
        if let Some(region) = region {
            builder = builder.region(Region::new(region.to_owned()));
        }
        Table::new(aws_sdk_dynamodb::Client::from_conf(builder.build()), name, region)
    }

    /// What clients are made from: as this connection, or in a role.
    fn base(&self, role_arn: Option<&str>, external_id: Option<&str>) -> SdkConfig {
        match role_arn {
            None => self.config.clone(),
            Some(arn) => {
                let sessions = self.roles.get(&self.config, arn, external_id);
                self.config.to_builder().credentials_provider(sessions).build()
            }
        }
    }

    /// CloudTrail in all regions. All that come from this connection and its clones keep one pace together, which the
    /// clock serves.
    pub fn cloudtrail(&self, clock: Arc<dyn Clock>) -> CloudTrail {
        CloudTrail::new(self.config.clone(), self.calls.clone(), self.paces.clone(), clock)
    }

    /// The SQS queue of that URL, which S3 or CloudTrail tells about new objects.
    pub fn notifications(&self, queue_url: &str) -> NotificationQueue {
        NotificationQueue::new(&self.config, self.calls.clone(), queue_url)
    }

    /// Athena in that region or the connection's own. The clock serves all waiting: the client does not try again by
    /// itself.
    pub fn athena(&self, region: Option<&str>, clock: Arc<dyn Clock>) -> Athena {
        let mut builder = aws_sdk_athena::config::Builder::from(&self.config)
            .retry_config(RetryConfig::disabled())
            .interceptor(self.calls.clone());
        if let Some(region) = region {
            builder = builder.region(Region::new(region.to_owned()));
        }
        Athena::new(aws_sdk_athena::Client::from_conf(builder.build()), clock)
    }

    pub(crate) fn sts_client(&self) -> aws_sdk_sts::Client {
        let builder = aws_sdk_sts::config::Builder::from(&self.config).interceptor(self.calls.clone());
        aws_sdk_sts::Client::from_conf(builder.build())
    }

    pub(crate) fn iam_client(&self) -> aws_sdk_iam::Client {
        let mut builder = aws_sdk_iam::config::Builder::from(&self.config)
            .interceptor(self.calls.clone())
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .retry_classifier(LeaveThrottlingToUs);
        if let Some(entry) = &self.entry {
            builder = builder.retry_partition(RetryPartition::new(format!("iam of {}", entry.account)));
        }
        aws_sdk_iam::Client::from_conf(builder.build())
    }

    pub(crate) fn pace(&self, clock: Arc<dyn Clock>) -> Pace {
        Pace::new(clock, self.throttle.clone())
    }
}

impl Connection {
    fn entered(self, entry: Entry) -> Self {
        Self { entry: Some(Arc::new(entry)), ..self }
    }
}

impl Entry {
    fn session(self, name: String, throttle: Throttle, clock: Arc<dyn Clock>) -> Connection {
        let sts = aws_sdk_sts::config::Builder::from(&self.from.config)
            .interceptor(self.from.calls.clone())
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .retry_classifier(LeaveThrottlingToUs);
        let sts = aws_sdk_sts::Client::from_conf(sts.build());
        let pace = self.from.pace(clock);
        let session = RoleSession::new(sts, pace, self.account, &self.role, name, self.refusal.clone());
        let config = self
            .from
            .config
            .to_builder()
            .credentials_provider(SharedCredentialsProvider::new(session))
            .identity_cache(IdentityCache::no_cache())
            .build();
        Connection {
            config,
            paces: Paces::default(),
            fetched: CredentialsCache::default(),
            throttle,
            ..self.from.clone()
        }
        .entered(self)
    }
}

/// Serves [`DestinationSpec::SecretsManager`] and [`DestinationSpec::SsmParameter`].
impl Destinations for Connection {
    fn open(&self, spec: &DestinationSpec) -> Result<Box<dyn Destination>, PortError> {
        match spec {
            DestinationSpec::SecretsManager(place) => Ok(Box::new(self.secret(place))),
            DestinationSpec::SsmParameter(place) => Ok(Box::new(self.parameter(place))),
            _ => {
                let message = "is not a destination in AWS";
                Err(PortError::new(PortErrorKind::Invalid, spec.to_string(), message))
            }
        }
    }
}

/// Serves [`NotifierSpec::Sns`] and [`NotifierSpec::Ses`].
impl Notifiers for Connection {
    fn open(&self, spec: &NotifierSpec) -> Result<Box<dyn Notifier>, PortError> {
        match spec {
            NotifierSpec::Sns(spec) => Ok(Box::new(Topic::new(&self.config, self.calls.clone(), spec))),
            NotifierSpec::Ses(spec) => Ok(Box::new(Sender::new(&self.config, self.calls.clone(), spec))),
            _ => Err(PortError::new(PortErrorKind::Invalid, spec.to_string(), "is not reached through AWS")),
        }
    }
}

fn retries(first_pause: Option<Duration>) -> RetryConfig {
    let retries = RetryConfig::adaptive().with_max_attempts(ATTEMPTS);
    match first_pause {
        Some(pause) => retries.with_initial_backoff(pause),
        None => retries,
    }
}

/// A pair as the SDK wants it. The SDK zeroizes its copy as well.
pub(crate) fn credentials(pair: &AccessKeyPair) -> Credentials {
    Credentials::new(pair.id.as_str(), pair.secret.expose(), None, None, "rotakey")
}

/// The region of that name, if it can be one. What is put into the name of a host must not name another host.
pub(crate) fn region_named(name: &str) -> Option<Region> {
    let is_legal = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    let is_name = (1..=32).contains(&name.len()) && name.chars().all(is_legal);
    is_name.then(|| Region::new(name.to_owned()))
}

/// The region that the environment or the profile names. The metadata service of the machine is not asked:
/// off EC2 that takes seconds to fail, and on EC2 the other AWS tools do not ask it either.
async fn configured_region(profile: Option<&str>) -> Region {
    let mut from_profile = ProfileFileRegionProvider::builder();
    if let Some(profile) = profile {
        from_profile = from_profile.profile_name(profile);
    }
    let chain = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new());
    let region = chain.or_else(from_profile.build()).region().await;
    region.unwrap_or_else(|| Region::from_static(DEFAULT_REGION))
}

/// TLS by rustls over ring, which builds in a third of the time of the SDK's default, with the certificates
/// that the machine trusts, through the proxy that `HTTPS_PROXY` and `NO_PROXY` name.
fn http_client() -> SharedHttpClient {
    Builder::new().build_with_connector_fn(|settings, components| {
        connector(settings.cloned(), components.and_then(|components| components.sleep_impl()))
    })
}

/// One connector of that kind.
pub(crate) fn connector(
    settings: Option<HttpConnectorSettings>,
    sleep: Option<SharedAsyncSleep>,
) -> Connector {
    let mut connector = Connector::builder().proxy_config(ProxyConfig::from_env());
    connector.set_connector_settings(settings);
    connector.set_sleep_impl(sleep);
    connector.tls_provider(Provider::Rustls(CryptoMode::Ring)).build()
}

/// The time-outs of one request.
pub(crate) fn connector_settings() -> HttpConnectorSettings {
    HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(ATTEMPT_TIMEOUT).build()
}
