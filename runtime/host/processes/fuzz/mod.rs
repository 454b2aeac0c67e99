//! The parent's end is fed what a process says that is in an attacker's hands: conversations of a good one with bytes changed, cut, doubled
//! and made up, and messages that are whole and say what none of ours says.

mod held;
mod hostile;
mod methods;
mod policy;
mod talk;

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
use workerd_lite_ops::egress::Egress;
use workerd_lite_ops::rpc::Capability;
use workerd_lite_ops::trace::Trace;
use workerd_lite_ops::websocket::is_handshake;
use workerd_lite_ops::{Body, FetchError, Origin, Request, Response};

use super::link::Link;
use super::serving::serve;
use crate::boundary::{
    Asked, Bridge, Call, Came, Child, Connection, Envelope, Failure, Handler, LinkError, Sender, ask,
};
use crate::host::agent::Agent;
use crate::isolate::Worker;
use crate::isolate::modules::Graph;

/// How long one conversation may take.
const LIMIT: Duration = Duration::from_secs(20);

/// A way out that notes what comes to it, and what is told of events.
#[derive(Default)]
struct Noted(RefCell<Vec<Request>>, RefCell<Vec<serde_json::Value>>);

impl Egress for Noted {
    fn fetch(
        &self,
        _: &Origin,
        _: Option<u32>,
        request: Request,
    ) -> LocalBoxFuture<'static, Result<Response, FetchError>> {
        let response = if is_handshake(&request) {
            talk::switched()
        } else {
            Response::text(http::StatusCode::OK, "fine")
        };
        self.0.borrow_mut().push(request);
        Box::pin(std::future::ready(Ok(response)))
    }

    fn tell(&self, _: &Origin, item: &serde_json::Value) {
        self.1.borrow_mut().push(item.clone());
    }

    fn service(&self, _: &Origin, service: u32) -> Result<Capability, FetchError> {
        Ok(Rc::new(methods::Gives(service)))
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

/// Bytes of headers that a message may have.
const HEADERS: usize = 128 << 10;

fn agent() -> std::sync::Arc<Agent> {
    let worker = Worker::of("a".into(), workerd_lite_ops::Role::Agent, Graph::unread().unwrap());
    std::sync::Arc::new(Agent::from(worker))
}

/// The parent's end, the process's end of its socket, and what stands for the process.
fn parent() -> (Rc<Link>, UnixStream, Rc<Noted>, Sleeper) {
    let (sleeper, pidfd) = Sleeper::start();
    let (ours, theirs) = UnixStream::pair().unwrap();
    let noted = Rc::new(Noted::default());
    let child = Child::of("a process", sleeper.0.id(), pidfd, Vec::new());
    let gate: Rc<dyn Egress> = Rc::<Noted>::clone(&noted);
    let link = Link::new(child, &[(0, agent())], vec![(gate, None)], HEADERS);
    spawn(serve(Rc::clone(&link), ours.into_std().unwrap()));
    (link, theirs, noted, sleeper)
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
            (Rc::<Trace>::default(), None),
            under_way,
        );
        if let Ok(response) = dispatching.await {
            let _ = response.body.collect().await;
        }
    })
}

/// A good process: each of its events makes one request, and then answers.
struct Good(Connection, Rc<RefCell<Option<Rc<Bridge>>>>);

impl Handler for Good {
    fn called(&self, head: &[u8], call: Call) -> Result<(), LinkError> {
        let bridge = self.1.borrow().clone();
        if let (Some(_), Some(bridge)) = (Came::of(head), bridge) {
            return bridge.came_over(head, call);
        }
        let number = call.number();
        let known = Rc::clone(&self.1);
        let (made, answering) = Asked::read((head, Sender::Parent), call, 1 << 16)?.request();
        let link = self.0.clone();
        spawn(async move {
            let envelope = Envelope {
                event: number,
                ..Envelope::default()
            };
            drop(made());
            let asking = ask(&link, link.next(), envelope, request("http://out.test/x")).unwrap();
            let answered = asking.answered(1 << 16).await.unwrap();
            assert_eq!(answered.response.body.collect().await.unwrap(), "fine");
            methods::call(&link, number, &known).await;
            let response = Response::text(http::StatusCode::OK, "an answer");
            answering.answer(Ok::<_, Failure>(response), Duration::ZERO).await;
            link.over(number, Duration::ZERO);
        });
        Ok(())
    }

    fn noted(&self, _: u32, what: u8, number: u32) -> Result<(), LinkError> {
        let bridge = self.1.borrow().clone();
        assert!(bridge.is_some_and(|bridge| bridge.noted(what, number)));
        Ok(())
    }

    fn over(&self, _: u32, _: Duration) -> Result<(), LinkError> {
        unreachable!("the parent has no events")
    }
}

/// What a good process writes, for one event that makes one request.
async fn good() -> Vec<u8> {
    let (link, theirs, noted, _sleeper) = parent();
    let (socket, said) = recorded(theirs);
    let process = Connection::of_process(1 << 16);
    let runs = process.clone();
    let socket = socket.into_std().unwrap();
    spawn(async move { runs.run(socket, Good(process, Rc::default())).await });
    tokio::time::timeout(LIMIT, begin(&link)).await.unwrap().unwrap();
    {
        let noted = noted.0.borrow();
        assert_eq!(noted.len(), 1, "a good process is served");
        assert_eq!(noted[0].url.as_str(), "http://out.test/x");
    }
    while link.events.is_busy() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    said.take()
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

/// Writes bytes and closes the socket, while an event is under way. Gives the URLs that came to the way out.
async fn feed(said: &[u8]) -> Vec<String> {
    let (link, mut socket, noted, mut sleeper) = parent();
    let event = begin(&link);
    tokio::task::yield_now().await;
    {
        let (mut read, mut write) = socket.split();
        let mut nothing = Vec::new();
        let writing = async {
            // The parent may have broken it off.
            let _ = write.write_all(said).await;
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
    assert!(run(feed(&good)).len() <= 1);
    let mut runner = TestRunner::new(Config {
        cases: cases(),
        ..Config::default()
    });
    let outcome = runner.run(&prop::collection::vec(change(), 1..6), |changes| {
        let mut said = good.clone();
        for change in changes {
            change.make(&mut said);
        }
        for url in run(feed(&said)) {
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
    let outcome = runner.run(&prop::collection::vec(any::<u8>(), 0..3000), |bytes| {
        prop_assert!(run(feed(&bytes)).is_empty());
        Ok(())
    });
    outcome.unwrap();
}
