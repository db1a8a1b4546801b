use super::*;
use crate::destination::tests::pair;

fn held(number: u8) -> Option<Held> {
    Some(Held::of(&pair(number)))
}

/// A place with one value of that version and that mark.
fn look(version: Option<&str>, found: Found<Held>) -> Look<Held> {
    let values = [("KEY".to_owned(), version.map(str::to_owned))].into();
    Look { found, values, ..Look::nothing() }
}

/// Key 1 is current, key 2 is about to be published.
fn mark_at(version: Option<&str>) -> Mark<Held> {
    let version = look(version, Found::Nothing).version();
    let settled = Mark { pending: held(2), current: held(1), previous: held(9), version: None, doubt: None };
    settled.foresee(Held::of(&pair(2)), version)
}

fn read(mut look: Look<Held>) -> Result<[Option<String>; 3], String> {
    let shown = |kept: Option<Kept>| {
        kept.map(|kept| {
            let held = kept.held();
            let whole = held.fingerprint != Fingerprint::unknown();
            format!("{}{}", &held.key.as_str()[17..], if whole { "" } else { "?" })
        })
    };
    let slots = known(&mut look)?.into_slots();
    Ok([shown(slots.pending), shown(slots.current), shown(slots.previous)])
}

fn texts(slots: [Option<&str>; 3]) -> Result<[Option<String>; 3], String> {
    Ok(slots.map(|slot| slot.map(str::to_owned)))
}

#[test]
fn the_version_tells_a_crash_before_the_write_from_one_after_it() {
    let before = look(Some("7"), Found::Mark(mark_at(Some("7"))));
    assert_eq!(read(before), texts([Some("002"), Some("001"), Some("009")]));
    let after = look(Some("8"), Found::Mark(mark_at(Some("7"))));
    assert_eq!(read(after), texts([Some("002"), Some("002?"), Some("001")]));
}

#[test]
fn where_no_version_is_told_a_doubt_stays() {
    let doubtful = look(None, Found::Mark(mark_at(None)));
    assert_eq!(read(doubtful), texts([Some("002"), Some("002?"), Some("001")]));
}

#[test]
fn going_back_is_in_doubt_under_the_newer_key_so_that_it_is_done_again() {
    let settled = Mark { current: held(2), previous: held(1), ..Mark::default() };
    let mark = settled.foresee(Held::of(&pair(1)), Some("7".to_owned()));
    assert_eq!(read(look(Some("8"), Found::Mark(mark))), texts([None, Some("002?"), Some("001")]));
}

#[test]
fn a_doubt_is_not_replaced_by_another_one() {
    let mark = mark_at(Some("7"));
    let version = mark.version.clone();
    let again = mark.foresee(Held::of(&pair(3)), Some("8".to_owned()));
    assert_eq!((again.doubt, again.pending, again.version), (Some(Doubt::Pending), held(2), version));
}

#[test]
fn what_rotakey_did_not_write_is_refused_until_it_is_handed_over() {
    let settled =
        || Mark { current: held(1), version: look(Some("7"), Found::Nothing).version(), ..Mark::default() };
    assert_eq!(read(look(Some("7"), Found::Mark(settled()))), texts([None, Some("001"), None]));
    for (found, why) in [
        (Found::Mark(settled()), "since rotakey wrote it"),
        (Found::Nothing, "that rotakey did not write"),
        (Found::Foreign, "the mark was written by somebody else"),
    ] {
        let refused = read(look(Some("8"), found)).unwrap_err();
        assert!(refused.contains(why) && refused.contains("`adopt`"), "{refused}");
    }
    assert_eq!(read(look(Some("8"), Found::Adopt)), texts([None, None, None]));
}

#[test]
fn a_value_that_somebody_deleted_is_current_no_more() {
    let mark = Mark { current: held(1), previous: held(2), version: Some("x".to_owned()), ..Mark::default() };
    let gone = Look { found: Found::Mark(mark), ..Look::nothing() };
    assert_eq!(read(gone), texts([None, None, Some("002")]));
}

#[test]
fn a_mark_is_read_back_from_its_text_and_holds_no_secret() {
    let mark = mark_at(Some("7"));
    let text = mark.text();
    assert!(!text.expose().contains(char::is_whitespace) && !text.expose().contains("wJalr"));
    assert!(matches!(Found::parse(Some(text.expose())), Found::Mark(found) if found == mark));
    assert!(matches!(Found::<Held>::parse(Some(" adopt\n")), Found::Adopt));
    for foreign in ["adopted", "{\"current\":1}", "{\"other\":{}}", "[]"] {
        assert!(matches!(Found::<Held>::parse(Some(foreign)), Found::Foreign), "{foreign}");
    }
}
