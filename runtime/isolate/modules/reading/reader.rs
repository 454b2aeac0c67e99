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
#[cfg(target_os = "linux")]
use super::seal::seal;
use super::wire::{self, Answer, LONGEST_QUESTION, MOST_MEMORY, Question, STACK};
use crate::diagnostic::SourceDiagnostic;
use crate::files_read;
use crate::isolate::StartupError;

/// The argument by which the program knows what it is to be. No other has it at this place.
pub(crate) const ARGUMENT: &str = "--reads-modules";

/// Is that process until nobody has a question. Call it first of all. `filter` takes from it the system calls that it does not need, where the
/// kernel does that.
pub(crate) fn run(filter: fn() -> io::Result<()>) -> ExitCode {
    if confine().is_err() {
        return ExitCode::FAILURE;
    }
    let _ = filter();
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
    #[cfg(target_os = "linux")]
    drop_privileges()?;
    // It starts no process, and has the pipes open that it has, files of modules, and the cache's.
    let has = has_now()?;
    let most = Some(has + STACK + MOST_MEMORY);
    let limit = getrlimit(Resource::As);
    let most = limit.maximum.map_or(most, |maximum| most.map(|most| most.min(maximum)));
    setrlimit(
        Resource::As,
        Rlimit {
            current: most,
            maximum: most,
        },
    )?;
    Ok(())
}

/// Leaves of what the server may what is needed to read the files that it reads.
#[cfg(target_os = "linux")]
fn drop_privileges() -> io::Result<()> {
    use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities, set_no_new_privs};

    set_no_new_privs(true)?;
    let kept = capabilities(None)?.permitted & (CapabilitySet::DAC_OVERRIDE | CapabilitySet::DAC_READ_SEARCH);
    let sets = CapabilitySets {
        effective: kept,
        permitted: kept,
        inheritable: CapabilitySet::empty(),
    };
    Ok(set_capabilities(None, sets)?)
}

/// Sets a limit, where the most that the system allows is not lower.
fn limit_to(what: Resource, to: u64) -> io::Result<()> {
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
        limit_to(Resource::Cpu, used + question.seconds())?;
        // The question itself is a part of what it has.
        limit_to(Resource::As, has_now()? + question.most_memory())?;
        let answer = answer(question);
        limit_to(Resource::As, u64::MAX)?;
        wire::write(&mut answers, &answer)?;
    }
    Ok(())
}

fn process_cpu() -> Duration {
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::try_from(spent).unwrap_or_default()
}

/// Answers on a thread of its own, which may open nothing that is not for this question.
fn answer(question: Question) -> Answer {
    std::thread::scope(|scope| {
        let begun = std::thread::Builder::new().spawn_scoped(scope, || answer_here(question));
        let answered = begun.and_then(|thread| {
            thread
                .join()
                .map_err(|_| io::Error::other("what reads them has panicked"))
        });
        answered.unwrap_or_else(|error| Answer {
            read: Err(unreadable(&error).ship()),
            took: Duration::ZERO,
            noted: Vec::new(),
        })
    })
}

fn unreadable(error: &io::Error) -> StartupError {
    StartupError::new(format!("modules can not be read: {error}"))
}

fn answer_here(question: Question) -> Answer {
    let (read, noted) = files_read::recorded(|| {
        on_deep_stack(|| {
            let before = thread_cpu().unwrap_or_default();
            let read = read(question);
            // The text that it makes of them is a part of it.
            let carried = read.as_ref().map(Into::into).map_err(SourceDiagnostic::ship);
            (carried, thread_cpu().unwrap_or_default().saturating_sub(before))
        })
    });
    let (read, took) = read.unwrap_or_else(|error| (Err(unreadable(&error).ship()), Duration::ZERO));
    Answer {
        read,
        took,
        noted: noted.iter().map(|file| (&**file as &Path).into()).collect(),
    }
}

fn read(question: Question) -> Result<Graph, StartupError> {
    match question {
        Question::Load { main, confinement } => {
            let confinement = confinement.open();
            if confinement.sealed {
                let _ = seal(Some(&confinement)).map_err(|error| unreadable(&error))?;
            }
            Graph::load_here(&main.into_path(), &confinement)
        }
        Question::Given { modules, main, node } => {
            let _ = seal(None).map_err(|error| unreadable(&error))?;
            let modules: Result<_, _> = modules.into_iter().map(CarriedGiven::open).collect();
            let modules = modules.map_err(|error| StartupError::new(format!("modules can not be read: {error}")))?;
            Graph::given(modules, &main, node)
        }
    }
}

/// Only Linux can.
#[cfg(not(target_os = "linux"))]
fn seal(_: Option<&super::super::module::Confinement>) -> io::Result<bool> {
    Ok(false)
}
