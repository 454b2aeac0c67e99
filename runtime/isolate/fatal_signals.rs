//! Signals that end the process: V8's own checks, Rust's allocator, a fault of memory. Whoever is to blame is noted first, since the
//! process that takes the place must know.

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, raise, sigaction};

use super::crash_marker;

const FATAL: [Signal; 6] = [
    Signal::SIGABRT,
    Signal::SIGBUS,
    Signal::SIGFPE,
    Signal::SIGILL,
    Signal::SIGSEGV,
    Signal::SIGTRAP,
];

/// Notes from now on for whom a thread worked that ends the process.
#[expect(unsafe_code, reason = "a signal's handler is set")]
pub(crate) fn notice_fatal_signals() {
    let action = SigAction::new(
        SigHandler::Handler(handler),
        // A stack that is used up is one of the reasons.
        SaFlags::SA_ONSTACK,
        SigSet::empty(),
    );
    for signal in FATAL {
        // SAFETY: the handler calls only what is safe in one: it copies from a thread-local that needs no construction, and writes
        // to a file that is open already.
        let _ = unsafe { sigaction(signal, &action) };
    }
}

extern "C" fn handler(signal: std::ffi::c_int) {
    crash_marker::blame_this();
    let Ok(signal) = Signal::try_from(signal) else {
        return;
    };
    end_by(signal);
}

/// The process ends by the signal, as it would have without a handler.
#[expect(unsafe_code, reason = "a signal's handler is taken away")]
fn end_by(signal: Signal) {
    let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    // SAFETY: no handler is set.
    let _ = unsafe { sigaction(signal, &default) };
    // It is blocked until the handler returns.
    let _ = raise(signal);
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::Command;

    use workerd_lite_ops::account::AgentId;

    use super::*;
    use crate::limits::Culprit;

    const FILE: &str = "WORKERD_LITE_TEST_OF_FATAL_SIGNALS";

    /// A process that ends by each signal while a thread works for one agent and another for nobody.
    fn ends(signal: Signal, path: &str) {
        let file = std::fs::File::options().read(true).write(true).open(path).unwrap();
        crash_marker::record_in(file);
        notice_fatal_signals();
        std::thread::spawn(|| crash_marker::CrashMarker::new(&Culprit::Owner("other".into(), None)).mark())
            .join()
            .unwrap();
        crash_marker::CrashMarker::new(&Culprit::Agent(AgentId::new(Some("a"), "bad"))).mark();
        let _ = raise(signal);
    }

    #[test]
    fn who_ends_the_process_by_a_signal_is_noted() {
        if let Ok(what) = std::env::var(FILE) {
            let (signal, path) = what.split_once(' ').unwrap();
            return ends(signal.parse().unwrap(), path);
        }
        for signal in FATAL {
            let file = tempfile::NamedTempFile::new().unwrap();
            let output = Command::new(std::env::current_exe().unwrap())
                .args([
                    "--exact",
                    "isolate::fatal_signals::tests::who_ends_the_process_by_a_signal_is_noted",
                ])
                .env(FILE, format!("{signal} {}", file.path().display()))
                .output()
                .unwrap();
            assert_eq!(output.status.signal(), Some(signal as i32), "{output:?}");
            let last = crash_marker::read(file.as_file()).unwrap();
            assert_eq!(
                last.blamed,
                Some(Culprit::Agent(AgentId::new(Some("a"), "bad"))),
                "{signal}"
            );
        }
    }
}
