//! The sockets: accepts connections, reads whole requests, and gives them to the endpoint.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use rotakey_core::secret::AccessKeyPair;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

use super::control::PREFIX;
use super::endpoint::{Endpoint, RealTime};
use super::response::respond;
use crate::simulation::Simulation;

/// The largest body that is read, in bytes. The largest legal requests (policies, secrets) have a fraction of it.
const LARGEST_BODY: usize = 1 << 20;
/// How long a client may take over the headers and then over the body, and an open request over its end when the
/// server stops.
const PATIENCE: Duration = Duration::from_secs(10);

/// A simulated cloud, ready to be served.
pub struct Server {
    simulation: Simulation,
    real_time: RealTime,
    follows_real_time: bool,
    latency: Duration,
}

impl Server {
    /// Serves that cloud. Its clock stands until it is moved, over the control path or in process. `real_time` is
    /// what the dates of signatures are held against.
    pub fn new(simulation: Simulation, real_time: RealTime) -> Self {
        Self { simulation, real_time, follows_real_time: false, latency: Duration::ZERO }
    }

    /// Lets the virtual clock run as the real one does, beside being moved.
    #[must_use]
    pub fn following_real_time(self) -> Self {
        Self { follows_real_time: true, ..self }
    }

    /// Lets every answer to a call of AWS take so long, by the real clock.
    #[must_use]
    pub fn answering_after(self, latency: Duration) -> Self {
        Self { latency, ..self }
    }

    /// Listens on that address (port 0: any free one) and answers until [`Running`] is stopped or dropped. Must be
    /// called in a tokio runtime.
    pub async fn start(self, address: SocketAddr) -> io::Result<Running> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let endpoint = Arc::new(Endpoint::new(self.simulation, self.real_time, self.follows_real_time));
        let (stop, stopped) = watch::channel(());
        let task = tokio::spawn(accept(listener, endpoint, self.latency, stopped));
        Ok(Running { address, stop, task })
    }
}

/// A server that answers. It ends when this value is dropped.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    stop: watch::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The endpoint URL for SDKs: `http://127.0.0.1:4599`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The environment variables that make any AWS SDK and the aws CLI use this endpoint with that key.
    ///
    /// `AWS_SESSION_TOKEN` is set to nothing, because one that is left over from elsewhere would be sent along. The
    /// secret is in clear: it is worth something in this simulation only.
    pub fn environment(&self, operator: &AccessKeyPair, region: &str) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", self.url()),
            ("AWS_ACCESS_KEY_ID", operator.id.to_string()),
            ("AWS_SECRET_ACCESS_KEY", operator.secret.expose().to_owned()),
            ("AWS_SESSION_TOKEN", String::new()),
            ("AWS_REGION", region.to_owned()),
            ("AWS_DEFAULT_REGION", region.to_owned()),
        ]
    }

    /// Accepts no more connections, lets open requests end, and returns when all is closed.
    pub async fn stop(self) {
        drop(self.stop);
        // The task ends by itself; it could only fail by a panic, which has been reported by then.
        let _ = self.task.await;
    }
}

async fn accept(
    listener: TcpListener,
    endpoint: Arc<Endpoint>,
    latency: Duration,
    mut stopped: watch::Receiver<()>,
) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, client)) => {
                    let client = client.ip();
                    connections.spawn(serve(stream, client, endpoint.clone(), latency, stopped.clone()));
                }
                // The client is gone already, or descriptors have run out; the next attempt may do.
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            },
            Some(_) = connections.join_next() => {}
            _ = stopped.changed() => break,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn serve(
    stream: TcpStream,
    client: IpAddr,
    endpoint: Arc<Endpoint>,
    latency: Duration,
    mut stopped: watch::Receiver<()>,
) {
    // Answers are small and whole: waiting to fill a packet would only delay them.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| answer(&endpoint, request, client, latency));
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(PATIENCE)
            .serve_connection(TokioIo::new(stream), service)
    );
    // A connection that fails is the client's affair, and one that we close without an answer "fails", too.
    tokio::select! {
        _ = connection.as_mut() => {}
        _ = stopped.changed() => {
            connection.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(PATIENCE, connection).await;
        }
    }
}

/// Closes the connection in the middle of a request: what a lost answer looks like.
#[derive(Debug, thiserror::Error)]
#[error("the answer is withheld")]
struct Withheld;

async fn answer(
    endpoint: &Endpoint,
    request: Request<Incoming>,
    client: IpAddr,
    latency: Duration,
) -> Result<Response<Full<Bytes>>, Withheld> {
    let (head, body) = request.into_parts();
    if !latency.is_zero() && !head.uri.path().starts_with(PREFIX) {
        tokio::time::sleep(latency).await;
    }
    let body = Limited::new(body, LARGEST_BODY).collect();
    let response = match tokio::time::timeout(PATIENCE, body).await {
        Ok(Ok(body)) => {
            endpoint.answer(&Request::from_parts(head, body.to_bytes()), client).ok_or(Withheld)?
        }
        // Too long, or broken off; in the second case nobody reads this.
        Ok(Err(_)) => respond(413, "text/plain", format!("A request has at most {LARGEST_BODY} bytes.\n")),
        Err(_) => respond(408, "text/plain", "The request did not arrive in time.\n".to_owned()),
    };
    Ok(response.map(Full::new))
}
