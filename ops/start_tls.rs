//! A connection that goes on under TLS.

use std::fmt;

use tokio::sync::oneshot;

/// Asks whoever has the connection to go on under TLS.
pub struct StartTls {
    /// Whose certificate the server is to have, where that is not the host that was connected to.
    pub name: Option<String>,
    answer: Option<oneshot::Sender<Result<(), String>>>,
}

impl StartTls {
    /// A question, and its answer: an error in words for the author.
    pub fn new(name: Option<String>) -> (Self, oneshot::Receiver<Result<(), String>>) {
        let (answer, answered) = oneshot::channel();
        let answer = Some(answer);
        (Self { name, answer }, answered)
    }

    /// Answers it.
    pub fn answer(mut self, outcome: Result<(), String>) {
        if let Some(answer) = self.answer.take() {
            let _ = answer.send(outcome);
        }
    }
}

impl fmt::Debug for StartTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StartTls")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
