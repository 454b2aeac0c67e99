//! Services of agents: who offers them, and whether the agent may have them.

use std::collections::HashSet;

use workerd_lite_ops::account::AgentId;

use crate::config::document::Document;
use crate::config::files::Files;
use crate::config::tables::{Service, TailConsumer};
use crate::diagnostic::SourceDiagnostic as ConfigError;
use crate::host::{Agent, Grant, Offers};

/// The service that the policy offers.
const OUTBOUND: &str = "outbound";

/// The services of an agent as they are written: in wrangler's file, which is another, and in the project's own.
#[derive(Default)]
pub(super) struct Written {
    pub(super) document: Option<Document>,
    pub(super) wrangler: Vec<Service>,
    pub(super) own: Vec<Service>,
    /// Who is told of its events, by wrangler's file.
    pub(super) consumers: Vec<TailConsumer>,
    /// Where the project's own file has the agent: before `services[0]`.
    pub(super) prefix: String,
}

/// Whose services are to be found.
pub(super) struct Finding<'a> {
    pub(super) files: &'a Files,
    pub(super) has_outbound: bool,
    /// Whether those of wrangler's file may be missing.
    pub(super) may_miss: bool,
}

impl Finding<'_> {
    /// The services of the agent at this place. What is wrong with one is told of.
    pub(super) fn grants(&self, agents: &[Agent], place: usize, written: &Written) -> Vec<Grant> {
        let Some(agent) = agents.get(place) else {
            return Vec::new();
        };
        let problems = &self.files.problems;
        let known = agent.services.iter().map(|grant| &grant.binding);
        let mut bound: HashSet<&str> = agent.worker.loaders.iter().chain(known).map(String::as_str).collect();
        let wrangler = written.wrangler.iter().enumerate().map(|each| (true, each));
        let own = written.own.iter().enumerate().map(|each| (false, each));
        let mut grants = Vec::new();
        for (is_wrangler, (number, service)) in wrangler.chain(own) {
            let complain = |field: &str, message: &str| match (&written.document, is_wrangler) {
                (Some(document), true) => document.complain(&format!("services[{number}].{field}"), message),
                (None, true) => ConfigError::new(format!("services[{number}].{field}: {message}")),
                _ => {
                    let field = format!("{}services[{number}].{field}", written.prefix);
                    self.files.complain(&field, message)
                }
            };
            let offers = match self.offers(agents, agent, service) {
                Ok(offers) => offers,
                Err((why, _)) if is_wrangler && self.may_miss => {
                    let field = format!("services[{number}].binding");
                    let place = written.document.as_ref().map(|document| document.location(&field));
                    let place = place.unwrap_or_default();
                    tracing::warn!("{place}, {field}: env.{} would be missing: {why}", service.binding);
                    continue;
                }
                Err((why, help)) if is_wrangler => {
                    let message = format!("env.{} would be missing: {why}", service.binding);
                    let help = format!("{help}\nOr serve without it: --allow-missing-bindings");
                    problems.add(complain("binding", &message).with_help(help));
                    continue;
                }
                Err((why, help)) => {
                    problems.add(complain("service", &why).with_help(help));
                    continue;
                }
            };
            if agent.worker.vars.contains_key(&service.binding) || !bound.insert(&service.binding) {
                let message = format!("the name {:?} is bound twice", service.binding);
                problems.add(complain("binding", &message));
            }
            grants.push(Grant {
                binding: service.binding.clone(),
                offers,
                entrypoint: service.entrypoint.clone().filter(|name| name != "default"),
                props: service.props.clone(),
                methods: service.methods.clone(),
            });
        }
        grants
    }

    /// Who offers a service, or why nobody does and what to do.
    fn offers(&self, agents: &[Agent], agent: &Agent, service: &Service) -> Result<Offers, (String, String)> {
        let name = service.service.as_str();
        if name == OUTBOUND {
            if self.has_outbound {
                return Ok(Offers::Outbound);
            }
            return Err((
                "there is no outbound worker, whose service it would be".to_owned(),
                "Configure one: [outbound] main = \"policy.js\"".to_owned(),
            ));
        }
        let (tenant, plain) = match name.split_once('/') {
            Some((tenant, plain)) => (Some(tenant), plain),
            None => (None, name),
        };
        let named = |other: &&Agent| {
            other.worker.name == plain && tenant.is_none_or(|tenant| other.tenant.as_deref() == Some(tenant))
        };
        let id = |other: &Agent| Offers::Agent(AgentId::new(other.tenant.as_deref(), &other.worker.name));
        let mut found: Vec<&Agent> = agents.iter().filter(named).collect();
        if let Some(own) = found.iter().find(|other| other.tenant == agent.tenant) {
            return Ok(id(own));
        }
        match (found.pop(), found.is_empty()) {
            (Some(other), true) if service.cross_tenant => Ok(id(other)),
            (Some(_), true) => Err((
                format!("the agent {name:?} is of another tenant"),
                "Where it may be called all the same, write cross_tenant = true".to_owned(),
            )),
            (Some(_), false) => Err((
                format!("several tenants have an agent that is called {plain:?}"),
                "Name it with its tenant: \"acme/scribe\"".to_owned(),
            )),
            (None, _) => Err((
                format!("there is no service {name:?}"),
                "Write service = \"outbound\", for an entrypoint of the policy, or the name of an agent of this file"
                    .to_owned(),
            )),
        }
    }
}
