//! An upstream and token endpoint that takes its time: what it says to each request, and how late, is a test's to decide.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    pub path: String,
    /// Its head's lines, in lower case.
    pub head: String,
    pub body: String,
}

/// What is said: how late, the status, further lines of the head, and the body.
pub type Said = (Duration, &'static str, String, Vec<u8>);

/// A running one, with a thread for each connection.
pub struct Moody {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// A body at once, with the status 200.
pub fn now(body: impl Into<Vec<u8>>) -> Said {
    (Duration::ZERO, "200 OK", String::new(), body.into())
}

impl Moody {
    pub fn start(say: impl Fn(&Asked) -> Said + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let (all, say) = (Arc::clone(&asked), Arc::new(say));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (all, say) = (Arc::clone(&all), Arc::clone(&say));
                std::thread::spawn(move || {
                    let mut reader = BufReader::new(stream);
                    while let Some(asked) = read(&mut reader) {
                        all.lock().unwrap().push(asked.clone());
                        if answer(reader.get_mut(), say(&asked)).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { address, asked }
    }

    /// The requests for paths that begin like this.
    pub fn asked(&self, path: &str) -> Vec<Asked> {
        let asked = self.asked.lock().unwrap();
        asked
            .iter()
            .filter(|asked| asked.path.starts_with(path))
            .cloned()
            .collect()
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Asked> {
    let (mut head, mut length) = (String::new(), 0);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim().is_empty() {
            break;
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        head.push_str(&lower);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Asked {
        path: first.split(' ').nth(1)?.to_owned(),
        head,
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}

fn answer(stream: &mut TcpStream, (late, status, lines, body): Said) -> std::io::Result<()> {
    std::thread::sleep(late);
    stream.write_all(format!("HTTP/1.1 {status}\r\n{lines}content-length: {}\r\n\r\n", body.len()).as_bytes())?;
    stream.write_all(&body)
}
