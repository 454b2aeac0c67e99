//! Load shedding: the connections of a thread as other threads see them. Clients of a thread that hangs get 503 from
//! outside, and a graceful stop waits for what is under way.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use http::Version;
use rustix::net::{RecvFlags, recv};
use tokio::sync::Notify;
use workerd_lite_ops::Termination;

/// What the clients of a lost thread read.
const LOST: &str = "the thread that had it was lost";

/// A whole response.
fn word(why: &str) -> String {
    let body = format!("Service Unavailable: {why}\n");
    format!(
        "HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\n\
         content-type: text/plain;charset=UTF-8\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// How long a stopping server waits for the first request of a connection, and for the next one of a kept connection: its
/// answer says that it is the last, where a connection that is closed at once may have a request on its way.
const FRESH: Duration = Duration::from_millis(500);
const KEPT: Duration = Duration::from_millis(200);

const IDLE: u8 = 0;
const WAITS: u8 = 1;
/// It reads a response.
const BUSY: u8 = 2;
/// It speaks a protocol in which we can not break in, and which has a word for the end.
const FRAMES: u8 = 3;

/// One connection, as others than its thread know it.
#[derive(Debug)]
pub(super) struct Client {
    state: AtomicU8,
    /// How many requests have come.
    asked: AtomicUsize,
    /// How many of them are not over.
    open: AtomicUsize,
    /// Its next answer is the last.
    ends: AtomicBool,
    /// It was told that there is no room for it.
    refused: Notify,
    /// Whom it asks, by the agent's place in the project.
    agent: AtomicUsize,
    /// Whether its bytes are TLS, which nobody else can write.
    encrypted: AtomicBool,
    /// A second descriptor of the socket.
    socket: Option<OwnedFd>,
}

impl Client {
    /// A request has come. It is over when the result is dropped.
    pub(super) fn asks(self: &Arc<Self>, version: Version) -> Exchange {
        self.open.fetch_add(1, Ordering::Relaxed);
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.agent.store(usize::MAX, Ordering::Relaxed);
        let state = if version < Version::HTTP_2 { WAITS } else { FRAMES };
        self.state.store(state, Ordering::SeqCst);
        Exchange(Arc::clone(self))
    }

    /// TLS is spoken on it.
    pub(super) fn is_encrypted(&self) {
        self.encrypted.store(true, Ordering::Relaxed);
    }

    /// There is no room for it.
    pub(super) fn is_refused(&self) {
        self.refused.notify_one();
    }

    /// Waits until no request has been under way for this time, or there is no room for it.
    pub(super) async fn is_idle_for(&self, limit: Duration) {
        tokio::select! {
            () = self.is_quiet_for(limit) => {}
            () = self.refused.notified() => {}
        }
    }

    /// Waits until no request has been under way for this time.
    pub(super) async fn is_quiet_for(&self, limit: Duration) {
        let (mut since, mut asked) = (Instant::now(), 0);
        while since.elapsed() < limit {
            tokio::time::sleep(limit / 4).await;
            let before = std::mem::replace(&mut asked, self.asked.load(Ordering::Relaxed));
            if before != asked || self.open.load(Ordering::Relaxed) > 0 {
                since = Instant::now();
            }
        }
    }

    /// Ends the connection of a client that does not read its answer. Where there are others on it only the answer ends.
    pub(super) fn does_not_read(&self) {
        if let (BUSY, Some(socket)) = (self.state.load(Ordering::SeqCst), self.stream()) {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    /// The request is for this agent.
    pub(super) fn is_for(&self, agent: usize) {
        self.agent.store(agent, Ordering::SeqCst);
    }

    /// Its response's head is there.
    pub(super) fn is_answered(&self) {
        self.turn(WAITS, BUSY);
    }

    /// And now all of it.
    fn has_all(&self) {
        self.turn(BUSY, IDLE);
    }

    fn turn(&self, from: u8, to: u8) -> bool {
        let turned = self
            .state
            .compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst);
        turned.is_ok()
    }

    /// Whether this answer is the last, and has to say so: in HTTP/1 there is no other word for it.
    pub(super) fn hears_the_last(&self) -> bool {
        self.ends.load(Ordering::Relaxed) && self.state.load(Ordering::Relaxed) != FRAMES
    }

    /// From now on an answer is the last. Waits until none is due any longer.
    pub(super) async fn settled(&self) {
        self.ends.store(true, Ordering::Relaxed);
        let (mut since, mut asked) = (Instant::now(), self.asked.load(Ordering::Relaxed));
        let limit = if asked == 0 { FRESH } else { KEPT };
        // What has been sent, and not read, is worth as long again.
        while since.elapsed() < limit || (since.elapsed() < limit * 2 && self.has_sent()) {
            let state = self.state.load(Ordering::Relaxed);
            if state == FRAMES {
                return;
            }
            let before = std::mem::replace(&mut asked, self.asked.load(Ordering::Relaxed));
            if state != IDLE || before != asked {
                since = Instant::now();
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Whether there is something that was not read.
    fn has_sent(&self) -> bool {
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        let peeked = self.socket.as_ref().map(|socket| recv(socket, &mut [0; 1], flags));
        matches!(peeked, Some(Ok((_, count))) if count > 0)
    }

    /// Says that no response will come, if one is waited for. Its thread can say no more then.
    fn shed(&self, why: &str) -> bool {
        let waits = self.turn(WAITS, BUSY);
        // A request that nobody has read waits too.
        let unread = self.state.load(Ordering::SeqCst) == IDLE && self.has_sent();
        if !waits && !unread {
            return false;
        }
        if let (true, Some(socket)) = (self.encrypted.load(Ordering::Relaxed), self.stream()) {
            let _ = socket.shutdown(Shutdown::Both);
        } else if let Some(mut socket) = self.stream() {
            // The socket does not block, and where its buffer is full nobody reads.
            let _ = socket.write_all(word(why).as_bytes());
            let _ = socket.shutdown(Shutdown::Write);
            // What is left unread when it closes would take our word back.
            let mut sent = [0; 16 << 10];
            while socket.read(&mut sent).is_ok_and(|count| count > 0) {}
        }
        true
    }

    fn give_up(&self) {
        if let (false, Some(socket)) = (self.shed(LOST), self.stream()) {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }

    fn stream(&self) -> Option<TcpStream> {
        Some(self.socket.as_ref()?.try_clone().ok()?.into())
    }
}

/// A request with its answer.
#[derive(Debug)]
pub(super) struct Exchange(Arc<Client>);

impl Exchange {
    /// Who asks.
    pub(super) fn client(&self) -> &Arc<Client> {
        &self.0
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
        self.0.has_all();
    }
}

/// The connections of one thread.
#[derive(Debug, Default)]
pub(super) struct Clients(Mutex<Vec<Weak<Client>>>);

impl Clients {
    /// One more.
    pub(super) fn add(&self, stream: &impl AsFd) -> Arc<Client> {
        let client = Arc::new(Client {
            state: AtomicU8::new(IDLE),
            asked: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            refused: Notify::new(),
            ends: AtomicBool::new(false),
            agent: AtomicUsize::new(usize::MAX),
            encrypted: AtomicBool::new(false),
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

    /// Says to all that wait for these agents that no response will come: they were stopped.
    pub(super) fn shed(&self, of: impl Fn(usize) -> bool, why: Termination) {
        for client in self.all() {
            if of(client.agent.load(Ordering::SeqCst)) {
                client.shed(&format!("the worker was stopped: {why}"));
            }
        }
    }

    /// Says to all that wait that no response will come: the server stops.
    pub(super) fn stop(&self) {
        for client in self.all() {
            client.shed("the server stops");
        }
    }

    /// Says so to all that wait, and ends all connections.
    pub(super) fn give_up(&self) {
        self.all().iter().for_each(|client| client.give_up());
    }

    fn all(&self) -> Vec<Arc<Client>> {
        let clients = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        clients.iter().filter_map(Weak::upgrade).collect()
    }
}
