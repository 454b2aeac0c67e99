//! What a failed attempt tells: whether the upstream can have seen the request.

use std::error::Error;
use std::io::ErrorKind;

use h2::Reason;
use hyper_util::client::legacy;

/// An error with all its causes.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |cause| {
        let cause: &'a (dyn Error + 'static) = *cause;
        cause.source()
    })
}

/// Whether the upstream said over HTTP/2 that it did nothing with the request: it goes away and has not begun it, or refuses
/// the stream (RFC 9113, section 8.7).
pub(super) fn is_unprocessed(error: &legacy::Error) -> bool {
    chain(error)
        .filter_map(|cause| cause.downcast_ref::<h2::Error>())
        .any(|error| {
            let reason = error.reason();
            error.is_remote()
                && (error.is_go_away() && reason == Some(Reason::NO_ERROR)
                    || error.is_reset() && reason == Some(Reason::REFUSED_STREAM))
        })
}

/// Whether the connection ended under the request. An answer that is no HTTP, and a reset of one stream, are something else.
pub(super) fn lost_connection(error: &legacy::Error) -> bool {
    if error.is_connect() {
        return false;
    }
    chain(error).any(|cause| {
        if let Some(error) = cause.downcast_ref::<hyper::Error>() {
            error.is_incomplete_message() || error.is_canceled() || error.is_closed()
        } else if let Some(error) = cause.downcast_ref::<h2::Error>() {
            error.is_io() || error.is_go_away() && error.is_remote()
        } else if let Some(error) = cause.downcast_ref::<std::io::Error>() {
            matches!(
                error.kind(),
                ErrorKind::ConnectionReset
                    | ErrorKind::ConnectionAborted
                    | ErrorKind::BrokenPipe
                    | ErrorKind::NotConnected
                    | ErrorKind::UnexpectedEof
                    | ErrorKind::TimedOut
            )
        } else {
            false
        }
    })
}
