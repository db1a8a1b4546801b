use std::collections::BTreeMap;

use super::*;
use crate::git::objects::{Named, ObjectStore};
use crate::git::read::ReadObjects;
use crate::git::refs::{self, References};
use crate::git::repository::Repository;
use crate::git::testing::{GitObjects, Sandbox, random_history};

const WORKERS: NonZeroUsize = NonZeroUsize::new(2).unwrap();

/// Two workers take turns.
impl EachCommitAndTree for GitObjects {
    fn each<V: Visit>(
        &self,
        workers: NonZeroUsize,
        visitor: &(dyn Fn() -> V + Sync),
    ) -> (Vec<V>, Vec<Unread>) {
        let mut visitors: Vec<V> = (0..workers.get()).map(|_| visitor()).collect();
        for (number, (id, kind, content)) in self.all().iter().enumerate() {
            if matches!(kind, ObjectKind::Commit | ObjectKind::Tree) {
                visitors[number % workers.get()].visit(Named::Id(id), *kind, content);
            }
        }
        (visitors, Vec::new())
    }

    fn id(&self, _pack: u32, _position: u32) -> Option<ObjectId> {
        None
    }
}

fn tips_of(sandbox: &Sandbox) -> Tips {
    let repository = Repository::open(sandbox.path()).unwrap().unwrap();
    Tips::read(&References::read(&repository).unwrap(), refs::logged(&repository).unwrap())
}

fn ask(sandbox: &Sandbox, blobs: &[ObjectId]) -> Vec<Vec<Located>> {
    attribute(blobs, &tips_of(sandbox), &sandbox.objects(), &mut sandbox.objects(), WORKERS).located
}

/// Path and commit for all blobs of a repository, by git alone: a commit brings in what it has and no parent of it has.
fn told_by_git(sandbox: &Sandbox) -> BTreeMap<ObjectId, BTreeMap<String, (ObjectId, u32)>> {
    let mut has: BTreeMap<String, BTreeMap<String, ObjectId>> = BTreeMap::new();
    let listed = sandbox.line(&["rev-list", "--parents", "--all"]);
    for commit in listed.lines().map(|line| line.split(' ').next().unwrap()) {
        let files = sandbox.git(&["ls-tree", "-r", "-z", commit]);
        let files = str::from_utf8(&files).unwrap().split_terminator('\0').map(|line| {
            let (meta, path) = line.split_once('\t').unwrap();
            (path.to_owned(), meta.split(' ').nth(2).unwrap().parse().unwrap())
        });
        has.insert(commit.to_owned(), files.collect());
    }
    let mut told: BTreeMap<ObjectId, BTreeMap<String, (ObjectId, u32)>> = BTreeMap::new();
    // Each behind its parents, and otherwise by date, the oldest first.
    for line in in_order(sandbox, &listed) {
        let mut words = line.split(' ');
        let commit = words.next().unwrap();
        let parents: Vec<&str> = words.collect();
        for (path, blob) in &has[commit] {
            if parents.iter().all(|parent| has[*parent].get(path) != Some(blob)) {
                let entry = told.entry(*blob).or_default().entry(path.clone());
                entry.and_modify(|entry| entry.1 += 1).or_insert((commit.parse().unwrap(), 0));
            }
        }
    }
    told
}

fn in_order(sandbox: &Sandbox, listed: &str) -> Vec<String> {
    let dates = sandbox.line(&["log", "--all", "--format=%H %ct"]);
    let dates: BTreeMap<&str, i64> = dates
        .lines()
        .map(|line| line.split_once(' ').unwrap())
        .map(|(id, date)| (id, date.parse().unwrap()))
        .collect();
    let mut waiting: Vec<&str> = listed.lines().collect();
    let mut done: Vec<String> = Vec::new();
    while !waiting.is_empty() {
        let is_done = |id: &str| done.iter().any(|line| line.starts_with(id));
        let ready = waiting.iter().filter(|line| line.split(' ').skip(1).all(is_done));
        let next = ready.min_by_key(|line| (dates[&line[..40]], line[..40].to_owned())).unwrap().to_string();
        waiting.retain(|line| *line != next);
        done.push(next);
    }
    done
}

#[test]
fn on_any_history_the_commits_are_those_that_git_tells() {
    for seed in 0..3 {
        let sandbox = Sandbox::repository(&[]);
        random_history(&sandbox, 100 + seed, 80);
        let told = told_by_git(&sandbox);
        let blobs: Vec<ObjectId> = told.keys().copied().collect();
        assert!(blobs.len() > 10);
        let located = ask(&sandbox, &blobs);
        let head = sandbox.line(&["ls-tree", "-r", "HEAD"]);
        for (blob, located) in blobs.iter().zip(located) {
            let read: BTreeMap<String, (ObjectId, u32)> = located
                .iter()
                .map(|place| {
                    assert_eq!(place.reach, Reach::Reference);
                    (String::from_utf8(place.path.clone()).unwrap(), (place.commit, place.again))
                })
                .collect();
            assert_eq!(read, told[blob], "{blob}");
            for place in &located {
                let path = str::from_utf8(&place.path).unwrap();
                let line = format!("100644 blob {blob}\t{path}");
                assert_eq!(place.in_head, head.lines().any(|other| other == line), "{line}");
            }
            let author =
                sandbox.line(&["show", "--no-patch", "--format=%an|%ae|%at", &located[0].commit.to_string()]);
            let Signature { name, email, seconds } = &located[0].author;
            assert_eq!(format!("{name}|{email}|{seconds}"), author);
            // Git finds no change of the blob before the first commit.
            let first = located[0].commit.to_string();
            let changes = sandbox.line(&[
                "log",
                "--all",
                "--full-history",
                "-m",
                "--no-renames",
                "--format=%H",
                "--find-object",
                &blob.to_string(),
            ]);
            assert!(changes.lines().any(|commit| commit == first), "{blob}");
        }
    }
}

#[test]
fn what_is_stashed_logged_or_left_is_told_apart() {
    let sandbox = Sandbox::repository(&[]);
    sandbox.write("kept", "kept");
    let one = sandbox.commit("one");
    sandbox.write("folder/left", "left");
    let left = sandbox.commit("left");
    sandbox.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    sandbox.write("kept", "stashed");
    sandbox.git(&["stash", "--quiet"]);
    sandbox.git(&["checkout", "--quiet", "--detach"]);
    sandbox.write("nowhere", "dangling");
    sandbox.git(&["add", "."]);
    let tree = sandbox.line(&["write-tree"]);
    let dangling: ObjectId = sandbox.line(&["commit-tree", "-m", "x", &tree]).parse().unwrap();
    let blob = |text: &str| {
        String::from_utf8(sandbox.git_with(&["hash-object", "-w", "--stdin"], text.as_bytes())).unwrap()
    };
    let blobs = ["kept", "left", "stashed", "dangling", "in no tree", "kept"]
        .map(|text| blob(text).trim().parse().unwrap());
    let located = ask(&sandbox, &blobs);
    let stash = sandbox.id(&["rev-parse", "stash"]);
    let told: Vec<_> = located
        .iter()
        .map(|places| {
            places
                .first()
                .map(|place| (str::from_utf8(&place.path).unwrap(), place.commit, place.reach, place.in_head))
        })
        .collect();
    assert_eq!(
        told,
        [
            Some(("kept", one, Reach::Reference, true)),
            Some(("folder/left", left, Reach::Log, false)),
            Some(("kept", stash, Reach::Stash, false)),
            Some(("nowhere", dangling, Reach::Nothing, false)),
            None,
            Some(("kept", one, Reach::Reference, true)),
        ]
        .map(|told| match told {
            // What is stashed is also in the commit that holds the index.
            Some(("kept", _, Reach::Stash, _)) => {
                let index = sandbox.id(&["rev-parse", "stash^2"]);
                let first = if sandbox.line(&["ls-tree", "-r", "stash^2"]).contains(&blobs[2].to_string()) {
                    index
                } else {
                    stash
                };
                Some(("kept", first, Reach::Stash, false))
            }
            other => other,
        })
    );
}

#[test]
fn sha256_and_one_content_at_many_paths_are_told() {
    let sandbox = Sandbox::repository(&["--object-format=sha256"]);
    for path in ["a/same", "b/same", "b/c/same", "same", "b2/same"] {
        sandbox.write(path, "same");
    }
    let one = sandbox.commit("one");
    sandbox.git(&["mv", "a", "z"]);
    sandbox.commit("two");
    let blob = sandbox.id(&["rev-parse", "HEAD:same"]);
    let located = ask(&sandbox, &[blob]);
    let mut paths: Vec<_> = located[0]
        .iter()
        .map(|place| (str::from_utf8(&place.path).unwrap(), place.commit == one, place.in_head))
        .collect();
    paths.sort_unstable();
    let expected = [
        ("a/same", true, false),
        ("b/c/same", true, true),
        ("b/same", true, true),
        ("b2/same", true, true),
        ("same", true, true),
        ("z/same", false, true),
    ];
    assert_eq!(paths, expected);
}

#[test]
fn a_folder_that_holds_itself_many_times_over_ends() {
    let sandbox = Sandbox::repository(&[]);
    let blob = String::from_utf8(sandbox.git_with(&["hash-object", "-w", "--stdin"], b"bomb")).unwrap();
    let entry = |kind: &str, id: &str, name: usize| format!("{kind} {}\tn{name}\n", id.trim());
    let mut id = blob.clone();
    for level in 0..12 {
        let kind = if level == 0 { "100644 blob" } else { "040000 tree" };
        let listing: String = (0..10).map(|name| entry(kind, &id, name)).collect();
        id = String::from_utf8(sandbox.git_with(&["mktree"], listing.as_bytes())).unwrap();
    }
    let commit = sandbox.line(&["commit-tree", "-m", "x", id.trim()]);
    sandbox.git(&["update-ref", "refs/heads/main", &commit]);
    let located = ask(&sandbox, &[blob.trim().parse().unwrap()]);
    assert_eq!(located[0][0].commit.to_string(), commit);
    assert!(located[0].len() >= 1000);
    assert_eq!(sandbox.objects().format().length(), 20);
}

#[test]
fn in_packs_of_long_deltas_the_answer_is_the_same() {
    let sandbox = Sandbox::repository(&[]);
    large_history(&sandbox);
    let blobs: Vec<ObjectId> = sandbox
        .objects()
        .all()
        .into_iter()
        .filter_map(|(id, kind, _)| (kind == ObjectKind::Blob).then_some(id))
        .collect();
    let sorted = |located: Vec<Vec<Located>>| -> Vec<_> {
        let sort = |mut places: Vec<Located>| {
            places.sort_by(|a, b| a.path.cmp(&b.path));
            places
        };
        located.into_iter().map(sort).collect()
    };
    let expected = sorted(ask(&sandbox, &blobs));
    for depth in ["1", "50", "200"] {
        let (depth, window) = (format!("--depth={depth}"), "--window=50");
        sandbox.git(&["repack", "-a", "-d", "-f", "--quiet", &depth, window]);
        let store = ObjectStore::open(&sandbox.path().join(".git")).unwrap();
        for workers in [NonZeroUsize::MIN, WORKERS] {
            // All at once, and few, which leave most trees out.
            let located = attribute(&blobs, &tips_of(&sandbox), &store, &mut store.reader(), workers).located;
            assert!(sorted(located) == expected, "{depth}");
            for (number, blob) in blobs.iter().enumerate().step_by(17) {
                let located =
                    attribute(&[*blob], &tips_of(&sandbox), &store, &mut store.reader(), workers).located;
                assert_eq!(sorted(located)[0], expected[number]);
            }
        }
    }
}

/// Folders of many files and folders, of which each commit changes a few.
fn large_history(sandbox: &Sandbox) {
    use std::fmt::Write as _;

    let mut random = fastrand::Rng::with_seed(11);
    let mut stream = String::new();
    for commit in 0..150 {
        writeln!(stream, "commit refs/heads/main\nmark :{}", 1000 + commit).unwrap();
        writeln!(stream, "committer C <c@example.com> {} +0000\ndata 0", 1_700_000_000 + commit).unwrap();
        for _ in 0..if commit == 0 { 300 } else { random.usize(1..4) } {
            let folder = ["", "a/", "a/b/", "c/"][random.usize(..4)];
            let path = match random.u8(..10) {
                0..7 => format!("{folder}file-{}", random.u8(..90)),
                _ => format!("{folder}folder-{}/file", random.u8(..20)),
            };
            let text = format!("content {}", random.u8(..60));
            match random.u8(..6) {
                0 if commit > 0 => writeln!(stream, "D {path}").unwrap(),
                _ => writeln!(stream, "M 100644 inline {path}\ndata {}\n{text}", text.len()).unwrap(),
            }
        }
    }
    sandbox.git_with(&["fast-import", "--quiet"], stream.as_bytes());
}

#[test]
fn what_is_deeper_than_folders_are_looked_for_one_by_one_is_found() {
    let sandbox = Sandbox::repository(&[]);
    let path = format!("{}file", "folder/".repeat(40));
    sandbox.write(&path, "deep");
    let one = sandbox.commit("one");
    let blob = sandbox.id(&["rev-parse", &format!("HEAD:{path}")]);
    let located = ask(&sandbox, &[blob]);
    assert_eq!((located[0][0].path.as_slice(), located[0][0].commit), (path.as_bytes(), one));
}
