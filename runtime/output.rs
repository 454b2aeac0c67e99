//! Standard output and standard error, for lines that must hold nobody up: a pipe whose reader stands still takes no more,
//! and whoever writes to it all the same waits for as long as the reader likes.

use std::io;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::metrics;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Whether a write would be taken now. A pipe that has room takes a line of 4 KiB at once; longer ones may still wait.
pub(crate) fn has_room(file: &impl AsFd) -> bool {
    let mut files = [PollFd::new(file, PollFlags::OUT)];
    match poll(&mut files, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })) {
        // An error is the write's to tell.
        Ok(ready) => ready > 0,
        Err(_) => true,
    }
}

/// Waits until a write is taken, or would fail.
pub(crate) fn wait_for_room(file: &impl AsFd) -> io::Result<()> {
    let mut files = [PollFd::new(file, PollFlags::OUT)];
    loop {
        match poll(&mut files, None) {
            Ok(_) => return Ok(()),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Lines of the log that were dropped.
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// Standard error. A line that it does not take is dropped, and counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Log;

impl io::Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut out = io::stderr().lock();
        if !has_room(&out) {
            DROPPED.fetch_add(1, Ordering::Relaxed);
            metrics::lost(metrics::Stream::Log);
            return Ok(line.len());
        }
        let dropped = DROPPED.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            // Where that fails, so does what follows.
            let _ = writeln!(
                out,
                "{dropped} lines of the log were dropped: whoever reads them stood still"
            );
        }
        // A reader that is gone is nobody's fault here.
        let _ = out.write_all(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
