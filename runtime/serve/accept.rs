//! Accepts connections, and answers 503 where there are more than file descriptors.

use std::fs::File;
use std::io;
use std::time::Duration;

use rustix::io::Errno;

use crate::limits::files;
use crate::listen::{Listener, Stream, accept};
use crate::metrics;

/// What who is turned away reads.
const BUSY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-type: text/plain;charset=UTF-8\r\ncontent-length: 20\r\n\r\nService Unavailable\n";

/// How many connections there may be, and a file that is closed to accept one where there is no descriptor left.
pub(super) struct Acceptor {
    most: usize,
    spare: Option<File>,
    /// Whether connections are turned away now: it is told once.
    full: bool,
    /// The listener that is looked at first.
    turn: usize,
}

impl Acceptor {
    /// Lets this process have as many files as it may.
    pub(super) fn new() -> Self {
        files::raise();
        Self {
            most: files::CLIENTS.most(),
            spare: spare(),
            full: false,
            turn: 0,
        }
    }

    /// The next connection, where there is room for it. `open` is how many there are, and `tls` whether those of the network speak TLS.
    pub(super) async fn accept(&mut self, listeners: &[Listener], open: usize, tls: bool) -> Option<Stream> {
        match accept(listeners, &mut self.turn).await {
            Ok(stream) if open < self.most => {
                self.full = false;
                return Some(stream);
            }
            Ok(stream) => {
                self.tell(&format!("there are {open} connections, and files for no more"));
                turn_away(&stream, tls);
            }
            Err(error) => {
                self.tell(&format!("a connection could not be accepted: {error}"));
                if matches!(Errno::from_io_error(&error), Some(Errno::MFILE | Errno::NFILE))
                    && self.spare.take().is_some()
                {
                    let accepted = accept(listeners, &mut self.turn);
                    if let Ok(Ok(stream)) = tokio::time::timeout(Duration::from_millis(10), accepted).await {
                        turn_away(&stream, tls);
                    }
                }
                self.spare = self.spare.take().or_else(spare);
                if self.spare.is_none() {
                    // The connections under way will free some.
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
        None
    }

    fn tell(&mut self, why: &str) {
        metrics::shed();
        if !std::mem::replace(&mut self.full, true) {
            tracing::warn!("connections are turned away with 503: {why}");
        }
    }
}

fn spare() -> Option<File> {
    File::open("/dev/null").ok()
}

/// Says that there is no room. What the client has sent is read, or the system would take our word back.
fn turn_away(stream: &Stream, tls: bool) {
    if tls && matches!(stream, Stream::Tcp(_)) {
        // A handshake would cost more than there is: the connection is closed.
        return;
    }
    let mut sent = [0; 4096];
    let _: io::Result<usize> = stream.try_write(BUSY);
    let _: io::Result<usize> = stream.try_read(&mut sent);
}
