//! What is on its way over a link is counted, whatever it is: a process that says more than its parent reads is ended, or refused.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use deno_core::unsync::spawn;
use workerd_lite_ops::rpc::MESSAGE;
use workerd_lite_ops::trace::Trace;

use super::hostile::{DATA, ENDS, frame, head, says, text, told};
use super::methods::{NONE, calls};
use super::{agent, parent, request, run};
use crate::host::agent::Agent;
use crate::host::processes::link::Link;

const TRAILERS: u8 = 10;

/// Begins an event that may ask for much.
fn begin(link: &Rc<Link>) -> deno_core::unsync::JoinHandle<()> {
    let mut agent = Agent::clone(&agent());
    agent.worker.limits.subrequests = 100_000;
    agent.worker.limits.subrequests_at_once = 100_000;
    let (link, agent) = (Rc::clone(link), Arc::new(agent));
    spawn(async move {
        let Some(under_way) = link.child.begin() else { return };
        let known = (Rc::<Trace>::default(), None);
        let _ = link
            .dispatch((0, &agent), request("http://in.test/"), known, under_way)
            .await;
    })
}

/// Trailers of so many bytes.
fn trailers(bytes: usize) -> Vec<u8> {
    [&1_u32.to_le_bytes()[..], &text(b"x-t"), &text(&vec![b'x'; bytes])].concat()
}

#[test]
fn trailers_that_nobody_reads_do_not_pile_up() {
    let of = |number: u32, calls: u32| {
        let mut said = Vec::new();
        for call in 0..calls {
            said.extend(frame(0, number + call, &head(1, "POST", "http://out.test/x", &[])));
            said.extend(frame(DATA, number + call, b"x"));
            said.extend(frame(ENDS | TRAILERS, number + call, &trailers(16_000)));
        }
        said
    };
    // The way out keeps the requests that come to it.
    for (said, expected) in [(of(0, 40), false), (of(0, 1000), true)] {
        let (killed, noted) = run(async {
            let (link, socket, noted, sleeper) = parent();
            let event = begin(&link);
            let killed = says(&said, &link, socket, sleeper).await;
            event.abort();
            (killed, noted.0.borrow().len())
        });
        assert_eq!(killed, expected, "{noted}");
        assert!(noted == 40 || (expected && noted < 600), "{noted}");
    }
}

#[test]
fn calls_whose_bytes_have_no_room_in_their_heads_end_it() {
    let none = [NONE, NONE].concat();
    let here = |bytes: usize| [&[1][..], &text(&vec![b'x'; bytes])].concat();
    let call = |bytes: usize| frame(ENDS, 9, &calls(1, 0, &NONE, &none, &here(bytes)));
    assert!(!run(told(&call(32 << 10))).0, "as much as one of ours says");
    assert!(run(told(&call((32 << 10) + 1))).0);
}

#[test]
fn calls_that_are_not_answered_are_counted() {
    let none = [NONE, NONE].concat();
    let here = [&[1][..], &text(&vec![b'x'; 32 << 10])].concat();
    let names = [&[1, 0][..], &text(&vec![b'a'; 60_000])].concat();
    // The second service never answers.
    let waits = calls(1, 1, &names, &none, &here);
    let mut said = Vec::new();
    for call in 0..1500 {
        said.extend(frame(ENDS, call, &waits));
    }
    run(async {
        let (link, socket, _noted, sleeper) = parent();
        let event = begin(&link);
        let held = {
            let link = Rc::clone(&link);
            spawn(async move {
                let mut most = 0;
                for _ in 0..100 {
                    most = most.max(link.held.get());
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
                most
            })
        };
        assert!(!says(&said, &link, socket, sleeper).await);
        let held = held.await.unwrap();
        assert!(held > waits.len() && held <= 2 * MESSAGE, "{held}");
        event.abort();
    });
}
