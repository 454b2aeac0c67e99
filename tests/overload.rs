//! Too much of everything: what is accepted is served, the rest is told, and it passes.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::harness::Project;
use crate::harness::http::Client;

const SLOW: &str =
    "export default { async fetch() { await scheduler.wait(5); return new Response('x'.repeat(1000)); } };";

/// Asks over a connection of its own. Gives nothing where there was none to be had.
fn ask(address: &str) -> Option<Result<String, std::io::Error>> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let request = format!("GET / HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    let mut answer = String::new();
    let asked = stream
        .write_all(request.as_bytes())
        .and_then(|()| stream.read_to_string(&mut answer));
    Some(asked.map(|_| answer))
}

#[test]
fn a_stop_under_load_loses_no_accepted_request() {
    for _ in 0..3 {
        let project = Project::new(&[("agent.js", SLOW)]);
        let mut server = project.serve(&["agent.js", "--threads", "2"]);
        let (served, lost) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let stopped = Arc::new(AtomicBool::new(false));
        std::thread::scope(|scope| {
            for _ in 0..12 {
                let address = server.address.clone();
                let (served, lost, stopped) = (Arc::clone(&served), Arc::clone(&lost), Arc::clone(&stopped));
                scope.spawn(move || {
                    loop {
                        match ask(&address) {
                            Some(Ok(answer)) if answer.starts_with("HTTP/1.1 200") && answer.ends_with("xxx") => {
                                served.fetch_add(1, Ordering::Relaxed);
                            }
                            // Nobody listens any longer.
                            None => return,
                            Some(other) => {
                                eprintln!("{other:?}");
                                lost.fetch_add(1, Ordering::Relaxed);
                            }
                        }
                        if stopped.load(Ordering::Relaxed) {
                            return;
                        }
                    }
                });
            }
            std::thread::sleep(Duration::from_millis(300));
            server.signal("TERM");
            assert_eq!(server.wait(Duration::from_secs(10)), Some(0), "{}", server.log());
            stopped.store(true, Ordering::Relaxed);
        });
        assert!(served.load(Ordering::Relaxed) > 100);
        assert_eq!(lost.load(Ordering::Relaxed), 0, "{}", server.log());
    }
}

/// Who keeps a connection hears that it ends before it asks once more.
#[test]
fn a_kept_connection_is_told_that_it_ends() {
    for pause in [0, 5, 50] {
        let project = Project::new(&[("agent.js", "export default { fetch: () => new Response('ok') };")]);
        let mut server = project.serve(&["agent.js", "--threads", "1"]);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                let mut client = Client::new(&server.address, "localhost");
                scope.spawn(move || {
                    loop {
                        assert_eq!(client.try_get("/").unwrap(), (200, "ok".into()));
                        if !client.is_kept() {
                            return;
                        }
                        std::thread::sleep(Duration::from_millis(pause));
                    }
                });
            }
            std::thread::sleep(Duration::from_millis(200));
            server.signal("TERM");
            assert_eq!(server.wait(Duration::from_secs(10)), Some(0), "{}", server.log());
        });
    }
}

#[test]
fn a_log_that_nobody_reads_stops_nothing() {
    for how in ["STOP READING", "HANG UP"] {
        let agent = format!(
            "export default {{ fetch() {{ for (let i = 0; i < 20; i++) console.log('{how}', 'x'.repeat(8000)); return new Response('ok'); }} }};"
        );
        let project = Project::new(&[("agent.js", &agent)]);
        project.write(
            "workerd-lite.toml",
            "main = 'agent.js'\nthreads = 1\n[limits]\nlog_lines = 100000\ncpu_ms = 1000\n",
        );
        let server = project.serve(&[]);
        let mut client = Client::new(&server.address, "localhost");
        for _ in 0..50 {
            let began = Instant::now();
            let answer = client.get("/").unwrap();
            assert_eq!(answer, (200, "ok".into()), "{how}");
            assert!(began.elapsed() < Duration::from_secs(5), "{how}: {:?}", began.elapsed());
        }
    }
}

#[test]
fn without_files_connections_are_told_and_others_served() {
    let project = Project::new(&[("agent.js", "export default { fetch: () => new Response('ok') };")]);
    project.write("workerd-lite.toml", "main = 'agent.js'\nthreads = 1\n");
    let server = project.serve_with_files(128);
    let mut idle = Vec::new();
    for _ in 0..200 {
        let stream = TcpStream::connect(&server.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        idle.push(stream);
    }
    // Those that found room are served.
    let mut first = &idle[0];
    first.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    let mut answer = [0; 15];
    first.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
    // The rest is told.
    let mut last = idle.pop().unwrap();
    let mut answer = String::new();
    last.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains("retry-after"), "{answer}");
    server.logged("connections are turned away");
    // And it passes.
    drop((idle, last));
    let began = Instant::now();
    while Client::new(&server.address, "a").get("/").ok().map(|answer| answer.0) != Some(200) {
        assert!(began.elapsed() < Duration::from_secs(10), "{}", server.log());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn an_agent_that_fills_its_queue_fills_nobody_elses() {
    let project = Project::new(&[
        (
            "agent.js",
            "export default { async fetch() { await scheduler.wait(1500); return new Response('late'); } };",
        ),
        ("good.js", "export default { fetch: () => new Response('good') };"),
        (
            "workerd-lite.toml",
            "threads = 1\n[audit]\nfile = 'audit.ndjson'\n[[agents]]\nname = 'full'\nmain = 'agent.js'\nmatch = ['full.localhost']\n[agents.limits]\nevents = 20\n\
             [[agents]]\nname = 'good'\nmain = 'good.js'\nmatch = ['127.0.0.1']\n",
        ),
    ]);
    let server = project.serve(&[]);
    let statuses: Vec<(u16, String)> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..40)
            .map(|_| scope.spawn(|| Client::new(&server.address, "full.localhost").get("/").unwrap()))
            .collect();
        std::thread::sleep(Duration::from_millis(200));
        assert_eq!(
            Client::new(&server.address, "127.0.0.1").get("/").unwrap(),
            (200, "good".into())
        );
        asking.into_iter().map(|asking| asking.join().unwrap()).collect()
    });
    let served = statuses.iter().filter(|(status, _)| *status == 200).count();
    assert_eq!(served, 20, "{statuses:?}");
    let refused = statuses.iter().find(|(status, _)| *status != 200).unwrap();
    assert!(
        refused.0 == 503 && refused.1.contains("as many requests"),
        "{refused:?}"
    );
    let audit = std::fs::read_to_string(project.path().join("audit.ndjson")).unwrap();
    assert_eq!(audit.matches("\"reason\":\"events\"").count(), 20, "{audit}");
}

/// A client that still sends its body reads the response that refused it: the connection is closed after what it sends was read.
#[test]
fn a_client_that_still_sends_reads_why_it_was_refused() {
    let project = Project::new(&[
        ("agent.js", "export default { fetch() { return new Response('x'); } };"),
        (
            "workerd-lite.toml",
            "main = 'agent.js'\nthreads = 1\n[limits]\nrequest_body_mb = 1\n",
        ),
    ]);
    let server = project.serve(&[]);
    for _ in 0..5 {
        let mut client = TcpStream::connect(&server.address).unwrap();
        let mut said = String::new();
        write!(
            client,
            "POST / HTTP/1.1\r\nhost: agent.localhost\r\ncontent-length: 9000000\r\n\r\n"
        )
        .unwrap();
        for _ in 0..9 {
            client.write_all(&vec![b'x'; 1_000_000]).unwrap();
            std::thread::sleep(Duration::from_millis(20));
        }
        client.read_to_string(&mut said).unwrap();
        assert!(said.starts_with("HTTP/1.1 413"), "{said}");
    }
}

#[test]
fn bodies_and_heads_that_are_too_large_are_refused() {
    let project = Project::new(&[
        (
            "agent.js",
            "export default { async fetch(request) { return new Response(request.method === 'POST' ? String((await request.text()).length) : 'x'.repeat(3 << 20)); } };",
        ),
        (
            "workerd-lite.toml",
            "main = 'agent.js'\nthreads = 1\n[limits]\nrequest_body_mb = 1\nresponse_body_mb = 2\nheaders_kb = 8\ncpu_ms = 2000\n",
        ),
    ]);
    let server = project.serve(&[]);
    std::fs::write(project.path().join("small"), vec![b'x'; 1000]).unwrap();
    std::fs::write(project.path().join("large"), vec![b'x'; 2 << 20]).unwrap();
    let file = |name: &str| format!("@{}", project.path().join(name).display());
    assert_eq!(server.curl("/", &["--data-binary", &file("small")]).body, "1000");
    assert_eq!(
        server
            .curl("/", &["-H", "expect:", "--data-binary", &file("large")])
            .status,
        413
    );
    let streamed = server.curl(
        "/",
        &[
            "-H",
            "expect:",
            "-H",
            "transfer-encoding: chunked",
            "--data-binary",
            &file("large"),
        ],
    );
    assert!(streamed.status == 500 || streamed.status == 0, "{}", streamed.status);
    assert_eq!(server.get("/").status, 500, "{}", server.log());
    let header = format!("x-a: {}", "y".repeat(9000));
    assert_eq!(server.curl("/", &["-H", &header]).status, 431);
}

/// What an isolate was allowed to hold stays its agent's where that isolate was stopped and a client still has to read it.
#[test]
fn responses_of_isolates_that_were_stopped_count_for_the_next() {
    let agent = "export default { fetch(request) { if (request.url.endsWith('/loops')) for (;;); \
                 return new Response(request.url.endsWith('/large') ? 'x'.repeat(50 << 20) : 'small'); } };";
    let project = Project::new(&[("agent.js", agent)]);
    let server = project.serve(&["agent.js", "--threads", "1"]);
    server.get("/");
    let before = server.memory("VmRSS:");
    let mut unread = Vec::new();
    let mut given = 0;
    for _ in 0..8 {
        // It reads the first bytes alone.
        let mut client = server.raw(b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n");
        let mut start = [0; 12];
        client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        if client.read_exact(&mut start).is_ok() && start.ends_with(b"200") {
            given += 1;
        }
        unread.push(client);
        server.get("/loops");
        // The next one stands.
        let began = Instant::now();
        while server.get("/").status != 200 {
            assert!(began.elapsed() < Duration::from_secs(20), "{}", server.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    let grown = server.memory("VmRSS:").saturating_sub(before) >> 10;
    assert!(given >= 1 && grown < 180, "{given} were given, {grown} MiB more");
    drop(unread);
    let began = Instant::now();
    while server.get("/large").status != 200 {
        assert!(began.elapsed() < Duration::from_secs(20), "{}", server.log());
        std::thread::sleep(Duration::from_millis(100));
    }
}
