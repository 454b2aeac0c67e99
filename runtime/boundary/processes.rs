//! The agents' processes of one project: which there are, and a link of each thread to those that it needs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::child::Child;
use super::keeper::{self, Order, Start, Unstarted};
use super::key::Key;
use super::sandbox;
use super::settings::Settings;
use super::spawn::End;
use super::spec::Spec;
use super::told::Hears;
use crate::isolate::StartupError;

/// A process that ends sooner has not really been there.
const SHORT: Duration = Duration::from_secs(1);

/// So many of those are replaced at once; behind them there is a pause, from the first to the longest one.
const FORGIVEN: u32 = 3;
const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(10);

/// The most processes of agents that were found, one for each, and the most keys of which something is known.
const FOUND: usize = 256;
const SLOTS: usize = 4096;

/// The processes, and who keeps them.
#[derive(Debug)]
pub(crate) struct Processes {
    settings: Settings,
    keeper: mpsc::UnboundedSender<Order>,
    slots: Mutex<HashMap<Key, Arc<tokio::sync::Mutex<Slot>>>>,
    /// Those of agents that were found, which are as many as those are.
    found: Mutex<Vec<Arc<Child>>>,
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
            found: Mutex::default(),
        })
    }

    /// Somebody is going to need them: one is ready from now on, for whoever comes next.
    pub(crate) fn serve(&self) {
        // Where nobody keeps them, whoever needs one hears of it.
        let _ = self.keeper.send(Order::Serve);
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
        let counted = self.settings.counted || key.found().is_some();
        if counted {
            self.make_room().map_err(StartupError::new)?;
        }
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
        if counted {
            let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
            found.push(Arc::clone(&child));
        }
        Ok((child, link))
    }

    /// Puts the process away of an agent that was found, which has had nothing to do for the longest time, where there are as many as may
    /// be. Fails where all of them are busy.
    fn make_room(&self) -> Result<(), String> {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        found.retain(|child| child.is_open());
        if found.len() >= FOUND {
            let idle = found.iter().filter_map(|child| Some((child.idles()?, child)));
            let (_, longest) = idle
                .max_by_key(|(since, _)| *since)
                .ok_or_else(|| format!("{FOUND} processes for agents of `agents_dir` are busy"))?;
            longest.retire();
        }
        drop(found);
        // What is known of those that are gone need not be known for ever.
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() > SLOTS {
            slots.retain(|key, slot| {
                let open = |slot: &Slot| slot.child.as_ref().is_some_and(|child| child.is_open());
                !(self.settings.counted || key.found().is_some()) || slot.try_lock().map_or(true, |slot| open(&slot))
            });
        }
        Ok(())
    }
}
