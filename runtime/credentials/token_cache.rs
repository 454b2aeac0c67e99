//! Access tokens that expire: kept until shortly before, with one renewal at a time. A renewal is the credential's own: who
//! asked may go away without harm, and nobody waits for it who has a token that still holds.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::pace::Pace;
use super::token::{Exchange, TokenClient, TokenRequestError};
use super::token_response::TokenResponse;

/// How long before its end a token is renewed, and how long before it is no longer used.
const MARGINS: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(10));

/// How long a token is used that says nothing of its end.
const UNKNOWN: Duration = Duration::from_mins(5);

/// How long a token for one use is kept that nobody has used: who asked for it may have gone.
const UNUSED: Duration = Duration::from_secs(5);

/// No token is used for longer, whatever its server says.
const LONGEST: Duration = Duration::from_hours(365 * 24);

/// How many tokens that were accepted somewhere may be refused, one after the other, before renewals are put off: a server may
/// revoke them, and an agent may ask for what answers 401 to everyone.
const REVOKED: u32 = 3;

struct Token {
    value: String,
    /// When another is asked for, and when it is no longer used.
    renew: Instant,
    end: Instant,
    /// Where it is for one use: whether it was used.
    once: Option<AtomicBool>,
    /// Whether an upstream has taken it.
    accepted: AtomicBool,
}

impl Token {
    fn new(response: TokenResponse, now: Instant) -> Self {
        let lifetime = response.lifetime.unwrap_or(UNKNOWN).min(LONGEST);
        let once = lifetime.is_zero().then(AtomicBool::default);
        let after = |time: Duration| now.checked_add(time).unwrap_or(now);
        // Short-lived tokens keep at least half of their life.
        let within = |margin: Duration| after(lifetime.saturating_sub(margin).max(lifetime / 2));
        let (renew, end) = match once {
            Some(_) => (after(UNUSED), after(UNUSED)),
            None => (within(MARGINS.0), within(MARGINS.1)),
        };
        Self {
            value: response.token,
            renew,
            end,
            once,
            accepted: AtomicBool::new(false),
        }
    }

    /// Whether it may be used by who asks first.
    fn take(&self) -> bool {
        !self
            .once
            .as_ref()
            .is_some_and(|used| used.swap(true, Ordering::Relaxed))
    }

    fn holds(&self, now: Instant) -> bool {
        now < self.end
    }
}

/// What a renewal came to.
type Outcome = Result<Arc<Token>, Arc<str>>;

/// Tells what a renewal has come to, once it has.
type Renewal = watch::Receiver<Option<Outcome>>;

#[derive(Default)]
struct State {
    token: Option<Arc<Token>>,
    renewal: Option<Renewal>,
    /// Renewals because a token was refused.
    refusals: Pace,
    /// Renewals that failed, of what they were made, and why the last one did.
    failures: Pace,
    failed: Option<(Vec<Arc<str>>, Arc<str>)>,
    /// The refresh token that the server gave last, with the configured one that it was given for.
    rotated: Option<(Arc<str>, String)>,
}

/// One credential's tokens.
#[derive(Default)]
pub(super) struct Cache(Arc<Mutex<State>>);

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cache")
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What there is for who asks.
enum Found {
    Token(String),
    Waits(Renewal),
    Starts(Box<(Renewing, http::Request<Vec<u8>>, Renewal)>),
    /// None but the one that was refused, and it is too early to ask for another.
    Nothing,
}

impl Cache {
    /// A token. Where one was `refused` by an upstream, another, and none while it is too early to ask for one. `exchange` makes
    /// the request for it, with the refresh token that a server gave in the place of the configured one.
    pub(super) async fn get(
        &self,
        tokens: &dyn TokenClient,
        refused: Option<&str>,
        exchange: impl Fn(Option<&(Arc<str>, String)>) -> Result<Exchange, String>,
    ) -> Result<Option<String>, String> {
        loop {
            let mut renewal = match self.find(tokens.is_real(), refused, &exchange)? {
                Found::Token(token) => {
                    self.renew_early(tokens, &exchange);
                    return Ok(Some(token));
                }
                Found::Nothing => return Ok(None),
                Found::Waits(renewal) => renewal,
                Found::Starts(started) => {
                    let (renewing, request, renewal) = *started;
                    tokens.start(request, Box::new(move |answer| renewing.end(answer)));
                    renewal
                }
            };
            let outcome = match renewal.wait_for(Option::is_some).await {
                Ok(outcome) => outcome.clone(),
                Err(_) => None,
            };
            match outcome {
                Some(Ok(token)) if refused == Some(&*token.value) => return Ok(None),
                Some(Ok(token)) if token.take() => return Ok(Some(token.value.clone())),
                // It was for one use, which another has made of it.
                Some(Ok(_)) => {}
                Some(Err(why)) => return Err(why.to_string()),
                None => return Err(CUT_SHORT.to_owned()),
            }
        }
    }

    /// An upstream has taken a token.
    pub(super) fn accepted(&self, token: &str) {
        if let Some(newest) = lock(&self.0).token.as_ref().filter(|newest| newest.value == token) {
            newest.accepted.store(true, Ordering::Relaxed);
        }
    }

    fn find(
        &self,
        is_real: bool,
        refused: Option<&str>,
        exchange: &impl Fn(Option<&(Arc<str>, String)>) -> Result<Exchange, String>,
    ) -> Result<Found, String> {
        let now = Instant::now();
        let mut state = lock(&self.0);
        if let Some(token) = state.token.as_ref().filter(|token| token.holds(now)) {
            // A second request that met the same 401 takes the first one's new token.
            if refused != Some(&*token.value) && token.take() {
                return Ok(Found::Token(token.value.clone()));
            }
        }
        if let Some(renewal) = &state.renewal {
            return Ok(Found::Waits(renewal.clone()));
        }
        if refused.is_some() && is_real {
            let accepted = |token: &Arc<Token>| token.accepted.load(Ordering::Relaxed);
            let free = if state.token.as_ref().is_some_and(accepted) {
                REVOKED
            } else {
                0
            };
            if !state.refusals.allows(free, now) {
                return Ok(Found::Nothing);
            }
        }
        let found = self.start(&mut state, is_real, exchange, now)?;
        if refused.is_some() {
            state.refusals.tried(now);
        }
        Ok(found)
    }

    /// Fails at once where the same has failed lately.
    fn start(
        &self,
        state: &mut State,
        is_real: bool,
        exchange: &impl Fn(Option<&(Arc<str>, String)>) -> Result<Exchange, String>,
        now: Instant,
    ) -> Result<Found, String> {
        let mut exchange = exchange(state.rotated.as_ref())?;
        match &state.failed {
            Some((made_of, why)) if *made_of == exchange.made_of => {
                if is_real && !state.failures.allows(1, now) {
                    return Err(why.to_string());
                }
            }
            _ => state.failures = Pace::default(),
        }
        let (told, renewal) = watch::channel(None);
        state.renewal = Some(renewal.clone());
        let request = std::mem::take(&mut exchange.request);
        let renewing = Renewing {
            state: Arc::clone(&self.0),
            exchange,
            told,
            ended: false,
        };
        Ok(Found::Starts(Box::new((renewing, request, renewal))))
    }

    /// Renews a token that is about to end. Nobody waits for that.
    fn renew_early(
        &self,
        tokens: &dyn TokenClient,
        exchange: &impl Fn(Option<&(Arc<str>, String)>) -> Result<Exchange, String>,
    ) {
        let now = Instant::now();
        let mut state = lock(&self.0);
        let early = state.token.as_ref().is_some_and(|token| now >= token.renew);
        if !early || state.renewal.is_some() {
            return;
        }
        // Where it fails, who needs the next one hears of it.
        let started = self.start(&mut state, tokens.is_real(), exchange, now);
        drop(state);
        if let Ok(Found::Starts(started)) = started {
            let (renewing, request, _) = *started;
            tokens.start(request, Box::new(move |answer| renewing.end(answer)));
        }
    }
}

const CUT_SHORT: &str = "the token endpoint could not be asked: the request for a token was cut short";

/// A renewal that has begun. It ends once, even where its request is dropped.
struct Renewing {
    state: Arc<Mutex<State>>,
    exchange: Exchange,
    told: watch::Sender<Option<Outcome>>,
    ended: bool,
}

impl Renewing {
    fn end(mut self, answer: Result<http::Response<Vec<u8>>, TokenRequestError>) {
        let (read, refresh_token) = self.exchange.read(answer);
        self.finish(read, refresh_token);
    }

    fn finish(&mut self, read: Result<TokenResponse, String>, refresh_token: Option<String>) {
        self.ended = true;
        let now = Instant::now();
        let mut state = lock(&self.state);
        state.renewal = None;
        if let (Some(configured), Some(next)) = (self.exchange.configured.take(), refresh_token) {
            state.rotated = Some((configured, next));
        }
        let outcome: Outcome = match read {
            Ok(response) => {
                let token = Arc::new(Token::new(response, now));
                state.token = Some(Arc::clone(&token));
                state.failed = None;
                state.failures = Pace::default();
                Ok(token)
            }
            Err(why) => {
                let why: Arc<str> = why.into();
                state.failures.tried(now);
                state.failed = Some((std::mem::take(&mut self.exchange.made_of), Arc::clone(&why)));
                Err(why)
            }
        };
        drop(state);
        self.told.send_replace(Some(outcome));
    }
}

impl Drop for Renewing {
    fn drop(&mut self) {
        if !self.ended {
            self.finish(Err(CUT_SHORT.to_owned()), None);
        }
    }
}
