//! Every request of an agent passes here: its rules first, then the outbound worker; or it is denied.

use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use deno_error::JsErrorBox;
use futures_util::StreamExt as _;
use futures_util::future::LocalBoxFuture;
use tracing::Instrument as _;
use workerd_lite_ops::account::{Account, AgentId};
use workerd_lite_ops::egress::{Egress, EgressHandle};
use workerd_lite_ops::loading::LoaderHandle;
use workerd_lite_ops::rpc::Capability;
use workerd_lite_ops::trace::{Asked, Trace};
use workerd_lite_ops::worker_log;
use workerd_lite_ops::{Body, BodyError, EventError, FetchError, Origin, Request, Response, Target, Termination};

use super::callable::Callable;
use super::callee::Callees;
use super::error_page;
use super::grant::{Grant, Offers};
use super::known::context_agent;
use super::line::{Line, Service};
use super::line_fetch::Found;
use super::live_call::LiveCall;
use super::policies::Policies;
use super::tail::{self, TailWorker};
use crate::assets::Assets;
use crate::audit::{By, DenialLine, Open, Verdict, shortened};
use crate::egress::Network;
use crate::identity::Attested;
use crate::limits::Progress;
use crate::metrics;
use crate::rules::{Rules, Subject, Verdict as Judged, by_rule, named_rule, problem};

/// An agent's way out: its outbound worker, and nothing else.
pub(super) struct OutboundGate {
    pub(super) network: Arc<Network>,
    pub(super) agent: Rc<Attested>,
    pub(super) policies: Option<Policies>,
    /// The agent's place in the project.
    pub(super) place: usize,
    pub(super) rules: Option<Rules>,
    pub(super) timeout: Duration,
    pub(super) services: Rc<[Rc<Grant>]>,
    /// Where agents are that it may call.
    pub(super) callees: Option<Weak<dyn Callees>>,
    /// Its own files.
    pub(super) assets: Option<Arc<Assets>>,
    /// Who is told of its events.
    pub(super) tails: Vec<(TailWorker, Option<Neighbour>)>,
    /// What the agent loads workers by, where it may.
    pub(super) loader: Option<LoaderHandle>,
    /// Where it is a worker that was loaded.
    pub(super) loaded: Option<LoadedAgent>,
}

/// Finds another agent, and its account.
pub(super) type Neighbour = Box<dyn Fn() -> Option<(Callable, Option<Arc<Account>>)>>;

/// The ways out of what an agent loads, by what is attested of it.
pub(super) type LoadedWays = Box<dyn Fn(Attested) -> EgressHandle>;

/// A loaded worker, as the policy sees it.
#[derive(Clone)]
pub(super) struct LoadedAgent {
    attested: Rc<Attested>,
    /// `ctx.agent`, as JSON.
    agent: Rc<str>,
    /// The agent that has loaded it: other agents know that alone.
    parent: Rc<Attested>,
    /// The account of that.
    account: Option<Arc<Account>>,
}

impl LoadedAgent {
    fn new(attested: Rc<Attested>, parent: Rc<Attested>, account: Option<Arc<Account>>) -> Self {
        Self {
            parent,
            agent: context_agent(&attested).to_string().into(),
            attested,
            account,
        }
    }

    /// The policy's part of a request's way, for which the configured agent has to answer.
    fn trace(&self, trace: &Trace) -> Trace {
        let child = trace.child_for(self.account.as_ref());
        child.is_on_behalf(Rc::<Attested>::clone(&self.attested));
        child
    }
}

impl OutboundGate {
    /// The ways out of what the agent loads: the same policy and the same rules, under another name.
    pub(super) fn ways(&self, account: Option<Arc<Account>>) -> LoadedWays {
        let (network, policies, rules) = (Arc::clone(&self.network), self.policies.clone(), self.rules.clone());
        let (place, timeout, services) = (self.place, self.timeout, Rc::clone(&self.services));
        let (assets, callees, parent) = (self.assets.clone(), self.callees.clone(), Rc::clone(&self.agent));
        Box::new(move |attested| {
            let agent = Rc::new(attested);
            Rc::new(Self {
                network: Arc::clone(&network),
                agent: Rc::clone(&agent),
                policies: policies.clone(),
                place,
                rules: rules.clone(),
                timeout,
                // Of these it has what it is given: `Way` says which.
                services: Rc::clone(&services),
                callees: callees.clone(),
                assets: assets.clone(),
                // Who is told of what it does says whoever loads it.
                tails: Vec::new(),
                loader: None,
                loaded: Some(LoadedAgent::new(agent, Rc::clone(&parent), account.clone())),
            })
        })
    }

    /// The same, for an agent that loads workers.
    pub(super) fn with_loader(mut self, loader: LoaderHandle) -> Self {
        self.loader = Some(loader);
        self
    }

    /// The policy's part of an event's way, and on whose behalf it is asked where that is not the configured agent.
    fn to_policy(&self, origin: &Origin) -> (Rc<Trace>, Option<Target>) {
        match &self.loaded {
            Some(loaded) => (
                Rc::new(loaded.trace(&origin.trace)),
                Some(Target::Agent(Rc::clone(&loaded.agent))),
            ),
            None => (Rc::new(origin.trace.child()), None),
        }
    }

    /// Who calls, as other agents know it: the configured agent, also where it has lent a service to what it has loaded.
    fn caller(&self) -> &Rc<Attested> {
        self.loaded.as_ref().map_or(&self.agent, |loaded| &loaded.parent)
    }

    /// What is behind a service.
    fn found(&self, origin: &Origin, service: u32) -> Result<Found, FetchError> {
        let place = usize::try_from(service).unwrap_or(usize::MAX);
        let grant = self.services.get(place).ok_or(FetchError::OutboundWorker)?;
        let line = |trace: &Rc<Trace>, callee| Line {
            network: Arc::clone(&self.network),
            agent: Rc::clone(&self.agent),
            ends: (self.place, callee),
            grant: Rc::clone(grant),
            trace: Rc::clone(trace),
        };
        let callees = self.callees.as_ref().and_then(Weak::upgrade);
        let caller = self.caller();
        let props = || serde_json::Value::Object(grant.props.clone()).to_string();
        let pretended = callees
            .as_ref()
            .and_then(|callees| callees.pretended(&caller.name, &grant.binding));
        if let Some(cell) = pretended {
            let trace = Rc::new(origin.trace.child());
            return Ok(Found {
                line: line(&trace, Some(usize::MAX)),
                cell: cell.into(),
                // The one that stands for the network.
                origin: Origin { caller: 1, trace },
                door: 0,
                target: Some(Target::Entrypoint {
                    entrypoint: Some(grant.binding.clone()),
                    props: props(),
                }),
                timeout: self.timeout,
            });
        }
        let id = match &grant.offers {
            Offers::Outbound => {
                let policies = self.policies.as_ref().ok_or(FetchError::NoOutboundWorker)?;
                let (cell, caller) = policies.of(self.place).ok_or(FetchError::OutboundWorker)?;
                let (trace, target) = self.to_policy(origin);
                let before = &self.services[..place];
                let before = before.iter().filter(|grant| grant.is_to_policy()).count();
                let door = u32::try_from(before).unwrap_or(u32::MAX);
                return Ok(Found {
                    line: line(&trace, None),
                    cell,
                    origin: Origin { caller, trace },
                    door,
                    target,
                    timeout: self.timeout,
                });
            }
            Offers::Agent(id) => id,
            Offers::Assets => {
                let why = format!("TypeError: env.{} has no method but fetch()", grant.binding);
                return Err(FetchError::Loaded(JsErrorBox::type_error(why)));
            }
        };
        let failed = |why: &str| FetchError::Loaded(JsErrorBox::generic(format!("RPC failed: {why}")));
        let callee = callees.and_then(|callees| callees.callee((self.place, caller), id));
        let callee = callee.ok_or_else(|| failed("the agent can not be called now"))?;
        let deeper = origin.trace.deeper(callee.account.as_ref());
        let trace = deeper.ok_or_else(|| failed("too many workers have called each other for one request"))?;
        let trace = Rc::new(trace);
        Ok(Found {
            // It is the caller's egress, and the callee's event.
            line: line(&Rc::new(origin.trace.child()), Some(callee.place)),
            cell: callee.cell,
            origin: Origin {
                caller: callee.caller,
                trace,
            },
            door: 0,
            target: Some(Target::Entrypoint {
                entrypoint: grant.entrypoint.clone(),
                props: props(),
            }),
            timeout: callee.wall,
        })
    }

    /// The agent's assets, where they are this service and no test has put something in their place.
    fn own_assets(&self, service: u32) -> Option<Arc<Assets>> {
        let grant = self.services.get(usize::try_from(service).ok()?)?;
        let callees = self.callees.as_ref().and_then(Weak::upgrade);
        let pretended = callees.and_then(|callees| callees.pretended(&self.caller().name, &grant.binding));
        if grant.offers != Offers::Assets || pretended.is_some() {
            return None;
        }
        self.assets.clone()
    }

    fn tell_denied(&self, trace: &Trace, method: &http::Method, host: &str, why: &str) {
        DenialLine {
            agent: &self.agent.name,
            tenant: self.agent.tenant.as_deref(),
            request_id: &trace.request_id(),
            method: method.as_str(),
            host,
        }
        .tell(why);
    }

    /// The answer of the agent's own rules, where they deny.
    fn denied(&self, trace: &Trace, request: &mut Request) -> Option<Response> {
        let judged = self.rules.as_ref()?.judge(Subject::from(&*request));
        let host = shortened(request.url.host_str().unwrap_or_default()).into_owned();
        match judged {
            Judged::Allow { .. } => None,
            Judged::Audit(denial) => {
                tracing::warn!(
                    target: "egress",
                    agent = self.agent.name,
                    tenant = self.agent.tenant,
                    request_id = &*trace.request_id(),
                    host,
                    rule = &*denial.rule,
                    "audited: would be denied for its {}",
                    denial.outside
                );
                let _ = trace.audited.set((*denial.rule).into());
                None
            }
            Judged::Deny(denial) => {
                let response = problem(&denial, &host);
                self.tell_denied(trace, &request.method, &host, &by_rule(&denial));
                let mut open = self.network.record(&self.agent, trace, request);
                open.verdict(Verdict::Deny, By::Rule);
                open.rule(&denial.rule);
                Some(open.response(response))
            }
        }
    }
}

impl Egress for OutboundGate {
    fn service(&self, origin: &Origin, service: u32) -> Result<Capability, FetchError> {
        let Found {
            line,
            cell,
            origin,
            door,
            target,
            ..
        } = self.found(origin, service)?;
        Ok(Rc::new(Service {
            line: Rc::new(line),
            cell,
            origin,
            door,
            target,
        }))
    }

    fn fetch_service(
        &self,
        origin: &Origin,
        service: u32,
        request: Request,
    ) -> LocalBoxFuture<'static, Result<Response, FetchError>> {
        if let Some(assets) = self.own_assets(service) {
            let account = origin.trace.account().cloned();
            return Box::pin(async move { Ok(assets.fetch(&request, account.as_ref()).await) });
        }
        match self.found(origin, service) {
            Ok(found) => Box::pin(found.fetch(request)),
            Err(error) => Box::pin(std::future::ready(Err(error))),
        }
    }

    fn is_tailed(&self) -> bool {
        !self.tails.is_empty()
    }

    fn tell(&self, origin: &Origin, item: &serde_json::Value) {
        for (worker, neighbour) in &self.tails {
            let origin = tail::origin(origin);
            let found = match (worker, neighbour, &self.policies) {
                (TailWorker::Policy(entrypoint), _, Some(policies)) => {
                    policies.of(self.place).map(|(handle, caller)| {
                        let origin = Origin { caller, ..origin };
                        let target = tail::target(entrypoint.as_ref());
                        tail::Entrypoint { handle, origin, target }
                    })
                }
                (TailWorker::Agent(_, entrypoint), Some(neighbour), _) => neighbour().map(|(handle, account)| {
                    let trace = Rc::new(origin.trace.child_for(account.as_ref()));
                    let origin = Origin { caller: 0, trace };
                    let target = tail::target(entrypoint.as_ref());
                    tail::Entrypoint { handle, origin, target }
                }),
                _ => None,
            };
            match found {
                Some(found) => tail::tell(&found, &self.agent.name, item),
                None => {
                    tracing::warn!(target: "worker", worker = self.agent.name, "its tail worker can not be told: it is gone");
                }
            }
        }
    }

    fn loader(&self) -> Option<LoaderHandle> {
        self.loader.clone()
    }

    fn fetch(
        &self,
        origin: &Origin,
        _binding: Option<u32>,
        mut request: Request,
    ) -> LocalBoxFuture<'static, Result<Response, FetchError>> {
        let (trace, target) = self.to_policy(origin);
        let auditor = self.network.audit.as_ref();
        let mut live = auditor.and_then(|auditor| LiveCall::begin(auditor, &self.agent, &trace, &mut request));
        let shown = live.is_some();
        let Some(policies) = &self.policies else {
            if let Some(live) = live {
                live.failed(
                    "no outbound worker is configured: every fetch is denied".to_owned(),
                    None,
                );
            }
            return Box::pin(std::future::ready(Err(FetchError::NoOutboundWorker)));
        };
        if let Some(response) = self.denied(&trace, &mut request) {
            if let Some(live) = live {
                live.judged_by_rule().answered(response.status);
            }
            return Box::pin(std::future::ready(Ok(response)));
        }
        if let Some(live) = live.as_mut().filter(|_| trace.audited.get().is_some()) {
            live.is_audited();
        }
        if self.network.propagate_trace {
            trace.add(&mut request.headers);
        }
        if shown {
            let _ = trace.asked.set(Asked {
                method: request.method.clone(),
                url: request.url.clone(),
                headers: request.headers.clone(),
            });
        }
        let host = shortened(request.url.host_str().unwrap_or_default()).into_owned();
        let progress = Progress::default();
        let sent = progress.clone();
        request.body = request
            .body
            .map_stream(|stream| stream.inspect(move |_| sent.tick()).boxed_local());
        let Some((outbound, caller)) = policies.of(self.place) else {
            return Box::pin(std::future::ready(Err(FetchError::OutboundWorker)));
        };
        // What the policy answers without the network is recorded here, all else where it goes out.
        let own = Origin {
            caller,
            trace: Rc::clone(&trace),
        };
        let auditing = self.network.audit.is_some();
        let mut head = auditing.then(|| Request {
            method: request.method.clone(),
            url: request.url.clone(),
            headers: if shown {
                request.headers.clone()
            } else {
                http::HeaderMap::new()
            },
            body: Body::Empty,
            cf: None,
        });
        let network = Arc::clone(&self.network);
        let agent = auditing.then(|| self.agent.clone());
        let again = Again::of(&outbound, &request, &own);
        let method = request.method.clone();
        let answer = outbound.dispatch_to(request, own, target.clone());
        let timeout = self.timeout;
        let graph = live.as_ref().and_then(|_| policies.graph().cloned());
        let configured = self.agent.parent.as_ref().unwrap_or(&self.agent.name);
        let id = AgentId::new(self.agent.tenant.as_deref(), configured);
        let span = tracing::debug_span!(
            target: "policy",
            "policy",
            request_id = &*trace.request_id(),
            agent = self.agent.name,
            tenant = self.agent.tenant,
            host,
        );
        let judging = async move {
            let mut open = || {
                if trace.egresses.get() > 0 {
                    return None;
                }
                Some(match (agent.as_ref(), head.as_mut()) {
                    (Some(agent), Some(head)) => network.record(agent, &trace, head),
                    _ => Open::count(&trace),
                })
            };
            let mut by = By::Policy;
            let mut text = None;
            let mut answered = progress.within(timeout, answer).await;
            if let (Some(Err(EventError::Shutdown)), Some(again)) = (&answered, again) {
                if again.may_pass(&trace) {
                    answered = progress
                        .within(timeout, outbound.dispatch_to(again.request, again.origin, target))
                        .await;
                }
            }
            let why = match answered {
                Some(Ok(mut response)) => {
                    // What the policy's stream says of its failure is not for the agent.
                    response.body = response
                        .body
                        .map_stream(|stream| stream.map(|chunk| chunk.map_err(|_| BodyError::Cut)).boxed_local());
                    if let Some(live) = live {
                        live.answered(response.status);
                    }
                    let Some(mut open) = open() else { return Ok(response) };
                    let denied = response.status.is_client_error() || response.status.is_server_error();
                    open.verdict(if denied { Verdict::Deny } else { Verdict::Answer }, By::Policy);
                    if denied {
                        let rule = named_rule(&response);
                        if let Some(rule) = &rule {
                            open.rule(rule);
                        }
                        let rule = rule.map(|rule| format!(" ({rule})")).unwrap_or_default();
                        DenialLine {
                            agent: &id.name,
                            tenant: id.tenant.as_deref(),
                            request_id: &trace.request_id(),
                            method: method.as_str(),
                            host: &host,
                        }
                        .tell(&format!("by the policy{rule}: {}", response.status.as_u16()));
                    }
                    return Ok(open.response(response));
                }
                Some(Err(error)) => {
                    text = graph.map(|graph| error_page::text(&error, &graph));
                    if let EventError::Terminated(why) = error {
                        by = By::Limit;
                        if matches!(why, Termination::Cpu | Termination::Memory) {
                            metrics::ended(&id, why);
                            if let Some(audit) = &network.audit {
                                audit.ended(&id, why, &trace.request_id());
                            }
                        }
                    }
                    error.details()
                }
                None => {
                    by = By::Limit;
                    format!("it gave no response within {timeout:?}: see [timeouts] policy")
                }
            };
            // The owner reads why. The agent does not.
            let request_id = trace.request_id();
            if !worker_log::note(|| format!("the outbound worker failed: {why}")) {
                tracing::error!(target: "outbound", agent = &*id.name, tenant = id.tenant.as_deref(), host, request_id = &*request_id, "the outbound worker failed: {why}");
            }
            if let Some(live) = live {
                let limit = (by == By::Limit).then(|| why.clone());
                let text = text.unwrap_or(why);
                trace.policy_failed(text.clone());
                live.failed(text, limit);
            }
            if let Some(mut open) = open() {
                open.verdict(Verdict::Deny, by);
                open.error("the outbound worker failed");
            }
            Err(FetchError::OutboundWorker)
        };
        Box::pin(judging.instrument(span))
    }
}

/// A request that may pass the policy once more, where the policy's isolate was stopped for another agent: it has no body, and
/// nothing has come of it yet, or what comes of it may come twice (RFC 9110, section 9.2.2).
struct Again {
    request: Request,
    origin: Origin,
}

impl Again {
    fn of(outbound: &Callable, request: &Request, origin: &Origin) -> Option<Self> {
        let again = outbound.is_shared() && matches!(request.body, Body::Empty);
        again.then(|| Self {
            request: Request {
                method: request.method.clone(),
                url: request.url.clone(),
                headers: request.headers.clone(),
                body: Body::Empty,
                cf: None,
            },
            origin: origin.clone(),
        })
    }

    fn may_pass(&self, trace: &Trace) -> bool {
        self.request.method.is_safe() || trace.egresses.get() == 0
    }
}
