//! Stands before moto's server, for services that the simulated AWS does not have: what a request does is held against
//! the policies of a role, and only what they allow is passed on. It does not look who signed: all that comes here is
//! signed by that role.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rotakey_core::id::AccountId;
use rotakey_iam_policy::{Context, PolicyDocument, Request as PolicyRequest, evaluate};
use serde_json::{Value, json};

/// A server on a free port, for as long as the test process lives.
pub(crate) struct Guard {
    address: SocketAddr,
}

/// Whom it guards against: the policies of a role, and the account that it is in.
struct Role {
    account: AccountId,
    policies: Vec<PolicyDocument>,
    /// Whoever has it asks moto, whose transactions are not kept apart.
    turn: Mutex<()>,
}

/// One thing that a request does, as a policy speaks of it.
struct Deed {
    action: String,
    resource: String,
    context: Context,
}

/// A request as it came.
struct Received {
    head: String,
    body: Vec<u8>,
}

impl Guard {
    /// Begins to listen.
    pub(crate) fn before(url: &str, account: AccountId, policies: &[String]) -> Self {
        let upstream = url.trim_start_matches("http://").to_owned();
        let policies = policies.iter().map(|text| PolicyDocument::parse(text).expect("a policy")).collect();
        let role = Arc::new(Role { account, policies, turn: Mutex::default() });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("it has an address");
        thread::spawn(move || {
            for client in listener.incoming() {
                let (Ok(client), role, upstream) = (client, role.clone(), upstream.clone()) else { continue };
                // Whoever hung up misses nothing.
                thread::spawn(move || serve(client, &upstream, &role));
            }
        });
        Self { address }
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// One request, and the end of the connection.
fn serve(mut client: TcpStream, upstream: &str, role: &Role) -> io::Result<()> {
    let Some(received) = Received::read(&client)? else { return Ok(()) };
    let refused = received.deeds(role.account).into_iter().find(|deed| !role.may(deed));
    if let Some(Deed { action, resource, .. }) = refused {
        let message = format!("The hub is not authorized to perform: {action} on resource: {resource}");
        return client.write_all(refusal(&action, &message).as_bytes());
    }
    let answer = {
        let _mine = role.turn.lock().unwrap_or_else(PoisonError::into_inner);
        received.pass_on(upstream)?
    };
    client.write_all(&answer)
}

impl Role {
    fn may(&self, deed: &Deed) -> bool {
        let Deed { action, resource, context } = deed;
        let request = PolicyRequest { action, resource, principal: None, context };
        evaluate(&request, &self.policies).is_allowed()
    }
}

impl Received {
    fn read(client: &TcpStream) -> io::Result<Option<Self>> {
        let mut lines = BufReader::new(client.try_clone()?);
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if lines.read_line(&mut line)? == 0 {
                return Ok(None);
            }
            if line == "\r\n" {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
            head.push_str(&line);
        }
        let mut body = vec![0; length];
        lines.read_exact(&mut body)?;
        Ok(Some(Self { head, body }))
    }

    fn header(&self, wanted: &str) -> Option<&str> {
        let mut headers = self.head.lines().filter_map(|line| line.split_once(':'));
        headers.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
    }

    /// Asks the server behind, by a connection of its own.
    fn pass_on(&self, upstream: &str) -> io::Result<Vec<u8>> {
        let is_kept = |line: &&str| !line.to_ascii_lowercase().starts_with("connection:");
        let lines: Vec<&str> =
            self.head.lines().filter(is_kept).chain(["connection: close", "", ""]).collect();
        let mut server = TcpStream::connect(upstream)?;
        server.write_all(lines.join("\r\n").as_bytes())?;
        server.write_all(&self.body)?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer)?;
        Ok(answer)
    }

    /// All that the request does. A request of which that is not known does what nobody may.
    fn deeds(&self, account: AccountId) -> Vec<Deed> {
        let scope = self.header("authorization").unwrap_or_default();
        let scope: Vec<&str> = scope
            .split([',', ' '])
            .find_map(|part| part.strip_prefix("Credential="))
            .map(|scope| scope.split('/').collect())
            .unwrap_or_default();
        match scope[..] {
            [_, _, region, "dynamodb", _] => self.of_tables(&format!("arn:aws:dynamodb:{region}:{account}")),
            [_, _, _, "sns", _] => self.of_topics(),
            [_, _, region, "ses", _] => self.of_mail(&format!("arn:aws:ses:{region}:{account}")),
            _ => vec![deed("unknown:Unknown", String::new())],
        }
    }

    /// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html>: a transaction needs
    /// what its parts need.
    fn of_tables(&self, arn: &str) -> Vec<Deed> {
        let operation = self.header("x-amz-target").and_then(|target| target.split('.').nth(1));
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let table = |of: &Value| {
            let name = of["TableName"].as_str().unwrap_or_default();
            let index = of["IndexName"].as_str().map(|index| format!("/index/{index}"));
            format!("{arn}:table/{name}{}", index.unwrap_or_default())
        };
        match operation {
            Some("TransactWriteItems") => {
                let items = body["TransactItems"].as_array().into_iter().flatten();
                let parts = items.filter_map(Value::as_object).flatten();
                let parts = parts.map(|(kind, of)| match kind.as_str() {
                    "ConditionCheck" => deed("dynamodb:ConditionCheckItem", table(of)),
                    kind => deed(&format!("dynamodb:{kind}Item"), table(of)),
                });
                parts.collect()
            }
            Some(operation) => vec![deed(&format!("dynamodb:{operation}"), table(&body))],
            None => vec![deed("dynamodb:Unknown", String::new())],
        }
    }

    fn of_topics(&self) -> Vec<Deed> {
        let form = String::from_utf8_lossy(&self.body).replace("%3A", ":");
        let field = |name: &str| {
            let mut fields = form.split('&').filter_map(|field| field.split_once('='));
            fields.find(|(field, _)| *field == name).map(|(_, value)| value.to_owned()).unwrap_or_default()
        };
        vec![deed(&format!("sns:{}", field("Action")), field("TopicArn"))]
    }

    fn of_mail(&self, arn: &str) -> Vec<Deed> {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let from = body["FromEmailAddress"].as_str().unwrap_or_default();
        let action = match self.head.lines().next() {
            Some(line) if line.starts_with("POST /v2/email/outbound-emails ") => "ses:SendEmail",
            _ => "ses:Unknown",
        };
        let sent = deed(action, format!("{arn}:identity/{from}"));
        vec![Deed { context: Context::new().with("ses:FromAddress", from), ..sent }]
    }
}

fn deed(action: &str, resource: String) -> Deed {
    Deed { action: action.to_owned(), resource, context: Context::new() }
}

/// As the service words it.
fn refusal(action: &str, message: &str) -> String {
    let (status, body) = match action.split_once(':') {
        Some(("sns", _)) => (
            "403 Forbidden",
            format!(
                "<ErrorResponse><Error><Type>Sender</Type><Code>AuthorizationError</Code>\
                 <Message>{message}</Message></Error><RequestId>1</RequestId></ErrorResponse>"
            ),
        ),
        _ => {
            ("400 Bad Request", json!({ "__type": "AccessDeniedException", "message": message }).to_string())
        }
    };
    format!(
        "HTTP/1.1 {status}\r\nx-amzn-errortype: AccessDeniedException\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    )
}
