use std::fs;

use async_trait::async_trait;
use rotakey_core::destination::{self as specs, DestinationSpec};
use rotakey_engine::conformance::destination::{self as conformance, Broken, Foreign, Harness, Place};
use rotakey_engine::port::Destinations;

use super::*;
use crate::destination::tests::{
    FilePlace, as_ordinary_user, block_on, broken_places, destinations, pair, pairs,
};

struct AgeFiles;

#[async_trait]
impl Harness for AgeFiles {
    async fn empty(&self) -> Box<dyn Place> {
        Box::new(place())
    }

    async fn foreign(&self) -> Vec<Foreign> {
        let refused = |name, place, secret: &str| Foreign {
            name,
            place: Box::new(place),
            kept: Vec::new(),
            secrets: vec![secret.to_owned()],
        };
        let further = place_with(br#"{"AccessKeyId": "AKIAOLDOLDOLDOLDOLD2", "SecretAccessKey": "old", "Team": {"name": "payments"}}"#);
        let plain_text = place();
        fs::write(plain_text.path(), "password=hunter2hunter2").unwrap();
        let for_another = place_with(b"{}");
        let DestinationSpec::AgeFile(specs::AgeFile { identity, .. }) = &for_another.spec else {
            unreachable!()
        };
        fs::rename(identity, identity.with_extension("lost")).unwrap();
        let recipient = identity::generate(identity).unwrap();
        let mut for_another_spec = for_another.spec.clone();
        if let DestinationSpec::AgeFile(specs::AgeFile { recipients, .. }) = &mut for_another_spec {
            *recipients = vec![recipient];
        }
        let for_another = with_spec(for_another, for_another_spec);
        let not_a_journal = place();
        let sealed = age_file(&not_a_journal.spec).encrypt(b"[\"hunter3hunter3\"]").unwrap();
        fs::write(sibling(not_a_journal.path(), "", ".rotakey"), sealed).unwrap();
        vec![
            Foreign {
                name: "further fields beside the key",
                place: Box::new(further),
                kept: vec![br#""Team":{"name":"payments"}"#.to_vec()],
                secrets: Vec::new(),
            },
            refused("a file that is not encrypted", plain_text, "hunter2hunter2"),
            refused("a file for another identity", for_another, "hunter2hunter2"),
            refused("a journal of something else", not_a_journal, "hunter3hunter3"),
            refused("a secret of another kind", place_with(br#"{"Password": "hunter4hunter4"}"#), "hunter4hunter4"),
            refused("text", place_with(b"hunter5hunter5"), "hunter5hunter5"),
            refused(
                "a secret where the id should be",
                place_with(br#"{"AccessKeyId": "hunter6hunter6", "SecretAccessKey": "AKIA"}"#),
                "hunter6hunter6",
            ),
            refused(
                "temporary credentials",
                place_with(br#"{"AccessKeyId": "ASIAOLDOLDOLDOLDOLD2", "SecretAccessKey": "hunter7hunter7", "SessionToken": "t"}"#),
                "hunter7hunter7",
            ),
        ]
    }

    async fn broken(&self) -> Vec<Broken> {
        let mut broken: Vec<Broken> = broken_places(place)
            .into_iter()
            .map(|(name, place, kind)| Broken { name, place: Box::new(place), kind })
            .collect();
        let changes: [(&'static str, fn(&mut Vec<String>, &mut PathBuf)); 5] = [
            ("no recipient", |recipients, _| recipients.clear()),
            ("a mistyped recipient", |recipients, _| recipients[0].push('x')),
            ("an identity that is no recipient", |recipients, _| {
                *recipients = vec![Identity::generate().to_public().to_string()];
            }),
            ("a missing identity", |_, identity| identity.push("missing")),
            ("an identity file without an identity", |_, identity| fs::write(identity, "#\n").unwrap()),
        ];
        for (name, change) in changes {
            let place = place();
            let mut spec = place.spec.clone();
            if let DestinationSpec::AgeFile(specs::AgeFile { recipients, identity, .. }) = &mut spec {
                change(recipients, identity);
            }
            let kind = PortErrorKind::Invalid;
            broken.push(Broken { name, place: Box::new(with_spec(place, spec)), kind });
        }
        broken
    }
}

#[test]
fn age_files_keep_the_contract_of_destinations() {
    as_ordinary_user(|| block_on(conformance::check_all(&AgeFiles)));
}

#[test]
fn applications_find_the_plain_pair_and_no_other_slot() {
    let place = place();
    let destination = place.open();
    block_on(destination.publish(&pair(1))).unwrap();
    block_on(destination.publish(&pair(2))).unwrap();
    let text = String::from_utf8(plain(&place.spec, place.path())).unwrap();
    let (id, secret) = (pair(2).id, pair(2).secret);
    assert_eq!(text, format!("{{\"AccessKeyId\":\"{id}\",\"SecretAccessKey\":\"{}\"}}\n", secret.expose()));
    assert!(fs::read_to_string(place.path()).unwrap().starts_with("-----BEGIN AGE ENCRYPTED FILE-----"));
}

#[test]
fn a_process_that_dies_between_two_steps_leaves_the_slots_of_before_or_after() {
    let before = || slots(Some(3), 2, Some(1));
    let publish = || slots(None, 3, Some(2));
    let restore = || slots(Some(3), 1, Some(2));
    for after in [publish, restore] {
        for taken in 0..=3 {
            let place = place();
            let destination = place.open();
            block_on(destination.publish(&pair(1))).unwrap();
            block_on(destination.publish(&pair(2))).unwrap();
            block_on(destination.stage(&pair(3))).unwrap();

            let adapter = age_file(&place.spec);
            let (state, _) = adapter.load().unwrap();
            let wanted = after();
            let steps = state.journal.steps(state.current.as_ref(), &wanted, Current::ReadBack, false);
            assert_eq!(steps.len(), 3);
            let file = Exclusive::acquire(place.path()).unwrap();
            for step in &steps[..taken] {
                adapter.take(&file, step, &state.extra).unwrap();
            }
            drop(file);
            let found = pairs(block_on(destination.read()).unwrap());
            let expected = if taken < 2 { before() } else { after() };
            assert!(found == expected, "after {taken} steps: {found:?} in place of {expected:?}");

            // The same call again finishes the work, so that the third key is nowhere any more.
            block_on(destination.restore(&wanted.current.as_ref().unwrap().id)).unwrap();
            assert!(
                pairs(block_on(destination.read()).unwrap()) == after(),
                "after {taken} steps and a second call"
            );
            let (state, _) = adapter.load().unwrap();
            assert!(
                state.journal == Journal::settled(&wanted, Current::ReadBack),
                "after {taken} steps, the journal is not settled"
            );
        }
    }
}

#[test]
fn what_is_kept_beside_a_pair_outlives_a_foreign_change_of_that_pair() {
    let place = place();
    let destination = place.open();
    block_on(destination.publish(&pair(1))).unwrap();
    block_on(destination.stage(&pair(2))).unwrap();
    let foreign = content::render_current(&pair(9), &Extra::default());
    fs::write(place.path(), age_file(&place.spec).encrypt(&foreign).unwrap()).unwrap();
    assert!(pairs(block_on(destination.read()).unwrap()) == slots(Some(2), 9, None));
}

#[test]
fn an_identity_in_place_of_a_recipient_is_not_shown() {
    let place = place();
    let DestinationSpec::AgeFile(specs::AgeFile { path, identity, .. }) = &place.spec else { unreachable!() };
    let secret = fs::read_to_string(identity).unwrap().lines().last().unwrap().to_owned();
    let spec = DestinationSpec::AgeFile(specs::AgeFile {
        path: path.clone(),
        recipients: vec![secret.clone()],
        identity: identity.clone(),
    });
    let error = block_on(destinations().open(&spec).unwrap().preflight()).unwrap_err();
    assert!(!format!("{error} {error:?}").contains(&secret));
}

fn place() -> FilePlace {
    let directory = tempfile::tempdir().unwrap();
    let identity = directory.path().join("identity");
    let recipients = vec![identity::generate(&identity).unwrap()];
    let spec = DestinationSpec::AgeFile(specs::AgeFile {
        path: directory.path().join("alice.age"),
        recipients,
        identity,
    });
    FilePlace { directory, spec, reader: application, plain: plain_of_both }
}

/// A place whose file holds that plain text.
fn place_with(plain: &[u8]) -> FilePlace {
    let place = place();
    fs::write(place.path(), age_file(&place.spec).encrypt(plain).unwrap()).unwrap();
    place
}

fn with_spec(mut place: FilePlace, spec: DestinationSpec) -> FilePlace {
    place.spec = spec;
    place
}

fn age_file(spec: &DestinationSpec) -> AgeFile {
    let DestinationSpec::AgeFile(specs::AgeFile { path, recipients, identity }) = spec else {
        unreachable!()
    };
    AgeFile::new(path, recipients, identity)
}

fn application(spec: &DestinationSpec) -> Result<Option<AccessKeyPair>, String> {
    let DestinationSpec::AgeFile(specs::AgeFile { path, .. }) = spec else { unreachable!() };
    if !path.exists() {
        return Ok(None);
    }
    content::parse_current(&plain(spec, path)).map(|(pair, _)| Some(pair)).map_err(str::to_owned)
}

/// The plain text of one file; nothing if it cannot be decrypted.
fn plain(spec: &DestinationSpec, path: &Path) -> Vec<u8> {
    let DestinationSpec::AgeFile(specs::AgeFile { identity, .. }) = spec else { unreachable!() };
    let decrypted = || {
        let identities = identity::read(identity).ok()?;
        decrypt(&fs::read(path).ok()?, &identities).ok()
    };
    decrypted().map(|plain| plain.to_vec()).unwrap_or_default()
}

fn plain_of_both(spec: &DestinationSpec) -> Vec<u8> {
    let DestinationSpec::AgeFile(specs::AgeFile { path, .. }) = spec else { unreachable!() };
    if !path.is_file() {
        return Vec::new();
    }
    [plain(spec, path), plain(spec, &sibling(path, "", ".rotakey"))].concat()
}

fn slots(pending: Option<u8>, current: u8, previous: Option<u8>) -> Pairs {
    Pairs { pending: pending.map(pair), current: Some(pair(current)), previous: previous.map(pair) }
}
