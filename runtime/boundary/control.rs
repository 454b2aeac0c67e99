//! A process's beginning: it takes its descriptors, gives up all else, and only then reads what it is for.

use std::ffi::CStr;
use std::io::{self, Read as _};
use std::os::fd::{FromRawFd as _, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;

use super::sandbox::{self, Allowed, Layer, Purpose};
use super::spawn::{End, FIRST};
use super::spec::Spec;
use super::told::{LONGEST_SPEC, Told, receive, send};
use crate::isolate::StartupError;

/// How many descriptors a process may have beside its links: each of its threads has some for its loop.
const DESCRIPTORS: u64 = 256;

/// What a process has.
#[derive(Debug)]
pub(crate) struct Control {
    pub(crate) spec: Spec,
    /// Where it hears of its end, and tells.
    pub(crate) socket: UnixStream,
    pub(crate) links: Vec<End>,
}

/// Confines the process for good, prepares what every such process needs, and reads what this one is to do. It may wait for that for long,
/// and has to say that it is ready.
/// Call it before anything else, on the only thread there is.
pub(crate) fn enter(prepare: impl FnOnce()) -> io::Result<Control> {
    let (socket, links) = confine(Purpose::Scripts, c"agents-spare")?;
    prepare();
    let spec: Spec = match receive(&socket, LONGEST_SPEC) {
        Ok(read) => read,
        Err(error) => {
            tell(
                &socket,
                &Told::Refused(format!("it makes nothing of what it was told: {error}")),
            );
            return Err(error);
        }
    };
    named(if spec.is_policys() { c"policy" } else { c"agents" });
    Ok(Control { spec, socket, links })
}

/// Tells the parent that the process takes events, or why its policy can not be run.
pub(crate) fn tell_start(socket: &UnixStream, started: &Result<(), StartupError>) {
    match started {
        Ok(()) => tell(socket, &Told::Ready),
        Err(why) => tell(socket, &Told::Failed(why.ship())),
    }
}

/// Confines the process that holds keys, and prepares what it needs. Gives the socket that ends with its parent, and its links.
pub(crate) fn enter_with_keys(prepare: impl FnOnce()) -> io::Result<(UnixStream, Vec<End>)> {
    let (socket, links) = confine(Purpose::Keys, c"keys")?;
    prepare();
    tell(&socket, &Told::Ready);
    Ok((socket, links))
}

/// What a process is confined to, in the twelve bytes that it reads first: so many links, MiB of memory, and layers that may be missing.
pub(super) fn confinement(links: usize, memory_mb: u64, allow_missing: &[Layer]) -> [u8; 12] {
    let links = u16::try_from(links).unwrap_or(u16::MAX);
    let missing = allow_missing
        .iter()
        .fold(0_u16, |all, layer| all | 1 << (*layer as u16));
    let mut bytes = [0; 12];
    bytes[..2].copy_from_slice(&links.to_le_bytes());
    bytes[2..4].copy_from_slice(&missing.to_le_bytes());
    bytes[4..].copy_from_slice(&memory_mb.to_le_bytes());
    bytes
}

/// Gives the control socket and the links of a process that is confined from here on.
fn confine(purpose: Purpose, name: &CStr) -> io::Result<(UnixStream, Vec<End>)> {
    let mut socket: UnixStream = inherited(0).into();
    let mut how = [0; 12];
    socket.read_exact(&mut how)?;
    let [a, b, c, d, memory @ ..] = how;
    let (count, missing) = (RawFd::from(u16::from_le_bytes([a, b])), u16::from_le_bytes([c, d]));
    let confined = sandbox::enter(&Allowed {
        links: (0..FIRST + count).collect(),
        memory_mb: u64::from_le_bytes(memory),
        descriptors: DESCRIPTORS + u64::from(count.unsigned_abs()),
        purpose,
        allow_missing: Layer::ALL
            .into_iter()
            .filter(|layer| missing & 1 << (*layer as u16) != 0)
            .collect(),
    });
    if let Err(error) = confined {
        tell(&socket, &Told::Refused(error.to_string()));
        return Err(io::Error::other(error));
    }
    named(name);
    let links = (0..count).map(|link| inherited(FIRST + link).into());
    Ok((socket, links.collect()))
}

/// As `ps` shows it. It is no more than that where the system refuses.
fn named(name: &CStr) {
    let _ = rustix::thread::set_name(name);
}

/// A descriptor that the process was started with.
#[expect(unsafe_code, reason = "descriptors are inherited by their numbers")]
fn inherited(number: RawFd) -> OwnedFd {
    // SAFETY: `spawn` puts an open descriptor at each of these places, and nobody else in this process takes them: it is called once for
    // each, before anything else runs. A process that somebody starts otherwise has nothing there, and its reads and writes fail.
    unsafe { OwnedFd::from_raw_fd(number) }
}

/// Tells the parent something before there is anybody else who does. Where it is gone, so are we.
fn tell(socket: &UnixStream, told: &Told) {
    let _ = send(socket, told);
}
