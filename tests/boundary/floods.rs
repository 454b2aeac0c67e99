//! A process that is in an attacker's hands floods its parent, sends rubbish, or stops reading: that costs the parent bounded memory, and its
//! neighbours little. The test takes the process's descriptors, as an attacker has them.

use std::io::{ErrorKind, Write};
use std::os::fd::OwnedFd;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};

use super::{ask, processes, project};
use crate::harness::http::{Neighbour, percentile};
use crate::harness::{Server, peers::skip, plain};

/// How long each of them goes on, where it is not ended.
const LASTS: Duration = Duration::from_millis(1500);

/// What a parent may have more than before, in MiB: what waits for a process that does not read, and copies of it.
const MOST: u64 = 96;

/// The descriptors of a process that is stopped.
struct Hostile {
    inside: u32,
    links: Vec<std::fs::File>,
    reports: std::fs::File,
    output: std::fs::File,
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
fn flood(into: &mut [std::fs::File], piece: &[u8]) -> u64 {
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

fn frame(kind: u8, call: u32, carried: &[u8]) -> Vec<u8> {
    let mut frame = u32::try_from(carried.len()).unwrap().to_le_bytes().to_vec();
    frame.push(kind);
    frame.extend(call.to_le_bytes());
    frame.extend(carried);
    frame
}

/// Heads of requests on their way out, in the names of the first events.
fn heads() -> Vec<u8> {
    let text = |text: &[u8]| [&u32::try_from(text.len()).unwrap().to_le_bytes()[..], text].concat();
    let mut all = Vec::new();
    for call in 0..3000_u32 {
        let mut head = vec![1, 0, 0, 0, 0, 0];
        head.extend((1 + call % 8).to_le_bytes());
        for part in ["", "", "POST", "http://virtual.test/answered"] {
            head.extend(text(part.as_bytes()));
        }
        head.extend(1_u32.to_le_bytes());
        head.extend(text(b"x-large"));
        head.extend(text(&[b'a'; 8_000]));
        all.extend(frame(0x40, 1_000_000 + call, &head));
    }
    all
}

fn field(process: u32, name: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = text.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Does something to the links of a process for a while. Gives how many bytes it has written.
type Attack = fn(&Server, &mut Hostile) -> u64;

#[test]
fn what_an_attacker_does_to_a_link_costs_bounded_memory_and_neighbours_little() {
    let project = project(plain().address.port(), "");
    let server = project.serve(&[]);
    assert_eq!(ask(&server, "c", "/hello", &[]).0, 200);
    let neighbours: Vec<_> = processes(&server);
    let neighbour = Neighbour::asking(&server.address, "c.localhost", "/hello", Duration::from_millis(2));
    std::thread::sleep(Duration::from_millis(300));
    // What breaks a rule ends the process.
    let attacks: [(&str, bool, Attack); 7] = [
        ("random bytes", true, |_, hostile| {
            let rubbish: Vec<u8> = (0..65_536_u32)
                .map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[2])
                .collect();
            flood(&mut hostile.links, &rubbish)
        }),
        ("ends of events", true, |_, hostile| {
            flood(&mut hostile.links, &frame(8, 7, &[0; 8]).repeat(1000))
        }),
        ("requests in all names", true, |_, hostile| {
            flood(&mut hostile.links, &heads())
        }),
        ("a long frame that never ends", false, |_, hostile| {
            let mut begun = u32::try_from(300_000).unwrap().to_le_bytes().to_vec();
            begun.extend([0, 1, 0, 0, 0]);
            for link in &mut hostile.links {
                let _ = link.write(&begun);
                let _ = link.write(&vec![0; 60_000]);
            }
            std::thread::sleep(LASTS);
            60_009 * hostile.links.len() as u64
        }),
        ("lines of its log", false, |_, hostile| {
            let line = format!(
                r#"{{"Line":{{"level":"Info","console":true,"agent":0,"request_id":null,"text":"{}"}}}}"#,
                "x".repeat(10_000)
            );
            let packet = [&u32::try_from(line.len()).unwrap().to_be_bytes()[..], line.as_bytes()].concat();
            flood(std::slice::from_mut(&mut hostile.reports), &packet.repeat(16))
        }),
        ("what it writes", false, |_, hostile| {
            flood(std::slice::from_mut(&mut hostile.output), &vec![b'x'; 65_536])
        }),
        ("it reads nothing", false, |server, hostile| {
            let _ = &hostile.links;
            let body = "x".repeat(1 << 20);
            let head = format!(
                "POST /echo HTTP/1.1\r\nHost: a.localhost\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            let mut clients = Vec::new();
            for _ in 0..300 {
                let client = server.raw(head.as_bytes());
                client.set_nonblocking(true).unwrap();
                clients.push((client, 0));
            }
            let began = Instant::now();
            let mut sent = 0;
            while began.elapsed() < LASTS {
                for (client, at) in &mut clients {
                    if let Ok(count) = client.write(&body.as_bytes()[*at..]) {
                        *at += count;
                        sent += count as u64;
                    }
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            sent
        }),
    ];
    let mut rows = Vec::new();
    for (name, is_ended, attack) in attacks {
        assert_eq!(ask(&server, "a", "/hello", &[]).0, 200, "{name}: {}", server.log());
        let began = Instant::now();
        std::thread::sleep(LASTS);
        let alone = percentile(&neighbour.since(began), 0.99);
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
            return skip("an attacker's floods", "only root takes a process's descriptors");
        };
        std::fs::write(format!("/proc/{parent}/clear_refs"), "5").unwrap();
        let before = field(parent, "VmRSS:");
        let began = Instant::now();
        let bytes = attack(&server, &mut hostile);
        let during = neighbour.since(began);
        let grown = field(parent, "VmHWM:").saturating_sub(before) / 1024;
        let p99 = percentile(&during, 0.99);
        assert!(
            during.iter().all(|sample| sample.served),
            "{name}: a neighbour was not served"
        );
        drop(slow);
        let state = std::fs::read_to_string(format!("/proc/{}/stat", hostile.inside)).unwrap_or_default();
        // Nobody may have waited for it yet.
        let ended = state
            .rsplit(')')
            .next()
            .is_none_or(|rest| rest.trim_start().is_empty() || rest.starts_with(" Z"));
        rows.push(format!(
            "| {name} | {} KiB | {ended} | {grown} MiB | {:.1} ms | {:.1} ms |",
            bytes / 1024,
            alone.as_secs_f64() * 1e3,
            p99.as_secs_f64() * 1e3
        ));
        assert_eq!(ended, is_ended, "{name}: {}", server.log());
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
}
