//! An entrypoint of a loaded worker, as who has loaded it calls its methods.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Instant;

use deno_core::unsync::spawn;
use workerd_lite_ops::loading::{Call as Stub, LoaderEvent};
use workerd_lite_ops::rpc::{Broken, Call, Capability, Failure, Outcome, Remote, ReplyTo, Session, Started};
use workerd_lite_ops::{EventId, Message, Termination};

use super::Called;
use super::failure;
use super::running::{End, Running};

/// One entrypoint, for an event of its loader's.
pub(super) struct Entrypoint {
    /// Why there is none where it is gone.
    pub(super) running: Result<Rc<Running>, String>,
    pub(super) caller: Rc<LoaderEvent>,
    pub(super) call: Stub,
}

impl Remote for Entrypoint {
    fn call(&self, call: Call) -> Started {
        let running = match &self.running {
            Ok(running) => running,
            Err(why) => return Broken::refuse(call.reply, Failure::new("Error", why.as_str())),
        };
        let origin = running.called_by(&self.caller, &self.call);
        let Call { path, arguments, reply } = call;
        let (reply, event) = within(Rc::clone(running), reply);
        let target = Some(self.call.target.clone());
        let call = Call { path, arguments, reply };
        let mut started = running.handle.call(call, origin, 0, target);
        started.answer = Rc::new(Answer {
            running: Rc::clone(running),
            inner: started.answer,
        });
        if let Some((inbox, id)) = started.session.as_ref().and_then(Session::event) {
            event.set(Some(id));
            // It ends with the event that it works for, whatever others hold of it.
            self.caller.scope.keep(Box::new(Called {
                inbox: Rc::clone(inbox),
                id,
            }));
        }
        started
    }
}

/// The result of a call that is still to come: what is asked of it fails as the call does.
struct Answer {
    running: Rc<Running>,
    inner: Capability,
}

impl Remote for Answer {
    fn call(&self, call: Call) -> Started {
        let Call { path, arguments, reply } = call;
        let running = Rc::clone(&self.running);
        let reply = ReplyTo::new(move |outcome| {
            reply.send(told(&running, outcome));
        });
        let mut started = self.inner.call(Call { path, arguments, reply });
        started.answer = Rc::new(Self {
            running: Rc::clone(&self.running),
            inner: started.answer,
        });
        started
    }

    fn nudge(&self) {
        self.inner.nudge();
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        // Its event ends once nobody asks for its result any longer, and somebody waits to be told of that.
        if self.running.tailed {
            self.running.handle.wake();
        }
    }
}

/// Bounds a call by its worker's wall-clock time, and lets its failure say why the worker ended. The event is set once it is known.
fn within(running: Rc<Running>, reply: ReplyTo) -> (ReplyTo, Rc<Cell<Option<EventId>>>) {
    let event = Rc::new(Cell::new(None));
    let waits = Rc::new(RefCell::new(Some(reply)));
    let timer = {
        let (running, waits, event) = (Rc::clone(&running), Rc::clone(&waits), Rc::clone(&event));
        spawn(async move {
            tokio::time::sleep(running.limits.wall).await;
            let Some(reply) = waits.take() else { return };
            reply.send(Outcome::Failed(failure::stopped(
                &running.name,
                &Termination::Wall.to_string(),
            )));
            if let Some(event) = event.get() {
                running.handle.inbox().push(Message::End(event));
            }
        })
    };
    let reply = ReplyTo::new(move |outcome| {
        timer.abort();
        running.used.set(Instant::now());
        let Some(reply) = waits.take() else { return };
        reply.send(told(&running, outcome));
    });
    (reply, event)
}

/// What is told of a call: why the worker ended, where that is why it failed.
fn told(running: &Running, outcome: Outcome) -> Outcome {
    let why = match outcome {
        Outcome::Failed(why) => why,
        value @ Outcome::Value { .. } => return value,
    };
    if let Some(End::Failed(why)) = &*running.end.borrow() {
        return Outcome::Failed(Failure::new("Error", why.clone()));
    }
    Outcome::Failed(if why.is_canceled() && !why.stack.is_empty() {
        failure::stopped(&running.name, &why.stack)
    } else {
        why
    })
}
