//! A policy's process in an attacker's hands: it goes out in the names that its parent gave to events, by bindings' numbers, and in no other.

use std::cell::RefCell;
use std::rc::Rc;

use deno_core::unsync::spawn;
use futures_util::future::LocalBoxFuture;
use tokio::net::UnixStream;
use workerd_lite_ops::egress::Egress;
use workerd_lite_ops::trace::Trace;
use workerd_lite_ops::{CallerId, FetchError, Origin, Request, Response, Role};

use super::hostile::{ENDS, frame, says, text};
use super::{HEADERS, Sleeper, request, run};
use crate::boundary::{Aim, Child};
use crate::host::agent::Agent;
use crate::host::processes::link::Link;
use crate::host::processes::serving::serve;
use crate::isolate::Worker;
use crate::isolate::modules::Graph;

/// What went out: in whose name, and by which binding, or for which audiences.
#[derive(Debug, Default)]
struct Out(RefCell<Vec<(CallerId, Option<u32>, String)>>);

impl Egress for Out {
    fn fetch(
        &self,
        origin: &Origin,
        binding: Option<u32>,
        request: Request,
    ) -> LocalBoxFuture<'static, Result<Response, FetchError>> {
        self.0
            .borrow_mut()
            .push((origin.caller, binding, request.url.to_string()));
        Box::pin(std::future::ready(Ok(Response::text(http::StatusCode::OK, "fine"))))
    }

    fn token(
        &self,
        origin: &Origin,
        audience: &[String],
        _: &str,
    ) -> LocalBoxFuture<'static, Result<String, FetchError>> {
        self.0.borrow_mut().push((origin.caller, None, audience.concat()));
        Box::pin(std::future::ready(Ok("a token".into())))
    }
}

/// Writes this as a process does, of an agent or of the policy, that has one event, the first, of the agent in place 7. Gives whether it was
/// killed, and what went out.
async fn told(role: Role, said: &[u8]) -> (bool, Vec<(CallerId, Option<u32>, String)>) {
    let (sleeper, pidfd) = Sleeper::start();
    let (ours, socket) = UnixStream::pair().unwrap();
    let out = Rc::new(Out::default());
    let child = Child::of("a process", sleeper.0.id(), pidfd, Vec::new());
    let agent = std::sync::Arc::new(Agent::from(Worker::of("a".into(), role, Graph::unread().unwrap())));
    let gate: Rc<dyn Egress> = Rc::<Out>::clone(&out);
    let link = Link::new(
        child,
        &[(0, std::sync::Arc::clone(&agent))],
        vec![(gate, None)],
        HEADERS,
    );
    spawn(serve(Rc::clone(&link), ours.into_std().unwrap()));
    let begun = Rc::clone(&link);
    let event = spawn(async move {
        let Some(under_way) = begun.child.begin() else { return };
        let aim = Aim {
            caller: Some((7, "")),
            ..Aim::default()
        };
        let known = (Rc::<Trace>::default(), Some(aim));
        let _ = begun
            .dispatch((0, &agent), request("http://in.test/"), known, under_way)
            .await;
    });
    let killed = says(said, &link, socket, sleeper).await;
    event.abort();
    (killed, out.0.take())
}

/// A request's head: what it is for, which place that has, and the event.
fn head(kind: u8, to: u32, event: u32) -> Vec<u8> {
    let mut head = vec![kind, 0];
    head.extend(to.to_le_bytes());
    head.extend(event.to_le_bytes());
    for part in ["", "", "GET", "http://out.test/x"] {
        head.extend(text(part.as_bytes()));
    }
    head.extend(0_u32.to_le_bytes());
    head
}

fn dial(event: u32, binding: u32) -> Vec<u8> {
    let mut head = vec![5];
    head.extend(event.to_le_bytes());
    head.push(1);
    head.extend(binding.to_le_bytes());
    head.extend(80_u16.to_le_bytes());
    for part in ["db.test", "off", "", ""] {
        head.extend(text(part.as_bytes()));
    }
    head
}

fn token(event: u32) -> Vec<u8> {
    let mut head = vec![13];
    head.extend(event.to_le_bytes());
    head.extend(1_u16.to_le_bytes());
    head.extend(text(b"audience"));
    head.extend(text(b"{}"));
    head
}

const BINDING: u8 = 11;
const JOINS: u8 = 12;

#[test]
fn what_it_asks_for_goes_out_in_the_name_that_its_parent_gave() {
    let url = "http://out.test/x".to_owned();
    let cases = [
        (head(BINDING, 3, 1), (7, Some(3), url.clone())),
        (head(1, 0, 1), (7, None, url)),
        (token(1), (7, None, "audience".to_owned())),
        (dial(1, 2), (7, Some(2), "http://db.test/".to_owned())),
    ];
    for (said, expected) in cases {
        let (killed, out) = run(told(Role::Outbound, &frame(ENDS, 9, &said)));
        assert_eq!((killed, out), (false, vec![expected]));
    }
    // There is one event: what names another is of nobody's.
    for event in [0, 2, 7, u32::MAX] {
        for said in [head(BINDING, 3, event), token(event), dial(event, 1)] {
            let (killed, out) = run(told(Role::Outbound, &frame(ENDS, 9, &said)));
            assert!(!killed && out.is_empty(), "{event}: {out:?}");
        }
    }
}

#[test]
fn what_only_its_parent_says_ends_it() {
    let joins = [
        &[JOINS][..],
        &8_u32.to_le_bytes(),
        b"{\"name\":\"b\",\"tenant\":null,\"caller\":{}}",
    ]
    .concat();
    for (what, said) in [
        ("an event", head(0, 0, 1)),
        ("an event that is aimed", head(6, 0, 1)),
        ("an agent", joins),
        (
            "a token of too many",
            [&[13][..], &1_u32.to_le_bytes(), &u16::MAX.to_le_bytes()].concat(),
        ),
    ] {
        let (killed, out) = run(told(Role::Outbound, &frame(ENDS, 9, &said)));
        assert!(killed && out.is_empty(), "{what}: {out:?}");
    }
}

#[test]
fn agents_have_neither_bindings_nor_tokens() {
    for said in [head(BINDING, 0, 1), dial(1, 0), token(1)] {
        let (killed, out) = run(told(Role::Agent, &frame(ENDS, 9, &said)));
        assert!(killed && out.is_empty(), "{out:?}");
    }
    // And what goes out is in no other's name, whatever the parent was told of who calls it.
    let (killed, out) = run(told(Role::Agent, &frame(ENDS, 9, &head(1, 0, 1))));
    assert_eq!((killed, out), (false, vec![(0, None, "http://out.test/x".to_owned())]));
}

#[test]
fn tokens_are_counted() {
    let mut said = Vec::new();
    for call in 0..3000 {
        said.extend(frame(ENDS, call, &token(1)));
    }
    let (killed, out) = run(told(Role::Outbound, &said));
    assert!(killed && out.len() <= 1000, "{killed} {}", out.len());
}
