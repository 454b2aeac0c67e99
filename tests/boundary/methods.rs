//! A process that is in an attacker's hands makes calls of methods that no process of ours makes: in the names of all its events, of services
//! that it has and that it has not, with stubs and streams without end.

use std::io::Write as _;

use super::hostile::{Attack, LASTS, attacked, flood, frame, text};
use super::project;
use crate::harness::{Project, json, plain};

/// What heads begin with, as `runtime/boundary/heads.rs` numbers it.
const CALLS: u8 = 3;
const TELLS: u8 = 4;
const DIALS: u8 = 5;
const BEGINS: u8 = 7;
const WATCHES: u8 = 8;
const STREAMS: u8 = 9;
const DRAWS: u8 = 10;

/// Kinds of frames, and the flag of one after which nothing follows.
const HEAD: u8 = 0;
const DATA: u8 = 1;
const NOTE: u8 = 9;
const ENDS: u8 = 0x40;

/// The first events of a link.
const EVENTS: u32 = 8;

/// A call of a service by the names of its method, with so many stubs, and bytes in its head.
fn call(event: u32, service: u32, stubs: u16, names: &[&str]) -> Vec<u8> {
    let mut head = vec![CALLS];
    head.extend(event.to_le_bytes());
    head.push(0);
    head.extend(service.to_le_bytes());
    head.extend(u16::try_from(names.len()).unwrap().to_le_bytes());
    for name in names {
        head.extend(text(name.as_bytes()));
    }
    head.extend(stubs.to_le_bytes());
    for number in 0..stubs {
        head.push(0);
        head.extend((event * 100_000 + u32::from(number)).to_le_bytes());
    }
    head.extend([0, 0]);
    // An empty list of arguments, as V8 writes it.
    head.push(1);
    head.extend(text(&[0xff, 15, b'A', 0, b'$', 0, 0]));
    head
}

/// Frames of calls from this number on, each of a head that is made for an event.
fn frames(count: u32, flags: u8, head: impl Fn(u32, u32) -> Vec<u8>) -> Vec<u8> {
    let frames = (0..count).map(|at| frame(flags | HEAD, 1_000_000 + at, &head(1 + at % EVENTS, at)));
    frames.collect::<Vec<_>>().concat()
}

fn of_event(kind: u8, event: u32, more: &[u8]) -> Vec<u8> {
    [&[kind][..], &event.to_le_bytes(), more].concat()
}

fn dials(event: u32) -> Vec<u8> {
    let port = 5432_u16.to_le_bytes();
    of_event(
        DIALS,
        event,
        &[&port[..], &text(b"db.test"), &text(b"off"), &[0; 8]].concat(),
    )
}

/// A request in the name of a loaded worker, another one each time.
fn of_loaded(event: u32, at: u32) -> Vec<u8> {
    let mut head = vec![1, 32, 0, 0, 0, 0];
    head.extend(event.to_le_bytes());
    for part in ["", "", "GET", "http://virtual.test/answered"] {
        head.extend(text(part.as_bytes()));
    }
    head.extend(text(format!("load-{at}").as_bytes()));
    head.extend(text(&[b'a'; 64]));
    head.extend(0_u32.to_le_bytes());
    head
}

/// The agent `a` has a service of its policy and one of its tenant's; the other tenant's has one that it has not.
fn with_services() -> Project {
    let project = project(plain().address.port(), "");
    let text = std::fs::read_to_string(project.path().join("workerd-lite.toml")).unwrap();
    let service = |binding: &str, of: &str, entrypoint: &str| {
        format!("[[agents.services]]\nbinding = '{binding}'\nservice = '{of}'\nentrypoint = '{entrypoint}'\n")
    };
    let (before, rest) = text.split_once("[[agents]]\nname = 'b'").unwrap();
    let (b, rest) = rest.split_once("[[agents]]\nname = 'd'").unwrap();
    let own = service("TOOLS", "outbound", "Tools") + &service("PEER", "b", "Desk");
    let others = service("SECRET", "outbound", "Tools");
    project.write(
        "workerd-lite.toml",
        &format!(
            "{before}{own}[[agents]]\nname = 'b'{b}{others}[[agents]]\nname = 'd'{rest}[audit]\nfile = 'audit.ndjson'\n"
        ),
    );
    for (file, class) in [("policy.js", "Tools"), ("agent.js", "Desk")] {
        let text = std::fs::read_to_string(project.path().join(file)).unwrap();
        project.write(
            file,
            &format!(
                "import {{ WorkerEntrypoint }} from 'cloudflare:workers';\nexport class {class} extends WorkerEntrypoint {{ echo(...all) {{ return all; }} keep() {{ return new Promise(() => {{}}); }} }}\n{text}"
            ),
        );
    }
    project
}

#[test]
fn calls_that_an_attacker_makes_are_bounded_and_only_its_own() {
    let attacks: [(&str, bool, Attack); 13] = [
        ("calls in all names", true, |_, hostile| {
            flood(
                &mut hostile.links,
                &frames(3000, ENDS, |event, _| call(event, 0, 0, &["echo"])),
            )
        }),
        ("calls of all services", true, |_, hostile| {
            flood(
                &mut hostile.links,
                &frames(3000, ENDS, |event, at| call(event, at / EVENTS, 0, &["echo"])),
            )
        }),
        ("calls that are never answered", true, |_, hostile| {
            flood(
                &mut hostile.links,
                &frames(3000, ENDS, |event, _| call(event, 0, 0, &["keep"])),
            )
        }),
        ("stubs without end", true, |_, hostile| {
            flood(
                &mut hostile.links,
                &frames(3000, ENDS, |event, _| call(event, 0, 1000, &["keep"])),
            )
        }),
        ("stubs for another agent without end", true, |_, hostile| {
            flood(
                &mut hostile.links,
                &frames(3000, ENDS, |event, _| call(event, 1, 1000, &["keep"])),
            )
        }),
        ("streams that nothing takes along", true, |_, hostile| {
            flood(
                &mut hostile.links,
                &frames(6000, 0, |event, _| of_event(STREAMS, event, &[0])),
            )
        }),
        ("streams to be written that nothing takes along", true, |_, hostile| {
            flood(
                &mut hostile.links,
                &frames(6000, ENDS, |event, _| of_event(DRAWS, event, &[0])),
            )
        }),
        ("watchers of what it was not given", true, |_, hostile| {
            let watches = |event: u32, at: u32| of_event(WATCHES, event, &[&[1][..], &at.to_le_bytes()].concat());
            flood(&mut hostile.links, &frames(6000, ENDS, watches))
        }),
        ("notes of what it was not given", true, |_, hostile| {
            let notes = (0..6000_u32).map(|at| frame(NOTE, 1 + at % EVENTS, &[&[0][..], &at.to_le_bytes()].concat()));
            flood(&mut hostile.links, &notes.collect::<Vec<_>>().concat())
        }),
        ("connections in all names", true, |_, hostile| {
            flood(&mut hostile.links, &frames(3000, 0, |event, _| dials(event)))
        }),
        ("loaded workers without end", true, |_, hostile| {
            flood(&mut hostile.links, &frames(3000, ENDS, of_loaded))
        }),
        (
            "what it tells of all events, and events of its own",
            true,
            |_, hostile| {
                let tells = frames(1000, 0, |event, _| of_event(TELLS, event, &100_u32.to_le_bytes()));
                let begins = frame(ENDS, 2_000_000, &of_event(BEGINS, 1, &[0; 40]));
                flood(&mut hostile.links, &[tells, begins].concat())
            },
        ),
        ("arguments that never come whole", false, |_, hostile| {
            let mut waits = Vec::new();
            for at in 0..EVENTS * 4 {
                let mut head = call(1 + at % EVENTS, 0, 0, &["echo"]);
                // 16 MiB follow in place of those that are there.
                head.truncate(head.len() - 12);
                head.push(2);
                head.extend((16_u32 << 20).to_le_bytes());
                waits.extend(frame(HEAD, 1_000_000 + at, &head));
                waits.extend(frame(DATA, 1_000_000 + at, &vec![0; 60_000]));
            }
            for link in &mut hostile.links {
                let _ = link.write(&waits);
            }
            std::thread::sleep(LASTS);
            (waits.len() * hostile.links.len()) as u64
        }),
    ];
    let project = with_services();
    let Some(server) = attacked(&project, &attacks) else {
        return;
    };
    // What was called was called in the name of the agent whose process it is, by services that it has.
    let audit = std::fs::read_to_string(project.path().join("audit.ndjson")).unwrap();
    let calls: Vec<_> = audit
        .lines()
        .map(json)
        .filter(|record| record["kind"] == "rpc")
        .collect();
    assert!(!calls.is_empty(), "some were in order: {audit:.2000} {}", server.log());
    for call in calls {
        assert!(call["agent"] == "a" && call["tenant"] == "one", "{call}");
        assert!(call["service"] == "TOOLS" || call["service"] == "PEER", "{call}");
    }
    assert!(!server.log().contains("panicked"), "{}", server.log());
}
