//! Sessions with a token: logged in once, and kept.

use std::sync::{Arc, Mutex, PoisonError};

use cryptoki::error::{Error, RvError};
use cryptoki::object::ObjectHandle;
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use sha2::Digest as _;

use super::module::{Module, State};
use super::object::{Missing, private};
use super::pin::Pin;
use super::uri::Uri;

/// How many sessions wait for work. More are closed.
const IDLE: usize = 16;

/// A session, and the key in it.
pub(super) struct Open {
    pub(super) session: Session,
    pub(super) key: ObjectHandle,
    generation: u64,
}

/// Where sessions that do nothing wait. The first to be opened logs in for all.
pub(super) struct Sessions {
    module: Arc<Module>,
    uri: Uri,
    pin: Pin,
    idle: Mutex<Vec<Open>>,
    /// The hash of a PIN that the token refused. It is not tried again: tokens lock themselves after a few.
    refused: Mutex<Option<[u8; 32]>>,
}

/// Why something was not done.
pub(super) enum Failure {
    /// It makes no difference to try again.
    Final(String),
    /// The token may be gone, or back.
    Gone(String),
}

impl Failure {
    pub(super) fn sentence(self) -> String {
        match self {
            Self::Final(why) | Self::Gone(why) => why,
        }
    }
}

impl Sessions {
    pub(super) fn new(module: Arc<Module>, uri: Uri, pin: Pin) -> Self {
        Self {
            module,
            uri,
            pin,
            idle: Mutex::default(),
            refused: Mutex::default(),
        }
    }

    /// Does something with the key. Where the token does not answer, it is looked for once more; then the module is started
    /// anew, which is when modules look for tokens.
    pub(super) fn with_key<T>(&self, act: impl Fn(&Open) -> Result<T, Missing>) -> Result<T, String> {
        let mut outcome = self.once(&act);
        for restart in [false, true] {
            let (generation, Err(Failure::Gone(_))) = &outcome else {
                break;
            };
            if restart && !self.module.look_again(*generation) {
                break;
            }
            // What waits has the same failure, most likely.
            self.idle().clear();
            outcome = self.once(&act);
        }
        outcome.1.map_err(Failure::sentence)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Open>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn once<T>(&self, act: impl Fn(&Open) -> Result<T, Missing>) -> (u64, Result<T, Failure>) {
        self.module.with(|state| {
            let outcome = self.take(state).and_then(|open| {
                let done = act(&open).map_err(|missing| self.failure(missing));
                if done.is_ok() {
                    self.put(open);
                } else {
                    let _ = open.session.close();
                }
                done
            });
            (state.generation, outcome)
        })
    }

    fn put(&self, open: Open) {
        let mut idle = self.idle();
        if idle.len() < IDLE {
            idle.push(open);
        } else {
            let _ = open.session.close();
        }
    }

    fn take(&self, state: &State) -> Result<Open, Failure> {
        let waiting = {
            let mut idle = self.idle();
            // Handles of an earlier time may be another session's now: these are not even closed.
            idle.retain(|open| open.generation == state.generation);
            idle.pop()
        };
        if let Some(open) = waiting {
            return Ok(open);
        }
        let slot = self.slot(state)?;
        // Not closed where it is dropped: see above.
        let session = state
            .context
            .open_ro_session_no_drop(slot)
            .map_err(|error| self.failure(error.into()))?;
        let key = self
            .log_in(&session)
            .and_then(|()| private(&session, &self.uri).map_err(|missing| self.failure(missing)));
        match key {
            Ok(key) => Ok(Open {
                session,
                key,
                generation: state.generation,
            }),
            Err(failure) => {
                let _ = session.close();
                Err(failure)
            }
        }
    }

    fn slot(&self, state: &State) -> Result<Slot, Failure> {
        let slots = state
            .context
            .get_slots_with_token()
            .map_err(|error| self.failure(error.into()))?;
        let matches = |slot: &Slot| {
            let Ok(info) = state.context.get_token_info(*slot) else {
                return false;
            };
            let same =
                |wanted: &Option<String>, found: &str| wanted.as_ref().is_none_or(|wanted| wanted == found.trim_end());
            same(&self.uri.token, info.label())
                && same(&self.uri.serial, info.serial_number())
                && same(&self.uri.manufacturer, info.manufacturer_id())
                && same(&self.uri.model, info.model())
                && self.uri.slot.is_none_or(|wanted| wanted == slot.id())
                && info.token_initialized()
        };
        slots.into_iter().find(matches).ok_or_else(|| {
            Failure::Gone(format!(
                "{} is not there: no slot of {:?} holds it",
                self.uri.token_name(),
                self.module.name()
            ))
        })
    }

    fn log_in(&self, session: &Session) -> Result<(), Failure> {
        let pin = self.pin.read().map_err(Failure::Final)?;
        let Some(pin) = pin else {
            // A token that wants a PIN shows no private key without it.
            return Ok(());
        };
        let hash = sha2::Sha256::digest(pin.as_bytes()).into();
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let wrong = || Failure::Final(format!("{} refuses the PIN", self.uri.token_name()));
        if *refused == Some(hash) {
            return Err(wrong());
        }
        match session.login(UserType::User, Some(&AuthPin::from(pin))) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
            Err(Error::Pkcs11(RvError::PinIncorrect | RvError::PinInvalid | RvError::PinLenRange, _)) => {
                *refused = Some(hash);
                Err(wrong())
            }
            Err(Error::Pkcs11(RvError::PinLocked, _)) => {
                *refused = Some(hash);
                Err(Failure::Final(format!(
                    "{} is locked after too many wrong PINs",
                    self.uri.token_name()
                )))
            }
            Err(error) => Err(self.failure(error.into())),
        }
    }

    fn failure(&self, missing: Missing) -> Failure {
        match missing {
            Missing::Key(why) if matches!(self.pin, Pin::None) => Failure::Final(format!(
                "{why}, or shows it with a PIN only: give a secret's name as `pin`"
            )),
            Missing::Key(why) => Failure::Gone(why),
            Missing::Asking(error) => Failure::Gone(format!("{} does not sign: {error}", self.uri.token_name())),
        }
    }
}
