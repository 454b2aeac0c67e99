//! How clients' connections are taken, and what agents are told of them as `request.cf`.

use std::sync::Arc;

use http::Version;

use crate::rules::Forwarders;
use crate::server_tls::ServerTls;

/// What stands before clients' requests.
#[derive(Debug, Clone, Default)]
pub struct Front {
    /// Who begins each connection with a header of the PROXY protocol.
    pub proxies: Arc<Forwarders>,
    /// TLS, where it is spoken here.
    pub tls: Option<ServerTls>,
    /// What the owner says of every request, as members of `request.cf` in JSON. Nothing where `[cf]` is absent.
    pub cf: Option<Arc<str>>,
}

impl Front {
    /// `request.cf` in JSON, where there is one: the owner's members, and behind them, which makes them win, what is known of the
    /// connection.
    pub(super) fn cf(&self, tls: Option<&Arc<str>>, version: Version) -> Option<Arc<str>> {
        if self.cf.is_none() && tls.is_none() {
            return None;
        }
        let protocol = format!("\"httpProtocol\":\"{}\"", protocol(version));
        let members = [self.cf.as_deref(), Some(&*protocol), tls.map(|members| &**members)];
        let members: Vec<&str> = members.into_iter().flatten().filter(|text| !text.is_empty()).collect();
        Some(format!("{{{}}}", members.join(",")).into())
    }
}

fn protocol(version: Version) -> &'static str {
    match version {
        Version::HTTP_10 => "HTTP/1.0",
        Version::HTTP_2 => "HTTP/2",
        _ => "HTTP/1.1",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_wins() {
        let cf = |owner: Option<&str>, tls: Option<&str>| {
            let front = Front {
                cf: owner.map(Arc::from),
                ..Front::default()
            };
            let text = front.cf(tls.map(Arc::from).as_ref(), Version::HTTP_2)?;
            Some(serde_json::from_str::<serde_json::Value>(&text).unwrap())
        };
        assert_eq!(cf(None, None), None);
        assert_eq!(
            cf(Some(""), None),
            Some(serde_json::json!({ "httpProtocol": "HTTP/2" }))
        );
        assert_eq!(
            cf(
                Some("\"colo\":\"X\",\"tlsVersion\":\"none\""),
                Some("\"tlsVersion\":\"TLSv1.3\"")
            ),
            Some(serde_json::json!({ "colo": "X", "httpProtocol": "HTTP/2", "tlsVersion": "TLSv1.3" }))
        );
    }
}
