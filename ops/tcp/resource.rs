//! An end of a connection that an isolate has, from when it is asked for.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;

use deno_core::{CancelHandle, OpState, Resource, ResourceId};
use deno_error::JsErrorBox;
use tokio::sync::Notify;

use crate::events::Scope;
use crate::external_memory::ExternalMemory;
use crate::start_tls::StartTls;
use crate::websocket::{Counted, Frame, SocketEnd, count_tcp};

/// What an author is told where the other side is gone without an end, in workerd's words.
pub(super) const LOST: &str = "Network connection lost.";

/// How long a peer that wants to go on under TLS waits for a script that does not say so.
const PATIENCE: Duration = Duration::from_secs(2);

/// How far a connection has come.
#[derive(Debug, Clone)]
pub(super) enum Stage {
    /// It is asked for.
    Opening,
    /// It is open.
    Open,
    /// It has ended, and why where that was a failure.
    Over(Option<Arc<str>>),
}

/// A reader of a connection, as the connection knows it.
#[derive(Default)]
pub(super) struct Reading {
    /// It reads nothing more, and has come to its end.
    pub(super) ended: Cell<bool>,
    /// It has taken something that its stream has not.
    pub(super) has_rest: Cell<bool>,
    pub(super) cancel: Rc<CancelHandle>,
}

/// An end, until it is handed on or closed.
pub(crate) struct TcpResource {
    end: RefCell<Option<Rc<SocketEnd>>>,
    stage: RefCell<Stage>,
    /// The host that was asked for, as its author wrote it.
    pub(super) host: String,
    /// What pays for what comes, once a script reads or writes it.
    used: RefCell<Option<ExternalMemory>>,
    /// Who reads what comes in the clear, and who what comes under TLS.
    readers: RefCell<[Weak<Reading>; 2]>,
    /// Its reader has come to the peer's end.
    read: Cell<bool>,
    /// It has gone on under TLS.
    secured: Cell<bool>,
    /// Its peer wants to go on under TLS, and its script has not said yet that it does.
    asked: RefCell<Option<StartTls>>,
    changed: Notify,
    pub(super) cancel: Rc<CancelHandle>,
    counted: RefCell<Option<Counted>>,
}

impl TcpResource {
    /// The end, once it is open, and under TLS where it is to be `secured`.
    pub(super) async fn opened(&self, secured: bool) -> Result<Rc<SocketEnd>, JsErrorBox> {
        loop {
            let changed = self.changed.notified();
            match &*self.stage.borrow() {
                Stage::Opening => {}
                Stage::Open if secured && !self.secured.get() => {}
                Stage::Open => return self.end.borrow().clone().ok_or_else(gone),
                Stage::Over(why) => return Err(failure(why.as_deref())),
            }
            changed.await;
        }
    }

    /// A script reads or writes it from now on, and `memory` pays for what comes.
    pub(super) fn is_used(&self, memory: ExternalMemory) {
        if self.used.borrow().is_some() {
            return;
        }
        if let Some(end) = &*self.end.borrow() {
            end.accept(memory.clone());
        }
        *self.used.borrow_mut() = Some(memory);
    }

    /// What comes is read by this one, in the clear or under TLS. The latter may be there before TLS is.
    pub(super) fn is_read_by(&self, reader: &Rc<Reading>, secured: bool) {
        self.readers.borrow_mut()[usize::from(secured)] = Rc::downgrade(reader);
    }

    /// Its reader reads nothing more. Gives whether that has taken what its stream has not.
    pub(super) fn detach_reader(&self, secured: bool) -> bool {
        let reader = self.readers.borrow()[usize::from(secured)].upgrade();
        reader.is_some_and(|reader| {
            reader.ended.set(true);
            reader.cancel.cancel();
            reader.has_rest.get()
        })
    }

    /// The connection stands.
    pub(super) fn opens(&self, end: SocketEnd) {
        if matches!(*self.stage.borrow(), Stage::Opening) {
            if let Some(memory) = &*self.used.borrow() {
                end.accept(memory.clone());
            }
            *self.end.borrow_mut() = Some(Rc::new(end));
        } else {
            return;
        }
        self.change(Stage::Open);
    }

    /// It is over, for this reason where it failed.
    pub(super) fn over(&self, why: Option<&str>) {
        if !matches!(*self.stage.borrow(), Stage::Over(_)) {
            self.change(Stage::Over(why.map(Into::into)));
        }
    }

    /// Its reader has come to the peer's end.
    pub(super) fn is_read(&self) {
        self.read.set(true);
        self.changed.notify_waiters();
    }

    /// Whether somebody has asked its isolate for it, where others are asked for by their isolate.
    pub(super) fn is_inbound(&self) -> bool {
        self.host.is_empty()
    }

    /// Its peer wants to go on under TLS. Its script may say for a while that it does.
    pub(super) async fn is_asked(&self, asked: StartTls) {
        self.asked.replace(Some(asked));
        if self.is_inbound() {
            tokio::time::sleep(PATIENCE).await;
        }
        if let Some(asked) = self.asked.take() {
            asked.answer(Err("the other side is a script's, which performs no TLS".to_owned()));
        }
    }

    /// What its peer has asked.
    pub(super) fn take_asked(&self) -> Option<StartTls> {
        self.asked.take()
    }

    /// It has gone on under TLS: whoever waits for that reads and writes.
    pub(super) fn is_secured(&self) {
        self.secured.set(true);
        self.changed.notify_waiters();
    }

    fn change(&self, stage: Stage) {
        *self.stage.borrow_mut() = stage;
        self.changed.notify_waiters();
    }

    /// Waits until the peer's end was read, nobody is there any longer, or it is over. Fails with why, where that was a failure. One
    /// that may be half open does not end with its peer's end.
    pub(super) async fn ended(&self, half: bool, secured: bool) -> Result<(), JsErrorBox> {
        // Who waits for the end keeps nobody from handing it on.
        let traffic = match self.opened(secured).await {
            Ok(end) => end.traffic(),
            Err(error) => return self.outcome().unwrap_or(Err(error)),
        };
        let changes = async {
            loop {
                let changed = self.changed.notified();
                if (self.read.get() && !half) || matches!(*self.stage.borrow(), Stage::Over(_)) {
                    return;
                }
                changed.await;
            }
        };
        tokio::select! {
            biased;
            () = changes => self.outcome().unwrap_or(Ok(())),
            () = traffic.unread() => Ok(()),
        }
    }

    /// How it ended, where it has.
    fn outcome(&self) -> Option<Result<(), JsErrorBox>> {
        match &*self.stage.borrow() {
            Stage::Over(None) => Some(Ok(())),
            Stage::Over(why) => Some(Err(failure(why.as_deref()))),
            _ => None,
        }
    }
}

pub(super) fn gone() -> JsErrorBox {
    JsErrorBox::type_error("the socket is no longer available: its event has ended, or it was handed on")
}

fn failure(why: Option<&str>) -> JsErrorBox {
    JsErrorBox::generic(why.unwrap_or("The socket is closed.").to_owned())
}

impl Resource for TcpResource {
    fn name(&self) -> Cow<'_, str> {
        "tcpSocket".into()
    }

    fn close(self: Rc<Self>) {
        // Its event has ended, or its author is done with it: nobody is to hear of a failure then.
        self.detach_reader(false);
        self.detach_reader(true);
        // A read in flight holds the end: its peer is to hear of this now.
        if let Some(end) = self.end.take() {
            // Whoever has heard all that there was is not cut off: nothing more is said.
            if self.read.get() {
                end.push(Frame::Close(1000, String::new()));
            }
            end.hang_up();
        }
        self.over(None);
        self.cancel.cancel();
        self.counted.take();
    }
}

/// An end for an isolate's event, where it may have one more: of a connection that is there, or of one that is asked for.
pub(super) fn keep(
    state: &mut OpState,
    scope: &Scope,
    host: String,
    end: Option<SocketEnd>,
) -> Result<ResourceId, JsErrorBox> {
    let counted = count_tcp(state)?;
    let stage = if end.is_some() { Stage::Open } else { Stage::Opening };
    let rid = state.resource_table.add(TcpResource {
        end: RefCell::new(end.map(Rc::new)),
        stage: RefCell::new(stage),
        host,
        used: RefCell::default(),
        readers: RefCell::default(),
        read: Cell::new(false),
        secured: Cell::new(false),
        asked: RefCell::default(),
        changed: Notify::new(),
        cancel: CancelHandle::new_rc(),
        counted: RefCell::new(Some(counted)),
    });
    scope.own(rid);
    Ok(rid)
}

/// Takes an end that nobody reads out of its isolate, to hand it on.
pub(crate) fn take(state: &mut OpState, rid: ResourceId) -> Option<SocketEnd> {
    let resource = state.resource_table.get::<TcpResource>(rid).ok()?;
    if resource.used.borrow().is_some() {
        return None;
    }
    let end = resource.end.take()?;
    let _ = state.resource_table.take::<TcpResource>(rid);
    resource.counted.take();
    resource.over(None);
    Rc::try_unwrap(end).ok()
}
