//! What an agent in a process sees and does is what it does in an isolate.

use std::time::{Duration, Instant};

use super::{ask, processes, project};
use crate::harness::{json, plain};

#[test]
fn requests_go_there_and_back() {
    let upstream = plain();
    let project = project(upstream.address.port(), "");
    let server = project.serve(&[]);
    assert!(processes(&server).is_empty(), "none is started before it is needed");
    assert_eq!(ask(&server, "a", "/hello", &[]), (200, "hello a NAME".into()));
    assert_eq!(ask(&server, "b", "/hello", &[]).1, "hello b NAME");
    assert_eq!(processes(&server).len(), 1, "agents of one tenant share a process");
    assert_eq!(ask(&server, "c", "/hello", &[]).1, "hello c NAME");
    assert_eq!(ask(&server, "d", "/hello", &[]).1, "hello d NAME");
    assert_eq!(processes(&server).len(), 3);

    let arguments = ["-H", "Host: a.localhost", "-H", "x-own: o", "-d", "a body"];
    let echoed = server.curl("/echo", &arguments);
    let text = &echoed.headers;
    for part in [
        "http/1.1 201 made",
        "x-method: post",
        "x-own: o",
        "wl-status: 9",
        "keep: 1",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(echoed.body, "a body");
    let head = server.curl("/head", &["-I", "-H", "Host: a.localhost"]).headers;
    assert!(head.contains("content-length: 4"), "{head}");
    assert_eq!(ask(&server, "a", "/null", &[]), (204, String::new()));
    assert_eq!(ask(&server, "a", "/import", &[]).1, "other1");
    assert_eq!(ask(&server, "a", "/nowhere", &[]), (404, "not here".into()));
    let (status, body) = ask(&server, "a", "/throw", &[]);
    assert!(status == 500 && !body.contains("luck"), "{status} {body}");
    server.logged("the handler failed: Error: no such luck");

    // Policy, credential and network are in the parent.
    let (status, body) = ask(&server, "a", "/ask", &[]);
    let seen = json(&body);
    assert_eq!(status, 200, "{body}");
    assert_eq!(seen["headers"]["authorization"], "Bearer canary-5f1d-the-owners");
    assert_eq!(seen["headers"]["x-a"], "1");
    assert_eq!(seen["headers"]["wl-to"], "7", "{seen}");
    assert_eq!(seen["received"], 5, "{seen}");
    assert_eq!(
        ask(&server, "b", "/many", &[]).1,
        "5 TypeError: fetch failed: too many subrequests by one event"
    );
    assert_eq!(ask(&server, "c", "/denied", &[]).1, "TypeError fetch failed");
    server.logged("the owner's own");
    assert_eq!(ask(&server, "c", "/zipped", &[]).1, "plain ".repeat(500));

    assert_eq!(ask(&server, "d", "/log", &["-H", "x-request-id: id-7"]).1, "logged");
    server.logged("a line  worker=\"d\" agent=\"d\" request_id=\"id-7\"");
    server.logged("an error");
    assert_eq!(ask(&server, "b", "/wait", &[]).1, "waits");
    server.logged("late answered b one");
}

#[test]
fn bodies_stream_and_whoever_goes_is_missed() {
    let upstream = plain();
    let project = project(upstream.address.port(), "");
    let server = project.serve(&[]);
    assert_eq!(ask(&server, "a", "/drip", &[]).1, "0\n1\n2\n3\n4\n");
    let big = "x".repeat(3 << 20);
    project.write("big.txt", &big);
    let file = format!("@{}", project.path().join("big.txt").display());
    let arguments = ["-H", "Expect:", "--data-binary", &*file];
    assert!(
        ask(&server, "a", "/echo", &arguments).1 == big,
        "an upload comes back whole"
    );
    let (_, body) = ask(&server, "a", "/up", &arguments);
    assert_eq!(json(&body)["received"], big.len());
    let answer = server.curl(
        "/big",
        &["-H", "Host: a.localhost", "-o", "/dev/null", "-w", "%{size_download}"],
    );
    // curl writes no head then.
    assert!(answer.headers.contains("10485760"), "{}", answer.headers);
    // A client that goes away ends its event, and what that does.
    for (path, heard) in [("/endless", "was cancelled"), ("/abort", "was aborted")] {
        let began = Instant::now();
        server.curl(path, &["-H", "Host: a.localhost", "-m", "0.5", "-o", "/dev/null"]);
        server.logged_within(heard, Duration::from_secs(3));
        assert!(began.elapsed() < Duration::from_secs(4));
    }
    assert_eq!(ask(&server, "a", "/hello", &[]).0, 200);
    // Nothing is left of all this that keeps a server from its end.
    let mut server = server;
    server.signal("TERM");
    assert_eq!(server.wait(Duration::from_secs(5)), Some(0), "{}", server.log());
}
