//! What is told of events, requests of loaded workers, and WebSockets, as no process of ours has them.

use bytes::Bytes;
use deno_core::unsync::spawn;
use http::{HeaderMap, StatusCode};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use workerd_lite_ops::external_memory::ExternalMemory;
use workerd_lite_ops::websocket::{Frame, socket_pair};
use workerd_lite_ops::{Body, Response};

use super::hostile::{DATA, ENDS, frame, head, says, text, told};
use super::{begin, cases, parent, run};

const TELLS: u8 = 4;
const HAS_LOADED: u8 = 32;

/// An answer with a WebSocket whose peer gives back what it reads.
pub(super) fn switched() -> Response {
    let (own, theirs) = socket_pair();
    own.accept(ExternalMemory::new(usize::MAX));
    spawn(async move {
        while let Some(Frame::Text(bytes) | Frame::Binary(bytes)) = own.next().await {
            own.push(Frame::Binary(bytes));
        }
    });
    Response {
        status: StatusCode::SWITCHING_PROTOCOLS,
        reason: None,
        headers: HeaderMap::new(),
        body: Body::Empty,
        socket: Some(theirs),
    }
}

fn tells(call: u32, event: u32, length: usize, said: &[u8]) -> Vec<u8> {
    let length = u32::try_from(length).unwrap().to_le_bytes();
    let opens = [&[TELLS][..], &event.to_le_bytes(), &length].concat();
    [frame(0, call, &opens), frame(DATA | ENDS, call, said)].concat()
}

/// Whether the process was killed that says this of its only event, and in which scripts' names it was told further.
fn told_further(said: &[u8]) -> (bool, Vec<String>) {
    run(async {
        let (link, socket, noted, sleeper) = parent();
        let event = begin(&link);
        let killed = says(said, &link, socket, sleeper).await;
        event.abort();
        let told = noted.1.borrow();
        let names = told
            .iter()
            .map(|item| item["scriptName"].as_str().unwrap_or_default().to_owned());
        (killed, names.collect())
    })
}

#[test]
fn an_event_is_told_of_once_and_in_its_agents_name() {
    let item = br#"{"scriptName":"another","outcome":"ok","logs":[{"message":["x"]}]}"#;
    let whole = tells(9, 1, item.len(), item);
    assert_eq!(told_further(&whole), (false, vec!["a".to_owned()]));
    let twice = [&whole[..], &tells(10, 1, item.len(), item)].concat();
    assert_eq!(told_further(&twice).1.len(), 1);
    for (what, said) in [
        ("less than it said", tells(9, 1, item.len() + 5, item)),
        ("more than it said", tells(9, 1, item.len() - 5, item)),
        ("no JSON", tells(9, 1, 4, b"\xff{}x")),
        ("no object", tells(9, 1, 2, b"[]")),
        ("deep", tells(9, 1, 60_000, &b"[".repeat(60_000))),
        ("no event", tells(9, 77, item.len(), item)),
        ("the event before", tells(9, 0, item.len(), item)),
    ] {
        let (killed, names) = told_further(&said);
        assert!(!killed && names.is_empty(), "{what}: {killed} {names:?}");
    }
    for (what, said) in [
        ("more than may be told", tells(9, 1, (1 << 20) + 1, item)),
        ("a cut head", frame(ENDS, 9, &[TELLS, 1, 0, 0])),
        (
            "more than a head",
            frame(ENDS, 9, &[&[TELLS][..], &[1, 0, 0, 0, 2, 0, 0, 0, 0]].concat()),
        ),
        ("no event, again and again", tells(9, 77, 2, b"{}").repeat(3000)),
    ] {
        let (killed, names) = told_further(&said);
        assert!(killed && names.is_empty(), "{what}: {killed} {names:?}");
    }
}

/// A request of a loaded worker.
fn of_loaded(id: &str, hash: &str) -> Vec<u8> {
    let plain = head(1, "POST", "http://out.test/x", &[]);
    let (before, fields) = plain.split_at(plain.len() - 4);
    let mut said = [before, &text(id.as_bytes()), &text(hash.as_bytes()), fields].concat();
    said[1] |= HAS_LOADED;
    frame(ENDS, 9, &said)
}

#[test]
fn loaded_workers_have_plain_names_and_hashes() {
    let hash = "0123456789abcdef".repeat(4);
    // The agent of these tests loads nothing: nobody is asked in such a name.
    assert_eq!(run(told(&of_loaded("load-1", &hash))), (false, 0));
    for (id, hash) in [
        ("", hash.as_str()),
        ("load-1", ""),
        ("../other", &hash),
        ("a/b", &hash),
        ("a\n", &hash),
        (&"a".repeat(10_000), &hash),
        ("load-1", &hash[1..]),
        ("load-1", &hash.to_uppercase()),
    ] {
        assert_eq!(run(told(&of_loaded(id, hash))), (true, 0), "{id:.20} {hash}");
    }
}

/// A handshake, and what is said over the connection.
fn talks(said: &[u8]) -> Vec<u8> {
    let asks = head(1, "GET", "http://out.test/socket", &[(b"upgrade", b"websocket")]);
    let data = said.chunks(60_000).flat_map(|piece| frame(DATA, 9, piece));
    frame(0, 9, &asks).into_iter().chain(data).collect()
}

/// A frame of RFC 6455, as a client masks it.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut said = vec![first];
    match payload.len() {
        length @ 0..126 => said.push(0x80 | u8::try_from(length).unwrap()),
        length => {
            said.push(0x80 | 0x7e);
            said.extend(u16::try_from(length).unwrap().to_be_bytes());
        }
    }
    said.extend([0; 4]);
    said.extend(payload);
    said
}

#[test]
fn sockets_of_a_hostile_process_end() {
    let fine = [
        masked(0x81, b"text"),
        masked(0x02, b"in "),
        masked(0x80, b"parts"),
        masked(0x88, &[3, 232]),
    ]
    .concat();
    assert_eq!(run(told(&talks(&fine))), (false, 1));
    let huge = [&[0x82, 0xff][..], &u64::MAX.to_be_bytes(), &[0; 400]].concat();
    for (what, said) in [
        ("nothing", Vec::new()),
        ("not masked", [0x81, 1, b'x'].to_vec()),
        ("reserved bits", masked(0xf1, b"x")),
        ("no kind", masked(0x83, b"x")),
        ("a part of nothing", masked(0x80, b"x")),
        ("a long ping", masked(0x89, &[0; 200])),
        ("a ping in parts", masked(0x09, b"x")),
        ("no text", masked(0x81, b"\xff\xfe")),
        ("a close without a code", masked(0x88, &[3])),
        ("a code that is none", masked(0x88, &[0, 1])),
        ("a huge message", huge),
        ("pings", masked(0x89, b"ping").repeat(2_000)),
        ("empty messages", masked(0x82, b"").repeat(5_000)),
        (
            "parts without an end",
            [masked(0x02, b"x"), masked(0x00, b"x").repeat(5_000)].concat(),
        ),
        (
            "after the close",
            [masked(0x88, &[3, 232]), masked(0x81, b"more")].concat(),
        ),
    ] {
        let (_, asked) = run(told(&talks(&said)));
        assert_eq!(asked, 1, "{what}");
    }
    let mut runner = TestRunner::new(Config {
        cases: cases() / 3,
        ..Config::default()
    });
    let outcome = runner.run(&prop::collection::vec(any::<u8>(), 0..400), |noise| {
        let mut said = fine.clone();
        said.extend(noise);
        let bytes = Bytes::from(talks(&said));
        prop_assert!(run(told(&bytes)).1 <= 1);
        Ok(())
    });
    outcome.unwrap();
}
