//! What went wrong on the way out, in words for the policy's author.

use std::error::Error;
use std::net::IpAddr;

use workerd_lite_ops::FetchError;

/// The rules deny every address of a host.
#[derive(Debug, thiserror::Error)]
#[error("the network rules deny {address}: see [network] allow and deny in workerd-lite.toml")]
pub(super) struct Denied {
    pub(super) address: IpAddr,
}

/// Says where and why. It becomes the message of the `TypeError` in the outbound worker, and goes no further.
/// `certified` tells whether a client certificate was shown.
pub(super) fn explain(host: &str, certified: bool, error: &reqwest::Error) -> FetchError {
    let mut causes = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    let why = match causes.last() {
        // reqwest's own time-outs have no better cause.
        _ if error.is_timeout() => "the connection could not be opened in time: see [timeouts] connect".to_owned(),
        Some(deepest) => deepest.clone(),
        None => error.to_string(),
    };
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
    FetchError::Network(format!("{host}: {why}{hint}"))
}
