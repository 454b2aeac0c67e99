//! One file of tests on one thread: its isolate, and each test as an event.

use std::path::Path;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use deno_core::unsync::spawn;
use regex::Regex;
use serde::Deserialize;
use serde_json::json;
use workerd_lite_ops::{Body, Origin, Request, Role, clock, worker_log};

use super::Options;
use super::coverage::Coverage;
use super::failure::Failure;
use super::gate::TestGate;
use super::mock_network::MockNetwork;
use super::outcome::{FileOutcome, Outcome, State};
use super::session::Session;
use super::watchdog::Watchdog;
use crate::assembly::load;
use crate::config::Flags;
use crate::egress::Network;
use crate::host::Project;
use crate::isolate::modules::{Confinement, Data, Graph};
use crate::isolate::{Caller, CellHandle, CodeGeneration, Worker};
use crate::limits::Limits;

/// One test, as `js/testing/registry.js` lists it.
#[derive(Debug, Deserialize)]
struct Listed {
    name: String,
    skip: bool,
    todo: bool,
    /// Milliseconds.
    timeout: Option<f64>,
}

/// What `js/testing/runner.js` says of a test.
#[derive(Debug, Deserialize)]
struct Told {
    failures: Vec<Failure>,
    left: Vec<String>,
    notes: Vec<String>,
    skipped: Option<String>,
    todo: Option<String>,
}

/// Runs one file to its end, whatever happens in it.
pub(super) fn run(
    file: &Path,
    options: &Options,
    flags: &Flags,
    watchdog: &Watchdog,
    coverage: Option<&Arc<Coverage>>,
) -> FileOutcome {
    let name = file.strip_prefix("./").unwrap_or(file).display().to_string();
    let outcome = |tests, error| FileOutcome {
        file: name.clone(),
        tests,
        error,
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return outcome(Vec::new(), Some(error.to_string())),
    };
    worker_log::capture();
    let opened = {
        let _context = runtime.enter();
        clock::follow_tokio();
        let _watched = watchdog.watch(name.clone(), options.timeout);
        runtime.block_on(File::open(file, options, flags, coverage))
    };
    match opened {
        Ok(file) => {
            let tests = runtime.block_on(file.run(&name, options, watchdog));
            outcome(tests, None)
        }
        Err(why) => outcome(Vec::new(), Some(why)),
    }
}

struct File {
    graph: Arc<Graph>,
    cell: CellHandle,
    gate: Rc<TestGate>,
    project: Result<Project, String>,
}

impl File {
    async fn open(
        path: &Path,
        options: &Options,
        flags: &Flags,
        coverage: Option<&Arc<Coverage>>,
    ) -> Result<Self, String> {
        let shown = |error: &dyn Fn() -> miette::Report| format!("{:?}", error());
        let confinement = Confinement {
            root: options.folder(),
            data: Data::Any,
            ..Confinement::default()
        };
        let graph = Graph::load(path, &confinement).map_err(|error| format!("{:?}", miette::Report::new(error)))?;
        let graph = Arc::new(graph);
        // workerd's form of tests needs no project: what is wrong with it is said where a test asks for an agent.
        let project = load(flags)
            .map(|loaded| match coverage {
                Some(coverage) => covered(loaded.project, coverage),
                None => loaded.project,
            })
            .map_err(|error| shown(&|| miette::Report::msg(error.to_string())));
        // In workerd's form a test is a part of the worker, and has its `env`.
        let vars = project.as_ref().ok().and_then(|project| project.agent_envs().next());
        let vars = vars.map(|(_, vars)| vars.clone()).unwrap_or_default();
        let worker = Worker {
            name: "test".into(),
            role: Role::Test,
            graph: Arc::clone(&graph),
            vars,
            bindings: Vec::new(),
            coverage: None,
            inspection: None,
            limits: Limits::OUTBOUND,
            code_generation: CodeGeneration::of(Role::Test),
            quarantine: None,
            account: None,
        };
        let gate = Rc::new(TestGate::new(options.live.then(Network::default)));
        let cell = worker
            .boot(Rc::<TestGate>::clone(&gate), &[Caller::anyone(), Caller::anyone()])
            .await
            .map_err(|error| format!("{:?}", miette::Report::new(error)))?;
        let handle = cell.handle();
        spawn(cell.run());
        Ok(Self {
            graph,
            cell: handle,
            gate,
            project,
        })
    }

    async fn run(&self, file: &str, options: &Options, watchdog: &Watchdog) -> Vec<Outcome> {
        let listed: Vec<Listed> = match self.ask("/list", None).await {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
            Err(_) => Vec::new(),
        };
        let wanted = |name: &str| options.name.as_ref().is_none_or(|filter: &Regex| filter.is_match(name));
        let runs: Vec<usize> = (0..listed.len())
            .filter(|index| !listed[*index].skip && wanted(&listed[*index].name))
            .collect();
        let mut outcomes = Vec::new();
        for (index, test) in listed.iter().enumerate() {
            if !wanted(&test.name) {
                continue;
            }
            if test.skip {
                outcomes.push(Outcome {
                    name: test.name.clone(),
                    state: State::Skipped,
                    took: Duration::ZERO,
                    console: Vec::new(),
                    notes: Vec::new(),
                });
                continue;
            }
            let timeout = test
                .timeout
                .map_or(options.timeout, |ms| Duration::from_secs_f64(ms.max(0.0) / 1000.0));
            let outcome = {
                let _watched = watchdog.watch(format!("{file} > {}", test.name), timeout);
                self.test(index, test, &runs, options.live, timeout).await
            };
            let failed = matches!(outcome.state, State::Failed(_));
            outcomes.push(outcome);
            if failed && options.bail {
                break;
            }
        }
        outcomes
    }

    async fn test(&self, index: usize, test: &Listed, runs: &[usize], live: bool, timeout: Duration) -> Outcome {
        let began = Instant::now();
        let upstream = Rc::new(MockNetwork {
            test: self.cell.clone(),
        });
        let session = Rc::new(Session::new(self.project.clone(), upstream));
        *self.gate.session.borrow_mut() = Some(session);
        let body = json!({ "live": live, "runs": runs }).to_string();
        let answer = within(timeout, self.ask(&format!("/run/{index}"), Some(body))).await;
        *self.gate.session.borrow_mut() = None;
        let told = match answer {
            Some(Ok(bytes)) => serde_json::from_slice::<Told>(&bytes).map_err(|error| error.to_string()),
            Some(Err(why)) => Err(why),
            None => Err(format!("it did not end within {timeout:?}\n")),
        };
        let mut notes = Vec::new();
        let state = match told {
            Err(why) => State::Failed(vec![why]),
            Ok(told) => {
                notes.extend(told.notes);
                notes.extend(told.left.iter().map(|what| format!("it left {what} open")));
                if !told.failures.is_empty() && (test.todo || told.todo.is_some()) {
                    State::Todo
                } else if !told.failures.is_empty() {
                    State::Failed(told.failures.iter().map(|failure| failure.show(&self.graph)).collect())
                } else if told.skipped.is_some() {
                    State::Skipped
                } else if test.todo || told.todo.is_some() {
                    State::Todo
                } else {
                    State::Passed
                }
            }
        };
        Outcome {
            name: test.name.clone(),
            state,
            took: began.elapsed(),
            console: worker_log::capture(),
            notes,
        }
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

/// Waits for `work`, in real time: a test may advance tokio's.
async fn within<T>(limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    let began = Instant::now();
    let mut work = pin!(work);
    loop {
        let left = limit.checked_sub(began.elapsed())?;
        if let Ok(output) = tokio::time::timeout(left, work.as_mut()).await {
            return Some(output);
        }
    }
}
