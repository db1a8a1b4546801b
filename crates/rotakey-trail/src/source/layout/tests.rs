use proptest::prelude::*;

use super::*;

const NAME: &str = "123456789012_CloudTrail_eu-central-1_20261123T1545Z_0123456789abcdef.json.gz";

/// What a path tells: kind, account, region and day.
fn told(path: &str) -> String {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let folder = Folder::of(folder);
    let layout = folder.file(name);
    let day = layout.day.map(|day| day_folder(day).unwrap());
    let or_none = |text: Option<&str>| text.unwrap_or("-").to_owned();
    format!(
        "{:?} {} {} {}",
        layout.kind,
        or_none(layout.account),
        or_none(layout.region),
        or_none(day.as_deref())
    )
}

#[track_caller]
fn check(path: &str, expected: &str) {
    assert_eq!(told(path), expected, "{path}");
}

#[test]
fn logs_are_known_wherever_they_stand() {
    let all = "Log 123456789012 eu-central-1 2026/11/23";
    let below = format!("123456789012/CloudTrail/eu-central-1/2026/11/23/{NAME}");
    for before in [
        "",
        "prefix/",
        "/srv/a b/",
        "s/AWSLogs/",
        "o-exampleorgid/",
        "AWSLogs/o-abcdefghij/AWSLogs/",
        "日本/AWSLogs/",
    ] {
        check(&format!("{before}AWSLogs/{below}"), all);
        check(&format!("{before}AWSLogs/o-exampleorgid/{below}"), all);
    }
    check(&format!("AWSLogs/{}", below.replace("/CloudTrail/", "/CloudTrail-NetworkActivity/")), all);
    check(NAME, all);
    check(&format!("flat/{NAME}"), all);
    check(NAME.strip_suffix(".gz").unwrap(), all);
}

#[test]
fn a_file_of_another_name_takes_what_its_folders_tell() {
    let folder = "AWSLogs/123456789012/CloudTrail/us-gov-east-1";
    check(&format!("{folder}/2026/11/23/part.jsonl.zst"), "Readable 123456789012 us-gov-east-1 2026/11/23");
    check(
        &format!("{folder}/2026/11/23/deeper/still/part.json"),
        "Readable 123456789012 us-gov-east-1 2026/11/23",
    );
    check(&format!("{folder}/2026/11/part.json"), "Readable 123456789012 us-gov-east-1 -");
    check(&format!("{folder}/part.json"), "Readable 123456789012 us-gov-east-1 -");
    check(&format!("{folder}/2020/01/01/{NAME}"), "Log 123456789012 eu-central-1 2026/11/23");
}

#[test]
fn what_holds_no_records_is_told_by_its_name() {
    let digest = "123456789012_CloudTrail-Digest_eu-central-1_a_trail_eu-central-1_20261123T1545Z";
    check(&format!("{digest}.json.gz"), "Digest 123456789012 eu-central-1 -");
    check(&format!("{digest}_backfill.json.gz"), "Digest 123456789012 eu-central-1 -");
    for (folder, expected) in [
        ("CloudTrail-Digest/eu-central-1/2026/11/23", "Digest 123456789012 - -"),
        ("CloudTrail-Insight/eu-central-1/2026/11/23", "Insight 123456789012 - -"),
        ("CloudTrail-Aggregated/eu-central-1/2026/11/23", "Foreign 123456789012 - -"),
        ("Config/eu-central-1/2026/1/2/ConfigHistory", "Foreign 123456789012 - -"),
        ("elasticloadbalancing/eu-central-1/2026/11/23", "Foreign 123456789012 - -"),
    ] {
        check(&format!("AWSLogs/123456789012/{folder}/x.json.gz"), expected);
    }
    check("AWSLogs/aws-account-id=123456789012/aws-service=vpcflowlogs/x.gz", "Foreign - - -");
    let insight = NAME.replace("CloudTrail", "CloudTrail-Insight");
    check(&insight, "Insight 123456789012 eu-central-1 2026/11/23");
    check(
        "123456789012_vpcflowlogs_eu-central-1_fl-1234abcd_20261123T1545Z_a.log.gz",
        "Foreign 123456789012 eu-central-1 -",
    );
}

#[test]
fn what_is_not_known_is_read_if_it_may_be_json() {
    for readable in [
        "a.json",
        "a.JSON",
        "a.jsonl",
        "a.ndjson",
        "a.gz",
        "a.zst",
        "a.json.gz",
        "a.jsonl.zst",
        "a.b.c.GZ",
        "日.json",
        "123456789012_export_2026.json",
    ] {
        check(readable, "Readable - - -");
    }
    for foreign in [
        "",
        ".",
        "..",
        ".json",
        ".hidden.json.gz",
        "a",
        "json",
        "gz",
        "a.tar.gz",
        "a.parquet",
        "a.csv.gz",
        "a.json.part",
    ] {
        check(foreign, "Foreign - - -");
    }
    check(&format!("{NAME}.part"), "Foreign 123456789012 eu-central-1 2026/11/23");
}

#[test]
fn dates_and_names_that_are_none_tell_nothing() {
    let folder = "AWSLogs/123456789012/CloudTrail/eu-central-1";
    for day in [
        "2026/02/29",
        "2026/13/01",
        "2026/00/01",
        "2026/1/1",
        "26/01/01",
        "1969/12/31",
        "２０２６/11/23",
        "+026/11/23",
    ] {
        assert!(told(&format!("{folder}/{day}/a.json")).ends_with(" -"), "{day}");
    }
    for time in
        ["20260229T1545Z", "20261123T2445Z", "20261123T1560Z", "20261123", "20261123T1545日", "2026112３T1Z"]
    {
        check(&NAME.replace("20261123T1545Z", time), "Log 123456789012 eu-central-1 -");
    }
    for account in ["12345678901", "1234567890123", "12345678901a", "１23456789012"] {
        assert!(
            told(&format!("AWSLogs/{account}/CloudTrail/eu-central-1/2026/11/23/a.json")).ends_with(" - - -")
        );
    }
    for region in
        ["eu_central_1", "EU-central-1", "central-1", "eu-central-", "eu--central-1", "2026", "eu-central-١"]
    {
        let told = told(&format!("AWSLogs/123456789012/CloudTrail/{region}/2026/11/23/a.json"));
        assert_eq!(told, "Readable 123456789012 - -", "{region}");
    }
}

#[test]
fn a_folder_is_entered_if_one_of_its_days_may_be_asked_about() {
    let selection = |from: &str, until: &str| Selection {
        from: Some(EventTime::parse(&format!("{from}T12:00:00Z")).unwrap()),
        until: Some(EventTime::parse(&format!("{until}T12:00:00Z")).unwrap()),
        regions: ["eu-central-1".to_owned()].into(),
        ..Selection::default()
    };
    let year_end = selection("2025-12-31", "2026-01-01");
    let region = "AWSLogs/123456789012/CloudTrail/eu-central-1";
    for (below, expected) in [
        ("", true),
        ("2024", false),
        ("2025", true),
        ("2026", true),
        ("2027", false),
        ("2025/11", false),
        ("2025/12", true),
        ("2025/12/29", false),
        ("2025/12/30", true),
        ("2026/01/02", true),
        ("2026/01/03", false),
        ("2026/02", false),
        ("unknown", true),
    ] {
        assert_eq!(Folder::of(&format!("{region}/{below}")).may_be_in(&year_end), expected, "{below}");
    }
    let elsewhere = region.replace("eu-central-1", "us-east-1");
    assert!(!Folder::of(&elsewhere).may_be_in(&year_end));
}

proptest! {
    #[test]
    fn any_path_is_survived(path in any::<String>()) {
        told(&path);
    }

    #[test]
    fn paths_that_look_right_are_survived(parts in proptest::collection::vec(
        prop_oneof![
            Just("AWSLogs".to_owned()), Just("o-exampleorgid".to_owned()), Just("123456789012".to_owned()),
            Just("CloudTrail".to_owned()), Just("CloudTrail-Digest".to_owned()), Just("eu-central-1".to_owned()),
            "[0-9]{4}", "[0-9]{2}", "[0-9é]{1,4}", Just(NAME.to_owned()),
            "[0-9]{12}_CloudTrail_[a-z1-9-]{0,9}_[0-9TZé]{12,14}_a.json.gz",
        ], 0..12)) {
        let path = parts.join("/");
        told(&path);
        // A day that is told has a name, and the name tells the day.
        if let Some((Some(first), Some(last))) = Folder::of(&path).days().map(|days| (day_folder(*days.start()), day_folder(*days.end()))) {
            prop_assert!(first <= last);
        }
    }

    #[test]
    fn every_day_is_found_in_its_own_folder(day in 0_i64..2_932_896) {
        let region = Folder::of("AWSLogs/123456789012/CloudTrail/eu-central-1");
        let parts = day_folder(day).unwrap();
        let mut parts = parts.split('/');
        let year = region.child(parts.next().unwrap());
        let month = year.child(parts.next().unwrap());
        // The last year has no next one to end before.
        if year.step() != Step::Anywhere {
            prop_assert!(year.days().unwrap().contains(&day));
            prop_assert!(month.days().unwrap().contains(&day));
            prop_assert_eq!(month.child(parts.next().unwrap()).days(), Some(day..=day));
        }
    }
}
