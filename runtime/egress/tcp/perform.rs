//! One connection: rules, certificate, address, TLS.

use std::rc::Rc;
use std::sync::Arc;

use deno_core::unsync::spawn;
use deno_core::url::Url;
use http::{HeaderMap, Method, StatusCode, Uri};
use workerd_lite_ops::account::Account;
use workerd_lite_ops::tcp::{Secure, authority, secure};
use workerd_lite_ops::verdict::ConnectError;
use workerd_lite_ops::websocket::socket_pair;
use workerd_lite_ops::{Body, FetchError, Origin, Request, Response};

use super::super::binding::Binding;
use super::super::connector::Opened;
use super::super::denied::Denied;
use super::super::error::{denied_by, kind_of, reason};
use super::super::perform::{Performer, Whose, note};
use super::super::upstream::Via;
use super::relay::{Relay, Stream};
use super::secured::{Judge, Tls};
use crate::audit::{By, Open, Verdict, shortened};
use crate::egress::Network;
use crate::identity::Attested;
use crate::limits::Limits;
use crate::rules::{Subject, Verdict as Judged};

/// What the owner reads where no list of rules is there: a connection is allowed by name, or not at all.
const NO_RULE: &str =
    "no rule of [[outbound.egress]] allows it: one with protocols = [\"tcp\"], this host and this port would";

impl Performer {
    /// Judges and opens a connection. Its answer has the status 101 and the script's end.
    pub(in super::super) async fn connect(
        &self,
        origin: &Origin,
        agent: &Attested,
        index: Option<u32>,
        request: Request,
        open: &mut Open,
    ) -> Result<Response, FetchError> {
        let binding = self.binding(index)?;
        if let Some(name) = binding.and_then(Binding::name) {
            open.binding(&name);
        }
        let target = authority(&request.url);
        let shown = shortened(&target).into_owned();
        let whose = Whose::of(agent, origin);
        note(open, Verdict::Allow, By::Policy);
        let failed = |why: &str| FetchError::Network(format!("{shown}: {why}"));
        if self.network.egress.is_none() || self.denied(&request, &shown, &whose, open).is_some() {
            note(open, Verdict::Deny, By::Rule);
            whose.denied(&shown, &NO_RULE);
            return Err(failed(NO_RULE));
        }
        let refused = |open: &mut Open, by: By, why: &str| {
            note(open, Verdict::Deny, by);
            whose.denied(&shown, &why);
            Err(failed(why))
        };
        if binding.is_some_and(|binding| binding.credential.is_some()) {
            let why =
                "a credential goes with no connection, over which anything may be said: use a certificate's binding";
            return refused(open, By::Credential, why);
        }
        let wanted = secure(&request.headers);
        if let Some(binding) = binding {
            if !binding.may_identify(&request.url) {
                let why = "the certificate is not for this host: see [certificates] in workerd-lite.toml";
                return refused(open, By::Certificate, why);
            }
            if wanted == Secure::Off {
                let why = "a certificate is shown under TLS alone: write secureTransport: \"on\", or \"starttls\"";
                return refused(open, By::Certificate, why);
            }
        }
        if let Some(address) = self.network.denied_literal(&request.url) {
            note(open, Verdict::Deny, By::Address);
            return Err(failed(&Denied { address }.to_string()));
        }
        let known = self.agents.get(origin.caller);
        let configured = known.as_ref().map_or(agent, |known| &known.agent);
        if let Some(upstream) = &self.upstream {
            let via = Via {
                agent: configured.name.clone(),
                credential: None,
                certificate: binding.and_then(Binding::certificate_name),
            };
            let answered = upstream.answer(via, request).await?;
            if answered.socket.is_none() {
                return Err(failed("no t.upstream(\"tcp://...\") of the test takes this connection"));
            }
            return Ok(answered);
        }
        let connector = self
            .clients
            .connector(origin.caller, configured, binding)
            .inspect_err(|_| note(open, Verdict::Deny, By::Certificate))?;
        // From here on something leaves.
        if let Err(unrecorded) = open.leaves() {
            note(open, Verdict::Deny, By::Audit);
            return Err(FetchError::Network(unrecorded.to_string()));
        }
        open.sends();
        let began = std::time::Instant::now();
        let uri: Uri = request
            .url
            .as_str()
            .parse()
            .map_err(|_| failed("it is no host that can be named"))?;
        let opened = connector.open(uri).await;
        let Opened {
            wire,
            unread,
            tls,
            taken,
        } = opened.map_err(|error| unopened(&*error, &failed, open))?;
        open.connected(began.elapsed());
        let tls = Tls {
            config: tls,
            host: request.url.host_str().unwrap_or_default().to_owned(),
            may_start: wanted == Secure::StartTls,
            judge: judge(&self.network, binding.cloned(), &request.url),
            timeout: self.network.timeouts.connect,
        };
        let stream = if wanted == Secure::On {
            let secured = tls.start(wire, None).await.map_err(|why| {
                open.unconnected(ConnectError::Tls);
                failed(&why)
            })?;
            Stream::Secured(Box::new(secured))
        } else {
            Stream::Plain(wire)
        };
        let idle = known.map_or(Limits::AGENT.sockets, |known| known.sockets).tcp_idle;
        let (end, own) = socket_pair();
        let busy = taken.in_use().begin();
        let running = async move {
            Relay::new(own, idle, unread).run(stream, tls).await;
            drop((busy, taken));
        };
        match Account::current() {
            Some(account) => spawn(account.meter(running)),
            None => spawn(running),
        };
        Ok(Response {
            status: StatusCode::SWITCHING_PROTOCOLS,
            reason: None,
            headers: HeaderMap::new(),
            body: Body::Empty,
            socket: Some(end),
        })
    }
}

/// Why a connection did not come about.
fn unopened(
    error: &(dyn std::error::Error + 'static),
    failed: &dyn Fn(&str) -> FetchError,
    open: &mut Open,
) -> FetchError {
    if let Some(&Denied { address }) = denied_by(error) {
        note(open, Verdict::Deny, By::Address);
        return failed(&Denied { address }.to_string());
    }
    open.unconnected(kind_of(error).unwrap_or(ConnectError::Refused));
    failed(&reason(error))
}

/// Another name than the judged one is judged as if it had been connected to.
fn judge(network: &Arc<Network>, binding: Option<Binding>, url: &Url) -> Judge {
    let (network, url) = (Arc::clone(network), url.clone());
    Rc::new(move |name| {
        let mut named = url.clone();
        named
            .set_host(Some(name))
            .map_err(|_| format!("{name:?} is no name of a server"))?;
        let asked = Subject {
            method: &Method::CONNECT,
            url: &named,
            websocket: false,
            tcp: true,
        };
        let allowed = network.egress.as_ref().map(|rules| rules.judge(asked));
        if !matches!(allowed, Some(Judged::Allow { .. } | Judged::Audit(_))) {
            return Err(format!("{name}: {NO_RULE}"));
        }
        if binding.as_ref().is_some_and(|binding| !binding.may_identify(&named)) {
            return Err(format!("{name}: the certificate is not for this host"));
        }
        Ok(())
    })
}
