//! Responses as upstreams frame them: where each ends, and what is refused because its end is not plain.

use crate::harness::raw::{Asker, By, Next, Raw, outcome};

struct Row {
    name: &'static str,
    says: &'static [u8],
    next: Next,
    init: &'static str,
    /// What it comes to: it begins like this.
    must: &'static str,
}

const fn row(name: &'static str, says: &'static [u8], must: &'static str) -> Row {
    Row {
        name,
        says,
        next: Next::Close,
        init: "{}",
        must,
    }
}

const fn kept(row: Row) -> Row {
    Row {
        next: Next::Keep,
        ..row
    }
}

const ERROR: &str = "TypeError";

const ROWS: &[Row] = &[
    row("a length", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", "200 ok"),
    kept(row("a length, kept", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", "200 ok")),
    kept(row("two equal lengths", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\nok", "200 ok")),
    kept(row("a length said twice", b"HTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\n\r\nok", "200 ok")),
    row("two lengths", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 1\r\n\r\nok", ERROR),
    row("two lengths in a line", b"HTTP/1.1 200 OK\r\ncontent-length: 2, 1\r\n\r\nok", ERROR),
    row("a length with a sign", b"HTTP/1.1 200 OK\r\ncontent-length: +2\r\n\r\nok", ERROR),
    row("a length in hexadecimal", b"HTTP/1.1 200 OK\r\ncontent-length: 0x2\r\n\r\nok", ERROR),
    row("an empty length", b"HTTP/1.1 200 OK\r\ncontent-length:\r\n\r\nok", ERROR),
    row("a length beyond all", b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\nok", ERROR),
    row("more than its length", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokay", "200 ok"),
    row("less than its length", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok", ERROR),
    row("no length", b"HTTP/1.1 200 OK\r\n\r\nto the end", "200 to the end"),
    row("HTTP/1.0", b"HTTP/1.0 200 OK\r\n\r\nto the end", "200 to the end"),
    row("HTTP/1.0 with a length", b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "200 ok"),
    row("HTTP/1.0, kept", b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", "200 ok"),
    row("HTTP/1.0 with chunks", b"HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", ERROR),
    row("the last", b"HTTP/1.1 200 OK\r\nCONNECTION: CLOSE\r\ncontent-length: 2\r\n\r\nok", "200 ok"),
    kept(row("chunks", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "200 ok")),
    kept(row("chunks in capitals", b"HTTP/1.1 200 OK\r\nTRANSFER-ENCODING: CHUNKED\r\n\r\n002\r\nok\r\n000\r\n\r\n", "200 ok")),
    kept(row("chunk extensions", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;a=b;c=\"d\"\r\nok\r\n0;e\r\n\r\n", "200 ok")),
    kept(row("trailers", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-t\r\n\r\n2\r\nok\r\n0\r\nx-t: 1\r\n\r\n", "200 ok")),
    row("chunks that are cut", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n", ERROR),
    row("a chunk of no size", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-2\r\nok\r\n0\r\n\r\n", ERROR),
    kept(row("chunks and a length", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n", ERROR)),
    kept(row("a length and chunks", b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", ERROR)),
    kept(row("chunks in gzip", b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", ERROR)),
    row("gzip to the end", b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nok", ERROR),
    kept(row("chunks twice", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", ERROR)),
    kept(row("no content, with a length", b"HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n", "204 ")),
    kept(row("not modified, with a length", b"HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n", "304 ")),
    kept(row("reset content", b"HTTP/1.1 205 Reset Content\r\ncontent-length: 0\r\n\r\n", "205 ")),
    kept(Row {
        init: "{\"method\":\"HEAD\"}",
        ..row("HEAD with a length", b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n", "200 ")
    }),
    kept(Row {
        init: "{\"method\":\"HEAD\"}",
        ..row("HEAD with chunks", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "200 ")
    }),
    kept(row("informational ones before", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: <a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", "200 ok")),
    row("an informational one alone", b"HTTP/1.1 103 Early Hints\r\nlink: <a>\r\n\r\n", ERROR),
    row("an upgrade that nobody asked for", b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n", ERROR),
    row("no reason", b"HTTP/1.1 200\r\ncontent-length: 2\r\n\r\nok", "200 ok"),
    row("an empty reason", b"HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\nok", "200 ok"),
    row("a reason in Latin-1", b"HTTP/1.1 200 Tr\xe8s bien\r\ncontent-length: 2\r\n\r\nok", "200 ok"),
    row("line feeds alone", b"HTTP/1.1 200 OK\ncontent-length: 2\n\nok", "200 ok"),
    row("a status that nobody knows", b"HTTP/1.1 299 Fine\r\ncontent-length: 2\r\n\r\nok", "299 ok"),
];

#[test]
fn each_response_ends_where_it_says() {
    let asker = Asker::new("");
    for row in ROWS {
        for by in [By::Agent, By::Policy] {
            let upstream = Raw::says(row.says, row.next);
            let to = format!("http://{}/", upstream.address);
            let answer = asker.ask(by, &to, row.init);
            let came_to = outcome(&answer);
            assert!(came_to.starts_with(row.must), "{} by {by:?}: {came_to}", row.name);
            if row.must.starts_with("200") && row.name.contains("length") && row.init == "{}" {
                assert!(
                    matches!(answer["headers"]["content-length"].as_str(), None | Some("2")),
                    "{answer}"
                );
            }
            assert!(answer["headers"]["transfer-encoding"].is_null(), "{answer}");
        }
    }
}

#[test]
fn a_status_text_is_what_was_said() {
    let asker = Asker::new("");
    for (said, reason) in [
        (&b"HTTP/1.1 200 OK\r\n"[..], "OK"),
        (b"HTTP/1.1 200 Very Good\r\n", "Very Good"),
        (b"HTTP/1.1 404 OK\r\n", "OK"),
        (b"HTTP/1.1 200\r\n", ""),
        (b"HTTP/1.1 200 \r\n", ""),
        (b"HTTP/1.1 299 Fine\r\n", "Fine"),
    ] {
        let upstream = Raw::says(&[said, b"content-length: 0\r\n\r\n"].concat(), Next::Keep);
        let to = format!("http://{}/", upstream.address);
        assert_eq!(asker.ask(By::Policy, &to, "{}")["reason"], reason);
        // A policy's response without a status text has the usual one.
        let usual = if reason.is_empty() { "OK" } else { reason };
        assert_eq!(asker.ask(By::Agent, &to, "{}")["reason"], usual);
    }
}

/// What follows a response on its connection answers nobody.
#[test]
fn a_smuggled_response_answers_nobody() {
    let evil = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil";
    let asker = Asker::new("");
    for first in [
        format!("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok{evil}"),
        format!(
            "HTTP/1.1 204 No Content\r\ncontent-length: {}\r\n\r\n{evil}",
            evil.len()
        ),
        format!("HTTP/1.1 304 Not Modified\r\n\r\n{evil}"),
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{evil}"),
        format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n{evil}",
            evil.len() + 5
        ),
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n{evil}"),
        format!("HTTP/1.1 200 OK\r\nx-a: 1\x01\r\n content-length: 0\r\ncontent-length: 2\r\n\r\nok{evil}"),
    ] {
        let said = first.clone();
        let upstream = Raw::start(None, move |seen| {
            let good = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ngood".to_vec();
            (
                if seen.path() == "/first" {
                    said.clone().into()
                } else {
                    good
                },
                Next::Keep,
            )
        });
        for _ in 0..3 {
            let came_to = outcome(&asker.ask(By::Policy, &format!("http://{}/first", upstream.address), "{}"));
            assert!(!came_to.contains("evil"), "{first}: {came_to}");
            let next = outcome(&asker.ask(By::Policy, &format!("http://{}/next", upstream.address), "{}"));
            assert_eq!(next, "200 good", "{first}");
        }
    }
}
