use super::*;
use crate::coverage::Reason;
use crate::git::testing::Sandbox;
use crate::scan::Options;
use crate::specimen::Specimen;

const WORKERS: NonZeroUsize = NonZeroUsize::new(2).unwrap();

fn history(sandbox: &Sandbox, folder: &str) -> Report {
    let repository = Repository::open(&sandbox.path().join(folder)).unwrap().unwrap();
    let store = ObjectStore::open(&repository.git_dir).unwrap();
    let scan = Scan::new(Options::default());
    scan_blobs("here", &repository, &store, &scan, None, WORKERS, &());
    let mut report = scan.finish();
    locate(&mut report, &repository, &store, WORKERS).unwrap();
    report
}

const TEMPLATE: &str =
    "[default]\naws_access_key_id = {access_key_id}\naws_secret_access_key = {secret_access_key}\n";

#[test]
fn keys_that_were_removed_that_stayed_and_that_no_commit_has_are_found_with_their_commits() {
    for options in [&[][..], &["--object-format=sha256", "--ref-format=reftable"][..]] {
        let sandbox = Sandbox::repository(options);
        let key = |seed| Specimen::from_seed(seed).fill(TEMPLATE);
        sandbox.write("a/removed", key(1));
        sandbox.write("readme", "nothing");
        let one = sandbox.commit("one");
        std::fs::remove_file(sandbox.path().join("a/removed")).unwrap();
        sandbox.write("stays", key(2));
        let two = sandbox.commit("two");
        sandbox.git(&["mv", "stays", "moved"]);
        sandbox.commit("three");
        sandbox.write("never", key(3));
        sandbox.git(&["hash-object", "-w", "never"]);
        for repacked in [false, true] {
            if repacked {
                sandbox.git(&["repack", "-adkq"]);
            }
            let report = history(&sandbox, ".");
            let mut told: Vec<_> = report
                .findings
                .iter()
                .map(|finding| {
                    let introduced = finding.introduced.as_ref();
                    let introduced = introduced.map(|by| (by.commit, by.email.as_str(), by.in_head));
                    (finding.path.clone(), finding.position.line, introduced)
                })
                .collect();
            told.sort();
            let dangling = format!("blob {}", sandbox.id(&["hash-object", "never"]));
            let author = "author@example.com";
            let mut expected = Vec::new();
            for line in [2, 3] {
                expected.push(("a/removed".to_owned(), line, Some((one, author, false))));
                expected.push((dangling.clone(), line, None));
                expected.push(("stays".to_owned(), line, Some((two, author, true))));
            }
            expected.sort();
            assert_eq!(told, expected);
            assert_eq!(report.coverage.unread, []);
            assert_eq!(report.coverage.contents, 4);
        }
    }
}

#[test]
fn what_shallow_and_partial_clones_lack_is_told_once() {
    let sandbox = Sandbox::new();
    sandbox.git(&["init", "--quiet", "origin"]);
    sandbox.git_in("origin", &["config", "uploadpack.allowFilter", "true"]);
    for number in 0..4 {
        sandbox.write(&format!("origin/folder/{number}"), format!("{number}"));
        sandbox.git_in("origin", &["add", "."]);
        sandbox.git_in("origin", &["commit", "--quiet", "-m", "x"]);
    }
    let url = format!("file://{}", sandbox.path().join("origin").display());
    sandbox.git(&["clone", "--quiet", "--depth=2", &url, "shallow"]);
    sandbox.git(&["clone", "--quiet", "--bare", "--filter=blob:none", &url, "partial"]);
    let told = |folder| -> Vec<(Reason, String)> {
        let report = history(&sandbox, folder);
        report.coverage.unread.into_iter().map(|unread| (unread.reason, unread.detail)).collect()
    };
    assert_eq!(told("origin"), []);
    assert_eq!(told("shallow"), [(Reason::Shallow, "a shallow clone has not all commits".to_owned())]);
    assert_eq!(told("partial"), [(Reason::Missing, "4 blobs are not here (partial clone)".to_owned())]);
}

#[test]
fn what_could_not_be_read_is_told_by_its_path() {
    let sandbox = Sandbox::repository(&[]);
    std::fs::write(sandbox.path().join("cut.gz"), [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3]).unwrap();
    sandbox.commit("one");
    std::fs::remove_file(sandbox.path().join("cut.gz")).unwrap();
    sandbox.commit("two");
    let places: Vec<String> =
        history(&sandbox, ".").coverage.unread.into_iter().map(|unread| unread.place).collect();
    assert_eq!(places, ["cut.gz"]);
}
