//! A policy's process that ends: what was under way is refused, nothing goes out unjudged, and the next is there at once.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::super::{ask, kill};
use super::{policies, project};
use crate::harness::http::Client;
use crate::harness::{ALL_IN_PROCESSES, POLICY_IN_PROCESSES, Server, plain, records};

const REFUSED: &str = "TypeError: fetch failed";

/// The policy's process of an agent, where no other is there.
fn first(server: &Server, agent: &str) -> (u32, u32) {
    assert_eq!(ask(server, agent, "/who", &[]).0, 200, "{}", server.log());
    let all = policies(server);
    assert_eq!(all.len(), 1);
    all[0]
}

/// Reads an answer that never ends, for so many seconds. Gives whether it ended as one that is whole.
fn reads_whole(server: &Server, seconds: &str) -> bool {
    let url = format!("http://{}/endless", server.address);
    let mut curl = Command::new("curl");
    curl.args(["-sS", "-o", "/dev/null", "-m", seconds, "-H", "Host: a.localhost", &url]);
    curl.status().unwrap().success()
}

#[test]
fn one_that_is_killed_under_load_lets_nothing_out_and_comes_back() {
    for isolation in [POLICY_IN_PROCESSES, ALL_IN_PROCESSES] {
        let upstream = plain();
        let project = project(upstream.address.port(), isolation, "");
        let server = project.serve(&[]);
        let (watcher, inside) = first(&server, "a");
        assert_eq!(ask(&server, "c", "/who", &[]).0, 200);
        let over = AtomicBool::new(false);
        let load = |agent: &str| {
            let mut client = Client::new(&server.address, &format!("{agent}.localhost"));
            let mut seen = Vec::new();
            while !over.load(Ordering::Relaxed) {
                let (status, body) = client.get("/who").unwrap_or_else(|error| panic!("{agent}: {error}"));
                assert!(status == 200 || body == REFUSED, "{agent}: {status} {body}");
                seen.push((Instant::now(), status));
            }
            seen
        };
        let (killed, ours, others) = std::thread::scope(|scope| {
            let load = &load;
            let slow = scope.spawn(|| ask(&server, "b", "/slow", &[]));
            let ours: Vec<_> = (0..4).map(|_| scope.spawn(move || load("a"))).collect();
            let others: Vec<_> = (0..2).map(|_| scope.spawn(move || load("c"))).collect();
            std::thread::sleep(Duration::from_millis(700));
            let killed = Instant::now();
            kill(inside);
            std::thread::sleep(Duration::from_millis(1500));
            over.store(true, Ordering::Relaxed);
            assert_eq!(slow.join().unwrap(), (599, REFUSED.into()));
            let all = |threads: Vec<std::thread::ScopedJoinHandle<'_, Vec<_>>>| -> Vec<_> {
                threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
            };
            (killed, all(ours), all(others))
        });
        assert!(
            others.iter().all(|(_, status)| *status == 200),
            "another tenant's policy goes on"
        );
        let failed = ours.iter().filter(|(_, status)| *status != 200).count();
        assert!((1..=12).contains(&failed), "{failed}");
        let known = ours
            .iter()
            .filter(|(_, status)| *status != 200)
            .map(|(at, _)| *at)
            .min()
            .unwrap();
        assert!(
            known.duration_since(killed) < Duration::from_secs(1),
            "it is known at once"
        );
        let next = ours.iter().find(|(at, status)| *at > known && *status == 200);
        let next = next.expect("it is judged again").0.duration_since(known);
        eprintln!("{failed} refused; judged again after {next:?}");
        assert!(next < Duration::from_secs(2), "{next:?}");
        server.logged("the process of the policy of tenant one has ended: by SIGKILL");
        assert!(!std::path::Path::new(&format!("/proc/{watcher}")).exists());
        // It is in the record, as denied. Of the others' flood not each is.
        let began = Instant::now();
        let slow = loop {
            let mut told = records(&project, 1).into_iter();
            if let Some(slow) = told.find(|record| record["url"] == "http://virtual.test/slow") {
                break slow;
            }
            assert!(began.elapsed() < Duration::from_secs(10), "{}", server.log());
            std::thread::sleep(Duration::from_millis(50));
        };
        let (agent, verdict, by) = (&slow["agent"], &slow["verdict"], &slow["by"]);
        assert_eq!(
            (agent.as_str(), verdict.as_str(), by.as_str()),
            (Some("b"), Some("deny"), Some("limit")),
            "{slow}"
        );
        assert_eq!(slow["error"], "the outbound worker failed");
    }
}

#[test]
fn an_answer_breaks_off_with_the_process_and_is_not_whole() {
    let project = project(plain().address.port(), POLICY_IN_PROCESSES, "");
    let server = project.serve(&[]);
    let (_, inside) = first(&server, "a");
    std::thread::scope(|scope| {
        let reading = scope.spawn(|| reads_whole(&server, "10"));
        std::thread::sleep(Duration::from_millis(500));
        let began = Instant::now();
        kill(inside);
        let whole = reading.join().unwrap();
        assert!(!whole, "it did not end as if that had been all");
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    });
    assert_eq!(ask(&server, "a", "/who", &[]).0, 200);
}

#[test]
fn one_without_events_is_put_away_and_one_in_use_is_not() {
    let project = project(plain().address.port(), POLICY_IN_PROCESSES, "[isolates]\nidle = '1s'");
    let server = project.serve(&[]);
    let used = first(&server, "a");
    let reading = std::thread::scope(|scope| {
        let reading = scope.spawn(|| reads_whole(&server, "4"));
        std::thread::sleep(Duration::from_millis(3500));
        assert_eq!(policies(&server), [used], "an answer of it is still read");
        reading.join().unwrap()
    });
    assert!(!reading, "curl's time was over");
    let began = Instant::now();
    while !policies(&server).is_empty() {
        assert!(began.elapsed() < Duration::from_secs(10), "{}", server.log());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(!server.log().contains("has ended"), "{}", server.log());
    assert_ne!(first(&server, "a"), used);
}
