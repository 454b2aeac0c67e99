//! A thread that does not come back from an isolate is relieved by another, in the same process.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use crate::harness::http::Client;
use crate::harness::{Project, Server, free_port, otherwise_in_processes};

/// V8 looks at no word in a loop that is short and calls what is slow.
const AGENT: &str = "
export default { fetch(request) {
  const { pathname, search } = new URL(request.url);
  const rounds = Number(search.slice(1));
  if (pathname === '/slow') { const a = new Uint8Array(6e7); for (let i = 0; i < rounds; i++) a.fill(1); }
  if (pathname === '/endless') [].includes.call({ length: 2 ** 53 - 1 }, 1);
  return new Response('here');
} };";

const GOOD: &str = "
export default { async fetch(request) {
  if (request.url.endsWith('/waits')) await scheduler.wait(150);
  if (request.method === 'POST') return new Response(await request.text());
  return new Response('good');
} };";

fn serve() -> (Project, Server) {
    serve_with("")
}

fn serve_with(more: &str) -> (Project, Server) {
    let project = Project::new(&[("agent.js", AGENT), ("good.js", GOOD)]);
    project.write(
        "workerd-lite.toml",
        &format!(
            "threads = 1\n[[agents]]\nname = 'hostile'\nmain = 'agent.js'\nmatch = ['hostile.localhost']\n\
             [[agents]]\nname = 'good'\nmain = 'good.js'\nmatch = ['127.0.0.1']\n[audit]\nfile = 'audit.ndjson'\n{more}"
        ),
    );
    let server = project.serve(&[]);
    (project, server)
}

fn hostile(server: &Server, path: &str) -> (u16, String) {
    Client::new(&server.address, "hostile.localhost").get(path).unwrap()
}

/// What became of the thread, for what takes so many rounds.
#[derive(Debug, PartialEq)]
enum Became {
    /// The isolate came back in time.
    Fine,
    Late,
    Lost,
}

fn after(rounds: u32) -> Became {
    let (_project, server) = serve();
    let process = server.worker();
    let waits = std::thread::scope(|scope| {
        let waits = scope.spawn(|| Client::new(&server.address, "127.0.0.1").get("/waits").unwrap());
        std::thread::sleep(Duration::from_millis(50));
        let (status, body) = hostile(&server, &format!("/slow?{rounds}"));
        assert!(matches!(status, 200 | 503), "{status} {body}");
        waits.join().unwrap()
    });
    let log = server.log();
    if log.contains("a thread is lost") {
        return Became::Lost;
    }
    assert_eq!(waits, (200, "good".into()), "{log}");
    // Where it was late it works apart now; its neighbour and it are served as before.
    assert_eq!(hostile(&server, "/").1, "here");
    assert_eq!(server.get("/").body, "good");
    assert_eq!(server.worker(), process);
    if log.contains("another takes its place") {
        Became::Late
    } else {
        Became::Fine
    }
}

#[test]
fn what_a_neighbour_has_in_hand_is_finished_when_the_thread_comes_back() {
    if otherwise_in_processes("a hang is their process's, which ends") {
        return;
    }
    // How many rounds make it late and not lost depends on how fast the machine is: between 65 and 450 ms of CPU time.
    let (mut rounds, mut tried) = (4, Vec::new());
    while tried.len() < 16 {
        let became = after(rounds);
        tried.push(format!("{rounds}: {became:?}"));
        rounds = match became {
            Became::Fine => rounds * 2,
            Became::Late => return,
            Became::Lost => rounds * 2 / 3,
        };
    }
    panic!("{tried:?}");
}

#[test]
fn a_thread_that_never_comes_back_is_given_up_and_ends_with_its_process() {
    if otherwise_in_processes("a hang is their process's, which ends") {
        return;
    }
    let (project, mut server) = serve();
    let process = server.worker();
    let mut kept = Client::new(&server.address, "127.0.0.1");
    assert_eq!(kept.get("/").unwrap().0, 200);
    let (status, body) = hostile(&server, "/endless");
    assert!(status == 503 && body.contains("CPU time"), "{status} {body}");
    let began = Instant::now();
    assert_eq!(server.get("/").body, "good");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    server.logged("a thread is lost");
    // A connection that it kept is closed, not left to wait: the client opens another.
    let began = Instant::now();
    assert_eq!(kept.get("/").unwrap(), (200, "good".into()));
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(hostile(&server, "/").1, "here");
    assert_eq!(server.worker(), process);
    // It is there for ever, and what it has with it, until its process is replaced.
    let began = Instant::now();
    while server.worker() == process {
        assert!(began.elapsed() < Duration::from_secs(40), "{}", server.log());
        assert_eq!(server.get("/").body, "good");
        std::thread::sleep(Duration::from_millis(10));
    }
    let gone = format!("/proc/{process}");
    while std::path::Path::new(&gone).exists() {
        assert!(began.elapsed() < Duration::from_mins(1), "{}", server.log());
        std::thread::sleep(Duration::from_millis(10));
    }
    let audit = std::fs::read_to_string(project.path().join("audit.ndjson")).unwrap();
    assert!(audit.contains("\"event\":\"terminated\""), "{audit}");
    // Nobody waits for it where the server stops.
    server.signal("TERM");
    assert_eq!(server.wait(Duration::from_secs(10)), Some(0), "{}", server.log());
}

#[test]
fn too_many_threads_that_are_lost_cost_their_process() {
    if otherwise_in_processes("a hang is their process's, which ends") {
        return;
    }
    let (_project, server) = serve();
    let process = server.worker();
    for _ in 0..6 {
        assert_eq!(hostile(&server, "/endless").0, 503);
        let began = Instant::now();
        while server.get("/").body != "good" {
            assert!(began.elapsed() < Duration::from_secs(5), "{}", server.log());
        }
    }
    server.logged("more than one process may lose");
    let began = Instant::now();
    while server.worker() == process {
        assert!(began.elapsed() < Duration::from_secs(5), "{}", server.log());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The process that ends finishes what it has, and what takes its place does not wait for that.
#[test]
fn a_process_is_replaced_before_it_ends() {
    if otherwise_in_processes("a hang is their process's, which ends") {
        return;
    }
    let admin = free_port();
    let (_project, server) = serve_with(&format!("[admin]\nlisten = '127.0.0.1:{admin}'\n"));
    let process = server.worker();
    let owner = format!("127.0.0.1:{admin}");
    assert_eq!(Client::new(&owner, &owner).get("/healthz").unwrap().0, 200);
    // From now on it works apart, and hangs nobody else's thread.
    assert_eq!(hostile(&server, "/endless").0, 503);
    assert_eq!(server.get("/").body, "good");
    // A request of a neighbour's that ends when we say so.
    let mut open = std::net::TcpStream::connect(&server.address).unwrap();
    write!(
        open,
        "POST / HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\ncontent-length: 8\r\n\r\nfini"
    )
    .unwrap();
    for _ in 0..4 {
        assert_eq!(hostile(&server, "/endless").0, 503);
        assert_eq!(server.get("/").body, "good");
    }
    let began = Instant::now();
    while server.worker() == process {
        assert!(began.elapsed() < Duration::from_secs(5), "{}", server.log());
        assert_eq!(server.get("/").body, "good");
    }
    // The old one takes no more once the next serves.
    server.logged("stopping: waiting for 1 request of good");
    assert_eq!(server.get("/").body, "good");
    let healthy = Client::new(&owner, &owner).get("/healthz").unwrap();
    assert_eq!(healthy.0, 200, "{}", server.log());
    assert!(std::path::Path::new(&format!("/proc/{process}")).exists());
    let mut answer = String::new();
    open.write_all(b"shed").unwrap();
    open.read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.ends_with("finished"),
        "{answer} {}",
        server.log()
    );
}

/// What a hostile agent's clients have in hand keeps no more than two processes that are to end.
#[test]
fn processes_that_end_do_not_pile_up() {
    if otherwise_in_processes("a hang is their process's, which ends") {
        return;
    }
    let (_project, server) = serve();
    let mut kept = Vec::new();
    for _ in 0..4 {
        let process = server.worker();
        let mut open = std::net::TcpStream::connect(&server.address).unwrap();
        open.write_all(b"POST / HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 8\r\n\r\nfini")
            .unwrap();
        kept.push(open);
        let began = Instant::now();
        while server.worker() == process {
            assert!(began.elapsed() < Duration::from_secs(20), "{}", server.log());
            // The connection may be to a process that ends.
            let _ = Client::new(&server.address, "hostile.localhost").get("/endless");
        }
        assert_eq!(server.get("/").body, "good");
        let began = Instant::now();
        while server.processes().len() > 3 {
            assert!(began.elapsed() < Duration::from_secs(5), "{:?}", server.processes());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
    // A neighbour's request may have come to a process that was on its way out, and be kept by none.
    assert!(server.processes().len() >= 2, "{}", server.log());
}

#[test]
fn a_project_that_hangs_where_it_is_loaded_anew_leaves_the_old_one() {
    if otherwise_in_processes("a hang is their process's, which ends") {
        return;
    }
    let (project, server) = serve();
    project.write(
        "agent.js",
        "[].includes.call({ length: 2 ** 53 - 1 }, 1);\nexport default {};\n",
    );
    server.signal("HUP");
    server.logged("does not come back from what it does at its top level");
    server.logged("the old one stays");
    assert_eq!(hostile(&server, "/").1, "here");
    assert_eq!(server.get("/").body, "good");
}
