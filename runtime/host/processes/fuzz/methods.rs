//! Calls of methods and connections that no process of ours asks for.

use std::any::Any;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::oneshot;
use workerd_lite_ops::Body;
use workerd_lite_ops::account::Account;
use workerd_lite_ops::rpc::{
    Broken, Call, Capability, Failure, Outcome, Payload, Remote, ReplyTo, STUBS, Started, Stream,
};

use super::hostile::{DATA, ENDS, frame, text, told};
use super::run;
use crate::boundary::{Bridge, Connection, LinkError, LoadedWorker, Side};

/// A service: the first gives back what it is given, the second keeps it and never answers.
pub(super) struct Gives(pub(super) u32);

impl Remote for Gives {
    fn call(&self, call: Call) -> Started {
        let answer: Capability = Rc::new(Broken(Failure::gone()));
        if self.0 > 0 {
            // Kept for as long as the test goes on.
            Box::leak(Box::new(call));
        } else if let Some(payload) = call.arguments {
            call.reply.send(Outcome::Value {
                payload,
                disposer: false,
            });
        }
        Started { answer, session: None }
    }
}

struct Inside;

impl Side for Inside {
    fn service(&self, _: u32, _: Option<&LoadedWorker>) -> Result<Capability, Failure> {
        Err(Failure::gone())
    }

    fn room(&self, _: usize) -> Result<Box<dyn Any>, Failure> {
        Ok(Box::new(()))
    }

    fn broken(&self, error: &LinkError) {
        panic!("{error}");
    }

    fn account(&self) -> Option<Arc<Account>> {
        None
    }

    fn tells_stacks(&self) -> bool {
        true
    }
}

/// A good process calls the service with a stub and a stream, and gets both back.
pub(super) async fn call(link: &Connection, event: u32, known: &RefCell<Option<Rc<Bridge>>>) {
    let bridge = Bridge::new(link, event, Box::new(Inside));
    known.replace(Some(Rc::clone(&bridge)));
    let (reply, came) = oneshot::channel();
    bridge.service(0, None).call(Call {
        path: vec!["echo".to_owned()],
        arguments: Some(Payload {
            bytes: "arguments".into(),
            capabilities: vec![Rc::new(Gives(0))],
            streams: vec![Stream::Readable(Body::Full("streamed".into()))],
        }),
        reply: ReplyTo::new(move |outcome| {
            let _ = reply.send(outcome);
        }),
    });
    let Ok(Outcome::Value { payload, .. }) = came.await else {
        panic!("it is answered");
    };
    assert_eq!((&*payload.bytes, payload.capabilities.len()), (&b"arguments"[..], 1));
    assert!(
        payload.capabilities[0].crossing().is_none(),
        "its own comes back as it was"
    );
    let Some(Stream::Readable(body)) = payload.streams.into_iter().next() else {
        panic!("a stream comes back")
    };
    assert_eq!(body.collect().await.unwrap(), "streamed");
    bridge.close();
}

const CALLS: u8 = 3;
const DIALS: u8 = 5;
const BEGINS: u8 = 7;
const WATCHES: u8 = 8;
const STREAMS: u8 = 9;
const NOTE: u8 = 9;

pub(super) const NONE: [u8; 2] = [0, 0];

/// A call of a service, by its event, with its names, its table and its bytes.
pub(super) fn calls(event: u32, service: u32, names: &[u8], table: &[u8], bytes: &[u8]) -> Vec<u8> {
    let event = event.to_le_bytes();
    [&[CALLS][..], &event, &[0], &service.to_le_bytes(), names, table, bytes].concat()
}

/// A table of this many capabilities, and no streams.
fn given(first: u32, count: usize) -> Vec<u8> {
    let mut table = u16::try_from(count).unwrap().to_le_bytes().to_vec();
    for number in 0..count {
        table.push(0);
        table.extend((first + u32::try_from(number).unwrap()).to_le_bytes());
    }
    [&table[..], &NONE].concat()
}

fn stream(kind: u8, call: u32, coding: &str) -> Vec<u8> {
    [
        &NONE[..],
        &[1, 0, kind],
        &call.to_le_bytes(),
        &u64::MAX.to_le_bytes(),
        &text(coding.as_bytes()),
    ]
    .concat()
}

fn opened(kind: u8, event: u32) -> Vec<u8> {
    [&[kind][..], &event.to_le_bytes(), &[0]].concat()
}

fn dials(host: &str, port: u16, secure: &str) -> Vec<u8> {
    [
        &[DIALS, 1, 0, 0, 0, 0, 0, 0, 0, 0][..],
        &port.to_le_bytes(),
        &text(host.as_bytes()),
        &text(secure.as_bytes()),
        &[0; 8],
    ]
    .concat()
}

#[test]
fn calls_that_no_process_makes_end_it() {
    let here = [&[1][..], &text(b"x")].concat();
    let asks = |head: &[u8]| frame(ENDS, 9, head);
    let none = [NONE, NONE].concat();
    let fine = calls(1, 0, &NONE, &none, &here);
    assert!(!run(told(&asks(&fine))).0, "a whole one is answered");
    assert!(
        !run(told(&asks(&dials("db.test", 5432, "off")))).0,
        "so is one for a connection"
    );
    let with = |table: &[u8]| asks(&calls(1, 0, &NONE, table, &here));
    let many = [65_u16.to_le_bytes().to_vec(), text(b"").repeat(65)].concat();
    let long = [&[1, 0][..], &text(&vec![b'a'; 70_000])].concat();
    let broken: &[(&str, Vec<u8>)] = &[
        ("a call with a long path", asks(&calls(1, 0, &many, &none, &here))),
        ("a call with long names", asks(&calls(1, 0, &long, &none, &here))),
        (
            "a call with too much",
            asks(&calls(
                1,
                0,
                &NONE,
                &none,
                &[&[2][..], &u32::MAX.to_le_bytes()].concat(),
            )),
        ),
        ("a call with bytes nowhere", asks(&calls(1, 0, &NONE, &none, &[3]))),
        ("a cut call", asks(&fine[..fine.len() - 1])),
        ("more than a call", asks(&[&fine[..], b"x"].concat())),
        ("what can not be called", asks(&[&fine[..5], &[9], &fine[6..]].concat())),
        ("more stubs than may be", with(&given(1, STUBS + 1))),
        ("no kind of stub", with(&[&[1, 0, 7][..], &[0; 4], &NONE].concat())),
        ("a stream that was not opened", with(&stream(0, 77, ""))),
        ("no kind of stream", with(&stream(2, 77, ""))),
        ("no coding", with(&stream(0, 77, "zstd"))),
        (
            "a stream twice",
            [
                frame(0, 5, &opened(STREAMS, 1)),
                with(&stream(0, 5, "")),
                frame(ENDS, 10, &calls(1, 0, &NONE, &stream(0, 5, ""), &here)),
            ]
            .concat(),
        ),
        ("more than a stream", asks(&[&opened(STREAMS, 1)[..], b"x"].concat())),
        (
            "a stream of an event that begins",
            asks(&[&opened(STREAMS, 1)[..5], &[1]].concat()),
        ),
        ("a stream of no event", asks(&[&opened(STREAMS, 1)[..5], &[2]].concat())),
        ("what is watched is nothing", asks(&opened(WATCHES, 1))),
        ("an event of ours", asks(&[&[BEGINS][..], &[0; 40]].concat())),
        ("a note without a number", frame(NOTE, 1, &[0; 4])),
        ("no host", asks(&dials("", 1, "off"))),
        ("a host with a path", asks(&dials("a.test/x", 1, "off"))),
        ("a host with a user", asks(&dials("u@a.test", 1, "off"))),
        ("a long host", asks(&dials(&"a".repeat(256), 1, "off"))),
        ("no port", asks(&dials("a.test", 0, "off"))),
        ("no transport", asks(&dials("a.test", 1, "maybe"))),
    ];
    for (what, said) in broken {
        assert!(run(told(said)).0, "{what}");
    }
    // What names no event of this link is refused.
    for event in [0, 2, u32::MAX] {
        assert!(!run(told(&asks(&calls(event, 0, &NONE, &none, &here)))).0, "{event}");
    }
    // And so is what was not given.
    let back = [&[1, 0, 1][..], &7_u32.to_le_bytes(), &NONE].concat();
    assert!(!run(told(&with(&back))).0);
}

#[test]
fn floods_of_calls_end_the_process() {
    let here = [&[1][..], &text(b"x")].concat();
    let mut given_and_kept = Vec::new();
    for call in 0..3 {
        given_and_kept.extend(frame(
            ENDS,
            call,
            &calls(1, 1, &NONE, &given(1000 * call, STUBS), &here),
        ));
    }
    let mut streams = Vec::new();
    for call in 0..3000 {
        streams.extend(frame(0, call, &opened(STREAMS, 1)));
    }
    let floods = [
        ("stubs", given_and_kept),
        ("streams that nothing takes along", streams),
        ("notes of nothing", frame(NOTE, 1, &[0; 5]).repeat(3000)),
        ("notes of no event", frame(NOTE, 77, &[0; 5]).repeat(3000)),
        ("streams of no event", frame(ENDS, 9, &opened(STREAMS, 77)).repeat(3000)),
    ];
    for (what, said) in floods {
        assert!(run(told(&said)).0, "{what}");
    }
}

/// What is said to come and does not keeps nothing but its own event.
#[test]
fn arguments_that_do_not_come_are_waited_for() {
    let none = [NONE, NONE].concat();
    let follows = [&[2][..], &(16_u32 << 20).to_le_bytes()].concat();
    let waits = frame(0, 9, &calls(1, 0, &NONE, &none, &follows));
    let said = [&waits[..], &frame(DATA, 9, b"some")].concat();
    assert!(!run(told(&said)).0);
}
