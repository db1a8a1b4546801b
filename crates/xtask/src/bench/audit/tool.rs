//! The tools that are measured, each called as its users call it.

use std::path::Path;
use std::process::Command;

use super::Bench;

/// A tool, in one way of using it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tool {
    Rotakey,
    Sweep,
    CustodianAccessKey,
    CustodianCredential,
    Prowler,
}

/// Prowler's checks of access keys.
const PROWLER_CHECKS: &[&str] = &[
    "iam_no_root_access_key",
    "iam_rotate_access_key_90_days",
    "iam_user_accesskey_unused",
    "iam_user_no_setup_initial_access_key",
    "iam_user_two_active_access_key",
];

impl Tool {
    /// All tools, in the order of the page.
    pub(super) const ALL: [Self; 5] =
        [Self::Rotakey, Self::Sweep, Self::CustodianAccessKey, Self::CustodianCredential, Self::Prowler];

    /// What the page calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Rotakey => "rotakey audit",
            Self::Sweep => "boto3, one call after another",
            Self::CustodianAccessKey => "Custodian, `access-key` filters",
            Self::CustodianCredential => "Custodian, `credential` filters",
            Self::Prowler => "Prowler, access-key checks",
        }
    }

    /// Its name in the names of folders.
    pub(super) fn slug(self) -> &'static str {
        match self {
            Self::Rotakey => "rotakey",
            Self::Sweep => "sweep",
            Self::CustodianAccessKey => "custodian-access-key",
            Self::CustodianCredential => "custodian-credential",
            Self::Prowler => "prowler",
        }
    }

    /// Whether its findings say which key they are about.
    pub(super) fn names_the_key(self) -> bool {
        matches!(self, Self::Rotakey | Self::Sweep | Self::CustodianAccessKey)
    }

    /// The call, which leaves its findings in the folder.
    pub(super) fn command(self, bench: &Bench, folder: &Path) -> Command {
        match self {
            Self::Rotakey => {
                let mut command = Command::new(&bench.rotakey);
                command.args(["audit", "--format", "json", "--no-progress", "--output"]);
                command.arg(folder.join("audit.json"));
                command
            }
            Self::Sweep => {
                let mut command = Command::new(bench.tests.program("python"));
                command.arg(bench.scripts.join("sweep.py")).arg(folder);
                command
            }
            Self::CustodianAccessKey => custodian(bench, folder, "custodian-access-key.yml"),
            Self::CustodianCredential => custodian(bench, folder, "custodian-credential.yml"),
            Self::Prowler => {
                let mut command = Command::new(bench.prowler.program("prowler"));
                command.args(["aws", "--no-banner", "--region", "us-east-1", "--output-formats", "csv"]);
                command.args(["--output-filename", "prowler", "--output-directory"]).arg(folder.join("out"));
                command.arg("--checks").args(PROWLER_CHECKS);
                command
            }
        }
    }

    /// The exit codes of a run that did its work, whatever it found.
    pub(super) fn accepted_exit_codes(self) -> &'static [i64] {
        match self {
            Self::Rotakey => &[0, 1],
            Self::Prowler => &[0, 3],
            Self::Sweep | Self::CustodianAccessKey | Self::CustodianCredential => &[0],
        }
    }

    /// What `found.py` calls the form of the tool's findings; `None` if they are in our own form.
    pub(super) fn reader(self) -> Option<&'static str> {
        match self {
            Self::Rotakey => Some("rotakey"),
            Self::Sweep => None,
            Self::CustodianAccessKey | Self::CustodianCredential => Some("custodian"),
            Self::Prowler => Some("prowler"),
        }
    }
}

/// Custodian runs a file of policies; without its cache, which an earlier run would have filled.
fn custodian(bench: &Bench, folder: &Path, policies: &str) -> Command {
    let mut command = Command::new(bench.custodian.program("custodian"));
    command.args(["run", "--cache-period", "0", "--region", "us-east-1", "--output-dir"]);
    command.arg(folder.join("out")).arg(bench.scripts.join(policies));
    command
}
