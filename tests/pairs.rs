//! Pairs of an attacker and a victim on one thread: what hostile agents make the host do for them, and what an agent of another
//! tenant notices. The table goes to `target/tmp/pairs.md`.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use crate::harness::http::{Neighbour, percentile};
use crate::harness::raw::{Next, Raw};
use crate::harness::{Project, Server};

/// How long an attack goes on.
const FOR: Duration = Duration::from_secs(4);

/// When the victim must be as it was alone: what disturbs it is known by then.
const KNOWN: Duration = Duration::from_secs(1);

#[derive(serde::Deserialize)]
struct Cases {
    case: Vec<Case>,
}

#[derive(serde::Deserialize)]
struct Case {
    name: String,
    code: String,
    clients: usize,
    reads: Reads,
    #[serde(default = "root")]
    victim: String,
    /// MiB that the process may grow by.
    #[serde(default = "usual")]
    memory: usize,
}

fn usual() -> usize {
    450
}

fn root() -> String {
    "/".into()
}

#[derive(Clone, Copy, PartialEq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
enum Reads {
    All,
    Little,
    Nothing,
}

fn cases() -> Vec<Case> {
    toml::from_str::<Cases>(include_str!("../fixtures/limits/pairs.toml"))
        .unwrap()
        .case
}

const POLICY: &str = "
export default { async fetch(request) {
  switch (new URL(request.url).hostname) {
    case 'bomb.test': return fetch('http://UPSTREAM/bomb');
    case 'window.test': return fetch('http://UPSTREAM/window');
    case 'echo.test': return new Response(request.body);
    case 'denied.test': return new Response('denied', { status: 403 });
    case 'large.test': return new Response(new Uint8Array(1 << 20));
    case 'whole.test': return new Response(new Uint8Array(4 << 20));
    case 'parsed.test': return Response.json((await request.json()).length);
    case 'busy.test': { let x = 0; for (let i = 0; i < 4e6; i++) x += i % 7; return new Response(String(x)); }
    case 'good.test': return new Response('ok');
    default: return fetch(request);
  }
} };
";

const GOOD: &str = "
const data = new Uint8Array(200_000);
export default { async fetch(request) {
  switch (new URL(request.url).pathname) {
    case '/fetch': return new Response(await (await fetch('http://good.test/')).text());
    case '/digest': return new Response(String((await crypto.subtle.digest('SHA-256', data)).byteLength));
    default: return new Response('good');
  }
} };
";

/// So many zeros in Brotli, in a window of so many bits.
fn brotli(zeros: usize, window: i32) -> Vec<u8> {
    let parameters = brotli::enc::BrotliEncoderParams {
        quality: 5,
        lgwin: window,
        ..Default::default()
    };
    let mut coded = Vec::new();
    let mut zeros = std::io::repeat(0).take(zeros as u64);
    brotli::BrotliCompress(&mut zeros, &mut coded, &parameters).unwrap();
    coded
}

/// What expands: to much, and in a large window.
static BOMBS: LazyLock<[(&str, Vec<u8>); 2]> =
    LazyLock::new(|| [("/bomb", brotli(1 << 30, 22)), ("/window", brotli(64 << 20, 24))]);

fn upstream() -> Raw {
    LazyLock::force(&BOMBS);
    Raw::start(None, |seen| {
        let bomb = BOMBS.iter().find(|(path, _)| *path == seen.path());
        let bytes = &bomb.unwrap().1;
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-encoding: br\r\ncontent-length: {}\r\n\r\n",
            bytes.len()
        );
        ([head.as_bytes(), bytes].concat(), Next::Keep)
    })
}

fn serve(upstream: &Raw, cases: &[Case]) -> (Project, Server) {
    let mut hostile = String::from(
        "const noise = (size) => { const bytes = new Uint8Array(size); let x = 1;
           for (let i = 0; i < size; i += 997) { x = (x * 48271) % 2147483647; bytes[i] = x; } return bytes; };
         const cases = {\n",
    );
    for Case { name, code, .. } in cases {
        let _ = writeln!(hostile, "  '{name}': async (request) => {{ {code}\n  }},");
    }
    hostile.push_str(
        "};\nexport default { fetch: (request) => cases[new URL(request.url).pathname.slice(1)](request) };\n",
    );
    let policy = POLICY.replace("UPSTREAM", &upstream.address.to_string());
    let project = Project::new(&[("hostile.js", &hostile), ("good.js", GOOD), ("policy.js", &policy)]);
    project.write(
        "workerd-lite.toml",
        "threads = 1\n\
         [[agents]]\nname = 'hostile'\ntenant = 'a'\nmain = 'hostile.js'\nmatch = ['hostile.localhost']\n\
         [[agents]]\nname = 'good'\ntenant = 'b'\nmain = 'good.js'\nmatch = ['127.0.0.1']\n\
         [outbound]\nmain = 'policy.js'\n[network]\nallow = ['local']\n[audit]\nfile = 'audit.ndjson'\n",
    );
    let server = project.serve(&[]);
    (project, server)
}

/// Clients of an attack, until they are dropped.
struct Attackers {
    stop: Arc<AtomicBool>,
    answered: Arc<AtomicUsize>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Attackers {
    fn new(address: &str, case: &Case) -> Self {
        let (stop, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let threads = (0..case.clients)
            .map(|_| {
                let (stop, answered) = (Arc::clone(&stop), Arc::clone(&answered));
                let (address, path, reads) = (address.to_owned(), case.name.clone(), case.reads);
                std::thread::spawn(move || {
                    while !stop.load(Ordering::Relaxed) {
                        let _ = asks(&address, &path, reads, &stop, &answered);
                    }
                })
            })
            .collect();
        Self {
            stop,
            answered,
            threads,
        }
    }
}

impl Drop for Attackers {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn asks(address: &str, path: &str, reads: Reads, stop: &AtomicBool, answered: &AtomicUsize) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_millis(200)))?;
    write!(
        stream,
        "GET /{path} HTTP/1.1\r\nhost: hostile.localhost\r\nconnection: close\r\n\r\n"
    )?;
    let mut buffer = vec![0; if reads == Reads::All { 1 << 18 } else { 1 << 10 }];
    let mut first = true;
    while !stop.load(Ordering::Relaxed) {
        if reads == Reads::Nothing && !first {
            std::thread::sleep(Duration::from_millis(20));
            continue;
        }
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(_) if first => {
                first = false;
                answered.fetch_add(1, Ordering::Relaxed);
            }
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        if reads == Reads::Little {
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    Ok(())
}

#[test]
fn what_an_agent_makes_the_host_do_is_no_other_agents_trouble() {
    let (all, upstream) = (cases(), upstream());
    let filter = std::env::var("PAIRS").ok();
    let mut text = String::from(
        "| attack | answers | victim alone p50 ms | p99 | first second p50 | p99 | afterwards p50 | p99 | lost | resident MiB before | most |\n\
         |---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    let mut wrong = Vec::new();
    for case in all
        .iter()
        .filter(|case| filter.as_ref().is_none_or(|filter| case.name.contains(filter)))
    {
        let (project, server) = serve(&upstream, &all);
        let neighbour = Neighbour::asking(&server.address, "127.0.0.1", &case.victim, Duration::from_millis(5));
        std::thread::sleep(Duration::from_millis(700));
        let began = Instant::now();
        let alone = neighbour.since(began.checked_sub(Duration::from_millis(400)).unwrap());
        let before = server.memory("RssAnon");
        let attackers = Attackers::new(&server.address, case);
        let mut most = before;
        while began.elapsed() < FOR {
            std::thread::sleep(Duration::from_millis(50));
            most = most.max(server.memory("RssAnon"));
        }
        let samples = neighbour.since(began);
        let answered = attackers.answered.load(Ordering::Relaxed);
        drop(attackers);
        let (first, later): (Vec<_>, Vec<_>) = samples.iter().partition(|sample| sample.began < began + KNOWN);
        let lost = samples.iter().filter(|sample| !sample.served).count();
        let ms = |samples: &[crate::harness::http::Sample], part| percentile(samples, part).as_secs_f64() * 1000.0;
        let _ = writeln!(
            text,
            "| {} | {answered} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {lost} | {before} | {most} |",
            case.name,
            ms(&alone, 0.5),
            ms(&alone, 0.99),
            ms(&first, 0.5),
            ms(&first, 0.99),
            ms(&later, 0.5),
            ms(&later, 0.99),
        );
        let records = std::fs::read_to_string(project.path().join("audit.ndjson")).unwrap_or_default();
        // Generous: the machine that runs this may be busy, and the table tells more. What is not accounted for is far above.
        if ms(&later, 0.5) > 100.0 || later.len() < 10 || lost > 0 {
            wrong.push(format!("{}: the victim is disturbed\n{}", case.name, server.log()));
        }
        if answered == 0 {
            wrong.push(format!("{}: nothing was answered\n{}", case.name, server.log()));
        }
        if records
            .lines()
            .any(|line| line.contains("\"ended\"") && line.contains("\"good\""))
        {
            wrong.push(format!("{}: the victim is blamed\n{records}", case.name));
        }
        if most > before + case.memory {
            wrong.push(format!("{}: {before} MiB grew to {most}\n", case.name));
        }
    }
    println!("{text}");
    std::fs::write(
        std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("pairs.md"),
        &text,
    )
    .unwrap();
    assert!(wrong.is_empty(), "{text}\n{}", wrong.join("\n"));
}
