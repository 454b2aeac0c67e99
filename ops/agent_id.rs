//! Who an agent is.

use std::fmt;
use std::sync::Arc;

/// Who an agent is, within one server: its tenant and its name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AgentId {
    /// For whom it works, where its owner says.
    pub tenant: Option<Arc<str>>,
    /// Its name, which another tenant's agent may have too.
    pub name: Arc<str>,
}

impl AgentId {
    /// An agent's.
    pub fn new(tenant: Option<&str>, name: &str) -> Self {
        Self {
            tenant: tenant.map(Into::into),
            name: name.into(),
        }
    }
}

/// `tenant/name`, or the name alone.
impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(tenant) = &self.tenant {
            write!(f, "{tenant}/")?;
        }
        f.write_str(&self.name)
    }
}
