//! What a cell does while its isolate is entered: it calls the functions of `js/worker/dispatch.js`.

use std::cell::RefCell;
use std::time::Instant;

use deno_core::{JsRuntime, OpState, v8};
use workerd_lite_ops::body::BodyResource;
use workerd_lite_ops::events::Opens;
use workerd_lite_ops::inbox::{Start, Work};
use workerd_lite_ops::rpc::{Call, Failure, Incoming, Opening, Outcome, Running};
use workerd_lite_ops::{Body, CallerId, EventId, Events, HUNG, Message, Target, events, head};

use super::abandoned::{Abandoned, Handling};
use super::arguments::{bytes, names, optional, parts, string};
use super::callers::Joining;
use crate::limits::Turns;

/// The functions of `js/worker/dispatch.js`.
pub(super) struct Functions {
    pub(super) dispatch: v8::Global<v8::Function>,
    pub(super) cancel: v8::Global<v8::Function>,
    pub(super) end: v8::Global<v8::Function>,
    pub(super) joining: Joining,
    pub(super) rpc: v8::Global<v8::Function>,
}

/// What the function of `js/rpc/receive.js` is called for.
#[derive(Clone, Copy)]
enum Rpc {
    Value,
    Failure,
    Open,
    Call,
    Release,
    Abandoned,
}

/// The cell while its isolate is entered.
pub(super) struct Inside<'a> {
    pub(super) functions: &'a Functions,
    pub(super) runtime: &'a mut JsRuntime,
    pub(super) op_state: &'a RefCell<OpState>,
    pub(super) turns: &'a Turns,
    pub(super) abandoned: &'a mut Abandoned,
}

impl Inside<'_> {
    /// Does what it is told from outside.
    pub(super) fn handle(&mut self, message: Message) {
        match message {
            Message::Start(start) => self.start(*start),
            Message::Cancel(id) => self.cancel(id),
            Message::Expire(id) => {
                let ended = events::expire(&mut self.op_state.borrow_mut(), id);
                if ended {
                    self.end(id);
                }
            }
            Message::End(id) => {
                self.cancel(id);
                events::cancel(&mut self.op_state.borrow_mut(), id, false);
                self.end(id);
            }
            Message::BodyEnded { id, complete: true } => {
                let ended = events::body_ended(&mut self.op_state.borrow_mut(), id);
                if ended {
                    self.end(id);
                }
            }
            Message::BodyEnded { id, complete: false } => self.cancel(id),
            Message::Call(incoming) => self.called(*incoming),
            Message::Reply { event, call, outcome } => self.answered(event, call, *outcome),
            Message::Watch { event, told } => self.op_state.borrow_mut().borrow_mut::<Events>().watch(event, told),
            Message::Release { event, number } => {
                if number != 0 {
                    self.rpc(Rpc::Release, event, |scope| [v8::Integer::new(scope, number).into()]);
                }
                let ended = events::released(&mut self.op_state.borrow_mut(), event);
                if ended {
                    self.end(event);
                }
            }
            Message::Abandoned { event, running } => {
                self.rpc(Rpc::Abandoned, event, |scope| {
                    [
                        v8::Integer::new_from_unsigned(scope, running).into(),
                        string(scope, HUNG),
                    ]
                });
            }
            Message::Collect => self.runtime.v8_isolate().low_memory_notification(),
        }
    }

    fn start(&mut self, start: Start) {
        let Start {
            id,
            work,
            origin,
            target,
            live,
        } = start;
        let (mut request, reply) = match work {
            Work::Request { request, reply } => (request, reply),
            Work::Call(opening) => {
                if opening.wanted.get() {
                    origin.trace.started.set(Some(Instant::now()));
                    let caller = origin.caller;
                    self.op_state.borrow_mut().borrow_mut::<Events>().start(
                        id,
                        None,
                        None,
                        (false, Opens::Nothing),
                        origin,
                        live,
                    );
                    self.join(caller);
                    if let Some(tail) = self.op_state.borrow().borrow::<Events>().tail(id) {
                        let Call { path, arguments, .. } = &opening.call;
                        let arguments = arguments.as_ref().map(|arguments| &*arguments.bytes);
                        tail.is_call(path, arguments, parts(target.as_ref()).1);
                    }
                    self.opened(id, caller, opening, target.as_ref());
                }
                return;
            }
        };
        if reply.is_closed() {
            return;
        }
        let caller = origin.caller;
        origin.trace.started.set(Some(Instant::now()));
        let body = {
            let mut state = self.op_state.borrow_mut();
            let rid = match std::mem::take(&mut request.body) {
                Body::Empty => None,
                body => {
                    let (limit, _) = state.borrow::<Events>().read_limits();
                    let resource = BodyResource::new(body, origin.trace.account(), live.holding(), limit);
                    Some(state.resource_table.add(resource))
                }
            };
            let events = state.borrow_mut::<Events>();
            let asks = (request.method == http::Method::HEAD, Opens::of(&request));
            events.start(id, Some(reply), rid, asks, origin, live);
            if let Some(tail) = events.tail(id) {
                let head = (&request.method, &request.url, &request.headers);
                tail.is_request(head, parts(target.as_ref()).1);
            }
            rid
        };
        self.join(caller);
        let headers = head::join(&request.headers);
        let (agent, entrypoint, props) = parts(target.as_ref());
        let door = match &target {
            Some(Target::Door(door, _)) => Some(*door),
            _ => None,
        };
        let dispatch = self.functions.dispatch.clone();
        let handling = self.call_for(
            &dispatch,
            |scope| {
                [
                    v8::Integer::new_from_unsigned(scope, id).into(),
                    string(scope, request.method.as_str()),
                    string(scope, request.url.as_str()),
                    head::to_v8_string(scope, &headers).into(),
                    match body {
                        Some(rid) => v8::Integer::new_from_unsigned(scope, rid).into(),
                        None => v8::null(scope).into(),
                    },
                    v8::Integer::new_from_unsigned(scope, caller).into(),
                    optional(scope, agent),
                    optional(scope, entrypoint),
                    optional(scope, props),
                    match door {
                        Some(door) => v8::Integer::new_from_unsigned(scope, door).into(),
                        None => v8::null(scope).into(),
                    },
                    optional(scope, request.cf.as_deref()),
                ]
            },
            |scope, handling| v8::Weak::new(scope, handling),
        );
        match handling {
            Some(handling) if request.method == http::Method::CONNECT => {
                self.abandoned.watch(Handling::Connection(id, handling));
            }
            Some(handling) => self.abandoned.watch(Handling::Request(id, handling)),
            // The dispatcher itself could not run, for want of stack or heap.
            None if self.turns.stopped().is_none() => {
                events::cancel(&mut self.op_state.borrow_mut(), id, false);
            }
            None => {}
        }
    }

    /// Tells the script of a caller that has come since it began, and of others that have.
    fn join(&mut self, caller: CallerId) {
        let joining = &self.functions.joining;
        let Some(more) = joining.with(caller) else { return };
        let function = joining.function.clone();
        // Where it fails for want of heap, this caller's events fail.
        self.call(&function, |scope| {
            let more = serde_v8::to_v8(scope, more);
            [more.unwrap_or_else(|_| v8::undefined(scope).into())]
        });
    }

    /// Runs a call for an event. Gives its number, and whether it is for a property.
    fn run(&mut self, event: EventId, call: Call) -> Option<(u32, Vec<String>, bool)> {
        let Call { path, arguments, reply } = call;
        let property = arguments.is_none();
        let running = Running { reply, arguments };
        match self.op_state.borrow_mut().borrow_mut::<Events>().run(event, running) {
            Ok(number) => Some((number, path, property)),
            Err(running) => {
                running.reply.send(Outcome::Failed(Failure::gone()));
                None
            }
        }
    }

    fn opened(&mut self, event: EventId, caller: u32, opening: Opening, target: Option<&Target>) {
        let Some((running, path, property)) = self.run(event, opening.call) else {
            return;
        };
        let (door, answer, early) = (opening.door, opening.answer, opening.early);
        let (agent, entrypoint, props) = parts(target);
        let handling = self.begin(Rpc::Open, event, |scope| {
            [
                v8::Integer::new_from_unsigned(scope, running).into(),
                v8::Integer::new(scope, answer).into(),
                names(scope, &path),
                v8::Boolean::new(scope, property).into(),
                v8::Integer::new_from_unsigned(scope, caller).into(),
                v8::Integer::new_from_unsigned(scope, door).into(),
                optional(scope, agent),
                optional(scope, entrypoint),
                optional(scope, props),
            ]
        });
        match handling {
            Some(handling) => self.abandoned.watch(Handling::Call(event, running, handling)),
            None if self.turns.stopped().is_none() => {
                events::cancel(&mut self.op_state.borrow_mut(), event, false);
            }
            None => {}
        }
        for call in early {
            self.called(call);
        }
    }

    fn called(&mut self, incoming: Incoming) {
        let Incoming {
            event,
            number,
            answer,
            call,
        } = incoming;
        let Some((running, path, property)) = self.run(event, call) else {
            return;
        };
        let handling = self.begin(Rpc::Call, event, |scope| {
            [
                v8::Integer::new_from_unsigned(scope, running).into(),
                v8::Integer::new(scope, answer).into(),
                names(scope, &path),
                v8::Boolean::new(scope, property).into(),
                v8::Integer::new(scope, number).into(),
            ]
        });
        if let Some(handling) = handling {
            self.abandoned.watch(Handling::Call(event, running, handling));
        }
    }

    fn answered(&mut self, event: EventId, call: u32, outcome: Outcome) {
        let Some(own) = self.op_state.borrow().borrow::<Events>().scope(event) else {
            return;
        };
        match outcome {
            Outcome::Value { payload, disposer } => {
                own.rpc.arrived(call, payload, disposer);
                self.rpc(Rpc::Value, event, |scope| {
                    [
                        v8::Integer::new_from_unsigned(scope, call).into(),
                        v8::Boolean::new(scope, disposer).into(),
                    ]
                });
            }
            Outcome::Failed(failure) => {
                own.rpc.failed(call);
                self.rpc(Rpc::Failure, event, |scope| {
                    [
                        v8::Integer::new_from_unsigned(scope, call).into(),
                        string(scope, &failure.name),
                        string(scope, &failure.message),
                        bytes(scope, failure.value.as_deref()),
                    ]
                });
            }
        }
    }

    /// Calls the function of `js/rpc/receive.js`, for an event.
    fn rpc<const N: usize>(
        &mut self,
        kind: Rpc,
        event: EventId,
        arguments: impl for<'s> FnOnce(&mut v8::PinScope<'s, '_>) -> [v8::Local<'s, v8::Value>; N],
    ) {
        self.rpc_for(kind, event, arguments, |_, _| ());
    }

    /// The same for a call that begins. Gives what only its handling keeps, or nothing where it threw.
    fn begin<const N: usize>(
        &mut self,
        kind: Rpc,
        event: EventId,
        arguments: impl for<'s> FnOnce(&mut v8::PinScope<'s, '_>) -> [v8::Local<'s, v8::Value>; N],
    ) -> Option<v8::Weak<v8::Value>> {
        self.rpc_for(kind, event, arguments, |scope, handling| v8::Weak::new(scope, handling))
    }

    fn rpc_for<const N: usize, T>(
        &mut self,
        kind: Rpc,
        event: EventId,
        arguments: impl for<'s> FnOnce(&mut v8::PinScope<'s, '_>) -> [v8::Local<'s, v8::Value>; N],
        read: impl for<'s> FnOnce(&mut v8::PinScope<'s, '_>, v8::Local<'s, v8::Value>) -> T,
    ) -> Option<T> {
        let function = self.functions.rpc.clone();
        deno_core::scope!(scope, self.runtime);
        v8::tc_scope!(let scope, scope);
        let mut all = Vec::with_capacity(N + 2);
        all.push(v8::Integer::new(scope, kind as i32).into());
        all.push(v8::Integer::new_from_unsigned(scope, event).into());
        all.extend(arguments(scope));
        let function = v8::Local::new(scope, function);
        let this = v8::undefined(scope).into();
        let result = function.call(scope, this, &all)?;
        Some(read(scope, result))
    }

    fn cancel(&mut self, id: EventId) {
        let waiting = self
            .call(&self.functions.cancel.clone(), |scope| {
                [v8::Integer::new_from_unsigned(scope, id).into()]
            })
            .unwrap_or(false);
        let ended = events::cancel(&mut self.op_state.borrow_mut(), id, waiting);
        if ended {
            self.end(id);
        }
    }

    fn end(&mut self, id: EventId) {
        self.call(&self.functions.end.clone(), |scope| {
            [v8::Integer::new_from_unsigned(scope, id).into()]
        });
    }

    /// Calls one of our functions. Gives the truth of its result, or nothing where it threw.
    fn call<const N: usize>(
        &mut self,
        function: &v8::Global<v8::Function>,
        arguments: impl for<'s> FnOnce(&mut v8::PinScope<'s, '_>) -> [v8::Local<'s, v8::Value>; N],
    ) -> Option<bool> {
        self.call_for(function, arguments, |_, result| result.is_true())
    }

    /// The same, with what its result is read for.
    fn call_for<const N: usize, T>(
        &mut self,
        function: &v8::Global<v8::Function>,
        arguments: impl for<'s> FnOnce(&mut v8::PinScope<'s, '_>) -> [v8::Local<'s, v8::Value>; N],
        read: impl for<'s> FnOnce(&mut v8::PinScope<'s, '_>, v8::Local<'s, v8::Value>) -> T,
    ) -> Option<T> {
        deno_core::scope!(scope, self.runtime);
        v8::tc_scope!(let scope, scope);
        let arguments = arguments(scope);
        let function = v8::Local::new(scope, function);
        let this = v8::undefined(scope).into();
        let result = function.call(scope, this, &arguments)?;
        Some(read(scope, result))
    }
}
