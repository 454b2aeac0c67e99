//! What became of a request on its way out, in the words of records and metrics.

use serde::Serialize;

/// What became of an egress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It went out.
    Allow,
    /// It went out, but a rule that only audits would have denied it.
    Audit,
    /// It did not go out.
    Deny,
    /// The policy answered by itself.
    Answer,
}

/// Who said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// A rule of the configuration.
    Rule,
    /// The owner's script.
    Policy,
    /// The address rules.
    Address,
    /// A credential, which is not for this host, or could not be had.
    Credential,
    /// A client certificate likewise.
    Certificate,
    /// A limit of the policy's.
    Limit,
    /// The audit record, which could not be written.
    Audit,
}

impl Verdict {
    /// Each of them.
    pub const ALL: [Self; 4] = [Self::Allow, Self::Audit, Self::Deny, Self::Answer];

    /// One word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Audit => "audit",
            Self::Deny => "deny",
            Self::Answer => "answer",
        }
    }

    /// The place of its counter, with who gave it.
    pub const fn place(self, by: By) -> usize {
        self as usize * By::ALL.len() + by as usize
    }
}

impl By {
    /// Each of them.
    pub const ALL: [Self; 7] = [
        Self::Rule,
        Self::Policy,
        Self::Address,
        Self::Credential,
        Self::Certificate,
        Self::Limit,
        Self::Audit,
    ];

    /// One word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Policy => "policy",
            Self::Address => "address",
            Self::Credential => "credential",
            Self::Certificate => "certificate",
            Self::Limit => "limit",
            Self::Audit => "audit",
        }
    }
}

/// Why a connection to an upstream did not come about, or brought no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectError {
    /// Its name has no address, or nobody says which.
    Dns,
    /// Nobody listens there, or no way leads there.
    Refused,
    /// It did not stand in time.
    Timeout,
    /// The handshake of TLS failed: a certificate is not good, or TLS is not spoken.
    Tls,
    /// It ended before a response.
    Closed,
    /// What came back is no HTTP.
    Protocol,
    /// The agent has as many connections as it may, or the system has no more.
    Exhausted,
    /// Anything else.
    Other,
}

impl ConnectError {
    /// Each of them.
    pub const ALL: [Self; 8] = [
        Self::Dns,
        Self::Refused,
        Self::Timeout,
        Self::Tls,
        Self::Closed,
        Self::Protocol,
        Self::Exhausted,
        Self::Other,
    ];

    /// One word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Refused => "refused",
            Self::Timeout => "timeout",
            Self::Tls => "tls",
            Self::Closed => "closed",
            Self::Protocol => "protocol",
            Self::Exhausted => "exhausted",
            Self::Other => "other",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pair_has_a_place_of_its_own() {
        let mut places: Vec<usize> = Verdict::ALL
            .into_iter()
            .flat_map(|verdict| By::ALL.map(|by| verdict.place(by)))
            .collect();
        places.sort_unstable();
        assert_eq!(places, (0..28).collect::<Vec<_>>());
    }
}
