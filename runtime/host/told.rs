//! What is told of a project: to whoever lists it, looks on, or attacks its policy.

use deno_core::url::Url;
use http::Method;
use serde_json::{Value, json};

use super::known::attested;
use super::project::Project;
use crate::rules::{Rules, Subject, Verdict as Judged};

/// How many agents who looks on is told of: a page of thousands is nobody's.
const TOLD: usize = 500;

/// One of an agent's ways into its policy.
pub(crate) struct PolicyDoor {
    /// Its place among them.
    pub(crate) number: u32,
    /// Its name in the agent's `env`.
    pub(crate) binding: String,
    /// The export behind it; the default one without.
    pub(crate) entrypoint: Option<String>,
    /// `ctx.props` there, as JSON.
    pub(crate) props: String,
}

impl Project {
    /// What is served, for whoever lists what may be: each agent with its hosts and the hash of its code, and the policy's.
    pub(crate) fn described(&self) -> Value {
        let issuer = self.network.identity.as_ref();
        let found = self.found.iter().flat_map(|found| found.asked_for());
        let all = self.agents.iter().cloned().chain(found).filter_map(|agent| {
            let attested = attested(&agent, agent.graph()?.sha256());
            Some((agent, attested))
        });
        let agents = all.map(|(agent, attested)| {
            let mut matches: Vec<String> = agent.matches.iter().map(ToString::to_string).collect();
            let host = self.found.as_ref().and_then(|found| found.host(&agent.id()));
            matches.extend(host.filter(|_| matches.is_empty()));
            let graph = agent.graph().unwrap_or(&agent.worker.graph);
            let mut told = json!({
                "name": attested.name,
                "tenant": attested.tenant,
                "match": matches,
                "main": graph.main_name(),
                "modules": graph.modules().count(),
                "code_sha256": attested.code_sha256,
            });
            if let Some(issuer) = issuer {
                told["spiffe_id"] = attested.spiffe_id(&issuer.trust_domain).into();
                told["subject"] = attested.subject().into();
            }
            told
        });
        let policy = self.outbound.as_ref().map(|policy| {
            json!({
                "name": policy.name,
                "main": policy.graph.main_name(),
                "modules": policy.graph.modules().count(),
                "policy_sha256": policy.graph.sha256(),
            })
        });
        json!({ "agents": agents.collect::<Vec<_>>(), "policy": policy })
    }

    /// Tells who looks on what is served where.
    pub(crate) fn tell(&self, address: &str) {
        let Some(feed) = &self.feed else { return };
        let agents = self.agents.iter().take(TOLD).map(|agent| {
            let hosts = agent.matches.iter().map(ToString::to_string).collect::<Vec<_>>();
            json!({ "name": agent.worker.name, "tenant": agent.tenant, "hosts": hosts })
        });
        feed.serves(json!({
            "address": address.strip_prefix("http://").unwrap_or(address),
            "policy": self.has_outbound(),
            "agents": agents.collect::<Vec<_>>(),
        }));
    }

    /// An agent's ways into the policy, beside that of its requests.
    pub(crate) fn doors(&self, place: usize) -> Vec<PolicyDoor> {
        let agent = self.agent(place);
        let services = agent.iter().flat_map(|agent| &agent.services);
        let doors = services.filter(|grant| grant.is_to_policy()).zip(0..);
        let doors = doors.map(|(grant, number)| PolicyDoor {
            number,
            binding: grant.binding.clone(),
            entrypoint: grant.entrypoint.clone(),
            props: Value::Object(grant.props.clone()).to_string(),
        });
        doors.collect()
    }

    /// The rules of what each agent may ask for, where it has some.
    pub(crate) fn agents_rules(&self) -> impl Iterator<Item = &Rules> {
        self.agents.iter().filter_map(|agent| agent.egress.as_ref())
    }

    /// Whether an agent's own rules let a request pass to the policy.
    pub(crate) fn may_ask(&self, place: usize, (method, url): (&Method, &Url), websocket: bool) -> bool {
        let agent = self.agent(place);
        let rules = agent.as_ref().and_then(|agent| agent.egress.as_ref());
        !rules.is_some_and(|rules| {
            let asked = Subject {
                method,
                url,
                websocket,
                tcp: *method == Method::CONNECT,
            };
            matches!(rules.judge(asked), Judged::Deny(_))
        })
    }

    /// The data that the policy is given: its `env`, and each agent's props and parameters.
    pub(crate) fn policy_data(&self) -> impl Iterator<Item = &Value> {
        let env = self.outbound.iter().flat_map(|worker| worker.vars.values());
        let agents = self.agents.iter();
        env.chain(agents.flat_map(|agent| agent.props.values().chain(agent.parameters.values())))
    }
}
