//! Redirects by the Fetch standard, as upstreams write them.

use crate::harness::raw::{Asker, By, Next, Raw, Seen, outcome};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// Answers `/from` with these lines and status, and everything else with 200.
fn redirects(status: u16, lines: &[u8]) -> Raw {
    let said = [
        format!("HTTP/1.1 {status} Moved\r\n").as_bytes(),
        lines,
        b"content-length: 0\r\n\r\n",
    ]
    .concat();
    Raw::start(None, move |seen| {
        let answer = if seen.path().starts_with("/from") {
            said.clone()
        } else {
            OK.to_vec()
        };
        (answer, Next::Keep)
    })
}

fn paths(upstream: &Raw) -> Vec<String> {
    upstream
        .seen()
        .iter()
        .map(|seen| format!("{} {}", seen.method(), seen.path()))
        .collect()
}

#[test]
fn a_location_is_read_as_bytes() {
    let asker = Asker::new("");
    // What the header says, and what is then asked for; nothing where it is an error.
    let rows: &[(&[u8], Option<&str>)] = &[
        (b"location: /to\r\n", Some("/to")),
        (b"location: to\r\n", Some("/to")),
        (b"location: ./a/../to?x=1\r\n", Some("/to?x=1")),
        (b"location: ?x\r\n", Some("/from?x")),
        (b"LOCATION:    /to   \r\n", Some("/to")),
        (b"location:\r\n /to\r\n", Some("/to")),
        (b"location : /to\r\n", Some("/to")),
        ("location: /caf\u{e9}\r\n".as_bytes(), Some("/caf%C3%A9")),
        (
            "location: /\u{65e5}\u{672c}?q=\u{20ac}&r=%20\r\n".as_bytes(),
            Some("/%E6%97%A5%E6%9C%AC?q=%E2%82%AC&r=%20"),
        ),
        (
            "location: /\u{1f600}/caf%C3%A9\r\n".as_bytes(),
            Some("/%F0%9F%98%80/caf%C3%A9"),
        ),
        (b"location: /caf%C3%A9\r\n", Some("/caf%C3%A9")),
        // What is not UTF-8 keeps its bytes, as web-platform-tests have it.
        (b"location: /caf\xe9\r\n", Some("/caf%E9")),
        (b"location: /a b\r\n", Some("/a%20b")),
        (b"location: /to\r\nlocation: /to\r\n", Some("/to")),
        (b"location: /to\r\nlocation: /other\r\n", None),
        (b"location: http://[::\r\n", None),
        (b"location: ftp://a/\r\n", None),
        (b"location: http://user:pass@127.0.0.1/\r\n", None),
    ];
    for (lines, target) in rows {
        for by in [By::Agent, By::Policy] {
            let shown = String::from_utf8_lossy(lines);
            let upstream = redirects(302, lines);
            let to = format!("http://{}/from", upstream.address);
            let answer = asker.ask(by, &to, "{}");
            match target {
                Some(target) if target.starts_with("/from") => {
                    // It comes back to itself, without end.
                    assert!(outcome(&answer).starts_with("TypeError"), "{shown}: {answer}");
                    assert_eq!(upstream.seen()[1].path(), *target, "{shown}");
                }
                Some(target) => {
                    assert_eq!(outcome(&answer), "200 ok", "{shown} by {by:?}");
                    assert_eq!(upstream.seen()[1].path(), *target, "{shown} by {by:?}");
                    assert_eq!(
                        answer["url"],
                        format!("http://{}{target}", upstream.address),
                        "{shown} by {by:?}"
                    );
                    assert_eq!(answer["redirected"], true);
                }
                None => {
                    assert!(outcome(&answer).starts_with("TypeError"), "{shown} by {by:?}: {answer}");
                    assert_eq!(upstream.seen().len(), 1, "{shown}");
                }
            }
        }
    }
}

#[test]
fn a_host_in_utf_8_is_one_by_its_idna_name() {
    let asker = Asker::new("");
    let upstream = Raw::start(None, |seen| match seen.path() {
        "/from" => {
            let port = seen
                .head
                .split("host: ")
                .nth(1)
                .unwrap()
                .lines()
                .next()
                .unwrap()
                .split(':')
                .nth(1)
                .unwrap();
            let location = format!("http://b\u{fc}cher.localhost:{port}/to");
            (
                format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n").into_bytes(),
                Next::Keep,
            )
        }
        _ => (OK.to_vec(), Next::Keep),
    });
    let answer = asker.ask(By::Policy, &format!("http://{}/from", upstream.address), "{}");
    assert_eq!(outcome(&answer), "200 ok");
    let head = upstream.seen()[1].head.to_ascii_lowercase();
    assert!(head.contains("host: xn--bcher-kva.localhost:"), "{head}");
}

#[test]
fn methods_and_bodies_follow_the_standard() {
    let asker = Asker::new("");
    // Status and request, and what comes second; nothing where it is an error.
    let rows = [
        (301, r#"{"method":"GET"}"#, Some("GET ")),
        (302, r#"{"method":"HEAD"}"#, Some("HEAD ")),
        (303, r#"{"method":"HEAD"}"#, Some("HEAD ")),
        (303, r#"{"method":"GET"}"#, Some("GET ")),
        (301, r#"{"method":"POST","body":"b"}"#, Some("GET ")),
        (302, r#"{"method":"POST","body":"b"}"#, Some("GET ")),
        (303, r#"{"method":"POST","body":"b"}"#, Some("GET ")),
        (307, r#"{"method":"POST","body":"b"}"#, Some("POST b")),
        (308, r#"{"method":"POST","body":"b"}"#, Some("POST b")),
        (301, r#"{"method":"PUT","body":"b"}"#, Some("PUT b")),
        (302, r#"{"method":"DELETE"}"#, Some("DELETE ")),
        (303, r#"{"method":"PUT","body":"b"}"#, Some("GET ")),
        (303, r#"{"method":"POST","stream":"b"}"#, Some("GET ")),
        (307, r#"{"method":"POST","stream":"b"}"#, None),
        (308, r#"{"method":"PUT","stream":"b"}"#, None),
        (301, r#"{"method":"POST","stream":"b"}"#, None),
        (300, r#"{"method":"POST","body":"b"}"#, None),
    ];
    for (status, init, second) in rows {
        for by in [By::Agent, By::Policy] {
            let upstream = redirects(status, b"location: /to\r\n");
            let answer = asker.ask(by, &format!("http://{}/from", upstream.address), init);
            let seen = upstream.seen();
            match second {
                Some(second) => {
                    let came: Vec<_> = seen
                        .iter()
                        .skip(1)
                        .map(|seen| format!("{} {}", seen.method(), seen.body))
                        .collect();
                    assert_eq!(came, [second], "{status} {init} by {by:?}: {answer}");
                    if second == "GET " {
                        assert!(!seen[1].head.contains("content-"), "{}", seen[1].head);
                    }
                }
                None => assert_eq!(seen.len(), 1, "{status} {init} by {by:?}: {answer}"),
            }
        }
    }
}

/// After a 303 there is no body that could not be sent again.
#[test]
fn a_streamed_post_is_a_get_after_303() {
    let asker = Asker::new("");
    for second in [301, 302, 303, 307, 308] {
        let upstream = Raw::start(None, move |seen: &Seen| {
            let to = |status: u16, path: &str| {
                format!("HTTP/1.1 {status} Moved\r\nlocation: {path}\r\ncontent-length: 0\r\n\r\n").into_bytes()
            };
            let answer = match seen.path() {
                "/from" => to(303, "/between"),
                "/between" => to(second, "/again"),
                "/again" => to(307, "/to"),
                _ => OK.to_vec(),
            };
            (answer, Next::Keep)
        });
        for by in [By::Agent, By::Policy] {
            let before = upstream.seen().len();
            let init = r#"{"method":"POST","stream":"piece by piece"}"#;
            let answer = asker.ask(by, &format!("http://{}/from", upstream.address), init);
            assert_eq!(outcome(&answer), "200 ok", "{second} by {by:?}");
            assert_eq!(
                paths(&upstream)[before..],
                ["POST /from", "GET /between", "GET /again", "GET /to"],
                "{second}"
            );
        }
    }
}

#[test]
fn fragments_stay_at_home() {
    let asker = Asker::new("");
    for (from, location, fragment) in [
        ("/from#a", "/to", "#a"),
        ("/from#a", "/to#b", "#b"),
        ("/from", "/to#b", "#b"),
        ("/from#a", "/to#", ""),
        ("/from", "/to", ""),
    ] {
        for by in [By::Agent, By::Policy] {
            let upstream = redirects(302, format!("location: {location}\r\n").as_bytes());
            let answer = asker.ask(by, &format!("http://{}{from}", upstream.address), "{}");
            assert_eq!(outcome(&answer), "200 ok", "{from} {location}");
            // A response's URL has no fragment, and neither has a request on the wire.
            assert_eq!(
                answer["url"],
                format!("http://{}/to", upstream.address),
                "{from} {location} {fragment}"
            );
            assert_eq!(paths(&upstream), ["GET /from", "GET /to"], "{from} {location}");
        }
    }
}

#[test]
fn other_modes_do_not_follow() {
    let asker = Asker::new("");
    for by in [By::Agent, By::Policy] {
        for lines in [
            &b"location: /to\r\n"[..],
            b"location: /a\r\nlocation: /b\r\n",
            b"location: \xc3\xa9\r\n",
            b"",
        ] {
            let upstream = redirects(302, lines);
            let to = format!("http://{}/from", upstream.address);
            let manual = asker.ask(by, &to, r#"{"redirect":"manual"}"#);
            assert_eq!(
                (manual["status"].as_u64(), manual["redirected"].as_bool()),
                (Some(302), Some(false)),
                "{manual}"
            );
            assert_eq!(manual["headers"]["location"].is_null(), lines.is_empty());
            let error = asker.ask(by, &to, r#"{"redirect":"error"}"#);
            assert!(outcome(&error).starts_with("TypeError"), "{error}");
            assert_eq!(upstream.seen().len(), 2);
        }
        // No Location: it is the response.
        let upstream = redirects(302, b"");
        assert_eq!(
            outcome(&asker.ask(by, &format!("http://{}/from", upstream.address), "{}")),
            "302 "
        );
        // An empty one is the same URL.
        let upstream = redirects(302, b"location:\r\n");
        let answer = asker.ask(by, &format!("http://{}/from", upstream.address), "{}");
        assert!(
            outcome(&answer).contains("more than 20 redirects") || by == By::Agent,
            "{answer}"
        );
        assert_eq!(upstream.seen().len(), 21);
    }
}
