//! Upstreams that flood their connections, while a request is under way and after it: nobody else notices, and they are closed.

use std::time::{Duration, Instant};

use crate::harness::certs::Certs;
use crate::harness::floods::Flood;
use crate::harness::http::{Client, Neighbour, percentile};
use crate::harness::{Project, Server};

const AGENT: &str = "
export default { async fetch(request) {
  const to = new URL(request.url).searchParams.get('to');
  try { const answer = await fetch(to); return new Response(`${answer.status} ${await answer.text()}`); }
  catch (error) { return new Response(error.message, { status: 502 }); }
} };";

const POLICY: &str = "
export default { async fetch(request, env) {
  try { return await (request.url.startsWith('https:') ? env.PARTNER : globalThis).fetch(request); }
  catch (error) { console.error(error.message); throw error; }
} };";

fn serve() -> (Project, Server) {
    let project = Project::new(&[
        ("agent.js", AGENT),
        ("good.js", "export default { fetch: () => new Response('good') };"),
        ("outbound.js", POLICY),
    ]);
    Certs::make(&project.path().join("certs"));
    project.write(
        "workerd-lite.toml",
        "threads = 1\n[outbound]\nmain = 'outbound.js'\n\
         mtls_certificates = [{ binding = 'PARTNER', certificate_id = 'partner' }]\n\
         [certificates.partner]\ncert = 'certs/agent.pem'\nkey = 'certs/agent.key'\nca = ['certs/ca.pem']\n\
         [network]\nallow = ['local']\n[timeouts]\nfirst_byte = '20s'\nidle = '20s'\n\
         [[agents]]\nname = 'hostile'\nmain = 'agent.js'\nmatch = ['hostile.localhost']\n\
         [[agents]]\nname = 'good'\nmain = 'good.js'\nmatch = ['127.0.0.1']\n",
    );
    let server = project.serve(&[]);
    (project, server)
}

/// Asks the upstream once. The answer, with the flood over and no victim hurt.
fn ask(server: &Server, name: &str, flood: &Flood, scheme: &str) -> (u16, String) {
    let neighbour = Neighbour::new(&server.address, "127.0.0.1", Duration::from_millis(5));
    let began = Instant::now();
    let mut client = Client::new(&server.address, "hostile.localhost");
    let to = format!("/?to={scheme}://partner.localhost:{}/", flood.address.port());
    let answer = client.get(&to).unwrap();
    while flood.connections().1 > 0 {
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "{name}: it goes on: {answer:?} {}",
            server.log()
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    // Nothing goes on behind it.
    let before = server.cpu();
    std::thread::sleep(Duration::from_millis(500));
    let spent = server.cpu().saturating_sub(before);
    assert!(spent < Duration::from_millis(250), "{name}: {spent:?} in half a second");
    assert!(flood.connections().0 > 0, "{name}: {answer:?}");
    let samples = neighbour.since(began);
    let lost = samples.iter().filter(|sample| !sample.served).count();
    let p50 = percentile(&samples, 0.5);
    println!(
        "| {name} | {} | {:.1} | {:.1} |",
        answer.0,
        p50.as_secs_f64() * 1e3,
        percentile(&samples, 0.99).as_secs_f64() * 1e3
    );
    assert!(
        lost == 0 && p50 < Duration::from_millis(20),
        "{name}: {p50:?}, {lost} lost"
    );
    answer
}

#[test]
fn informational_answers_are_numbered() {
    let (_project, server) = serve();
    for (name, again) in [
        ("103", &b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"[..]),
        ("100", b"HTTP/1.1 100 Continue\r\n\r\n"),
        ("199", b"\r\nHTTP/1.0 199 ?\n\n"),
        ("a head without end", b"HTTP/1.1 103 x"),
    ] {
        let flood = Flood::http1(again);
        let (status, body) = ask(&server, name, &flood, "http");
        assert!(status == 502 && !body.contains("floods"), "{name}: {status} {body}");
        server.logged("partner.localhost: ");
    }
    server.logged("the upstream floods its connection with informational answers");
}

const FRAMES: [(&str, &[u8]); 10] = [
    ("PING", b"\0\0\x08\x06\0\0\0\0\0pingpong"),
    ("acknowledged PING", b"\0\0\x08\x06\x01\0\0\0\0pingpong"),
    ("SETTINGS", b"\0\0\0\x04\0\0\0\0\0"),
    ("SETTINGS with a word", b"\0\0\x06\x04\0\0\0\0\0\0\x04\0\x01\0\0"),
    ("WINDOW_UPDATE", b"\0\0\x04\x08\0\0\0\0\0\0\0\0\x01"),
    ("PRIORITY", b"\0\0\x05\x02\0\0\0\0\x01\0\0\0\0\0"),
    ("an unknown kind", b"\0\0\0\xbe\0\0\0\0\0"),
    ("RST_STREAM", b"\0\0\x04\x03\0\0\0\0\x01\0\0\0\x08"),
    ("empty DATA", b"\0\0\0\0\0\0\0\0\x01"),
    ("DATA of padding", b"\0\0\x05\0\x08\0\0\0\x01\x04\0\0\0\0"),
];

#[test]
fn frames_during_a_request_are_numbered() {
    let (project, server) = serve();
    let informational = ("informational HEADERS", &b"\0\0\x05\x01\x04\0\0\0\x01\x08\x03103"[..]);
    // A head that is not over.
    let continued = ("CONTINUATION", &b"\0\0\0\x09\0\0\0\0\x01"[..]);
    for (name, again) in FRAMES.into_iter().chain([informational, continued]) {
        let first: &[u8] = match name {
            "CONTINUATION" => b"\0\0\x01\x01\0\0\0\0\x01\x88",
            // These come with an answer that is not over.
            "empty DATA" | "DATA of padding" => b"\0\0\x01\x01\x04\0\0\0\x01\x88",
            _ => b"",
        };
        let flood = Flood::http2(&project.path().join("certs"), first, again);
        let (status, body) = ask(&server, name, &flood, "https");
        assert!(status >= 500 && !body.contains("floods"), "{name}: {status} {body}");
    }
    server.logged("the upstream floods its connection with frames that carry nothing");
}

#[test]
fn frames_behind_a_request_are_numbered() {
    let (project, server) = serve();
    let data = ("DATA", &b"\0\0\x01\0\0\0\0\0\x01x"[..]);
    for (name, again) in FRAMES.into_iter().chain([data]) {
        // 200, and no more of it.
        let whole = b"\0\0\x01\x01\x05\0\0\0\x01\x88";
        let flood = Flood::http2(&project.path().join("certs"), whole, again);
        let (status, _) = ask(&server, name, &flood, "https");
        assert!(status == 200 || status == 502, "{name}: {status}");
    }
}
