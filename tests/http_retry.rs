//! A kept connection that dies: what is sent once more, and what never is (RFC 9110, section 9.2.2; RFC 9113, section 8.7).

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use h2::Reason;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::harness::faults::listen;
use crate::harness::partner::{Tls, acceptor_for};
use crate::harness::raw::{Asker, By, Next, Raw, Seen, outcome};

fn good(seen: &Seen) -> Vec<u8> {
    let body = if seen.method() == "HEAD" { "" } else { "ok" };
    format!("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{body}").into_bytes()
}

/// How often a path was asked for.
fn times(upstream: &Raw, path: &str) -> usize {
    upstream.seen().iter().filter(|seen| seen.path() == path).count()
}

struct Method {
    init: &'static str,
    /// Whether it may be sent again after it was sent.
    again: bool,
}

const METHODS: &[Method] = &[
    Method {
        init: r#"{"method":"GET"}"#,
        again: true,
    },
    Method {
        init: r#"{"method":"HEAD"}"#,
        again: true,
    },
    Method {
        init: r#"{"method":"OPTIONS"}"#,
        again: true,
    },
    Method {
        init: r#"{"method":"DELETE"}"#,
        again: true,
    },
    Method {
        init: r#"{"method":"PUT","body":"whole"}"#,
        again: true,
    },
    Method {
        init: r#"{"method":"DELETE","body":"whole"}"#,
        again: true,
    },
    Method {
        init: r#"{"method":"PUT","stream":"piece by piece"}"#,
        again: false,
    },
    Method {
        init: r#"{"method":"POST"}"#,
        again: false,
    },
    Method {
        init: r#"{"method":"POST","body":"whole"}"#,
        again: false,
    },
    Method {
        init: r#"{"method":"PATCH","body":"whole"}"#,
        again: false,
    },
    Method {
        init: r#"{"method":"LIST"}"#,
        again: false,
    },
];

/// The first connection's second request meets this.
fn dies(folder: Option<&Path>, said: &'static [u8], next: Next) -> Raw {
    Raw::start(folder, move |seen| match (seen.connection, seen.number) {
        (0, 1) => (said.to_vec(), next),
        _ => (good(seen), Next::Keep),
    })
}

fn url(upstream: &Raw, secure: bool, path: &str) -> String {
    let scheme = if secure { "https" } else { "http" };
    format!("{scheme}://partner.localhost:{}{path}", upstream.address.port())
}

#[test]
fn what_is_idempotent_is_sent_once_more_and_nothing_else() {
    let asker = Asker::new("");
    let certs = asker.certs();
    for (secure, next) in [
        (true, Next::Close),
        (true, Next::Reset),
        (false, Next::Close),
        (false, Next::Reset),
    ] {
        for method in METHODS {
            for by in [By::Agent, By::Policy] {
                let upstream = dies(secure.then_some(&*certs), b"", next);
                assert_eq!(
                    outcome(&asker.ask(by, &url(&upstream, secure, "/first"), "{}")),
                    "200 ok"
                );
                let came_to = outcome(&asker.ask(by, &url(&upstream, secure, "/second"), method.init));
                let case = format!("{} by {by:?}, {next:?}, TLS: {secure}: {came_to}", method.init);
                if method.again {
                    assert!(came_to.starts_with("200"), "{case}");
                    assert_eq!(times(&upstream, "/second"), 2, "{case}");
                    let seen = upstream.seen();
                    let (first, second) = (&seen[1], &seen[2]);
                    assert_ne!(first.connection, second.connection, "{case}");
                    assert_eq!((&first.head, &first.body), (&second.head, &second.body), "{case}");
                } else {
                    assert!(came_to.starts_with("TypeError"), "{case}");
                    assert_eq!(times(&upstream, "/second"), 1, "{case}");
                }
            }
        }
    }
}

#[test]
fn a_byte_of_the_answer_is_an_answer() {
    let asker = Asker::new("");
    let certs = asker.certs();
    for said in [
        &b"H"[..],
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n",
        b"nonsense\r\n\r\n",
    ] {
        for next in [Next::Close, Next::Reset] {
            for secure in [true, false] {
                let upstream = dies(secure.then_some(&*certs), said, next);
                asker.ask(By::Policy, &url(&upstream, secure, "/first"), "{}");
                let came_to = outcome(&asker.ask(By::Policy, &url(&upstream, secure, "/second"), "{}"));
                assert!(came_to.starts_with("TypeError"), "{said:?}: {came_to}");
                assert_eq!(times(&upstream, "/second"), 1, "{said:?}, {next:?}");
            }
        }
    }
}

#[test]
fn a_fresh_connection_that_dies_is_an_error() {
    let asker = Asker::new("");
    let certs = asker.certs();
    for next in [Next::Close, Next::Reset] {
        for secure in [true, false] {
            let upstream = Raw::start(secure.then_some(&*certs), move |_| (Vec::new(), next));
            let came_to = outcome(&asker.ask(By::Policy, &url(&upstream, secure, "/"), "{}"));
            assert!(came_to.starts_with("TypeError"), "{came_to}");
            assert_eq!(upstream.seen().len(), 1);
        }
    }
}

#[test]
fn once_more_is_once() {
    let asker = Asker::new("");
    let upstream = Raw::start(None, |seen| match (seen.connection, seen.number) {
        (0, 0) => (good(seen), Next::Keep),
        _ => (Vec::new(), Next::Close),
    });
    asker.ask(By::Policy, &url(&upstream, false, "/first"), "{}");
    let came_to = outcome(&asker.ask(By::Policy, &url(&upstream, false, "/second"), "{}"));
    assert!(came_to.starts_with("TypeError"), "{came_to}");
    assert_eq!(times(&upstream, "/second"), 2);
}

/// An upstream that was started anew has forgotten every connection that the pool keeps.
#[test]
fn the_other_attempt_takes_no_kept_connection() {
    let asker = Asker::new("");
    let upstream = Raw::start(None, |seen| match seen.path() {
        "/second" if seen.number > 0 => (Vec::new(), Next::Close),
        _ => (good(seen), Next::Keep),
    });
    let to = url(&upstream, false, "/first");
    assert_eq!(outcome(&asker.ask(By::Policy, &to, r#"{"times":8}"#)), "200 ok");
    let connections = upstream.seen().iter().map(|seen| seen.connection).max().unwrap();
    assert!(connections > 0, "one connection is no test");
    assert_eq!(
        outcome(&asker.ask(By::Policy, &url(&upstream, false, "/second"), "{}")),
        "200 ok"
    );
    assert_eq!(times(&upstream, "/second"), 2);
}

/// What was closed before anything was written fails nobody.
#[test]
fn a_connection_that_was_closed_meanwhile_is_not_used() {
    let asker = Asker::new("");
    let certs = asker.certs();
    for next in [Next::Close, Next::Reset] {
        for secure in [true, false] {
            for method in METHODS {
                let upstream = Raw::start(secure.then_some(&*certs), move |seen| {
                    (good(seen), if seen.connection == 0 { next } else { Next::Keep })
                });
                asker.ask(By::Policy, &url(&upstream, secure, "/first"), "{}");
                std::thread::sleep(std::time::Duration::from_millis(60));
                let came_to = outcome(&asker.ask(By::Policy, &url(&upstream, secure, "/second"), method.init));
                assert!(came_to.starts_with("200"), "{}, {next:?}: {came_to}", method.init);
                assert_eq!(times(&upstream, "/second"), 1, "{}", method.init);
            }
        }
    }
}

/// A server says that a connection is not for a request: it has not looked at it (RFC 9110, section 15.5.20).
#[test]
fn what_was_misdirected_is_sent_over_another_connection() {
    const MISDIRECTED: &[u8] = b"HTTP/1.1 421 Misdirected Request\r\ncontent-length: 2\r\n\r\nno";
    let asker = Asker::new("");
    let certs = asker.certs();
    for secure in [true, false] {
        for (init, again) in [
            (r#"{"method":"GET"}"#, true),
            (r#"{"method":"POST","body":"whole"}"#, true),
            (r#"{"method":"POST","stream":"piece by piece"}"#, false),
        ] {
            let upstream = Raw::start(secure.then_some(&*certs), |seen| match seen.connection {
                0 => (MISDIRECTED.to_vec(), Next::Keep),
                _ => (good(seen), Next::Keep),
            });
            let came_to = outcome(&asker.ask(By::Policy, &url(&upstream, secure, "/"), init));
            let (expected, count) = if again { ("200 ok", 2) } else { ("421 no", 1) };
            assert_eq!((&*came_to, times(&upstream, "/")), (expected, count), "{init}");
        }
        // Once: where the other is not for it either, that is the answer.
        let upstream = Raw::start(secure.then_some(&*certs), |_| (MISDIRECTED.to_vec(), Next::Keep));
        let came_to = outcome(&asker.ask(By::Policy, &url(&upstream, secure, "/"), "{}"));
        assert_eq!((&*came_to, times(&upstream, "/")), ("421 no", 2));
    }
}

#[test]
fn the_record_has_one_egress() {
    let asker = Asker::new("");
    let upstream = dies(None, b"", Next::Close);
    asker.ask(By::Policy, &url(&upstream, false, "/first"), "{}");
    assert_eq!(
        outcome(&asker.ask(By::Policy, &url(&upstream, false, "/second"), "{}")),
        "200 ok"
    );
    assert_eq!(times(&upstream, "/second"), 2);
    let path = asker.project.path().join("audit.ndjson");
    let start = std::time::Instant::now();
    loop {
        let record = std::fs::read_to_string(&path).unwrap_or_default();
        let of = |path: &str| record.lines().filter(|line| line.contains(path)).count();
        if of("/second") > 0 || start.elapsed().as_secs() > 5 {
            assert_eq!((of("/first"), of("/second")), (1, 1), "{record}");
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// What an upstream of HTTP/2 does with a request.
#[derive(Debug, Clone, Copy)]
enum Act {
    Answer,
    Reset(Reason),
    /// Ends the connection without a word.
    Drop,
    /// Says before the request is begun that it goes away.
    GoAway(u8),
}

type Requests = Arc<Mutex<Vec<(usize, String, String)>>>;

/// An upstream of HTTP/2. `act` is told which connection it is, and which request on it.
fn http2(folder: &Path, act: impl Fn(usize, usize) -> Act + Send + Sync + 'static) -> (SocketAddr, Requests) {
    let certificate = "server";
    let acceptor = acceptor_for(&Tls { folder, certificate }, &["h2"]);
    let requests = Requests::default();
    let (all, act) = (Arc::clone(&requests), Arc::new(act));
    let connections = Arc::new(Mutex::new(0..));
    let address = listen(move |stream| {
        let connection = connections.lock().unwrap().next().unwrap();
        let (acceptor, act, all) = (acceptor.clone(), Arc::clone(&act), Arc::clone(&all));
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                return;
            };
            if let Act::GoAway(reason) = act(connection, 0) {
                // The preface, SETTINGS both ways, and GOAWAY of no stream, once a request is there.
                let _ = stream.read_exact(&mut [0; 24]).await;
                let _ = stream.write_all(b"\0\0\0\x04\0\0\0\0\0\0\0\0\x04\x01\0\0\0\0").await;
                let mut frame = [0; 9];
                while frame[3] != 1 && stream.read_exact(&mut frame).await.is_ok() {
                    let length = usize::from(frame[1]) << 8 | usize::from(frame[2]);
                    let _ = stream.read_exact(&mut vec![0; length]).await;
                }
                let goodbye = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, reason];
                let _ = stream.write_all(&goodbye).await;
                let _ = stream.flush().await;
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                return;
            }
            let Ok(mut served) = h2::server::handshake(stream).await else {
                return;
            };
            let mut number = 0;
            while let Some(Ok((request, mut respond))) = served.accept().await {
                let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
                all.lock().unwrap().push((connection, method, path));
                match act(connection, number) {
                    Act::Answer => {
                        let mut body = respond.send_response(http::Response::new(()), false).unwrap();
                        let _ = body.send_data(Bytes::from_static(b"ok"), true);
                    }
                    Act::Reset(reason) => respond.send_reset(reason),
                    Act::Drop | Act::GoAway(_) => return,
                }
                number += 1;
            }
        }
    });
    (address, requests)
}

#[test]
fn http_2_says_what_was_not_begun() {
    let asker = Asker::new("");
    let certs = asker.certs();
    let get = r#"{"method":"GET"}"#;
    let post = r#"{"method":"POST","body":"whole"}"#;
    let stream = r#"{"method":"POST","stream":"piece by piece"}"#;
    // What the second request of the first connection meets, and how often it is then seen in all; none where it fails.
    let rows = [
        (Act::Reset(Reason::REFUSED_STREAM), get, Some(2)),
        (Act::Reset(Reason::REFUSED_STREAM), post, Some(2)),
        (Act::Reset(Reason::REFUSED_STREAM), stream, None),
        (Act::Reset(Reason::INTERNAL_ERROR), get, None),
        (Act::Reset(Reason::CANCEL), get, None),
        (Act::Reset(Reason::ENHANCE_YOUR_CALM), get, None),
        (Act::Drop, get, Some(2)),
        (Act::Drop, post, None),
    ];
    for (act, init, seen) in rows {
        let (address, requests) = http2(&certs, move |connection, number| match (connection, number) {
            (0, 1) => act,
            _ => Act::Answer,
        });
        let url = |path: &str| format!("https://partner.localhost:{}{path}", address.port());
        assert_eq!(outcome(&asker.ask(By::Policy, &url("/first"), "{}")), "200 ok");
        let came_to = outcome(&asker.ask(By::Policy, &url("/second"), init));
        let count = requests
            .lock()
            .unwrap()
            .iter()
            .filter(|(_, _, path)| path == "/second")
            .count();
        if let Some(seen) = seen {
            assert_eq!((&*came_to, count), ("200 ok", seen), "{act:?} {init}");
        } else {
            assert!(came_to.starts_with("TypeError"), "{act:?} {init}: {came_to}");
            assert_eq!(count, 1, "{act:?} {init}");
        }
    }
}

#[test]
fn http_2_goes_away() {
    let asker = Asker::new("");
    let certs = asker.certs();
    let post = r#"{"method":"POST","body":"whole"}"#;
    for (reason, init, good) in [(0, "{}", true), (0, post, true), (11, "{}", false), (11, post, false)] {
        let (address, requests) = http2(&certs, move |connection, _| match connection {
            0 => Act::GoAway(reason),
            _ => Act::Answer,
        });
        let url = format!("https://partner.localhost:{}/", address.port());
        let came_to = outcome(&asker.ask(By::Policy, &url, init));
        assert_eq!(came_to == "200 ok", good, "{reason} {init}: {came_to}");
        assert_eq!(requests.lock().unwrap().len(), usize::from(good), "{reason} {init}");
    }
    // A first connection that dies is no reason to ask again.
    let (address, requests) = http2(&certs, |_, _| Act::Drop);
    let came_to = outcome(&asker.ask(
        By::Policy,
        &format!("https://partner.localhost:{}/", address.port()),
        "{}",
    ));
    assert!(came_to.starts_with("TypeError"), "{came_to}");
    assert_eq!(requests.lock().unwrap().len(), 1);
}
