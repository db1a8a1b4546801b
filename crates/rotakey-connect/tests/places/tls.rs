//! Who is trusted, and who is let in: servers under TLS, with certificates that the test makes.

mod authority;

use std::path::Path;

use data_encoding::BASE64;
use rotakey_core::destination::{CredentialSource, DestinationSpec, KubernetesSecret, Values, VaultKv};
use rotakey_engine::conformance::server::{Request, Response, Server};
use rotakey_engine::port::{Destinations as _, PortError, PortErrorKind};
use serde_json::json;
use tempfile::TempDir;

use crate::{block_on, destinations};
use authority::{Authority, Clients};

/// A Vault that holds nothing, and the address that it has in a certificate.
fn empty_vault(authority: &Authority) -> String {
    let server = authority.server(Clients::Anybody, |request| {
        let mount = json!({ "data": { "type": "kv", "options": { "version": "2" } } });
        let found = request.target.starts_with("/v1/sys/internal/ui/mounts/");
        Some(if found { Response::json(200, &mount) } else { Response::json(404, &json!({ "errors": [] })) })
    });
    secure(&server)
}

fn secure(server: &Server) -> String {
    format!("https://localhost:{}", server.address().port())
}

fn read_vault(address: &str, ca_file: Option<&Path>) -> Result<(), PortError> {
    let token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(token.path(), "a-token-of-the-test").unwrap();
    let spec = VaultKv {
        address: Some(address.to_owned()),
        mount: None,
        path: "aws/alice".to_owned(),
        namespace: None,
        values: Values::environment(),
        token: CredentialSource::File(token.path().to_owned()),
        ca_file: ca_file.map(Path::to_owned),
    };
    let destination = destinations().open(&DestinationSpec::VaultKv(spec)).unwrap();
    block_on(destination.read()).map(drop)
}

#[test]
fn a_vault_is_trusted_by_its_ca_file_and_by_no_other() {
    let (ours, theirs, folder) = (Authority::new(), Authority::new(), tempfile::tempdir().unwrap());
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let (right, wrong) = (file("right.pem", &ours.pem()), file("wrong.pem", &theirs.pem()));
    let address = empty_vault(&ours);
    read_vault(&address, Some(&right)).unwrap();
    let both = file("both.pem", &(theirs.pem() + &ours.pem()));
    read_vault(&address, Some(&both)).unwrap();

    for authorities in [Some(wrong.as_path()), None] {
        let error = read_vault(&address, authorities).unwrap_err();
        assert_eq!(error.kind, PortErrorKind::Invalid, "nothing was sent: {error}");
        assert!(error.message.contains("invalid peer certificate: UnknownIssuer"), "{error}");
    }
    let elsewhere = address.replace("localhost", "127.0.0.1");
    let error = read_vault(&elsewhere, Some(&right)).unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Invalid);
    assert!(error.message.contains("not valid for name"), "{error}");

    for (name, text) in [("empty.pem", ""), ("no.pem", "no certificate")] {
        let error = read_vault(&address, Some(&file(name, text))).unwrap_err();
        assert_eq!(error.kind, PortErrorKind::Invalid, "{name}: {error}");
    }
    let error = read_vault(&address, Some(&folder.path().join("gone.pem"))).unwrap_err();
    assert!(error.kind == PortErrorKind::Invalid && error.operation.contains("gone.pem"), "{error}");
}

/// A cluster that knows who has a certificate, or that token, and holds nothing.
fn empty_cluster(authority: &Authority, clients: Clients) -> String {
    let server = authority.server(clients, move |request: &Request| {
        let known =
            clients == Clients::Certified || request.header("authorization") == Some("Bearer token-1");
        let (status, reason) = if known { (404, "NotFound") } else { (401, "Unauthorized") };
        let body = json!({ "kind": "Status", "status": "Failure", "reason": reason, "message": reason });
        Some(Response::json(status, &body))
    });
    secure(&server)
}

/// A kubeconfig and what it names.
struct Kubeconfig(TempDir);

impl Kubeconfig {
    fn new(address: &str, cluster: &str, user: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "current-context: test\ncontexts: [{{name: test, context: {{cluster: here, user: me}}}}]\n\
             clusters: [{{name: here, cluster: {{server: '{address}', {cluster}}}}}]\n\
             users: [{{name: me, user: {{{user}}}}}]\n"
        );
        std::fs::write(folder.path().join("config"), text).unwrap();
        Self(folder)
    }

    fn with(self, name: &str, text: &str) -> Self {
        std::fs::write(self.0.path().join(name), text).unwrap();
        self
    }

    fn read(&self) -> Result<(), PortError> {
        let spec = KubernetesSecret {
            namespace: Some("shop".to_owned()),
            name: "alice-aws".to_owned(),
            values: Values::environment(),
            restart: Vec::new(),
            kubeconfig: Some(self.0.path().join("config")),
            context: None,
        };
        let destination = destinations().open(&DestinationSpec::KubernetesSecret(spec)).unwrap();
        block_on(destination.read()).map(drop)
    }
}

fn data(name: &str, pem: &str) -> String {
    format!("{name}-data: {}", BASE64.encode(pem.as_bytes()))
}

#[test]
fn a_cluster_is_trusted_by_the_authority_of_the_kubeconfig_alone() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let address = empty_cluster(&ours, Clients::Anybody);
    let inline = |authority: &Authority| data("certificate-authority", &authority.pem());
    Kubeconfig::new(&address, &inline(&ours), "token: token-1").read().unwrap();
    let file = Kubeconfig::new(&address, "certificate-authority: ca.pem", "token: token-1");
    file.with("ca.pem", &ours.pem()).read().unwrap();
    // What stands in the file counts more than what it names.
    let both = format!("{}, certificate-authority: ca.pem", inline(&ours));
    Kubeconfig::new(&address, &both, "token: token-1").with("ca.pem", &theirs.pem()).read().unwrap();

    for cluster in [inline(&theirs), "extensions: []".to_owned()] {
        let error = Kubeconfig::new(&address, &cluster, "token: token-1").read().unwrap_err();
        assert_eq!(error.kind, PortErrorKind::Invalid, "nothing was sent: {error}");
        assert!(error.message.contains("invalid peer certificate: UnknownIssuer"), "{error}");
    }
    let error = Kubeconfig::new(&address, &inline(&ours), "token: token-2").read().unwrap_err();
    assert_eq!(error.kind, PortErrorKind::Credentials, "{error}");
}

#[test]
fn a_cluster_that_asks_for_a_certificate_gets_the_one_of_the_kubeconfig() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let address = empty_cluster(&ours, Clients::Certified);
    let cluster = data("certificate-authority", &ours.pem());
    let (certificate, key) = ours.client();
    let inline = |certificate: &str, key: &str| {
        format!("{}, {}", data("client-certificate", certificate), data("client-key", key))
    };
    Kubeconfig::new(&address, &cluster, &inline(&certificate, &key)).read().unwrap();
    let files = "client-certificate: me.pem, client-key: me.key";
    let files = Kubeconfig::new(&address, &cluster, files);
    files.with("me.pem", &certificate).with("me.key", &key).read().unwrap();
    let plugin = json!({
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": { "clientCertificateData": certificate, "clientKeyData": key },
    });
    let exec = "exec: {apiVersion: client.authentication.k8s.io/v1, command: cat, args: [ANSWER]}";
    let answer = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(answer.path(), plugin.to_string()).unwrap();
    let exec = exec.replace("ANSWER", answer.path().to_str().unwrap());
    Kubeconfig::new(&address, &cluster, &exec).read().unwrap();

    let (strange, strange_key) = theirs.client();
    for (what, user) in [
        ("no certificate", "token: token-1".to_owned()),
        ("a certificate of another authority", inline(&strange, &strange_key)),
    ] {
        let error = Kubeconfig::new(&address, &cluster, &user).read().unwrap_err();
        assert_eq!(error.kind, PortErrorKind::Credentials, "{what}: {error}");
        assert!(error.message.contains("received fatal alert"), "{what}: {error}");
    }
    for (what, user) in [
        ("the key of another", inline(&certificate, &strange_key)),
        ("a key that is none", inline(&certificate, "hunter2hunter2")),
        ("no key", data("client-certificate", &certificate)),
        ("no base64", "client-certificate-data: '%', client-key-data: '%'".to_owned()),
    ] {
        let error = Kubeconfig::new(&address, &cluster, &user).read().unwrap_err();
        assert_eq!(error.kind, PortErrorKind::Invalid, "{what}: {error}");
        let shown = format!("{error} {error:?}");
        let leaked = [&*strange_key, "hunter2hunter2"].into_iter().any(|key| shown.contains(key));
        assert!(!leaked, "{what}: a key is in the error");
    }
}
