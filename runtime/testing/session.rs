//! One test's project: isolates of its own, made when the test first calls one.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::OnceCell;
use workerd_lite_ops::{EventError, FetchError, Origin, Request, Response};

use super::mock_network::MockNetwork;
use super::snapshots::Snapshots;
use crate::audit::{Auditor, Records};
use crate::host::{Instance, Project};
use crate::isolate::modules::Graph;
use crate::isolate::modules::mocked::Exports;

/// An order of `js/testing/context.js`.
#[derive(Debug, Deserialize)]
#[serde(tag = "order", rename_all = "lowercase")]
enum Order {
    Agent {
        agent: Option<String>,
    },
    Outbound {
        agent: Option<String>,
    },
    Client,
    Env {
        values: Map<String, Value>,
        agent: Option<String>,
    },
    Egress,
    /// What agents and policy do yet is waited for: milliseconds at most.
    Lingers {
        most: u32,
    },
    Service {
        service: String,
        agent: Option<String>,
    },
    Time {
        text: String,
    },
    Snapshot {
        path: String,
        /// The test's; none for a file of its own.
        name: Option<String>,
        value: String,
    },
    Module(Module),
}

/// What is put in a module's place, or an end to that.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Module {
    #[serde(rename_all = "camelCase")]
    Mock {
        specifier: String,
        /// The URL of the module that asks.
        caller: String,
        names: Vec<String>,
        has_default: bool,
        cache: bool,
    },
    Unmock {
        url: String,
    },
}

/// What the tests of a file share.
#[derive(Clone)]
pub(super) struct Shared {
    /// The test file's modules.
    pub(super) graph: Arc<Graph>,
    pub(super) snapshots: Rc<Snapshots>,
}

/// The number of the peer that is the server itself. It fits a script's small integers.
const CLIENT: u32 = 0x3fff_ffff;

/// The number of the peer that answers when agents and policy have nothing to do any longer.
const LINGERS: u32 = CLIENT - 1;

/// So many turns in a row without work are an end of it.
const QUIET: u32 = 8;

/// How often it is looked whether there is work.
const TURN: Duration = Duration::from_millis(1);

/// Waits, in real time.
async fn sleep(time: Duration) {
    let (done, slept) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        std::thread::sleep(time);
        let _ = done.send(());
    });
    let _ = slept.await;
}

/// What one test has.
pub(super) struct Session {
    shared: Shared,
    /// The project, or why there is none.
    project: RefCell<Result<Project, String>>,
    instance: OnceCell<Instance>,
    records: Records,
    upstream: Rc<MockNetwork>,
    /// How long it is waited for what they do yet.
    lingers: Cell<Duration>,
}

impl Session {
    pub(super) fn new(mut project: Result<Project, String>, upstream: Rc<MockNetwork>, shared: Shared) -> Self {
        let records = Records::default();
        if let Ok(project) = &mut project {
            project.recorded(Auditor::memory(Records::clone(&records)));
        }
        Self {
            shared,
            project: RefCell::new(project),
            instance: OnceCell::new(),
            records,
            upstream,
            lingers: Cell::default(),
        }
    }

    /// Waits until agents and policy do nothing any longer, and gives what they do yet after the time that there is. Real time: a test may
    /// have stopped its own.
    async fn lingering(&self) -> Vec<String> {
        let Some(instance) = self.instance.get() else {
            return Vec::new();
        };
        let until = Instant::now() + self.lingers.get();
        // An egress that is about to begin needs some turns.
        let mut quiet = 0;
        while quiet < QUIET {
            quiet = if instance.at_work() == 0 { quiet + 1 } else { 0 };
            if Instant::now() >= until {
                break;
            }
            if quiet > 0 {
                tokio::task::yield_now().await;
            } else {
                sleep(TURN).await;
            }
        }
        match instance.at_work() {
            0 => Vec::new(),
            1 => vec!["an event of agents or policy, which was ended,".to_owned()],
            count => vec![format!("{count} events of agents and policy, which were ended,")],
        }
    }

    /// Answers an order. A peer is told by twice its agent's number, and one more for the policy alone.
    pub(super) fn control(&self, order: &str) -> Result<Value, String> {
        let order: Order = serde_json::from_str(order).map_err(|_| "this is no order".to_owned())?;
        let order = match order {
            Order::Snapshot { path, name, value } => {
                return Ok(self.shared.snapshots.check(&path, name.as_deref(), &value));
            }
            Order::Module(order) => return module(&self.shared.graph, order),
            order => order,
        };
        let mut project = self.project.borrow_mut();
        let project = project.as_mut().map_err(|why| why.clone());
        let find = |project: &Project, name: Option<&str>| {
            project.find_agent(name).ok_or_else(|| {
                let mut names: Vec<String> = project.agent_names().map(ToOwned::to_owned).collect();
                names.extend(project.folder_agents());
                match name {
                    Some(name) => format!("there is no agent {name:?}: there are {}", names.join(", ")),
                    None => "there is no agent".to_owned(),
                }
            })
        };
        match order {
            Order::Agent { agent } => Ok(json!(2 * find(project?, agent.as_deref())?)),
            Order::Outbound { agent } => {
                let project = project?;
                if !project.has_outbound() {
                    return Err("the project has no outbound worker".into());
                }
                Ok(json!(2 * find(project, agent.as_deref())? + 1))
            }
            Order::Lingers { most } => {
                self.lingers.set(Duration::from_millis(most.into()));
                Ok(self.instance.get().map_or(Value::Null, |_| json!(LINGERS)))
            }
            Order::Client => project.map(|_| json!(CLIENT)),
            Order::Env { values, agent } => {
                let project = project?;
                if self.instance.initialized() {
                    return Err("t.env() must come before the test's first request".into());
                }
                let agent = match agent {
                    Some(name) => Some(find(project, Some(&name))?),
                    None => None,
                };
                project.with_env(agent, values);
                Ok(Value::Null)
            }
            Order::Service { service, agent } => {
                if !project?.has_service(agent.as_deref(), &service) {
                    return Err(format!(
                        "no agent has a service {service:?}: name one of [[agents.services]]"
                    ));
                }
                self.upstream.services.borrow_mut().insert((agent, service));
                Ok(Value::Null)
            }
            Order::Time { text } => {
                let time = humantime::parse_duration(&text)
                    .map_err(|error| format!("t.clock.advance() takes milliseconds or a time like \"61s\": {error}"))?;
                Ok(json!(time.as_secs_f64() * 1000.0))
            }
            Order::Egress => {
                let records = self.records.lock().map_err(|_| "poisoned")?;
                Ok(json!(*records))
            }
            Order::Snapshot { .. } | Order::Module(_) => Ok(Value::Null),
        }
    }

    /// A request of the test to an agent, or to the policy in an agent's name.
    pub(super) async fn fetch(&self, binding: u32, origin: &Origin, request: Request) -> Result<Response, FetchError> {
        let failed = |why: String| FetchError::Network(why);
        let instance = self
            .instance
            .get_or_try_init(|| async {
                let project = self.project.borrow().clone().map_err(failed)?;
                let upstream = Rc::clone(&self.upstream);
                Instance::mocked(&project, upstream)
                    .await
                    .map_err(|error| failed(format!("{:?}", miette::Report::new(error))))
            })
            .await?;
        if binding == LINGERS {
            let left = json!(self.lingering().await).to_string();
            return Ok(Response::text(http::StatusCode::OK, left));
        }
        if binding == CLIENT {
            return Ok(instance.client(request).await);
        }
        let agent = binding / 2;
        let place = usize::try_from(agent).unwrap_or(usize::MAX);
        let peer = if binding.is_multiple_of(2) {
            instance.agent_cell(place).map(|cell| (cell, 0))
        } else {
            instance.policy_cell(place)
        };
        let (cell, caller) = peer.ok_or_else(|| failed("there is no such peer".into()))?;
        let trace = Rc::new(origin.trace.child());
        match cell.dispatch(request, Origin { caller, trace }).await {
            Ok(response) => Ok(response),
            // As a client sees it, but with the reason.
            Err(error @ EventError::Exception { .. }) => {
                Ok(Response::text(http::StatusCode::INTERNAL_SERVER_ERROR, error.details()))
            }
            Err(error) => Err(failed(error.to_string())),
        }
    }
}

/// Answers an order of a file's top level: it may mock modules, and has nothing else yet.
pub(super) fn before_tests(graph: &Graph, order: &str) -> Result<Value, String> {
    match serde_json::from_str(order) {
        Ok(Order::Module(order)) => module(graph, order),
        _ => Err("no test is running".into()),
    }
}

fn module(graph: &Graph, order: Module) -> Result<Value, String> {
    match order {
        Module::Mock {
            specifier,
            caller,
            names,
            has_default,
            cache,
        } => {
            let exports = Exports {
                names,
                has_default,
                cache,
            };
            let (id, url) = graph.mock(&specifier, &caller, exports)?;
            Ok(json!({ "id": id, "url": url.as_str() }))
        }
        Module::Unmock { url } => {
            let url = url.parse().map_err(|_| "this is no URL".to_owned())?;
            graph.unmock(&url);
            Ok(Value::Null)
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(instance) = self.instance.get() {
            instance.abort();
        }
    }
}
