//! What a policy must never let happen.

use std::collections::BTreeSet;

use regex::Regex;
use serde_json::Value;
use workerd_lite_ops::Response;
use workerd_lite_ops::websocket::is_websocket;

use super::named::Named;
use super::upstream::Seen;
use crate::credentials::redact::Redactor;
use crate::egress::Network;
use crate::rules::is_localhost;
use crate::serve::Loaded;

/// What agents hide their data with: what of it arrives tells by which way it left.
pub(super) const MARKER: &str = "wlexfil7f3a";

/// Something that got through.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Violation {
    #[error("the {what} went to {host}, which the project does not name")]
    Leaked { what: String, host: String },
    #[error("{host}, which the project does not name, was reached by {method}{data}")]
    Stranger { host: String, method: String, data: String },
    #[error("the {what} stands in the URL of a request to {host}: URLs are logged on their way")]
    InUrl { what: String, host: String },
    #[error("the {what} was sent to {host} in the clear, over http")]
    InClear { what: String, host: String },
    #[error("the denied address {0} was reached")]
    Reached(String),
    #[error("the {what} came back to the agent in the answer's {place}")]
    CameBack { what: String, place: &'static str },
}

/// One secret, and how it is found.
struct Known {
    what: String,
    redactor: Redactor,
    /// Whether it is a credential's, which Rust attaches.
    credential: bool,
    /// Whether bodies may carry it back: the owner did not ask for them to be cleaned.
    in_bodies: bool,
}

/// Everything that must not leak.
pub(super) struct Secrets {
    known: Vec<Known>,
    network: std::sync::Arc<Network>,
}

impl Secrets {
    pub(super) fn of(loaded: &Loaded) -> Self {
        let network = std::sync::Arc::clone(loaded.project.network());
        let mut known = Vec::new();
        for credential in network
            .bindings
            .iter()
            .filter_map(|binding| binding.credential.as_ref())
        {
            for secret in credential.secrets() {
                known.extend(Redactor::new(&[secret.value().to_string()]).map(|redactor| Known {
                    what: format!("credential {:?}", credential.name),
                    redactor,
                    credential: true,
                    in_bodies: !credential.redact_body,
                }));
            }
        }
        let mut plain = loaded.secrets.clone();
        plain.extend(secret_vars(loaded));
        for (name, value) in &plain {
            known.extend(Redactor::new(std::slice::from_ref(value)).map(|redactor| Known {
                what: format!("secret {name:?}"),
                redactor,
                credential: false,
                in_bodies: false,
            }));
        }
        Self { known, network }
    }

    fn within<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = &'a Known> {
        self.known.iter().filter(move |known| known.redactor.finds(bytes))
    }
}

/// Values of the policy's `env` that are secrets by their names.
fn secret_vars(loaded: &Loaded) -> Vec<(String, String)> {
    let Ok(secret) = Regex::new(r"(?i)(token|secret|passw|credential|api_?key|private_?key|_key$|^key$)") else {
        return Vec::new();
    };
    let Some(policy) = loaded.project.outbound() else {
        return Vec::new();
    };
    policy
        .vars
        .iter()
        .filter_map(|(name, value)| match value {
            Value::String(value) if value.len() >= 6 && secret.is_match(name) && !value.contains("://") => {
                Some((name.clone(), value.clone()))
            }
            _ => None,
        })
        .filter(|(name, _)| !loaded.secrets.iter().any(|(known, _)| known == name))
        .collect()
}

/// Judges what went out, and notes what it carried.
pub(super) fn request(seen: &mut Seen, secrets: &Secrets, named: &Named) -> Vec<Violation> {
    let host = seen.url.host_str().unwrap_or_default().to_owned();
    let mut violations = Vec::new();
    // Names are resolved and judged when they are dialled, which nobody does here.
    if secrets.network.rules.denied_literal(&seen.url).is_some() {
        violations.push(Violation::Reached(host.clone()));
    }
    let mut carried = BTreeSet::new();
    carried.extend(seen.via.credential.iter().map(|name| format!("credential {name:?}")));
    carried.extend(seen.via.certificate.iter().map(|name| format!("certificate {name:?}")));
    let whole = [seen.text.as_slice(), b" ", seen.body.borrow().as_slice()].concat();
    let configured = named.configures(&seen.url);
    for known in secrets.within(&whole) {
        // A token server is asked with what a token is made of.
        if !(known.credential && configured && seen.via.credential.is_none()) {
            carried.insert(known.what.clone());
        }
    }
    seen.carried = carried.clone();
    if !named.trusts(&seen.url) && !carried.is_empty() {
        violations.extend(carried.into_iter().map(|what| Violation::Leaked {
            what,
            host: host.clone(),
        }));
    } else if !named.names(&seen.url) {
        violations.push(Violation::Stranger {
            host: host.clone(),
            method: if is_websocket(&seen.headers) {
                "a WebSocket".to_owned()
            } else {
                seen.method.to_string()
            },
            data: data(seen),
        });
    } else if seen.via.credential.is_none() {
        if seen.url.scheme() == "http" && !is_localhost(&host) {
            violations.extend(carried.into_iter().map(|what| Violation::InClear {
                what,
                host: host.clone(),
            }));
        }
        let url = seen.url.to_string();
        let in_url = secrets.within(url.as_bytes()).filter(|known| !known.credential);
        violations.extend(in_url.map(|known| Violation::InUrl {
            what: known.what.clone(),
            host: host.clone(),
        }));
    }
    violations
}

/// Where an agent's data is in a request that went out.
fn data(seen: &Seen) -> String {
    let has = |text: &[u8]| {
        text.windows(MARKER.len())
            .any(|window| window.eq_ignore_ascii_case(MARKER.as_bytes()))
    };
    let headers = seen.headers.values().any(|value| has(value.as_bytes()));
    let places = [
        ("host", has(seen.url.host_str().unwrap_or_default().as_bytes())),
        ("path", has(seen.url.path().as_bytes())),
        ("query", has(seen.url.query().unwrap_or_default().as_bytes())),
        ("headers", headers),
        ("body", has(&seen.body.borrow())),
    ];
    let places: Vec<&str> = places
        .into_iter()
        .filter(|(_, there)| *there)
        .map(|(place, _)| place)
        .collect();
    if places.is_empty() {
        String::new()
    } else {
        format!(", with data of the agent in its {}", places.join(" and "))
    }
}

/// Judges what comes back to the agent.
pub(super) async fn answer(response: Response, secrets: &Secrets) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut note = |text: &[u8], place: &'static str| {
        for known in secrets.within(text) {
            if place == "body" && known.in_bodies {
                continue;
            }
            violations.push(Violation::CameBack {
                what: known.what.clone(),
                place,
            });
        }
    };
    note(response.reason.as_deref().unwrap_or_default().as_bytes(), "reason");
    let headers: Vec<&[u8]> = response.headers.values().map(http::HeaderValue::as_bytes).collect();
    note(&headers.join(&b'\n'), "headers");
    if let Ok(body) = response.body.collect().await {
        note(&body, "body");
    }
    violations
}
