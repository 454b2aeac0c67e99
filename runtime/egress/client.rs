//! The HTTP client: one pool of connections per thread and identity, so that no connection is shared between two.

#![expect(clippy::disallowed_types, reason = "the one client lives in this room")]

use std::cell::OnceCell;
use std::sync::Arc;
use std::time::Duration;

use deno_core::url::Host;
use http::StatusCode;
use reqwest::redirect::Policy;
use workerd_lite_ops::coding::Coding;
use workerd_lite_ops::head::strip_hop_by_hop;
use workerd_lite_ops::{Body, FetchError, Request, Response};

use super::Network;
use super::body::{request_body, response_body};
use super::dns::Resolver;
use super::error::{Denied, explain};
use super::tls::{Identity, client_config};
use crate::limits::Progress;

/// One thread's clients, made when they are first needed.
pub(super) struct Clients {
    network: Arc<Network>,
    plain: OnceCell<reqwest::Client>,
    bindings: Vec<OnceCell<reqwest::Client>>,
}

impl Clients {
    pub(super) fn new(network: Arc<Network>) -> Self {
        Self {
            plain: OnceCell::new(),
            bindings: network.bindings.iter().map(|_| OnceCell::new()).collect(),
            network,
        }
    }

    pub(super) async fn perform(&self, binding: Option<u32>, request: Request) -> Result<Response, FetchError> {
        let client = self.client(binding)?;
        let host = request.url.host_str().unwrap_or_default().to_owned();
        self.judge_literal(&request.url, &host)?;
        let timeouts = self.network.timeouts;

        let progress = Progress::default();
        let mut outgoing = reqwest::Request::new(request.method, request.url);
        *outgoing.headers_mut() = request.headers;
        if !matches!(request.body, Body::Empty) {
            *outgoing.body_mut() = Some(request_body(request.body, progress.clone()));
        }
        let sending = client.execute(outgoing);
        let response = progress
            .within(timeouts.first_byte, sending)
            .await
            .ok_or_else(|| FetchError::Network(format!("{host}: no response in time: see [timeouts] first_byte")))?
            .map_err(|error| explain(&host, binding.is_some(), &error))?;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return Err(FetchError::Network(format!(
                "{host}: the upstream wants to switch protocols"
            )));
        }
        let (mut head, body) = http::Response::<reqwest::Body>::from(response).into_parts();
        strip_hop_by_hop(&mut head.headers);
        let reason = head
            .extensions
            .get::<hyper::ext::ReasonPhrase>()
            .and_then(|reason| std::str::from_utf8(reason.as_bytes()).ok())
            .map(ToOwned::to_owned);
        Ok(Response {
            status: head.status,
            reason,
            body: response_body(body, Coding::of(&head.headers), timeouts.idle),
            headers: head.headers,
        })
    }

    /// Literal addresses meet no resolver. The URL parser has already read every notation of one.
    fn judge_literal(&self, url: &deno_core::url::Url, host: &str) -> Result<(), FetchError> {
        let address = match url.host() {
            Some(Host::Ipv4(address)) => address.into(),
            Some(Host::Ipv6(address)) => address.into(),
            _ => return Ok(()),
        };
        if self.network.rules.allows(address) {
            return Ok(());
        }
        Err(FetchError::Network(format!("{host}: {}", Denied { address })))
    }

    fn client(&self, binding: Option<u32>) -> Result<&reqwest::Client, FetchError> {
        let (cell, identity) = match binding {
            None => (&self.plain, None),
            Some(index) => {
                let unknown = || FetchError::Invalid("there is no such binding".into());
                let index = usize::try_from(index).map_err(|_| unknown())?;
                let identity = self.network.bindings.get(index).ok_or_else(unknown)?;
                (self.bindings.get(index).ok_or_else(unknown)?, Some(identity))
            }
        };
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        let client = self.build(identity)?;
        Ok(cell.get_or_init(|| client))
    }

    fn build(&self, identity: Option<&Identity>) -> Result<reqwest::Client, FetchError> {
        let failed =
            |error: &dyn std::fmt::Display| FetchError::Network(format!("the HTTP client can not be made: {error}"));
        let tls = client_config(identity, &self.network.roots).map_err(|error| failed(&error))?;
        reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .dns_resolver(Resolver {
                rules: Arc::clone(&self.network.rules),
            })
            .redirect(Policy::none())
            .no_proxy()
            .referer(false)
            .connect_timeout(self.network.timeouts.connect)
            .pool_idle_timeout(Duration::from_mins(1))
            .tcp_nodelay(true)
            .build()
            .map_err(|error| failed(&error))
    }
}
