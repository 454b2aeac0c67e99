//! The process that entered the sandbox waits for the one that goes on in it. A namespace of processes begins with a process's
//! child; and who started the process waits for a child of its own.

use std::os::fd::{AsFd as _, OwnedFd};

use nix::libc;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, SigmaskHow, Signal, raise, sigaction, sigprocmask};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{PidfdFlags, getppid, pidfd_open, set_parent_process_death_signal};

use super::descriptors;
use super::layer::Failed;

/// Who started this process. None where it is gone, or the kernel is older than 5.3.
pub(super) fn parent() -> Option<OwnedFd> {
    pidfd_open(getppid()?, PidfdFlags::empty()).ok()
}

/// Returns in the child. The caller stays behind as its watcher.
#[expect(unsafe_code, reason = "a process is forked")]
pub(super) fn split(parent: Option<OwnedFd>) -> Result<(), Failed> {
    // SAFETY: this process has one thread, so that no lock is held by another.
    match unsafe { fork() }.map_err(Failed::at("starting the process inside"))? {
        ForkResult::Child => {
            drop(parent);
            set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
                .map_err(Failed::at("ending with the process that waits"))
        }
        ForkResult::Parent { child } => watch(child, parent),
    }
}

/// Waits, and ends as the child does.
fn watch(child: Pid, parent: Option<OwnedFd>) -> ! {
    // Who sends to the links is told when the process ends, not when this one does.
    let kept = parent.iter().map(std::os::fd::AsRawFd::as_raw_fd).collect();
    let _ = descriptors::close_others(kept);
    let inside = rustix::process::Pid::from_raw(child.as_raw());
    let inside = inside.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
    if let (Some(parent), Some(inside)) = (parent, inside) {
        let mut both = [PollFd::new(&parent, PollFlags::IN), PollFd::new(&inside, PollFlags::IN)];
        while poll(&mut both, None).is_err() {}
        if !both[0].revents().is_empty() && both[1].revents().is_empty() {
            let _ = rustix::process::pidfd_send_signal(inside.as_fd(), rustix::process::Signal::KILL);
        }
    }
    loop {
        match waitpid(child, None) {
            Ok(WaitStatus::Exited(_, code)) => end(code),
            Ok(WaitStatus::Signaled(_, signal, _)) => {
                end_by(signal);
                end(128 + signal as i32)
            }
            Err(nix::errno::Errno::ECHILD) => end(1),
            Ok(_) | Err(_) => {}
        }
    }
}

/// Nothing of what the program registered for its end is for this process to do.
#[expect(unsafe_code, reason = "the process ends without its own handlers")]
fn end(code: i32) -> ! {
    // SAFETY: it does not return, and touches no memory.
    unsafe { libc::_exit(code) }
}

#[expect(unsafe_code, reason = "a signal's handler is taken away")]
fn end_by(signal: Signal) {
    let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    // SAFETY: no handler is set.
    let _ = unsafe { sigaction(signal, &default) };
    let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None);
    let _ = raise(signal);
}
