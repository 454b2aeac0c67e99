//! What the host attests of an agent.

/// What stands in SPIFFE ids before the name of what an agent has loaded. No agent and no tenant is called so: what one without a
/// tenant has loaded would have the id of another's agent.
const LOADED: &str = "_loaded";

/// Whether a name or a tenant can stand in SPIFFE ids and certificates, as itself and as nothing else.
pub fn is_plain(value: &str) -> bool {
    value.len() <= 63
        && !matches!(value, "" | "." | ".." | LOADED)
        && value
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

/// An agent as the host knows it. Nothing of it comes from the agent's own code but the hash of that code.
#[derive(Debug, Clone)]
pub struct Attested {
    /// Its name in the configuration.
    pub name: String,
    /// For whom it works.
    pub tenant: Option<String>,
    /// This isolate of it, unlike any other in any process.
    pub instance: String,
    /// SHA-256 over its module graph, in hexadecimal digits.
    pub code_sha256: String,
    /// The agent that has loaded it, where one has.
    pub parent: Option<String>,
}

impl Attested {
    /// The subject of its certificates as RFC 4514 writes it, the last name first: what `$ssl_client_s_dn` of nginx is.
    pub fn subject(&self) -> String {
        let tenant = self.tenant.as_ref().map(|tenant| format!("O={tenant},"));
        format!("OU={},{}CN={}", self.code_sha256, tenant.unwrap_or_default(), self.name)
    }

    /// Its SPIFFE id within a trust domain: `spiffe://domain/tenant/name`, without a tenant `spiffe://domain/name`; of what an agent has
    /// loaded, `spiffe://domain/tenant/name/_loaded/id`.
    pub fn spiffe_id(&self, trust_domain: &str) -> String {
        let tenant = self.tenant.iter().flat_map(|tenant| [tenant.as_str(), "/"]);
        let tenant: String = tenant.collect();
        match self.name.split_once('/') {
            Some((agent, id)) => format!("spiffe://{trust_domain}/{tenant}{agent}/{LOADED}/{id}"),
            None => format!("spiffe://{trust_domain}/{tenant}{}", self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(tenant: Option<&str>, name: &str) -> String {
        let attested = Attested {
            name: name.to_owned(),
            tenant: tenant.map(ToOwned::to_owned),
            instance: String::new(),
            code_sha256: String::new(),
            parent: None,
        };
        attested.spiffe_id("d")
    }

    #[test]
    fn what_is_loaded_has_no_agents_id() {
        assert_eq!(id(Some("acme"), "scout"), "spiffe://d/acme/scout");
        assert_eq!(id(None, "scout"), "spiffe://d/scout");
        assert_eq!(id(None, "acme/scout"), "spiffe://d/acme/_loaded/scout");
        assert_eq!(id(Some("acme"), "scout/a"), "spiffe://d/acme/scout/_loaded/a");
        assert!(is_plain("scout") && is_plain("_") && !is_plain("_loaded"));
    }
}
