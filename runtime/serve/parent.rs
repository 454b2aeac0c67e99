//! Who watches over a server, and what it hears of it.

use std::time::Duration;

use crate::listen::Socket;

/// Where a server listens.
#[derive(Debug)]
pub struct Listening {
    /// For people, such as `http://127.0.0.1:8787` and `unix:/run/x.sock`.
    pub shown: Vec<String>,
    /// Of each of them, whether no TLS is spoken there whatever the configuration says.
    pub plain: Vec<bool>,
    /// Further handles of the sockets.
    pub sockets: Vec<Socket>,
}

impl Listening {
    /// The same, with the scheme of TLS where that is spoken.
    pub(super) fn over_tls(mut self, tls: bool) -> Self {
        let shown = self.shown.iter_mut().zip(&self.plain);
        for (shown, _) in shown.filter(|(_, plain)| tls && !**plain) {
            if let Some(place) = shown.strip_prefix("http://") {
                *shown = format!("https://{place}");
            }
        }
        self
    }
}

/// Whoever runs a server.
pub trait Parent {
    /// Requests are answered, by so many agents.
    fn ready(&mut self, listening: Listening, agents: usize);

    /// Another process is to take this one's place, and tells it to end then: too many threads hang in V8.
    fn replace_us(&self) {}

    /// The project was loaded anew, or stays as it was: so many agents answer.
    fn reloaded(&self, agents: usize) {
        let _ = agents;
    }

    /// How often it wants to hear that the server works.
    fn alive_every(&self) -> Option<Duration> {
        None
    }

    /// The server works.
    fn alive(&self) {}
}
