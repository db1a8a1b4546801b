//! An authority that makes certificates, and servers that show them.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use rotakey_engine::conformance::server::{Request, Response, Server, Stream};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// Who is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clients {
    Anybody,
    /// Those with a certificate of the same authority.
    Certified,
}

impl Authority {
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("authority {}", NUMBER.fetch_add(1, Ordering::Relaxed));
        params.distinguished_name.push(DnType::CommonName, name);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(super) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A client's certificate and its key, in PEM.
    pub(super) fn client(&self) -> (String, String) {
        let (certificate, key) = self.issue(Vec::new(), ExtendedKeyUsagePurpose::ClientAuth);
        (certificate.pem(), key.serialize_pem())
    }

    /// A server on this machine that is called `localhost`.
    pub(super) fn server(
        &self,
        clients: Clients,
        handler: impl Fn(&Request) -> Option<Response> + Send + Sync + 'static,
    ) -> Server {
        let names = vec!["localhost".to_owned()];
        let (certificate, key) = self.issue(names, ExtendedKeyUsagePurpose::ServerAuth);
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let builder = match clients {
            Clients::Anybody => builder.with_no_client_auth(),
            Clients::Certified => builder.with_client_cert_verifier(self.verifier(provider)),
        };
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = Arc::new(builder.with_single_cert(vec![certificate.der().clone()], key).unwrap());
        Server::over(move |stream| accept(stream, &config), handler)
    }

    fn verifier(&self, provider: Arc<CryptoProvider>) -> Arc<dyn rustls::server::danger::ClientCertVerifier> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::clone(self.0.der())).unwrap();
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap()
    }

    fn issue(&self, names: Vec<String>, purpose: ExtendedKeyUsagePurpose) -> (rcgen::Certificate, KeyPair) {
        let mut params = CertificateParams::new(names).unwrap();
        params.extended_key_usages.push(purpose);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.0).unwrap(), key)
    }
}

/// The handshake. Who is refused is told so.
fn accept(mut stream: TcpStream, config: &Arc<ServerConfig>) -> Option<Box<dyn Stream>> {
    let mut connection = ServerConnection::new(Arc::clone(config)).unwrap();
    while connection.is_handshaking() {
        if connection.complete_io(&mut stream).is_err() {
            // The rest is read, for a connection that is closed before is reset, and the client does not hear why.
            let _gone = stream.shutdown(Shutdown::Write);
            let _gone = io::copy(&mut stream, &mut io::sink());
            return None;
        }
    }
    Some(Box::new(StreamOwned::new(connection, stream)))
}
