//! A process that is killed under load costs what it had under way, and nobody else anything.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::{ask, kill, processes, project};
use crate::harness::http::Client;
use crate::harness::plain;

#[test]
fn a_process_that_is_killed_under_load_costs_its_tenant_what_was_under_way() {
    let project = project(plain().address.port(), "");
    let server = project.serve(&[]);
    assert_eq!(ask(&server, "a", "/hello", &[]).0, 200);
    let victims = processes(&server);
    assert_eq!(ask(&server, "c", "/hello", &[]).0, 200);
    let over = AtomicBool::new(false);
    let load = |agent: &str| {
        let mut seen = Vec::new();
        let mut client = Client::new(&server.address, &format!("{agent}.localhost"));
        while !over.load(Ordering::Relaxed) {
            let began = Instant::now();
            let status = match client.get("/hello") {
                Ok((status, _)) => status,
                Err(error) => panic!("{agent}: a connection was lost: {error}"),
            };
            seen.push((began, Instant::now(), status));
        }
        seen
    };
    let (killed, ours, others) = std::thread::scope(|scope| {
        let load = &load;
        let ours: Vec<_> = (0..4).map(|_| scope.spawn(move || load("a"))).collect();
        let others: Vec<_> = (0..4).map(|_| scope.spawn(move || load("c"))).collect();
        std::thread::sleep(Duration::from_millis(700));
        let killed = Instant::now();
        kill(victims[0].1);
        std::thread::sleep(Duration::from_millis(1500));
        over.store(true, Ordering::Relaxed);
        let all = |threads: Vec<std::thread::ScopedJoinHandle<'_, Vec<_>>>| -> Vec<_> {
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        };
        (killed, all(ours), all(others))
    });
    assert!(
        others.iter().all(|(_, _, status)| *status == 200),
        "others lose nothing"
    );
    let failed: Vec<_> = ours.iter().filter(|(_, _, status)| *status != 200).collect();
    assert!(failed.iter().all(|(_, _, status)| *status == 503), "{failed:?}");
    // One for each connection was under way; who asks between the death and the news of it may fail once more.
    assert!((1..=12).contains(&failed.len()), "{}", failed.len());
    let known = failed
        .iter()
        .map(|(_, ended, _)| *ended)
        .min()
        .expect("something was under way");
    assert!(
        known.duration_since(killed) < Duration::from_secs(1),
        "it is known at once"
    );
    let next = ours
        .iter()
        .filter(|(began, _, status)| *began >= known && *status == 200);
    let next = next
        .map(|(_, ended, _)| ended.duration_since(known))
        .min()
        .expect("it is served again");
    eprintln!(
        "{} failed; the next answer {next:?} after the death; {} of others",
        failed.len(),
        others.len()
    );
    // 50 ms in an optimised build on a machine that has nothing else to do.
    assert!(next < Duration::from_secs(1), "{next:?}");
}
