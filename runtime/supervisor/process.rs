//! A worker process. That it has ended is known before it is reaped, which Linux can make last for seconds: whoever reaps
//! waits there for what exiting threads do, and those that hung have little of the processors.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;

use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, pidfd_send_signal, waitid};
use tokio::sync::watch;

use super::FLAG;
use crate::limits::priority;

/// A process that is killed where this is dropped.
#[derive(Debug)]
pub(super) struct Process {
    handle: Arc<OwnedFd>,
    end: watch::Receiver<Option<ExitStatus>>,
}

impl Process {
    /// Starts this program, with the same arguments and one more. A terminal's signals do not reach it twice.
    pub(super) fn start(stdin: OwnedFd) -> io::Result<Self> {
        let program = std::env::current_exe()?;
        let mut arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
        let command = arguments.iter().position(|argument| argument == "serve");
        arguments.insert(command.map_or(arguments.len(), |at| at + 1), format!("--{FLAG}").into());
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::from(stdin))
            .process_group(0)
            .spawn()?;
        let handle = Arc::new(pidfd_open(Pid::from_child(&child), PidfdFlags::empty())?);
        let (tell, end) = watch::channel(None);
        let watched = Arc::clone(&handle);
        std::thread::Builder::new()
            .name("waits".into())
            .spawn(move || wait(child, &watched, &tell))?;
        Ok(Self { handle, end })
    }

    /// Waits for its end.
    pub(super) async fn ended(&self) -> io::Result<ExitStatus> {
        let mut end = self.end.clone();
        let status = end.wait_for(Option::is_some).await.map(|status| *status);
        status.ok().flatten().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Passes a signal on.
    pub(super) fn pass(&self, signal: Signal) {
        if let Err(error) = pidfd_send_signal(&self.handle, signal) {
            tracing::error!("a signal could not be passed on to the worker process: {error}");
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Fails where it has ended.
        let _ = pidfd_send_signal(&self.handle, Signal::KILL);
    }
}

/// Waits for a process, tells how it ended, and reaps it.
fn wait(mut child: Child, handle: &OwnedFd, tell: &watch::Sender<Option<ExitStatus>>) {
    match waitid(
        WaitId::PidFd(handle.as_fd()),
        WaitIdOptions::EXITED | WaitIdOptions::NOWAIT,
    ) {
        Ok(Some(status)) => {
            // As wait(2) has it.
            let raw = match (status.exit_status(), status.terminating_signal()) {
                (Some(code), _) => (code & 0xff) << 8,
                (None, signal) => signal.unwrap_or_default(),
            };
            tell.send_replace(Some(ExitStatus::from_raw(raw)));
        }
        Ok(None) => {}
        Err(error) => tracing::error!("the worker process can not be waited for: {error}"),
    }
    // No better than the threads that it may have to wait for.
    priority::abandon(nix::unistd::gettid());
    if let Ok(status) = child.wait() {
        tell.send_if_modified(|known| known.replace(status).is_none());
    }
}
