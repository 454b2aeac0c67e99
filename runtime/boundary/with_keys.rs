//! The process that holds keys, as its parent starts it: confined as agents' processes are, but that files come to it, and that it runs no
//! script.

use std::io::{self, Write as _};
use std::time::Duration;

use super::control::confinement;
use super::sandbox::Layer;
use super::spawn::{KEYS_ARGUMENT, Spawned, spawn};
use super::told::{LONGEST_REPORT, Told, receive};

/// What it may have of memory, in MiB.
const MEMORY: u64 = 64;

/// How long it has until it is ready.
const START: Duration = Duration::from_secs(20);

/// Starts it with so many links, and waits until it is ready. It ends with the calling thread. Fails with a sentence.
pub(crate) fn start_with_keys(links: usize, allow_missing: &[Layer]) -> Result<Spawned, String> {
    let begin = || -> io::Result<Spawned> {
        let spawned = spawn(KEYS_ARGUMENT, links)?;
        (&spawned.control).write_all(&confinement(links, MEMORY, allow_missing))?;
        spawned.control.set_nonblocking(false)?;
        spawned.control.set_read_timeout(Some(START))?;
        for link in &spawned.links {
            link.set_nonblocking(false)?;
        }
        Ok(spawned)
    };
    let mut spawned = begin().map_err(|error| error.to_string())?;
    let why = match receive(&spawned.control, LONGEST_REPORT) {
        Ok(Told::Ready) => return Ok(spawned),
        Ok(Told::Refused(why)) => why,
        Ok(_) => "it tells what nobody asked for".to_owned(),
        Err(error) => format!("it tells nothing: {error}"),
    };
    let _ = spawned.process.kill();
    let _ = spawned.process.wait();
    Err(why)
}
