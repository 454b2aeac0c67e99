//! The process that holds keys, as its parent starts it: confined as agents' processes are, but that files come to it, and that it runs no
//! script.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::control::confinement;
use super::sandbox::Layer;
use super::spawn::{KEYS_ARGUMENT, Spawned, spawn};
use super::told::{LONGEST_REPORT, Told};

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
    let why = match hear(&spawned.control) {
        Ok(Told::Ready) => return Ok(spawned),
        Ok(Told::Refused(why)) => why,
        Ok(_) => "it tells what nobody asked for".to_owned(),
        Err(error) => format!("it tells nothing: {error}"),
    };
    let _ = spawned.process.kill();
    let _ = spawned.process.wait();
    Err(why)
}

fn hear(mut control: &UnixStream) -> io::Result<Told> {
    let mut length = [0; 4];
    control.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length) as usize;
    if length > LONGEST_REPORT {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut packet = vec![0; length];
    control.read_exact(&mut packet)?;
    Ok(serde_json::from_slice(&packet)?)
}
