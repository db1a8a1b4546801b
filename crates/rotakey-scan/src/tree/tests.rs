use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, PermissionsExt, symlink};
use std::process::Command;

use tempfile::TempDir;

use super::*;
use crate::pieces::{OVERLAP, PIECE};
use crate::scan::{Options, Report};
use crate::specimen::Specimen;

/// A folder with files in it, each of which holds the same id but where it is told otherwise.
struct Tree {
    folder: TempDir,
    id: String,
}

impl Tree {
    fn new(files: &[&str]) -> Self {
        let tree = Self { folder: TempDir::new().unwrap(), id: Specimen::from_seed(1).access_key_id };
        for file in files {
            tree.file(file, &format!("first\n  {}\n", tree.id));
        }
        tree
    }

    fn file(&self, name: &str, content: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where something is found below some paths, without the folder.
    fn found(&self, paths: &[&str], heed_ignore_files: bool) -> (Vec<String>, Report) {
        let paths: Vec<_> = paths.iter().map(|path| self.path(path)).collect();
        let report = scanned(&paths, heed_ignore_files);
        let folder = format!("{}/", self.folder.path().display());
        let found = report.findings.iter().map(|finding| finding.path.replace(&folder, "")).collect();
        (found, report)
    }
}

fn scanned(paths: &[PathBuf], heed_ignore_files: bool) -> Report {
    let reports: Vec<_> = [1, 3]
        .into_iter()
        .map(|workers| {
            let scan = Scan::new(Options::default());
            super::scan(
                paths,
                TreeOptions { heed_ignore_files, ..TreeOptions::default() },
                &scan,
                NonZeroUsize::new(workers).unwrap(),
                &(),
            )
            .unwrap();
            scan.finish()
        })
        .collect();
    assert_eq!(reports[0].coverage, reports[1].coverage);
    let paths =
        |report: &Report| report.findings.iter().map(|finding| finding.path.clone()).collect::<Vec<_>>();
    assert_eq!(paths(&reports[0]), paths(&reports[1]));
    reports.into_iter().next().unwrap()
}

#[test]
fn all_files_are_read_hidden_ones_too_and_no_git_folders() {
    let tree =
        Tree::new(&["a", "b/c", "b/.hidden", ".d/e/f", ".git/config", "b/.git/objects/x", "g/.github/x"]);
    for number in 0..100 {
        tree.file(&format!("many/{number}"), "nothing");
    }
    let (found, report) = tree.found(&[""], true);
    assert_eq!(found, [".d/e/f", "a", "b/.hidden", "b/c", "g/.github/x"]);
    assert_eq!(report.coverage.contents, 105);
    assert_eq!(report.coverage.unread, []);
    assert_eq!(report.findings[0].position.line, 2);
    // What is named is read.
    assert_eq!(tree.found(&[".git"], true).0, [".git/config"]);
}

#[test]
fn what_ignore_files_name_is_left_out_and_counted() {
    let tree = Tree::new(&[
        "repository/kept",
        "repository/ignored.log",
        "repository/kept.log",
        "repository/build/x",
        "repository/sub/y.tmp",
        "repository/sub/kept.tmp",
        "repository/excluded",
        "repository/dot",
        "repository/inner/excluded",
        "plain/z.log",
        "plain/dot",
    ]);
    fs::create_dir_all(tree.path("repository/.git/info")).unwrap();
    fs::create_dir_all(tree.path("repository/inner/.git")).unwrap();
    tree.file("repository/.git/info/exclude", "excluded\n");
    tree.file("repository/.gitignore", "*.log\n!kept.log\n/build/\n");
    tree.file("repository/.ignore", "dot\n");
    tree.file("repository/sub/.gitignore", "*.tmp\n!kept.tmp\n");
    // Not in a repository, where git would heed it.
    tree.file("plain/.gitignore", "*.log\n");
    tree.file("plain/.ignore", "dot\n");
    let expected = [
        "plain/z.log",
        "repository/inner/excluded",
        "repository/kept",
        "repository/kept.log",
        "repository/sub/kept.tmp",
    ];
    let (found, report) = tree.found(&[""], true);
    assert_eq!(found, expected);
    assert_eq!(report.coverage.left_out.ignored, 6);

    let (found, report) = tree.found(&[""], false);
    assert_eq!((found.len(), report.coverage.left_out.ignored), (11, 0));

    // The same from within, because of the folders above; and what is named is read.
    assert_eq!(tree.found(&["repository/sub"], true).0, ["repository/sub/kept.tmp"]);
    assert_eq!(
        tree.found(&["repository/build", "repository/ignored.log"], true).0,
        ["repository/build/x", "repository/ignored.log"]
    );
}

/// Whoever has git has its opinion, too.
#[test]
fn git_itself_leaves_out_the_same() {
    let tree = Tree::new(&[
        "a/b/c.o",
        "a/b/d",
        "a/x/b/e",
        "doc/frotz/f",
        "a/doc/frotz/g",
        "hello.txt",
        "hello.c",
        "foo bar",
        "#h",
        "q/w/r",
        "q/s",
    ]);
    tree.file(".gitignore", "*.o\n/hello.*\n!/hello.c\ndoc/frotz/\na/**/e\nfoo\\ bar\n\\#h\nq/*\n!q/s\n");
    let git = |arguments: &[&str]| {
        Command::new("git")
            .arg("-C")
            .arg(tree.folder.path())
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .output()
            .unwrap()
    };
    assert!(git(&["init", "-q"]).status.success());
    let listed = git(&["ls-files", "--others", "--exclude-standard"]).stdout;
    let mut listed: Vec<_> =
        str::from_utf8(&listed).unwrap().lines().filter(|name| *name != ".gitignore").collect();
    listed.sort_unstable();
    assert_eq!(tree.found(&[""], true).0, listed);
}

#[test]
fn symbolic_links_are_followed_only_where_they_are_named() {
    let tree = Tree::new(&["folder/a", "file"]);
    symlink("folder", tree.path("to-folder")).unwrap();
    symlink("file", tree.path("to-file")).unwrap();
    symlink("nowhere", tree.path("to-nothing")).unwrap();
    symlink("..", tree.path("folder/up")).unwrap();
    let (found, report) = tree.found(&[""], true);
    assert_eq!(found, ["file", "folder/a"]);
    assert_eq!(report.coverage.left_out.symbolic_links, 4);
    assert_eq!(report.coverage.unread, []);
    assert_eq!(tree.found(&["to-folder", "to-file"], true).0, ["to-file", "to-folder/a"]);
}

#[test]
fn pipes_and_sockets_are_counted_and_do_not_hold_up() {
    let tree = Tree::new(&["a"]);
    let pipe = tree.path("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(tree.path("socket")).unwrap();
    let (found, report) = tree.found(&[""], true);
    assert_eq!((found.len(), report.coverage.left_out.special), (1, 2));
    assert_eq!(report.coverage.unread, []);

    // A pipe that is named is read.
    let content = format!("\n{}\n", tree.id);
    std::thread::scope(|scope| {
        scope.spawn(|| fs::write(&pipe, content).unwrap());
        let scan = Scan::new(Options::default());
        super::scan(std::slice::from_ref(&pipe), TreeOptions::default(), &scan, NonZeroUsize::MIN, &())
            .unwrap();
        let report = scan.finish();
        assert_eq!(report.findings.len(), 1);
        assert_eq!(report.findings[0].position.line, 2);
    });
}

#[test]
fn paths_in_one_another_are_read_once() {
    let tree = Tree::new(&["a/b/c", "a/d", "e"]);
    let all = ["a/b/c", "a/d", "e"];
    for paths in [&["", "a"][..], &["a", ""], &["", "a/b/c", "e"], &["e", "e", "", "a/b", "a/../a/b/c"]] {
        let (found, report) = tree.found(paths, true);
        assert_eq!(found.iter().map(|path| path.replace("a/../", "")).collect::<Vec<_>>(), all, "{paths:?}");
        assert_eq!(report.coverage.contents, 3, "{paths:?}");
    }
    // Each name of a file leads to it.
    fs::hard_link(tree.path("e"), tree.path("f")).unwrap();
    assert_eq!(tree.found(&[""], true).0, ["a/b/c", "a/d", "e", "f"]);
}

#[test]
fn a_path_that_is_not_there_is_an_error() {
    let tree = Tree::new(&["a"]);
    symlink("nowhere", tree.path("to-nothing")).unwrap();
    for missing in ["b", "a/b", "to-nothing"] {
        let scan = Scan::new(Options::default());
        let paths = [tree.path("a"), tree.path(missing)];
        let error = super::scan(&paths, TreeOptions::default(), &scan, NonZeroUsize::MIN, &()).unwrap_err();
        assert_eq!(error.to_string(), format!("{} does not exist", tree.path(missing).display()));
        assert_eq!(scan.finish().coverage.contents, 0);
    }
}

#[test]
fn what_may_not_be_read_is_told() {
    let tree = Tree::new(&["a", "closed/b", "c"]);
    let close = |name: &str| fs::set_permissions(tree.path(name), fs::Permissions::from_mode(0o000)).unwrap();
    close("closed");
    close("c");
    if fs::File::open(tree.path("c")).is_ok() {
        // Root may read everything.
        return;
    }
    let (found, report) = tree.found(&[""], true);
    fs::set_permissions(tree.path("closed"), fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(found, ["a"]);
    assert_eq!(report.coverage.unread.len(), 2);
}

#[test]
fn names_need_not_be_utf8() {
    let tree = Tree::new(&[]);
    let folder = tree.path("").join(std::ffi::OsStr::from_bytes(b"\xFFfolder"));
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join(std::ffi::OsStr::from_bytes(b"fi\xC3le")), &tree.id).unwrap();
    assert_eq!(tree.found(&[""], true).0, ["\u{FFFD}folder/fi\u{FFFD}le"]);
}

#[test]
fn files_of_any_size_are_read_whole() {
    let tree = Tree::new(&[]);
    let sizes = [20, 65_515, 65_535, 65_536, 65_537, PIECE - 1, PIECE, PIECE + 1, PIECE + OVERLAP, 3 * PIECE];
    for size in sizes {
        let mut content = vec![b'\n'; size - 20];
        content.extend(tree.id.as_bytes());
        fs::write(tree.path(&size.to_string()), content).unwrap();
    }
    tree.file("empty", "");
    // Nothing but holes, and something at the end.
    let sparse = fs::File::create(tree.path("sparse")).unwrap();
    sparse.write_all_at(tree.id.as_bytes(), 50 << 20).unwrap();
    let (found, report) = tree.found(&[""], true);
    assert_eq!(found.len(), sizes.len() + 1);
    for finding in &report.findings {
        let size = finding.path.rsplit_once('/').unwrap().1.parse::<u32>();
        assert_eq!(finding.position.line, size.map_or(1, |size| size - 19));
    }
    let bytes: usize = sizes.iter().sum();
    assert_eq!(report.coverage.bytes, (bytes + (50 << 20) + 20) as u64);
}

/// Those of `/proc` say that they are empty.
#[cfg(target_os = "linux")]
#[test]
fn files_that_do_not_tell_their_size_are_read() {
    let report = scanned(&[PathBuf::from("/proc/self/status"), PathBuf::from("/proc/cpuinfo")], true);
    assert_eq!(report.coverage.contents, 2);
    assert!(report.coverage.bytes > 1_000);
}

#[test]
fn files_that_grow_and_shrink_while_they_are_read_are_read_as_they_are() {
    let tree = Tree::new(&["file"]);
    let path = tree.path("file");
    let file = fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
    for size_before in [0, 1, 28, 1_000, 5 << 20] {
        // As if it had had another size when it was asked for.
        let mut status = rustix::fs::fstat(&file).unwrap();
        status.st_size = size_before;
        let scan = Scan::new(Options::default());
        let mut files = file::Files { scan: &scan, progress: &(), buffer: Vec::new() };
        files.scan_file(fs::File::open(&path).unwrap().into(), &status, &path);
        let report = scan.finish();
        assert_eq!((report.findings.len(), report.coverage.contents), (1, 1), "{size_before}");
    }
}

#[test]
fn the_folder_one_is_in_is_told_without_a_dot() {
    let walk_root = PathBuf::from(".");
    let report = scanned(&[walk_root], true);
    assert!(report.coverage.contents > 10 && report.coverage.unread.is_empty());
}
