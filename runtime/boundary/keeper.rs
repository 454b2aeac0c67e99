//! The thread that keeps agents' processes: it starts them, hears what they tell, looks at their memory, puts them away, and knows of their
//! ends. One more is ready for whoever comes next.

use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::unix::AsyncFd;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::codec::{FramedRead, FramedWrite, LengthDelimitedCodec};
use workerd_lite_ops::worker_log::Lines;

use super::child::Child;
use super::control::confinement;
use super::groups::{Cgroup, Groups};
use super::key::Key;
use super::output::Output;
use super::sandbox::process_inside;
use super::settings::Settings;
use super::spare::Spare;
use super::spawn::{ARGUMENT, Spawned, spawn};
use super::spec::Spec;
use super::told::{Hears, Told, reports, specification};
use crate::diagnostic::Shipped;
use crate::limits::resident;

/// How often a process is looked at that has something to do, and another.
const LOOK: Duration = Duration::from_millis(100);
const IDLE_LOOKS: u32 = 10;

/// How long a process has until it is ready, and to end once it was told to, or has closed a link.
const START: Duration = Duration::from_secs(20);
const END: Duration = Duration::from_secs(2);

/// Reports in a second, in bursts of five seconds': what is more is not read, and waits. A long one counts as one for each of so many bytes.
const REPORTS: u32 = 2000;

/// How long what a process has said before its end is read.
const LAST_WORDS: Duration = Duration::from_millis(200);
const SHORT: usize = 4 << 10;

/// What the thread is told.
pub(super) enum Order {
    /// Somebody serves: one process is to be ready for whoever comes first.
    Serve,
    /// From now on each process has a control group below these.
    Group(Groups),
    /// A process is wanted.
    Start(Start),
}

/// A process that is to be started.
pub(super) struct Start {
    pub(super) key: Key,
    pub(super) spec: Spec,
    pub(super) hears: Arc<dyn Hears>,
    pub(super) reply: oneshot::Sender<Result<Arc<Child>, Unstarted>>,
}

/// Why a process does not take events.
pub(super) enum Unstarted {
    /// In a sentence's end.
    Because(String),
    /// The policy that it is for can not be started.
    Policy(Shipped),
}

/// Starts the thread. It ends all processes when nobody can give it orders any longer, and then itself.
pub(super) fn start(settings: Settings, mut orders: mpsc::UnboundedReceiver<Order>) {
    let keep = move || {
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return tracing::error!("agents' processes can not be kept: {error}"),
        };
        runtime.block_on(async {
            let (stop, stopping) = watch::channel(false);
            let settings = Arc::new(settings);
            let (mut spare, mut groups) = (Spare::default(), None);
            loop {
                let order = tokio::select! {
                    biased;
                    order = orders.recv() => order,
                    () = spare.is_due() => {
                        spare.fill(|| begin(&settings, groups.as_ref()));
                        continue;
                    }
                };
                match order {
                    Some(Order::Serve) => spare.want(),
                    Some(Order::Group(found)) => groups = Some(found),
                    Some(Order::Start(order)) => {
                        let spawned = spare.take().map_or_else(|| begin(&settings, groups.as_ref()), Ok);
                        tokio::spawn(keep_one(Arc::clone(&settings), spawned, order, stopping.clone()));
                    }
                    None => break,
                }
            }
            drop(spare);
            stop.send_replace(true);
            drop(stopping);
            let _ = tokio::time::timeout(END * 2, stop.closed()).await;
        });
    };
    if let Err(error) = std::thread::Builder::new().name("processes".into()).spawn(keep) {
        tracing::error!("agents' processes can not be kept: {error}");
    }
}

/// Tells a process for whom it is, and stays with it until its end.
async fn keep_one(
    settings: Arc<Settings>,
    spawned: io::Result<Spawned>,
    order: Start,
    stopping: watch::Receiver<bool>,
) {
    let Start {
        key,
        spec,
        hears,
        reply,
    } = order;
    let label = key.label();
    let kept = match spawned.and_then(|spawned| Kept::of(spawned, &spec)) {
        Ok(kept) => kept,
        Err(error) => {
            let _ = reply.send(Err(Unstarted::Because(error.to_string())));
            return;
        }
    };
    drop(spec);
    let child = Arc::clone(&kept.child);
    let mut process = kept.process.id();
    tracing::debug!(target: "worker", process, "a process was started for {label}");
    let ended = kept.run(&settings, &*hears, reply, stopping).await;
    let group = child.is_over();
    hears.gone();
    process = child.id;
    match ended {
        Ok((status, true)) => tracing::debug!(target: "worker", process, "the process of {label} has left: {status}"),
        Ok((status, false)) => {
            let how = how(status);
            let how = if child.is_out_of_memory() {
                format!("{how}, for its memory")
            } else {
                how
            };
            tracing::error!(target: "worker", process, "the process of {label} has ended: {how}; the next request starts another");
        }
        Err(error) => {
            tracing::error!(target: "worker", process, "the process of {label} can not be waited for: {error}");
        }
    }
    if let Some(group) = group {
        group.remove().await;
    }
}

/// Why a process that has ended was not to start, where it has said so.
async fn last_words(told: &mut FramedRead<OwnedReadHalf, LengthDelimitedCodec>) -> Option<Unstarted> {
    while let Some(Ok(report)) = told.next().await {
        let (report, _) = reported(&report).ok()?;
        if let Some(why) = unstarted(report) {
            return Some(why);
        }
    }
    None
}

/// Why a process does not start, where it reports that.
fn unstarted(report: Told) -> Option<Unstarted> {
    match report {
        Told::Refused(why) => Some(Unstarted::Because(why)),
        Told::Failed(why) => Some(Unstarted::Policy(why)),
        _ => None,
    }
}

fn how(status: ExitStatus) -> String {
    match status.signal() {
        Some(signal) => match nix::sys::signal::Signal::try_from(signal) {
            Ok(signal) => format!("by {signal}"),
            Err(_) => format!("by signal {signal}"),
        },
        None => status.to_string(),
    }
}

/// A process, and what only its keeper has of it.
struct Kept {
    child: Arc<Child>,
    process: std::process::Child,
    exit: AsyncFd<OwnedFd>,
    control: UnixStream,
    output: Output,
    spec: Bytes,
}

/// Starts a process that is nobody's yet.
fn begin(settings: &Settings, groups: Option<&Groups>) -> io::Result<Spawned> {
    let mut spawned = spawn(ARGUMENT, settings.links)?;
    if let Some(groups) = groups {
        match groups.put(spawned.process.id(), settings.memory, settings.threads) {
            Ok(group) => spawned.group = Some(group),
            Err(error) if settings.cgroup == Cgroup::Require => {
                // It has been told nothing.
                let _ = spawned.process.kill();
                let _ = spawned.process.wait();
                return Err(io::Error::other(format!("it has no control group: {error}")));
            }
            Err(error) => {
                tracing::warn!(target: "worker", process = spawned.process.id(), "a process has no control group: {error}");
            }
        }
    }
    // It is read before the process is confined, and has room in the socket.
    let memory = settings.memory.saturating_add(settings.reserved / 2) >> 20;
    let confinement = confinement(settings.links, memory, &settings.allow_missing);
    (&spawned.control).write_all(&confinement)?;
    Ok(spawned)
}

/// What is readable once the process has ended.
#[expect(unsafe_code, reason = "a descriptor is watched that the runtime does not own")]
fn watched(pidfd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: it is open, and stays so until the watcher is dropped, which owns it.
    unsafe { AsyncFd::register(pidfd) }.map_err(Into::into)
}

impl Kept {
    fn of(spawned: Spawned, spec: &Spec) -> io::Result<Self> {
        let what = if spec.is_policys() {
            "the policy's process"
        } else {
            "an agents' process"
        };
        let spec = serde_json::to_vec(spec)?;
        let Spawned {
            process,
            pidfd,
            control,
            output,
            links,
            group,
        } = spawned;
        let child = Child::of(what, process.id(), pidfd.try_clone()?, links);
        child.is_in(group);
        Ok(Self {
            child,
            process,
            exit: watched(pidfd)?,
            control: UnixStream::from_std(control)?,
            output: Output::of(output)?,
            spec: spec.into(),
        })
    }

    /// Gives how it ended, and whether that was wanted.
    async fn run(
        self,
        settings: &Settings,
        hears: &dyn Hears,
        reply: oneshot::Sender<Result<Arc<Child>, Unstarted>>,
        mut stopping: watch::Receiver<bool>,
    ) -> io::Result<(ExitStatus, bool)> {
        let Self {
            child,
            mut process,
            exit,
            control,
            mut output,
            spec,
        } = self;
        let (read, write) = control.into_split();
        let mut told = FramedRead::new(read, reports());
        let (close, closed) = oneshot::channel();
        let mut close = Some(close);
        tokio::spawn(send(FramedWrite::new(write, specification()), spec, closed));
        let (mut reply, mut wanted) = (Some(reply), false);
        let rate = Lines::new(REPORTS);
        let mut ticks = tokio::time::interval(LOOK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (mut looks, began) = (0_u32, Instant::now());
        let (mut leaves, mut unlinked): (Option<Instant>, Option<Instant>) = (None, None);
        let (mut reads, mut closed_by_it) = (true, false);
        let status = loop {
            tokio::select! {
                ready = exit.readable() => {
                    ready?.clear_ready();
                    if let Some(status) = process.try_wait()? {
                        break status;
                    }
                }
                report = told.next(), if reads => match report.map(|report| report.map(|bytes| reported(&bytes))) {
                    Some(Ok(Ok((Told::Ready, _)))) => {
                        if let Some(reply) = reply.take() {
                            let _ = reply.send(Ok(Arc::clone(&child)));
                        }
                    }
                    Some(Ok(Ok((report @ (Told::Refused(_) | Told::Failed(_)), _)))) if reply.is_some() => {
                        wanted = true;
                        if let (Some(reply), Some(why)) = (reply.take(), unstarted(report)) {
                            let _ = reply.send(Err(why));
                        }
                        child.end();
                    }
                    Some(Ok(Ok((report, counts)))) => {
                        match report {
                            Told::Hung { .. } => child.kill("a thread of it does not come back"),
                            Told::Refused(_) | Told::Failed(_) => child.kill("it tells that it can not start, and has"),
                            _ => {}
                        }
                        let now = Instant::now();
                        if (0..counts).any(|_| rate.take(now).is_none()) {
                            // Meanwhile the socket fills, and it waits, or drops lines.
                            reads = false;
                        }
                        hears.told(report);
                    }
                    Some(Ok(Err(_)) | Err(_)) => {
                        (reads, closed_by_it) = (false, true);
                        child.kill("what it tells is no report");
                    }
                    None => {
                        (reads, closed_by_it) = (false, true);
                        if !wanted {
                            child.kill("it has closed what it tells by");
                        }
                    }
                },
                () = output.next(&child) => {}
                () = child.leaving.notified() => leaves = leaves.or(Some(Instant::now())),
                _ = stopping.wait_for(|stop| *stop), if !wanted => {
                    wanted = true;
                    drop(close.take());
                    leaves = Some(Instant::now());
                }
                _ = ticks.tick() => {
                    reads |= !closed_by_it;
                    looks = looks.wrapping_add(1);
                    if reply.is_some() && began.elapsed() > START {
                        child.kill("it was not ready in time");
                    }
                    if wanted {
                        if leaves.is_some_and(|since| since.elapsed() > END) {
                            child.end();
                        }
                    } else if child.is_busy() || looks.is_multiple_of(IDLE_LOOKS) {
                        if process_inside(child.id).and_then(|process| resident(&process.to_string())).is_some_and(|memory| memory > settings.memory) {
                            child.kill_for_memory();
                        }
                        if reply.is_none() && child.is_put_away(settings.idle) {
                            leaves = Some(Instant::now());
                        }
                    }
                    if child.is_unlinked() && !wanted && unlinked.get_or_insert_with(Instant::now).elapsed() > END {
                        let (process, what) = (child.id, child.what);
                        tracing::error!(target: "worker", process, "{what} is ended: it has closed a link, and does not end");
                        child.end();
                    }
                }
            }
            // What it has been told to leave for may wait for it.
            if leaves.is_some() && !wanted && reply.is_none() && !child.is_busy() {
                wanted = true;
                drop(close.take());
                leaves = Some(Instant::now());
            }
        };
        if let Some(reply) = reply.take() {
            let said = tokio::time::timeout(LAST_WORDS, last_words(&mut told)).await;
            let why = said.ok().flatten();
            wanted |= why.is_some();
            let ended = || Unstarted::Because(format!("it ended {}", how(status)));
            let _ = reply.send(Err(why.unwrap_or_else(ended)));
        }
        Ok((status, wanted))
    }
}

/// A report, and as how many it counts.
fn reported(bytes: &[u8]) -> serde_json::Result<(Told, usize)> {
    Ok((serde_json::from_slice(bytes)?, 1 + bytes.len() / SHORT))
}

/// Tells a process what it is to know, and keeps the socket open for as long as it is to stay.
async fn send(
    mut write: FramedWrite<OwnedWriteHalf, LengthDelimitedCodec>,
    spec: Bytes,
    closed: oneshot::Receiver<std::convert::Infallible>,
) {
    let telling = async {
        // Where it fails, the process has ended, and that is heard of.
        let _ = write.send(spec).await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = telling => {}
        _ = closed => {}
    }
}
