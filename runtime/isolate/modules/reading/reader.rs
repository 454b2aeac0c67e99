//! The process that reads modules, from its beginning to its end. What it may take of time and memory the system knows, which ends it.

use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use workerd_lite_ops::thread_cpu;

use super::super::graph::Graph;
use super::super::on_deep_stack;
use super::carried::CarriedGiven;
use super::wire::{self, Answer, LONGEST_QUESTION, Question};
use crate::diagnostic::SourceDiagnostic;
use crate::files_read;
use crate::isolate::StartupError;

/// The argument by which the program knows what it is to be. No other has it at this place.
pub(crate) const ARGUMENT: &str = "--reads-modules";

/// What it may have of memory beside what the program has at its start, in bytes: the stack, which is only reserved, and what is read.
const MEMORY: u64 = (512 + 1536) << 20;

/// Is that process until nobody has a question. Call it first of all.
pub(crate) fn run() -> ExitCode {
    if confine().is_err() {
        return ExitCode::FAILURE;
    }
    let (questions, answers) = (io::stdin().lock(), io::stdout().lock());
    match serve(questions, answers) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn confine() -> io::Result<()> {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none)?;
    // It starts no process, and has the pipes open that it has, files of modules, and the cache's.
    let has = has_now()?;
    lower(Resource::As, has + MEMORY)
}

/// Lowers a limit, where it is not lower.
fn lower(what: Resource, to: u64) -> io::Result<()> {
    let limit = getrlimit(what);
    let to = limit.maximum.map_or(to, |most| most.min(to));
    let lowered = Rlimit {
        current: Some(to),
        maximum: limit.maximum,
    };
    Ok(setrlimit(what, lowered)?)
}

/// The memory that it has reserved, in bytes; nothing where the system does not say.
fn has_now() -> io::Result<u64> {
    let Ok(statm) = std::fs::read_to_string("/proc/self/statm") else {
        return Ok(8 << 30);
    };
    let pages = statm.split(' ').next().and_then(|pages| pages.parse::<u64>().ok());
    let pages = pages.ok_or_else(|| io::Error::other("statm has no number"))?;
    Ok(pages * rustix::param::page_size() as u64)
}

fn serve(mut questions: impl io::Read, mut answers: impl io::Write) -> io::Result<()> {
    while let Some(question) = wire::read::<Question>(&mut questions, LONGEST_QUESTION)? {
        let used = process_cpu().as_secs() + 1;
        lower(Resource::Cpu, used + question.seconds())?;
        wire::write(&mut answers, &answer(question))?;
    }
    Ok(())
}

fn process_cpu() -> Duration {
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(spent).unwrap_or_default()
}

fn answer(question: Question) -> Answer {
    let (read, noted) = files_read::recorded(|| {
        on_deep_stack(|| {
            let before = thread_cpu().unwrap_or_default();
            let read = read(question);
            // The text that it makes of them is a part of it.
            let carried = read.as_ref().map(Into::into).map_err(SourceDiagnostic::ship);
            (carried, thread_cpu().unwrap_or_default().saturating_sub(before))
        })
    });
    let (read, took) = read.unwrap_or_else(|error| {
        let failed = StartupError::new(format!("modules can not be read: {error}"));
        (Err(failed.ship()), Duration::ZERO)
    });
    Answer {
        read,
        took,
        noted: noted.iter().map(|file| (&**file as &Path).into()).collect(),
    }
}

fn read(question: Question) -> Result<Graph, StartupError> {
    match question {
        Question::Load { main, confinement } => Graph::load_here(&main.into_path(), &confinement.open()),
        Question::Given { modules, main, node } => {
            let modules: Result<_, _> = modules.into_iter().map(CarriedGiven::open).collect();
            let modules = modules.map_err(|error| StartupError::new(format!("modules can not be read: {error}")))?;
            Graph::given(modules, &main, node)
        }
    }
}
