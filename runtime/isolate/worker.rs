//! What an isolate is made from, and who may call it.

use std::path::Path;
use std::sync::Arc;

use workerd_lite_ops::Role;
use workerd_lite_ops::account::Account;
use workerd_lite_ops::console_tap::ConsoleTap;

use super::code_generation::CodeGeneration;
use super::coverage::CoverageSink;
use super::error::StartupError;
use super::inspector::Inspection;
use super::limit::FOREVER;
use super::loaded::Loaded;
use super::modules::{Confinement, Graph};
use crate::limits::{Culprit, Limits, Quarantine};

/// Everything that an isolate is made from. It is shared between threads; each makes its own isolate of it.
#[derive(Debug, Clone)]
pub struct Worker {
    /// The name in logs.
    pub name: String,
    /// Whose script it is.
    pub role: Role,
    /// Its modules.
    pub graph: Arc<Graph>,
    /// What its `env` holds, as data.
    pub vars: serde_json::Map<String, serde_json::Value>,
    /// Its bindings with `fetch()`, in the order that the [`EgressHandle`] counts them.
    pub bindings: Vec<BindingName>,
    /// Its services, in the order that the [`EgressHandle`] counts them.
    pub services: Vec<String>,
    /// Whether Node's `process.env` holds its vars.
    pub fills_environment: bool,
    /// Compatibility flags that it has otherwise than by the newest date: those of `js/worker/compatibility.js`.
    pub differences: Vec<String>,
    /// Its bindings that load workers, by their names in `env`.
    pub loaders: Vec<String>,
    /// What it has of the worker that loaded it, where one did.
    pub(crate) loaded: Option<Arc<Loaded>>,
    /// Who hears at an isolate's end what of its scripts has run.
    pub coverage: Option<Arc<dyn CoverageSink>>,
    /// Where a debugger finds it.
    pub inspection: Option<Arc<Inspection>>,
    /// Who reads its console lines beside the log.
    pub console_tap: Option<ConsoleTap>,
    /// What it may use.
    pub limits: Limits,
    /// What else than modules it may run.
    pub code_generation: CodeGeneration,
    /// How it stands with its neighbours, where it has any.
    pub(crate) quarantine: Option<Arc<Quarantine>>,
    /// What is done for it, on all threads. The policy has none: it works for agents.
    pub(crate) account: Option<Arc<Account>>,
}

/// A binding as scripts see it.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct BindingName {
    /// Its name in `env`.
    pub name: String,
    /// Whether it attaches a credential, which no redirect carries on.
    pub credential: bool,
}

/// Someone who may call a worker, as its scripts see them.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Caller {
    /// `ctx.agent`, as JSON. An agent's own callers have none.
    pub agent: Option<String>,
    /// `ctx.props`, as JSON.
    pub props: String,
    /// What joins the worker's `env` for this caller, as JSON.
    pub parameters: Option<String>,
    /// The export that is called; the default one without.
    pub entrypoint: Option<String>,
    /// Further ways in, for calls.
    pub doors: Vec<Door>,
}

/// A way in for the calls of one service.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub struct Door {
    /// The export that is called; the default one without.
    pub entrypoint: Option<String>,
    /// `ctx.props`, as JSON.
    pub props: String,
}

impl Door {
    /// A way to an export, without props.
    pub(crate) fn to(entrypoint: Option<&str>) -> Self {
        Self {
            entrypoint: entrypoint.map(ToOwned::to_owned),
            props: "{}".to_owned(),
        }
    }
}

impl Caller {
    /// Nobody in particular: whoever calls an agent.
    pub fn anyone() -> Self {
        Self {
            props: "{}".into(),
            ..Self::default()
        }
    }

    /// An agent that calls another one: `ctx.agent`, as JSON.
    pub(crate) fn named(agent: String) -> Self {
        Self {
            agent: Some(agent),
            ..Self::anyone()
        }
    }
}

impl Worker {
    /// Reads a script and all that it imports, which must lie in the script's folder. Fails where one cannot be read or
    /// is no JavaScript. Its `env` is empty, and its name the file's.
    pub fn load(role: Role, script: &Path) -> Result<Self, StartupError> {
        let root = match script.parent() {
            Some(parent) if parent != Path::new("") => parent.to_owned(),
            _ => ".".into(),
        };
        let confinement = Confinement {
            root,
            ..Confinement::default()
        };
        let name = script
            .file_stem()
            .map_or_else(|| "worker".into(), |stem| stem.to_string_lossy().into_owned());
        Ok(Self::of(name, role, Arc::new(Graph::load(script, &confinement)?)))
    }

    /// A worker of these modules, with what its role has where nobody says otherwise. Its `env` is empty.
    pub(crate) fn of(name: String, role: Role, graph: Arc<Graph>) -> Self {
        Self {
            name,
            role,
            graph,
            vars: serde_json::Map::new(),
            bindings: Vec::new(),
            services: Vec::new(),
            fills_environment: true,
            differences: Vec::new(),
            loaders: Vec::new(),
            loaded: None,
            coverage: None,
            inspection: None,
            console_tap: None,
            limits: match role {
                Role::Agent => Limits::AGENT,
                Role::Outbound | Role::Test => Limits::OUTBOUND,
            },
            code_generation: CodeGeneration::of(role),
            quarantine: None,
            account: None,
        }
    }

    /// To whom it is owed what its isolates do.
    pub(crate) fn culprit(&self) -> Culprit {
        match &self.account {
            // What an agent has loaded is its own doing.
            Some(account) => Culprit::Agent(account.root().id().clone()),
            None => Culprit::Owner(self.name.as_str().into(), None),
        }
    }

    /// How logs name it: an agent of a tenant as `tenant/name`.
    pub(crate) fn label(&self) -> String {
        match &self.account {
            Some(account) => account.id().to_string(),
            None => self.culprit().to_string(),
        }
    }

    /// Its limits: none of time for what is debugged, counted (which slows it down) or a test, which has another.
    pub(crate) fn effective_limits(&self) -> Limits {
        let mut limits = self.limits;
        if self.inspection.is_some() || self.coverage.is_some() {
            (limits.cpu, limits.startup) = (FOREVER, FOREVER);
            (limits.wall, limits.wait_until) = (FOREVER, FOREVER);
        }
        if self.role == Role::Test {
            // Whoever runs it waits for as long as it may take.
            (limits.wall, limits.wait_until) = (FOREVER, FOREVER);
            limits.subrequests = u32::MAX;
            limits.log_lines = u32::MAX;
        }
        limits
    }
}
