//! A process that is in an attacker's hands floods its parent, sends rubbish, or stops reading.

use std::io::Write as _;
use std::time::{Duration, Instant};

use super::hostile::{Attack, LASTS, attacked, flood, frame, text};
use super::project;
use crate::harness::{Server, plain};

/// Heads of requests on their way out, in the names of the first events.
fn heads() -> Vec<u8> {
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

/// Clients send 1 MiB each, as fast as it is taken.
fn clients_send(server: &Server) -> u64 {
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
}

#[test]
fn what_an_attacker_does_to_a_link_costs_bounded_memory_and_neighbours_little() {
    // What breaks a rule ends the process.
    let attacks: [(&str, bool, Attack); 8] = [
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
        ("a report that it was refused", true, |_, hostile| {
            let report = br#"{"Refused":"so it says"}"#;
            let packet = [&u32::try_from(report.len()).unwrap().to_be_bytes()[..], report].concat();
            flood(std::slice::from_mut(&mut hostile.reports), &packet)
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
        ("it reads nothing, while 300 clients send", false, |server, _| {
            clients_send(server)
        }),
    ];
    if let Some(server) = attacked(&project(plain().address.port(), ""), &attacks) {
        server.logged("an agents' process is ended: it tells that it can not start, and has");
    }
}
