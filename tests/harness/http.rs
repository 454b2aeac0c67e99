//! A client that costs nothing, for what is measured.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// One request over a connection that is kept.
pub struct Client {
    address: String,
    host: String,
    open: Option<BufReader<TcpStream>>,
}

impl Client {
    pub fn new(address: &str, host: &str) -> Self {
        Self {
            address: address.to_owned(),
            host: host.to_owned(),
            open: None,
        }
    }

    /// Status and body. A kept connection that the server has closed meanwhile is opened anew, as every client does (RFC 9110,
    /// section 9.2.2).
    pub fn get(&mut self, path: &str) -> std::io::Result<(u16, String)> {
        let kept = self.open.is_some();
        let mut result = self.try_get(path);
        if kept
            && result
                .as_ref()
                .is_err_and(|error| error.kind() != std::io::ErrorKind::WouldBlock)
        {
            self.open = None;
            result = self.try_get(path);
        }
        if result.is_err() {
            self.open = None;
        }
        result
    }

    /// The same, and what the server has closed is closed.
    pub fn try_get(&mut self, path: &str) -> std::io::Result<(u16, String)> {
        if self.open.is_none() {
            let stream = TcpStream::connect(&self.address)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(Duration::from_mins(1)))?;
            self.open = Some(BufReader::new(stream));
        }
        let reader = self.open.as_mut().unwrap();
        reader
            .get_mut()
            .write_all(format!("GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", self.host).as_bytes())?;
        let (mut status, mut length, mut chunked, mut close) = (0, 0, false, false);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            let line = line.trim_end().to_ascii_lowercase();
            if let Some(rest) = line.strip_prefix("http/1.1 ") {
                status = rest[..3].parse().unwrap();
            } else if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().unwrap();
            } else if line == "transfer-encoding: chunked" {
                chunked = true;
            } else if line == "connection: close" {
                close = true;
            } else if line.is_empty() {
                break;
            }
        }
        assert!(!chunked, "this client reads no chunks");
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        if close {
            self.open = None;
        }
        Ok((status, String::from_utf8_lossy(&body).into_owned()))
    }

    /// Whether the server has not said that the last answer was the last.
    pub fn is_kept(&self) -> bool {
        self.open.is_some()
    }
}

/// One request of a neighbour.
#[derive(Clone, Copy)]
pub struct Sample {
    pub began: Instant,
    pub took: Duration,
    pub served: bool,
}

/// A client of an agent that asks again and again while others do what they do.
pub struct Neighbour {
    stop: Arc<AtomicBool>,
    samples: Arc<Mutex<Vec<Sample>>>,
    thread: Option<JoinHandle<()>>,
}

impl Neighbour {
    pub fn new(address: &str, host: &str, pause: Duration) -> Self {
        Self::asking(address, host, "/", pause)
    }

    pub fn asking(address: &str, host: &str, path: &str, pause: Duration) -> Self {
        let mut client = Client::new(address, host);
        let path = path.to_owned();
        let (stop, samples) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
        let (stopped, seen) = (Arc::clone(&stop), Arc::clone(&samples));
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                let began = Instant::now();
                let served = client.get(&path).is_ok_and(|(status, _)| status == 200);
                let took = began.elapsed();
                seen.lock().unwrap().push(Sample { began, took, served });
                std::thread::sleep(pause);
            }
        });
        Self {
            stop,
            samples,
            thread: Some(thread),
        }
    }

    /// What was asked since then.
    pub fn since(&self, began: Instant) -> Vec<Sample> {
        let samples = self.samples.lock().unwrap();
        samples
            .iter()
            .filter(|sample| sample.began + sample.took >= began)
            .copied()
            .collect()
    }
}

impl Drop for Neighbour {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The time that this part of the samples took at most.
pub fn percentile(samples: &[Sample], part: f64) -> Duration {
    let mut times: Vec<Duration> = samples.iter().map(|sample| sample.took).collect();
    times.sort_unstable();
    let last = times.len().saturating_sub(1);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss
    )]
    let place = (last as f64 * part).round() as usize;
    times.get(place).copied().unwrap_or_default()
}
