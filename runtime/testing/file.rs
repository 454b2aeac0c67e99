//! One file of tests on one thread: its isolate, and each test as an event.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use deno_core::unsync::{JoinHandle, spawn};
use regex::Regex;
use serde_json::json;
use tokio::sync::oneshot;
use workerd_lite_ops::{Body, Origin, Request, Role, clock, worker_log};

use super::Options;
use super::coverage::Coverage;
use super::gate::TestGate;
use super::mock_network::MockNetwork;
use super::outcome::{FileOutcome, Outcome, State};
use super::own_worker::{OwnWorker, Service};
use super::session::{Session, Shared};
use super::snapshots::Snapshots;
use super::told::{End, Listed, Stray, Told, state};
use super::watchdog::Watchdog;
use crate::assembly::load;
use crate::config::Flags;
use crate::egress::Network;
use crate::host::Project;
use crate::isolate::modules::{Confinement, Data, Graph, reading};
use crate::isolate::{Caller, CellHandle, Worker};
use crate::limits::Limits;

/// A test has so much time of the processor, whatever it may take: its isolate does some work of its own.
const LEAST: Duration = Duration::from_millis(100);

/// So much time is there for a file's top level, for listing its tests, and for what they left.
const LISTS: Duration = Duration::from_secs(2);

/// Runs one file to its end, whatever happens in it.
pub(super) fn run(
    file: &Path,
    options: &Options,
    flags: &Flags,
    watchdog: &Watchdog,
    coverage: Option<&Arc<Coverage>>,
) -> FileOutcome {
    let name = file.strip_prefix("./").unwrap_or(file).display().to_string();
    let outcome = |tests, error, listed| FileOutcome {
        file: name.clone(),
        tests,
        listed,
        error,
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return outcome(Vec::new(), Some(error.to_string()), 0),
    };
    worker_log::capture();
    let snapshots = Rc::new(Snapshots::new(
        options.folder(),
        flags.clone(),
        options.update_snapshots,
        options.name.is_some(),
    ));
    let opened = {
        let _context = runtime.enter();
        clock::follow_tokio();
        let _watched = watchdog.watch(name.clone(), options.timeout);
        let source = Source {
            path: file,
            options,
            flags,
            coverage,
            snapshots: &snapshots,
        };
        runtime.block_on(File::open(source))
    };
    let Ok(mut file) = opened else {
        return outcome(Vec::new(), opened.err(), 0);
    };
    let (tests, mut strays, listed) = runtime.block_on(file.run(&name, options, watchdog));
    if let Err(why) = snapshots.write() {
        strays.push(why);
    }
    outcome(tests, (!strays.is_empty()).then(|| strays.join("\n")), listed)
}

/// Where a file is, and what it is a test of.
#[derive(Clone, Copy)]
struct Source<'a> {
    path: &'a Path,
    options: &'a Options,
    flags: &'a Flags,
    coverage: Option<&'a Arc<Coverage>>,
    snapshots: &'a Rc<Snapshots>,
}

struct File<'a> {
    source: Source<'a>,
    graph: Arc<Graph>,
    cell: CellHandle,
    gate: Rc<TestGate>,
    project: Result<Project, String>,
    /// What `env` has beside data, in tests of workerd's form.
    services: Vec<Service>,
    running: JoinHandle<()>,
}

/// What is left of a file that is run anew goes at once, with all that its tests left behind.
impl Drop for File<'_> {
    fn drop(&mut self) {
        self.running.abort();
        self.gate.loads_no_more();
    }
}

impl<'a> File<'a> {
    async fn open(source: Source<'a>) -> Result<Self, String> {
        let Source {
            path,
            options,
            flags,
            coverage,
            snapshots: _,
        } = source;
        let confinement = Confinement {
            root: options.folder(),
            data: Data::Any,
            overlay: flags.overlay.clone(),
            ..Confinement::default()
        };
        let graph = reading::load(path, &confinement).map_err(|error| format!("{:?}", miette::Report::new(error)))?;
        let graph = Arc::new(graph);
        // workerd's form of tests needs no project: what is wrong with it is said where a test asks for an agent.
        let project = load(flags)
            .map(|loaded| match coverage {
                Some(coverage) => covered(loaded.project, coverage),
                None => loaded.project,
            })
            .map_err(|error| format!("{:?}", miette::Report::new(error)));
        // In workerd's form a test is a part of the worker, and has its `env`.
        let own = project
            .as_ref()
            .map(|project| OwnWorker::of(project, &graph))
            .unwrap_or_default();
        let worker = Worker {
            vars: own.vars,
            differences: own.differences,
            loaders: own.loaders,
            // A loop ends with its test's time.
            limits: Limits {
                cpu: options.timeout.max(LEAST),
                startup: options.timeout.max(LISTS),
                ..Limits::OUTBOUND
            },
            ..Worker::of("test".into(), Role::Test, Arc::clone(&graph))
        };
        let gate = Rc::new(TestGate::new(options.live.then(Network::default), Arc::clone(&graph)));
        if !worker.loaders.is_empty() {
            gate.loads_for(&worker);
        }
        let cell = worker
            .boot(Rc::<TestGate>::clone(&gate), &[Caller::anyone(), Caller::anyone()])
            .await
            .map_err(|error| format!("{:?}", miette::Report::new(error)))?;
        let handle = cell.handle();
        let running = spawn(async move {
            cell.run().await;
        });
        Ok(Self {
            running,
            source,
            graph,
            cell: handle,
            gate,
            project,
            services: own.services,
        })
    }

    /// Runs the tests, and gives what came of them and of what none of them has to answer for, and how many there are.
    async fn run(&mut self, file: &str, options: &Options, watchdog: &Watchdog) -> (Vec<Outcome>, Vec<String>, usize) {
        let asked = {
            let _watched = watchdog.watch(file.to_owned(), options.timeout);
            within(options.timeout.max(LISTS), self.ask("/list", None)).await
        };
        let late = || Err("it did not end".to_owned());
        let listed = asked
            .unwrap_or_else(late)
            .and_then(|bytes| serde_json::from_slice::<Vec<Listed>>(&bytes).map_err(|error| error.to_string()));
        let listed = match listed {
            Ok(listed) => listed,
            // Its tests are there, and nobody knows which.
            Err(why) => {
                return (
                    Vec::new(),
                    vec![format!("the file's tests can not be listed: {why}")],
                    0,
                );
            }
        };
        let wanted = |name: &str| options.name.as_ref().is_none_or(|filter: &Regex| filter.is_match(name));
        let runs: Vec<usize> = (0..listed.len())
            .filter(|index| !listed[*index].skip && wanted(&listed[*index].name))
            .collect();
        let (mut outcomes, mut strays) = (Vec::new(), Vec::new());
        for (index, test) in listed.iter().enumerate() {
            if !wanted(&test.name) {
                continue;
            }
            if test.skip {
                outcomes.push(Outcome::skipped(&test.name));
                continue;
            }
            let timeout = test.timeout.map_or(options.timeout, |ms| {
                Duration::try_from_secs_f64(ms.max(0.0) / 1000.0).unwrap_or(options.timeout)
            });
            let (outcome, hangs) = {
                let _watched = watchdog.watch(format!("{file} > {}", test.name), timeout);
                self.test(index, test, &runs, options.live, timeout).await
            };
            let failed = matches!(outcome.state, State::Failed(_));
            outcomes.push(outcome);
            if failed && options.bail {
                break;
            }
            if hangs {
                // What it left is nobody else's: the next test has an isolate of its own.
                match Self::open(self.source).await {
                    Ok(fresh) => *self = fresh,
                    Err(why) => {
                        strays.push(why);
                        break;
                    }
                }
            }
        }
        let ends = {
            let _watched = watchdog.watch(file.to_owned(), options.timeout);
            within(options.timeout.max(LISTS), self.strays()).await
        };
        strays.extend(ends.unwrap_or_else(|| vec!["what its tests left does not come to an end".to_owned()]));
        (outcomes, strays, listed.len())
    }

    /// What came when no test was running.
    async fn strays(&self) -> Vec<String> {
        let asked = self.ask("/end", None).await;
        let told = asked.and_then(|bytes| serde_json::from_slice::<End>(&bytes).map_err(|error| error.to_string()));
        let end = match told {
            Ok(end) => end,
            Err(why) => {
                return vec![format!(
                    "what its tests left was stopped, and what failed of it is not known: {}",
                    why.trim_end()
                )];
            }
        };
        let shown = |stray: &Stray| {
            let test = stray.test.as_deref().unwrap_or("a test");
            format!("after {test:?} had ended: {}", stray.failure.show(&self.graph))
        };
        end.strays.iter().map(shown).collect()
    }

    /// Runs a test, and gives what came of it and whether it hangs.
    async fn test(
        &self,
        index: usize,
        test: &Listed,
        runs: &[usize],
        live: bool,
        timeout: Duration,
    ) -> (Outcome, bool) {
        let began = Instant::now();
        let upstream = Rc::new(MockNetwork {
            services: RefCell::default(),
            test: self.cell.clone(),
        });
        let shared = Shared {
            graph: Arc::clone(&self.graph),
            snapshots: Rc::clone(self.source.snapshots),
        };
        let session = Rc::new(Session::new(self.project.clone(), upstream, shared));
        *self.gate.session.borrow_mut() = Some(session);
        let file = std::path::absolute(self.source.path).ok();
        let body = json!({ "live": live, "runs": runs, "file": file, "services": self.services }).to_string();
        let answer = within(timeout, self.ask(&format!("/run/{index}"), Some(body))).await;
        *self.gate.session.borrow_mut() = None;
        let hangs = !matches!(answer, Some(Ok(_)));
        let told = match answer {
            Some(Ok(bytes)) => serde_json::from_slice::<Told>(&bytes).map_err(|error| error.to_string()),
            Some(Err(why)) => Err(why),
            None => Err(format!("it did not end within {timeout:?}\n")),
        };
        let (mut notes, mut subtests) = (Vec::new(), Vec::new());
        let state = match told {
            Err(why) => State::Failed(vec![why]),
            Ok(told) => {
                notes.extend(told.notes);
                notes.extend(told.left.iter().map(|what| format!("it left {what} open")));
                let forgiven = told.hooks.is_empty();
                subtests.extend(told.subtests.into_iter().map(|told| told.outcome(&self.graph)));
                let todo = forgiven && (test.todo || told.todo.is_some());
                let failures: Vec<_> = told.hooks.into_iter().chain(told.failures).collect();
                state(&failures, told.skipped.is_some(), todo, &self.graph)
            }
        };
        let outcome = Outcome {
            name: test.name.clone(),
            state,
            took: began.elapsed(),
            console: worker_log::capture(),
            notes,
            subtests,
        };
        (outcome, hangs)
    }

    /// An event of the test's isolate.
    async fn ask(&self, path: &str, body: Option<String>) -> Result<bytes::Bytes, String> {
        let url = format!("http://test.invalid{path}");
        let request = Request {
            method: if body.is_some() {
                http::Method::POST
            } else {
                http::Method::GET
            },
            url: url.parse().map_err(|_| "the test's URL is not valid".to_owned())?,
            headers: http::HeaderMap::new(),
            body: body.map_or(Body::Empty, |body| Body::Full(body.into())),
            cf: None,
        };
        let origin = Origin {
            caller: 0,
            trace: Rc::default(),
        };
        match self.cell.dispatch(request, origin).await {
            Ok(response) => response.body.collect().await.map_err(|error| error.to_string()),
            Err(error) => Err(error.details()),
        }
    }
}

/// The project with what runs of it counted.
fn covered(mut project: Project, coverage: &Arc<Coverage>) -> Project {
    for worker in project.workers_mut() {
        coverage.add(&worker.graph);
        worker.coverage = Some(Arc::<Coverage>::clone(coverage));
    }
    project
}

/// Waits for `work`, in real time: a test may stop tokio's clock, and let it jump.
async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    let (late, is_late) = oneshot::channel();
    // Dropped at the end, which ends the thread.
    let (_ends, ended) = std::sync::mpsc::channel::<()>();
    std::thread::spawn(move || {
        if ended.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
            let _ = late.send(());
        }
    });
    tokio::select! {
        biased;
        output = work => Some(output),
        Ok(()) = is_late => None,
    }
}
