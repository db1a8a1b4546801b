//! Checks of whether applications are well: a page that must answer, a program that must succeed.

use std::process::Stdio;
use std::time::Duration;

use rotakey_core::rotate::{CheckSpec, ExecCheck, Health, HttpCheck};
use rotakey_engine::port::{PortError, PortErrorKind};
use tokio::process::Command;

/// How long one check may take. One that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// The longest answer that a text is looked for in.
const LONGEST_ANSWER: usize = 1 << 20;

/// Makes checks that need nothing of AWS.
///
/// # Errors
/// The check could not be made: the program does not exist, or the check is of another kind.
pub async fn ask(check: &CheckSpec) -> Result<Health, PortError> {
    match check {
        CheckSpec::Http(check) => http(check).await,
        CheckSpec::Exec(check) => exec(check).await,
        CheckSpec::CloudwatchAlarm(_) => {
            Err(PortError::new(PortErrorKind::Invalid, check.to_string(), "is a check in AWS"))
        }
    }
}

/// A server that does not answer is what a check is to find, so that is no error.
async fn http(check: &HttpCheck) -> Result<Health, PortError> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder()
        .timeout(PATIENCE)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent(concat!("rotakey/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| PortError::new(PortErrorKind::Invalid, &check.url, error.to_string()))?;
    let mut response = match client.get(&check.url).send().await {
        Ok(response) => response,
        Err(error) if error.is_builder() => {
            return Err(PortError::new(PortErrorKind::Invalid, &check.url, "is no address"));
        }
        Err(error) => {
            let why = if error.is_timeout() { "no answer in time" } else { "no connection" };
            return Ok(Health::Failing(why.to_owned()));
        }
    };
    let status = response.status().as_u16();
    if status != check.status {
        return Ok(Health::Failing(format!("status {status} instead of {}", check.status)));
    }
    let Some(text) = &check.text else { return Ok(Health::Well) };
    let mut body = Vec::new();
    while body.len() < LONGEST_ANSWER {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(_) => return Ok(Health::Failing("the answer breaks off".to_owned())),
        }
    }
    Ok(match String::from_utf8_lossy(&body).contains(text) {
        true => Health::Well,
        false => Health::Failing(format!("the answer does not hold {text:?}")),
    })
}

/// What the program prints is not shown: it is not known what is in it.
async fn exec(check: &ExecCheck) -> Result<Health, PortError> {
    let invalid = |message: String| PortError::new(PortErrorKind::Invalid, "make the check", message);
    let Some((program, arguments)) = check.command.split_first() else {
        return Err(invalid("it has no command".to_owned()));
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| invalid(format!("{program}: {error}")))?;
    match tokio::time::timeout(PATIENCE, child.wait()).await {
        Err(_) => Ok(Health::Failing(format!("not over within {} s", PATIENCE.as_secs()))),
        Ok(Err(error)) => Err(invalid(format!("{program}: {error}"))),
        Ok(Ok(status)) if status.success() => Ok(Health::Well),
        Ok(Ok(status)) => Ok(Health::Failing(status.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;

    fn run(check: CheckSpec) -> Result<Health, PortError> {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(ask(&check))
    }

    /// Answers one request with that status and body.
    fn server(status: &'static str, body: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/health", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _request = stream.read(&mut [0; 1024]).unwrap();
            write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
        });
        url
    }

    fn http(url: String, text: Option<&str>) -> Result<Health, PortError> {
        run(CheckSpec::Http(HttpCheck { url, status: 200, text: text.map(str::to_owned) }))
    }

    fn failing(health: Result<Health, PortError>) -> String {
        match health.unwrap() {
            Health::Failing(why) => why,
            Health::Well => panic!("all is well"),
        }
    }

    #[test]
    fn a_page_is_well_with_its_status_and_its_text() {
        assert_eq!(http(server("200 OK", "all up"), Some("up")), Ok(Health::Well));
        assert_eq!(
            failing(http(server("200 OK", "all down"), Some("up"))),
            "the answer does not hold \"up\""
        );
        assert_eq!(failing(http(server("503 No", ""), None)), "status 503 instead of 200");
    }

    #[test]
    fn a_server_that_is_gone_fails_the_check_and_an_address_that_is_none_cannot_be_checked() {
        let gone = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert_eq!(failing(http(format!("http://{gone}/"), None)), "no connection");
        assert!(http("http://".to_owned(), None).is_err());
    }

    #[test]
    fn a_program_says_it_by_its_exit_code_and_one_that_does_not_exist_says_nothing() {
        let exec = |command: &[&str]| {
            run(CheckSpec::Exec(ExecCheck { command: command.iter().map(ToString::to_string).collect() }))
        };
        assert_eq!(exec(&["true"]), Ok(Health::Well));
        assert!(failing(exec(&["sh", "-c", "exit 3"])).contains('3'));
        assert!(exec(&["/no/such/program"]).is_err());
    }
}
