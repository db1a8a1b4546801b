//! An organization in a simulated AWS, entered by the roles of the templates, and a person who works on it.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use rotakey_core::fact::KeyStatus;
use rotakey_core::id::AccountId;
use rotakey_sim::api::{Service, Tree};
use rotakey_sim::ports::Client;
use rotakey_sim::simulation::Simulation;
use rotakey_sim::wire::{Running, Server};
use rotakey_sim::world::World;
use rotakey_sim::world::plant::{AlarmState, NewKey, NewUser};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::guard::Guard;
use crate::template::{Grant, Template, without};

pub(crate) const EXTERNAL_ID: &str = "rotakey-9f2c";

/// What the templates make, but for one action, or for nothing.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rights<'a> {
    pub(crate) without: Option<&'a Grant>,
}

/// What of rotakey is used beyond the ordinary.
#[derive(Debug, Clone, Default)]
pub(crate) struct Extras {
    /// Values of parameters of the template of the hub, and of that of the members.
    pub(crate) hub: Vec<(&'static str, String)>,
    pub(crate) member: Vec<(&'static str, String)>,
    /// Keys are in the Parameter Store, and not in Secrets Manager.
    pub(crate) in_parameters: bool,
    /// What stands in the configuration besides.
    pub(crate) configuration: String,
    /// What `rotakey rotate` is told besides.
    pub(crate) arguments: Vec<&'static str>,
    /// Variables of the environment.
    pub(crate) environment: Vec<(&'static str, String)>,
    /// moto's server, if DynamoDB, SNS and SES are used: a guard before it lets the hub do what its policies allow.
    pub(crate) moto: Option<String>,
    /// The second account has a user whose older key the younger one took the place of, and one with an old key that
    /// somebody made inactive; and alarms that are well.
    pub(crate) two_keys: bool,
    pub(crate) alarms: Vec<&'static str>,
}

/// The services that moto has in place of the simulated AWS, by the variables that say where they are.
const MOTO: [&str; 3] = ["AWS_ENDPOINT_URL_DYNAMODB", "AWS_ENDPOINT_URL_SNS", "AWS_ENDPOINT_URL_SESV2"];

/// What is wrong with an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    Nothing,
    NoRole,
    OtherExternalId,
    Suspended,
}

/// A running organization. The first account manages it, and rotakey runs there.
pub(crate) struct Scene {
    pub(crate) simulation: Simulation,
    pub(crate) accounts: Vec<AccountId>,
    bootstrap: Client,
    hub: String,
    extras: Extras,
    folder: TempDir,
    server: Running,
    _runtime: Runtime,
}

/// What came of a run of the binary.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("no JSON ({error}):\n{self:#?}"))
    }
}

const NOW: &str = "2026-11-23T12:00:00Z";

impl Scene {
    /// An organization whose accounts have these flaws, under `Workloads` but for the first; each with that many users,
    /// whose one key is old and was never used. The keys of all but the first user of an account are in their secrets.
    pub(crate) fn new(rights: Rights<'_>, flaws: &[Flaw], users: usize) -> Self {
        Self::with(rights, flaws, users, Extras::default())
    }

    /// The same, where more is used.
    pub(crate) fn with(rights: Rights<'_>, flaws: &[Flaw], users: usize, mut extras: Extras) -> Self {
        let now: Timestamp = NOW.parse().expect("an instant");
        let ago = |days: i64| now - SignedDuration::from_hours(24 * days);
        let mut world = World::new(11, now);
        let accounts: Vec<AccountId> = (0..flaws.len())
            .map(|number| world.create_account(&format!("account-{number}"), ago(900)))
            .collect();
        let workloads = world.plant_unit("Workloads", &accounts[1..2]);
        world.plant_unit_in(&workloads, "Production", &accounts[2..]);
        let organization = world.organization_id().to_owned();

        let home = accounts[0];
        let bootstrap = NewUser::new("bootstrap".parse().expect("a name"), ago(800));
        world.plant_user(home, NewUser { attached: vec![ADMINISTRATOR.to_owned()], ..bootstrap });
        let key = NewKey { created_at: ago(1), status: KeyStatus::Active, last_used: None };
        let bootstrap = world.plant_key(home, &"bootstrap".parse().expect("a name"), key);

        let mut given = vec![("OrganizationId", organization.as_str())];
        given.extend(extras.hub.iter().map(|(name, value)| (*name, value.as_str())));
        let hub = Template::read("rotakey-hub.yaml", &home.to_string(), &given);
        // In place of the service that runs rotakey, somebody of the account takes the role on.
        let trust = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": { "AWS": format!("arn:aws:iam::{home}:root") }, "Action": "sts:AssumeRole",
        }] });
        let hub_arn = world.plant_role(home, &hub.role_name(), &trust.to_string(), Vec::new(), ago(700));
        let of_hub = policies(&hub, rights);
        for (name, policy) in &of_hub {
            world.plant_role_policy(home, &hub.role_name(), name, policy);
        }

        let member = |account: AccountId, external_id: &str| {
            let mut given = vec![
                ("HubRoleArn", hub_arn.as_str()),
                ("OrganizationId", organization.as_str()),
                ("ExternalId", external_id),
            ];
            given.extend(extras.member.iter().map(|(name, value)| (*name, value.as_str())));
            Template::read("rotakey-member-role.yaml", &account.to_string(), &given)
        };
        let mut known = Vec::new();
        for (account, flaw) in accounts.iter().zip(flaws) {
            let external_id = if *flaw == Flaw::OtherExternalId { "somebody-else" } else { EXTERNAL_ID };
            let role = member(*account, external_id);
            if *flaw != Flaw::NoRole {
                let trust = role.trust().to_string();
                world.plant_role(*account, &role.role_name(), &trust, Vec::new(), ago(700));
                for (name, policy) in policies(&role, rights) {
                    world.plant_role_policy(*account, &role.role_name(), &name, &policy);
                }
            }
            for number in 0..users {
                let name = format!("app-{number}").parse().expect("a name");
                world.plant_user(*account, NewUser::new(name, ago(600)));
                let name = format!("app-{number}").parse().expect("a name");
                let key = NewKey { created_at: ago(200), status: KeyStatus::Active, last_used: None };
                let pair = world.plant_key(*account, &name, key);
                if number > 0 {
                    known.push((format!("iam/access-keys/{account}-{name}"), pair));
                }
            }
            for alarm in &extras.alarms {
                world.plant_alarm(*account, "us-east-1", alarm, AlarmState::Ok);
            }
            if *flaw == Flaw::Suspended {
                world.suspend_account(*account);
            }
        }

        if extras.two_keys {
            let used = |days: i64| Some((ago(days), Service::S3, "us-east-1".to_owned()));
            let active =
                |days: i64, last_used| NewKey { created_at: ago(days), status: KeyStatus::Active, last_used };
            let left = NewKey { status: KeyStatus::Inactive, ..active(400, used(300)) };
            for (name, older) in [("replaced", active(400, used(60))), ("left-behind", left)] {
                let user = || name.parse().expect("a name");
                world.plant_user(accounts[1], NewUser::new(user(), ago(600)));
                world.plant_key(accounts[1], &user(), older);
                world.plant_key(accounts[1], &user(), active(50, used(1)));
            }
        }

        let simulation = Simulation::new(world);
        if let Some(moto) = &extras.moto {
            let policies: Vec<String> = of_hub.into_iter().map(|(_, policy)| policy).collect();
            let guard = Guard::before(moto, home, &policies);
            extras.environment.extend(MOTO.map(|variable| (variable, guard.url())));
        }
        let runtime = Runtime::new().expect("a runtime");
        let server = Server::new(simulation.clone(), Arc::new(real_time));
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = runtime.block_on(server.start(address)).expect("a free port");
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let kind = if extras.in_parameters { "ssm-parameter" } else { "secrets-manager" };
        let root = if extras.in_parameters { "/" } else { "" };
        let configuration = format!(
            "[accounts]\nfrom = \"organization\"\ninclude = [\"Workloads\"]\nexternal_id = {{ file = \"external-id\" }}\n\n\
             [rotate]\nfinish_inactive = true\n\n[[rotate.destination]]\ntype = \"{kind}\"\n\
             name = \"{root}iam/access-keys/{{account}}-{{user}}\"\n\n{}",
            extras.configuration,
        );
        std::fs::write(folder.path().join("rotakey.toml"), configuration)
            .expect("the folder can be written to");
        std::fs::write(folder.path().join("external-id"), format!("{EXTERNAL_ID}\n")).expect("as above");
        let bootstrap = Client::new(simulation.clone(), bootstrap);
        for (name, pair) in known {
            let value = json!({ "AccessKeyId": pair.id, "SecretAccessKey": pair.secret.expose() });
            if extras.in_parameters {
                let parameter = Tree::map([
                    ("Name", format!("/{name}").into()),
                    ("Value", value.to_string().into()),
                    ("Type", "SecureString".into()),
                ]);
                bootstrap.call(Service::Ssm, "PutParameter", parameter).expect("an administrator may");
                continue;
            }
            let secret = Tree::map([
                ("Name", name.into()),
                ("SecretString", value.to_string().into()),
                ("ClientRequestToken", format!("{}-{}", pair.id, pair.id).into()),
            ]);
            bootstrap.call(Service::SecretsManager, "CreateSecret", secret).expect("an administrator may");
        }
        Self { bootstrap, hub: hub_arn, extras, simulation, accounts, folder, server, _runtime: runtime }
    }

    pub(crate) fn extras(&self) -> &Extras {
        &self.extras
    }

    /// Runs rotakey with a new session of the hub's role.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, &self.extras.environment)
    }

    /// Runs rotakey as somebody who may do everything in moto's server.
    pub(crate) fn run_unguarded(&self, arguments: &[&str]) -> Ran {
        let moto = self.extras.moto.clone().expect("the scene uses moto");
        self.run_with(arguments, &MOTO.map(|variable| (variable, moto.clone())))
    }

    fn run_with(&self, arguments: &[&str], environment: &[(&str, String)]) -> Ran {
        let parameters =
            Tree::map([("RoleArn", self.hub.as_str().into()), ("RoleSessionName", "task".into())]);
        let session =
            self.bootstrap.call(Service::Sts, "AssumeRole", parameters).expect("the hub is trusted");
        let credentials = session.get("Credentials").expect("there are credentials");
        let text = |member| credentials.text(member).expect("AWS tells it");
        let mut command = Command::new(env!("CARGO_BIN_EXE_rotakey"));
        command.args(arguments);
        if arguments.first() == Some(&"rotate") {
            command.args(&self.extras.arguments);
        }
        command.env_clear().current_dir(self.folder.path()).stdin(Stdio::null());
        command.env("HOME", self.folder.path()).env("COLUMNS", "80").env("AWS_EC2_METADATA_DISABLED", "true");
        command.env("AWS_ENDPOINT_URL", self.server.url()).env("ROTAKEY_SANDBOX_CLOCK", self.server.url());
        command.env("AWS_REGION", "us-east-1").env("AWS_ACCESS_KEY_ID", text("AccessKeyId"));
        command.env("AWS_SECRET_ACCESS_KEY", text("SecretAccessKey"));
        command.env("AWS_SESSION_TOKEN", text("SessionToken"));
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        let output = command.output().expect("the binary runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("all output is UTF-8");
        let code = output.status.code().expect("the binary ends by itself, not by a signal");
        Ran { code, stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// How often each operation was called so far.
    pub(crate) fn calls(&self) -> BTreeMap<String, u64> {
        let mut connection = TcpStream::connect(self.server.address()).expect("the server listens");
        connection.write_all(b"GET /_sandbox/state HTTP/1.0\r\n\r\n").expect("the server listens");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).expect("the server answers");
        let (_, body) = answer.split_once("\r\n\r\n").expect("the server speaks HTTP");
        let state: Value = serde_json::from_str(body).expect("the state is JSON");
        let calls = state["calls"].as_object().expect("calls are counted").iter();
        calls.map(|(name, count)| (name.clone(), count.as_u64().expect("a number"))).collect()
    }

    /// Lets so many hours pass.
    pub(crate) fn pass(&self, hours: i64) {
        self.simulation.advance_to(self.simulation.now() + SignedDuration::from_hours(hours));
    }

    /// Somebody with all rights in that account.
    pub(crate) fn inspector(&self, account: AccountId) -> Client {
        let home = self.accounts[0];
        let trust = json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": { "AWS": format!("arn:aws:iam::{home}:root") }, "Action": "sts:AssumeRole",
        }] });
        let administrator = vec![ADMINISTRATOR.to_owned()];
        let arn = self.simulation.with_world(|world| {
            world.plant_role(account, "inspector", &trust.to_string(), administrator, world.now())
        });
        self.bootstrap.assume_role(&arn, None).expect("the inspector is trusted")
    }

    /// All rotations, as `status` tells of them.
    pub(crate) fn rotations(&self) -> Vec<Value> {
        let all = self.run(&["rotate", "status", "--all", "--format", "json"]).json();
        all.as_array().expect("a list").clone()
    }
}

const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";

/// The policies of a role by name, without what is left out.
fn policies(role: &Template, rights: Rights<'_>) -> Vec<(String, String)> {
    let policies = role.policies().into_iter().filter_map(|(name, policy)| {
        let left = match rights.without {
            Some(grant) => without(&policy, grant)?,
            None => policy,
        };
        Some((name, left.to_string()))
    });
    policies.collect()
}

#[expect(clippy::disallowed_methods, reason = "signatures are dated by the real time")]
fn real_time() -> Timestamp {
    Timestamp::now()
}
