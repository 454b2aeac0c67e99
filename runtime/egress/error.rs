//! What went wrong on the way out, in words for the policy's author.

use std::error::Error;
use std::io::ErrorKind;

use workerd_lite_ops::FetchError;
use workerd_lite_ops::verdict::ConnectError;

use super::connector::ConnectTimeout;
use super::denied::Denied;
use super::dns::Unresolved;
use super::http_client::ClientError;
use super::places::TooManyConnections;
use super::server_verifier::AuthorityAsServer;

/// Why an upstream gave no response. It becomes the message of the `TypeError` in the outbound worker, and goes no further.
#[derive(Debug, thiserror::Error)]
pub(super) enum SendError {
    /// The address rules deny what the host's name resolves to.
    #[error("{host}: {denied}")]
    Denied { host: String, denied: Denied },
    /// Anything else.
    #[error(transparent)]
    Failed(#[from] FetchError),
}

impl From<SendError> for FetchError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Denied { .. } => Self::Network(error.to_string()),
            SendError::Failed(error) => error,
        }
    }
}

/// The deepest cause of a failure, which says most, and what it means where that is known.
fn cause(error: &ClientError) -> String {
    let first: &(dyn Error + 'static) = match error {
        ClientError::Http(error) => error,
        ClientError::Framing(_) => return error.to_string(),
    };
    let deepest = causes(first).last().unwrap_or(first);
    let timed_out = |error: &std::io::Error| error.kind() == ErrorKind::TimedOut;
    match error {
        // The system's time for one address, or ours.
        ClientError::Http(error) if error.is_connect() && deepest.downcast_ref().is_some_and(timed_out) => {
            ConnectTimeout.to_string()
        }
        _ => reason(first),
    }
}

/// The same, of any error of a client's.
pub(super) fn reason(error: &(dyn Error + 'static)) -> String {
    let deepest = causes(error).last().unwrap_or(error);
    if let Some(ended) = causes(error).find_map(|cause| ended(cause.downcast_ref()?)) {
        return ended.to_owned();
    }
    match causes(error).find_map(|cause| meaning(cause.downcast_ref()?)) {
        Some(meaning) => format!("{deepest} ({meaning})"),
        None => deepest.to_string(),
    }
}

/// A connection under TLS that ended without a word, which the libraries below tell in words for their callers.
fn ended(error: &std::io::Error) -> Option<&'static str> {
    if error.kind() != ErrorKind::UnexpectedEof {
        return None;
    }
    let text = error.to_string();
    if text == "tls handshake eof" {
        Some(
            "the upstream closed the connection in the midst of the TLS handshake (it may speak only versions of TLS or cipher \
             suites that are no longer safe, want a client certificate: see [certificates.<id>], or be no TLS server)",
        )
    } else if text.contains("close_notify") {
        Some("the upstream closed the connection without the close_notify of TLS: it may be cut short")
    } else {
        None
    }
}

/// Says where and why. `certified` tells whether a client certificate was shown.
pub(super) fn explain(host: &str, certified: bool, error: &ClientError) -> SendError {
    let denied = match error {
        ClientError::Http(error) => causes(error).find_map(|cause| cause.downcast_ref()),
        ClientError::Framing(_) => None,
    };
    if let Some(&Denied { address }) = denied {
        return SendError::Denied {
            host: host.to_owned(),
            denied: Denied { address },
        };
    }
    let why = cause(error);
    // TLS 1.3 judges a client's certificate after the handshake, and HTTP/2 can lose the alert to the closed connection.
    let closed = [
        "connection closed",
        "reset",
        "broken pipe",
        "close_notify",
        "unexpected eof",
    ];
    let hint = if certified && closed.iter().any(|word| why.to_lowercase().contains(word)) {
        " (an upstream that rejects the client certificate may close the connection like this)"
    } else {
        ""
    };
    FetchError::Network(format!("{host}: {why}{hint}")).into()
}

/// What kind of failure it is, for whoever counts them. That an address is denied is none.
pub(super) fn kind(error: &ClientError) -> Option<ConnectError> {
    match error {
        ClientError::Http(error) => kind_of(error),
        ClientError::Framing(_) => Some(ConnectError::Protocol),
    }
}

/// The denial of an address among the causes of an error.
pub(super) fn denied_by<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e Denied> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// The same as [`kind`], of any error of a connection's.
pub(super) fn kind_of(http: &(dyn Error + 'static)) -> Option<ConnectError> {
    for cause in causes(http) {
        if cause.is::<Denied>() {
            return None;
        }
        if cause.is::<Unresolved>() {
            return Some(ConnectError::Dns);
        }
        if cause.is::<TooManyConnections>() {
            return Some(ConnectError::Exhausted);
        }
        if cause.is::<ConnectTimeout>() {
            return Some(ConnectError::Timeout);
        }
        if cause.is::<rustls::Error>() {
            return Some(ConnectError::Tls);
        }
    }
    let system = causes(http).find_map(|cause| cause.downcast_ref::<std::io::Error>());
    Some(match system.map(std::io::Error::kind) {
        Some(ErrorKind::TimedOut) => ConnectError::Timeout,
        Some(
            ErrorKind::ConnectionRefused
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::AddrNotAvailable,
        ) => ConnectError::Refused,
        Some(
            ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
            | ErrorKind::UnexpectedEof
            | ErrorKind::NotConnected,
        ) => ConnectError::Closed,
        _ => {
            let hyper = causes(http).find_map(|cause| cause.downcast_ref::<hyper::Error>());
            match hyper {
                Some(error) if error.is_parse() => ConnectError::Protocol,
                Some(error) if error.is_incomplete_message() || error.is_closed() || error.is_canceled() => {
                    ConnectError::Closed
                }
                _ => ConnectError::Other,
            }
        }
    })
}

/// What an error of TLS means for whoever configures this.
fn meaning(error: &rustls::Error) -> Option<String> {
    use rustls::{AlertDescription, CertificateError, Error};
    let meaning = match error {
        Error::InvalidCertificate(error) => match error {
            CertificateError::UnknownIssuer => {
                "nobody who is trusted has issued the upstream's certificate: name its authority's certificate, or the \
                 upstream's own, in `ca` of the [certificates.<id>] that it goes out with, or of [network]; or the upstream \
                 leaves out certificates that stand between both, which its owner must send along"
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "the upstream's certificate has expired: its owner must renew it"
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "the upstream's certificate is not valid yet, or this machine's clock is slow"
            }
            CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => {
                "the upstream's certificate has no subject alternative name, which is where names are looked for"
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "the upstream's certificate is another host's"
            }
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
                "the upstream's certificate is not for servers: see its extended key usage"
            }
            CertificateError::Revoked => "the upstream's certificate was revoked: a list in `crl` names it",
            CertificateError::UnknownRevocationStatus => {
                "no list in `crl` is of the authority that has issued the upstream's certificate, or one above it"
            }
            CertificateError::ExpiredRevocationList | CertificateError::ExpiredRevocationListContext { .. } => {
                "the list in `crl` of the upstream's authority is no longer in force: fetch its newest"
            }
            CertificateError::UnsupportedSignatureAlgorithmContext { .. }
            | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
                "the upstream's certificate, or one above it, is signed in a way that is no longer safe, such as SHA-1"
            }
            CertificateError::Other(other) if other.0.is::<AuthorityAsServer>() => {
                "the upstream's certificate is an authority's own: name this very certificate in `ca` of the \
                 [certificates.<id>] that it goes out with, or of [network]"
            }
            _ => return None,
        },
        Error::AlertReceived(AlertDescription::ProtocolVersion) => {
            "the upstream speaks only versions of TLS that are no longer safe: 1.2 and 1.3 are spoken here"
        }
        Error::AlertReceived(AlertDescription::NoApplicationProtocol) => {
            "the upstream speaks neither HTTP/2 nor HTTP/1.1 under TLS"
        }
        Error::AlertReceived(AlertDescription::HandshakeFailure) => {
            "the upstream takes none of the cipher suites and groups that are offered, wants a client certificate: see \
             [certificates.<id>], or wants to negotiate anew, which nobody does here"
        }
        Error::AlertReceived(AlertDescription::CertificateRequired) => {
            "the upstream wants a client certificate: see [certificates.<id>]"
        }
        Error::AlertReceived(
            AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRevoked
            | AlertDescription::AccessDenied
            | AlertDescription::UnsupportedCertificate,
        ) => "the upstream refuses the client certificate",
        Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType) => {
            "the upstream speaks no TLS on this port: is it http instead of https?"
        }
        _ => return None,
    };
    Some(meaning.to_owned())
}

/// What an error was caused by, the nearest first. An I/O error hides the error that it wraps: its source is the next one.
fn causes<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&cause| {
        let wrapped = cause.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        match wrapped {
            Some(inner) => Some(inner),
            None => cause.source(),
        }
    })
}
