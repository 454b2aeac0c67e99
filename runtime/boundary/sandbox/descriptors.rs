//! No descriptor but the links.

use std::os::fd::RawFd;

use nix::errno::Errno;
use nix::libc;

use super::layer::Failed;

/// Closes all but these. What prints to standard output or error must not write to whatever gets that number next: 0, 1 and 2
/// lead to `/dev/null` unless they are among these.
pub(super) fn close_all_but(kept: &[RawFd]) -> Result<(), Failed> {
    let mut kept = kept.to_vec();
    for standard in 0..3 {
        if !kept.contains(&standard) {
            lead_to_null(standard)?;
            kept.push(standard);
        }
    }
    close_others(kept)
}

/// Closes all but these, the standard ones as well.
pub(super) fn close_others(mut kept: Vec<RawFd>) -> Result<(), Failed> {
    kept.sort_unstable();
    kept.dedup();
    let mut from = 0;
    for fd in kept.into_iter().map(RawFd::cast_unsigned) {
        if from < fd {
            close_range(from, fd - 1)?;
        }
        from = fd + 1;
    }
    close_range(from, u32::MAX)
}

#[expect(unsafe_code, reason = "a number becomes another open file")]
fn lead_to_null(fd: RawFd) -> Result<(), Failed> {
    let step = "opening /dev/null";
    let null = std::fs::File::options()
        .read(true)
        .write(true)
        .open("/dev/null")
        .map_err(Failed::at(step))?;
    let null = std::os::fd::IntoRawFd::into_raw_fd(null);
    if null == fd {
        // SAFETY: no memory is touched. It stays open in what is executed next, as standard descriptors do.
        unsafe { libc::fcntl(fd, libc::F_SETFD, 0) };
        return Ok(());
    }
    // SAFETY: no memory is touched. Whoever holds one of the standard descriptors goes on with `/dev/null`; the other is this
    // function's own.
    Errno::result(unsafe { libc::dup2(null, fd) }).map_err(Failed::at(step))?;
    // SAFETY: as above.
    unsafe { libc::close(null) };
    Ok(())
}

/// Closes from the first to the last, both included.
#[expect(unsafe_code, reason = "no crate at hand has the call")]
fn close_range(first: u32, last: u32) -> Result<(), Failed> {
    // SAFETY: no memory is touched. This process has one thread, and nothing in it holds a descriptor that it uses afterwards
    // but the links: that is the contract of `enter`.
    let closed = unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) };
    Errno::result(closed)
        .map(drop)
        .map_err(Failed::at("closing inherited descriptors"))
}
