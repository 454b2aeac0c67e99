//! What a policy must never let happen.

use workerd_lite_ops::Response;

use super::targets::Targets;
use super::upstream::Seen;
use crate::credentials::redact::Redactor;
use crate::egress::Network;
use crate::serve::Loaded;

/// Something that got through.
#[derive(Debug, thiserror::Error)]
pub(super) enum Violation {
    #[error("the {what} went to {host}, which the project does not name")]
    Leaked { what: String, host: String },
    #[error("the denied address {0} was reached")]
    Reached(String),
    #[error("the {what} came back to the agent in the answer's {place}")]
    CameBack { what: String, place: &'static str },
}

/// One secret, and how it is found.
struct Known {
    what: String,
    redactor: Redactor,
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
                    in_bodies: !credential.redact_body,
                }));
            }
        }
        for (name, value) in &loaded.secrets {
            known.extend(Redactor::new(std::slice::from_ref(value)).map(|redactor| Known {
                what: format!("secret {name:?}"),
                redactor,
                in_bodies: false,
            }));
        }
        Self { known, network }
    }

    fn within<'a>(&'a self, bytes: &'a [u8]) -> impl Iterator<Item = &'a Known> {
        self.known.iter().filter(move |known| known.redactor.finds(bytes))
    }
}

/// Judges what went out.
pub(super) fn request(seen: &Seen, secrets: &Secrets, targets: &Targets) -> Vec<Violation> {
    let host = seen.url.host_str().unwrap_or_default().to_owned();
    let mut violations = Vec::new();
    // Names are resolved and judged when they are dialled, which nobody does here.
    if secrets.network.rules.denied_literal(&seen.url).is_some() {
        violations.push(Violation::Reached(host.clone()));
    }
    if targets.trusts(&seen.url) {
        return violations;
    }
    let mut carried: Vec<String> = Vec::new();
    carried.extend(seen.via.credential.iter().map(|name| format!("credential {name:?}")));
    carried.extend(seen.via.certificate.iter().map(|name| format!("certificate {name:?}")));
    for known in secrets.within(&seen.text) {
        if !carried.contains(&known.what) {
            carried.push(known.what.clone());
        }
    }
    violations.extend(carried.into_iter().map(|what| Violation::Leaked {
        what,
        host: host.clone(),
    }));
    violations
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
