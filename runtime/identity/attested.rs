//! What the host attests of an agent.

/// Whether a name or a tenant can stand in SPIFFE ids and certificates, as itself and as nothing else.
pub fn is_plain(value: &str) -> bool {
    value.len() <= 63
        && !matches!(value, "" | "." | "..")
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

    /// Its SPIFFE id within a trust domain: `spiffe://domain/tenant/name`, without a tenant `spiffe://domain/name`.
    pub fn spiffe_id(&self, trust_domain: &str) -> String {
        match &self.tenant {
            Some(tenant) => format!("spiffe://{trust_domain}/{tenant}/{}", self.name),
            None => format!("spiffe://{trust_domain}/{}", self.name),
        }
    }
}
