use std::fs;

use async_trait::async_trait;
use rotakey_core::destination::{self as specs, DestinationSpec};
use rotakey_core::secret::{AccessKeyPair, Secret};
use rotakey_engine::conformance::destination::{self as conformance, Broken, Foreign, Harness, Place};
use rotakey_engine::port::{Destinations, PortErrorKind};

use crate::destination::tests::{
    FilePlace, as_ordinary_user, block_on, broken_places, destinations, pair, pairs,
};

struct CredentialsFiles;

#[async_trait]
impl Harness for CredentialsFiles {
    async fn empty(&self) -> Box<dyn Place> {
        Box::new(place())
    }

    async fn foreign(&self) -> Vec<Foreign> {
        let kept = |name, text: &'static str, kept: &[&str]| Foreign {
            name,
            place: Box::new(place_with(text.as_bytes())),
            kept: kept.iter().map(|fragment| fragment.as_bytes().to_vec()).collect(),
            secrets: Vec::new(),
        };
        let refused = |name, text: &[u8]| Foreign {
            name,
            place: Box::new(place_with(text)),
            kept: Vec::new(),
            secrets: vec!["hunter2hunter2".to_owned()],
        };
        vec![
            kept(
                "comments and other profiles",
                "# mine\n\n[default]\naws_access_key_id=AKIAOTHEROTHEROTHER2\naws_secret_access_key=s\n\n; end\n",
                &[
                    "# mine\n\n[default]\naws_access_key_id=AKIAOTHEROTHEROTHER2\naws_secret_access_key=s\n\n; end\n",
                ],
            ),
            kept(
                "further keys of the profile itself",
                "[alice]\r\nregion = eu-west-1\r\nAWS_Access_Key_ID=AKIAOLDOLDOLDOLDOLD2 ; old\r\naws_secret_access_key\t=\ts\r\n[z]",
                &[
                    "[alice]\r\nregion = eu-west-1\r\nAWS_Access_Key_ID=AKIA",
                    " ; old\r\naws_secret_access_key\t=\t",
                    "\r\n[z]",
                ],
            ),
            refused("two profiles of the name", b"[alice]\na = hunter2hunter2\n[alice]\n"),
            refused("a session token", b"[alice]\naws_session_token = hunter2hunter2\n"),
            refused("a credential process", b"[alice]\nCredential_Process = get hunter2hunter2\n"),
            refused("a source profile", b"[alice]\nsource_profile = x\n# hunter2hunter2\n"),
            refused("half a pair", b"[alice]\naws_secret_access_key = hunter2hunter2\n"),
            refused(
                "a secret where the id should be",
                b"[alice]\naws_access_key_id = hunter2hunter2\naws_secret_access_key = s\n",
            ),
            refused("the id twice", b"[alice]\naws_access_key_id = a\nAWS_ACCESS_KEY_ID = hunter2hunter2\n"),
            refused("a colon", b"[alice]\naws_secret_access_key: hunter2hunter2\n"),
            refused("an indented key", b"[alice]\n  aws_secret_access_key = hunter2hunter2\n"),
            refused("an indented line under the header", b"[alice]\n hunter2hunter2\n"),
            refused("a continued value", b"[alice]\naws_secret_access_key = x\n  hunter2hunter2\n"),
            refused("an indented header", b"[default]\n [alice]\naws_secret_access_key = hunter2hunter2\n"),
            refused("a foreign pending profile", b"[alice.rotakey-pending]\nsso_session = hunter2hunter2\n"),
            refused("text that is not UTF-8", b"[default]\n# hunter2hunter2 \xff\n"),
            refused("a byte order mark", b"\xef\xbb\xbf[alice]\n# hunter2hunter2\n"),
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
fn credentials_files_keep_the_contract_of_destinations() {
    as_ordinary_user(|| block_on(conformance::check_all(&CredentialsFiles)));
}

#[test]
fn a_rotation_and_its_end_leave_no_trace_but_the_new_key() {
    let text = |pair: &AccessKeyPair| {
        format!(
            "[default]\nregion = x\n\n# alice's\n[alice]\naws_access_key_id = {}\naws_secret_access_key = {}\n# end\n",
            pair.id,
            pair.secret.expose()
        )
    };
    let place = place_with(text(&pair(1)).as_bytes());
    let destination = place.open();
    block_on(destination.stage(&pair(2))).unwrap();
    block_on(destination.publish(&pair(2))).unwrap();
    assert_eq!(
        fs::read_to_string(place.path()).unwrap(),
        format!(
            "{}\n[alice.rotakey-previous]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
            text(&pair(2)),
            pair(1).id,
            pair(1).secret.expose()
        )
    );
    block_on(destination.forget(&pair(1).id)).unwrap();
    assert_eq!(fs::read_to_string(place.path()).unwrap(), text(&pair(2)));
}

#[test]
fn an_operation_that_changes_nothing_does_not_touch_the_file() {
    use std::os::unix::fs::MetadataExt;
    let place = place();
    let destination = place.open();
    block_on(destination.publish(&pair(1))).unwrap();
    let before = fs::metadata(place.path()).unwrap().ino();
    block_on(destination.publish(&pair(1))).unwrap();
    block_on(destination.stage(&pair(1))).unwrap();
    block_on(destination.forget(&pair(2).id)).unwrap();
    assert_eq!(fs::metadata(place.path()).unwrap().ino(), before, "the file was replaced by an equal one");
}

#[test]
fn two_profiles_of_one_file_can_be_rotated_at_once() {
    let place = place();
    let specs: Vec<_> = (0..6)
        .map(|number| {
            DestinationSpec::CredentialsFile(specs::CredentialsFile {
                path: place.path().to_owned(),
                profile: format!("user{number}"),
            })
        })
        .collect();
    std::thread::scope(|scope| {
        for (number, spec) in (0..).zip(&specs) {
            scope.spawn(move || {
                let destination = destinations().open(spec).unwrap();
                block_on(destination.publish(&pair(number))).unwrap();
                block_on(destination.publish(&pair(100 + number))).unwrap();
            });
        }
    });
    for (number, spec) in (0..).zip(&specs) {
        let slots = pairs(block_on(destinations().open(spec).unwrap().read()).unwrap());
        assert!(slots.current == Some(pair(100 + number)) && slots.previous == Some(pair(number)), "{spec}");
    }
}

#[test]
fn a_name_that_no_header_can_hold_is_refused() {
    for profile in ["", " a", "a]", "a\nb", "[a", "a#b"] {
        let spec = DestinationSpec::CredentialsFile(specs::CredentialsFile {
            path: "x".into(),
            profile: profile.to_owned(),
        });
        assert_eq!(destinations().open(&spec).err().unwrap().kind, PortErrorKind::Invalid, "{profile:?}");
    }
    let every_legal_character_of_a_user_name = "a+=,.@_-Z9".to_owned();
    let place = place();
    let spec = DestinationSpec::CredentialsFile(specs::CredentialsFile {
        path: place.path().to_owned(),
        profile: every_legal_character_of_a_user_name,
    });
    let destination = destinations().open(&spec).unwrap();
    block_on(destination.publish(&pair(1))).unwrap();
    assert!(pairs(block_on(destination.read()).unwrap()).current == Some(pair(1)));
}

#[test]
fn the_message_says_what_to_do() {
    let place = place_with(b"# a\n[alice]\nregion = x\n[alice]\n");
    let error = block_on(place.open().preflight()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "read {}: the profile [alice] is there twice (lines 2 and 4): merge the two",
            place.path().display()
        )
    );
}

fn place() -> FilePlace {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("credentials");
    let spec = DestinationSpec::CredentialsFile(specs::CredentialsFile { path, profile: "alice".to_owned() });
    FilePlace { directory, spec, reader: application, plain: |_| Vec::new() }
}

fn place_with(text: &[u8]) -> FilePlace {
    let place = place();
    fs::write(place.path(), text).unwrap();
    place
}

/// A reader of its own, as simple as can be: it shares nothing with the adapter.
fn application(spec: &DestinationSpec) -> Result<Option<AccessKeyPair>, String> {
    let DestinationSpec::CredentialsFile(specs::CredentialsFile { path, profile }) = spec else {
        unreachable!()
    };
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let header = format!("[{profile}]");
    let mut section = text.lines().skip_while(|line| *line != header).skip(1);
    let mut value = |key: &str| {
        let line = section.next().filter(|line| line.starts_with(key));
        line.and_then(|line| line.split_once(" = ")).map(|(_, value)| value.to_owned())
    };
    match (value("aws_access_key_id"), value("aws_secret_access_key")) {
        (Some(id), Some(secret)) => {
            Ok(Some(AccessKeyPair { id: id.parse().map_err(|_| "a torn id")?, secret: Secret::new(secret) }))
        }
        (None, None) => Ok(None),
        _ => Err("half a pair".to_owned()),
    }
}
