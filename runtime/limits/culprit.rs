//! To whom it is owed what an isolate does: an agent by its tenant and name, and where the policy does it, the agent that it
//! works for. Two tenants may each have an agent of one name, and an agent may be called as the policy is.

use std::fmt;
use std::sync::Arc;

use workerd_lite_ops::account::AgentId;

/// Between the parts of what is written. No name has it.
const SEPARATOR: char = '\u{1f}';

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Culprit {
    /// An agent's own isolate.
    Agent(AgentId),
    /// The owner's script of this name, for this agent where that is known.
    Owner(Arc<str>, Option<AgentId>),
}

impl Culprit {
    /// The agent, where it is known.
    pub(crate) fn agent(&self) -> Option<&AgentId> {
        match self {
            Self::Agent(agent) => Some(agent),
            Self::Owner(_, agent) => agent.as_ref(),
        }
    }

    /// The agent's name and its tenant, for the log.
    pub(crate) fn whose(&self) -> (Option<&str>, Option<&str>) {
        let agent = self.agent();
        (
            agent.map(|agent| &*agent.name),
            agent.and_then(|agent| agent.tenant.as_deref()),
        )
    }

    /// The same script at work for this agent. An agent's own works for itself.
    pub(crate) fn works_for(&self, agent: Option<&AgentId>) -> Self {
        match self {
            Self::Agent(_) => self.clone(),
            Self::Owner(name, _) => Self::Owner(Arc::clone(name), agent.cloned()),
        }
    }

    /// As text that [`Self::read`] understands.
    pub(crate) fn written(&self) -> String {
        let owner = match self {
            Self::Agent(_) => "",
            Self::Owner(name, _) => name,
        };
        let (tenant, name) = self.agent().map_or(("", ""), |agent| {
            (agent.tenant.as_deref().unwrap_or_default(), &*agent.name)
        });
        format!("{tenant}{SEPARATOR}{name}{SEPARATOR}{owner}")
    }

    /// What [`Self::written`] gave. What was cut is read as far as it is there.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, SEPARATOR).map(Some).chain(std::iter::repeat(None));
        let mut part = || parts.next().flatten().filter(|part| !part.is_empty());
        let (tenant, name, owner) = (part(), part(), part());
        let agent = name.map(|name| AgentId::new(tenant, name));
        match (owner, agent) {
            (Some(owner), agent) => Some(Self::Owner(owner.into(), agent)),
            (None, Some(agent)) => Some(Self::Agent(agent)),
            (None, None) => None,
        }
    }
}

impl fmt::Display for Culprit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agent(agent) => agent.fmt(f),
            Self::Owner(name, None) => f.write_str(name),
            Self::Owner(name, Some(agent)) => write!(f, "{name} for {agent}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_names_do_not_mix() {
        let owner = |agent| Culprit::Owner("policy".into(), agent);
        let all = [
            Culprit::Agent(AgentId::new(None, "policy")),
            Culprit::Agent(AgentId::new(Some("a"), "bot")),
            Culprit::Agent(AgentId::new(Some("b"), "bot")),
            Culprit::Agent(AgentId::new(None, "a/bot")),
            owner(None),
            owner(Some(AgentId::new(Some("a"), "bot"))),
        ];
        for (place, culprit) in all.iter().enumerate() {
            let text = culprit.written();
            assert_eq!(Culprit::read(&text).as_ref(), Some(culprit));
            assert!(!all[..place].iter().any(|other| other.written() == text), "{text}");
        }
        assert_eq!(Culprit::read(""), None);
        assert_eq!(all[5].to_string(), "policy for a/bot");
    }
}
