//! What a test in workerd's form has of the first agent's worker, of which it is a part: data, flags and services.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::host::{Agent, Offers, Project};
use crate::isolate::modules::Graph;

/// A service of the worker, as `js/testing/services.js` reads it.
#[derive(Debug, Serialize)]
pub(super) struct Service {
    /// Its name in `env`.
    binding: String,
    /// Another agent that offers it. None: an entrypoint of the test file's own.
    agent: Option<String>,
    /// The export that is called; the default one without.
    entrypoint: Option<String>,
    /// What that reads as `ctx.props`.
    props: Map<String, Value>,
}

/// What a test file has of the worker.
#[derive(Debug, Default)]
pub(super) struct OwnWorker {
    /// What its `env` holds, as data.
    pub(super) vars: Map<String, Value>,
    /// Compatibility flags that it has otherwise than by the newest date, where the file is the worker's script.
    pub(super) differences: Vec<String>,
    /// Names of its bindings that load workers.
    pub(super) loaders: Vec<String>,
    /// What else its `env` holds.
    pub(super) services: Vec<Service>,
}

impl OwnWorker {
    /// The first agent's, for the test file whose modules these are.
    pub(super) fn of(project: &Project, file: &Graph) -> Self {
        let Some(agent) = project.agents().next() else {
            return Self::default();
        };
        let is_its_script = is_script(agent, file);
        Self {
            vars: agent.worker.vars.clone(),
            differences: if is_its_script {
                agent.worker.differences.clone()
            } else {
                Vec::new()
            },
            loaders: agent.worker.loaders.clone(),
            services: services(agent, is_its_script),
        }
    }
}

/// Whether a file is an agent's script.
fn is_script(agent: &Agent, file: &Graph) -> bool {
    let script = &agent.worker.graph;
    let text = |graph: &Graph| {
        graph
            .by_url(graph.main().as_str())
            .map(|module| module.text().to_owned())
    };
    script.main() == file.main() && text(script) == text(file)
}

/// Those that a test can call: of the test file itself, where that is the agent's script, and of other agents.
fn services(agent: &Agent, is_its_script: bool) -> Vec<Service> {
    let own = agent.id();
    let granted = agent.services.iter().filter_map(|grant| {
        let Offers::Agent(called) = &grant.offers else {
            return None;
        };
        Some(Service {
            binding: grant.binding.clone(),
            agent: (!is_its_script || *called != own).then(|| called.to_string()),
            entrypoint: grant.entrypoint.clone(),
            props: grant.props.clone(),
        })
    });
    granted.collect()
}
