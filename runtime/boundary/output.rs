//! What a process writes that nobody asked for: V8's last words, or a panic's.

use std::io::{self, PipeReader};
use std::time::{Duration, Instant};

use tokio::net::unix::pipe;
use workerd_lite_ops::worker_log::Lines;

use super::child::Child;

/// Lines in a second.
const LINES: u32 = 10;

/// Bytes that are read in a second. What writes more waits.
const BYTES: usize = 1 << 20;

const SECOND: Duration = Duration::from_secs(1);

/// Its standard output and error.
pub(super) struct Output {
    /// Until it is closed.
    pipe: Option<pipe::Receiver>,
    lines: Lines,
    /// When this second began, and what was read in it.
    second: (Instant, usize),
}

impl Output {
    /// Call it inside a tokio runtime.
    pub(super) fn of(pipe: PipeReader) -> io::Result<Self> {
        Ok(Self {
            pipe: Some(pipe::Receiver::from_owned_fd(pipe.into())?),
            lines: Lines::new(LINES),
            second: (Instant::now(), 0),
        })
    }

    /// Reads once, and writes that to the log.
    pub(super) async fn next(&mut self, child: &Child) {
        let Some(pipe) = &mut self.pipe else {
            return std::future::pending().await;
        };
        let (began, read) = self.second;
        let left = SECOND.saturating_sub(began.elapsed());
        if left.is_zero() {
            self.second = (Instant::now(), 0);
        } else if read >= BYTES {
            tokio::time::sleep(left).await;
            self.second = (Instant::now(), 0);
        }
        let mut bytes = [0; 4096];
        match tokio::io::AsyncReadExt::read(pipe, &mut bytes).await {
            Ok(0) | Err(_) => self.pipe = None,
            Ok(read) => {
                self.second.1 += read;
                if self.lines.take(Instant::now()).is_some() {
                    let text = String::from_utf8_lossy(&bytes[..read]);
                    let (process, text) = (child.id, text.trim().escape_debug());
                    tracing::warn!(target: "worker", process, "{} writes: {text}", child.what);
                }
            }
        }
    }
}
