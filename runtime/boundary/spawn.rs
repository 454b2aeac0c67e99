//! Starts an agent's process: this program again, with no environment, one argument that is the same for all, and no files but its links.

use std::io::{self, PipeReader};
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

use nix::libc;
use rustix::io::fcntl_dupfd_cloexec;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, set_parent_process_death_signal};

use super::groups::Group;

/// The argument by which the program knows what it is to be. No other has it at this place.
pub(crate) const ARGUMENT: &str = "--agents-process";

/// The same for the process that holds keys.
pub(crate) const KEYS_ARGUMENT: &str = "--keys-process";

/// The first descriptor of a link. Before it are the control socket and twice what is written to standard output and error.
pub(super) const FIRST: RawFd = 3;

/// One end of a link.
pub(crate) type End = UnixStream;

/// A process that has just been started.
#[derive(Debug)]
pub(crate) struct Spawned {
    pub(crate) process: Child,
    pub(crate) pidfd: OwnedFd,
    pub(crate) control: UnixStream,
    /// What it writes that nobody asked for: V8's last words, or a panic's.
    pub(crate) output: PipeReader,
    /// Its parent's ends.
    pub(crate) links: Vec<End>,
    /// Its control group, where it has one.
    pub(super) group: Option<Group>,
}

fn pair() -> io::Result<(UnixStream, UnixStream)> {
    let (ours, theirs) = UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    theirs.set_nonblocking(true)?;
    Ok((ours, theirs))
}

/// Starts one by this argument, with so many links. The system forks for it: not on a thread that serves.
pub(super) fn spawn(argument: &str, links: usize) -> io::Result<Spawned> {
    let (control, theirs) = UnixStream::pair()?;
    control.set_nonblocking(true)?;
    let (output, written) = io::pipe()?;
    let (mut ours, mut inherited) = (Vec::new(), Vec::new());
    let behind = FIRST + i32::try_from(links).map_err(io::Error::other)?;
    for _ in 0..links {
        let (end, theirs) = pair()?;
        ours.push(end);
        // Behind all places where one of them is to be.
        inherited.push(fcntl_dupfd_cloexec(theirs, behind)?);
    }
    let places: Vec<(RawFd, RawFd)> = inherited.iter().map(OwnedFd::as_raw_fd).zip(FIRST..).collect();
    let mut command = Command::new("/proc/self/exe");
    command
        .arg0("workerd-lite")
        .arg(argument)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::from(written.try_clone()?))
        .stderr(Stdio::from(written))
        .process_group(0);
    take(&mut command, places, behind);
    let process = command.spawn()?;
    let pidfd = pidfd_open(Pid::from_child(&process), PidfdFlags::empty())?;
    Ok(Spawned {
        process,
        pidfd,
        control,
        output,
        links: ours,
        group: None,
    })
}

/// Lets the process take descriptors to these places, and no others but the first three.
#[expect(unsafe_code, reason = "descriptors are put to their places between fork and exec")]
fn take(command: &mut Command, places: Vec<(RawFd, RawFd)>, behind: RawFd) {
    let take = move || {
        // It ends with the thread that started it, which lives as long as its process.
        set_parent_process_death_signal(Some(Signal::KILL))?;
        for (from, to) in &places {
            // SAFETY: dup2 may be called here, and both numbers are ours: `to` is below all that is open for another purpose but
            // what is to be closed anyway.
            if unsafe { libc::dup2(*from, *to) } < 0 {
                return Err(io::Error::last_os_error());
            }
        }
        // SAFETY: it takes numbers alone, and marks descriptors as closed by exec: Rust's own, which tells of exec's failure, goes with it.
        let closed = unsafe {
            libc::syscall(
                libc::SYS_close_range,
                behind,
                libc::c_uint::MAX,
                libc::CLOSE_RANGE_CLOEXEC,
            )
        };
        if closed < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    };
    // SAFETY: what runs between fork and exec allocates nothing, takes no lock, and calls only what a signal's handler may call.
    unsafe {
        command.pre_exec(take);
    }
}
