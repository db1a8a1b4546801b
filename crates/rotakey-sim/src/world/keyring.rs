//! What the services know of credentials: which exist, which work where and since when, and when they were
//! last used. It is apart from IAM's own records because in AWS it is too: a change of a key is true in IAM
//! at once, and each service learns of it later.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;
use rotakey_core::id::{AccessKeyId, AccountId, UserId, UserName};
use rotakey_core::secret::Secret;

use crate::api::{Credentials, Fault, Service};
use crate::consistency::DelayRange;
use crate::random::Random;

/// Uses within this span of a recorded one are not recorded.
const USE_GRANULARITY: Duration = Duration::from_secs(15 * 60);

/// Whom credentials stand for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Principal {
    /// The root user of the account.
    Root,
    /// An IAM user.
    User {
        /// Its present name.
        name: UserName,
        /// Its immutable id.
        id: UserId,
    },
    /// A session of a role.
    AssumedRole {
        /// The role's name.
        role: String,
        /// The role's unique id.
        role_id: String,
        /// The name that the caller gave to the session.
        session: String,
    },
}

/// All credentials that were ever issued.
#[derive(Debug, Default)]
pub(crate) struct Keyring {
    keys: HashMap<String, Credential>,
}

/// One access key, or one set of temporary credentials.
#[derive(Debug)]
pub(crate) struct Credential {
    pub(crate) account_id: AccountId,
    pub(crate) principal: Principal,
    secret: Secret,
    changes: Vec<Change>,
    session: Option<Session>,
    uses: Vec<Use>,
}

/// What makes credentials temporary.
#[derive(Debug)]
pub(crate) struct Session {
    /// The session token.
    pub(crate) token: Secret,
    /// When they were issued.
    pub(crate) issued_at: Timestamp,
    /// When they expire.
    pub(crate) expires_at: Timestamp,
}

/// A change of whether the key works, which each service learns of at its own time.
#[derive(Debug, Clone, Copy)]
struct Change {
    at: Timestamp,
    works: bool,
    delay: DelayRange,
    salt: u64,
}

/// One recorded use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Use {
    pub(crate) at: Timestamp,
    pub(crate) region: String,
    pub(crate) service: Service,
}

impl Keyring {
    /// Adds an access key.
    pub(crate) fn add_key(
        &mut self,
        id: &AccessKeyId,
        account_id: AccountId,
        principal: Principal,
        secret: Secret,
    ) {
        let credential = Credential {
            account_id,
            principal,
            secret,
            changes: Vec::new(),
            session: None,
            uses: Vec::new(),
        };
        self.keys.insert(id.as_str().to_owned(), credential);
    }

    /// Adds temporary credentials, which work at once and until they expire.
    pub(crate) fn add_session(
        &mut self,
        id: &AccessKeyId,
        account_id: AccountId,
        principal: Principal,
        secret: Secret,
        session: Session,
    ) {
        let works = Change { at: session.issued_at, works: true, delay: DelayRange::NONE, salt: 0 };
        let (changes, session) = (vec![works], Some(session));
        let credential = Credential { account_id, principal, secret, changes, session, uses: Vec::new() };
        self.keys.insert(id.as_str().to_owned(), credential);
    }

    /// Says from when on the key works, or works no more. Each service learns of it within `delay`.
    pub(crate) fn change(
        &mut self,
        id: &AccessKeyId,
        works: bool,
        at: Timestamp,
        delay: DelayRange,
        random: &mut Random,
    ) {
        if let Some(credential) = self.keys.get_mut(id.as_str()) {
            credential.changes.push(Change { at, works, delay, salt: random.number() });
        }
    }

    /// Gives the user's credentials the new name.
    pub(crate) fn rename(&mut self, user: &UserId, new_name: &UserName) {
        for credential in self.keys.values_mut() {
            if let Principal::User { name, id } = &mut credential.principal
                && id == user
            {
                *name = new_name.clone();
            }
        }
    }

    /// The secrets and session tokens of all credentials.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &Secret> {
        self.keys.values().flat_map(|credential| {
            [&credential.secret].into_iter().chain(credential.session.as_ref().map(|session| &session.token))
        })
    }

    /// How many access keys there ever were.
    pub(crate) fn long_term_keys(&self) -> usize {
        self.keys.values().filter(|credential| credential.session.is_none()).count()
    }

    /// The credentials of that id, whether they work or not.
    pub(crate) fn get(&self, id: &str) -> Option<&Credential> {
        self.keys.get(id)
    }

    /// The credentials, if `service` accepts them now.
    pub(crate) fn accept(
        &self,
        credentials: &Credentials,
        service: Service,
        now: Timestamp,
    ) -> Result<&Credential, Fault> {
        let unknown = || Fault::unknown_key(service);
        let credential = self.keys.get(&credentials.access_key_id).ok_or_else(unknown)?;
        let given = credentials.session_token.as_deref();
        if credential.session.as_ref().map(|session| session.token.expose()) != given {
            return Err(unknown());
        }
        if credential.session.as_ref().is_some_and(|session| session.expires_at <= now) {
            return Err(Fault::expired_token(service));
        }
        if credential.works(service, now) { Ok(credential) } else { Err(unknown()) }
    }

    /// Records that the key was used, unless a use within the last 15 minutes is recorded already. What is
    /// older than the newest use that already shows (`lag` ago) is forgotten.
    pub(crate) fn record_use(
        &mut self,
        id: &str,
        service: Service,
        region: &str,
        now: Timestamp,
        lag: Duration,
    ) {
        let Some(credential) = self.keys.get_mut(id) else { return };
        if credential.uses.last().is_some_and(|last| now < last.at + USE_GRANULARITY) {
            return;
        }
        let shown = credential.uses.iter().rposition(|used| used.at + lag <= now).unwrap_or(0);
        credential.uses.drain(..shown);
        credential.uses.push(Use { at: now, region: region.to_owned(), service });
    }

    /// Plants a use in the past, whatever came before.
    pub(crate) fn plant_use(&mut self, id: &str, used: Use) {
        if let Some(credential) = self.keys.get_mut(id) {
            credential.uses = vec![used];
        }
    }

    /// The last use of the key, as far as it shows after `lag`.
    pub(crate) fn last_use(&self, id: &str, now: Timestamp, lag: Duration) -> Option<&Use> {
        self.keys.get(id)?.uses.iter().rfind(|used| used.at + lag <= now)
    }
}

impl Credential {
    /// The secret that belongs to the id.
    pub(crate) fn secret(&self) -> &Secret {
        &self.secret
    }

    /// When they were issued, if they are temporary.
    pub(crate) fn session_since(&self) -> Option<Timestamp> {
        self.session.as_ref().map(|session| session.issued_at)
    }

    /// Whether the service accepts the key now: what the latest change that has reached it says.
    fn works(&self, service: Service, now: Timestamp) -> bool {
        let reached = |change: &&Change| change.reaches(service) <= now;
        self.changes.iter().rev().find(reached).is_some_and(|change| change.works)
    }
}

impl Change {
    /// When the service learns of the change. It differs from service to service.
    fn reaches(&self, service: Service) -> Timestamp {
        let mixed = (self.salt ^ (service as u64 + 1)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.at + self.delay.at(mixed >> 20)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    fn ring() -> (Keyring, AccessKeyId, Random) {
        let mut random = Random::new(3);
        let account = random.account_id();
        let id = random.access_key_id("AKIA", account);
        let mut ring = Keyring::default();
        ring.add_key(&id, account, Principal::Root, random.secret_access_key());
        (ring, id, random)
    }

    #[test]
    fn a_key_made_active_again_is_not_switched_off_by_the_earlier_change_that_arrives_late() {
        let (mut ring, id, mut random) = ring();
        ring.change(&id, true, at(0), DelayRange::NONE, &mut random);
        ring.change(&id, false, at(10), DelayRange::milliseconds(60_000, 60_000), &mut random);
        ring.change(&id, true, at(20), DelayRange::NONE, &mut random);
        let credentials = Credentials::long_term(id.as_str());
        for second in [5, 15, 25, 69, 70, 71, 500] {
            assert!(ring.accept(&credentials, Service::Sts, at(second)).is_ok(), "second {second}");
        }
    }

    #[test]
    fn services_learn_of_a_new_key_at_different_times() {
        let (mut ring, id, mut random) = ring();
        ring.change(&id, true, at(0), DelayRange::milliseconds(0, 60_000), &mut random);
        let credentials = Credentials::long_term(id.as_str());
        let first = |service| (0..=60).find(|&s| ring.accept(&credentials, service, at(s)).is_ok()).unwrap();
        let times = Service::ALL.map(first);
        assert!(times.iter().any(|&time| time != times[0]), "{times:?}");
    }

    #[test]
    fn only_the_first_use_within_fifteen_minutes_is_recorded() {
        let (mut ring, id, _) = ring();
        let lag = Duration::from_secs(600);
        for second in [0, 60, 899, 900, 1_000] {
            ring.record_use(id.as_str(), Service::S3, "eu-west-1", at(second), lag);
        }
        assert_eq!(ring.last_use(id.as_str(), at(599), lag), None, "it does not show before the lag");
        assert_eq!(ring.last_use(id.as_str(), at(600), lag).unwrap().at, at(0));
        assert_eq!(ring.last_use(id.as_str(), at(1_499), lag).unwrap().at, at(0));
        assert_eq!(ring.last_use(id.as_str(), at(9_999), lag).unwrap().at, at(900), "not 1,000");
    }
}
