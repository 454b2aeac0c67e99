//! A loaded worker's ways out: where its requests go, and what of its loader's it was given.

use std::rc::{Rc, Weak};
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use serde_json::Value;
use workerd_lite_ops::egress::{Egress, EgressHandle};
use workerd_lite_ops::loading::{Given, LoadedEvent, Loader as _};
use workerd_lite_ops::rpc::Capability;
use workerd_lite_ops::{EventError, FetchError, Origin, Request, Response, Target, Termination};

use super::Loaders;
use super::failure::{self, failed, gone};
use super::table::Table;
use crate::host::tail;
use crate::isolate::CellHandle;

/// What a worker is given by its loader.
pub(super) struct Things {
    /// What is in its `env`, and in the props of its entrypoints.
    pub(super) given: Table,
    /// Where its requests go, where that is a stub.
    pub(super) outbound: Option<Given>,
    /// Who is told of its events.
    pub(super) tails: Vec<Given>,
    /// Its loader's own isolate.
    pub(super) own: CellHandle,
}

/// The ways out of one worker.
pub(super) struct Way {
    loaders: Weak<Loaders>,
    /// That of the loader, in the worker's name.
    loaders_own: EgressHandle,
    things: Things,
    /// Whether it has any for its requests.
    out: bool,
    /// The loader's name, and how long its events may take.
    parent: (String, Duration),
}

impl Way {
    pub(super) fn new(loaders: &Loaders, loaders_own: EgressHandle, things: Things, out: bool) -> Self {
        let worker = &loaders.parent.worker;
        Self {
            loaders: Weak::clone(&loaders.this),
            loaders_own,
            things,
            out,
            parent: (worker.name.clone(), worker.effective_limits().wall),
        }
    }

    fn given(&self, place: u32) -> Option<Given> {
        self.things.given.get(place)
    }

    /// Where an event of the loader's own comes from that a loaded worker has asked for: it is charged to the event that called this.
    fn origin(&self, origin: &Origin) -> Option<Origin> {
        let event = LoadedEvent::of(&origin.trace)?;
        let account = self.loaders.upgrade()?.parent.worker.account.clone();
        let trace = origin.trace.child_for(account.as_ref());
        trace.charge_to(event.within_loader());
        Some(Origin {
            caller: origin.caller,
            trace: Rc::new(trace),
        })
    }

    fn through(
        &self,
        given: &Given,
        origin: &Origin,
        request: Request,
    ) -> LocalBoxFuture<'static, Result<Response, FetchError>> {
        let refused = |error: FetchError| -> LocalBoxFuture<'static, _> { Box::pin(std::future::ready(Err(error))) };
        match given {
            Given::Binding(place) => self.loaders_own.fetch(origin, Some(*place), request),
            Given::Own(target) => match self.origin(origin) {
                Some(origin) => self.own(request, origin, target.clone()),
                None => refused(gone()),
            },
            Given::Loaded(worker, call) => match (LoadedEvent::of(&origin.trace), self.loaders.upgrade()) {
                (Some(event), Some(loaders)) => loaders.fetch(event.caller(), *worker, call.clone(), request),
                _ => refused(gone()),
            },
            Given::Service(place) => self.loaders_own.fetch_service(origin, *place, request),
            Given::Capability(_) => refused(failed(
                "TypeError",
                "fetch() of this stub is not supported by workerd-lite: call its methods",
            )),
        }
    }

    fn own(
        &self,
        request: Request,
        origin: Origin,
        target: Target,
    ) -> LocalBoxFuture<'static, Result<Response, FetchError>> {
        let answer = self.things.own.dispatch_to(request, origin, Some(target));
        let (name, wall) = self.parent.clone();
        Box::pin(async move {
            let answered = tokio::time::timeout(wall, answer).await;
            let answered = answered.unwrap_or(Err(EventError::Terminated(Termination::Wall)));
            answered.map_err(|error| failure::of(&name, error))
        })
    }
}

impl Egress for Way {
    fn fetch(
        &self,
        origin: &Origin,
        _binding: Option<u32>,
        request: Request,
    ) -> LocalBoxFuture<'static, Result<Response, FetchError>> {
        match &self.things.outbound {
            Some(given) => self.through(given, origin, request),
            None if self.out => self.loaders_own.fetch(origin, None, request),
            None => Box::pin(std::future::ready(Err(FetchError::NoWayOut))),
        }
    }

    fn fetch_given(
        &self,
        origin: &Origin,
        given: u32,
        request: Request,
    ) -> LocalBoxFuture<'static, Result<Response, FetchError>> {
        match self.given(given) {
            Some(given) => self.through(&given, origin, request),
            None => Box::pin(std::future::ready(Err(FetchError::NoWayOut))),
        }
    }

    fn service(&self, origin: &Origin, service: u32) -> Result<Capability, FetchError> {
        self.capability(self.given(service).as_ref(), origin)
    }

    fn is_tailed(&self) -> bool {
        !self.things.tails.is_empty()
    }

    fn tell(&self, origin: &Origin, item: &Value) {
        let script = item["scriptName"].as_str().unwrap_or_default();
        let charged = origin.trace.charged().cloned();
        let origin = &tail::origin(origin);
        // What it does is its loader's event's, too.
        if let Some(charged) = charged {
            origin.trace.charge_to(charged);
        }
        for given in &self.things.tails {
            match self.capability(Some(given), origin) {
                Ok(worker) => tail::tell(&*worker, script, item),
                Err(why) => tracing::warn!(target: "worker", worker = script, "its tail worker can not be told: {why}"),
            }
        }
    }
}

impl Way {
    fn capability(&self, given: Option<&Given>, origin: &Origin) -> Result<Capability, FetchError> {
        match given {
            Some(Given::Capability(capability)) => Ok(Rc::clone(capability)),
            Some(Given::Service(place)) => self.loaders_own.service(origin, *place),
            Some(Given::Own(target)) => Ok(Rc::new(tail::Entrypoint {
                handle: self.things.own.clone().into(),
                origin: self.origin(origin).ok_or_else(gone)?,
                target: target.clone(),
            })),
            Some(Given::Loaded(worker, call)) => {
                let event = LoadedEvent::of(&origin.trace).ok_or_else(gone)?;
                let loaders = self.loaders.upgrade().ok_or_else(gone)?;
                Ok(loaders.entrypoint(event.caller(), *worker, call.clone()))
            }
            Some(Given::Binding(_)) => Err(failed("TypeError", "a binding has fetch(), and no methods")),
            None => Err(FetchError::NoWayOut),
        }
    }
}
