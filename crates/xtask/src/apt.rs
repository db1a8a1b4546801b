//! Debian's packages, for what the tests need of the system.

use std::process::Command;

use crate::failure::Failure;
use crate::process;

/// Installs packages with apt-get, and returns what `find` finds then. Only root can do so, and only where there is
/// apt-get; `missing` is the failure in all other cases.
pub(crate) fn install<T>(
    packages: &[&str],
    find: impl Fn() -> Option<T>,
    missing: impl Fn() -> Failure,
) -> Result<T, Failure> {
    if let Some(found) = find() {
        return Ok(found);
    }
    let missing =
        || missing().hint(format!("on Debian or Ubuntu, as root: apt-get install {}", packages.join(" ")));
    if !is_root() || !process::works(Command::new("apt-get").arg("--version")) {
        return Err(missing());
    }
    println!("Installing {} with apt-get.", packages.join(" and "));
    let apt = || {
        let mut apt = Command::new("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive").arg("-qq");
        apt
    };
    process::run(apt().arg("update"))?;
    process::run(apt().args(["install", "--yes", "--no-install-recommends"]).args(packages))?;
    find().ok_or_else(missing)
}

/// Whether we may do everything.
pub(crate) fn is_root() -> bool {
    process::capture(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}
