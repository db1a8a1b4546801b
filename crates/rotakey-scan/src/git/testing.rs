//! Repositories made by git itself.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::objects::{Object, ObjectFormat, ObjectKind, ReadError};
use super::read::ReadObjects;
use crate::object_id::ObjectId;

/// A folder in which git is run, away from the user's configuration and from the clock.
pub(super) struct Sandbox {
    folder: TempDir,
}

impl Sandbox {
    /// An empty folder.
    pub(super) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A folder that is a repository.
    pub(super) fn repository(options: &[&str]) -> Self {
        let sandbox = Self::new();
        sandbox.git(&[&["init", "--quiet", "--initial-branch=main"], options, &["."]].concat());
        sandbox
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Runs git, which must succeed, and returns what it writes.
    pub(super) fn git(&self, arguments: &[&str]) -> Vec<u8> {
        run(self.path(), arguments, b"")
    }

    /// The same in a folder of the sandbox.
    pub(super) fn git_in(&self, folder: &str, arguments: &[&str]) -> Vec<u8> {
        run(&self.path().join(folder), arguments, b"")
    }

    /// The same with something to read.
    pub(super) fn git_with(&self, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        run(self.path(), arguments, input)
    }

    /// Runs git and returns the one line that it writes.
    pub(super) fn line(&self, arguments: &[&str]) -> String {
        String::from_utf8(self.git(arguments)).unwrap().trim_end().to_owned()
    }

    /// Runs git and returns the id that it writes.
    pub(super) fn id(&self, arguments: &[&str]) -> ObjectId {
        self.line(arguments).parse().unwrap()
    }

    /// Writes a file and the folders above it.
    pub(super) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    /// Adds everything and commits it.
    pub(super) fn commit(&self, message: &str) -> ObjectId {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", message]);
        self.id(&["rev-parse", "HEAD"])
    }

    /// The objects, read by git.
    pub(super) fn objects(&self) -> GitObjects {
        self.objects_in(".")
    }

    /// Those of a repository in the sandbox.
    pub(super) fn objects_in(&self, folder: &str) -> GitObjects {
        GitObjects { folder: self.path().join(folder), content: Vec::new(), read: Vec::new() }
    }
}

/// Objects as `git cat-file` reads them. Slow, and right.
pub(super) struct GitObjects {
    folder: PathBuf,
    content: Vec<u8>,
    /// What was asked for.
    pub(super) read: Vec<ObjectId>,
}

impl GitObjects {
    /// All objects, reachable or not.
    pub(super) fn all(&self) -> Vec<(ObjectId, ObjectKind, Vec<u8>)> {
        let output = run(&self.folder, &["cat-file", "--batch-all-objects", "--batch"], b"");
        let (mut rest, mut all) = (output.as_slice(), Vec::new());
        while let Some(newline) = rest.iter().position(|byte| *byte == b'\n') {
            let words: Vec<&str> = str::from_utf8(&rest[..newline]).unwrap().split(' ').collect();
            let length: usize = words[2].parse().unwrap();
            let content = rest[newline + 1..][..length].to_vec();
            let kind = ObjectKind::from_name(words[1].as_bytes()).unwrap();
            all.push((words[0].parse().unwrap(), kind, content));
            rest = &rest[newline + 1 + length + 1..];
        }
        all
    }
}

impl ReadObjects for GitObjects {
    fn read(&mut self, id: &ObjectId) -> Result<Option<Object<'_>>, ReadError> {
        self.read.push(*id);
        let output = run(&self.folder, &["cat-file", "--batch"], format!("{id}\n").as_bytes());
        let newline = output.iter().position(|byte| *byte == b'\n').unwrap();
        let header = str::from_utf8(&output[..newline]).unwrap();
        if header.ends_with(" missing") {
            return Ok(None);
        }
        let kind = ObjectKind::from_name(header.split(' ').nth(1).unwrap().as_bytes()).unwrap();
        self.content = output[newline + 1..output.len() - 1].to_vec();
        Ok(Some(Object { kind, content: &self.content }))
    }

    fn find_prefix(&mut self, digits: &str) -> Vec<ObjectId> {
        let output = run(&self.folder, &["rev-parse", &format!("--disambiguate={digits}")], b"");
        String::from_utf8(output).unwrap().lines().map(|line| line.parse().unwrap()).collect()
    }

    fn format(&self) -> ObjectFormat {
        match run(&self.folder, &["rev-parse", "--show-object-format"], b"").as_slice() {
            b"sha256\n" => ObjectFormat::Sha256,
            _ => ObjectFormat::Sha1,
        }
    }
}

/// Commits on several branches that add, change, copy, move and remove files, bring back old contents, and merge. The dates are not
/// always in order.
pub(super) fn random_history(sandbox: &Sandbox, seed: u64, commits: usize) {
    use std::fmt::Write as _;

    let mut random = fastrand::Rng::with_seed(seed);
    let mut stream = String::new();
    for content in 0..30 {
        let text = format!("content {content}");
        writeln!(stream, "blob\nmark :{}\ndata {}\n{text}", content + 1, text.len()).unwrap();
    }
    let path = |random: &mut fastrand::Rng| {
        let folders = ["", "a/", "a/b/", "c/", "c/a/", "d/e/f/"];
        format!("{}{}", folders[random.usize(..folders.len())], ["x", "y", "z"][random.usize(..3)])
    };
    let mut tips: Vec<usize> = Vec::new();
    let mut files: std::collections::HashMap<usize, std::collections::BTreeMap<String, usize>> =
        Default::default();
    for number in 0..commits {
        let mark = 1000 + number;
        let branch =
            if tips.is_empty() || random.u8(..20) == 0 { tips.len() } else { random.usize(..tips.len()) };
        let first = tips.get(branch).copied();
        let mut own = first.map(|first| files[&first].clone()).unwrap_or_default();
        let seconds = 1_700_000_000 + 100 * number as i64 - if random.u8(..10) == 0 { 5000 } else { 0 };
        writeln!(stream, "commit refs/heads/branch{branch}\nmark :{mark}").unwrap();
        writeln!(stream, "author A{number} <a{number}@example.com> {seconds} +0000").unwrap();
        writeln!(stream, "committer C <c@example.com> {seconds} +0000\ndata 0").unwrap();
        if let Some(first) = first {
            writeln!(stream, "from :{first}").unwrap();
            if tips.len() > 1 && random.u8(..4) == 0 {
                let other = tips[random.usize(..tips.len())];
                if other != first {
                    writeln!(stream, "merge :{other}").unwrap();
                    own.extend(files[&other].clone());
                }
            }
        }
        for _ in 0..random.usize(0..4) {
            let name = path(&mut random);
            let some: Vec<String> = own.keys().cloned().collect();
            match (random.u8(..4), some.get(random.usize(..some.len().max(1)))) {
                (0, Some(old)) => {
                    own.remove(old);
                }
                (1, Some(old)) => {
                    let content = own[old];
                    own.insert(name, content);
                }
                (2, Some(old)) => {
                    let content = own.remove(old).unwrap();
                    own.insert(name, content);
                }
                _ => {
                    own.insert(name, random.usize(1..=30));
                }
            }
        }
        stream.push_str("deleteall\n");
        for (name, content) in &own {
            writeln!(stream, "M 100644 :{content} {name}").unwrap();
        }
        files.insert(mark, own);
        if branch == tips.len() { tips.push(mark) } else { tips[branch] = mark }
    }
    sandbox.git_with(&["fast-import", "--quiet", "--force"], stream.as_bytes());
    sandbox.git(&["symbolic-ref", "HEAD", "refs/heads/branch0"]);
}

fn run(folder: &Path, arguments: &[&str], input: &[u8]) -> Vec<u8> {
    let mut command = Command::new("git");
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", folder);
    command.envs([
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_CONFIG_SYSTEM", "/dev/null"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        // What a partial clone lacks stays away.
        ("GIT_NO_LAZY_FETCH", "1"),
        ("GIT_CONFIG_COUNT", "1"),
        ("GIT_CONFIG_KEY_0", "protocol.file.allow"),
        ("GIT_CONFIG_VALUE_0", "always"),
        ("GIT_AUTHOR_NAME", "A U Thor"),
        ("GIT_AUTHOR_EMAIL", "author@example.com"),
        ("GIT_AUTHOR_DATE", "1700000000 +0100"),
        ("GIT_COMMITTER_NAME", "C O Mitter"),
        ("GIT_COMMITTER_EMAIL", "committer@example.com"),
        ("GIT_COMMITTER_DATE", "1700000000 +0100"),
    ]);
    command.current_dir(folder).args(arguments);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("git is installed");
    let mut standard_input = child.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || {
            // Git may have read enough, or have failed.
            let _ = standard_input.write_all(input);
        });
        child.wait_with_output().unwrap()
    });
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}
