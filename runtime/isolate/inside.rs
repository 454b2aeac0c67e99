//! What a cell does while its isolate is entered: it calls the functions of `js/worker/dispatch.js`.

use std::cell::RefCell;
use std::time::Instant;

use deno_core::{JsRuntime, OpState, v8};
use workerd_lite_ops::body::BodyResource;
use workerd_lite_ops::inbox::Start;
use workerd_lite_ops::{Body, EventId, Events, Message, events, head};

use crate::limits::Turns;

/// The functions of `js/worker/dispatch.js`.
pub(super) struct Functions {
    pub(super) dispatch: v8::Global<v8::Function>,
    pub(super) cancel: v8::Global<v8::Function>,
    pub(super) end: v8::Global<v8::Function>,
}

/// The cell while its isolate is entered.
pub(super) struct Inside<'a> {
    pub(super) functions: &'a Functions,
    pub(super) runtime: &'a mut JsRuntime,
    pub(super) op_state: &'a RefCell<OpState>,
    pub(super) turns: &'a Turns,
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
            Message::Collect => self.runtime.v8_isolate().low_memory_notification(),
        }
    }

    fn start(&mut self, start: Start) {
        let Start {
            id,
            request,
            origin,
            reply,
            live,
        } = start;
        if reply.is_closed() {
            return;
        }
        let caller = origin.caller;
        origin.trace.started.set(Some(Instant::now()));
        let body = {
            let mut state = self.op_state.borrow_mut();
            let rid = match request.body {
                Body::Empty => None,
                body => {
                    let (limit, _) = state.borrow::<Events>().read_limits();
                    let resource = BodyResource::new(body, origin.trace.account(), live.holding(), limit);
                    Some(state.resource_table.add(resource))
                }
            };
            state
                .borrow_mut::<Events>()
                .start(id, reply, rid, request.method == http::Method::HEAD, origin, live);
            rid
        };
        let headers = head::join(&request.headers);
        let called = self.call(&self.functions.dispatch.clone(), |scope| {
            [
                v8::Integer::new_from_unsigned(scope, id).into(),
                string(scope, request.method.as_str()),
                string(scope, request.url.as_str()),
                v8::String::new_from_one_byte(scope, &headers, v8::NewStringType::Normal)
                    .unwrap_or_else(|| v8::String::empty(scope))
                    .into(),
                match body {
                    Some(rid) => v8::Integer::new_from_unsigned(scope, rid).into(),
                    None => v8::null(scope).into(),
                },
                v8::Integer::new_from_unsigned(scope, caller).into(),
            ]
        });
        if called.is_none() && self.turns.stopped().is_none() {
            // The dispatcher itself could not run, for want of stack or heap.
            events::cancel(&mut self.op_state.borrow_mut(), id, false);
        }
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
        deno_core::scope!(scope, self.runtime);
        v8::tc_scope!(let scope, scope);
        let arguments = arguments(scope);
        let function = v8::Local::new(scope, function);
        let this = v8::undefined(scope).into();
        let result = function.call(scope, this, &arguments)?;
        Some(result.is_true())
    }
}

fn string<'s>(scope: &mut v8::PinScope<'s, '_>, text: &str) -> v8::Local<'s, v8::Value> {
    v8::String::new(scope, text)
        .unwrap_or_else(|| v8::String::empty(scope))
        .into()
}
