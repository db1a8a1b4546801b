//! GitHub's own description of its API, which the tests hold every request of rotakey's against: from the npm package
//! that GitHub publishes it in.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::apt;
use crate::failure::{Failure, While as _};
use crate::process;
use crate::repository::Repository;

/// The package, with its version.
const PACKAGE: &str = "@octokit/openapi@23.0.2";

/// The one file of it that is needed, of some hundred megabytes.
const FILE: &str = "api.github.com.json";

/// Where the description is, once it is installed.
pub(crate) fn path(repository: &Repository) -> PathBuf {
    repository.scratch().join("github-openapi").join(FILE)
}

/// Fetches the description, unless that has been done.
pub(crate) fn install(repository: &Repository) -> Result<(), Failure> {
    let (path, folder) = (path(repository), repository.scratch().join("github-openapi"));
    // Written last, with what was installed.
    let stamp = folder.join("installed");
    if path.is_file() && fs::read_to_string(&stamp).is_ok_and(|installed| installed == PACKAGE) {
        return Ok(());
    }
    let find = || process::works(Command::new("npm").arg("--version")).then_some(());
    apt::install(&["npm"], find, || {
        Failure::new("there is no npm, from which GitHub's description is taken")
    })?;
    println!("Fetching {PACKAGE} into {}. This is done once.", folder.display());
    // Of its own, for another task may do the same at the same time; what is whole is then moved into place.
    let work = repository.scratch().join(format!("github-openapi.{}", std::process::id()));
    fs::create_dir_all(&work).could_not(format!("make {}", work.display()))?;
    let packed = process::capture(Command::new("npm").current_dir(&work).args([
        "pack",
        "--silent",
        PACKAGE,
        "--pack-destination",
        ".",
    ]))?;
    let member = format!("package/generated/{FILE}");
    let archive = packed.lines().last().unwrap_or_default().trim();
    let mut tar = Command::new("tar");
    process::run(tar.current_dir(&work).args(["-xzf", archive, "--strip-components=2", &member]))?;
    fs::create_dir_all(&folder).could_not(format!("make {}", folder.display()))?;
    fs::rename(work.join(FILE), &path).could_not(format!("move {FILE} into place"))?;
    fs::write(&stamp, PACKAGE).could_not(format!("finish {}", folder.display()))?;
    fs::remove_dir_all(&work).could_not(format!("remove {}", work.display()))
}
