//! Repositories that git makes.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::git::objects::{ObjectKind, ObjectStore};
use crate::object_id::ObjectId;

/// A bare repository in a folder of its own.
pub(crate) struct Repository {
    folder: TempDir,
    format: &'static str,
}

/// All objects of a repository.
pub(crate) type Objects = BTreeMap<ObjectId, (ObjectKind, Vec<u8>)>;

impl Repository {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self::of_format("sha1")
    }

    pub(crate) fn of_format(format: &'static str) -> Self {
        let repository = Self { folder: TempDir::new().unwrap(), format };
        let path = repository.path();
        repository.git(&[
            "init",
            "-q",
            "--bare",
            &format!("--object-format={format}"),
            &path.to_string_lossy(),
        ]);
        repository
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("r.git")
    }

    /// A path beside the repository.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn store(&self) -> ObjectStore {
        ObjectStore::open(&self.path()).unwrap()
    }

    pub(crate) fn git(&self, arguments: &[&str]) -> Vec<u8> {
        self.git_with(arguments, b"")
    }

    pub(crate) fn git_with(&self, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        let mut command = git(&self.path());
        let mut child = command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let output = std::thread::scope(|scope| {
            // A pipe holds little: who waits for an answer must not be waiting to write.
            scope.spawn(move || stdin.write_all(input));
            child.wait_with_output().unwrap()
        });
        assert!(output.status.success(), "git {arguments:?}");
        output.stdout
    }

    /// Adds commits to a branch, each with these versions of files.
    pub(crate) fn import(&self, branch: &str, commits: &[Vec<(String, Vec<u8>)>]) {
        let mut stream = Vec::new();
        for (number, files) in commits.iter().enumerate() {
            let mut head = String::new();
            writeln!(head, "commit refs/heads/{branch}").unwrap();
            writeln!(head, "committer A <a@example.com> {} +0000", 1_600_000_000 + number).unwrap();
            writeln!(head, "data 2\nc").unwrap();
            stream.extend(head.into_bytes());
            for (name, content) in files {
                stream.extend(format!("M 100644 inline {name}\ndata {}\n", content.len()).into_bytes());
                stream.extend(content);
                stream.push(b'\n');
            }
        }
        self.git_with(&["fast-import", "--quiet", "--force"], &stream);
    }

    /// What git says to be in it: packed, loose, lent; reachable or not.
    pub(crate) fn objects(&self) -> Objects {
        objects(&self.path(), if self.format == "sha1" { 40 } else { 64 })
    }

    /// The only pack.
    pub(crate) fn pack(&self) -> PathBuf {
        let packs = self.packs();
        assert_eq!(packs.len(), 1);
        packs[0].clone()
    }

    pub(crate) fn packs(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path().join("objects/pack")).unwrap();
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "pack"));
        paths.sort();
        paths
    }
}

fn git(directory: &Path) -> Command {
    let mut command = Command::new("git");
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("GIT_CONFIG_NOSYSTEM", "1").env("HOME", directory).env("GIT_DIR", directory);
    command
}

fn objects(directory: &Path, digits: usize) -> Objects {
    let output = git(directory).args(["cat-file", "--batch-all-objects", "--batch"]).output().unwrap();
    let mut rest = output.stdout.as_slice();
    let mut objects = Objects::new();
    while !rest.is_empty() {
        let end = rest.iter().position(|&byte| byte == b'\n').unwrap();
        let head = std::str::from_utf8(&rest[..end]).unwrap();
        let id = head[..digits].parse().unwrap();
        let (kind, size) = head[digits + 1..].split_once(' ').unwrap();
        let (content, tail) = rest[end + 1..].split_at(size.parse().unwrap());
        objects.insert(id, (ObjectKind::from_name(kind.as_bytes()).unwrap(), content.to_vec()));
        rest = &tail[1..];
    }
    objects
}

/// Versions of a text, each with some changes against the one before.
pub(crate) fn versions(seed: u64, count: usize, lines: usize) -> Vec<Vec<u8>> {
    let mut random = fastrand::Rng::with_seed(seed);
    let line = |random: &mut fastrand::Rng| {
        let length = random.usize(5..60);
        let mut line: Vec<u8> = (0..length).map(|_| random.alphanumeric() as u8).collect();
        line.push(b'\n');
        line
    };
    let mut text: Vec<Vec<u8>> = (0..lines).map(|_| line(&mut random)).collect();
    let mut versions = Vec::new();
    for _ in 0..count {
        for _ in 0..random.usize(1..4) {
            let at = random.usize(..text.len());
            match random.u8(..6) {
                0 => drop(text.remove(at)),
                1 => text[at] = line(&mut random),
                2 => {
                    let moved = text.remove(at);
                    text.insert(random.usize(..=text.len()), moved);
                }
                _ => text.insert(at, line(&mut random)),
            }
            if text.is_empty() {
                text.push(line(&mut random));
            }
        }
        versions.push(text.concat());
    }
    versions
}

/// A history of several files.
pub(crate) fn history(seed: u64, files: usize, commits: usize) -> Vec<Vec<(String, Vec<u8>)>> {
    let texts: Vec<_> =
        (0..files).map(|file| versions(seed + file as u64, commits, 20 + 30 * file)).collect();
    let commit = |number: usize| {
        texts
            .iter()
            .enumerate()
            .map(move |(file, versions)| (format!("d{}/f{file}", file % 3), versions[number].clone()))
    };
    (0..commits).map(|number| commit(number).collect()).collect()
}
