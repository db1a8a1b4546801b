//! Where rotakey keeps its own files: the log of rotations, the index of the use of keys, the identity of age
//! files, the files themselves.

use std::path::PathBuf;

use crate::error::CommandError;

/// `$XDG_STATE_HOME/rotakey/rotations.db`: the log of rotations, if none is named.
pub(crate) fn store() -> Result<PathBuf, CommandError> {
    Ok(folder("XDG_STATE_HOME", ".local/state")?.join("rotations.db"))
}

/// `$XDG_STATE_HOME/rotakey/halt`: while it is there, this machine changes nothing.
pub(crate) fn halt_file() -> Result<PathBuf, CommandError> {
    Ok(folder("XDG_STATE_HOME", ".local/state")?.join("halt"))
}

/// `$XDG_STATE_HOME/rotakey/usage.db`: the index of the use of keys, if none is named.
pub(crate) fn usage_index() -> Result<PathBuf, CommandError> {
    Ok(folder("XDG_STATE_HOME", ".local/state")?.join("usage.db"))
}

/// `$XDG_DATA_HOME/rotakey/identity.age`: what rotakey reads its own age files back with.
pub(crate) fn identity() -> Result<PathBuf, CommandError> {
    Ok(folder("XDG_DATA_HOME", ".local/share")?.join("identity.age"))
}

/// `$XDG_DATA_HOME/rotakey/keys`: the age files with new keys.
pub(crate) fn keys() -> Result<PathBuf, CommandError> {
    Ok(folder("XDG_DATA_HOME", ".local/share")?.join("keys"))
}

/// The `rotakey` folder below the one that the variable names, or else below that one in the home folder.
fn folder(variable: &str, below_home: &str) -> Result<PathBuf, CommandError> {
    let named = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    named(variable)
        .or_else(|| named("HOME").map(|home| home.join(below_home)))
        .map(|folder| folder.join("rotakey"))
        .ok_or_else(|| {
            CommandError::usage(format!(
                "there is no folder for rotakey's files: neither {variable} nor HOME is set"
            ))
            .hint(format!("Set HOME, or {variable} to an absolute path."))
        })
}
