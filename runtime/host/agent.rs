//! One agent of a project, as its owner configured it.

use std::sync::Arc;

use serde_json::{Map, Value};
use workerd_lite_ops::Role;
use workerd_lite_ops::account::{Account, AgentId};

use super::backoff::Backoff;
use super::code::Code;
use super::grant::Grant;
use super::isolation::Isolation;
use super::tail::TailWorker;
use crate::assets::Assets;
use crate::config::CronTrigger;
use crate::isolate::modules::Graph;
use crate::isolate::{StartupError, Worker};
use crate::limits::Quarantine;
use crate::metrics;
use crate::rules::{RoutePattern, Rules};

/// An untrusted script with all that its owner says of it.
#[derive(Debug, Clone)]
pub struct Agent {
    /// The script.
    pub worker: Worker,
    /// For whom it works.
    pub tenant: Option<String>,
    /// The requests that it answers, by host and path. None means all that no other agent answers.
    pub matches: Vec<RoutePattern>,
    /// The policy's export that judges it; the default one without.
    pub entrypoint: Option<String>,
    /// What the policy reads as `ctx.props`.
    pub props: Map<String, Value>,
    /// What joins the policy's `env`.
    pub parameters: Map<String, Value>,
    /// What it may ask for, judged before the policy. Without a list the policy decides alone.
    pub egress: Option<Rules>,
    /// Where its modules are.
    pub code: Code,
    /// How its starts went.
    pub(crate) backoff: Arc<Backoff>,
    /// The services that it may call.
    pub services: Vec<Grant>,
    /// Who is told of its events.
    pub tails: Vec<TailWorker>,
    /// Agents of a folder, of its tenant, that may have it told of their events: names, with `*` for any letters.
    pub tailed_by: Vec<String>,
    /// Files that are served beside its script.
    pub assets: Option<Arc<Assets>>,
    /// When its `scheduled()` handler is called.
    pub crons: Vec<CronTrigger>,
    /// Where its isolates are.
    pub isolation: Isolation,
    /// Whether agents of other processes call it.
    pub(crate) is_called: bool,
}

impl From<Worker> for Agent {
    fn from(worker: Worker) -> Self {
        Self {
            worker,
            tenant: None,
            matches: Vec::new(),
            entrypoint: None,
            props: Map::new(),
            parameters: Map::new(),
            egress: None,
            code: Code::default(),
            backoff: Arc::default(),
            services: Vec::new(),
            tails: Vec::new(),
            tailed_by: Vec::new(),
            assets: None,
            crons: Vec::new(),
            isolation: Isolation::default(),
            is_called: false,
        }
    }
}

impl Agent {
    /// Who it is.
    pub(crate) fn id(&self) -> AgentId {
        AgentId::new(self.tenant.as_deref(), &self.worker.name)
    }

    /// Gives it what it has beside what its owner says of it: how it stands with the others, where it has any, and what is done for it.
    pub(super) fn prepare(&mut self, crowded: bool, metrics_agents: usize) {
        // A policy in a process works for agents, and has nothing of its own.
        if self.worker.role == Role::Outbound {
            return;
        }
        // In a process of its own it knows their names alone.
        if !self.services.is_empty() {
            self.worker.services = self.services.iter().map(|grant| grant.binding.clone()).collect();
        }
        let quarantine = Arc::new(Quarantine::new(crowded));
        let observer = {
            let quarantine = Arc::clone(&quarantine);
            move |time| quarantine.record_host(time)
        };
        let account = Account::new(self.id(), self.worker.limits.buffers, Some(Box::new(observer)));
        metrics::shows(&account, metrics_agents);
        self.worker.quarantine = Some(quarantine);
        self.worker.account = Some(account);
    }

    /// Its worker, with its modules. Those are read on a thread of their own where they are not there yet.
    pub(super) async fn ready(&self) -> Result<Worker, StartupError> {
        let mut worker = self.worker.clone();
        if let Some(graph) = self.code.read(&self.id()).await? {
            worker.graph = graph;
        }
        Ok(worker)
    }

    /// Its modules, where they have been read.
    pub(crate) fn graph(&self) -> Option<&Arc<Graph>> {
        self.code.graph(&self.worker.graph)
    }

    /// Whether it is this one.
    pub(super) fn is(&self, id: &AgentId) -> bool {
        self.tenant.as_deref() == id.tenant.as_deref() && self.worker.name == *id.name
    }
}
