//! Two processes: one that keeps the listening sockets and does nothing else, and one that runs workers. Where V8 ends the
//! second, for want of memory or by a fault of its own, the first starts another in its place: connections wait meanwhile,
//! and none is refused. The first reads no configuration and holds no key.

mod channel;
mod crash_history;
mod notify;
mod process;
mod worker;

use std::fs::File;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use miette::{IntoDiagnostic as _, Report, Result, WrapErr as _};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::Signal;
use tokio::signal::unix::{Signal as Signals, SignalKind, signal};
use tokio::task::{AbortHandle, JoinSet};

use crate::diagnostic::SourceDiagnostic;
use crate::isolate::crash_marker;
use crate::limits::Culprit;
use crate::listen::{Socket, given};
use channel::{Channel, Message};
pub(crate) use crash_history::Past;
use process::Process;
pub(crate) use worker::{Parent, Supervised};

/// The flag that tells a worker process what it is.
pub(crate) const FLAG: &str = "supervised";

/// How long to wait after a worker process that ended early, at first and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(500));

/// A worker process that ran for less ended early.
const EARLY: Duration = Duration::from_secs(1);

/// How long a worker process may finish what it has, once another has taken its place.
const RETIREMENT: Duration = Duration::from_secs(30);

/// How many may do so at once: what hangs in them keeps its memory.
const RETIRED: usize = 2;

/// How watching over a worker process ended.
enum Watched {
    /// It is gone.
    Ended(ExitStatus),
    /// It asks for another in its place, and goes on until that serves.
    Retires(Leaving),
}

/// A worker process that is to end.
struct Leaving {
    process: Process,
    /// It ends where this is closed.
    channel: Channel,
}

/// Runs worker processes, one after the other, until one ends as it was told to. Gives its exit code.
pub(crate) fn supervise() -> Result<u8> {
    // Before anything else is opened.
    let sockets = given()?;
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .into_diagnostic()?
        .block_on(async { Supervisor::new(sockets).into_diagnostic()?.run().await })
}

struct Supervisor {
    /// Which workers a worker process runs.
    record: File,
    /// What those before it ended of.
    history: File,
    /// The clients' listeners and the owner's: those that were given, and all once a worker process has said that it serves.
    sockets: Vec<Socket>,
    served: bool,
    /// How often systemd wants to hear that the service works.
    alive: Option<Duration>,
    /// What is passed on to the worker process.
    interrupt: Signals,
    terminate: Signals,
    hangup: Signals,
    stopping: bool,
    /// Those that serve until another does.
    leaving: Vec<Leaving>,
    /// Those that others have taken the place of, and how to end them, the oldest first.
    retired: JoinSet<()>,
    ends: Vec<AbortHandle>,
}

impl Supervisor {
    fn new(sockets: Vec<Socket>) -> std::io::Result<Self> {
        Ok(Self {
            record: memfd_create("workerd-lite-running", MemfdFlags::CLOEXEC)?.into(),
            history: memfd_create("workerd-lite-history", MemfdFlags::CLOEXEC)?.into(),
            sockets,
            served: false,
            alive: notify::alive_every(),
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
            stopping: false,
            leaving: Vec::new(),
            retired: JoinSet::new(),
            ends: Vec::new(),
        })
    }

    async fn run(mut self) -> Result<u8> {
        let mut pause = PAUSE.0;
        loop {
            let began = Instant::now();
            let watched = self
                .watch()
                .await
                .into_diagnostic()
                .wrap_err("the worker process can not be run")?;
            let status = match watched {
                Watched::Ended(status) => status,
                Watched::Retires(leaving) => {
                    let blamed = self.blamed();
                    let (agent, tenant) = blamed.as_ref().map(Culprit::whose).unwrap_or_default();
                    tracing::error!(
                        running = self.running(),
                        agent,
                        tenant,
                        "a thread of the worker process hangs; another process takes its place"
                    );
                    self.leaving.push(leaving);
                    continue;
                }
            };
            if self.stopping || status.success() {
                while self.retired.join_next().await.is_some() {}
            }
            match status.code() {
                Some(0) => return Ok(0),
                // It has said why.
                Some(code) if self.stopping || !self.served => return Ok(u8::try_from(code).unwrap_or(1)),
                None if self.stopping || !self.served => return Err(self.died(status)),
                _ => {}
            }
            let blamed = self.blamed();
            let (agent, tenant) = blamed.as_ref().map(Culprit::whose).unwrap_or_default();
            notify::replacing();
            tracing::error!(
                running = self.running(),
                agent,
                tenant,
                "the worker process was ended ({status}), with the requests that it had; another takes its place"
            );
            self.wait_after(began, &mut pause).await;
        }
    }

    /// Waits a little where the last process ended early.
    async fn wait_after(&self, began: Instant, pause: &mut Duration) {
        if began.elapsed() > EARLY {
            *pause = PAUSE.0;
        } else {
            tokio::time::sleep(*pause).await;
            *pause = PAUSE.1.min(*pause * 2);
        }
    }

    /// Whom the process says that it ends of.
    fn blamed(&self) -> Option<Culprit> {
        crash_marker::read(&self.record).ok()?.blamed
    }

    /// The workers that the process ran last, one for each of its threads.
    fn running(&self) -> String {
        let last = crash_marker::read(&self.record).unwrap_or_default();
        let listed = |workers: &[Culprit]| {
            let names: Vec<_> = workers.iter().map(ToString::to_string).collect();
            names.join(", ")
        };
        last.blamed
            .map_or_else(|| listed(&last.ran), |blamed| blamed.to_string())
    }

    fn died(&self, status: ExitStatus) -> Report {
        let why = format!("the worker process was ended ({status}) before it served anything");
        let running = self.running();
        let help = if running.is_empty() {
            "What was written above tells more".to_owned()
        } else {
            format!("It ran {running}. A script that wants too much memory while it starts does that")
        };
        SourceDiagnostic::new(why).with_help(help).into()
    }

    /// Runs one worker process to its end, or until it asks for another.
    async fn watch(&mut self) -> std::io::Result<Watched> {
        let (channel, theirs) = Channel::pair()?;
        let process = Process::start(theirs)?;
        let begin = Message::Begin {
            running: self.record.try_clone()?.into(),
            history: self.history.try_clone()?.into(),
            served: self.served,
            sockets: self.sockets.iter().map(Socket::try_clone).collect::<Result<_, _>>()?,
            alive: self.alive,
        };
        // Where it is gone already, its exit code is the better report.
        let _ = channel.send(&begin);
        drop(begin);
        let listen = |channel: Channel| {
            tokio::task::spawn_blocking(move || {
                let said = channel.receive();
                (said, channel)
            })
        };
        let mut listening = listen(channel);
        let (mut serves, mut open) = (false, None);
        let mut beat = tokio::time::interval(self.alive.unwrap_or(Duration::from_hours(1)));
        loop {
            let passed = tokio::select! {
                biased;
                told = &mut listening, if open.is_none() => {
                    let (said, channel) = told?;
                    match said {
                        Ok(Message::Replace) if serves => return Ok(Watched::Retires(Leaving { process, channel })),
                        Ok(Message::Ready { sockets, agents }) => {
                            (serves, self.served) = (true, true);
                            self.retire(Signal::TERM);
                            if !self.stopping {
                                self.sockets = sockets;
                                notify::ready(agents);
                            }
                        }
                        Ok(Message::Reloaded { agents }) if !self.stopping => notify::ready(agents),
                        Ok(Message::Alive) => notify::alive(),
                        Ok(_) => {}
                        // It is about to end. It does too where this is closed.
                        Err(_) => {
                            open = Some(channel);
                            continue;
                        }
                    }
                    listening = listen(channel);
                    continue;
                }
                status = process.ended() => return status.map(Watched::Ended),
                // One that starts has other guards.
                _ = beat.tick(), if self.alive.is_some() && !serves => {
                    notify::alive();
                    continue;
                }
                _ = self.interrupt.recv() => Signal::INT,
                _ = self.terminate.recv() => Signal::TERM,
                _ = self.hangup.recv() => Signal::HUP,
            };
            if passed == Signal::HUP {
                notify::reloading();
            } else {
                notify::stopping();
                self.stopping = true;
                // The worker process accepts what has come by now, and nobody else will.
                self.sockets.clear();
                self.retire(passed);
            }
            process.pass(passed);
        }
    }

    /// Lets those that are to end finish what they can.
    fn retire(&mut self, signal: Signal) {
        for Leaving { process, channel } in self.leaving.drain(..) {
            process.pass(signal);
            self.ends.push(self.retired.spawn(async move {
                // Where it has not ended then it is killed.
                let _ = tokio::time::timeout(RETIREMENT, process.ended()).await;
                drop((process, channel));
            }));
        }
        self.ends.retain(|end| !end.is_finished());
        let over = self.ends.len().saturating_sub(RETIRED);
        self.ends.drain(..over).for_each(|end| end.abort());
    }
}
