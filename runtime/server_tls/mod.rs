//! TLS in front of clients' connections: the server's certificate, which is exchanged while it serves, and what a handshake tells of
//! a client.

mod by_name;
mod client_certificate;
mod names;
mod settings;

use std::sync::Arc;

use rustls::{CipherSuite, ProtocolVersion, ServerConfig, ServerConnection};
use serde_json::json;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

pub use settings::{ClientAuth, Shown, Verification};

/// How clients' connections are taken over TLS.
#[derive(Debug, Clone)]
pub struct ServerTls(watch::Receiver<Arc<ServerConfig>>);

/// Gives it other certificates, or other roots and lists of clients'.
#[derive(Debug)]
pub struct Exchange {
    sender: watch::Sender<Arc<ServerConfig>>,
    auth: ClientAuth,
}

impl ServerTls {
    /// With certificates and their keys, and what clients' certificates are verified by.
    ///
    /// # Errors
    /// Where no client could be verified, or nobody could ask for one of the certificates.
    pub fn new(shown: &Shown, auth: ClientAuth, verification: &Verification) -> Result<(Self, Exchange), String> {
        let config = settings::settings(shown, auth, verification)?;
        let (sender, receiver) = watch::channel(Arc::new(config));
        Ok((Self(receiver), Exchange { sender, auth }))
    }

    /// Performs handshakes as they are to be now.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.0.borrow()))
    }
}

impl Exchange {
    /// Handshakes from now on are performed with these. Connections that stand go on.
    ///
    /// # Errors
    /// As for [`ServerTls::new`]: what was there stays.
    pub fn replace(&self, shown: &Shown, verification: &Verification) -> Result<(), String> {
        let config = settings::settings(shown, self.auth, verification)?;
        self.sender.send_replace(Arc::new(config));
        Ok(())
    }
}

/// What a handshake tells, as members of `request.cf` in JSON. Nothing where the client's certificate can not be read.
pub(crate) fn told(connection: &ServerConnection) -> Option<Arc<str>> {
    let certificate = connection.peer_certificates().and_then(<[_]>::first);
    let version = match connection.protocol_version()? {
        ProtocolVersion::TLSv1_3 => "TLSv1.3",
        _ => "TLSv1.2",
    };
    let cipher = cipher(connection.negotiated_cipher_suite()?.suite());
    let client = client_certificate::described(certificate)?;
    let members = [
        ("tlsVersion", json!(version)),
        ("tlsCipher", json!(cipher)),
        ("tlsClientAuth", client),
    ];
    let members: Vec<String> = members
        .into_iter()
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    Some(members.join(",").into())
}

/// A cipher suite by the name that BoringSSL has for it, as Cloudflare tells it.
fn cipher(suite: CipherSuite) -> &'static str {
    match suite {
        CipherSuite::TLS13_AES_128_GCM_SHA256 => "AEAD-AES128-GCM-SHA256",
        CipherSuite::TLS13_AES_256_GCM_SHA384 => "AEAD-AES256-GCM-SHA384",
        CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => "AEAD-CHACHA20-POLY1305-SHA256",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 => "ECDHE-ECDSA-AES128-GCM-SHA256",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 => "ECDHE-ECDSA-AES256-GCM-SHA384",
        CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 => "ECDHE-ECDSA-CHACHA20-POLY1305",
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 => "ECDHE-RSA-AES128-GCM-SHA256",
        CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 => "ECDHE-RSA-AES256-GCM-SHA384",
        CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 => "ECDHE-RSA-CHACHA20-POLY1305",
        other => other.as_str().unwrap_or("unknown"),
    }
}
