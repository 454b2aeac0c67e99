//! One process is ready for whoever needs one, and is nobody's until then.

use std::time::{Duration, Instant};

use super::{ask, kill, processes, project, spares};
use crate::harness::{Server, plain};

/// The only spare one, once it is there.
fn spare(server: &Server) -> (u32, u32) {
    let began = Instant::now();
    loop {
        if let [spare] = spares(server)[..] {
            return spare;
        }
        assert!(
            began.elapsed() < Duration::from_secs(10),
            "none is ready: {}",
            server.log()
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_spare_process_is_taken_by_who_comes_first_and_another_comes_in_its_place() {
    let project = project(plain().address.port(), "");
    let server = project.serve(&[]);
    let first = spare(&server);
    assert_eq!(processes(&server), [], "it is nobody's");
    assert_eq!(ask(&server, "a", "/hello", &[]).0, 200);
    assert_eq!(processes(&server), [first]);
    let second = spare(&server);
    assert_ne!(first, second);
    // One that is killed is replaced by it.
    kill(first.1);
    let began = Instant::now();
    while ask(&server, "a", "/hello", &[]).0 != 200 {
        assert!(began.elapsed() < Duration::from_secs(5));
    }
    assert_eq!(processes(&server), [second]);
    // One that ends while it waits costs nobody a request.
    kill(spare(&server).1);
    assert_eq!(ask(&server, "c", "/hello", &[]).0, 200);
    assert_eq!(processes(&server).len(), 2);
    assert!(processes(&server).contains(&second));
    // None outlives its project, or its server.
    let last = spare(&server);
    drop(server);
    let began = Instant::now();
    while std::path::Path::new(&format!("/proc/{}", last.1)).exists() {
        assert!(began.elapsed() < Duration::from_secs(5), "it outlives its server");
        std::thread::sleep(Duration::from_millis(10));
    }
}
