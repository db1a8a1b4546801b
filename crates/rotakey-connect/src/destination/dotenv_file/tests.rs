use std::fs;
use std::os::unix::fs::MetadataExt;

use async_trait::async_trait;
use rotakey_core::destination::{self as specs, DestinationSpec, Values};
use rotakey_core::secret::{AccessKeyPair, Secret};
use rotakey_engine::conformance::destination::{self as conformance, Broken, Foreign, Harness, Place};
use rotakey_engine::port::{Destinations, PortErrorKind};

use crate::destination::tests::{
    FilePlace, as_ordinary_user, block_on, broken_places, destinations, pair, pairs,
};

struct DotenvFiles;

#[async_trait]
impl Harness for DotenvFiles {
    async fn empty(&self) -> Box<dyn Place> {
        Box::new(place())
    }

    async fn foreign(&self) -> Vec<Foreign> {
        let kept = |name, text: &'static str, kept: &[&str]| Foreign {
            name,
            place: Box::new(place_with(text)),
            kept: kept.iter().map(|fragment| fragment.as_bytes().to_vec()).collect(),
            secrets: Vec::new(),
        };
        let refused = |name, text: &str| Foreign {
            name,
            place: Box::new(place_with(text)),
            kept: Vec::new(),
            secrets: vec!["hunter2hunter2".to_owned()],
        };
        let with_journal = place();
        fs::write(with_journal.path().with_file_name(".env.rotakey"), "hunter2hunter2").unwrap();
        vec![
            kept(
                "comments and other variables",
                "# mine\n\nPORT=80 # http\nKEY=\"a\nb\"\n",
                &["# mine\n\nPORT=80 # http\nKEY=\"a\nb\"\n"],
            ),
            kept(
                "exported and quoted variables with Windows line endings",
                "export AWS_ACCESS_KEY_ID='AKIAOLDOLDOLDOLDOLD2' # old\r\nX=1\r\nexport AWS_SECRET_ACCESS_KEY=\"s\"\r\n",
                &[
                    "export AWS_ACCESS_KEY_ID='AKIA",
                    "' # old\r\nX=1\r\nexport AWS_SECRET_ACCESS_KEY=\"",
                    "\"\r\n",
                ],
            ),
            kept(
                "variables that are to be filled in",
                "AWS_ACCESS_KEY_ID=\nAWS_SECRET_ACCESS_KEY=\nX=1",
                &["X=1"],
            ),
            refused("the secret twice", "AWS_SECRET_ACCESS_KEY=a\nAWS_SECRET_ACCESS_KEY=hunter2hunter2\n"),
            refused("half a pair", "AWS_SECRET_ACCESS_KEY=hunter2hunter2\n"),
            refused(
                "a secret where the id should be",
                "AWS_ACCESS_KEY_ID=hunter2hunter2\nAWS_SECRET_ACCESS_KEY=s\n",
            ),
            refused("a session token", "AWS_SESSION_TOKEN=hunter2hunter2\nAWS_ACCESS_KEY_ID=\n"),
            refused("an expansion", "AWS_ACCESS_KEY_ID=$ID\nAWS_SECRET_ACCESS_KEY=hunter2hunter2\n"),
            refused("a name inside of a quote", "X='\nAWS_SECRET_ACCESS_KEY=hunter2hunter2\n'\n"),
            refused("a quote that never ends", "X=\"hunter2hunter2\n"),
            refused("a byte order mark", "\u{feff}X=hunter2hunter2\n"),
            Foreign {
                name: "a second file that is no journal",
                place: Box::new(with_journal),
                kept: Vec::new(),
                secrets: vec!["hunter2hunter2".to_owned()],
            },
        ]
    }

    async fn broken(&self) -> Vec<Broken> {
        broken_places(place)
            .into_iter()
            .map(|(name, place, kind)| Broken { name, place: Box::new(place), kind })
            .collect()
    }
}

#[test]
fn dotenv_files_keep_the_contract_of_destinations() {
    as_ordinary_user(|| block_on(conformance::check_all(&DotenvFiles)));
}

#[test]
fn a_rotation_and_its_end_leave_no_trace_but_the_new_key() {
    let text = |pair: &AccessKeyPair| {
        format!(
            "# app\nAWS_ACCESS_KEY_ID={}\nPORT=80\nAWS_SECRET_ACCESS_KEY={}\n",
            pair.id,
            pair.secret.expose()
        )
    };
    let place = place_with(&text(&pair(1)));
    let journal = place.path().with_file_name(".env.rotakey");
    let destination = place.open();
    block_on(destination.stage(&pair(2))).unwrap();
    assert_eq!(fs::read_to_string(place.path()).unwrap(), text(&pair(1)), "a staged key is unseen");
    assert_eq!(fs::metadata(&journal).unwrap().mode() & 0o777, 0o600);
    block_on(destination.publish(&pair(2))).unwrap();
    assert_eq!(fs::read_to_string(place.path()).unwrap(), text(&pair(2)));
    block_on(destination.forget(&pair(1).id)).unwrap();
    assert_eq!(fs::read_to_string(place.path()).unwrap(), text(&pair(2)));
    assert!(!journal.exists(), "nothing is kept beside it any more");
}

/// An application that may send mail and nothing else gets a password that the secret cannot be made of.
#[test]
fn values_that_the_pair_cannot_be_read_from_are_rotated_and_restored_too() {
    let place =
        place_for(&[("SMTP_USER", "{access_key_id}"), ("SMTP_PASSWORD", "{ses_smtp_password:eu-west-1}")]);
    let destination = place.open();
    block_on(destination.publish(&pair(1))).unwrap();
    let first = fs::read_to_string(place.path()).unwrap();
    assert!(!first.contains(pair(1).secret.expose()));
    assert!(pairs(block_on(destination.read()).unwrap()).current == Some(pair(1)));
    block_on(destination.stage(&pair(2))).unwrap();
    block_on(destination.publish(&pair(2))).unwrap();
    assert_ne!(fs::read_to_string(place.path()).unwrap(), first);
    block_on(destination.restore(&pair(1).id)).unwrap();
    assert_eq!(fs::read_to_string(place.path()).unwrap(), first);
    block_on(destination.forget(&pair(2).id)).unwrap();
    let slots = pairs(block_on(destination.read()).unwrap());
    assert!(slots.current == Some(pair(1)) && slots.previous.is_none() && slots.pending.is_none());
}

#[test]
fn values_of_a_key_that_rotakey_never_had_are_told_by_its_id() {
    let place =
        place_for(&[("SMTP_USER", "{access_key_id}"), ("SMTP_PASSWORD", "{ses_smtp_password:eu-west-1}")]);
    fs::write(place.path(), format!("SMTP_USER={}\nSMTP_PASSWORD=from-before\n", pair(1).id)).unwrap();
    let destination = place.open();
    let current = block_on(destination.read()).unwrap().current.unwrap();
    assert!(current.pair().is_none() && *current.id() == pair(1).id);
    block_on(destination.publish(&pair(2))).unwrap();
    let error = block_on(destination.restore(&pair(1).id)).unwrap_err();
    assert_eq!(error.kind, PortErrorKind::NotFound, "what was never kept cannot be brought back");
}

#[test]
fn a_value_that_is_added_to_the_configuration_later_is_written_with_the_key_that_is_current() {
    let place = place_with("");
    block_on(place.open().publish(&pair(1))).unwrap();
    let more = [
        ("AWS_ACCESS_KEY_ID", "{access_key_id}"),
        ("AWS_SECRET_ACCESS_KEY", "{secret_access_key}"),
        ("AWS_KEY", "{json}"),
    ];
    let spec = DestinationSpec::DotenvFile(specs::DotenvFile {
        path: place.path().to_owned(),
        values: values(&more),
    });
    let destination = destinations().open(&spec).unwrap();
    block_on(destination.publish(&pair(1))).unwrap();
    assert!(fs::read_to_string(place.path()).unwrap().contains("AWS_KEY='{\"AccessKeyId\":"));
    let slots = pairs(block_on(destination.read()).unwrap());
    assert!(slots.current == Some(pair(1)) && slots.previous.is_none());
}

#[test]
fn a_name_or_a_value_that_no_line_can_hold_is_refused() {
    for name in ["", "A-B", "1A", "A\nB"] {
        let spec = DestinationSpec::DotenvFile(specs::DotenvFile {
            path: "x".into(),
            values: values(&[(name, "{json}")]),
        });
        assert_eq!(destinations().open(&spec).err().unwrap().kind, PortErrorKind::Invalid, "{name:?}");
    }
    let place = place_for(&[("A", "it's $HOME {json}")]);
    let error = block_on(place.open().preflight()).unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Invalid);
    assert!(error.message.contains("no quotes"), "{error}");
}

fn values(entries: &[(&str, &str)]) -> Values {
    let entries: std::collections::BTreeMap<_, _> = entries.iter().copied().collect();
    serde_json::from_value(serde_json::json!(entries)).unwrap()
}

fn place_for(entries: &[(&str, &str)]) -> FilePlace {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(".env");
    let spec = DestinationSpec::DotenvFile(specs::DotenvFile { path, values: values(entries) });
    FilePlace { directory, spec, reader: application, plain: |_| Vec::new() }
}

fn place() -> FilePlace {
    place_for(&[("AWS_ACCESS_KEY_ID", "{access_key_id}"), ("AWS_SECRET_ACCESS_KEY", "{secret_access_key}")])
}

fn place_with(text: &str) -> FilePlace {
    let place = place();
    fs::write(place.path(), text).unwrap();
    place
}

/// A reader of its own, as simple as can be: it shares nothing with the adapter.
fn application(spec: &DestinationSpec) -> Result<Option<AccessKeyPair>, String> {
    let DestinationSpec::DotenvFile(specs::DotenvFile { path, .. }) = spec else { unreachable!() };
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    match (value("AWS_ACCESS_KEY_ID"), value("AWS_SECRET_ACCESS_KEY")) {
        (Some(id), Some(secret)) => Ok(Some(AccessKeyPair {
            id: id.parse().map_err(|_| "a torn id")?,
            secret: Secret::new(secret.to_owned()),
        })),
        (None, None) => Ok(None),
        _ => Err("half a pair".to_owned()),
    }
}
