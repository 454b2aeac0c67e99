//! Clients' connections as others than their thread know them: what must not be lost where a server stops, and a word for
//! the clients of a thread that hangs, which can not speak for itself.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use http::Version;
use rustix::net::{RecvFlags, recv};

const WORD: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-type: text/plain;charset=UTF-8\r\ncontent-length: 53\r\n\r\nService Unavailable: the thread that had it was lost\n";

/// How long a stopping server waits for the first request of a connection, and for one that is in a kept connection already.
const FRESH: Duration = Duration::from_millis(500);
const KEPT: Duration = Duration::from_millis(200);

const IDLE: u8 = 0;
const WAITS: u8 = 1;
/// It reads a response, or speaks a protocol in which we can not break in.
const BUSY: u8 = 2;

/// One connection, as others than its thread know it.
#[derive(Debug)]
pub(super) struct Client {
    state: AtomicU8,
    asked: AtomicBool,
    /// A second descriptor of the socket.
    socket: Option<OwnedFd>,
}

impl Client {
    /// A request has come.
    pub(super) fn asks(&self, version: Version) {
        self.asked.store(true, Ordering::Relaxed);
        let state = if version < Version::HTTP_2 { WAITS } else { BUSY };
        self.state.store(state, Ordering::SeqCst);
    }

    /// Its response's head is there.
    pub(super) fn is_answered(&self) {
        self.state.store(BUSY, Ordering::SeqCst);
    }

    /// Waits until what the client has sent is under way: a connection that is closed with a request in it loses that. Who
    /// has just connected is about to send one.
    pub(super) async fn settled(&self) {
        let fresh = !self.asked.load(Ordering::Relaxed);
        let limit = Instant::now() + if fresh { FRESH } else { KEPT };
        while self.state.load(Ordering::SeqCst) == IDLE && (fresh || self.has_sent()) && Instant::now() < limit {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Whether there is something that was not read.
    fn has_sent(&self) -> bool {
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        let peeked = self.socket.as_ref().map(|socket| recv(socket, &mut [0; 1], flags));
        matches!(peeked, Some(Ok((_, count))) if count > 0)
    }

    fn excuse(&self) {
        let waits = self
            .state
            .compare_exchange(WAITS, BUSY, Ordering::SeqCst, Ordering::SeqCst)
            .is_ok();
        // A request that nobody has read waits too.
        let unread = self.state.load(Ordering::SeqCst) == IDLE && self.has_sent();
        let socket = self.socket.as_ref().and_then(|socket| socket.try_clone().ok());
        if let (true, Some(socket)) = (waits || unread, socket) {
            // The socket does not block, and where its buffer is full nobody reads.
            let mut socket = File::from(socket);
            let _ = socket.write_all(WORD);
            // What is left unread when it closes would take our word back.
            let mut sent = [0; 16 << 10];
            while socket.read(&mut sent).is_ok_and(|count| count > 0) {}
        }
    }
}

/// The connections of one thread.
#[derive(Debug, Default)]
pub(super) struct Clients(Mutex<Vec<Weak<Client>>>);

impl Clients {
    /// One more.
    pub(super) fn add(&self, stream: &TcpStream) -> Arc<Client> {
        let client = Arc::new(Client {
            state: AtomicU8::new(IDLE),
            asked: AtomicBool::new(false),
            socket: stream.as_fd().try_clone_to_owned().ok(),
        });
        if let Ok(mut clients) = self.0.lock() {
            if clients.len() == clients.capacity() {
                clients.retain(|client| client.strong_count() > 0);
            }
            clients.push(Arc::downgrade(&client));
        }
        client
    }

    /// Says to all that wait for a response that none will come.
    pub(super) fn excuse(&self) {
        let Ok(clients) = self.0.lock() else { return };
        for client in clients.iter().filter_map(Weak::upgrade) {
            client.excuse();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::WORD;

    #[test]
    fn the_word_is_as_long_as_it_says() {
        let text = std::str::from_utf8(WORD).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(
            head.contains(&format!("content-length: {}\r\n", body.len()))
                || head.ends_with(&format!("content-length: {}", body.len()))
        );
    }
}
