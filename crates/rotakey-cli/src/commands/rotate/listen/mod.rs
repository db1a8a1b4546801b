//! `rotakey rotate listen`: takes signals that something broke as HTTP requests, from whatever monitors applications.

mod request;

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use rotakey_connect::credential;
use rotakey_core::destination::CredentialSource;
use rotakey_core::id::RotationId;
use rotakey_core::rotate::Subject;
use rotakey_core::secret::Secret;
use rotakey_engine::driver::Engine;
use rotakey_engine::journal::JournalError;
use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use self::request::{Refusal, Target, authorize, target, what_failed};
use super::drive::with_engine;
use crate::assembly::Outside;
use crate::error::{CommandError, Verdict, exit_codes};
use crate::explain::port_error;
use crate::printer::Printer;
use crate::signals::End;

/// How long a request may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// The longest body that is read, in bytes. Monitoring systems send whole reports.
const LARGEST_BODY: usize = 256 << 10;

/// How many connections are open at a time. More than these wait to be accepted.
const MOST_CONNECTIONS: usize = 64;

/// The shortest secret that is taken, in bytes.
const SHORTEST_SECRET: usize = 16;

/// Take signals that something broke from monitoring systems, by HTTP
#[derive(Debug, Args)]
#[command(after_help = concat!(
    "A request says what `rotakey rotate signal` says: applications miss the old
key. It is enabled again at once, it is tried if its secret is at hand, and then
the rotation asks. The request names the rotation, or the user whose rotation is
meant:

  POST /v1/signals/ROTATION
  POST /v1/signals/ACCOUNT/USER

It carries the secret as `Authorization: Bearer SECRET`. The body may be JSON
with \"failed\", which says what is broken; any other body is ignored. 202 says
that the signal is logged, 401 that the secret is another one, 404 that no such
rotation is open, 409 that the old key is not disabled.

It speaks plain HTTP: on other addresses than this machine's own, put a server
in front of it that speaks TLS. Beside it, `rotakey rotate tick` goes on. Ctrl-C
ends it.

Examples:
  rotakey rotate listen --secret-file /etc/rotakey/signals
  curl -X POST -H \"Authorization: Bearer $(cat signals)\" \\
      -d '{\"failed\": \"orders fail\"}' \\
      http://127.0.0.1:7125/v1/signals/111122223333/ci-deploy

",
    exit_codes!()
))]
pub(crate) struct ListenArgs {
    /// The file with the secret that requests must carry
    #[arg(long, value_name = "FILE")]
    secret_file: PathBuf,
    /// Where to listen; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value_t = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 7125))]
    address: SocketAddr,
}

/// Runs the command.
pub(crate) async fn run(
    args: &ListenArgs,
    outside: &Outside,
    printer: &Printer,
) -> Result<Verdict, CommandError> {
    let source = CredentialSource::File(args.secret_file.clone());
    let secret = credential::read(&source).await.map_err(port_error)?;
    if secret.expose().len() < SHORTEST_SECRET {
        return Err(CommandError::usage(format!(
            "the secret in {} is shorter than {SHORTEST_SECRET} characters",
            args.secret_file.display()
        ))
        .hint("`openssl rand -hex 32` makes one."));
    }
    let unavailable = |error| CommandError::failure(format!("cannot listen on {}: {error}", args.address));
    let listener = TcpListener::bind(args.address).await.map_err(|error| {
        unavailable(error).hint("Another process may be listening there; --address names another one.")
    })?;
    let address = listener.local_addr().map_err(unavailable)?;
    if !address.ip().is_loopback() {
        printer.warning(&format!(
            "{address} can be reached from other machines, and the secret is not encrypted on its way"
        ));
    }
    let mut end =
        End::listen().map_err(|error| CommandError::failure(format!("cannot wait for signals: {error}")))?;
    printer.note(&format!("listening at http://{address}; Ctrl-C ends it"));
    with_engine(outside, printer, async |engine| {
        let (signalled, mut to_drive) = mpsc::unbounded_channel();
        let desk = Desk { engine, outside, secret: &secret, signalled };
        let mut connections = FuturesUnordered::new();
        let mut driven = FuturesUnordered::new();
        loop {
            tokio::select! {
                () = end.told() => return Ok(Verdict::Clean),
                accepted = listener.accept(), if connections.len() < MOST_CONNECTIONS => {
                    // A connection that fails is the client's affair.
                    if let Ok((stream, client)) = accepted {
                        connections.push(serve(stream, client.ip(), &desk));
                    }
                }
                Some(()) = connections.next(), if !connections.is_empty() => {}
                Some(rotation) = to_drive.recv() => driven.push(drive(engine, rotation)),
                // Whatever came of it: a branch that does not match would leave the others where they are.
                Some(done) = driven.next(), if !driven.is_empty() => {
                    if let Err((rotation, error)) = done {
                        let again = "the next tick tries again";
                        printer.warning(&format!("{rotation} could not be moved on: {error}; {again}"));
                    }
                }
            }
        }
    })
    .await
}

/// What requests are answered with.
struct Desk<'a> {
    engine: &'a Engine<'a>,
    outside: &'a Outside,
    secret: &'a Secret,
    /// Rotations that were signalled, to be driven after the answer.
    signalled: mpsc::UnboundedSender<RotationId>,
}

async fn drive(engine: &Engine<'_>, rotation: RotationId) -> Result<(), (RotationId, JournalError)> {
    engine.drive(&rotation).await.map(drop).map_err(|error| (rotation, error))
}

async fn serve(stream: TcpStream, client: IpAddr, desk: &Desk<'_>) {
    let service = service_fn(|request| answer(request, client, desk));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    // A connection that fails is the client's affair.
    let _ended = connection.await;
}

async fn answer(
    request: Request<Incoming>,
    client: IpAddr,
    desk: &Desk<'_>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let answered = signal(request, client, desk).await;
    let (status, body) = match answered {
        Ok(rotation) => (StatusCode::ACCEPTED, json!({ "rotation": rotation })),
        Err(refusal) => (refusal.status(), json!({ "error": refusal.to_string() })),
    };
    let mut response = Response::new(Full::new(Bytes::from(format!("{body}\n"))));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    Ok(response)
}

/// Logs the signal, and has the rotation driven.
async fn signal(request: Request<Incoming>, client: IpAddr, desk: &Desk<'_>) -> Result<RotationId, Refusal> {
    let (head, body) = request.into_parts();
    authorize(&head, desk.secret)?;
    let target = target(&head)?;
    let body = tokio::time::timeout(PATIENCE, Limited::new(body, LARGEST_BODY).collect())
        .await
        .map_err(|_| Refusal::Late)?
        .map_err(|_| Refusal::TooLong)?;
    let what = what_failed(&body.to_bytes());
    let rotation = match target {
        Target::Rotation(rotation) => rotation,
        Target::User { account_id, user_name } => {
            let open = desk.outside.ports().store.open_rotations().await.map_err(Refusal::store)?;
            let of_user =
                |subject: &Subject| subject.account_id == account_id && subject.user_name == user_name;
            let found = open.into_iter().find(|rotation| of_user(&rotation.subject));
            found.ok_or(Refusal::NoRotation)?.id
        }
    };
    desk.engine
        .signal(&rotation, &format!("a request from {client}"), &what)
        .await
        .map_err(Refusal::journal)?;
    // The other end lives as long as this command.
    let _sent = desk.signalled.send(rotation.clone());
    Ok(rotation)
}
