//! One egress: rules, credential, address, connection.

use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;

use deno_core::unsync::spawn;
use futures_util::StreamExt as _;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use tracing::field::Empty;
use tracing::{Instrument as _, Span};
use workerd_lite_ops::content_encoding::ContentEncoding;
use workerd_lite_ops::head::{MAX_FIELDS, strip_hop_by_hop};
use workerd_lite_ops::tcp::is_connect;
use workerd_lite_ops::trace::Trace;
use workerd_lite_ops::trailers::Trailers;
use workerd_lite_ops::verdict::ConnectError;
use workerd_lite_ops::websocket::{SocketLimits, is_handshake};
use workerd_lite_ops::{Body, BodyError, CallerId, FetchError, Origin, Request, Response};

use super::Network;
use super::agents::Agents;
use super::binding::Binding;
use super::body::{Coming, request_body, response_body};
use super::client::{Clients, NoClient};
use super::denied::Denied;
use super::error::{SendError, explain, kind};
use super::http_client::HttpClient;
use super::observed::Traffic;
use super::redaction::{prepare, redact};
use super::switched::switched;
use super::timed::timed;
use super::token_request;
use super::upstream::{Upstream, Via};
use super::whole_body::whole;
use crate::audit::{By, DenialLine, Open, Verdict, shortened};
use crate::credentials::{Answered, Credential, Host, Sent, TokenClient, TokenRequestError};
use crate::identity::Attested;
use crate::limits::{Limits, Progress};
use crate::rules::{Outside, Subject, Verdict as Judged, by_rule, outside_of_scope, problem};
use crate::websocket::Key;

/// One thread's way to the network.
pub(super) struct Performer {
    pub(super) network: Arc<Network>,
    pub(super) clients: Clients,
    /// Who calls.
    pub(super) agents: Agents,
    /// What stands where the network would, in tests.
    pub(super) upstream: Option<Rc<dyn Upstream>>,
}

/// How one egress goes out.
enum Way {
    Network {
        client: Rc<HttpClient>,
        certified: bool,
        sockets: SocketLimits,
    },
    Mock(Rc<dyn Upstream>, Via),
}

/// Token requests of credentials, the same way. Most credentials make none, and need no client for them.
struct Tokens<'a> {
    performer: &'a Performer,
    agent: &'a Attested,
}

impl TokenClient for Tokens<'_> {
    fn start(&self, request: http::Request<Vec<u8>>, answered: Answered) {
        // Over the same rules as any egress: an address literal meets no resolver.
        let url = deno_core::url::Url::parse(&request.uri().to_string()).ok();
        if let Some(address) = url.and_then(|url| self.performer.network.denied_literal(&url)) {
            return answered(Err(TokenRequestError(Denied { address }.to_string())));
        }
        if let Some(upstream) = &self.performer.upstream {
            let via = Via {
                agent: self.agent.name.clone(),
                ..Via::default()
            };
            let answering = token_request::by_upstream(Rc::clone(upstream), via, request);
            spawn(async move { answered(answering.await) });
            return;
        }
        if let Err(error) = self.performer.clients.ask_for_token(request, answered) {
            tracing::error!("a token can not be asked for: {error}");
        }
    }

    fn is_real(&self) -> bool {
        self.performer.upstream.is_none()
    }
}

impl Performer {
    pub(super) async fn perform(
        &self,
        origin: &Origin,
        index: Option<u32>,
        request: Request,
    ) -> Result<Response, FetchError> {
        let known = self.agents.get(origin.caller);
        let known = known.ok_or_else(|| FetchError::Invalid("there is no such caller".into()))?;
        let agent = origin.trace.on_behalf::<Attested>().unwrap_or(&known.agent);
        let span = tracing::debug_span!(
            target: "egress",
            "egress",
            request_id = &*origin.trace.request_id(),
            agent = agent.name,
            tenant = agent.tenant,
            method = request.method.as_str(),
            host = request.url.host_str(),
            verdict = Empty,
            by = Empty,
            status = Empty,
        );
        // It is large, and would be copied with each future that it is a part of.
        let recorded = Box::pin(self.recorded(origin, agent, index, request));
        let performed = recorded.instrument(span.clone()).await;
        if let Ok(response) = &performed {
            span.record("status", response.status.as_u16());
        }
        performed
    }

    /// Performs a request and begins its record.
    async fn recorded(
        &self,
        origin: &Origin,
        agent: &Attested,
        index: Option<u32>,
        mut request: Request,
    ) -> Result<Response, FetchError> {
        let mut open = self.network.record(agent, &origin.trace, &mut request);
        let judged = if is_connect(&request) {
            Box::pin(self.connect(origin, agent, index, request, &mut open)).await
        } else {
            self.judged(origin, agent, index, request, &mut open).await
        };
        match judged {
            Ok(response) => Ok(open.response(noted(response, &origin.trace))),
            Err(error) => {
                open.error(&error.to_string());
                Err(error)
            }
        }
    }

    async fn judged(
        &self,
        origin: &Origin,
        agent: &Attested,
        index: Option<u32>,
        mut request: Request,
        open: &mut Open,
    ) -> Result<Response, FetchError> {
        let caller = origin.caller;
        let binding = self.binding(index)?;
        if let Some(name) = binding.and_then(Binding::name) {
            open.binding(&name);
        }
        let host = shortened(request.url.host_str().unwrap_or_default()).into_owned();
        note(open, Verdict::Allow, By::Policy);
        let whose = Whose::of(agent, origin);
        if let Some(response) = self.denied(&request, &host, &whose, open) {
            return Ok(response);
        }
        let credential = binding.and_then(|binding| binding.credential.as_deref());
        if let Some(Err(refusal)) = credential.map(|credential| credential.check(&mut request)) {
            note(open, Verdict::Deny, By::Credential);
            whose.denied(&host, &refusal);
            open.error(&refusal.to_string());
            return Ok(refusal.response(&host));
        }
        if let Some(binding) = binding.filter(|binding| !binding.may_identify(&request.url)) {
            note(open, Verdict::Deny, By::Certificate);
            let name = binding.certificate_name().unwrap_or_default();
            let refusal = format!(
                "the certificate {name:?} is not for this host: see [certificates.{name}] in workerd-lite.toml"
            );
            whose.denied(&host, &refusal);
            open.error(&refusal);
            return Ok(outside_of_scope(Outside::Host, &host));
        }
        if let Some(address) = self.network.denied_literal(&request.url) {
            note(open, Verdict::Deny, By::Address);
            return Err(FetchError::Network(format!("{host}: {}", Denied { address })));
        }
        match binding.and_then(|binding| binding.propagate_trace) {
            Some(true) => origin.trace.add(&mut request.headers),
            Some(false) => origin.trace.remove(&mut request.headers),
            None => {}
        }
        // Connections and what is attached are of the agent that was configured, whatever it has loaded.
        let configured = self.agents.get(caller);
        let agent = configured.as_ref().map_or(agent, |known| &known.agent);
        let way = self.way(caller, agent, index, binding).inspect_err(|error| {
            if let NoClient::Certificate(_) = error {
                note(open, Verdict::Deny, By::Certificate);
            }
        })?;
        // From here on something leaves, tokens too.
        if let Err(unrecorded) = open.leaves() {
            note(open, Verdict::Deny, By::Audit);
            return Err(FetchError::Network(unrecorded.to_string()));
        }
        let Some(credential) = credential else {
            return self.send(&way, &host, request, open).await;
        };
        let sent = self.send_with(credential, (caller, agent), (&way, &host), request, open);
        Box::pin(sent).await
    }

    /// Sends a request with a credential, once more with a new token where the upstream refuses the first.
    async fn send_with(
        &self,
        credential: &Credential,
        (caller, agent): (CallerId, &Attested),
        (way, host): (&Way, &str),
        mut request: Request,
        open: &mut Open,
    ) -> Result<Response, FetchError> {
        let tokens = &Tokens { performer: self, agent };
        if credential.can_renew() {
            open.asks_for_tokens();
        }
        if credential.wants_whole_body() {
            if let Some(known) = self.agents.get(caller) {
                let body = whole(request.body, &known.budget).await;
                request.body = body.map_err(|error| FetchError::Network(format!("the request's body: {error}")))?;
            }
        }
        // A body that is here whole can be sent once more with a new token.
        let again = match &request.body {
            Body::Empty => Some(Body::Empty),
            Body::Full(bytes) => Some(Body::Full(bytes.clone())),
            Body::Stream(_) => None,
        }
        .filter(|_| credential.can_renew())
        .map(|body| Request {
            method: request.method.clone(),
            url: request.url.clone(),
            headers: request.headers.clone(),
            body,
            cf: None,
        });
        let attached = self.attach(credential, agent, tokens, &mut request, None).await;
        let mut sent = attached
            .inspect_err(|_| note(open, Verdict::Deny, By::Credential))?
            .unwrap_or_default();
        let mut response = self.send(way, host, request, open).await?;
        if response.status != StatusCode::UNAUTHORIZED {
            credential.accepted(&sent);
        } else if let Some(mut again) = again {
            let refused = sent.first().map(String::as_str);
            // Where no other token can be had now, the upstream's answer stays.
            if let Some(renewed) = self.attach(credential, agent, tokens, &mut again, refused).await? {
                response = self.send(way, host, again, open).await?;
                if response.status != StatusCode::UNAUTHORIZED {
                    credential.accepted(&renewed);
                }
                sent.extend(renewed);
            }
        }
        redact(response, credential, &sent)
    }

    fn way(
        &self,
        caller: CallerId,
        agent: &Attested,
        index: Option<u32>,
        binding: Option<&Binding>,
    ) -> Result<Way, NoClient> {
        if let Some(upstream) = &self.upstream {
            let via = Via {
                agent: agent.name.clone(),
                credential: binding.and_then(Binding::credential_name),
                certificate: binding.and_then(Binding::certificate_name),
            };
            return Ok(Way::Mock(Rc::clone(upstream), via));
        }
        let known = self.agents.get(caller);
        Ok(Way::Network {
            sockets: known.map_or(Limits::AGENT.sockets, |known| known.sockets),
            client: self.clients.get(caller, agent, index, binding)?,
            certified: binding.is_some_and(|binding| binding.certificate.is_some()),
        })
    }

    pub(super) fn binding(&self, index: Option<u32>) -> Result<Option<&Binding>, FetchError> {
        let Some(index) = index else { return Ok(None) };
        usize::try_from(index)
            .ok()
            .and_then(|index| self.network.bindings.get(index))
            .map(Some)
            .ok_or_else(|| FetchError::Invalid("there is no such binding".into()))
    }

    /// The answer of the owner's rules for the policy, where they deny.
    pub(super) fn denied(&self, request: &Request, host: &str, whose: &Whose<'_>, open: &mut Open) -> Option<Response> {
        match self.network.egress.as_ref()?.judge(Subject::from(request)) {
            Judged::Allow { rule } => {
                open.rule(&rule);
                None
            }
            Judged::Audit(denial) => {
                note(open, Verdict::Audit, By::Rule);
                open.rule(&denial.rule);
                let Whose {
                    agent,
                    tenant,
                    request_id,
                } = whose;
                tracing::warn!(target: "egress", agent, tenant, request_id = &**request_id, host, rule = &*denial.rule, "audited: would be denied for its {}", denial.outside);
                None
            }
            Judged::Deny(denial) => {
                note(open, Verdict::Deny, By::Rule);
                open.rule(&denial.rule);
                DenialLine {
                    agent: whose.agent,
                    tenant: whose.tenant,
                    request_id: &whose.request_id,
                    method: request.method.as_str(),
                    host,
                }
                .tell(&by_rule(&denial));
                Some(problem(&denial, host))
            }
        }
    }

    async fn attach(
        &self,
        credential: &Credential,
        agent: &Attested,
        tokens: &dyn TokenClient,
        request: &mut Request,
        refused: Option<&str>,
    ) -> Result<Option<Sent>, FetchError> {
        let mint = |audience: &str| match &self.network.identity {
            Some(issuer) => issuer.token(agent, &[audience.to_owned()], serde_json::Map::new()),
            None => Err("there is no [identity] in workerd-lite.toml".to_owned()),
        };
        let host = Host { tokens, mint: &mint };
        if credential.redact_body {
            // What comes back must be readable to be cleaned.
            prepare(&mut request.headers);
        }
        credential
            .attach(request, &host, refused)
            .await
            .map_err(|error| FetchError::Network(error.to_string()))
    }

    async fn send(&self, way: &Way, host: &str, request: Request, open: &mut Open) -> Result<Response, FetchError> {
        let sent = self.exchange(way, host, request, open).await;
        if let Err(SendError::Denied { .. }) = &sent {
            note(open, Verdict::Deny, By::Address);
        }
        Ok(sent?)
    }

    async fn exchange(&self, way: &Way, host: &str, request: Request, open: &mut Open) -> Result<Response, SendError> {
        let (client, certified, sockets) = match way {
            Way::Network {
                client,
                certified,
                sockets,
            } => (client, *certified, *sockets),
            Way::Mock(upstream, via) => return Ok(upstream.answer(via.clone(), request).await?),
        };
        let timeouts = self.network.timeouts;
        let progress = Progress::default();
        let length = request.body.length();
        let asks = is_handshake(&request);
        let rules = self.network.egress.as_ref();
        let h2c = !asks && rules.is_some_and(|rules| rules.wants_h2c(Subject::from(&request)));
        let announces = length.is_none().then(|| request.body.trailers()?.announcement());
        let mut outgoing = http::Request::new(request_body(request.body, &request.headers, progress.clone()));
        *outgoing.method_mut() = request.method;
        *outgoing.uri_mut() = request
            .url
            .as_str()
            .parse()
            .map_err(|_| FetchError::Invalid("the URL is none that HTTP can name".into()))?;
        *outgoing.headers_mut() = request.headers;
        if let Some(names) = announces.flatten() {
            outgoing.headers_mut().insert(header::TRAILER, names);
        }
        // A method whose content has a meaning says that there is none (RFC 9110, section 8.6).
        let has_content = matches!(*outgoing.method(), Method::POST | Method::PUT | Method::PATCH);
        if has_content && length == Some(0) {
            outgoing.headers_mut().insert(header::CONTENT_LENGTH, 0.into());
        }
        // hyper takes it that a GET without a length has no body. Over HTTP/2 it takes the field away.
        if length.is_none() && matches!(*outgoing.method(), Method::GET | Method::HEAD) {
            outgoing
                .headers_mut()
                .insert(header::TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        }
        if is_grpc(outgoing.headers()) {
            // Its servers want to hear that their status is read where they put it (gRPC over HTTP/2, "Requests").
            outgoing
                .headers_mut()
                .insert(header::TE, HeaderValue::from_static("trailers"));
        }
        let key = asks.then(|| Key::offer(outgoing.headers_mut(), sockets.compression));
        // Pinned where it is: it is large, and would be copied by each that waits for it.
        let executing = pin!(async {
            match &key {
                // Few are, and it would make the future of all others twice as large.
                Some(_) => Box::pin(client.switch(outgoing)).await,
                None if h2c => Box::pin(client.execute_h2c(outgoing)).await,
                None => client.execute(outgoing).await,
            }
        });
        let executed = timed(progress.within(timeouts.first_byte, executing), open).await;
        let response = executed
            .ok_or_else(|| {
                open.unconnected(ConnectError::Timeout);
                FetchError::Network(format!("{host}: no response in time: see [timeouts] first_byte"))
            })?
            .map_err(|error| {
                if let Some(kind) = kind(&error) {
                    open.unconnected(kind);
                }
                explain(host, certified, &error)
            })?;
        let mut response = response;
        let mut upgrading = None;
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            let Some(key) = &key else {
                return Err(FetchError::Network(format!("{host}: the upstream wants to switch protocols")).into());
            };
            let checked = key.check(response.headers());
            let compression = checked.map_err(|why| FetchError::Network(format!("{host}: {why}")))?;
            let sockets = SocketLimits { compression, ..sockets };
            upgrading = Some((hyper::upgrade::on(&mut response), sockets));
        }
        let (mut head, body) = response.into_parts();
        let busy = head.extensions.remove();
        if head.headers.len() > MAX_FIELDS {
            return Err(FetchError::Network(format!("{host}: the response has too many headers")).into());
        }
        if let Some((upgrading, sockets)) = upgrading {
            let traffic = head.extensions.get::<Arc<Traffic>>().cloned();
            let socket = Box::pin(switched(upgrading, traffic, busy, sockets)).await;
            let socket = socket.map_err(|why| FetchError::Network(format!("{host}: no WebSocket: {why}")))?;
            strip_hop_by_hop(&mut head.headers);
            for name in [header::SEC_WEBSOCKET_ACCEPT, header::SEC_WEBSOCKET_EXTENSIONS] {
                head.headers.remove(name);
            }
            return Ok(Response {
                status: head.status,
                reason: None,
                headers: head.headers,
                body: Body::Empty,
                socket: Some(socket),
            });
        }
        let trailers = Trailers::of(&head.headers);
        strip_hop_by_hop(&mut head.headers);
        let reason = head
            .extensions
            .get::<hyper::ext::ReasonPhrase>()
            .and_then(|reason| std::str::from_utf8(reason.as_bytes()).ok())
            .map(ToOwned::to_owned);
        Ok(Response {
            status: head.status,
            reason,
            body: response_body(
                Coming {
                    body,
                    busy,
                    version: head.version,
                },
                (ContentEncoding::of(&head.headers), trailers),
                timeouts,
            ),
            headers: head.headers,
            socket: None,
        })
    }
}

/// The same response. Its body's failure is noted with the client's request: what hands the body on says only that it is not whole.
fn noted(mut response: Response, trace: &Trace) -> Response {
    let usage = Arc::clone(trace.usage());
    response.body = response.body.map_stream(|stream| {
        let noted = stream.inspect(move |chunk| {
            if let Err(BodyError::Cut | BodyError::Idle) = chunk {
                usage.broken.by_upstream();
            }
        });
        noted.boxed_local()
    });
    response
}

/// Whether it calls by gRPC, and not by gRPC-Web, whose trailers are in the body.
fn is_grpc(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let rest = kind.and_then(|kind| kind.strip_prefix(b"application/grpc"));
    rest.is_some_and(|rest| matches!(rest, [] | [b'+' | b';', ..]))
}

pub(super) fn note(open: &mut Open, verdict: Verdict, by: By) {
    let span = Span::current();
    span.record("verdict", tracing::field::debug(verdict));
    span.record("by", tracing::field::debug(by));
    open.verdict(verdict, by);
}

/// Whose request it is, for the log.
pub(super) struct Whose<'a> {
    agent: &'a str,
    tenant: Option<&'a str>,
    request_id: Rc<str>,
}

impl<'a> Whose<'a> {
    pub(super) fn of(agent: &'a Attested, origin: &Origin) -> Self {
        Self {
            agent: &agent.name,
            tenant: agent.tenant.as_deref(),
            request_id: origin.trace.request_id(),
        }
    }

    pub(super) fn denied(&self, host: &str, why: &impl std::fmt::Display) {
        let Self {
            agent,
            tenant,
            request_id,
        } = self;
        tracing::warn!(target: "egress", agent, tenant, request_id = &**request_id, host, "denied: {why}");
    }
}
