//! TLS towards the server of a connection.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::super::error::reason;
use super::super::wire::Wire;

/// Whether another name than the one that was judged may be the server's.
pub(super) type Judge = Rc<dyn Fn(&str) -> Result<(), String>>;

/// What it takes to go on under TLS.
pub(super) struct Tls {
    pub(super) config: Arc<ClientConfig>,
    /// The host that was judged.
    pub(super) host: String,
    /// Whether a script may still ask for it.
    pub(super) may_start: bool,
    pub(super) judge: Judge,
    pub(super) timeout: Duration,
}

impl Tls {
    /// Goes on under TLS with the host, or with another name that may be the server's. Fails in words for the policy's author.
    pub(super) async fn start(&self, wire: Wire, name: Option<&str>) -> Result<TlsStream<Wire>, String> {
        let name = name.unwrap_or(&self.host);
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        let server = ServerName::try_from(bare.to_owned()).map_err(|_| format!("{name:?} is no name of a server"))?;
        let connecting = TlsConnector::from(Arc::clone(&self.config)).connect(server, wire);
        match tokio::time::timeout(self.timeout, connecting).await {
            Ok(Ok(stream)) => Ok(stream),
            Ok(Err(error)) => Err(reason(&error)),
            Err(_) => Err("TLS did not stand in time: see [timeouts] connect".to_owned()),
        }
    }

    /// Whether a script may ask for TLS, with this name.
    pub(super) fn check(&self, name: Option<&str>) -> Result<(), String> {
        if !self.may_start {
            return Err("the connection was not opened with secureTransport: \"starttls\"".to_owned());
        }
        match name {
            Some(name) if !name.eq_ignore_ascii_case(&self.host) => (self.judge)(name),
            _ => Ok(()),
        }
    }
}
