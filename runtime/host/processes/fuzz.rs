//! The parent's end is fed what a process says that is in an attacker's hands: conversations of a good one with bytes changed, cut, doubled
//! and made up, and messages that are whole and say what none of ours says.

use std::cell::RefCell;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use deno_core::unsync::spawn;
use futures_util::future::LocalBoxFuture;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use workerd_lite_ops::fetch::Egress;
use workerd_lite_ops::trace::Trace;
use workerd_lite_ops::{Body, FetchError, Origin, Request, Response};

use super::link::Link;
use crate::boundary::{Answer, Child, Envelope, Links, Sent, answer, ask, client, server};
use crate::host::agent::Agent;
use crate::isolate::Worker;
use crate::isolate::modules::Graph;

/// How long one conversation may take.
const LIMIT: Duration = Duration::from_secs(20);

/// A way out that notes what comes to it.
#[derive(Default)]
struct Noted(RefCell<Vec<Request>>);

impl Egress for Noted {
    fn fetch(
        &self,
        _: &Origin,
        _: Option<u32>,
        request: Request,
    ) -> LocalBoxFuture<'static, Result<Response, FetchError>> {
        self.0.borrow_mut().push(request);
        Box::pin(std::future::ready(Ok(Response::text(http::StatusCode::OK, "fine"))))
    }
}

/// A process that does nothing, for what is killed in its place.
struct Sleeper(std::process::Child);

impl Sleeper {
    fn start() -> (Self, OwnedFd) {
        let process = Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().unwrap();
        let pidfd = pidfd_open(Pid::from_child(&process), PidfdFlags::empty()).unwrap();
        (Self(process), pidfd)
    }

    fn is_killed(&mut self) -> bool {
        let began = std::time::Instant::now();
        while began.elapsed() < Duration::from_secs(5) {
            if self.0.try_wait().unwrap().is_some() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        false
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn agent() -> std::sync::Arc<Agent> {
    let worker = Worker::of("a".into(), workerd_lite_ops::Role::Agent, Graph::unread().unwrap());
    std::sync::Arc::new(Agent::from(worker))
}

/// The parent's end, the process's ends of its sockets, and what stands for the process.
async fn parent() -> (Rc<Link>, UnixStream, UnixStream, Rc<Noted>, Sleeper) {
    let (sleeper, pidfd) = Sleeper::start();
    let (events, theirs) = UnixStream::pair().unwrap();
    let (egress, their_egress) = UnixStream::pair().unwrap();
    let noted = Rc::new(Noted::default());
    let child = Child::new(sleeper.0.id(), pidfd, Vec::new());
    let gate: Rc<dyn Egress> = Rc::<Noted>::clone(&noted);
    let started = Link::start((child, Links { events, egress }), &[(0, agent())], vec![gate]).await;
    let (link, serving) = started.unwrap();
    spawn(serving);
    (link, theirs, their_egress, noted, sleeper)
}

fn request(url: &str) -> Request {
    let mut headers = http::HeaderMap::new();
    headers.insert("x-a", http::HeaderValue::from_static("1"));
    Request {
        method: http::Method::POST,
        url: url.parse().unwrap(),
        headers,
        body: Body::Full("some body".into()),
        cf: None,
    }
}

/// Begins an event, as a client's request does. What becomes of it is told by the task's end.
fn begin(link: &Rc<Link>) -> deno_core::unsync::JoinHandle<()> {
    let link = Rc::clone(link);
    spawn(async move {
        let Some(under_way) = link.child.begin() else { return };
        let agent = agent();
        let dispatching = link.dispatch(
            (0, &agent),
            request("http://in.test/"),
            Rc::<Trace>::default(),
            under_way,
        );
        if let Ok(response) = dispatching.await {
            let _ = response.body.collect().await;
        }
    })
}

/// What a good process writes into both of its sockets, for one event that makes one request.
async fn good() -> [Vec<u8>; 2] {
    let (link, events, egress, noted, _sleeper) = parent().await;
    let (events, said) = recorded(events);
    let (egress, asked) = recorded(egress);
    let (sender, connection) = client(egress, 1 << 16, None).await.unwrap();
    spawn(connection);
    let service = hyper::service::service_fn(move |_| {
        let mut sender = sender.clone();
        async move {
            let envelope = Envelope {
                to: 0,
                event: 1,
                request_id: None,
                cf: None,
            };
            let asked = ask(&envelope, request("http://out.test/x")).unwrap();
            sender.send_request(asked).await.unwrap();
            let known = Answer {
                cpu: Duration::ZERO,
                over: true,
            };
            let response = Response::text(http::StatusCode::OK, "an answer");
            Ok::<http::Response<Sent>, std::convert::Infallible>(answer(Ok(response), Some(known), None))
        }
    });
    spawn(server(events, 1 << 16, service));
    tokio::time::timeout(LIMIT, begin(&link)).await.unwrap().unwrap();
    let noted = noted.0.borrow();
    assert_eq!(noted.len(), 1, "a good process is served");
    assert_eq!(noted[0].url.as_str(), "http://out.test/x");
    [said.take(), asked.take()]
}

/// A socket that is passed through, with what goes towards the parent kept.
fn recorded(parent: UnixStream) -> (UnixStream, Rc<RefCell<Vec<u8>>>) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let kept = Rc::<RefCell<Vec<u8>>>::default();
    let (mut from_parent, mut to_parent) = parent.into_split();
    let (mut from_process, mut to_process) = ours.into_split();
    let noted = Rc::clone(&kept);
    spawn(async move {
        let mut bytes = [0; 4096];
        while let Ok(read @ 1..) = from_process.read(&mut bytes).await {
            noted.borrow_mut().extend_from_slice(&bytes[..read]);
            if to_parent.write_all(&bytes[..read]).await.is_err() {
                return;
            }
        }
    });
    spawn(async move {
        let _ = tokio::io::copy(&mut from_parent, &mut to_process).await;
    });
    (theirs, kept)
}

/// Writes bytes into both sockets and closes them, while an event is under way. Gives the URLs that came to the way out.
async fn feed(said: [Vec<u8>; 2]) -> Vec<String> {
    let (link, events, egress, noted, mut sleeper) = parent().await;
    let event = begin(&link);
    tokio::task::yield_now().await;
    for (mut socket, bytes) in [(events, &said[0]), (egress, &said[1])] {
        let (mut read, mut write) = socket.split();
        let mut nothing = Vec::new();
        let writing = async {
            // The parent may have broken it off.
            let _ = write.write_all(bytes).await;
            tokio::time::sleep(Duration::from_millis(2)).await;
            let _ = write.shutdown().await;
        };
        let reading = tokio::time::timeout(Duration::from_millis(20), read.read_to_end(&mut nothing));
        let _ = tokio::join!(writing, reading);
    }
    tokio::time::timeout(LIMIT, event)
        .await
        .expect("an event ends")
        .unwrap();
    while !link.over.get() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(!link.child.is_open() || sleeper.0.try_wait().unwrap().is_none());
    let killed = !link.child.is_open();
    assert!(!killed || sleeper.is_killed(), "what is broken is ended");
    noted.0.borrow().iter().map(|request| request.url.to_string()).collect()
}

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async { tokio::time::timeout(LIMIT * 2, work).await.expect("nothing hangs") })
}

/// One change to what is said.
#[derive(Debug, Clone)]
enum Change {
    Set(usize, u8),
    Cut(usize),
    Insert(usize, Vec<u8>),
    Double(usize, usize),
}

impl Change {
    fn make(&self, bytes: &mut Vec<u8>) {
        let length = bytes.len();
        if length == 0 {
            return;
        }
        match self {
            Self::Set(at, byte) => bytes[at % length] = *byte,
            Self::Cut(at) => bytes.truncate(at % length),
            Self::Insert(at, more) => {
                let at = at % length;
                bytes.splice(at..at, more.iter().copied());
            }
            Self::Double(at, size) => {
                let at = at % length;
                let piece = bytes[at..length.min(at + size % 200)].to_vec();
                bytes.splice(at..at, piece);
            }
        }
    }
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        4 => (any::<usize>(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        1 => any::<usize>().prop_map(Change::Cut),
        1 => (any::<usize>(), prop::collection::vec(any::<u8>(), 1..40)).prop_map(|(at, more)| Change::Insert(at, more)),
        1 => (any::<usize>(), any::<usize>()).prop_map(|(at, size)| Change::Double(at, size)),
    ]
}

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(150)
}

#[test]
fn mutated_conversations_end_and_ask_for_nothing_else_than_urls() {
    let good = run(good());
    assert!(run(feed(good.clone())).len() <= 1);
    let mut runner = TestRunner::new(Config {
        cases: cases(),
        ..Config::default()
    });
    let changes = prop::collection::vec((any::<bool>(), change()), 1..6);
    let outcome = runner.run(&changes, |changes| {
        let mut said = good.clone();
        for (which, change) in changes {
            change.make(&mut said[usize::from(which)]);
        }
        for url in run(feed(said)) {
            prop_assert!(url.starts_with("http://") || url.starts_with("https://"), "{url}");
        }
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn what_is_no_conversation_is_broken_off() {
    let mut runner = TestRunner::new(Config {
        cases: cases() / 3,
        ..Config::default()
    });
    let bytes = || prop::collection::vec(any::<u8>(), 0..3000);
    let outcome = runner.run(&(bytes(), bytes(), any::<bool>()), |(events, mut egress, preface)| {
        if preface {
            egress.splice(
                0..0,
                b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".iter().copied(),
            );
        }
        prop_assert!(run(feed([events, egress])).is_empty());
        Ok(())
    });
    outcome.unwrap();
}

/// Messages that HTTP/2 carries, and that no process of ours sends.
#[test]
fn messages_that_no_process_sends_end_it() {
    let with = |change: &dyn Fn(&mut http::HeaderMap)| {
        let envelope = Envelope {
            to: 0,
            event: 1,
            request_id: None,
            cf: None,
        };
        let mut asked = ask(&envelope, request("http://out.test/x")).unwrap();
        change(asked.headers_mut());
        asked
    };
    let set = |name: &'static str, value: &'static str| {
        with(&|headers| {
            headers.insert(name, http::HeaderValue::from_static(value));
        })
    };
    let broken = [
        set("wl-url", "file:///etc/passwd"),
        set("wl-url", "http://user:secret@out.test/"),
        set("wl-url", "out.test"),
        set("wl-method", "CONNECT"),
        set("wl-method", "TRACE"),
        set("wl-method", "A B"),
        set("wl-event", "-1"),
        set("wl-event", "one"),
        set("wl-length", "much"),
        set("wl-unknown", "1"),
        with(&|headers| {
            headers.remove("wl-event");
        }),
    ];
    for asked in broken {
        let what = format!("{:?}", asked.headers());
        let (killed, noted) = run(told(asked));
        assert!(killed && noted == 0, "{what}: {noted}");
    }
    // What names no event of this link is refused, and so is more than an event may ask for.
    for event in ["0", "2", "4294967295"] {
        assert_eq!(run(told(set("wl-event", event))), (false, 0), "{event}");
    }
    assert_eq!(run(told(set("wl-to", "77"))), (false, 1), "whose it is says its event");
}

/// Sends one request as a process does that has one event. Gives whether that was killed, and how many requests came to the way out.
async fn told(asked: http::Request<Sent>) -> (bool, usize) {
    let (link, _events, egress, noted, mut sleeper) = parent().await;
    let event = begin(&link);
    tokio::time::sleep(Duration::from_millis(5)).await;
    let (mut sender, connection) = client(egress, 1 << 16, None).await.unwrap();
    spawn(connection);
    let _ = tokio::time::timeout(Duration::from_secs(5), sender.send_request(asked)).await;
    let killed = !link.child.is_open();
    assert!(!killed || sleeper.is_killed());
    event.abort();
    let noted = noted.0.borrow().len();
    (killed, noted)
}

/// One that asks and asks in nobody's name is not answered for ever.
#[test]
fn a_process_that_asks_for_nothing_is_ended() {
    run(async {
        let (link, _events, egress, noted, mut sleeper) = parent().await;
        let (mut sender, connection) = client(egress, 1 << 16, None).await.unwrap();
        spawn(connection);
        for asked in 0..5000 {
            let envelope = Envelope {
                to: 0,
                event: asked,
                request_id: None,
                cf: None,
            };
            let stray = ask(&envelope, request("http://out.test/x")).unwrap();
            if sender.send_request(stray).await.is_err() || !link.child.is_open() {
                break;
            }
        }
        assert!(!link.child.is_open() && sleeper.is_killed());
        assert!(noted.0.borrow().is_empty());
    });
}
