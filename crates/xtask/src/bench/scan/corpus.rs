//! What is scanned: the labelled set, a work tree, a history, and repositories in which a change is staged. Made once from
//! packages that `pip` and `npm` fetch, and kept.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::super::measure;
use super::Options;
use super::pins::{self, Package};
use super::verdict::{Labels, Planted};
use crate::failure::{Failure, While as _};
use crate::process;
use crate::python::Environment;
use crate::repository::Repository;

/// How many releases `npm pack` is told to fetch at once.
const BATCH: usize = 25;
/// How many files the large repository has.
const MANY_FILES: usize = 50_000;

/// All that is scanned.
pub(super) struct Corpora {
    pub(super) labelled: Labelled,
    pub(super) tree: Tree,
    pub(super) small_tree: Tree,
    pub(super) history: History,
    /// A repository of few files.
    pub(super) few: PathBuf,
    /// One of very many.
    pub(super) many: PathBuf,
}

/// The labelled set.
pub(super) struct Labelled {
    /// The folder that scanners are pointed at.
    pub(super) files: PathBuf,
    pub(super) labels: Labels,
}

/// A work tree.
pub(super) struct Tree {
    pub(super) folder: PathBuf,
    pub(super) files: u64,
    pub(super) bytes: u64,
    pub(super) planted: Planted,
}

/// A bare repository.
pub(super) struct History {
    pub(super) repository: PathBuf,
    pub(super) commits: u64,
    pub(super) objects: u64,
    pub(super) pack_bytes: u64,
    pub(super) blobs: u64,
    pub(super) blob_bytes: u64,
    pub(super) planted: Planted,
}

/// Makes corpora.
pub(super) struct Maker<'a> {
    pub(super) folder: PathBuf,
    /// The scripts that make trees and histories.
    pub(super) scripts: PathBuf,
    /// Where our own programs are.
    pub(super) programs: &'a Path,
    /// The environment that has pip.
    pub(super) peers: &'a Environment,
}

impl Maker<'_> {
    /// Makes what is not there yet.
    pub(super) fn make(&self, options: &Options) -> Result<Corpora, Failure> {
        std::fs::create_dir_all(&self.folder).could_not("make a folder for the corpora")?;
        let labelled = self.labelled(options)?;
        let packages = pins::tree();
        let (tree, small_tree, history) = if options.is_quick {
            let tree = || self.tree("tree-quick", &pins::quick(&packages), options.seed);
            (tree()?, tree()?, self.history("history-quick", &pins::quick_history(), &[], options)?)
        } else {
            (
                self.tree("tree", &packages, options.seed)?,
                self.tree("tree-small", &pins::small(&packages), options.seed)?,
                self.history("history", pins::HISTORY, &pins::imported(&packages), options)?,
            )
        };
        let id = small_tree.planted.first_id().ok_or_else(|| Failure::new("nothing was planted"))?;
        let few = self.staged("staged-few", 3, id)?;
        let many = self.staged("staged-many", if options.is_quick { 500 } else { MANY_FILES }, id)?;
        Ok(Corpora { labelled, tree, small_tree, history, few, many })
    }

    /// The labelled set is made in an instant, so it is made anew each time.
    fn labelled(&self, options: &Options) -> Result<Labelled, Failure> {
        let folder = self.folder.join("labelled");
        measure::empty(&folder)?;
        let mut generator = Command::new(self.programs.join("leak-corpus"));
        generator.arg("--out").arg(&folder).args(["--seed", &options.seed.to_string()]);
        process::run(generator.args(["--seeds", &options.seeds.to_string()]))?;
        let labels = Labels::read(&read_json(&folder.join("labels.json"))?)?;
        Ok(Labelled { files: folder.join("files"), labels })
    }

    fn tree(&self, name: &str, packages: &[Package], seed: u64) -> Result<Tree, Failure> {
        let folder = self.folder.join(name);
        let archives = self.folder.join("packages");
        let script = self.scripts.join("scan_tree.py");
        let list = packages.iter().map(|package| format!("{} ", package.specification)).collect::<String>();
        if self.is_missing(&folder, &format!("{list}{seed}"), &script)? {
            self.fetch(packages, &archives)?;
            println!("Making a work tree of {} packages.", packages.len());
            let mut python = Command::new(self.peers.program("python"));
            python.arg(&script).arg(folder.join("files")).arg(folder.join("truth.json"));
            python.args(["--seed", &seed.to_string(), "--archives"]);
            process::run(python.args(packages.iter().filter_map(|package| package.archive(&archives))))?;
            self.finish(&folder)?;
        }
        let truth = read_json(&folder.join("truth.json"))?;
        let read = || {
            Some(Tree {
                folder: folder.join("files"),
                files: truth["files"].as_u64()?,
                bytes: truth["bytes"].as_u64()?,
                planted: Planted::read(&truth)?,
            })
        };
        read().ok_or_else(unexpected)
    }

    fn history(
        &self,
        name: &str,
        pins: &str,
        imported: &[Package],
        options: &Options,
    ) -> Result<History, Failure> {
        let folder = self.folder.join(name);
        let archives = self.folder.join("releases");
        let script = self.scripts.join("scan_history.py");
        let made_from = format!("{pins}{imported:?}{} {}", options.commits, options.seed);
        if self.is_missing(&folder, &made_from, &script)? {
            self.fetch(&pins::releases(pins), &archives)?;
            let packages = self.folder.join("packages");
            self.fetch(imported, &packages)?;
            println!("Making a history of {} commits. This takes some minutes.", options.commits);
            let list = folder.join("releases.txt");
            std::fs::write(&list, pins).could_not("write the list of releases")?;
            let mut python = Command::new(self.peers.program("python"));
            python.arg(&script).arg(&archives).arg(&list);
            python.arg(folder.join("repository.git")).arg(folder.join("truth.json"));
            python.args(["--commits", &options.commits.to_string(), "--seed", &options.seed.to_string()]);
            python.arg("--imports").args(imported.iter().filter_map(|package| package.archive(&packages)));
            process::run(&mut python)?;
            self.finish(&folder)?;
        }
        let truth = read_json(&folder.join("truth.json"))?;
        let read = || {
            Some(History {
                repository: folder.join("repository.git"),
                commits: truth["commits"].as_u64()?,
                objects: truth["objects"].as_u64()?,
                pack_bytes: truth["pack_bytes"].as_u64()?,
                blobs: truth["blobs"].as_u64()?,
                blob_bytes: truth["blob_bytes"].as_u64()?,
                planted: Planted::read(&truth)?,
            })
        };
        read().ok_or_else(unexpected)
    }

    /// A repository of so many files in which a file with a key id is staged.
    fn staged(&self, name: &str, files: usize, id: &str) -> Result<PathBuf, Failure> {
        let folder = self.folder.join(name);
        let made_from = format!("{files} {id}");
        if !self.is_missing(&folder, &made_from, Path::new(file!()))? {
            return Ok(folder.join("repository"));
        }
        let repository = folder.join("repository");
        let git = || {
            let mut git = Command::new("git");
            git.arg("-C").arg(&repository);
            git
        };
        process::run(
            Command::new("git").args(["init", "--quiet", "--initial-branch=main"]).arg(&repository),
        )?;
        let mut stream =
            b"commit refs/heads/main\ncommitter A <a@example.com> 1700000000 +0000\ndata 5\nBegin".to_vec();
        stream.push(b'\n');
        for number in 0..files {
            let text = format!("file {number}\n");
            let path = format!("source/{}/{number}.txt", number / 100);
            let _ = write!(stream, "M 100644 inline {path}\ndata {}\n{text}\n", text.len());
        }
        let mut import = git();
        let mut import = import
            .args(["fast-import", "--quiet"])
            .stdin(Stdio::piped())
            .spawn()
            .could_not("run `git fast-import`")?;
        import.stdin.take().expect("it was piped").write_all(&stream).could_not("fill a repository")?;
        if !import.wait().could_not("fill a repository")?.success() {
            return Err(Failure::new("git fast-import failed"));
        }
        process::run(git().args(["read-tree", "HEAD"]))?;
        std::fs::write(repository.join("deploy.env"), format!("KEY={id}\n")).could_not("write a file")?;
        process::run(git().args(["add", "deploy.env"]))?;
        self.finish(&folder)?;
        Ok(repository)
    }

    /// Fetches what is not there yet. Both programs check what they fetch by its hash.
    fn fetch(&self, packages: &[Package], archives: &Path) -> Result<(), Failure> {
        std::fs::create_dir_all(archives).could_not("make a folder for packages")?;
        let missing = |is_npm: bool| -> Vec<&str> {
            let missing = packages
                .iter()
                .filter(|package| package.is_npm == is_npm && package.archive(archives).is_none());
            missing.map(|package| package.specification.as_str()).collect()
        };
        let (wheels, tarballs) = (missing(false), missing(true));
        if !wheels.is_empty() || !tarballs.is_empty() {
            println!("Fetching {} packages.", wheels.len() + tarballs.len());
        }
        if !wheels.is_empty() {
            let mut pip = Command::new(self.peers.program("python"));
            pip.args(["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest"]);
            process::run(pip.arg(archives).args(wheels))?;
        }
        for batch in tarballs.chunks(BATCH) {
            let mut npm = Command::new("npm");
            npm.args(["pack", "--silent", "--ignore-scripts", "--pack-destination"])
                .arg(archives)
                .args(batch);
            process::capture(&mut npm)
                .map_err(|failure| failure.hint("npm and a package registry are needed"))?;
        }
        Ok(())
    }

    /// Whether the corpus is not there, or was made from something else; it is then to be made in the folder, which is
    /// emptied.
    fn is_missing(&self, folder: &Path, made_from: &str, script: &Path) -> Result<bool, Failure> {
        let mut hasher = DefaultHasher::new();
        made_from.hash(&mut hasher);
        for script in [script, &self.scripts.join("scan_key.py")] {
            std::fs::read(script).unwrap_or_default().hash(&mut hasher);
        }
        let stamp = format!("{:016x}", hasher.finish());
        if std::fs::read_to_string(folder.join("made-from")).is_ok_and(|found| found == stamp) {
            return Ok(false);
        }
        measure::empty(folder)?;
        std::fs::write(folder.join("being-made-from"), stamp).could_not("begin a corpus")?;
        Ok(true)
    }

    /// Says that the corpus is complete.
    fn finish(&self, folder: &Path) -> Result<(), Failure> {
        std::fs::rename(folder.join("being-made-from"), folder.join("made-from")).could_not("finish a corpus")
    }
}

fn read_json(path: &Path) -> Result<Value, Failure> {
    let text = std::fs::read_to_string(path).could_not(format!("read {}", path.display()))?;
    serde_json::from_str(&text).could_not(format!("read {}", path.display()))
}

fn unexpected() -> Failure {
    Failure::new("the truth about a corpus has another form than expected")
}

/// The folder that holds the corpora.
pub(super) fn folder(repository: &Repository) -> PathBuf {
    repository.scratch().join("bench-scan")
}
