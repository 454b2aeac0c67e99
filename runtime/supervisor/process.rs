//! A worker process. That it has ended is known before it is reaped, which Linux can make last for seconds: whoever reaps
//! waits there for what exiting threads do, and those that hung have little of the processors.

use std::ffi::OsString;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, ExitStatus, Stdio};

use rustix::io::retry_on_intr;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use tokio::sync::watch;

use super::{FLAG, notify};
use crate::limits::priority;
use crate::listen;

/// A process that is killed where this is dropped.
#[derive(Debug)]
pub(super) struct Process {
    id: Pid,
    end: watch::Receiver<Option<ExitStatus>>,
}

impl Process {
    /// Starts this program, with the same arguments and one more. A terminal's signals do not reach it twice.
    pub(super) fn start(stdin: OwnedFd) -> io::Result<Self> {
        let program = std::env::current_exe()?;
        let mut arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
        let command = arguments.iter().position(|argument| argument == "serve");
        arguments.insert(command.map_or(arguments.len(), |at| at + 1), format!("--{FLAG}").into());
        let mut command = Command::new(program);
        // What is the supervisor's alone: whoever could read its variables could speak to systemd in its name.
        for name in notify::VARIABLES.iter().chain(&listen::VARIABLES) {
            command.env_remove(name);
        }
        let child = command
            .args(arguments)
            .stdin(Stdio::from(stdin))
            .process_group(0)
            .spawn()?;
        let id = Pid::from_child(&child);
        let (tell, end) = watch::channel(None);
        std::thread::Builder::new()
            .name("waits".into())
            .spawn(move || wait(child, id, &tell))?;
        Ok(Self { id, end })
    }

    /// Waits for its end.
    pub(super) async fn ended(&self) -> io::Result<ExitStatus> {
        let mut end = self.end.clone();
        let status = end.wait_for(Option::is_some).await.map(|status| *status);
        status.ok().flatten().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Passes a signal on.
    pub(super) fn pass(&self, signal: Signal) {
        // Held meanwhile: it is reaped after its end is told, and its number is its own until then.
        let end = self.end.borrow();
        if end.is_some() {
            return;
        }
        if let Err(error) = kill_process(self.id, signal) {
            tracing::error!("a signal could not be passed on to the worker process: {error}");
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.pass(Signal::KILL);
    }
}

/// Waits for a process, tells how it ended, and reaps it.
fn wait(mut child: Child, id: Pid, tell: &watch::Sender<Option<ExitStatus>>) {
    let end = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
    match retry_on_intr(|| waitid(WaitId::Pid(id), end)) {
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
    // Whoever reaps waits busily: no better than the threads that it may have to wait for.
    priority::abandon(nix::unistd::gettid());
    if let Ok(status) = child.wait() {
        tell.send_if_modified(|known| known.replace(status).is_none());
    }
}
