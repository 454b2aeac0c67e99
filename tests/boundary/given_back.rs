//! Memory that many bodies took goes back to the system once they have passed.

use std::io::Write as _;
use std::time::{Duration, Instant};

use super::{ask, project};
use crate::harness::children::kib;
use crate::harness::plain;

/// What a parent may keep for clients that were served, in KiB: their connections are open.
const KEPT: u64 = 48 << 10;

#[test]
fn what_bodies_took_goes_back() {
    let project = project(plain().address.port(), "");
    let server = project.serve(&[]);
    assert_eq!(ask(&server, "a", "/hello", &[]).0, 200);
    let parent = server.worker();
    let before = kib(parent, "RssAnon:");
    let body = "x".repeat(1 << 20);
    let head = "POST /echo HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: 1048576\r\n\r\n";
    // They do not read: what they are sent waits in the system.
    let clients: Vec<_> = (0..200)
        .map(|_| {
            let mut client = server.raw(head.as_bytes());
            client.set_write_timeout(Some(Duration::from_secs(10))).unwrap();
            client.write_all(body.as_bytes()).unwrap();
            client
        })
        .collect();
    let began = Instant::now();
    let mut most = 0;
    loop {
        let grown = kib(parent, "RssAnon:").saturating_sub(before);
        most = most.max(grown);
        if began.elapsed() > Duration::from_secs(3) && grown < KEPT {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{grown} KiB of {most}");
        std::thread::sleep(Duration::from_millis(50));
    }
    drop(clients);
}
