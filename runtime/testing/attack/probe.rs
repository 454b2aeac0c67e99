//! One request in an agent's name, and what came of it.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use deno_core::url::Url;
use http::{Method, header};
use workerd_lite_ops::head::strip_hop_by_hop;
use workerd_lite_ops::websocket::mark;
use workerd_lite_ops::{Body, EventError, Origin, Request, Response, Target, Termination};

use super::answer::{Answer, Echo};
use super::ask::{Ask, parse};
use super::attackers::Attacker;
use super::judge::{self, Secrets, Violation};
use super::named::Named;
use super::readings::{folded, readings};
use super::upstream::{Behaviour, Recorder, Seen};
use crate::diagnostic::SourceDiagnostic;
use crate::host::Instance;
use crate::serve::Loaded;

/// How many redirects an agent follows.
const HOPS: usize = 4;

/// How long one request may take.
const LIMIT: Duration = Duration::from_secs(5);

/// How a policy is told that its own request was refused: upstreams answer here.
const REFUSED: &str = "fetch failed";

/// A credential that could not be had is no refusal.
const UNAVAILABLE: &str = "is not available";

/// How often a policy may be stopped by what it is asked for named hosts.
const STOPPED: usize = 20;

/// What came of one.
#[derive(Default)]
pub(super) struct Got {
    pub(super) violations: Vec<Violation>,
    seen: Vec<Seen>,
}

impl Got {
    /// What upstreams were given with a request for a path, in some reading: nothing where no such request came.
    pub(super) fn power(&self, path: &str, below: bool) -> Option<BTreeSet<String>> {
        let wanted = folded(path);
        let prefix = format!("{}/", wanted.trim_end_matches('/'));
        let is_it = |read: &String| *read == wanted || (below && read.starts_with(&prefix));
        let reached = self
            .seen
            .iter()
            .filter(|seen| readings(seen.url.path()).iter().any(is_it));
        let mut carried = None;
        for seen in reached {
            carried
                .get_or_insert_with(BTreeSet::new)
                .extend(seen.carried.iter().cloned());
        }
        carried
    }

    /// What one host is given with a request for a path: nothing where no such request came.
    pub(super) fn power_at(&self, host: &str, path: &str) -> Option<BTreeSet<String>> {
        let wanted = folded(path);
        let mut reached = self.seen.iter().filter(|seen| {
            seen.url.host_str() == Some(host) && readings(seen.url.path()).iter().any(|read| *read == wanted)
        });
        reached.next().map(|seen| seen.carried.clone())
    }

    /// What went out.
    pub(super) fn seen(&self) -> &[Seen] {
        &self.seen
    }
}

/// How the policy behaves when nothing is wrong.
#[derive(Debug, Default, Clone)]
pub(super) struct Plain {
    /// How many requests there were.
    pub(super) asked: usize,
    /// How many of them ended in an exception of the policy, or in its end.
    pub(super) failed: usize,
    /// How many reached an upstream.
    pub(super) passed: usize,
    /// Why the first failed.
    pub(super) why: Option<String>,
}

/// Asks a policy, isolates of which are made anew where one was ended.
pub(super) struct Prober<'a> {
    loaded: &'a Loaded,
    pub(super) named: &'a Named,
    secrets: &'a Secrets,
    attackers: &'a [Attacker],
    recorder: Rc<Recorder>,
    instance: Instance,
    /// What the policy made of requests for hosts that are named, with upstreams that answer.
    pub(super) plain: Plain,
    /// How often the policy gave no answer.
    late: usize,
    /// How often it was stopped.
    stopped: usize,
    pub(super) asked: usize,
}

impl<'a> Prober<'a> {
    pub(super) async fn new(
        loaded: &'a Loaded,
        named: &'a Named,
        secrets: &'a Secrets,
        attackers: &'a [Attacker],
    ) -> Result<Self, SourceDiagnostic> {
        let bindings = loaded.project.network().bindings.iter();
        let credentials = bindings.filter_map(|binding| binding.credential.as_ref());
        let tokens = credentials.filter_map(|credential| credential.token_endpoint());
        // As requests have them.
        let tokens = tokens.map(|endpoint| endpoint.parse::<Url>().map_or(endpoint, String::from));
        let recorder = Rc::new(Recorder::giving(tokens.collect()));
        Ok(Self {
            instance: Instance::mocked(&loaded.project, Rc::<Recorder>::clone(&recorder)).await?,
            loaded,
            named,
            secrets,
            attackers,
            recorder,
            plain: Plain::default(),
            late: 0,
            stopped: 0,
            asked: 0,
        })
    }

    /// Isolates without what earlier requests left in them.
    pub(super) async fn renew(&mut self) -> Result<(), SourceDiagnostic> {
        self.instance.abort();
        self.instance = Instance::mocked(&self.loaded.project, Rc::<Recorder>::clone(&self.recorder)).await?;
        Ok(())
    }

    pub(super) fn end(self) {
        self.instance.abort();
    }

    /// Asks in an agent's name, and follows redirects as agents do.
    pub(super) async fn ask(&mut self, ask: &Ask, attacker: usize) -> Result<Got, SourceDiagnostic> {
        self.asked += 1;
        let Some(Attacker { place: agent, door, .. }) = self.attackers.get(attacker) else {
            return Ok(Got::default());
        };
        let (agent, door) = (*agent, *door);
        let is_sample = self.named.samples().any(|host| ask.url.host_str() == Some(host));
        // A policy without a handler for connections denies them so.
        let is_request = ask.method != Method::CONNECT && door.is_none();
        let is_plain = is_request && ask.behaviour.is_none() && (is_sample || self.named.names(&ask.url));
        let mut failed = None;
        let mut got = Got::default();
        let mut headers = ask.headers.clone();
        strip_hop_by_hop(&mut headers);
        headers.remove(header::HOST);
        if ask.websocket {
            mark(&mut headers);
        }
        let (mut url, mut method) = (ask.url.clone(), ask.method.clone());
        for _ in 0..HOPS {
            let asked = url.host_str().unwrap_or_default().to_owned();
            let usual = match &ask.answer {
                // A stranger tries to make the most of it.
                answer if !self.named.names(&url) => {
                    let echo = Answer::Echo { echo: Echo::Headers };
                    Behaviour::Asked(asked, answer.clone().unwrap_or(echo))
                }
                Some(answer @ Answer::Redirect { .. }) => Behaviour::Redirects(url.path().to_owned(), answer.clone()),
                Some(answer @ Answer::Echo { .. }) => Behaviour::All(answer.clone()),
                None => Behaviour::Quiet,
            };
            self.recorder.expect(ask.behaviour.clone().unwrap_or(usual));
            // What an agent calls has no rules of the agent before it.
            if door.is_none() && !self.loaded.project.may_ask(agent, (&method, &url), ask.websocket) {
                break;
            }
            let request = Request {
                method: method.clone(),
                url: url.clone(),
                headers: headers.clone(),
                body: ask
                    .body
                    .clone()
                    .map_or(Body::Empty, |body| Body::Full(Bytes::from(body))),
                cf: None,
            };
            let Some((cell, caller)) = self.instance.policy_cell(agent) else {
                break;
            };
            let origin = Origin {
                caller,
                trace: Rc::default(),
            };
            let target = door.map(|door| Target::Door(door, None));
            let answer = tokio::time::timeout(LIMIT, cell.dispatch_to(request, origin, target)).await;
            // What the policy does not wait for.
            for _ in 0..4 {
                tokio::task::yield_now().await;
            }
            let response = match answer {
                Ok(Ok(response)) => Some(response),
                Ok(Err(error @ (EventError::Terminated(_) | EventError::Shutdown))) => {
                    if let (EventError::Terminated(why), true) = (&error, is_plain) {
                        self.stopped(*why)?;
                    }
                    failed = Some(error.to_string());
                    self.renew().await?;
                    None
                }
                Ok(Err(error @ EventError::Exception { .. })) => {
                    let details = error.details();
                    // What rules and credentials refuse is denied, and not a failure.
                    if !details.contains(REFUSED) || details.contains(UNAVAILABLE) {
                        let lines: Vec<&str> = details.lines().take(2).map(str::trim).collect();
                        failed = Some(lines.join(" "));
                    }
                    None
                }
                Err(_) => {
                    self.late()?;
                    self.renew().await?;
                    None
                }
            };
            let next = response.as_ref().and_then(|response| redirected(response, &url));
            let back = match response {
                Some(response) => judge::answer(response, self.secrets).await,
                None => Vec::new(),
            };
            for mut seen in self.recorder.take() {
                got.violations
                    .extend(judge::request(&mut seen, self.secrets, self.named));
                got.seen.push(seen);
            }
            got.violations.extend(back);
            let mut known = Vec::new();
            got.violations.retain(|violation| {
                let new = !known.contains(violation);
                known.push(violation.clone());
                new
            });
            let Some((status, next)) = next else { break };
            // Fetch, "HTTP-redirect fetch", step 12.
            if status == 303 || (matches!(status, 301 | 302) && method == Method::POST) {
                method = Method::GET;
            }
            url = next;
        }
        if is_plain {
            self.plain.asked += 1;
            self.plain.passed += usize::from(!got.seen.is_empty());
            if let Some(why) = failed {
                self.plain.failed += 1;
                self.plain.why.get_or_insert(why);
            }
        }
        Ok(got)
    }

    /// Its isolate was stopped, by a request that a named host is asked by: where that goes on, each costs its whole limit.
    fn stopped(&mut self, why: Termination) -> Result<(), SourceDiagnostic> {
        self.stopped += 1;
        if self.stopped < STOPPED {
            return Ok(());
        }
        Err(
            SourceDiagnostic::new(format!("the policy was stopped {STOPPED} times: {why}"))
                .with_help("Look for a loop without an end in it: see [outbound.limits]"),
        )
    }

    fn late(&mut self) -> Result<(), SourceDiagnostic> {
        self.late += 1;
        if self.late < 3 {
            return Ok(());
        }
        Err(
            SourceDiagnostic::new(format!("the policy gave no answer within {LIMIT:?}, three times"))
                .with_help("Upstreams answer at once here: look for what the policy waits for"),
        )
    }
}

/// Where an answer leads.
fn redirected(response: &Response, url: &Url) -> Option<(u16, Url)> {
    let location = response.headers.get(header::LOCATION)?;
    if !response.status.is_redirection() {
        return None;
    }
    let next = url.join(location.to_str().ok()?).ok()?;
    Some((response.status.as_u16(), parse(next.as_str())?))
}
