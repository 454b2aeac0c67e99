//! Modules that agents have written are read in a process of its own: parsers recurse over them, take time that may grow faster than the
//! text, and take memory, and none of that can be stopped on a thread. Such a process has no key, no socket and no script that runs. What
//! is too much for it ends it, and nobody else.
//!
//! A process of agents, which is their own and may start no other, reads what they load itself, and is ended where that takes too long. Where nothing is
//! begun, as in programs that embed this, modules are read where it is asked for.

mod carried;
mod patience;
mod pool;
mod process;
mod reader;
mod room;
#[cfg(target_os = "linux")]
mod seal;
mod turns;
mod wanted;
mod wire;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::oneshot;
use workerd_lite_ops::account::AgentId;
use workerd_lite_ops::thread_cpu;

use self::carried::{CarriedConfinement, CarriedGiven};
use self::patience::Patience;
use self::wanted::Waits;
use self::wire::{Answer, Question};
use super::given::GivenModule;
use super::graph::Graph;
use super::module::Confinement;
use super::node_modules::NodeModules;
use super::on_deep_stack;
use crate::diagnostic::Shipped;
use crate::files_read;
use crate::isolate::StartupError;
use crate::limits::Culprit;

pub(crate) use reader::{ARGUMENT, run};

/// Whether processes are used.
static BEGUN: AtomicBool = AtomicBool::new(false);

/// From now on, modules that agents may have written are read in processes.
pub(crate) fn begin() {
    BEGUN.store(true, Ordering::Relaxed);
}

/// No process is kept for the next question until there is one.
pub(crate) fn rest() {
    pool::rest();
}

fn has_begun() -> bool {
    BEGUN.load(Ordering::Relaxed)
}

/// Reads `main` and all that it imports, as [`Graph::load`] does.
pub(crate) fn load(main: &Path, confinement: &Confinement) -> Result<Graph, StartupError> {
    // Only tests put a text in a file's place.
    if !has_begun() || confinement.overlay.is_some() {
        return Graph::load(main, confinement);
    }
    let question = Question::Load {
        main: main.into(),
        confinement: Box::new(CarriedConfinement::of(confinement)),
    };
    let what = main.display().to_string();
    asked(&question, &what).0
}

/// Takes modules that are given by `whom`, as [`Graph::given`] does. Gives the processor time of it too.
pub(crate) fn given(
    modules: Vec<GivenModule>,
    main: &str,
    node: NodeModules,
    whom: Option<Culprit>,
) -> (Result<Graph, StartupError>, Duration) {
    if has_begun() {
        let question = Question::Given {
            modules: modules.into_iter().map(CarriedGiven::from).collect(),
            main: main.to_owned(),
            node,
        };
        return asked(&question, main);
    }
    let allowed = Duration::from_secs(wire::seconds(modules.iter().map(|module| module.bytes.len()).sum()));
    let read = on_deep_stack(|| {
        let _patience = whom.map(|whom| Patience::with(whom, allowed));
        let before = thread_cpu().unwrap_or_default();
        let graph = Graph::given(modules, main, node);
        (graph, thread_cpu().unwrap_or_default().saturating_sub(before))
    });
    read.unwrap_or_else(|error| (Err(no_thread(&error)), Duration::ZERO))
}

fn asked(question: &Question, what: &str) -> (Result<Graph, StartupError>, Duration) {
    match pool::ask(question) {
        Ok(Answer { read, took, noted }) => {
            for file in noted {
                files_read::note(&file.into_path());
            }
            let graph = read.map_err(Shipped::open).and_then(|graph| {
                graph
                    .open()
                    .map_err(|error| StartupError::new(format!("{what} can not be read: {error}")))
            });
            (graph, took)
        }
        Err(lost) => (
            Err(StartupError::new(format!("{what} can not be read: {}", lost.why))),
            lost.took,
        ),
    }
}

fn no_thread(error: &std::io::Error) -> StartupError {
    StartupError::new(format!("no thread can be had to read modules: {error}"))
}

/// Reads for an agent in its turn, on a thread that serves nobody. Where it is given up it is not begun, and a process that reads for it is
/// ended. Nothing where there is no thread.
pub(crate) async fn aside<T: Send + 'static>(whose: &AgentId, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let turn = turns::turn(Some(whose.clone())).await?;
    let waits = Waits::default();
    let (told, worked) = oneshot::channel();
    let who = waits.told();
    let begun = std::thread::Builder::new().name("reader".into()).spawn(move || {
        let _turn = turn;
        let _ = told.send(Waits::during(who, work));
    });
    begun.ok()?;
    worked.await.ok()
}
