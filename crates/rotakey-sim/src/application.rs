//! Simulated applications: they read an access key from where it is kept, hold on to it for a while, and
//! call a service with it again and again. Their failures are what a rotation without downtime must not
//! cause.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use rotakey_core::id::{AccessKeyId, AccountId};
use rotakey_core::secret::AccessKeyPair;

use crate::api::{Credentials, Fault, Request, Service, Tree};
use crate::world::World;

/// How many failures are kept one by one; the rest is counted only.
const FAILURES_KEPT: usize = 1_000;

/// Where an application gets its key from. Any closure of that form is one.
pub trait CredentialSource: Send {
    /// The key that the application finds when it looks now; `None` if it finds none.
    fn read(&mut self, world: &World) -> Option<AccessKeyPair>;
}

impl<F: FnMut(&World) -> Option<AccessKeyPair> + Send> CredentialSource for F {
    fn read(&mut self, world: &World) -> Option<AccessKeyPair> {
        self(world)
    }
}

/// The current version of a secret `{"AccessKeyId", "SecretAccessKey"}` in the simulated Secrets Manager. The
/// application reads it by a role of its own, which is not simulated.
#[derive(Debug, Clone)]
pub struct CurrentSecret {
    /// The account of the secret.
    pub account: AccountId,
    /// Its region.
    pub region: String,
    /// Its name.
    pub name: String,
}

impl CredentialSource for CurrentSecret {
    fn read(&mut self, world: &World) -> Option<AccessKeyPair> {
        world.current_access_key(self.account, &self.region, &self.name)
    }
}

/// A key that is written into the application, and never changes.
#[derive(Debug)]
pub struct HardCoded(pub AccessKeyPair);

impl CredentialSource for HardCoded {
    fn read(&mut self, _world: &World) -> Option<AccessKeyPair> {
        Some(self.0.duplicate())
    }
}

/// One application. By default it gets an object from S3 every five minutes and looks for its key each time.
pub struct Application {
    name: String,
    source: Box<dyn CredentialSource>,
    service: Service,
    action: String,
    parameters: Tree,
    region: String,
    source_ip: String,
    user_agent: String,
    interval: Duration,
    cache_for: Duration,
    first_call_at: Option<Timestamp>,
    cached: Option<(Timestamp, AccessKeyPair)>,
    record: Record,
}

/// What became of an application's calls.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// All calls that it made.
    pub calls: u64,
    /// Those that failed, for whatever reason.
    pub failed: u64,
    /// Those that failed because its key was not accepted, or because it found no key. This is what a
    /// rotation can do to it.
    pub failed_for_credentials: u64,
    /// The first thousand failures.
    pub failures: Vec<Failure>,
    /// The key of its last call.
    pub last_key: Option<AccessKeyId>,
}

/// One failed call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// When.
    pub at: Timestamp,
    /// The key that it was signed with; `None` if the application found none.
    pub key: Option<AccessKeyId>,
    /// The error code of the service, `NoCredentials` or `NoAnswer`.
    pub code: String,
}

impl Application {
    /// An application that gets its key from there.
    pub fn new(name: impl Into<String>, source: impl CredentialSource + 'static) -> Self {
        let object = Tree::map([("Bucket", "data".into()), ("Key", "object".into())]);
        let name = name.into();
        Self {
            user_agent: format!("{name}/1.0 aws-sdk-simulated/1.0"),
            name,
            source: Box::new(source),
            service: Service::S3,
            action: "GetObject".to_owned(),
            parameters: object,
            region: "eu-central-1".to_owned(),
            source_ip: "198.51.100.7".to_owned(),
            interval: Duration::from_secs(5 * 60),
            cache_for: Duration::ZERO,
            first_call_at: None,
            cached: None,
            record: Record::default(),
        }
    }

    /// What it calls.
    #[must_use]
    pub fn calling(mut self, service: Service, action: &str, parameters: Tree) -> Self {
        (self.service, self.action, self.parameters) = (service, action.to_owned(), parameters);
        self
    }

    /// How long it waits between two calls: from seconds to a month. Never nothing: a millisecond is the
    /// least.
    #[must_use]
    pub fn every(mut self, interval: Duration) -> Self {
        self.interval = interval.max(Duration::from_millis(1));
        self
    }

    /// How long it keeps a key that it read before it looks again. AWS's caching clients keep it for an hour.
    #[must_use]
    pub fn caching_for(mut self, span: Duration) -> Self {
        self.cache_for = span;
        self
    }

    /// When it calls first; one interval after it was started, if not said.
    #[must_use]
    pub fn first_calling_at(mut self, at: Timestamp) -> Self {
        self.first_call_at = Some(at);
        self
    }

    /// Where it runs.
    #[must_use]
    pub fn from(mut self, region: &str, source_ip: &str) -> Self {
        (self.region, self.source_ip) = (region.to_owned(), source_ip.to_owned());
        self
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What became of its calls so far.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// When it calls first, if it is started now.
    pub(crate) fn first_call(&self, now: Timestamp) -> Timestamp {
        self.first_call_at.unwrap_or(now + self.interval)
    }

    /// Makes one call, and says when the next one is due.
    pub(crate) fn call(&mut self, world: &mut World) -> Timestamp {
        let now = world.now();
        self.refresh(world, now);
        self.record.calls += 1;
        match &self.cached {
            None => self.failed(now, None, "NoCredentials", true),
            Some((_, pair)) => {
                let id = pair.id.clone();
                let request = Request {
                    service: self.service,
                    action: self.action.clone(),
                    parameters: self.parameters.clone(),
                    credentials: Credentials::long_term(id.as_str()),
                    region: self.region.clone(),
                    source_ip: self.source_ip.clone(),
                    user_agent: self.user_agent.clone(),
                    request_id: world.new_request_id(),
                };
                let outcome = world.handle_signed_now(&pair.secret, &request);
                self.record.last_key = Some(id.clone());
                match outcome {
                    Ok(_) => {}
                    Err(Fault::NoAnswer { .. }) => self.failed(now, Some(id), "NoAnswer", false),
                    Err(fault @ Fault::Refused(_)) => {
                        let code = fault.code().unwrap_or_default();
                        self.failed(now, Some(id), code, fault.is_about_credentials());
                    }
                }
            }
        }
        now + self.interval
    }

    /// Looks for the key anew once it was kept for long enough. A look that finds nothing keeps the old
    /// one, as caching clients do.
    fn refresh(&mut self, world: &World, now: Timestamp) {
        let fresh = self.cached.as_ref().is_some_and(|(read_at, _)| now < *read_at + self.cache_for);
        if !fresh && let Some(pair) = self.source.read(world) {
            self.cached = Some((now, pair));
        }
    }

    fn failed(&mut self, at: Timestamp, key: Option<AccessKeyId>, code: &str, for_credentials: bool) {
        self.record.failed += 1;
        self.record.failed_for_credentials += u64::from(for_credentials);
        if self.record.failures.len() < FAILURES_KEPT {
            self.record.failures.push(Failure { at, key, code: code.to_owned() });
        }
    }
}

impl fmt::Debug for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Application")
            .field("name", &self.name)
            .field("record", &self.record)
            .finish_non_exhaustive()
    }
}
