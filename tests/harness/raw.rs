//! Upstreams that say bytes: what no server's library would write, request by request, over connections that are kept.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::certs::Certs;
use super::faults::{listen, reset};
use super::partner::{Tls, acceptor_for};
use super::{Project, Server};

/// A request that has come, and where.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Which connection, from 0.
    pub connection: usize,
    /// Which request on it, from 0.
    pub number: usize,
    /// Its head.
    pub head: String,
    pub body: String,
}

impl Seen {
    pub fn method(&self) -> &str {
        self.head.split(' ').next().unwrap_or_default()
    }

    pub fn path(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }
}

/// What comes after the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The next request.
    Keep,
    Close,
    Reset,
}

/// A running upstream.
pub struct Raw {
    pub address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

type Say = dyn Fn(&Seen) -> (Vec<u8>, Next) + Send + Sync;

impl Raw {
    /// Over plain TCP, or over TLS with the certificates of a folder.
    pub fn start(tls: Option<&Path>, say: impl Fn(&Seen) -> (Vec<u8>, Next) + Send + Sync + 'static) -> Self {
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let say: Arc<Say> = Arc::new(say);
        let acceptor = tls.map(|folder| {
            let certificate = "server";
            acceptor_for(&Tls { folder, certificate }, &["http/1.1"])
        });
        let connections = Arc::new(Mutex::new(0..));
        let all = Arc::clone(&seen);
        let address = listen(move |stream: TcpStream| {
            let connection = connections.lock().unwrap().next().unwrap();
            let (acceptor, say, seen) = (acceptor.clone(), Arc::clone(&say), Arc::clone(&all));
            async move {
                let _ = stream.set_nodelay(true);
                let Some(acceptor) = acceptor else {
                    let mut stream = stream;
                    if converse(&mut stream, connection, &say, &seen).await == Next::Reset {
                        reset(&stream);
                    }
                    return;
                };
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    return;
                };
                if converse(&mut stream, connection, &say, &seen).await == Next::Reset {
                    reset(stream.get_ref().0);
                }
            }
        });
        Self { address, seen }
    }

    /// One answer to everything.
    pub fn says(bytes: &[u8], next: Next) -> Self {
        let bytes = bytes.to_vec();
        Self::start(None, move |_| (bytes.clone(), next))
    }

    /// What has come until now.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn converse(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    connection: usize,
    say: &Arc<Say>,
    all: &Mutex<Vec<Seen>>,
) -> Next {
    for number in 0.. {
        let Some((head, body)) = request(stream).await else {
            return Next::Close;
        };
        let seen = Seen {
            connection,
            number,
            head,
            body,
        };
        let (bytes, next) = say(&seen);
        all.lock().unwrap().push(seen);
        let _ = stream.write_all(&bytes).await;
        let _ = stream.flush().await;
        match next {
            Next::Keep => {}
            Next::Close => {
                let _ = stream.shutdown().await;
                return next;
            }
            Next::Reset => {
                // What was said arrives first.
                tokio::time::sleep(Duration::from_millis(20)).await;
                return next;
            }
        }
    }
    Next::Close
}

/// A request's head and its body.
async fn request(stream: &mut (impl AsyncRead + Unpin)) -> Option<(String, String)> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let lower = head.to_ascii_lowercase();
    let mut body = Vec::new();
    if lower.contains("transfer-encoding: chunked") {
        while !body.ends_with(b"0\r\n\r\n") {
            body.push(stream.read_u8().await.ok()?);
        }
    } else if let Some((_, length)) = lower.split_once("content-length: ") {
        let length = length.split("\r\n").next()?.parse().ok()?;
        body.resize(length, 0);
        stream.read_exact(&mut body).await.ok()?;
    }
    Some((head, String::from_utf8_lossy(&body).into_owned()))
}

/// Whose `fetch` asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Agent,
    Policy,
}

/// A server whose agent and policy fetch what they are told, and report what they saw.
pub struct Asker {
    pub project: Project,
    pub server: Server,
}

const REPORT: &str = "
async function report(to, init, fetch) {
  try {
    if (init.stream) Object.assign(init, { body: new Blob([init.stream]).stream(), duplex: 'half' });
    if (init.fields) init.headers = Array.from({ length: init.fields }, (_, i) => ['x-field-' + i, 'v']);
    const all = await Promise.all(Array.from({ length: init.times ?? 1 }, () => fetch(to, init)));
    const response = all.pop();
    await Promise.all(all.map((other) => other.text()));
    const headers = {};
    for (const [name, value] of response.headers) headers[name] = value;
    return Response.json({
      status: response.status, reason: response.statusText, url: response.url, redirected: response.redirected,
      headers, fields: Object.keys(headers).length, body: await response.text(),
    });
  } catch (error) {
    return Response.json({ error: `${error.name}: ${error.message}` });
  }
}
";

const AGENT: &str = "
export default { async fetch(request) {
  const { searchParams } = new URL(request.url);
  const [to, init] = [searchParams.get('to'), JSON.parse(searchParams.get('init'))];
  if (searchParams.get('by') === 'Agent') return report(to, init, fetch);
  return fetch('http://report.test/', { method: 'POST', body: JSON.stringify({ to, init }) });
} };";

const POLICY: &str = "
export default { async fetch(request, env) {
  if (new URL(request.url).hostname !== 'report.test') {
    return (request.url.startsWith('https:') ? env.PARTNER : globalThis).fetch(request);
  }
  const { to, init } = await request.json();
  return report(to, init, (to, init) => (to.startsWith('https:') ? env.PARTNER : globalThis).fetch(to, init));
} };";

impl Asker {
    /// `limits` are lines of both workers' limits.
    pub fn new(limits: &str) -> Self {
        let project = Project::new(&[
            ("agent.js", &format!("{REPORT}{AGENT}")),
            ("outbound.js", &format!("{REPORT}{POLICY}")),
        ]);
        Certs::make(&project.path().join("certs"));
        let limits = format!("cpu_ms = 20000, {limits}");
        project.write(
            "workerd-lite.toml",
            &format!(
                "main = 'agent.js'\nthreads = 1\nlimits = {{ {limits} }}\n[outbound]\nmain = 'outbound.js'\nlimits = {{ {limits} }}\n\
                 mtls_certificates = [{{ binding = 'PARTNER', certificate_id = 'partner' }}]\n\
                 [certificates.partner]\ncert = 'certs/agent.pem'\nkey = 'certs/agent.key'\nca = ['certs/ca.pem']\n\
                 [network]\nallow = ['local']\n[audit]\nfile = 'audit.ndjson'\n[timeouts]\nfirst_byte = '2s'\nidle = '2s'\n"
            ),
        );
        let server = project.serve(&[]);
        Self { project, server }
    }

    pub fn certs(&self) -> std::path::PathBuf {
        self.project.path().join("certs")
    }

    /// What came of a `fetch`, as JSON.
    pub fn ask(&self, by: By, to: &str, init: &str) -> serde_json::Value {
        let (to, init) = (format!("to={to}"), format!("init={init}"));
        let arguments = [
            "-G",
            "-d",
            &format!("by={by:?}"),
            "--data-urlencode",
            &to,
            "--data-urlencode",
            &init,
        ];
        let answer = self.server.curl("/", &arguments);
        assert_eq!(answer.status, 200, "{to}: {} {}", answer.body, self.server.log());
        super::json(&answer.body)
    }
}

/// What an answer came to: its status and body, or its error.
pub fn outcome(answer: &serde_json::Value) -> String {
    match answer["error"].as_str() {
        Some(error) => error.to_owned(),
        None => format!("{} {}", answer["status"], answer["body"].as_str().unwrap_or_default()),
    }
}
