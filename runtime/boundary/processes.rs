//! The agents' processes of one project: which there are, and a link of each thread to those that it needs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::child::Child;
use super::groups::{Cgroup, Groups, Without};
use super::keeper::{self, Order, Start, Unstarted};
use super::key::Key;
use super::sandbox;
use super::settings::Settings;
use super::spawn::End;
use super::spec::Spec;
use super::told::Hears;
use crate::isolate::StartupError;
use crate::limits::files;

/// A process that ends sooner has not really been there.
const SHORT: Duration = Duration::from_secs(1);

/// So many of those are replaced at once; behind them there is a pause, from the first to the longest one.
const FORGIVEN: u32 = 3;
const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(10);

/// Descriptors that a process costs its parent beside links: it tells and writes by one each, and is waited for by two.
const OF_EACH: usize = 4;

/// The most keys of which something is known.
const SLOTS: usize = 4096;

/// The processes, and who keeps them.
#[derive(Debug)]
pub(crate) struct Processes {
    settings: Settings,
    keeper: mpsc::UnboundedSender<Order>,
    slots: Mutex<HashMap<Key, Arc<tokio::sync::Mutex<Slot>>>>,
    /// All that were started and are there still, and whether they are counted.
    started: Mutex<Vec<(bool, Arc<Child>)>>,
}

/// The process for one key, and how it went with those before.
#[derive(Debug, Default)]
struct Slot {
    child: Option<Arc<Child>>,
    short: u32,
    until: Option<Instant>,
}

impl Slot {
    /// One more is to be started. Fails while it is left alone.
    fn may_start(&mut self) -> Result<(), String> {
        if let Some(child) = self.child.take() {
            // One that has no link left has not ended, and does what it has.
            if child.is_open() {
                child.retire();
                self.short = 0;
            } else if child.age() > SHORT {
                self.short = 0;
            } else {
                self.failed();
            }
        }
        match self.until.filter(|until| *until > Instant::now()) {
            Some(_) => Err("its process has ended too often, and is left alone for a while".into()),
            None => Ok(()),
        }
    }

    fn failed(&mut self) {
        self.short = self.short.saturating_add(1);
        if let Some(more) = self.short.checked_sub(FORGIVEN) {
            let pause = FIRST.saturating_mul(1 << more.min(10)).min(LONGEST);
            self.until = Some(Instant::now() + pause);
        }
    }
}

impl Processes {
    /// None yet. Each is started when it is asked for.
    pub(crate) fn new(settings: Settings) -> Arc<Self> {
        // Nothing that is of the same user reads the keys out of this process either.
        if let Err(error) = sandbox::keep_private() {
            tracing::warn!("this process's memory can not be kept from others of the same user: {error}");
        }
        let (keeper, orders) = mpsc::unbounded_channel();
        keeper::start(settings.clone(), orders);
        Arc::new(Self {
            settings,
            keeper,
            slots: Mutex::default(),
            started: Mutex::default(),
        })
    }

    /// Somebody is going to need them: one is ready from now on, for whoever comes next.
    pub(crate) fn serve(&self) {
        // Where nobody keeps them, whoever needs one hears of it.
        let _ = self.keeper.send(Order::Serve);
    }

    /// From now on each that is started has a control group, where that is wanted and this server's was delegated to it. Fails with a sentence
    /// where it must have one, and can not.
    pub(crate) fn group(&self) -> Result<(), String> {
        let insists = match self.settings.cgroup {
            Cgroup::Off => return Ok(()),
            Cgroup::Auto => false,
            Cgroup::Require => true,
        };
        match Groups::find(insists) {
            Ok(groups) => {
                tracing::info!("processes have control groups below {}", groups.describe());
                // Where nobody keeps them, whoever needs one hears of it.
                let _ = self.keeper.send(Order::Group(groups));
            }
            Err(Without::NotDelegated(why) | Without::Failed(why)) if insists => return Err(why),
            Err(Without::NotDelegated(why)) => tracing::info!("processes have no control groups: {why}"),
            Err(Without::Failed(why)) => tracing::warn!("processes have no control groups: {why}"),
        }
        Ok(())
    }

    /// How they are.
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// A link to the process for a key, which is started where there is none. `spec` says what it is to know then, and who hears of it.
    pub(crate) async fn link(
        &self,
        key: &Key,
        spec: impl AsyncFnOnce() -> Result<(Spec, Arc<dyn Hears>), StartupError>,
    ) -> Result<(Arc<Child>, End), StartupError> {
        let slot = {
            let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(slots.entry(key.clone()).or_default())
        };
        let mut slot = slot.lock().await;
        if let Some(child) = slot.child.as_ref().filter(|child| child.is_open())
            && let Some(link) = child.take_link()
        {
            return Ok((Arc::clone(child), link));
        }
        slot.may_start().map_err(StartupError::new)?;
        let counted = self.is_counted(key);
        self.make_room(counted).map_err(StartupError::new)?;
        let (spec, hears) = spec().await?;
        let (reply, started) = oneshot::channel();
        let order = Order::Start(Start {
            key: key.clone(),
            spec,
            hears,
            reply,
        });
        let started = match self.keeper.send(order) {
            Ok(()) => started.await,
            Err(_) => return Err(StartupError::new("nobody keeps agents' processes any longer")),
        };
        let gone = || Err(Unstarted::Because("it ended before it was ready".into()));
        let child = match started.unwrap_or_else(|_| gone()) {
            Ok(child) => child,
            Err(Unstarted::Policy(why)) => {
                slot.failed();
                return Err(why.open());
            }
            Err(Unstarted::Because(why)) => {
                slot.failed();
                return Err(StartupError::new(format!(
                    "the process of {} did not start: {why}",
                    key.label()
                )));
            }
        };
        let link = child.take_link();
        let link = link.ok_or_else(|| StartupError::new("a process has no links"))?;
        slot.child = Some(Arc::clone(&child));
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        started.push((counted, Arc::clone(&child)));
        drop(started);
        Ok((child, link))
    }

    /// Whether there may be no more than so many of what a process for this is: their number is not known before.
    fn is_counted(&self, key: &Key) -> bool {
        self.settings.counted || key.found().is_some()
    }

    /// Puts a process away where there are as many as may be, of those that are counted or in all: the one that has had nothing to do for
    /// longest. Fails where all of them are busy.
    fn make_room(&self, counted: bool) -> Result<(), String> {
        let mut started = self.started.lock().unwrap_or_else(PoisonError::into_inner);
        started.retain(|(_, child)| child.is_open());
        let of_counted = started.iter().filter(|(counted, _)| *counted);
        if counted && of_counted.clone().count() >= self.settings.found {
            retire(of_counted, || {
                let most = self.settings.found;
                format!("{most} processes for agents of `agents_dir` are busy: see isolation.processes")
            })?;
        }
        let open = started.iter().filter(|(_, child)| child.is_open());
        let most = files::shared_by(self.settings.links + OF_EACH);
        if open.clone().count() >= most {
            retire(open, || {
                format!(
                    "{most} processes are busy, and there are file descriptors for no more: raise the limit of open files"
                )
            })?;
        }
        drop(started);
        // What is known of those that are gone need not be known for ever.
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() > SLOTS {
            slots.retain(|key, slot| {
                let open = |slot: &Slot| slot.child.as_ref().is_some_and(|child| child.is_open());
                !self.is_counted(key) || slot.try_lock().map_or(true, |slot| open(&slot))
            });
        }
        Ok(())
    }
}

/// Has the one of these leave that has had nothing to do for longest.
fn retire<'a>(all: impl Iterator<Item = &'a (bool, Arc<Child>)>, busy: impl FnOnce() -> String) -> Result<(), String> {
    let idle = all.filter_map(|(_, child)| Some((child.idles()?, child)));
    let (_, longest) = idle.max_by_key(|(since, _)| *since).ok_or_else(busy)?;
    longest.retire();
    Ok(())
}
