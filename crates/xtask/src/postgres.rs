//! PostgreSQL: a server of our own for the time of the tests, which nothing survives of.

use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::apt;
use crate::failure::{Failure, While as _};
use crate::process;
use crate::repository::Repository;

/// Makes a cluster, starts it, says so, and ends it when nobody holds its standard input open any more: also when
/// we are killed. `pg_ctl` waits for the server, and detaches it from the terminal. The first line of its input is the
/// password.
const SERVE: &str = r#"
trap '' INT TERM
set -e
bin=$1 folder=$2 port=$3 settings=$4
read -r password
umask 077
printf '%s\n' "$password" > "$folder/password"
"$bin/initdb" --pgdata="$folder/data" --username=postgres --pwfile="$folder/password" --auth=scram-sha-256 \
    --encoding=UTF8 --locale=C --no-sync > "$folder/log" 2>&1 || { cat "$folder/log" >&2; exit 1; }
"$bin/pg_ctl" start --wait --pgdata="$folder/data" --log="$folder/log" --options="-p $port \
    -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=200 $settings" \
    > "$folder/start" 2>&1 \
    || { cat "$folder/start" "$folder/log" >&2; exit 1; }
echo ready
cat > "$folder/end"
"$bin/pg_ctl" stop --mode=immediate --pgdata="$folder/data" > "$folder/stop" 2>&1
rm -rf "$folder/data"
"#;

/// Settings of a server whose content nobody will miss.
const FORGETFUL: &str = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off";

/// A server on the loopback interface, which ends with this value.
pub(crate) struct Server {
    url: String,
    folder: PathBuf,
    process: Child,
}

impl Server {
    /// Makes a new cluster below `.test/` and starts it. PostgreSQL refuses to run as root, so then it runs as
    /// its own user, whom its package has made.
    pub(crate) fn start(repository: &Repository) -> Result<Self, Failure> {
        Self::start_with(repository, FORGETFUL)
    }

    /// The same, but with the settings that servers in service have: what is committed is on disk.
    pub(crate) fn start_durable(repository: &Repository) -> Result<Self, Failure> {
        Self::start_with(repository, "")
    }

    fn start_with(repository: &Repository, settings: &str) -> Result<Self, Failure> {
        let programs = install()?;
        let user = if apt::is_root() { Some(User::find()?) } else { None };
        let folder = folder(repository, user.as_ref())?;
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .could_not("find a free port")?
            .port();
        let password = password()?;
        let mut command = match &user {
            Some(user) => user.command("sh"),
            None => Command::new("sh"),
        };
        command.args(["-c", SERVE, "sh"]).arg(&programs).arg(&folder).arg(port.to_string()).arg(settings);
        // Not the checkout, which that user may not be able to read.
        command.current_dir(&folder).stdin(Stdio::piped()).stdout(Stdio::piped());
        let process = command.spawn().could_not("start PostgreSQL")?;
        let url = format!("postgres://postgres:{password}@127.0.0.1:{port}/postgres");
        let mut server = Self { url, folder, process };
        server.greet(&password)?;
        Ok(server)
    }

    /// Where it listens, with the password.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    fn greet(&mut self, password: &str) -> Result<(), Failure> {
        let stdin = self.process.stdin.as_mut().expect("standard input was piped");
        writeln!(stdin, "{password}").could_not("speak to PostgreSQL")?;
        let stdout = self.process.stdout.take().expect("standard output was piped");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).could_not("read from PostgreSQL")?;
        if line.trim_end() == "ready" {
            return Ok(());
        }
        Err(Failure::new("PostgreSQL did not start").hint("its message is above"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The script ends the server when its input ends. What fails here has ended already.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Whom a server runs as that must not run as root.
struct User {
    id: u32,
    group: u32,
}

impl User {
    fn find() -> Result<Self, Failure> {
        let number = |flag: &str| -> Option<u32> {
            process::capture(Command::new("id").args([flag, "postgres"])).ok()?.trim().parse().ok()
        };
        let found = number("-u").zip(number("-g")).map(|(id, group)| Self { id, group });
        found.ok_or_else(|| {
            Failure::new("PostgreSQL does not run as root, and there is no user postgres")
                .hint("run the tests as another user, or: useradd --system postgres")
        })
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", &self.id.to_string(), "--regid", &self.group.to_string()]);
        command.args(["--clear-groups", "--", program]);
        command
    }
}

/// A new folder for a cluster: below `.test/`, or where the user cannot get there, with the temporary files.
fn folder(repository: &Repository, user: Option<&User>) -> Result<PathBuf, Failure> {
    let name = format!("postgres-{}", std::process::id());
    for parent in [repository.scratch(), std::env::temp_dir()] {
        let folder = parent.join(&name);
        let shown = folder.display();
        // Left by a process of the same number, long ago.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).could_not(format!("make {shown}"))?;
        fs::set_permissions(&folder, Permissions::from_mode(0o700)).could_not(format!("close {shown}"))?;
        let Some(user) = user else { return Ok(folder) };
        chown(&folder, Some(user.id), Some(user.group)).could_not(format!("give away {shown}"))?;
        if process::works(user.command("test").arg("-w").arg(&folder)) {
            return Ok(folder);
        }
        let _ = fs::remove_dir(&folder);
    }
    Err(Failure::new("there is no folder that the user postgres can write to"))
}

/// The folder of `initdb` and the others. Debian has them outside of `PATH`, in one folder for each version. If there
/// are none, root gets them installed here.
pub(crate) fn install() -> Result<PathBuf, Failure> {
    let missing = || Failure::new("PostgreSQL's server programs (initdb, pg_ctl) are not installed");
    apt::install(&["postgresql"], find, missing)
}

fn find() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = versions
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .collect();
    versions.sort_unstable();
    let in_versions = versions.into_iter().rev().map(|(_, folder)| folder);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path: Vec<PathBuf> = std::env::split_paths(&path).collect();
    in_versions.chain(on_path).find(|folder| has_programs(folder))
}

fn has_programs(folder: &Path) -> bool {
    ["initdb", "pg_ctl", "postgres"].iter().all(|program| folder.join(program).is_file())
}

/// Nobody else on this machine is to use the server, which could run programs for them.
fn password() -> Result<String, Failure> {
    let mut bytes = [0_u8; 16];
    fs::File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .could_not("make a password")?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_ends_with_the_value_that_holds_it_and_leaves_nothing() {
        let server = Server::start(&Repository::here()).unwrap();
        let (_, address) = server.url().rsplit_once('@').unwrap();
        let address = address.trim_end_matches("/postgres").to_owned();
        std::net::TcpStream::connect(&address).expect("it listens");
        let folder = server.folder.clone();
        drop(server);
        assert!(std::net::TcpStream::connect(&address).is_err(), "it has ended");
        assert!(!folder.exists());
    }
}
