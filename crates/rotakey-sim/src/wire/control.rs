#![doc = include_str!("../../../../docs/sandbox.md")]

mod applications;

use std::collections::BTreeMap;

use hyper::body::Bytes;
use hyper::header::ALLOW;
use hyper::{Method, Response};
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::call::Call;
use super::endpoint::Endpoint;
use super::response::{respond, with_header};
use crate::api::{Fault, Tree};
use crate::consistency::Consistency;
use crate::faults::InjectedFault;
use crate::world::World;

/// What the paths of control requests begin with. No bucket of S3 can: bucket names have no underscore.
pub const PREFIX: &str = "/_sandbox/";

/// What was called over the wire since the start, or since the counters were reset.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Counters {
    /// The calls that could be read, however they ended, by `service:Action`.
    calls: BTreeMap<String, u64>,
    /// The error answers among them, by error code.
    refusals: BTreeMap<String, u64>,
    /// How many of them were left without an answer.
    unanswered: u64,
}

impl Counters {
    /// Counts one call.
    pub(super) fn count(&mut self, call: &Call, outcome: &Result<Tree, Fault>) {
        *self.calls.entry(format!("{}:{}", call.service, call.action)).or_default() += 1;
        match outcome {
            Ok(_) => {}
            Err(Fault::Refused(refusal)) => *self.refusals.entry(refusal.code.clone()).or_default() += 1,
            Err(Fault::NoAnswer { .. }) => self.unanswered += 1,
        }
    }
}

/// Answers a control request; `resource` is the path behind [`PREFIX`].
pub(super) fn answer(endpoint: &Endpoint, method: &Method, resource: &str, body: &[u8]) -> Response<Bytes> {
    let error = |status, message: String| respond(status, JSON, json!({ "error": message }).to_string());
    match route(endpoint, method, resource, body) {
        Ok(answer) => respond(200, JSON, answer.to_string()),
        Err(Problem::Wrong(message)) => error(400, message),
        Err(Problem::NotFound) => error(404, format!("there is no {PREFIX}{resource}")),
        Err(Problem::Method(allowed)) => {
            with_header(error(405, format!("{PREFIX}{resource} takes {allowed}")), ALLOW, allowed)
        }
    }
}

const JSON: &str = "application/json";

/// Why a control request is not done.
#[derive(Debug)]
enum Problem {
    Wrong(String),
    NotFound,
    Method(&'static str),
}

fn route(endpoint: &Endpoint, method: &Method, resource: &str, body: &[u8]) -> Result<Value, Problem> {
    let simulation = &endpoint.simulation;
    match (resource, method) {
        ("state", &Method::GET) => Ok(state(endpoint)),
        ("state", _) => Err(Problem::Method("GET")),

        ("clock", &Method::POST) => move_clock(endpoint, read(body)?),
        ("clock", _) => Err(Problem::Method("POST")),

        ("faults", &Method::GET) => Ok(simulation.with_world(|world| json!(world.faults()))),
        ("faults", &Method::POST) => {
            let faults: Vec<InjectedFault> = read(body)?;
            Ok(simulation.with_world(|world| replace_faults(world, faults)))
        }
        ("faults", &Method::DELETE) => Ok(simulation.with_world(|world| replace_faults(world, Vec::new()))),
        ("faults", _) => Err(Problem::Method("GET, POST, DELETE")),

        ("consistency", &Method::GET) => Ok(simulation.with_world(|world| json!(world.consistency()))),
        ("consistency", &Method::POST) => {
            let consistency: Consistency = read(body)?;
            simulation.with_world(|world| world.set_consistency(consistency));
            Ok(simulation.with_world(|world| json!(world.consistency())))
        }
        ("consistency", _) => Err(Problem::Method("GET, POST")),

        ("keys", &Method::GET) => Ok(simulation.with_world(|world| keys(world))),
        ("keys", _) => Err(Problem::Method("GET")),

        ("secrets-issued", &Method::GET) => Ok(simulation.with_world(|world| {
            let mut secrets: Vec<&str> = world.secrets_issued().map(|secret| secret.expose()).collect();
            secrets.sort_unstable();
            json!(secrets)
        })),
        ("secrets-issued", _) => Err(Problem::Method("GET")),

        ("applications", &Method::GET) => Ok(applications::records(simulation)),
        ("applications", &Method::POST) => applications::start(simulation, read(body)?),
        ("applications", _) => Err(Problem::Method("GET, POST")),

        ("reset-counters", &Method::POST) => {
            *endpoint.counters() = Counters::default();
            Ok(json!({}))
        }
        ("reset-counters", _) => Err(Problem::Method("POST")),

        _ => Err(Problem::NotFound),
    }
}

fn state(endpoint: &Endpoint) -> Value {
    let Counters { calls, refusals, unanswered } = endpoint.counters().clone();
    let clock = if endpoint.follows_real_time() { "follows-real-time" } else { "stands" };
    endpoint.simulation.with_world(|world| {
        json!({
            "now": world.now(),
            "clock": clock,
            "seed": world.seed(),
            "accounts": world.account_ids(),
            "access_keys_issued": world.access_keys_issued(),
            "calls": calls,
            "refusals": refusals,
            "unanswered": unanswered,
        })
    })
}

fn replace_faults(world: &mut World, faults: Vec<InjectedFault>) -> Value {
    world.clear_faults();
    faults.into_iter().for_each(|fault| world.inject(fault));
    json!(world.faults())
}

fn keys(world: &World) -> Value {
    let accounts = world.account_ids().into_iter();
    let keys =
        accounts.flat_map(|account| world.true_keys(account).into_iter().map(move |key| (account, key)));
    let described = keys.map(|(account, key)| {
        json!({
            "account_id": account,
            "user_name": key.user.map(|(name, _)| name),
            "access_key_id": key.id,
            "status": key.status,
            "created_at": key.created_at,
            "last_used_at": key.last_used_at,
        })
    });
    described.collect()
}

/// How the clock is to be moved.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum ClockMove {
    /// By so much: `7d 4h`.
    Advance(String),
    /// To that instant.
    Set(Timestamp),
}

fn move_clock(endpoint: &Endpoint, step: ClockMove) -> Result<Value, Problem> {
    let now = endpoint.simulation.now();
    let target = match step {
        ClockMove::Set(at) => at,
        ClockMove::Advance(text) => duration(&text)
            .and_then(|span| now.checked_add(span))
            .map_err(|error| Problem::Wrong(format!("advance: {error}")))?,
    };
    if target < now {
        return Err(Problem::Wrong(format!("the clock stands at {now} and never goes back")));
    }
    endpoint.simulation.advance_to(target);
    Ok(json!({ "now": endpoint.simulation.now() }))
}

fn duration(text: &str) -> Result<SignedDuration, jiff::Error> {
    text.parse::<Span>()?.to_duration(SpanRelativeTo::days_are_24_hours())
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| Problem::Wrong(error.to_string()))
}
