//! One test's project: isolates of its own, made when the test first calls one.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

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

/// What one test has.
pub(super) struct Session {
    shared: Shared,
    /// The project, or why there is none.
    project: RefCell<Result<Project, String>>,
    instance: OnceCell<Instance>,
    records: Records,
    upstream: Rc<MockNetwork>,
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
                format!(
                    "there is no agent {:?}: there are {}",
                    name.unwrap_or_default(),
                    project.agent_names().collect::<Vec<_>>().join(", ")
                )
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
