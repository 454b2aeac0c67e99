//! Heads of messages: many fields, long ones, and lines that are odd.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use crate::harness::raw::{Asker, By, Next, Raw, outcome};
use crate::harness::{Project, Server, anywhere, partner, upstreams};

/// So many fields, each with a name of its own.
fn fields(count: usize) -> String {
    let lines: Vec<_> = (0..count).map(|field| format!("x{field:x}: v\r\n")).collect();
    lines.concat()
}

fn response(lines: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\n{lines}content-length: 2\r\n\r\nok").into_bytes()
}

#[test]
fn an_upstream_may_send_many_fields() {
    let asker = Asker::new("");
    for count in [99, 100, 101, 257, 1000, 2500] {
        let upstream = Raw::says(&response(&fields(count)), Next::Keep);
        let to = format!("http://{}/", upstream.address);
        for by in [By::Agent, By::Policy] {
            let answer = asker.ask(by, &to, "{}");
            assert_eq!(answer["fields"], count + 1, "{by:?}: {}", outcome(&answer));
            assert_eq!(answer["headers"][format!("x{:x}", count - 1)], "v");
        }
    }
}

#[test]
fn an_upstream_of_http_2_may_too() {
    let asker = Asker::new("");
    let tls = partner::Tls {
        folder: &asker.certs(),
        certificate: "server",
    };
    let partner = upstreams()
        .block_on(partner::Partner::start(anywhere(), Some(tls)))
        .unwrap();
    for count in [101, 500, 2000] {
        for by in [By::Agent, By::Policy] {
            let answer = asker.ask(by, &partner.url("https", &format!("/fields/{count}")), "{}");
            assert!(
                answer["fields"].as_u64().unwrap() >= count,
                "{by:?}: {}",
                outcome(&answer)
            );
            // And the other way.
            let sent = asker.ask(by, &partner.url("https", "/"), &format!("{{\"fields\":{count}}}"));
            let seen = crate::harness::json(sent["body"].as_str().unwrap());
            assert_eq!(seen["version"], "HTTP/2.0");
            assert_eq!(seen["headers"][format!("x-field-{}", count - 1)], "v", "{by:?}");
        }
    }
    let answer = asker.ask(By::Policy, &partner.url("https", "/fields/9000"), "{}");
    assert!(outcome(&answer).starts_with("TypeError"), "{}", outcome(&answer));
}

#[test]
fn requests_may_have_many_fields() {
    let asker = Asker::new("");
    let upstream = Raw::says(&response(""), Next::Keep);
    let to = format!("http://{}/", upstream.address);
    for by in [By::Agent, By::Policy] {
        assert_eq!(outcome(&asker.ask(by, &to, "{\"fields\":1000}")), "200 ok");
        let head = upstream.seen().pop().unwrap().head;
        assert!(
            head.contains("x-field-0: v\r\n") && head.contains("x-field-999: v\r\n"),
            "{head}"
        );
    }
}

#[test]
fn more_than_may_be_is_an_error_and_nothing_worse() {
    let small = Asker::new("headers_kb = 8");
    let large = Asker::new("headers_kb = 4096");
    let long = |length: usize| response(&format!("x-long: {}\r\n", "y".repeat(length)));
    let rows = [
        (&small, response(&fields(500)), "200 ok"),
        (&small, response(&fields(2000)), "TypeError"),
        (&small, long(8000), "200 ok"),
        (&small, long(9000), "TypeError"),
        (&large, long(100 << 10), "200 ok"),
        (&large, long(2 << 20), "200 ok"),
        (&large, long(5 << 20), "TypeError"),
        // More than a header list can hold.
        (&large, response(&fields(24_100)), "TypeError"),
        (&large, response(&fields(40_000)), "TypeError"),
        (&large, response(&"x: 1\r\n".repeat(40_000)), "TypeError"),
    ];
    for (number, (asker, bytes, must)) in rows.into_iter().enumerate() {
        let upstream = Raw::says(&bytes, Next::Close);
        let came_to = outcome(&asker.ask(By::Policy, &format!("http://{}/", upstream.address), "{}"));
        assert!(came_to.starts_with(must), "{number}: {came_to}");
    }
    for asker in [&small, &large] {
        assert!(!asker.server.log().contains("panicked"), "{}", asker.server.log());
    }
}

fn counting(limits: &str) -> (Project, Server) {
    let project = Project::new(&[
        (
            "agent.js",
            "export default { fetch(request) { const count = Number(new URL(request.url).pathname.slice(1)); let own = 0; \
             for (let i = 0; i < count; i += Math.ceil(count / 500)) own += request.headers.get('x' + i.toString(16)) === 'v'; \
             const [last, more] = [count - 1, count].map((i) => request.headers.has('x' + i.toString(16))); \
             return new Response(String(own > 0 && last && !more)); } };",
        ),
        (
            "workerd-lite.toml",
            &format!("main = 'agent.js'\nthreads = 1\n[limits]\ncpu_ms = 20000\n{limits}\n"),
        ),
    ]);
    let server = project.serve(&[]);
    (project, server)
}

/// Asks whether so many fields have come.
fn raw(server: &Server, lines: &str) -> String {
    let count = lines.matches('\n').count();
    let head = format!("GET /{count} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{lines}\r\n");
    let mut stream = TcpStream::connect(&server.address).unwrap();
    // What is refused may be refused before its end.
    let _ = stream.write_all(head.as_bytes());
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer
}

#[test]
fn a_client_may_send_many_fields() {
    let (project, server) = counting("");
    for count in [98, 101, 300, 2000, 10_000] {
        let answer = raw(&server, &fields(count));
        assert!(
            answer.starts_with("HTTP/1.1 200") && answer.ends_with("\r\ntrue"),
            "{count}: {answer}"
        );
    }
    for count in [101, 300, 2000] {
        project.write("fields", &fields(count).replace('\r', ""));
        let file = format!("@{}", project.path().join("fields").display());
        let answer = server.curl(&format!("/{count}"), &["--http2-prior-knowledge", "-H", &file]);
        assert_eq!((answer.status, &*answer.body), (200, "true"), "{count}");
    }
}

#[test]
fn a_client_that_sends_too_many_is_told() {
    let (project, server) = counting("headers_kb = 8");
    for lines in [
        fields(2000),
        format!("x-long: {}\r\n", "y".repeat(9000)),
        format!("x-long: {}\r\n", "y".repeat(300_000)),
        fields(24_100),
        fields(60_000),
    ] {
        let answer = raw(&server, &lines);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
    project.write("fields", &fields(2000).replace('\r', ""));
    let file = format!("@{}", project.path().join("fields").display());
    assert_eq!(server.curl("/", &["--http2-prior-knowledge", "-H", &file]).status, 431);
    // Allowed by their size, and more than a list can hold.
    let (_project, server) = counting("headers_kb = 4096");
    for lines in [fields(24_100), fields(40_000), "x: 1\r\n".repeat(40_000)] {
        let answer = raw(&server, &lines);
        assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    }
    assert!(
        raw(&server, &fields(23_900)).starts_with("HTTP/1.1 200"),
        "{}",
        server.log()
    );
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

/// Lines of a response's head, and what its `x-a` is.
const LINES: &[(&[u8], Option<&str>)] = &[
    // RFC 9112, section 5.2: a fold is a space.
    (b"x-a: 1\r\n 2\r\n", Some("1 2")),
    (b"x-a: 1\r\n\t2\r\n", Some("1 2")),
    (b"x-a: 1\r\n    2\r\n \t 3\r\n", Some("1 2 3")),
    (b"x-a:\r\n 1\r\n", Some("1")),
    (b"X-A: one,\r\n two: three\r\n", Some("one, two: three")),
    (b"x-a: 1 \r\n 2\r\nx-b: 3\r\n 4\r\n", Some("1 2")),
    // Section 5.1: whitespace before the colon goes.
    (b"x-a : 1\r\n", Some("1")),
    (b"x-a\t: 1\r\n", Some("1")),
    (b"x-a  \t :1\r\n", Some("1")),
    (b"x-a : 1\r\n 2\r\n", Some("1 2")),
    // Plain ones.
    (b"X-A: 1\r\n", Some("1")),
    (b"x-a:1\r\n", Some("1")),
    (b"x-a: \t 1 \t \r\n", Some("1")),
    (b"x-a:\r\n", Some("")),
    (b"x-a: \r\n", Some("")),
    (b"x-a: caf\xe9\r\n", Some("caf\u{e9}")),
    (b"x-a: \xc3\xa9\r\n", Some("\u{e9}")),
    (b"x-a: 1\r\nx-a: 2\r\n", Some("1, 2")),
    (b"x-a: 1\n", Some("1")),
    // Lines that are none are dropped, and nothing else with them.
    (b"no colon here\r\nx-a: 1\r\n", Some("1")),
    (b"x-a: 1\r\nno-colon\r\n", Some("1")),
    (b"two words: 1\r\nx-a: 1\r\n", Some("1")),
    (b": 1\r\nx-a: 1\r\n", Some("1")),
    (b"x(a): 1\r\nx-a: 1\r\n", Some("1")),
    (b"x-\xe9: 1\r\nx-a: 1\r\n", Some("1")),
    (b"x-b: \x01\r\nx-a: 1\r\n", Some("1")),
    (b"x-b: a\x7fb\r\n folded\r\nx-a: 1\r\n", Some("1")),
    (b"x-a: a\x01b\r\n", None),
    (b"HTTP/1.1 200 OK\r\nx-a: 1\r\n", Some("1")),
    // Section 2.2: what begins with whitespace belongs to nothing.
    (b" x-a: 1\r\n", None),
    (b" x-b: 1\r\nx-a: 1\r\n", Some("1")),
];

#[test]
fn odd_lines_of_upstreams_are_taken_as_the_standard_says() {
    let asker = Asker::new("");
    for (lines, value) in LINES {
        let bytes = [
            b"HTTP/1.1 200 OK\r\n",
            *lines,
            b"x-after: 1\r\ncontent-length: 2\r\n\r\nok",
        ]
        .concat();
        let upstream = Raw::says(&bytes, Next::Keep);
        for by in [By::Agent, By::Policy] {
            let shown = String::from_utf8_lossy(lines);
            let answer = asker.ask(by, &format!("http://{}/", upstream.address), "{}");
            assert_eq!(outcome(&answer), "200 ok", "{shown:?} by {by:?}");
            assert_eq!(
                answer["headers"]["x-a"].as_str(),
                *value,
                "{shown:?} by {by:?}: {answer}"
            );
            assert_eq!(answer["headers"]["x-after"], "1", "{shown:?} by {by:?}: {answer}");
        }
    }
}

#[test]
fn lines_that_could_end_elsewhere_are_refused() {
    let asker = Asker::new("");
    for lines in [&b"x-a: \0\r\n"[..], b"x-a: 1\rx-b: 2\r\n", b"x\0: 1\r\n"] {
        let bytes = [b"HTTP/1.1 200 OK\r\n", lines, b"content-length: 2\r\n\r\nok"].concat();
        let upstream = Raw::says(&bytes, Next::Close);
        let came_to = outcome(&asker.ask(By::Policy, &format!("http://{}/", upstream.address), "{}"));
        assert!(came_to.starts_with("TypeError"), "{lines:?}: {came_to}");
    }
}

/// Odd lines that say where a body ends count as the plain ones.
#[test]
fn odd_lines_frame_as_plain_ones() {
    let asker = Asker::new("");
    for head in [
        "content-length:\r\n 2\r\n\r\nok",
        "content-length : 2\r\n\r\nok",
        "transfer-encoding : chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "transfer-encoding:\r\n\tchunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ] {
        let upstream = Raw::says(format!("HTTP/1.1 200 OK\r\n{head}").as_bytes(), Next::Keep);
        let came_to = outcome(&asker.ask(By::Policy, &format!("http://{}/", upstream.address), "{}"));
        assert_eq!(came_to, "200 ok", "{head:?}");
    }
    for head in [
        "content-length : 2\r\ncontent-length: 3\r\n\r\nok",
        "content-length: 2\r\n 3\r\n\r\nok",
        "transfer-encoding : chunked\r\ncontent-length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ] {
        let upstream = Raw::says(format!("HTTP/1.1 200 OK\r\n{head}").as_bytes(), Next::Close);
        let came_to = outcome(&asker.ask(By::Policy, &format!("http://{}/", upstream.address), "{}"));
        assert!(came_to.starts_with("TypeError"), "{head:?}: {came_to}");
    }
}
