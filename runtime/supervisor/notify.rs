//! What systemd hears of the service (sd_notify(3)). The supervisor alone says it: it is the main process, and no other one knows
//! where to.

use std::time::Duration;

use sd_notify::NotifyState;

/// The variables that tell of it.
pub(super) const VARIABLES: [&str; 3] = ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"];

/// How often the service says that it works, where systemd waits for that. It does so within twice this time.
pub(super) fn alive_every() -> Option<Duration> {
    let within = sd_notify::watchdog_enabled()?;
    (!within.is_zero()).then_some(within / 2)
}

/// So many agents answer.
pub(super) fn ready(agents: u32) {
    let s = if agents == 1 { "" } else { "s" };
    let status = format!("Serving {agents} agent{s}");
    say(&[NotifyState::Ready, NotifyState::Status(&status)]);
}

/// The configuration is read anew. What follows is [`ready`].
pub(super) fn reloading() {
    let mut states = vec![NotifyState::Reloading];
    states.extend(NotifyState::monotonic_usec_now().ok());
    states.push(NotifyState::Status("Reloading"));
    say(&states);
}

pub(super) fn stopping() {
    say(&[
        NotifyState::Stopping,
        NotifyState::Status("Finishing requests under way"),
    ]);
}

/// Another worker process takes the place of one.
pub(super) fn replacing() {
    say(&[NotifyState::Status("Replacing a worker process")]);
}

pub(super) fn alive() {
    say(&[NotifyState::Watchdog]);
}

/// Nothing is said where nobody listens.
fn say(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!("systemd can not be told: {error}");
    }
}
