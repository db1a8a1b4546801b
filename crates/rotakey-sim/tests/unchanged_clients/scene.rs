//! A sandbox, and programs that run against it.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rotakey_core::fact::KeyStatus;
use rotakey_core::id::{AccountId, UserName};
use rotakey_core::secret::AccessKeyPair;
use rotakey_sim::simulation::Simulation;
use rotakey_sim::wire::{Running, Server};
use rotakey_sim::world::World;
use rotakey_sim::world::plant::{NewKey, NewUser};
use serde_json::Value;
use tempfile::TempDir;

const PYTHON: &str = "ROTAKEY_TEST_PYTHON";
/// A region other than the one that most defaults fall back on.
pub(crate) const REGION: &str = "eu-west-1";

/// An organization of three accounts. The first has an administrator and four users.
pub(crate) struct Scene {
    pub(crate) simulation: Simulation,
    pub(crate) account_id: AccountId,
    pub(crate) operator: AccessKeyPair,
    running: Running,
    /// Where the programs look for configuration, and find none.
    home: TempDir,
}

impl Scene {
    /// Sets the scene and serves it. The virtual clock stands months away from the real one.
    pub(crate) async fn set() -> Self {
        let start: Timestamp = "2031-02-03T04:05:06Z".parse().unwrap();
        let mut world = World::new(11, start);
        let account_id = world.create_account("management", start);
        world.create_account("data", start);
        world.create_account("web", start);
        for name in ["alice", "bob", "carol", "dan"] {
            world.plant_user(account_id, NewUser::new(name.parse().unwrap(), start));
        }
        let operator: UserName = "operator".parse().unwrap();
        let administrator = "arn:aws:iam::aws:policy/AdministratorAccess".to_owned();
        let user = NewUser { attached: vec![administrator], ..NewUser::new(operator.clone(), start) };
        world.plant_user(account_id, user);
        let key = NewKey { created_at: start, status: KeyStatus::Active, last_used: None };
        let operator = world.plant_key(account_id, &operator, key);

        let simulation = Simulation::new(world);
        let server = Server::new(simulation.clone(), Arc::new(real_time));
        let running = server.start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
        Self { simulation, account_id, operator, running, home: TempDir::new().unwrap() }
    }

    /// Lets virtual time pass.
    pub(crate) fn pass(&self, span: Duration) {
        self.simulation.advance_to(self.simulation.now() + span);
    }

    /// The interpreter, with the sandbox in its environment and nothing else that was set.
    pub(crate) fn python(&self) -> Command {
        let python = std::env::var_os(PYTHON).unwrap_or_else(|| {
            panic!("{PYTHON} is not set: run `cargo xtask test`, or set it to a Python with boto3 and the aws CLI")
        });
        let mut command = Command::new(python);
        command
            .env_clear()
            .envs(self.running.environment(&self.operator, REGION))
            .env("HOME", self.home.path());
        command
    }

    /// The aws CLI with these arguments, as the administrator.
    pub(crate) fn aws(&self, arguments: &[&str]) -> Ran {
        self.aws_with(arguments, &[])
    }

    /// The aws CLI with these arguments, and these variables set otherwise.
    pub(crate) fn aws_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
        let mut command = self.python();
        command.args(["-m", "awscli", "--output", "json"]).args(arguments);
        command.envs(variables.iter().copied());
        Ran(command.output().unwrap())
    }
}

/// A program that has ended.
pub(crate) struct Ran(pub(crate) Output);

impl Ran {
    /// What it printed; it must have succeeded.
    #[track_caller]
    pub(crate) fn text(&self) -> String {
        assert!(self.0.status.success(), "{}", String::from_utf8_lossy(&self.0.stderr));
        String::from_utf8(self.0.stdout.clone()).unwrap()
    }

    /// What it printed, as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text()).unwrap()
    }

    /// The error code that it was refused with; it must have failed.
    #[track_caller]
    pub(crate) fn error_code(&self) -> String {
        assert!(!self.0.status.success(), "{}", String::from_utf8_lossy(&self.0.stdout));
        let text = String::from_utf8_lossy(&self.0.stderr);
        let code = text.split_once("An error occurred (").and_then(|(_, rest)| rest.split_once(')'));
        code.unwrap_or_else(|| panic!("no error code in: {text}")).0.to_owned()
    }
}

#[expect(clippy::disallowed_methods, reason = "the clients sign with the real time")]
fn real_time() -> Timestamp {
    Timestamp::now()
}
