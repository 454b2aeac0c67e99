//! A process of agents, or of a policy: it can do nothing but compute and talk over its links. Its isolates are those that a server has, and
//! their way out is the link that an event came by.

mod begun;
mod callers;
mod check;
mod event;
mod requests;
mod serves;
mod thread;
mod way;

use std::collections::HashMap;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::UnixStream;
use tokio::sync::mpsc;

use super::agent::Agent;
use super::builder::ProjectBuilder;
use super::isolates::IsolateLimits;
use super::project::Project;
use super::tail::TailWorker;
use crate::boundary::{self, Control, End, Numbers, Reports, Told, report_to};
use crate::isolate::init_platform;
use crate::limits::{Hang, hangs, in_a_process, seed};

/// How often numbers are told that have changed.
const NUMBERS: Duration = Duration::from_secs(1);

/// Is a process of agents, or of a policy, until its parent, or its links' other ends, have no more use for it. Call it first of all.
pub(crate) fn run() -> std::process::ExitCode {
    let prepared = boundary::enter(|| {
        in_a_process();
        // It takes as long as all else of the start: both at once.
        let _ = std::thread::Builder::new().name("seed".into()).spawn(seed);
        init_platform();
    });
    let Ok(control) = prepared else {
        return std::process::ExitCode::FAILURE;
    };
    let Control {
        mut spec,
        socket,
        links,
    } = control;
    let names = spec
        .agents
        .iter()
        .zip(0..)
        .map(|(agent, place)| (agent.name().to_owned(), place));
    let told_of = (spec.is_policys(), spec.debug);
    let (reports, told) = report_to(names.collect::<HashMap<_, _>>(), told_of);
    let threads = spec.threads.max(1);
    let checks = spec.checks.take();
    if checks.is_none() {
        boundary::tell_start(&socket, &Ok(()));
    }
    let project = match project(spec) {
        Ok(project) => project,
        Err(why) => {
            tracing::error!("its agents can not be run: {why}");
            return std::process::ExitCode::FAILURE;
        }
    };
    if let Some(checks) = checks {
        let checked = check::starts(&project, checks);
        boundary::tell_start(&socket, &checked);
        if checked.is_err() {
            return std::process::ExitCode::FAILURE;
        }
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!("it can not be run: {error}");
            return std::process::ExitCode::FAILURE;
        }
    };
    runtime.block_on(async {
        tokio::select! {
            () = attend(socket, (&reports, told), &project) => {}
            () = assign(links, (&project, &reports), threads) => {}
        }
    });
    // What isolates still do has nobody to hear of it.
    std::process::exit(0)
}

fn project(spec: boundary::Spec) -> Result<Project, String> {
    let isolates = IsolateLimits {
        idle: spec.idle,
        memory: usize::MAX,
        eager: false,
    };
    let mut builder = ProjectBuilder::of_a_process(spec.headers).isolates(isolates);
    for each in spec.agents {
        let (tenant, is_called) = (each.tenant.clone(), each.called);
        // Who is told knows the parent.
        let tails = each.tailed.then_some(TailWorker::Policy(None)).into_iter().collect();
        builder = builder.agent(Agent {
            tenant,
            tails,
            is_called,
            ..Agent::from(each.open()?)
        });
    }
    Ok(builder.build())
}

/// Gives each link to a thread when the first byte comes over it. Threads are started as they are needed.
async fn assign(links: Vec<End>, (project, reports): (&Project, &Reports), threads: usize) {
    let mut serving: Vec<mpsc::UnboundedSender<End>> = Vec::new();
    let mut waiting = futures_util::stream::FuturesUnordered::new();
    for end in links {
        waiting.push(first(end));
    }
    let mut next = 0;
    while let Some(end) = waiting.next().await {
        let Some(end) = end else { continue };
        if serving.len() < threads {
            let (sender, receiver) = mpsc::unbounded_channel();
            let (project, reports) = (project.clone(), reports.clone());
            let thread = std::thread::Builder::new().name(format!("agents-{}", serving.len()));
            match thread.spawn(move || thread::run(&project, &reports, receiver)) {
                Ok(_) => serving.push(sender),
                Err(error) => tracing::error!("a thread could not be started: {error}"),
            }
        }
        if let Some(thread) = serving.get(next % serving.len().max(1)) {
            let _ = thread.send(end);
        }
        next += 1;
    }
    // The threads serve what they have.
    std::future::pending::<()>().await;
}

/// Waits for the first byte of a link. Nothing where it ends before.
async fn first(end: End) -> Option<End> {
    let watched = UnixStream::from_std(end).ok()?;
    watched.readable().await.ok()?;
    watched.into_std().ok()
}

/// Tells what there is to tell, until the parent has no more use for the process.
async fn attend(socket: StdUnixStream, (reports, mut told): (&Reports, mpsc::Receiver<Told>), project: &Project) {
    let Ok(socket) = socket.set_nonblocking(true).and_then(|()| UnixStream::from_std(socket)) else {
        return;
    };
    let (mut read, write) = socket.into_split();
    let mut write = tokio_util::codec::FramedWrite::new(write, boundary::report_packets());
    let mut hung = hangs();
    let mut ticks = tokio::time::interval(NUMBERS);
    let mut known = vec![Numbers::default(); project.agents.len()];
    let mut nothing = [0; 1];
    let telling = async {
        loop {
            let report = tokio::select! {
                report = told.recv() => report,
                Ok(hang) = hung.recv() => lost(&hang, project),
                _ = ticks.tick() => {
                    numbers(reports, project, &mut known);
                    let dropped = reports.take_dropped();
                    (dropped > 0).then_some(Told::Dropped(dropped))
                }
            };
            let Some(report) = report else { continue };
            let Ok(packet) = serde_json::to_vec(&report) else {
                continue;
            };
            if write.send(Bytes::from(packet)).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = telling => {}
        // It says no more: this is the end.
        _ = tokio::io::AsyncReadExt::read(&mut read, &mut nothing) => {}
    }
}

/// What is told of a thread that does not come back.
fn lost(hang: &Hang, project: &Project) -> Option<Told> {
    let (Hang::Lost(_, worker) | Hang::TooMuch(worker)) = hang else {
        return None;
    };
    let place = worker.agent().and_then(|agent| project.places.get(agent));
    Some(Told::Hung {
        agent: place.and_then(|place| u16::try_from(*place).ok()),
        why: workerd_lite_ops::Termination::Cpu.word().to_owned(),
    })
}

fn numbers(reports: &Reports, project: &Project, known: &mut [Numbers]) {
    for ((agent, known), place) in project.agents.iter().zip(known).zip(0..) {
        let Some(account) = &agent.worker.account else { continue };
        let statistics = account.statistics();
        let now = Numbers {
            isolates: statistics.isolates.load(Ordering::Relaxed),
            heap: statistics.heap.load(Ordering::Relaxed),
            buffers: statistics.buffers.load(Ordering::Relaxed),
            events: statistics.events.load(Ordering::Relaxed),
            stopped: statistics.replaced[0].get(),
        };
        if now != *known {
            *known = now;
            reports.tell(Told::Numbers(place, now));
        }
    }
}
