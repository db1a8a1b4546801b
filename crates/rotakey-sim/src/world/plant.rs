//! Setting a scene: putting accounts, users and keys into the world behind AWS's back, with any past, and
//! looking at what is true behind its answers.
//!
//! The functions panic when the scene is impossible (an account that does not exist, a document that is no
//! policy): a wrong scene is a mistake in the program that sets it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rotakey_core::fact::{KeyStatus, Tags};
use rotakey_core::id::{AccessKeyId, AccountId, UserId, UserName};
use rotakey_core::secret::AccessKeyPair;

use crate::api::{Credentials, Service};
use crate::consistency::DelayRange;
use crate::world::World;
use crate::world::account::{Account, RootUser};
use crate::world::cloudwatch::Alarm;
pub use crate::world::cloudwatch::AlarmState;
use crate::world::iam::{
    AccessKey, Document, Group, IamState, LoginProfile, ManagedPolicy, MfaDevice, Policies, Role, User,
    local_arn, whole_second,
};
use crate::world::keyring::{Principal, Use};

/// A user to plant.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Its name.
    pub name: UserName,
    /// Its path, such as `/service/`.
    pub path: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// Its tags.
    pub tags: Tags,
    /// The groups it is in, which must be there.
    pub groups: Vec<String>,
    /// The ARNs of its managed policies.
    pub attached: Vec<String>,
    /// Its inline policies: name and document.
    pub inline: Vec<(String, String)>,
    /// Its console password, if it has one.
    pub console: Option<Console>,
}

/// A console password.
#[derive(Debug, Clone, Copy)]
pub struct Console {
    /// When it was set.
    pub since: Timestamp,
    /// When it was last used.
    pub last_used: Option<Timestamp>,
    /// Whether an MFA device guards it.
    pub mfa: bool,
}

/// A key to plant.
#[derive(Debug, Clone)]
pub struct NewKey {
    /// When it was created.
    pub created_at: Timestamp,
    /// Active or inactive.
    pub status: KeyStatus,
    /// When it was last used, which service, and in which region.
    pub last_used: Option<(Timestamp, Service, String)>,
}

/// What is true of a key, whatever AWS shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrueKey {
    /// Whose it is; `None` for the root user.
    pub user: Option<(UserName, UserId)>,
    /// The key.
    pub id: AccessKeyId,
    /// Active or inactive.
    pub status: KeyStatus,
    /// When it was created.
    pub created_at: Timestamp,
    /// Its last recorded use.
    pub last_used_at: Option<Timestamp>,
}

impl NewUser {
    /// A user with nothing but a name.
    pub fn new(name: UserName, created_at: Timestamp) -> Self {
        Self {
            name,
            path: "/".to_owned(),
            created_at,
            tags: Tags::new(),
            groups: Vec::new(),
            attached: Vec::new(),
            inline: Vec::new(),
            console: None,
        }
    }
}

impl World {
    /// Adds an account under the root of the organization. The first one manages the organization. Its
    /// number is drawn from the seed.
    pub fn create_account(&mut self, name: &str, created_at: Timestamp) -> AccountId {
        let id = self.random.account_id();
        let root_id = self.organization.root_id().to_owned();
        self.organization.parents.insert(id, root_id);
        self.organization.management.get_or_insert(id);
        let account = Account {
            id,
            name: name.to_owned(),
            email: format!("aws+{name}@example.com"),
            suspended: false,
            created_at: whole_second(created_at),
            root: RootUser { mfa_active: true, ..RootUser::default() },
            iam: Default::default(),
            reports: Default::default(),
            secrets: Default::default(),
            parameters: Default::default(),
            alarms: Default::default(),
        };
        self.accounts.insert(id, account);
        id
    }

    /// Adds an organizational unit under the root, moves the accounts there, and says its id.
    pub fn plant_unit(&mut self, name: &str, accounts: &[AccountId]) -> String {
        let root_id = self.organization.root_id().to_owned();
        self.plant_unit_in(&root_id, name, accounts)
    }

    /// Adds an organizational unit in another one, moves the accounts there, and says its id.
    pub fn plant_unit_in(&mut self, parent: &str, name: &str, accounts: &[AccountId]) -> String {
        let id = self.organization.add_unit(name, parent, &mut self.random);
        for account in accounts {
            self.organization.parents.insert(*account, id.clone());
        }
        id
    }

    /// Suspends an account, as AWS does when it is closed: it stays in the organization, and nobody gets in.
    pub fn suspend_account(&mut self, account: AccountId) {
        self.accounts.get_mut(&account).expect("the scene has the account").suspended = true;
    }

    /// The id of the organization, such as `o-ab12cd34ef`.
    pub fn organization_id(&self) -> &str {
        self.organization.id()
    }

    /// The account that manages the organization: the first one.
    pub fn management_account(&self) -> Option<AccountId> {
        self.organization.management
    }

    /// Adds a user.
    pub fn plant_user(&mut self, account: AccountId, new: NewUser) -> UserId {
        let id = self.random.user_id();
        let device = new.console.filter(|console| console.mfa).map(|console| MfaDevice {
            serial_number: format!("arn:aws:iam::{account}:mfa/{}", new.name),
            enabled_at: whole_second(console.since),
        });
        let user = User {
            name: new.name.clone(),
            id: id.clone(),
            path: new.path,
            created_at: whole_second(new.created_at),
            tags: new.tags,
            groups: new.groups.into_iter().collect(),
            policies: policies(new.attached, new.inline),
            login: new.console.map(|console| LoginProfile {
                created_at: whole_second(console.since),
                last_used: console.last_used.map(whole_second),
                reset_required: false,
            }),
            mfa_devices: device.into_iter().collect(),
            keys: Vec::new(),
        };
        self.iam_of(account).users.insert(new.name, Arc::new(user));
        id
    }

    /// Gives a user a key with a past. It works everywhere at once, if it is active.
    pub fn plant_key(&mut self, account: AccountId, user: &UserName, new: NewKey) -> AccessKeyPair {
        let holder = self.iam_of(account).users.get(user).expect("the scene has the user");
        let principal = Principal::User { name: user.clone(), id: holder.id.clone() };
        let pair = self.issue_key(account, principal, &new);
        let key =
            AccessKey { id: pair.id.clone(), status: new.status, created_at: whole_second(new.created_at) };
        self.iam_of(account).user_mut(user).expect("the scene has the user").keys.push(key);
        pair
    }

    /// Gives the root user of an account a key with a past.
    pub fn plant_root_key(&mut self, account: AccountId, new: NewKey) -> AccessKeyPair {
        let pair = self.issue_key(account, Principal::Root, &new);
        let key =
            AccessKey { id: pair.id.clone(), status: new.status, created_at: whole_second(new.created_at) };
        self.accounts.get_mut(&account).expect("the scene has the account").root.keys.push(key);
        pair
    }

    /// Adds a group.
    pub fn plant_group(
        &mut self,
        account: AccountId,
        name: &str,
        attached: Vec<String>,
        created_at: Timestamp,
    ) {
        let group = Group {
            name: name.to_owned(),
            id: self.random.unique_id("AGPA"),
            path: "/".to_owned(),
            created_at: whole_second(created_at),
            policies: policies(attached, Vec::new()),
        };
        self.iam_of(account).groups.insert(name.to_owned(), Arc::new(group));
    }

    /// Adds a customer managed policy and says its ARN.
    pub fn plant_policy(
        &mut self,
        account: AccountId,
        name: &str,
        document: &str,
        created_at: Timestamp,
    ) -> String {
        let arn = local_arn(account, name);
        let policy = ManagedPolicy {
            name: name.to_owned(),
            id: self.random.unique_id("ANPA"),
            path: "/".to_owned(),
            arn: arn.clone(),
            created_at: whole_second(created_at),
            document: Document::parse(document).expect("the scene's document is a policy"),
        };
        self.iam_of(account).policies.insert(arn.clone(), Arc::new(policy));
        arn
    }

    /// Adds a role and says its ARN.
    pub fn plant_role(
        &mut self,
        account: AccountId,
        name: &str,
        trust: &str,
        attached: Vec<String>,
        created_at: Timestamp,
    ) -> String {
        let role = Role {
            name: name.to_owned(),
            id: self.random.unique_id("AROA"),
            path: "/".to_owned(),
            created_at: whole_second(created_at),
            description: None,
            trust: Document::parse(trust).expect("the scene's trust policy is a policy"),
            max_session: Duration::from_secs(3_600),
            tags: Tags::new(),
            policies: policies(attached, Vec::new()),
        };
        let arn = role.arn(account);
        self.iam_of(account).roles.insert(name.to_owned(), Arc::new(role));
        arn
    }

    /// Gives a role an inline policy.
    pub fn plant_role_policy(&mut self, account: AccountId, role: &str, name: &str, document: &str) {
        let document = Document::parse(document).expect("the scene's document is a policy");
        let roles = &mut self.iam_of(account).roles;
        let role = roles.get_mut(role).expect("the scene has the role");
        Arc::make_mut(role).policies.inline.insert(name.to_owned(), document);
    }

    /// Puts an alarm into that state, and makes it if it is not there.
    pub fn plant_alarm(&mut self, account: AccountId, region: &str, name: &str, state: AlarmState) {
        let alarm = Alarm { state, since: self.now };
        let account = self.accounts.get_mut(&account).expect("the scene has the account");
        account.alarms.insert((region.to_owned(), name.to_owned()), alarm);
    }

    /// All keys of an account as they are, in the order of the users' names, the root user's last.
    pub fn true_keys(&self, account: AccountId) -> Vec<TrueKey> {
        let Some(account) = self.accounts.get(&account) else { return Vec::new() };
        let truth = |user: Option<&User>, key: &AccessKey| TrueKey {
            user: user.map(|user| (user.name.clone(), user.id.clone())),
            id: key.id.clone(),
            status: key.status,
            created_at: key.created_at,
            last_used_at: self
                .keyring
                .last_use(key.id.as_str(), self.now, Duration::ZERO)
                .map(|used| used.at),
        };
        let users = account.iam.present().users.values();
        let of_users = users.flat_map(|user| user.keys.iter().map(|key| truth(Some(user), key)));
        of_users.chain(account.root.keys.iter().map(|key| truth(None, key))).collect()
    }

    /// Whether the service would accept a call signed with this pair now.
    pub fn accepts(&self, pair: &AccessKeyPair, service: Service) -> bool {
        let credentials = Credentials::long_term(pair.id.as_str());
        self.authenticate(&credentials, service).is_ok_and(|secret| *secret == pair.secret)
    }

    fn issue_key(&mut self, account: AccountId, principal: Principal, new: &NewKey) -> AccessKeyPair {
        let id = self.random.access_key_id("AKIA", account);
        let pair = AccessKeyPair { id, secret: self.random.secret_access_key() };
        self.keyring.add_key(&pair.id, account, principal, pair.secret.duplicate());
        if new.status == KeyStatus::Active {
            self.keyring.change(&pair.id, true, new.created_at, DelayRange::NONE, &mut self.random);
        }
        if let Some((at, service, region)) = new.last_used.clone() {
            self.keyring.plant_use(pair.id.as_str(), Use { at: whole_second(at), region, service });
        }
        pair
    }

    fn iam_of(&mut self, account: AccountId) -> &mut IamState {
        let account = self.accounts.get_mut(&account).expect("the scene has the account");
        // What is planted was always so: no read sees the state before it.
        account.iam.change(self.now, Duration::ZERO)
    }
}

fn policies(attached: Vec<String>, inline: Vec<(String, String)>) -> Policies {
    let read = |text: &str| Document::parse(text).expect("the scene's document is a policy");
    Policies {
        attached: attached.into_iter().collect::<BTreeSet<_>>(),
        inline: inline.into_iter().map(|(name, document)| (name, read(&document))).collect(),
    }
}
