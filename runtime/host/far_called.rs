//! What other threads hand to the agents of this one: calls of agents that work apart, and calls of theirs. This is the end that is called.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use std::time::Duration;

use deno_core::unsync::spawn;
use tokio::sync::{mpsc, oneshot};
use workerd_lite_ops::account::metered;
use workerd_lite_ops::rpc::Failure;
use workerd_lite_ops::trace::{Charged, Trace};
use workerd_lite_ops::{EventError, Origin, Target};

use super::callee::{Callee, Callees};
use super::far_job::{Begins, FarJob, LinkEnd, Work};
use super::far_link::{bridge, ended};
use super::link_events::{self, Bridges, EarlyStreams, OpenEvent};
use super::transferable::{TransferableRequest, TransferableResponse};
use crate::boundary::{Call, Came, Connection, Handler, LinkError, Opened, refuse};

/// Does what is handed over, as long as there are agents.
pub(super) async fn serve(agents: Weak<dyn Callees>, mut jobs: mpsc::UnboundedReceiver<FarJob>) {
    let called = Called::new(agents);
    while let Some(job) = jobs.recv().await {
        if called.agents.strong_count() == 0 {
            return;
        }
        called.take(job);
    }
}

/// The called ends of all links to a thread.
pub(super) struct Called {
    agents: Weak<dyn Callees>,
    ends: Rc<RefCell<HashMap<u64, Rc<End>>>>,
}

impl Begins {
    /// Who is called, and where its event comes from. Nothing where it can not be called now.
    fn find(self, agents: &Weak<dyn Callees>) -> Option<(Callee, Trace, Target)> {
        let Self {
            route,
            entrypoint,
            props,
            trace,
        } = self;
        let callee = agents.upgrade()?.callee((route.from, &route.caller), &route.id)?;
        let trace = Trace::moved(trace);
        if let Some(account) = &callee.account {
            trace.is_for(account);
        }
        Some((callee, trace, Target::Entrypoint { entrypoint, props }))
    }
}

impl Called {
    /// Those to a thread with these agents.
    pub(super) fn new(agents: Weak<dyn Callees>) -> Self {
        Self {
            agents,
            ends: Rc::default(),
        }
    }

    /// Calls an agent here.
    pub(super) fn take(&self, job: FarJob) {
        let FarJob { begins, work } = job;
        match work {
            Work::Request(request, reply) => match begins.find(&self.agents) {
                Some((callee, trace, target)) => dispatch((callee, trace, target), *request, reply),
                None => {
                    let _ = reply.send(Err(EventError::Shutdown));
                }
            },
            Work::Call { link, end, event } => {
                if let Some(end) = end {
                    self.open(link, end);
                }
                let end = self.ends.borrow().get(&link).cloned();
                if let Some(end) = end {
                    end.expects(event, begins);
                }
            }
        }
    }

    fn open(&self, id: u64, LinkEnd { socket, account }: LinkEnd) {
        let end = Rc::new(End {
            agents: Weak::clone(&self.agents),
            connection: Connection::of_thread(),
            held: Rc::default(),
            bridges: Rc::default(),
            halves: RefCell::default(),
            early: EarlyStreams::default(),
        });
        self.ends.borrow_mut().insert(id, Rc::clone(&end));
        let ends = Rc::downgrade(&self.ends);
        spawn(metered(account, async move {
            let how = end.connection.run(socket, Hears(Rc::clone(&end))).await;
            ended(how, &end.bridges);
            if let Some(ends) = ends.upgrade() {
                ends.borrow_mut().remove(&id);
            }
        }));
    }
}

fn dispatch(
    (callee, trace, target): (Callee, Trace, Target),
    request: TransferableRequest,
    mut reply: oneshot::Sender<Result<TransferableResponse, EventError>>,
) {
    let origin = Origin {
        caller: callee.caller,
        trace: Rc::new(trace),
    };
    let working = callee.cell.dispatch_to(request.into(), origin, Some(target));
    spawn(metered(callee.account, async move {
        let answered = tokio::select! {
            biased;
            () = reply.closed() => return,
            answered = working => answered,
        };
        let _ = reply.send(answered.map(Into::into));
    }));
}

/// What is there of an event that has not begun: its job comes by one way, and its call by another.
enum Half {
    Job(Box<Begins>),
    Head(Vec<u8>, Call),
}

/// The called end of one link.
struct End {
    agents: Weak<dyn Callees>,
    connection: Connection,
    held: Rc<Cell<usize>>,
    bridges: Bridges,
    halves: RefCell<HashMap<u32, Half>>,
    early: EarlyStreams,
}

impl End {
    /// This is the event of that number.
    fn expects(self: &Rc<Self>, event: u32, begins: Begins) {
        let half = self.halves.borrow_mut().remove(&event);
        let started = if let Some(Half::Head(head, call)) = half {
            self.begin(begins, &head, call)
        } else {
            self.halves.borrow_mut().insert(event, Half::Job(Box::new(begins)));
            Ok(())
        };
        if let Err(error) = started {
            tracing::error!("a link to another thread is broken: {error}");
            self.connection.close();
        }
    }

    fn opened(self: &Rc<Self>, head: &[u8], call: Call) -> Result<(), LinkError> {
        let event = call.number();
        let half = self.halves.borrow_mut().remove(&event);
        if let Some(Half::Job(begins)) = half {
            return self.begin(*begins, head, call);
        }
        self.halves.borrow_mut().insert(event, Half::Head(head.to_vec(), call));
        Ok(())
    }

    fn begin(&self, begins: Begins, head: &[u8], call: Call) -> Result<(), LinkError> {
        let number = call.number();
        let opened = Opened::read(head)?;
        let early = self.early.take(number);
        let Some((callee, trace, target)) = begins.find(&self.agents) else {
            refuse(
                &call,
                &Failure::new("Error", "RPC failed: the agent can not be called now"),
            );
            self.connection.over(number, Duration::ZERO);
            return Ok(());
        };
        let bridge = bridge(&self.connection, number, callee.account.clone(), &self.held);
        let open = OpenEvent::new(number, &self.connection, Rc::clone(&bridge), &self.bridges);
        trace.charge_to(Rc::new(FarEvent(open)));
        let origin = Origin {
            caller: callee.caller,
            trace: Rc::new(trace),
        };
        for (head, call) in early {
            bridge.came_over(&head, call)?;
        }
        bridge.begins(opened, call, move |call| {
            callee.cell.call(call, origin, 0, Some(target))
        })
    }
}

/// Hears what the calling end says.
struct Hears(Rc<End>);

impl Handler for Hears {
    fn called(&self, head: &[u8], call: Call) -> Result<(), LinkError> {
        if Opened::is(head) {
            return self.0.opened(head, call);
        }
        let (came, event) = Came::of(head).ok_or(LinkError::Head("it is no call"))?;
        if came == Came::Early {
            self.0.early.keep(event, head, call);
            return Ok(());
        }
        link_events::came_over(&self.0.bridges, event, head, call)
    }

    fn noted(&self, event: u32, what: u8, number: u32) -> Result<(), LinkError> {
        link_events::noted(&self.0.bridges, event, what, number);
        Ok(())
    }

    fn over(&self, event: u32, _: Duration) -> Result<(), LinkError> {
        // It was refused before it began.
        self.0.halves.borrow_mut().remove(&event);
        drop(self.0.early.take(event));
        Ok(())
    }
}

/// The event as its isolate has it.
struct FarEvent(OpenEvent);

impl Charged for FarEvent {
    fn computed(&self, time: Duration) {
        self.0.computed(time);
    }

    fn may_fetch(&self) -> bool {
        true
    }

    fn cpu(&self) -> Option<Duration> {
        None
    }

    fn any(self: Rc<Self>) -> Rc<dyn Any> {
        self
    }
}
