//! Requests to our own server: what two recipients could read differently is refused.

use std::io::Read as _;

use crate::harness::{Project, Server};

fn serve() -> (Project, Server) {
    let project = Project::new(&[(
        "worker.js",
        "export default { async fetch(request) { const { host, pathname } = new URL(request.url); \
         return new Response(`${request.method} ${host}${pathname} ${await request.text()}`); } };",
    )]);
    let server = project.serve(&["worker.js", "--threads", "1"]);
    (project, server)
}

/// All that comes back.
fn ask(server: &Server, bytes: &[u8]) -> String {
    let mut stream = server.raw(bytes);
    stream
        .set_read_timeout(Some(std::time::Duration::from_millis(700)))
        .unwrap();
    let mut answer = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut piece) {
        answer.extend_from_slice(&piece[..count]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn what_is_plain_is_served() {
    let (_project, server) = serve();
    for (bytes, body) in [
        (&b"GET /a HTTP/1.1\r\nhost: a\r\n\r\n"[..], "GET a/a "),
        (b"GET http://b/a HTTP/1.1\r\nhost: a\r\n\r\n", "GET b/a "),
        (b"GET /a HTTP/1.0\r\n\r\n", "GET localhost/a "),
        (b"\r\nGET /a HTTP/1.1\r\nHOST:a\r\n\r\n", "GET a/a "),
        (
            b"POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nok",
            "POST a/a ok",
        ),
        (
            b"POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nok",
            "POST a/a ok",
        ),
        (
            b"POST /a HTTP/1.1\r\nhost: a\r\ntransfer-encoding: Chunked\r\n\r\n2;x=y\r\nok\r\n0\r\n\r\n",
            "POST a/a ok",
        ),
    ] {
        let answer = ask(&server, bytes);
        assert!(
            answer.starts_with("HTTP/1.") && answer.contains(" 200 OK\r\n") && answer.ends_with(body),
            "{answer}"
        );
    }
}

#[test]
fn what_could_be_read_in_two_ways_is_not() {
    let (_project, server) = serve();
    let evil = "GET /evil HTTP/1.1\r\nhost: a\r\n\r\n";
    // Each line with what is wrong in it.
    let lines = [
        "host: a\r\nhost: b",
        "host: a\r\nhost: a",
        "host: a, b",
        "host:",
        "host: a\tb",
        "host: a b",
        "host: a@b",
        "host: a/b",
        "x-a: no host",
        "host: a\r\nx-a: 1\r\n folded",
        "host: a\r\n host: b",
        "host: a\r\n\tfolded",
        " host: a",
        "host : a",
        "host: a\r\nx-a : 1",
        "host: a\r\nx-a\t: 1",
        "host: a\r\nno colon",
        "host: a\r\n: empty",
        "host: a\r\nx a: 1",
        "host: a\r\nx(a): 1",
        "host: a\r\nx-a: \0",
        "host: a\r\nx-a: \x01",
        "host: a\r\nx-a: 1\rx-b: 2",
        "host: a\r\ncontent-length: 5\r\ncontent-length: 6",
        "host: a\r\ncontent-length: 5, 5",
        "host: a\r\ncontent-length: 5, 6",
        "host: a\r\ncontent-length: +5",
        "host: a\r\ncontent-length: -5",
        "host: a\r\ncontent-length: 0x5",
        "host: a\r\ncontent-length: 5 5",
        "host: a\r\ncontent-length:",
        "host: a\r\ncontent-length: 99999999999999999999",
        "host: a\r\ncontent-length : 5",
        "host: a\r\ncontent-length:\r\n 5",
        "host: a\nx-a: 1",
        "host: a\r\nx-a: 1\n",
        "host: a\r\nx-a: 1\nhost: b",
        "host: a\r\nx-a: 1\r\n\nGET /evil HTTP/1.1",
        "host: \u{e4}",
        "host: a%41",
        "host: a;b",
        "host: a\"b",
        "host: a:80:80",
        "host: a:x",
        "host: [::1",
        "host: \x7f",
        "host: a\r\nte: identity\r\ntransfer-encoding: chunked",
        "host: a\r\nte: trailers, chunked;q=1",
        "host: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked",
        "host: a\r\ntransfer-encoding: chunked\r\ncontent-length: 5",
        "host: a\r\ntransfer-encoding: chunked\r\ncontent-length: 0",
        "host: a\r\ntransfer-encoding: identity\r\ncontent-length: 5",
        "host: a\r\ntransfer-encoding: identity",
        "host: a\r\ntransfer-encoding: gzip",
        "host: a\r\ntransfer-encoding: chunked, gzip",
        "host: a\r\ntransfer-encoding: gzip, chunked",
        "host: a\r\ntransfer-encoding: chunked, chunked",
        "host: a\r\ntransfer-encoding: chunked\r\ntransfer-encoding: identity",
        "host: a\r\ntransfer-encoding: identity\r\ntransfer-encoding: chunked",
        "host: a\r\ntransfer-encoding: xchunked",
        "host: a\r\ntransfer-encoding: \x0bchunked",
        "host: a\r\ntransfer-encoding : chunked",
        "host: a\r\ntransfer-encoding:\r\n chunked",
    ];
    for line in lines {
        for method in ["GET", "POST"] {
            let answer = ask(
                &server,
                format!("{method} / HTTP/1.1\r\n{line}\r\n\r\n0\r\n\r\n{evil}").as_bytes(),
            );
            let status = answer.split(' ').nth(1).unwrap_or_default();
            assert!(matches!(status, "400" | "501"), "{method} {line:?}: {answer}");
            assert!(!answer.contains("/evil"), "{method} {line:?}: {answer}");
        }
    }
    assert!(
        ask(
            &server,
            b"POST / HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"
        )
        .contains(" 400 ")
    );
}

/// Who stands in front decides by the path that it reads: what is no path for us must not be one for it.
#[test]
fn a_target_is_read_as_by_who_stands_in_front() {
    let (_project, server) = serve();
    for target in [
        "/public#/../admin",
        "/admin#",
        "http://a/admin#x",
        "/public?a#b",
        "/a\\admin",
        "\\admin",
        "http://a/\\admin",
    ] {
        for method in ["GET", "OPTIONS"] {
            let next = "GET /evil HTTP/1.1\r\nhost: a\r\n\r\n";
            let answer = ask(
                &server,
                format!("{method} {target} HTTP/1.1\r\nhost: a\r\n\r\n{next}").as_bytes(),
            );
            assert!(answer.starts_with("HTTP/1.1 400 "), "{target}: {answer}");
            assert!(!answer.contains("/evil"), "{target}: {answer}");
        }
    }
    let answer = ask(&server, b"GET /a%23b%5Cc?d=\\ HTTP/1.1\r\nhost: a\r\n\r\n");
    assert!(answer.ends_with("GET a/a%23b%5Cc "), "{answer}");
}

/// What the server says of a client is true, whatever the client calls hop-by-hop, and by whichever spelling it says something of its own.
#[test]
fn a_client_takes_nothing_away_and_adds_nothing() {
    let project = Project::new(&[(
        "worker.js",
        "export default { fetch: ({ headers }) => new Response([...headers].map(([name, value]) => `${name}=${value}`).join('|')) };",
    )]);
    let server = project.serve(&["worker.js", "--threads", "1"]);
    let answer = ask(
        &server,
        b"GET / HTTP/1.1\r\nhost: a\r\nconnection: host, cf-connecting-ip, x-forwarded-for, x-own\r\nx-own: 1\r\nx-other: 2\r\n\
          cf_connecting_ip: 9.9.9.9\r\nX_Forwarded-For: 9.9.9.9\r\nX_REAL_IP: 9.9.9.9\r\ntrue_client-ip: 9.9.9.9\r\nx_own: 3\r\n\r\n",
    );
    assert!(
        answer.ends_with("cf-connecting-ip=127.0.0.1|host=a|x-other=2|x_own=3"),
        "{answer}"
    );
    // Cookies are joined as cookies are, not as a list (RFC 9113, section 8.2.3).
    let cookies = ["-H", "cookie: a=1", "-H", "cookie: b=2"];
    for version in ["--http1.1", "--http2-prior-knowledge"] {
        let answer = server.curl("/", &[&[version], &cookies[..]].concat());
        assert!(answer.body.contains("cookie=a=1; b=2|"), "{version}: {}", answer.body);
        // And over either version there is a host.
        assert!(
            answer.body.contains(&format!("|host={}", server.address)),
            "{version}: {}",
            answer.body
        );
    }
}

/// RFC 9112, section 2.2: a line ends with both, the request's own, that of a chunk and those behind a request too.
#[test]
fn a_bare_line_feed_ends_the_connection() {
    let (_project, server) = serve();
    for request in [
        "GET / HTTP/1.1\nhost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a\n\n",
        "\nGET / HTTP/1.1\r\nhost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\nok\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx: y\n\r\n",
    ] {
        for before in [
            "",
            "POST /before HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\n\n\n\n",
        ] {
            let all = format!("{before}{request}GET /evil HTTP/1.1\r\nhost: a\r\n\r\n");
            let answer = ask(&server, all.as_bytes());
            assert!(!answer.contains("/evil"), "{request:?}: {answer}");
            let served = answer.matches(" 200 OK").count();
            assert_eq!(served, usize::from(!before.is_empty()), "{request:?}: {answer}");
        }
    }
}

/// RFC 9112, section 6.1: the chunks count, and nothing that follows on the connection does.
#[test]
fn chunks_with_a_length_are_the_last_of_their_connection() {
    let (_project, server) = serve();
    for head in [
        "content-length: 5\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 5",
    ] {
        let request =
            format!("POST / HTTP/1.1\r\nhost: a\r\n{head}\r\n\r\n0\r\n\r\nGET /evil HTTP/1.1\r\nhost: a\r\n\r\n");
        let answer = ask(&server, request.as_bytes());
        assert!(
            !answer.contains("/evil") && answer.matches("HTTP/1.1 ").count() == 1,
            "{answer}"
        );
    }
}

#[test]
fn chunks_that_are_none_end_the_connection() {
    let (_project, server) = serve();
    for chunks in [
        "x\r\n",
        "-1\r\n",
        "0x2\r\nok\r\n0\r\n\r\n",
        "2\r\nokay\r\n0\r\n\r\n",
        "fffffffffffffffff\r\nok\r\n",
    ] {
        let request = format!(
            "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n{chunks}GET /evil HTTP/1.1\r\nhost: a\r\n\r\n"
        );
        let answer = ask(&server, request.as_bytes());
        assert!(
            !answer.contains("/evil") && !answer.contains(" 200 OK"),
            "{chunks:?}: {answer}"
        );
    }
}

#[test]
fn http_2_names_one_host() {
    let (_project, server) = serve();
    let answer = server.curl("/a", &["--http2-prior-knowledge"]);
    assert!(answer.status == 200 && answer.body.ends_with("/a "), "{}", answer.body);
}

/// RFC 9112, section 3.2.2: who reads the URL and who reads the header see one host.
#[test]
fn a_target_that_is_a_whole_url_has_the_host() {
    let project = Project::new(&[(
        "worker.js",
        "export default { fetch: ({ url, headers }) => new Response(`${url} ${headers.get('host')}`) };",
    )]);
    let server = project.serve(&["worker.js", "--threads", "1"]);
    for (line, seen) in [
        ("GET http://b.test:81/a", "http://b.test:81/a b.test:81"),
        ("GET http://a.test/a", "http://a.test/a a.test"),
        ("GET /a", "http://a.test/a a.test"),
    ] {
        let answer = ask(&server, format!("{line} HTTP/1.1\r\nhost: a.test\r\n\r\n").as_bytes());
        assert!(answer.ends_with(seen), "{line}: {answer}");
    }
}
