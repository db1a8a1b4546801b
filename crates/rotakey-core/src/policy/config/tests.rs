use std::collections::BTreeSet;

use schemars::Schema;
use serde_json::Value;

use super::*;
use crate::audit::Code;
use crate::policy::{Period, json_schema};

const COMPLETE: &str = include_str!("complete.toml");

/// The mistakes as a person reads them.
fn mistakes(text: &str) -> String {
    let mistakes = check(text).expect_err("the configuration has mistakes");
    render(&mistakes)
}

fn render(mistakes: &[Mistake]) -> String {
    let mut shown = String::new();
    for mistake in mistakes {
        let warning = if mistake.gravity == Gravity::Warning { "warning: " } else { "" };
        shown.push_str(&format!("{warning}{mistake}\n"));
        if let Some(hint) = &mistake.hint {
            shown.push_str(&format!("    hint: {hint}\n"));
        }
    }
    shown
}

#[test]
fn an_empty_file_means_the_defaults() {
    assert_eq!(check(""), Ok(Config::default()));
}

#[test]
fn everything_that_can_be_written_is_read() {
    let config = check(COMPLETE).unwrap_or_else(|mistakes| panic!("{}", render(&mistakes)));
    assert_eq!(config.warnings, [], "an example has no warnings");
    let names: Vec<_> = config.policy.rules.iter().map(|rule| rule.name.as_str()).collect();
    assert_eq!(names, ["administrators", "production", "mail"]);
    assert_eq!(config.policy.rules[1].max_age, Period::days(60));
    assert_eq!(config.policy.exemptions[0].checks, [Code::KeyTooOld, Code::KeyDueSoon]);
    assert_eq!(config.policy.exemptions[1].access_key.len(), 1);
    assert_eq!(config.rotate.delete_after, Period::days(7));
    assert_eq!(config.rotate.brown_out, Some(Period::minutes(30)));
    assert_eq!(config.rotate.destinations.len(), 18);
    let channels: Vec<_> = config.notify.iter().map(|entry| entry.spec.to_string()).collect();
    insta::assert_snapshot!(channels.join("\n"), @r"
    slack-webhook
    slack #keys
    teams
    pagerduty
    sns arn:aws:sns:eu-central-1:111122223333:keys.fifo
    ses from rotakey@example.com
    smtp smtp.example.com from rotakey@example.com
    webhook https://tickets.example.com/rotakey
    ");
    assert_eq!(config.rotate.rules[0].brown_out, Period::hours(2));
    let checks: Vec<String> = config.rotate.checks.iter().map(|entry| entry.check.to_string()).collect();
    assert_eq!(
        checks,
        ["https://shop.example.com/health", "exec /usr/local/bin/orders-flow", "alarm orders"]
    );
}

#[test]
fn a_store_is_named_as_a_text_and_never_told() {
    let config = check("store = \"postgres://keeper:hunter2@db.example.com/keys\"").unwrap();
    assert_eq!(config.store.as_ref().unwrap().expose(), "postgres://keeper:hunter2@db.example.com/keys");
    assert!(!format!("{config:?}").contains("hunter2"));

    let refuse = |_: &str| Err("that is no store".to_owned());
    let text = "store = \"mysql://keeper:hunter2@db/keys\"\n\n[policy]\nmax_age = 90\n";
    let told = render(&check_with(text, &refuse).unwrap_err());
    assert!(told.starts_with("1:9: store: that is no store\n    hint: write a file, postgres://"), "{told}");
    assert!(told.contains("4:11: policy.max_age"), "the other mistakes are told, too: {told}");
    assert!(!told.contains("hunter2"), "{told}");
    assert!(mistakes("store = 5").contains("1:9: store: "), "{}", mistakes("store = 5"));
    assert!(mistakes("[store]\nfile = \"x\"").contains("store: "));
}

#[test]
fn every_mistake_is_told_at_once_with_its_place_and_a_hint() {
    let text = r#"
[policy]
max_age = 90
warnbefore = "14d"
unused_after = "45 days"

[[policy.rule]]
name = "everyone"
match = {}
max_age = "60d"

[[policy.rule]]
name = "everyone"
match = { user = [], privilege = "admin", enviroment = "prod" }
max_age = "7d"

[[policy.exemption]]
match = { account = 123456789012 }
checks = ["key-to-old"]
reason = ""
expires = "soon"

[rotate]
delete_after = "12h"
quiet_for = "1h"

[[rotate.destination]]
type = "secret-manager"

[[rotate.destination]]
type = "age-file"
path = "keys/{usr}.age"
recipients = []

[notifications]
"#;
    insta::assert_snapshot!(mistakes(text), @r#"
    3:11: policy.max_age: is a number, not a length of time
        hint: for 90 days write "90d"
    4:1: policy.warnbefore: there is no such key
        hint: did you mean warn_before?
    5:16: policy.unused_after: "45 days" is not a length of time: write days, hours, minutes and seconds, such as "90d" or "1d 12h"
    12:1: policy.rule[2]: warn_before (14 d) is not shorter than max_age (7 d): every key would be due soon
        hint: give it a shorter warn_before of its own
    12:1: policy.rule[2]: never decides: whoever it matches, the rule "everyone" before it matches first
        hint: the first rule that matches decides: put the narrower one first
    13:8: policy.rule[2].name: an earlier rule is called "everyone" too
    14:18: policy.rule[2].match.user: is an empty list, which nothing matches
        hint: remove it, or fill it
    14:34: policy.rule[2].match.privilege: "admin" is not known
        hint: there are: administrator
    14:43: policy.rule[2].match.enviroment: there is no such key
        hint: did you mean environment?
    17:1: policy.exemption[1]: does not say whose keys it exempts
        hint: name them by match = { user = "…" } or access_key = "AKIA…"
    17:1: policy.exemption[1].owner: is missing
        hint: say who answers for it: owner = "team-platform"
    18:21: policy.exemption[1].match.account: is of type integer, but must be a text in quotes
        hint: put it in quotes
    19:11: policy.exemption[1].checks: "key-to-old" is not known
        hint: did you mean "key-too-old"?
    20:10: policy.exemption[1].reason: is empty
    21:11: policy.exemption[1].expires: "soon" is not a day
        hint: write it as 2027-01-31
    24:16: rotate.delete_after: 12 h is out of range: from 1 d to 30 d
    25:13: rotate.quiet_for: 1 h is out of range: from 5 h to 90 d
    28:8: rotate.destination[1].type: "secret-manager" is not known
        hint: did you mean "secrets-manager"?
    30:1: rotate.destination[2]: has no recipient: nobody could read the file
    30:1: rotate.destination[2].identity: is missing
        hint: say what it is read back with: identity = "identity.txt"
    32:8: rotate.destination[2].path: {usr} is not a placeholder: there are {user}, {account}, {environment} and {tag:KEY}
    35:2: notifications: there is no such key
        hint: there are: store, accounts, policy, rotate, notify
    "#);
}

#[test]
fn a_text_that_is_no_toml_is_told_as_such() {
    insta::assert_snapshot!(mistakes("[policy]\nmax_age = \"90d\n\n[rotate\n"), @r#"
    2:15: this is not TOML: invalid basic string, expected `"`
    4:8: this is not TOML: unclosed table, expected `]`
    "#);
}

#[test]
fn a_rule_that_never_decides_is_a_mistake() {
    let text = r#"
[[policy.rule]]
name = "services"
match = { user = "svc-*" }
max_age = "90d"

[[policy.rule]]
name = "payments"
match = { user = ["svc-pay-*", "svc-bank"], environment = "prod" }
max_age = "30d"
"#;
    insta::assert_snapshot!(mistakes(text), @r#"
    7:1: policy.rule[2]: never decides: whoever it matches, the rule "services" before it matches first
        hint: the first rule that matches decides: put the narrower one first
    "#);
    let swapped = text.replace("svc-*", "svc-?");
    assert!(check(&swapped).is_ok(), "not all that match the second match the first");
}

#[test]
fn a_place_that_users_would_share_is_a_warning() {
    let text = "[[rotate.destination]]\ntype = \"secrets-manager\"\nname = \"the-key\"\n";
    let now = "2026-11-23T00:00:00Z".parse().unwrap();
    insta::assert_snapshot!(render(&check(text).unwrap().warnings(now)), @r"
    warning: 1:1: rotate.destination[1]: is one place for the keys of every user that matches: each would overwrite the other's
        hint: write {user} in it, or match one user by name
    ");
    assert_eq!(check(&format!("{text}match = {{ user = \"alice\" }}")).unwrap().warnings(now), []);
}

#[test]
fn an_expired_exemption_is_a_warning() {
    let text = r#"
[[policy.exemption]]
match = { user = "alice" }
checks = "key-unused"
owner = "platform"
reason = "seasonal"
expires = 2026-10-31
"#;
    let config = check(text).unwrap();
    assert_eq!(config.warnings("2026-10-31T23:59:59Z".parse().unwrap()), []);
    let warnings = config.warnings("2026-11-01T00:00:00Z".parse().unwrap());
    insta::assert_snapshot!(render(&warnings), @r"
    warning: 2:1: policy.exemption[1].expires: the exemption of platform expired with 2026-10-31 (UTC)
        hint: remove it, or have it granted again
    ");
}

#[test]
fn a_freeze_that_has_ended_is_a_warning() {
    let text = r#"
[[rotate.freeze]]
name = "every year"
from = 2027-12-18
to = 2028-01-03

[[rotate.freeze]]
name = "end of the year"
from = 2026-12-18
to = 2027-01-03
time_zone = "Europe/Berlin"
"#;
    let config = check(text).unwrap();
    assert_eq!(config.warnings("2027-01-03T22:59:59Z".parse().unwrap()), []);
    let warnings = config.warnings("2027-01-03T23:00:00Z".parse().unwrap());
    insta::assert_snapshot!(render(&warnings), @r#"
    warning: 7:1: rotate.freeze[2].to: the freeze "end of the year" ended at 2027-01-03T23:00:00Z
        hint: remove it, or say when it comes again
    "#);
}

#[test]
fn every_mistake_in_a_notify_is_told_with_its_place_and_a_hint() {
    let text = r##"
[[notify]]
type = "slack"
chanel = "#keys"
channel = "#keys"
events = ["ask", "begun"]
digest = "9 o'clock"
remind_every = "5m"
subject = "{usr}"

[[notify]]
name = "mail"
type = "smtp"
host = "mail.example.com"
tls = "none"
from = "rotakey@example.com"
to = []

[[notify]]
name = "pages"
type = "pagerduty"
routing_key = { env = "KEY" }
digest = "09:00 UTC"

[[notify]]
name = "topic"
type = "sns"
topic_arn = "keys"

[[notify]]
name = "topic"
type = "webhook"
url = "https://example.com"
signing_secret = { environment = "X" }
"##;
    insta::assert_snapshot!(mistakes(text), @r##"
    2:1: notify[1].name: is missing
        hint: `rotakey notify test --to NAME` calls it so: name = "platform"
    2:1: notify[1].token: is missing
        hint: the bot's token (xoxb-…): token = { env = "SLACK_TOKEN" }
    4:1: notify[1].chanel: there is no such key
        hint: did you mean channel?
    6:11: notify[1].events: "ask" is not known
        hint: did you mean "asks"?
    7:10: notify[1].digest: "9 o'clock" is not a time of the day in a time zone
        hint: for example: digest = "09:00 Europe/Berlin"
    8:16: notify[1].remind_every: 5 min is out of range: from 1 h to 90 d
    9:11: notify[1].subject: {usr} is not a placeholder: there are {title} {what} {why} {what_to_do} {commands} {kind} {severity} {since} {user} {account} {owner} {old_key} {new_key} {rotation} {id}
    17:6: notify[2].to: is an empty list
    23:10: notify[3].digest: does not go with this type: an incident is opened at once, each by itself
    28:13: notify[4].topic_arn: is no ARN
        hint: for example: arn:aws:sns:eu-central-1:111122223333:keys
    30:1: notify[5]: unknown variant `environment`, expected one of `env`, `file`, `command`
    "##);
}

#[test]
fn limits_that_would_find_every_key_due_are_mistakes() {
    for text in [
        "[policy]\nmax_age = \"14d\"",
        "[policy]\nmax_age = \"0d\"",
        "[policy]\nunused_after = \"0s\"",
        "[policy]\nwarn_before = \"90d\"",
        "[[policy.rule]]\nname = \"a\"\nmatch = { user = \"a\" }\nmax_age = \"14d\"",
        "[[policy.rule]]\nname = \"a\"\nmatch = { user = \"a\" }\nmax_age = \"30d\"\nwarn_before = \"30d\"",
    ] {
        assert!(check(text).is_err(), "{text}");
    }
    assert!(check("[policy]\nmax_age = \"14d\"\nwarn_before = \"1d\"").is_ok());
}

/// What `[accounts]` can say, but not together with what the complete example says.
const OTHER_ACCOUNTS: [&str; 3] = [
    "[accounts]\nlist = \"111122223333\"\nexternal_id = { file = \"/run/id\" }",
    "[accounts]\nprofiles = [\"production\"]",
    "[accounts]\nfrom = \"organization\"\nexternal_id = { command = [\"pass\", \"show\", \"id\"] }",
];

#[test]
fn the_schema_knows_exactly_the_keys_that_are_read() {
    let schema = json_schema();
    let document = toml::Value::Table(COMPLETE.parse().unwrap());
    // The examples are read without a mistake, so what stands in them is what the reader knows.
    let mut keys = keys_of("", &document);
    for other in OTHER_ACCOUNTS {
        check(other).expect(other);
        keys.extend(keys_of("", &toml::Value::Table(other.parse().unwrap())));
    }
    assert_eq!(keys, described_keys(&schema));
}

#[test]
fn the_schema_refuses_unknown_keys_wherever_the_reader_does() {
    let schema = json_schema();
    for (name, object) in objects(schema.as_value()) {
        let closed = ["additionalProperties", "unevaluatedProperties"].iter().any(|key| {
            // A map of tags may have any key, but its values have a schema.
            object.get(key).is_some_and(|value| value == &Value::Bool(false) || value.is_object())
        });
        assert!(closed, "{name} allows unknown keys");
    }
}

/// The path of a key. All `match` tables are alike, and all that say where a credential is, so they are taken for one.
fn path_of(parent: &str, key: &str) -> String {
    match key {
        "match" => "match".to_owned(),
        "token" | "signing_secret" => "credential".to_owned(),
        _ => format!("{parent}.{key}"),
    }
}

/// Whether the table says where a credential is taken from: those are all alike.
fn is_credential(value: &toml::Value) -> bool {
    value
        .as_table()
        .is_some_and(|table| table.keys().all(|key| ["env", "file", "command"].contains(&key.as_str())))
}

/// The paths of all keys of a document; arrays and the names of tags are left out.
fn keys_of(path: &str, value: &toml::Value) -> BTreeSet<String> {
    match value {
        toml::Value::Table(table) => table
            .iter()
            .flat_map(|(key, value)| {
                let path = path_of(path, key);
                let leaf = key == "tags" || key == "values" || is_credential(value);
                let inner = if leaf { BTreeSet::new() } else { keys_of(&path, value) };
                inner.into_iter().chain([path])
            })
            .collect(),
        toml::Value::Array(values) => values.iter().flat_map(|value| keys_of(path, value)).collect(),
        _ => BTreeSet::new(),
    }
}

fn described_keys(schema: &Schema) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    describe("", schema.as_value(), schema.as_value(), &mut keys);
    keys
}

fn describe(path: &str, schema: &Value, root: &Value, keys: &mut BTreeSet<String>) {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        if reference.ends_with("/CredentialSource") {
            return;
        }
        let definition = root.pointer(reference.trim_start_matches('#')).expect("references are local");
        describe(path, definition, root, keys);
    }
    for (key, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let path = path_of(path, key);
        describe(&path, property, root, keys);
        keys.insert(path);
    }
    for group in ["anyOf", "oneOf", "allOf"] {
        for branch in schema.get(group).and_then(Value::as_array).into_iter().flatten() {
            describe(path, branch, root, keys);
        }
    }
    if let Some(items) = schema.get("items") {
        describe(path, items, root, keys);
    }
}

/// The parts of a schema that describe an object of their own: not the branches that one is put together
/// from, which it closes itself.
fn objects(root: &Value) -> Vec<(String, &Value)> {
    let definitions = root.get("$defs").and_then(Value::as_object).into_iter().flatten();
    let named = definitions.map(|(name, schema)| (name.clone(), schema));
    named
        .chain([("the root".to_owned(), root)])
        .filter(|(_, schema)| schema.get("properties").is_some())
        .collect()
}

#[test]
fn mistakes_in_what_holds_rotations_back_are_told_with_their_places() {
    let text = r#"
[rotate]
finish_inactive = "yes"

[rotate.limits]
in_flight = 0
in_flight_per_account = "200%"

[[rotate.canary]]
match = {}
soak = "90d"

[[rotate.freeze]]
from = 2026-12-18T00:00:00Z
to = 2026-12-01

[[rotate.freeze]]
name = "backwards"
from = 2026-12-18
to = 2026-12-01

[[rotate.window]]
days = ["monday"]
from = "9:00"
to = "25:00"
time_zone = "Europe/Berlim"
steps = ["rotate"]

[[rotate.approval]]
steps = []
people = 0
valid_for = "1m"
trust_session_names = "no"
"#;
    insta::assert_snapshot!(mistakes(text), @r#"
    3:19: rotate.finish_inactive: is written once only
        hint: write [[rotate.finish_inactive]], with two brackets
    6:13: rotate.limits.in_flight: would let no rotation begin
        hint: to stop everything, use `rotakey rotate halt`
    7:25: rotate.limits.in_flight_per_account: "200%" is neither a number nor a share
        hint: write a number, such as 20, or a share, such as "10%"
    9:1: rotate.canary[1]: makes every user a canary
        hint: say who goes first
    11:8: rotate.canary[1].soak: 90 d is out of range: from 0 s to 60 d
    13:1: rotate.freeze[1].name: is missing
        hint: say what it is: name = "end of the year"
    14:8: rotate.freeze[1].from: "2026-12-18T00:00:00Z" is not a day or a local time
        hint: leave the offset out, and name time_zone
    20:6: rotate.freeze[2].to: is not later than from
    23:9: rotate.window[1].days: "monday" is not known
        hint: there are: mon, tue, wed, thu, fri, sat, sun
    24:8: rotate.window[1].from: "9:00" is not a time of the day
        hint: write it as "22:30"
    25:6: rotate.window[1].to: "25:00" is not a time of the day
        hint: write it as "22:30"
    26:13: rotate.window[1].time_zone: "Europe/Berlim" is not a time zone of the IANA database, such as "Europe/Berlin"
    27:10: rotate.window[1].steps: "rotate" is not known
        hint: there are: begin, create, publish, disable, delete
    30:9: rotate.approval[1].steps: is an empty list, which nothing matches
        hint: remove it, or fill it
    31:10: rotate.approval[1].people: is out of range: from 1 to 9
    32:13: rotate.approval[1].valid_for: 1 min is out of range: from 1 h to 90 d
    33:23: rotate.approval[1].trust_session_names: is of type string, but must be true or false
    "#);
}
