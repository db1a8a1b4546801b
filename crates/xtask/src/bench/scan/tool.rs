//! The scanners that are measured, each called as its users call it, and what nobody can be faster than.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::Bench;
use super::corpus::{History, Labelled, Tree};
use super::found::Form;

/// A tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tool {
    Rotakey,
    Ripgrep,
    GitSecrets,
    KingfisherTurbo,
    KingfisherAws,
    KingfisherAll,
    KingfisherHidden,
    GitleaksAws,
    GitleaksAll,
    DetectSecretsAws,
    DetectSecretsAll,
    InflatePack,
    CatFile,
    LogPatch,
    DiffCached,
}

/// What a tool is to do.
#[derive(Clone, Copy)]
pub(super) enum Job<'a> {
    Labelled(&'a Labelled),
    Tree(&'a Tree),
    History(&'a History),
    /// In the repository, look at what is staged.
    Staged(&'a Path),
}

impl Tool {
    /// For the labelled set.
    pub(super) const LABELLED: [Self; 10] = [
        Self::Rotakey,
        Self::Ripgrep,
        Self::GitSecrets,
        Self::KingfisherAws,
        Self::KingfisherAll,
        Self::KingfisherHidden,
        Self::GitleaksAws,
        Self::GitleaksAll,
        Self::DetectSecretsAws,
        Self::DetectSecretsAll,
    ];
    /// For the work tree.
    pub(super) const TREE: [Self; 8] = [
        Self::Rotakey,
        Self::Ripgrep,
        Self::GitSecrets,
        Self::KingfisherTurbo,
        Self::KingfisherAws,
        Self::KingfisherAll,
        Self::GitleaksAws,
        Self::GitleaksAll,
    ];
    /// For the small work tree.
    pub(super) const SMALL_TREE: [Self; 6] = [
        Self::Rotakey,
        Self::Ripgrep,
        Self::KingfisherAws,
        Self::GitleaksAws,
        Self::DetectSecretsAws,
        Self::DetectSecretsAll,
    ];
    /// For the history. git-secrets greps the whole tree of each commit in which a line with a key came or went, which does
    /// not come to an end within minutes where more than a few keys are planted.
    pub(super) const HISTORY: [Self; 8] = [
        Self::Rotakey,
        Self::InflatePack,
        Self::CatFile,
        Self::LogPatch,
        Self::KingfisherTurbo,
        Self::KingfisherAws,
        Self::KingfisherAll,
        Self::GitleaksAws,
    ];
    /// For what is staged.
    pub(super) const STAGED: [Self; 7] = [
        Self::Rotakey,
        Self::DiffCached,
        Self::GitSecrets,
        Self::DetectSecretsAll,
        Self::KingfisherAws,
        Self::KingfisherAll,
        Self::GitleaksAll,
    ];

    /// What the page calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Rotakey => "rotakey scan",
            Self::Ripgrep => r"ripgrep, `(AKIA\|ASIA)[A-Z2-7]{16}`",
            Self::GitSecrets => "git-secrets",
            Self::KingfisherTurbo => "Kingfisher, AWS rules, `--turbo`, no archives",
            Self::KingfisherAws => "Kingfisher, AWS rules",
            Self::KingfisherAll => "Kingfisher",
            Self::KingfisherHidden => "Kingfisher, `--include-hidden-findings -c low`",
            Self::GitleaksAws => "gitleaks, AWS rule",
            Self::GitleaksAll => "gitleaks",
            Self::DetectSecretsAws => "detect-secrets, AWS plugin",
            Self::DetectSecretsAll => "detect-secrets",
            Self::InflatePack => "libdeflate, inflating each blob entry once",
            Self::CatFile => "`git cat-file --batch-all-objects --unordered`",
            Self::LogPatch => "`git log -p -U0 --full-history --all`",
            Self::DiffCached => "`git diff --cached -U0`",
        }
    }

    /// Its name in the names of folders.
    pub(super) fn slug(self) -> &'static str {
        match self {
            Self::Rotakey => "rotakey",
            Self::Ripgrep => "ripgrep",
            Self::GitSecrets => "git-secrets",
            Self::KingfisherTurbo => "kingfisher-turbo",
            Self::KingfisherAws => "kingfisher-aws",
            Self::KingfisherAll => "kingfisher-all",
            Self::KingfisherHidden => "kingfisher-hidden",
            Self::GitleaksAws => "gitleaks-aws",
            Self::GitleaksAll => "gitleaks-all",
            Self::DetectSecretsAws => "detect-secrets-aws",
            Self::DetectSecretsAll => "detect-secrets-all",
            Self::InflatePack => "inflate-pack",
            Self::CatFile => "cat-file",
            Self::LogPatch => "log-patch",
            Self::DiffCached => "diff-cached",
        }
    }

    /// How it reports; `None` for what does not look for keys.
    pub(super) fn form(self) -> Option<Form> {
        Some(match self {
            Self::Rotakey => Form::Rotakey,
            Self::Ripgrep => Form::Matches,
            Self::GitSecrets => Form::Lines,
            Self::KingfisherTurbo | Self::KingfisherAws | Self::KingfisherAll | Self::KingfisherHidden => {
                Form::Kingfisher
            }
            Self::GitleaksAws | Self::GitleaksAll => Form::Gitleaks,
            Self::DetectSecretsAws | Self::DetectSecretsAll => Form::DetectSecrets,
            Self::InflatePack | Self::CatFile | Self::LogPatch | Self::DiffCached => return None,
        })
    }

    /// The file in the folder that holds its report.
    pub(super) fn report(self, folder: &Path) -> PathBuf {
        let is_file = matches!(self.form(), Some(Form::Kingfisher | Form::Gitleaks));
        folder.join(if is_file { "report.json" } else { "log" })
    }

    /// With which codes it ends when all is well, whether it found something or not.
    pub(super) const EXIT_CODES: [i64; 4] = [0, 1, 200, 205];

    /// What takes most of a minute is run once.
    pub(super) fn most_runs(self, job: Job<'_>) -> usize {
        match (job, self) {
            (Job::Labelled(_), _) => 1,
            (Job::Tree(_), Self::GitleaksAws | Self::GitleaksAll)
            | (Job::Tree(_), Self::DetectSecretsAws | Self::DetectSecretsAll)
            | (Job::History(_), Self::KingfisherAll | Self::GitleaksAws | Self::LogPatch) => 1,
            _ => usize::MAX,
        }
    }

    /// Whether to look also at how much memory it has beside mapped files.
    pub(super) fn is_sampled(self, job: Job<'_>) -> bool {
        matches!(job, Job::Tree(_) | Job::History(_)) && matches!(self, Self::Rotakey | Self::KingfisherAws)
    }

    /// The call; `None` if the tool is not there or does not do such a job.
    pub(super) fn command(self, bench: &Bench, job: Job<'_>, folder: &Path) -> Option<Command> {
        let mut command = match self {
            Self::Rotakey => rotakey(bench, job)?,
            Self::Ripgrep => ripgrep(job)?,
            Self::GitSecrets => git_secrets(job)?,
            Self::KingfisherTurbo | Self::KingfisherAws | Self::KingfisherAll | Self::KingfisherHidden => {
                self.kingfisher(bench, job, folder)
            }
            Self::GitleaksAws | Self::GitleaksAll => self.gitleaks(bench, job, folder),
            Self::DetectSecretsAws | Self::DetectSecretsAll => self.detect_secrets(bench, job)?,
            Self::InflatePack => {
                let Job::History(history) = job else { return None };
                let mut command = Command::new(bench.programs.join("inflate-pack"));
                command.arg(&history.repository).arg("2");
                command
            }
            Self::CatFile | Self::LogPatch | Self::DiffCached => self.git(bench, job)?,
        };
        command.env("PATH", &bench.path).env("GIT_CONFIG_GLOBAL", &bench.git_configuration);
        Some(command)
    }

    fn kingfisher(self, bench: &Bench, job: Job<'_>, folder: &Path) -> Command {
        let mut command = Command::new(&bench.kingfisher);
        command.args(["scan", "--no-validate", "--no-update-check", "--format", "json", "--output"]);
        command.arg(folder.join("report.json")).env("KF_RULE_CACHE_DIR", &bench.kingfisher_rules);
        if matches!(self, Self::KingfisherTurbo | Self::KingfisherAws) {
            command.args(["--rule", "betterleaks.aws-access-token"]);
            command.args(["--rule", "betterleaks.aws-secret-access-key"]);
        }
        if self == Self::KingfisherTurbo {
            command.args(["--turbo", "--no-extract-archives"]);
        }
        if self == Self::KingfisherHidden {
            command.args(["--include-hidden-findings", "--confidence", "low"]);
        }
        match job {
            Job::Labelled(labelled) => command.args(["--git-history", "none"]).arg(&labelled.files),
            Job::Tree(tree) => command.args(["--git-history", "none"]).arg(&tree.folder),
            Job::History(history) => command.arg(&history.repository),
            Job::Staged(repository) => command.arg("--staged").arg(repository).current_dir(repository),
        };
        command
    }

    fn gitleaks(self, bench: &Bench, job: Job<'_>, folder: &Path) -> Command {
        let mut command = Command::new(&bench.gitleaks);
        match job {
            Job::Labelled(labelled) => {
                command.arg("dir").arg(&labelled.files).args(["--max-decode-depth", "2"])
            }
            Job::Tree(tree) => command.arg("dir").arg(&tree.folder),
            Job::History(history) => command.arg("git").arg(&history.repository),
            Job::Staged(repository) => {
                command.args(["git", "--pre-commit", "--staged"]).arg(repository).current_dir(repository)
            }
        };
        command.args(["--no-banner", "--report-format", "json", "--report-path"]);
        command.arg(folder.join("report.json"));
        if self == Self::GitleaksAws {
            command.args(["--enable-rule", "aws-access-token"]);
        }
        command
    }

    fn detect_secrets(self, bench: &Bench, job: Job<'_>) -> Option<Command> {
        let folder = match job {
            Job::Labelled(labelled) => &labelled.files,
            Job::Tree(tree) => &tree.folder,
            Job::History(_) => return None,
            Job::Staged(repository) => {
                let mut command = Command::new(bench.peers.program("detect-secrets-hook"));
                command.args(["-n", "deploy.env"]).current_dir(repository);
                return Some(command);
            }
        };
        let mut command = Command::new(bench.peers.program("detect-secrets"));
        command.args(["scan", "-n", "--all-files", "."]).current_dir(folder);
        if self == Self::DetectSecretsAws {
            let others = bench.plugins.iter().filter(|plugin| *plugin != "AWSKeyDetector");
            command.args(others.flat_map(|plugin| ["--disable-plugin", plugin]));
        }
        Some(command)
    }

    fn git(self, bench: &Bench, job: Job<'_>) -> Option<Command> {
        // What it prints is gigabytes, which nobody wants to keep.
        let mut command = Command::new("/bin/sh");
        command.args(["-c", r#"exec "$0" "$@" > /dev/null"#]).arg(&bench.git);
        match (self, job) {
            (Self::CatFile, Job::History(history)) => {
                command.arg("-C").arg(&history.repository);
                command.args(["cat-file", "--batch", "--batch-all-objects", "--unordered", "--buffer"]);
            }
            (Self::LogPatch, Job::History(history)) => {
                command.arg("-C").arg(&history.repository);
                command.args(["log", "-p", "-U0", "--full-history", "--all"]);
            }
            (Self::DiffCached, Job::Staged(repository)) => {
                command.args(["diff", "--cached", "-U0"]).current_dir(repository);
            }
            _ => return None,
        }
        Some(command)
    }
}

fn rotakey(bench: &Bench, job: Job<'_>) -> Option<Command> {
    if !bench.has_rotakey {
        return None;
    }
    let mut command = Command::new(&bench.rotakey);
    command.arg("scan");
    match job {
        // All others read what ignore files name, too.
        Job::Labelled(labelled) => command.arg(&labelled.files).args(["--no-ignore", "--format", "jsonl"]),
        Job::Tree(tree) => command.arg(&tree.folder).args(["--no-ignore", "--format", "jsonl"]),
        Job::History(history) => {
            command.arg("--history").arg(&history.repository).args(["--format", "jsonl"])
        }
        Job::Staged(repository) => command.arg("--staged").current_dir(repository),
    };
    Some(command)
}

fn ripgrep(job: Job<'_>) -> Option<Command> {
    let folder = match job {
        Job::Labelled(labelled) => &labelled.files,
        Job::Tree(tree) => &tree.folder,
        Job::History(_) | Job::Staged(_) => return None,
    };
    let mut command = Command::new("/usr/bin/rg");
    command.args(["-j2", "--text", "--no-ignore", "--hidden", "--no-heading", "--with-filename"]);
    command.args(["--line-number", "--only-matching", "(AKIA|ASIA)[A-Z2-7]{16}"]).arg(folder);
    Some(command)
}

fn git_secrets(job: Job<'_>) -> Option<Command> {
    let mut command = Command::new("/usr/bin/git-secrets");
    match job {
        Job::Labelled(labelled) => command.args(["--scan", "-r"]).arg(&labelled.files),
        Job::Tree(tree) => command.args(["--scan", "-r"]).arg(&tree.folder),
        Job::History(_) => return None,
        Job::Staged(repository) => command.args(["--pre_commit_hook", "--"]).current_dir(repository),
    };
    Some(command)
}
