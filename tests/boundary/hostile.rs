//! A process that is in an attacker's hands: the test takes its descriptors, as an attacker has them, and says what none of ours says. That
//! costs the parent bounded memory, and its neighbours little.

use std::io::{ErrorKind, Write};
use std::os::fd::OwnedFd;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

use super::{ask, processes};
use crate::harness::children::kib;
use crate::harness::http::{Neighbour, percentile};
use crate::harness::{Project, Server, peers::skip};

/// How long each attack goes on, where it is not ended.
pub const LASTS: Duration = Duration::from_secs(1);

/// What a parent may have more than before, in MiB: what waits for a process that does not read, and copies of it.
const MOST: u64 = 96;

/// The descriptors of a process that is stopped.
pub struct Hostile {
    inside: u32,
    pub links: Vec<std::fs::File>,
    pub reports: std::fs::File,
    pub output: std::fs::File,
}

fn signal(process: u32, name: &str) {
    let sent = Command::new("kill")
        .args([format!("-{name}"), process.to_string()])
        .status();
    assert!(sent.unwrap().success());
}

impl Hostile {
    /// Stops a process, and takes what it has. Nothing where that is not allowed.
    fn seize(inside: u32) -> Option<Self> {
        signal(inside, "STOP");
        let pidfd = pidfd_open(Pid::from_raw(inside.cast_signed())?, PidfdFlags::empty()).ok()?;
        let take = |fd: i32| -> Option<std::fs::File> {
            let taken: OwnedFd = pidfd_getfd(&pidfd, fd, PidfdGetfdFlags::empty()).ok()?;
            Some(taken.into())
        };
        let links = std::fs::read_dir(format!("/proc/{inside}/fd")).ok()?;
        let links = links.filter_map(|entry| {
            let entry = entry.ok()?;
            let number: i32 = entry.file_name().to_str()?.parse().ok()?;
            let is_socket = std::fs::read_link(entry.path()).ok()?.to_str()?.starts_with("socket:");
            (number >= 3 && is_socket).then(|| take(number)).flatten()
        });
        Some(Self {
            inside,
            links: links.collect(),
            reports: take(0)?,
            output: take(1)?,
        })
    }
}

/// Writes this again and again, whatever becomes of it. Gives how many bytes were taken.
pub fn flood(into: &mut [std::fs::File], piece: &[u8]) -> u64 {
    let began = Instant::now();
    let mut taken = 0;
    let mut at = vec![0; into.len()];
    while began.elapsed() < LASTS {
        let mut waits = true;
        for (file, at) in into.iter_mut().zip(&mut at) {
            match file.write(&piece[*at..]) {
                Ok(count) => {
                    taken += count as u64;
                    *at = (*at + count) % piece.len();
                    waits = false;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // It is over for this one.
                Err(_) => {}
            }
        }
        if waits {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    taken
}

/// A frame: its kind with its flags, the call, and what it carries.
pub fn frame(kind: u8, call: u32, carried: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(carried.len()).unwrap().to_le_bytes().to_vec();
    frame.push(kind);
    frame.extend(call.to_le_bytes());
    frame.extend(carried);
    frame
}

/// A text, with its length before it.
pub fn text(text: &[u8]) -> Vec<u8> {
    [&u32::try_from(text.len()).unwrap().to_le_bytes()[..], text].concat()
}

/// Does something to the links of a process for a while. Gives how many bytes it has written.
pub type Attack = fn(&Server, &mut Hostile) -> u64;

/// Whether a process has ended. Nobody may have waited for it yet.
fn has_ended(process: u32) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let rest = state.rsplit(')').next();
    rest.is_none_or(|rest| rest.trim_start().is_empty() || rest.starts_with(" Z"))
}

/// Makes attacks on a server, each by the process of the agent `a`, while one of another tenant's, `c`, is asked. Each has a name and says
/// whether its process is ended for it.
pub fn attacked(project: &Project, attacks: &[(&str, bool, Attack)]) -> Option<Server> {
    let server = project.serve(&[]);
    assert_eq!(ask(&server, "c", "/hello", &[]).0, 200);
    let neighbours: Vec<_> = processes(&server);
    let neighbour = Neighbour::asking(&server.address, "c.localhost", "/hello", Duration::from_millis(2));
    assert_eq!(ask(&server, "a", "/hello", &[]).0, 200);
    std::thread::sleep(Duration::from_millis(300));
    let began = Instant::now();
    std::thread::sleep(LASTS * 2);
    let alone = percentile(&neighbour.since(began), 0.99);
    let mut rows = Vec::new();
    for (name, is_ended, attack) in attacks {
        assert_eq!(ask(&server, "a", "/hello", &[]).0, 200, "{name}: {}", server.log());
        let victim = processes(&server)
            .into_iter()
            .find(|process| !neighbours.contains(process))
            .unwrap();
        let parent = server.worker();
        // Events are under way whose names it may take.
        let slow: Vec<_> = (0..4)
            .map(|_| server.raw(b"GET /slow HTTP/1.1\r\nHost: a.localhost\r\n\r\n"))
            .collect();
        std::thread::sleep(Duration::from_millis(50));
        let Some(mut hostile) = Hostile::seize(victim.1) else {
            signal(victim.1, "CONT");
            skip("an attacker's floods", "only root takes a process's descriptors");
            return None;
        };
        std::fs::write(format!("/proc/{parent}/clear_refs"), "5").unwrap();
        let before = kib(parent, "VmRSS:");
        let began = Instant::now();
        let bytes = attack(&server, &mut hostile);
        let during = neighbour.since(began);
        let grown = kib(parent, "VmHWM:").saturating_sub(before) / 1024;
        let p99 = percentile(&during, 0.99);
        assert!(
            during.iter().all(|sample| sample.served),
            "{name}: a neighbour was not served"
        );
        drop(slow);
        let ended = has_ended(hostile.inside);
        rows.push(format!(
            "| {name} | {} KiB | {ended} | {grown} MiB | {:.1} ms | {:.1} ms |",
            bytes / 1024,
            alone.as_secs_f64() * 1e3,
            p99.as_secs_f64() * 1e3
        ));
        assert_eq!(ended, *is_ended, "{name}: {}", server.log());
        assert!(grown < MOST, "{name}: the parent has grown by {grown} MiB");
        // As much as others that share two processors with this test may be disturbed anyway.
        assert!(
            p99 < alone * 2 + Duration::from_millis(40),
            "{name}: p99 {p99:?}, alone {alone:?}"
        );
        assert_eq!(server.worker(), parent, "the parent goes on");
        let inside = hostile.inside;
        // Its ends of the links are closed with it, as they would be if they were its alone.
        drop(hostile);
        if !ended {
            super::kill(inside);
        }
        let began = Instant::now();
        while ask(&server, "a", "/hello", &[]).0 != 200 {
            assert!(
                began.elapsed() < Duration::from_secs(10),
                "{name}: another process comes"
            );
        }
    }
    eprintln!(
        "| attack | taken | its process was ended | the parent grew by | a neighbour's p99 alone | during |\n|---|---|---|---|---|---|\n{}",
        rows.join("\n")
    );
    Some(server)
}
