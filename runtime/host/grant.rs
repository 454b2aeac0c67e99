//! A service that an agent was given: an entrypoint of its policy, of which it may call some methods.

use serde_json::{Map, Value};
use workerd_lite_ops::account::AgentId;

/// Who offers a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Offers {
    /// The policy.
    Outbound,
    /// An agent.
    Agent(AgentId),
    /// The agent's own assets.
    Assets,
}

/// What an agent may call.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Its name in the agent's `env`.
    pub binding: String,
    /// Who offers it.
    pub offers: Offers,
    /// The export that is called; the default one without.
    pub entrypoint: Option<String>,
    /// What that reads as `ctx.props`.
    pub props: Map<String, Value>,
    /// The methods that may be called, with `*` for any letters. All without.
    pub methods: Option<Vec<String>>,
}

impl Grant {
    /// Whether the policy offers it. An agent's ways into its policy are these of its services, in their order.
    pub(super) fn is_to_policy(&self) -> bool {
        self.offers == Offers::Outbound
    }

    /// Whether a method may be called, or a property be read.
    pub(super) fn allows(&self, method: &str) -> bool {
        let Some(methods) = &self.methods else { return true };
        methods.iter().any(|pattern| matches_name(pattern, method))
    }
}

/// Whether a name is what a pattern says, in time that grows with both.
pub(crate) fn matches_name(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else {
        return rest.is_empty();
    };
    for part in middle {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::matches_name;

    #[test]
    fn patterns_match_whole_names() {
        for (pattern, name, expected) in [
            ("list*", "listIssues", true),
            ("list*", "list", true),
            ("list*", "enlist", false),
            ("openIssue", "openIssues", false),
            ("*Issue", "openIssue", true),
            ("*Issue", "openIssues", false),
            ("a*b*c", "abc", true),
            ("a*bc*c", "abc", false),
            ("a*a", "a", false),
            ("*", "", true),
            ("", "x", false),
        ] {
            assert_eq!(matches_name(pattern, name), expected, "{pattern} {name}");
        }
    }
}
