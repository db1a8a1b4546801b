//! The templates allow what rotakey does, and nothing else.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use serde_json::Value;

use crate::scene::{Extras, Flaw, Ran, Rights, Scene};
use crate::template::{Grant, Template, grants};

const ACCOUNTS: [Flaw; 3] = [Flaw::Nothing; 3];

/// The region of what is in moto's server.
const REGION: &str = "us-east-1";

/// A way to use rotakey. But for the first, each is for the statements that its parameters switch on.
struct Way {
    name: &'static str,
    extras: fn() -> Extras,
    flow: fn(&Scene) -> Result<(), String>,
}

static WAYS: [Way; 6] = [
    Way {
        name: "ordinary",
        extras: || Extras { two_keys: true, ..Extras::default() },
        flow: |scene| whole_flow(scene, 2),
    },
    Way {
        name: "who uses a key, from the event history",
        extras: || Extras {
            member: vec![("LookUpEvents", "true".to_owned())],
            arguments: vec!["--lookup-events"],
            ..Extras::default()
        },
        flow: |scene| {
            // A source that refuses holds nothing up: the old key must then be quiet for longer. It is told.
            let plan = told("plan", &[0], scene.run(&["rotate", "plan", "--format", "json"]))?.json();
            let refused =
                |rotation: &&Value| rotation["consumers_not_seen"].to_string().contains("LookupEvents");
            match plan["rotations"].as_array().into_iter().flatten().find(refused) {
                Some(rotation) => Err(format!("not seen: {rotation:#}")),
                None => whole_flow(scene, 0),
            }
        },
    },
    Way {
        name: "an alarm as a check",
        extras: || Extras {
            member: vec![("ReadAlarms", "true".to_owned())],
            configuration: "[[rotate.check]]\ntype = \"cloudwatch-alarm\"\nname = \"orders\"\n".to_owned(),
            alarms: vec!["orders"],
            ..Extras::default()
        },
        flow: |scene| whole_flow(scene, 0),
    },
    Way {
        name: "keys in the Parameter Store",
        extras: || Extras {
            hub: vec![("SecureParameters", "/iam/access-keys/*".to_owned())],
            in_parameters: true,
            ..Extras::default()
        },
        flow: |scene| whole_flow(scene, 0),
    },
    Way {
        name: "the log in DynamoDB",
        extras: || {
            let table = name("rotakey-log");
            let environment = vec![("ROTAKEY_STORE", format!("dynamodb://{table}"))];
            Extras { hub: vec![("StoreTable", table)], environment, moto: Some(moto()), ..Extras::default() }
        },
        flow: |scene| {
            let table = scene.extras().environment[0].1.clone();
            let made = scene.run_unguarded(&["store", "migrate", "--store", &table, "--apply"]);
            told("migrate", &[0], made)?;
            whole_flow(scene, 0)
        },
    },
    Way {
        name: "people are told by SNS and SES",
        extras: || {
            let (topic, sender) = (name("rotakey-keys"), format!("{}@example.com", name("rotakey")));
            ask_moto("sns", "POST /", &format!("Action=CreateTopic&Version=2010-03-31&Name={topic}"));
            ask_moto("ses", "POST /v2/email/identities", &format!("{{\"EmailIdentity\":\"{sender}\"}}"));
            let topic = format!("arn:aws:sns:{REGION}:123456789012:{topic}");
            let configuration = format!(
                "[[notify]]\nname = \"topic\"\ntype = \"sns\"\ntopic_arn = \"{topic}\"\n\n\
                 [[notify]]\nname = \"mail\"\ntype = \"ses\"\nfrom = \"{sender}\"\nto = [\"security@example.com\"]\n"
            );
            let hub = vec![("TopicArn", topic), ("MailFrom", sender)];
            Extras { hub, configuration, moto: Some(moto()), ..Extras::default() }
        },
        flow: |scene| told("notify test", &[0], scene.run(&["notify", "test"])).map(drop),
    },
];

fn told(what: &str, wanted: &[i32], ran: Ran) -> Result<Ran, String> {
    if wanted.contains(&ran.code) { Ok(ran) } else { Err(format!("{what}: {ran:#?}")) }
}

/// Everything that is done by these roles: two ways to list accounts, an audit, a plan, rotations from the first step to
/// the last and one on its way back; and so many keys that need no new one. Says what went wrong first.
fn whole_flow(scene: &Scene, finished: usize) -> Result<(), String> {
    told("audit", &[0, 1], scene.run(&["audit", "--all-accounts"]))?;
    let plan = told("plan", &[0, 1], scene.run(&["rotate", "plan", "--format", "json"]))?.json();
    if plan["rotations"].as_array().map(Vec::len) != Some(4 + finished) {
        return Err(format!("not all is planned: {plan:#}"));
    }
    told("apply", &[0], scene.run(&["rotate", "apply"]))?;
    let rotations = scene.rotations();
    let last = rotations.iter().rfind(|rotation| rotation["user_name"] == "app-1");
    let last = last.ok_or("nothing was begun")?["rotation"].as_str().unwrap_or_default();
    let adopting = rotations.iter().filter(|rotation| rotation["state"] == "adopting").count();
    if adopting != 4 {
        return Err(format!("not adopted: {rotations:#?}"));
    }
    told("rollback", &[0], scene.run(&["rotate", "rollback", last, "--why", "a test"]))?;
    for hours in [30, 30, 30, 8 * 24, 48, 48] {
        scene.pass(hours);
        told("tick", &[0], scene.run(&["rotate", "tick"]))?;
    }
    let mut ends: Vec<Value> =
        scene.rotations().into_iter().map(|mut rotation| rotation["state"].take()).collect();
    ends.sort_by_key(ToString::to_string);
    let expected = [vec!["finished"; finished], vec!["rolled-back"], vec!["rotated"; 3]].concat();
    if ends == expected { Ok(()) } else { Err(format!("ended as {ends:?}")) }
}

/// A name that nothing else in moto's server has.
fn name(what: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("{what}-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

fn moto() -> String {
    std::env::var("ROTAKEY_TEST_MOTO_URL").expect(
        "ROTAKEY_TEST_MOTO_URL is not set: this test needs moto's server. Run the tests by `cargo xtask test`.",
    )
}

/// A call of moto's server, which looks at the scope of a signature, and not at the signature.
fn ask_moto(service: &str, request: &str, body: &str) {
    let url = moto();
    let host = url.trim_start_matches("http://");
    let mut connection = TcpStream::connect(host).expect("moto listens");
    let kind = if body.starts_with('{') { "application/json" } else { "application/x-www-form-urlencoded" };
    let scope = format!("AKIAIOSFODNN7EXAMPLE/20260101/{REGION}/{service}/aws4_request");
    write!(
        connection,
        "{request} HTTP/1.0\r\nhost: {host}\r\nauthorization: AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, \
         Signature=00\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .expect("moto reads");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).expect("moto answers");
    assert!(answer.lines().next().is_some_and(|line| line.contains(" 200 ")), "{body}:\n{answer}");
}

/// What the policies of both templates grant with these parameters, and the statements that are about everything.
fn granted(extras: &Extras) -> (Vec<Grant>, Vec<String>) {
    let of_hub = extras.hub.iter().map(|(name, value)| (*name, value.as_str()));
    let of_member = extras.member.iter().map(|(name, value)| (*name, value.as_str()));
    let organization = ("OrganizationId", "o-ab12cd34ef");
    let hub: Vec<_> = [organization].into_iter().chain(of_hub).collect();
    let member: Vec<_> =
        [organization, ("HubRoleArn", "x"), ("ExternalId", "x")].into_iter().chain(of_member).collect();
    let (mut all, mut everywhere) = (Vec::new(), Vec::new());
    for (template, given) in [("rotakey-hub.yaml", hub), ("rotakey-member-role.yaml", member)] {
        for (_, policy) in Template::read(template, "111122223333", &given).policies() {
            all.extend(grants(&policy));
            let statements = policy["Statement"].as_array().unwrap().iter();
            let wide = statements.filter(|statement| statement["Resource"] == "*");
            everywhere.extend(wide.map(|statement| statement["Sid"].as_str().unwrap().to_owned()));
        }
    }
    (all, everywhere)
}

#[test]
fn everything_is_done_by_exactly_the_roles_of_the_templates() {
    let follow = |way: &'static Way| {
        let scene = Scene::with(Rights { without: None }, &ACCOUNTS, 2, (way.extras)());
        (way.flow)(&scene).map_err(|error| format!("{}: {error}", way.name))
    };
    let failed = thread::scope(|scope| {
        let of_ways: Vec<_> = WAYS.iter().map(|way| scope.spawn(move || follow(way))).collect();
        of_ways.into_iter().filter_map(|way| way.join().unwrap().err()).collect::<Vec<_>>()
    });
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn each_action_of_the_templates_is_needed() {
    let ordinary = &granted(&Extras::default()).0;
    let needless = thread::scope(|scope| {
        let of_ways: Vec<_> = WAYS.iter().map(|way| scope.spawn(move || needless(way, ordinary))).collect();
        of_ways.into_iter().flat_map(|way| way.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(needless.is_empty(), "nothing fails without {needless:#?}");
}

/// What a way goes on without, of what it is for.
fn needless(way: &Way, ordinary: &[Grant]) -> Vec<Grant> {
    let (all, _) = granted(&(way.extras)());
    let is_ordinary = all == ordinary;
    let for_it: Vec<_> = all.into_iter().filter(|grant| is_ordinary || !ordinary.contains(grant)).collect();
    assert!(!for_it.is_empty(), "{} switches nothing on", way.name);
    let goes_on = |grant: &Grant| {
        let scene = Scene::with(Rights { without: Some(grant) }, &ACCOUNTS, 2, (way.extras)());
        (way.flow)(&scene).is_ok()
    };
    for_it.into_iter().filter(goes_on).collect()
}

#[test]
fn each_statement_of_the_templates_is_needed_by_some_way() {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../integrations/cloudformation"));
    let mut written = Vec::new();
    for template in ["rotakey-hub.yaml", "rotakey-member-role.yaml"] {
        let text = std::fs::read_to_string(folder.join(template)).unwrap();
        let sids = text.lines().filter_map(|line| line.trim().strip_prefix("- Sid: ")).map(str::to_owned);
        // Who may take the role on is told by its trust.
        written.extend(sids.filter(|sid| !["OnlyTheService", "OnlyRotakey"].contains(&sid.as_str())));
    }
    let mut granted: Vec<String> =
        WAYS.iter().flat_map(|way| granted(&(way.extras)()).0).map(|grant| grant.sid).collect();
    for list in [&mut written, &mut granted] {
        list.sort();
        list.dedup();
    }
    assert_eq!(granted, written);
}

#[test]
fn no_action_and_only_what_has_no_name_is_a_wildcard() {
    let everything = WAYS.iter().map(|way| (way.extras)()).fold(Extras::default(), |mut all, extras| {
        all.hub.extend(extras.hub);
        all.member.extend(extras.member);
        all
    });
    let (all, everywhere) = granted(&everything);
    assert!(all.iter().all(|grant| !grant.action.contains('*')), "{all:#?}");
    assert_eq!(
        everywhere,
        ["ListAccounts", "DescribeParameters", "ReadTheAccount", "ReadAlarms", "LearnWhoUsesKeys"]
    );
    let (ordinary, _) = granted(&Extras::default());
    let services = ["organizations:", "sts:", "secretsmanager:", "iam:"];
    let is_ordinary = |grant: &Grant| services.iter().any(|service| grant.action.starts_with(service));
    assert!(ordinary.iter().all(is_ordinary), "more is switched on than is asked for: {ordinary:#?}");
}

#[test]
fn the_templates_are_sound_for_cfn_lint() {
    let python = std::env::var_os("ROTAKEY_TEST_PYTHON").expect(
        "ROTAKEY_TEST_PYTHON is not set: this test needs Python packages. Run the tests by `cargo xtask test`.",
    );
    let cfn_lint = Path::new(&python).with_file_name("cfn-lint");
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../integrations/cloudformation"));
    for template in ["rotakey-hub.yaml", "rotakey-member-role.yaml"] {
        let output = Command::new(&cfn_lint).arg(folder.join(template)).output().unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && told.trim().is_empty(), "{told}");
    }
}
