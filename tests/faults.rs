//! What goes wrong beyond the policy: each fault of a peer is a clear error within its timeout, and leaves nothing behind,
//! however often it happens.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::harness::certs::Certs;
use crate::harness::faults::{self, Then};
use crate::harness::{Project, Server, dns};

/// Asks for what the path names, so often at once, and tells what it came to.
const AGENT: &str = "
export default { async fetch(request) {
  const url = new URL(request.url);
  const times = Number(url.searchParams.get('times') ?? 1);
  const post = url.searchParams.has('post');
  const all = await Promise.all(Array.from({ length: times }, async () => {
    try {
      const body = post ? new Uint8Array(1 << 20) : undefined;
      const response = await fetch(url.searchParams.get('to'), { method: post ? 'POST' : 'GET', body });
      return `${response.status} ${(await response.text()).slice(0, 300)}`;
    } catch (error) {
      return `${error.name}: ${error.message}`;
    }
  }));
  return new Response([...new Set(all)].join('\\n'));
} };";

/// Tells the author of the policy why.
const POLICY: &str = "
export default { async fetch(request, env) {
  try {
    return await (request.url.startsWith('https:') ? env.PARTNER : globalThis).fetch(request);
  } catch (error) {
    return new Response(error.message, { status: 598 });
  }
} };";

struct Fault {
    name: &'static str,
    url: String,
    post: bool,
    /// One of these is what it comes to.
    must: &'static [&'static str],
}

fn fault(name: &'static str, address: SocketAddr, must: &'static [&'static str]) -> Fault {
    Fault {
        name,
        url: format!("http://{address}/"),
        post: false,
        must,
    }
}

fn tls(name: &'static str, address: SocketAddr, must: &'static [&'static str]) -> Fault {
    Fault {
        url: format!("https://partner.localhost:{}/", address.port()),
        ..fault(name, address, must)
    }
}

const LATE: &[&str] = &["no response in time"];
const CUT: &[&str] = &["598", "TypeError"];

fn of_http() -> Vec<Fault> {
    use Then::{Close, Hang, Reset};
    vec![
        fault("refused", faults::refuses(), &["refused"]),
        fault("reset at once", faults::resets(), CUT),
        fault("reset after the request", faults::resets_after_the_request(), CUT),
        fault("closed without a word", faults::says(b"", Close), CUT),
        fault("silent", faults::says(b"", Hang), LATE),
        fault("a head that stops", faults::says(b"HTTP/1.1 200 OK\r\nx-a: b\r\n", Hang), LATE),
        fault("a head that is cut", faults::says(b"HTTP/1.1 200 OK\r\nx-a", Close), CUT),
        fault("a head that is reset", faults::says(b"HTTP/1.1 200 OK\r\nx-a", Reset), CUT),
        fault("a head that drips", faults::drips(), LATE),
        fault("a head without end", faults::heads_without_end(), CUT),
        fault("no HTTP", faults::says(b"SSH-2.0-OpenSSH_9.6\r\n\r\n", Close), CUT),
        fault("words before the question", faults::greets(b"220 mail.example ESMTP\r\n", Hang), CUT),
        fault("a status that is none", faults::says(b"HTTP/1.1 9999 Never\r\n\r\n", Close), CUT),
        fault("another version", faults::says(b"HTTP/3.7 200 OK\r\n\r\n", Close), CUT),
        fault(
            "a header with a null",
            faults::says(b"HTTP/1.1 200 OK\r\nx-a: \0\r\ncontent-length: 0\r\n\r\n", Close),
            CUT,
        ),
        fault(
            "two lengths",
            faults::says(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab", Close),
            CUT,
        ),
        fault(
            "a length that is none",
            faults::says(b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n", Close),
            CUT,
        ),
        fault(
            "a body that is cut",
            faults::says(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc", Close),
            CUT,
        ),
        fault(
            "a body that is reset",
            faults::says(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc", Reset),
            CUT,
        ),
        fault(
            "a body that stops",
            faults::says(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc", Hang),
            &["TypeError"],
        ),
        fault(
            "a chunk that is none",
            faults::says(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nabc\r\n", Close),
            CUT,
        ),
        fault(
            "chunks that are cut",
            faults::says(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n", Close),
            CUT,
        ),
        fault(
            "chunks that stop",
            faults::says(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n", Hang),
            &["TypeError"],
        ),
        fault(
            "a coding that is not kept",
            faults::says(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc", Close),
            &["TypeError"],
        ),
        fault("100 and then nothing", faults::says(b"HTTP/1.1 100 Continue\r\n\r\n", Hang), LATE),
        fault(
            "100 and then an answer",
            faults::says(
                b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok",
                Close,
            ),
            &["200 ok"],
        ),
        fault(
            "an early answer to an upload",
            faults::says(b"HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\nconnection: close\r\n\r\nbig", Close),
            &["413 big", "598"],
        ),
        fault(
            "another protocol that nobody asked for",
            faults::says(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", Hang),
            CUT,
        ),
        Fault {
            post: true,
            ..fault("an upload that nobody reads", faults::greets(b"", Hang), LATE)
        },
        Fault {
            post: true,
            ..fault("an upload that is reset", faults::resets_after_the_request(), CUT)
        },
    ]
}

fn of_tls(folder: &std::path::Path) -> Vec<Fault> {
    use Then::{Close, Hang, Reset};
    vec![
        tls("TLS: a handshake that hangs", faults::tls_hangs(), &["in time"]),
        tls("TLS: a handshake that is reset", faults::resets(), CUT),
        tls(
            "TLS: no TLS",
            faults::greets(b"HTTP/1.1 400 Bad Request\r\n\r\n", Close),
            CUT,
        ),
        tls(
            "TLS: an alert",
            faults::greets(b"\x15\x03\x03\0\x02\x02\x28", Close),
            &["HandshakeFailure", "598"],
        ),
        tls(
            "TLS: half a record",
            faults::greets(b"\x16\x03\x03\x01", Hang),
            &["in time"],
        ),
        tls("TLS: expired", faults::tls(folder, "expired"), &["xpired"]),
        tls(
            "TLS: another's name",
            faults::tls(folder, "other"),
            &["not valid for name", "NotValidForName", "598"],
        ),
        tls("TLS: signed by itself", faults::tls(folder, "self-signed"), &["598"]),
        // GOAWAY with no error, and with one.
        tls(
            "HTTP/2: goes away",
            faults::frames(folder, b"\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\0", Close),
            CUT,
        ),
        tls(
            "HTTP/2: goes away for a calm",
            faults::frames(folder, b"\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\x0b", Close),
            CUT,
        ),
        // RST_STREAM of stream 1: INTERNAL_ERROR, REFUSED_STREAM.
        tls(
            "HTTP/2: a stream is reset",
            faults::frames(folder, b"\0\0\x04\x03\0\0\0\0\x01\0\0\0\x02", Hang),
            CUT,
        ),
        tls(
            "HTTP/2: a stream is refused",
            faults::frames(folder, b"\0\0\x04\x03\0\0\0\0\x01\0\0\0\x07", Hang),
            CUT,
        ),
        tls("HTTP/2: silent", faults::frames(folder, b"", Hang), LATE),
        tls("HTTP/2: reset", faults::frames(folder, b"", Reset), CUT),
        tls("HTTP/2: closed", faults::frames(folder, b"", Close), CUT),
        tls(
            "HTTP/2: frames that are none",
            faults::frames(folder, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff", Hang),
            CUT,
        ),
        // HEADERS with `:status: 200` and no end of the stream.
        tls(
            "HTTP/2: a body that never comes",
            faults::frames(folder, b"\0\0\x01\x01\x04\0\0\0\x01\x88", Hang),
            &["TypeError"],
        ),
        Fault {
            post: true,
            // A window of nothing, after the first 64 KiB.
            ..tls(
                "HTTP/2: a window that stays shut",
                faults::frames(folder, b"", Hang),
                LATE,
            )
        },
    ]
}

fn of_dns(address: SocketAddr) -> Vec<Fault> {
    let named = |name, host: &str, must| Fault {
        url: format!("http://{host}.dns.test:{}/", address.port()),
        ..fault(name, address, must)
    };
    vec![
        named("DNS: no such name", "nx", &["can not be resolved"]),
        named("DNS: no address", "empty", &["can not be resolved"]),
        named("DNS: a failure", "servfail", &["can not be resolved"]),
        named("DNS: silent", "silent", &["in time", "can not be resolved"]),
        named("DNS: slow", "slow", &["in time", "can not be resolved"]),
        named("DNS: an answer that is cut", "cut", &["in time", "can not be resolved"]),
        named(
            "DNS: an answer that is none",
            "garbage",
            &["in time", "can not be resolved"],
        ),
    ]
}

fn ask(server: &Server, fault: &Fault, times: usize) -> (Duration, String) {
    let mut path = format!("/?times={times}&to={}", fault.url);
    if fault.post {
        path.push_str("&post");
    }
    let began = Instant::now();
    let answer = server.get(&path);
    assert_eq!(answer.status, 200, "{}: {} {}", fault.name, answer.body, server.log());
    (began.elapsed(), answer.body)
}

/// How many repeats there are at once: bodies take room.
fn at_once(fault: &Fault) -> usize {
    if fault.post { 50 } else { 250 }
}

fn check(faults: &[Fault], nameserver: SocketAddr, folder: Option<&std::path::Path>) {
    let project = Project::new(&[("agent.js", AGENT), ("outbound.js", POLICY)]);
    if let Some(folder) = folder {
        std::fs::create_dir_all(project.path().join("certs")).unwrap();
        for file in ["ca.pem", "agent.pem", "agent.key"] {
            std::fs::copy(folder.join(file), project.path().join("certs").join(file)).unwrap();
        }
    }
    let certificates = "mtls_certificates = [{ binding = 'PARTNER', certificate_id = 'partner' }]\n[certificates.partner]\n\
         cert = 'certs/agent.pem'\nkey = 'certs/agent.key'\nca = ['certs/ca.pem']\n";
    project.write(
        "workerd-lite.toml",
        &format!(
            "main = 'agent.js'\nthreads = 1\n[limits]\ncpu_ms = 20000\nsubrequests = 1000\nsubrequests_at_once = 1000\nbuffers_mb = 1024\n\
             [outbound]\nmain = 'outbound.js'\nlimits = {{ cpu_ms = 20000, buffers_mb = 1024 }}\n{}\
             [network]\nallow = ['local']\nnameservers = ['{nameserver}']\n[timeouts]\nconnect = '400ms'\nfirst_byte = '500ms'\nidle = '500ms'\n",
            if folder.is_some() { certificates } else { "" }
        ),
    );
    let server = project.serve(&[]);
    for fault in faults {
        let (took, came_to) = ask(&server, fault, 1);
        assert!(
            fault.must.iter().any(|must| came_to.contains(must)),
            "{}: {came_to}, not {:?}",
            fault.name,
            fault.must
        );
        assert!(took < Duration::from_secs(5), "{} took {took:?}", fault.name);
    }
    // A thousand times each: the first half fills what is kept, and the second adds nothing.
    let half = || {
        for fault in faults {
            for _ in 0..500 / at_once(fault) {
                ask(&server, fault, at_once(fault));
            }
        }
    };
    half();
    let (files, threads) = (server.open_files(), server.threads());
    // What is kept may take a while to fill; what leaks does not stop.
    let mut told = Vec::new();
    let stays = (0..3).any(|_| {
        let memory = server.memory("VmRSS");
        half();
        server.back_to(files, "all of them");
        let grown = server.memory("VmRSS").saturating_sub(memory);
        told.push((memory, grown));
        grown < 20 + memory / 10
    });
    eprintln!("MiB, and how many more: {told:?}; {files} files, {threads} threads");
    assert!(stays, "MiB, and how many more: {told:?}");
    // Those of the pool for blocking calls come and go.
    assert!(
        server.threads() <= threads + 8,
        "{} threads, {threads} before",
        server.threads()
    );
}

#[test]
fn faults_of_http() {
    check(&of_http(), dns::serve(), None);
}

#[test]
fn faults_of_tls_and_http_2() {
    let folder = tempfile::tempdir().unwrap();
    let certs = Certs::make(folder.path());
    check(&of_tls(&certs.folder), dns::serve(), Some(&certs.folder));
}

#[test]
fn faults_of_dns() {
    let nameserver = dns::serve();
    check(&of_dns(nameserver), nameserver, None);
}
