//! The age identity that rotakey reads its own files back with: an X25519 key in a file of the form that
//! `age-keygen` writes.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use age::secrecy::ExposeSecret;
use age::x25519::Identity;
use rotakey_engine::port::{PortError, PortErrorKind};

use crate::destination::io::{conflict, directory, failed, invalid, read as read_file};

/// Makes a new identity in a new file (0600), and returns its recipient (`age1…`).
///
/// An existing file is never overwritten: what is encrypted to its identity would be lost with it. That is a
/// [`PortErrorKind::Conflict`]. The directory must exist.
pub fn generate(path: &Path) -> Result<String, PortError> {
    let identity = Identity::generate();
    let recipient = identity.to_public().to_string();
    let write = || -> io::Result<()> {
        let mut file = tempfile::Builder::new()
            .prefix(".rotakey-identity-")
            .permissions(fs::Permissions::from_mode(0o600))
            .tempfile_in(directory(path))?;
        writeln!(file, "# public key: {recipient}")?;
        file.write_all(identity.to_string().expose_secret().as_bytes())?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        // Not a rename: that would replace an identity which another process made in the meantime.
        file.persist_noclobber(path).map_err(|error| error.error)?;
        fs::File::open(directory(path))?.sync_all()
    };
    match write() {
        Ok(()) => Ok(recipient),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(conflict("create", path, "the file exists already, and an identity is never overwritten"))
        }
        Err(error) => Err(failed("create", path, &error)),
    }
}

/// The recipients (`age1…`) of the identities in a file.
///
/// [`PortErrorKind::NotFound`] if there is no such file; [`PortErrorKind::Invalid`] if it is no identity file.
pub fn recipients(path: &Path) -> Result<Vec<String>, PortError> {
    Ok(read(path)?.iter().map(|identity| identity.to_public().to_string()).collect())
}

/// The identities in a file, at least one.
pub(crate) fn read(path: &Path) -> Result<Vec<Identity>, PortError> {
    const OPERATION: &str = "read identity";
    let bytes = read_file(path)?.ok_or_else(|| PortError {
        kind: PortErrorKind::NotFound,
        ..invalid(OPERATION, path, "there is no such file")
    })?;
    let text = str::from_utf8(&bytes).map_err(|_| invalid(OPERATION, path, "the file is not UTF-8 text"))?;
    let mut identities = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        // The line may be a secret with a typing error, so the message shows only where it stands.
        let identity = line.parse().map_err(|_| {
            let message = format!("line {} is not an X25519 identity (AGE-SECRET-KEY-1…)", index + 1);
            invalid(OPERATION, path, message)
        })?;
        identities.push(identity);
    }
    if identities.is_empty() {
        return Err(invalid(OPERATION, path, "the file holds no identity"));
    }
    Ok(identities)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_identity_is_private_and_reads_back() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("identity");
        let recipient = generate(&path).unwrap();
        assert!(recipient.starts_with("age1"));
        assert_eq!(recipients(&path).unwrap(), [recipient]);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn an_identity_is_never_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("identity");
        generate(&path).unwrap();
        let before = fs::read(&path).unwrap();
        assert_eq!(generate(&path).unwrap_err().kind, PortErrorKind::Conflict);
        assert_eq!(fs::read(&path).unwrap(), before);
    }

    #[test]
    fn a_mistyped_identity_is_not_repeated_in_the_error() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("identity");
        generate(&path).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let secret = text.lines().last().unwrap();
        fs::write(&path, text.replace(secret, &format!("{secret}X"))).unwrap();
        let error = recipients(&path).unwrap_err();
        assert_eq!(error.kind, PortErrorKind::Invalid);
        assert!(error.message.contains("line 2"), "{error}");
        assert!(!format!("{error} {error:?}").contains(secret));
    }

    #[test]
    fn a_file_without_an_identity_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("identity");
        assert_eq!(recipients(&path).unwrap_err().kind, PortErrorKind::NotFound);
        fs::write(&path, "# nothing\n\n").unwrap();
        assert_eq!(recipients(&path).unwrap_err().kind, PortErrorKind::Invalid);
        fs::write(&path, [0xff, 0xfe]).unwrap();
        assert_eq!(recipients(&path).unwrap_err().kind, PortErrorKind::Invalid);
    }
}
