use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use super::*;

/// A folder with files, all with the content `{}` unless a number of bytes is told: `name=100`.
fn folder(files: &[&str]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for file in files {
        let (name, bytes) = file.split_once('=').unwrap_or((file, "2"));
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, vec![b' '; bytes.parse().unwrap()]).unwrap();
    }
    root
}

fn find(inputs: &[Input], selection: &Selection) -> Trail {
    Trail::find(inputs, &Find { selection, again: false, objects: None }).unwrap()
}

/// The names that were found, without that of the root.
fn names<'t>(trail: &'t Trail, root: &Path) -> Vec<&'t str> {
    let root = format!("{}/", root.display());
    trail.files.iter().map(|file| file.name.strip_prefix(&root).unwrap()).collect()
}

#[track_caller]
fn check(files: &[&str], selection: &Selection, expected: &[&str], skipped: Skipped) {
    let root = folder(files);
    let trail = find(&[Input::Path(root.path().to_owned())], selection);
    assert_eq!(names(&trail, root.path()), expected);
    assert_eq!(trail.skipped, skipped);
    assert_eq!(trail.problems, []);
}

fn selection(from: Option<&str>, until: Option<&str>, accounts: &[&str], regions: &[&str]) -> Selection {
    let time = |time: &str| EventTime::parse(time).unwrap();
    let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
    Selection { from: from.map(time), until: until.map(time), accounts: set(accounts), regions: set(regions) }
}

#[test]
fn what_holds_no_records_is_passed_over_and_counted() {
    check(
        &[
            "AWSLogs/123456789012/CloudTrail/eu-central-1/2026/11/23/a.json.gz",
            "AWSLogs/123456789012/CloudTrail-NetworkActivity/eu-central-1/2026/11/24/b.json.gz",
            "AWSLogs/123456789012/CloudTrail-Digest/eu-central-1/2026/11/23/c.json.gz",
            "AWSLogs/123456789012/CloudTrail-Insight/eu-central-1/2026/11/23/d.json.gz",
            "AWSLogs/123456789012/Config/eu-central-1/2026/11/23/e.json.gz",
            "AWSLogs/o-exampleorgid/210987654321/CloudTrail/us-east-1/2026/11/22/f.json.gz",
            "123456789012_CloudTrail-Digest_us-east-1_t_us-east-1_20261123T000000Z.json.gz",
            "lookup.json",
            "notes.txt",
            ".hidden.json",
            ".git/config.json",
        ],
        &Selection::default(),
        &[
            "AWSLogs/o-exampleorgid/210987654321/CloudTrail/us-east-1/2026/11/22/f.json.gz",
            "AWSLogs/123456789012/CloudTrail/eu-central-1/2026/11/23/a.json.gz",
            "AWSLogs/123456789012/CloudTrail-NetworkActivity/eu-central-1/2026/11/24/b.json.gz",
            "lookup.json",
        ],
        Skipped { digests: 2, insights: 1, outside: 0, foreign: 4 },
    );
}

#[test]
fn folders_that_nobody_asks_about_are_not_entered() {
    let files = [
        "AWSLogs/111111111111/CloudTrail/eu-central-1/2026/11/23/a.json",
        "AWSLogs/222222222222/CloudTrail/eu-central-1/2025/11/23/b.json",
        "AWSLogs/222222222222/CloudTrail/eu-central-1/2026/10/23/c.json",
        "AWSLogs/222222222222/CloudTrail/eu-central-1/2026/11/21/d.json",
        "AWSLogs/222222222222/CloudTrail/eu-central-1/2026/11/22/e.json",
        "AWSLogs/222222222222/CloudTrail/eu-central-1/2026/11/24/f.json",
        "AWSLogs/222222222222/CloudTrail/eu-central-1/2026/11/25/g.json",
        "AWSLogs/222222222222/CloudTrail/us-east-1/2026/11/23/h.json",
        "222222222222_CloudTrail_us-east-1_20261123T0000Z_i.json.gz",
        "222222222222_CloudTrail_eu-central-1_20261123T0000Z_j.json.gz",
        "k.json",
    ];
    let root = folder(&files);
    let unreadable = root.path().join("AWSLogs/111111111111");
    fs::set_permissions(&unreadable, fs::Permissions::from_mode(0o000)).unwrap();
    let selection = selection(
        Some("2026-11-23T10:00:00Z"),
        Some("2026-11-23T11:00:00Z"),
        &["222222222222"],
        &["eu-central-1"],
    );
    let trail = find(&[Input::Path(root.path().to_owned())], &selection);
    fs::set_permissions(&unreadable, fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(
        names(&trail, root.path()),
        [
            "AWSLogs/222222222222/CloudTrail/eu-central-1/2026/11/22/e.json",
            "222222222222_CloudTrail_eu-central-1_20261123T0000Z_j.json.gz",
            "AWSLogs/222222222222/CloudTrail/eu-central-1/2026/11/24/f.json",
            "k.json",
        ]
    );
    // An account, a year, a month, two days, a region; and a file.
    assert_eq!(trail.skipped, Skipped { outside: 7, ..Skipped::default() });
    assert_eq!(trail.problems, []);
}

#[test]
fn days_come_in_their_order_and_large_files_first() {
    let day = |day: u32, name: &str| {
        format!("123456789012_CloudTrail_us-east-1_202611{day:02}T0000Z_{name}.json.gz")
    };
    let files = [
        format!("{}=10", day(2, "a")),
        format!("{}=30", day(2, "b")),
        format!("{}=10", day(2, "0")),
        day(1, "z"),
        "a.json=90".to_owned(),
    ];
    let expected = [day(1, "z"), day(2, "b"), day(2, "0"), day(2, "a"), "a.json".to_owned()];
    check(
        &files.iter().map(String::as_str).collect::<Vec<_>>(),
        &Selection::default(),
        &expected.iter().map(String::as_str).collect::<Vec<_>>(),
        Skipped::default(),
    );
}

#[test]
fn a_file_that_is_named_is_read_unless_it_is_a_digest() {
    let root = folder(&[
        "notes.txt",
        ".hidden",
        "AWSLogs/123456789012/Config/e.gz",
        "123456789012_CloudTrail-Digest_us-east-1_t_us-east-1_20261123T000000Z.json.gz",
        "AWSLogs/123456789012/CloudTrail-Insight/d.json",
        "123456789012_CloudTrail_us-east-1_20250101T0000Z_a.json.gz",
    ]);
    let inputs: Vec<_> = [
        "notes.txt",
        ".hidden",
        "AWSLogs/123456789012/Config/e.gz",
        "123456789012_CloudTrail-Digest_us-east-1_t_us-east-1_20261123T000000Z.json.gz",
        "AWSLogs/123456789012/CloudTrail-Insight/d.json",
        "123456789012_CloudTrail_us-east-1_20250101T0000Z_a.json.gz",
        "notes.txt",
    ]
    .map(|name| Input::Path(root.path().join(name)))
    .into();
    let trail = find(&inputs, &selection(Some("2026-01-01T00:00:00Z"), None, &[], &[]));
    assert_eq!(names(&trail, root.path()), [".hidden", "AWSLogs/123456789012/Config/e.gz", "notes.txt"]);
    assert_eq!(trail.skipped, Skipped { digests: 1, insights: 1, outside: 1, foreign: 0 });
}

#[test]
fn links_are_followed_and_loops_end() {
    let root = folder(&["b/x.json", "b/c/y.json"]);
    let elsewhere = folder(&["z.json", "deep/w.json"]);
    let at = |name: &str| root.path().join(name);
    symlink(root.path(), at("b/c/loop")).unwrap();
    symlink("loop", at("loop")).unwrap();
    symlink(at("b"), at("a")).unwrap();
    symlink(elsewhere.path(), at("m")).unwrap();
    symlink(elsewhere.path(), at("k")).unwrap();
    symlink(elsewhere.path().join("z.json"), at("file.json")).unwrap();
    symlink("/nowhere/at/all", at("broken.json")).unwrap();
    symlink("/nowhere/at/all", at("broken")).unwrap();
    for _ in 0..5 {
        let trail = find(&[Input::Path(root.path().to_owned())], &Selection::default());
        assert_eq!(
            names(&trail, root.path()),
            ["b/c/y.json", "b/x.json", "file.json", "k/deep/w.json", "k/z.json"]
        );
        assert_eq!(trail.problems.len(), 1, "{:?}", trail.problems);
        assert!(trail.problems[0].file.ends_with("/broken.json"));
        assert_eq!(trail.skipped.foreign, 2);
    }
}

#[test]
fn what_cannot_be_listed_is_told_and_the_rest_is_found() {
    let root = folder(&["a/x.json", "b/y.json"]);
    let missing = root.path().join("missing");
    let inputs = [Input::Path(missing.clone()), Input::Path(root.path().to_owned())];
    let closed = root.path().join("a");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    let is_refused = fs::read_dir(&closed).is_err();
    let trail = find(&inputs, &Selection::default());
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    let mut told: Vec<_> = trail.problems.iter().map(|problem| problem.file.clone()).collect();
    told.sort();
    // The superuser is refused nothing.
    let expected = if is_refused { vec![closed, missing] } else { vec![missing] };
    assert_eq!(told, expected.iter().map(|path| path.display().to_string()).collect::<Vec<_>>());
    assert!(names(&trail, root.path()).contains(&"b/y.json"));
}

#[test]
fn a_pipe_in_a_folder_is_passed_over_and_one_that_is_named_is_read_once() {
    let root = folder(&["x.json"]);
    let pipe = root.path().join("pipe.json");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
    let trail = find(&[Input::Path(root.path().to_owned())], &Selection::default());
    assert_eq!(names(&trail, root.path()), ["x.json"]);
    assert_eq!(trail.skipped.foreign, 1);

    for again in [false, true] {
        std::thread::scope(|scope| {
            scope.spawn(|| File::options().write(true).open(&pipe).unwrap().write_all(b"{\"a\":1}").unwrap());
            let find = Find { selection: &Selection::default(), again, objects: None };
            let trail = Trail::find(&[Input::Path(pipe.clone())], &find).unwrap();
            let [file] = &trail.files[..] else { panic!("{trail:?}") };
            assert_eq!(io::read_to_string(file.open().unwrap()).unwrap(), "{\"a\":1}");
            let second = file.open();
            assert_eq!(second.is_ok(), again);
            if let Ok(second) = second {
                assert_eq!(io::read_to_string(second).unwrap(), "{\"a\":1}");
                assert_eq!(file.bytes, Some(7));
            }
        });
    }
}

#[test]
fn a_changed_file_has_another_tag() {
    let root = folder(&["x.json"]);
    let tag = || {
        let trail = find(&[Input::Path(root.path().to_owned())], &Selection::default());
        trail.files[0].etag.clone().unwrap()
    };
    let first = tag();
    assert_eq!(tag(), first);
    fs::write(root.path().join("x.json"), "{ }").unwrap();
    assert_ne!(tag(), first);
}

#[test]
fn among_many_files_only_those_are_looked_at_of_which_it_is_asked() {
    let names: Vec<_> = (0..=FEW_FILES).map(|number| format!("{number}.json=3")).collect();
    let root = folder(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let mut trail = find(&[Input::Path(root.path().to_owned())], &Selection::default());
    assert_eq!(trail.files.len(), FEW_FILES + 1);
    assert!(trail.files.iter().all(|file| file.etag.is_none()));
    trail.look();
    assert!(
        trail
            .files
            .iter()
            .all(|file| file.etag.is_some() && file.modified.is_some() && file.bytes == Some(3))
    );
}

#[test]
fn inputs_are_told_apart() {
    let input = |text: &str| Input::from(OsString::from(text));
    assert_eq!(input("-"), Input::StandardInput);
    assert_eq!(input("s3://bucket/a b"), Input::Url("s3://bucket/a b".to_owned()));
    for path in ["./-", "a/b", "./s3://bucket", "://x", "/dev/fd/63"] {
        assert_eq!(input(path), Input::Path(path.into()));
    }
}

#[test]
fn a_url_without_the_means_to_read_it_is_an_error() {
    let find = Find { selection: &Selection::default(), again: false, objects: None };
    let error = Trail::find(&[Input::Url("s3://bucket/".to_owned())], &find).unwrap_err();
    assert_eq!(error.to_string(), "cannot read from s3://bucket/");
}
