//! Sockets that are files: one that a server left behind is replaced, and one where somebody answers is not.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::fs::{FlockOperation, flock};
use socket2::{Domain, SockAddr, Socket, Type};

use super::error::Cause;
use super::listener::BACKLOG;

/// Listens there. Only who `mode` lets may connect, from the first moment on.
pub(super) fn bind(path: &Path, mode: u32) -> Result<OwnedFd, Cause> {
    let address = SockAddr::unix(path).map_err(|_| Cause::PathTooLong)?;
    let folder = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    // Two servers that start at once look one after the other.
    let lock = File::open(folder).map_err(|why| Cause::Folder(folder.to_owned(), why))?;
    flock(&lock, FlockOperation::LockExclusive).map_err(|why| Cause::System(why.into()))?;
    match std::fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => return Err(Cause::NoSocket),
        Ok(_) if answers(&address)? => return Err(Cause::Answers),
        Ok(_) => std::fs::remove_file(path).map_err(Cause::System)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(Cause::System(error)),
    }
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).map_err(Cause::System)?;
    socket.bind(&address).map_err(Cause::System)?;
    // Nobody can connect before it listens.
    let listens =
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).and_then(|()| socket.listen(BACKLOG));
    if let Err(error) = listens {
        let _ = std::fs::remove_file(path);
        return Err(Cause::System(error));
    }
    Ok(socket.into())
}

/// Whether a server listens there.
fn answers(address: &SockAddr) -> Result<bool, Cause> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).map_err(Cause::System)?;
    socket.set_nonblocking(true).map_err(Cause::System)?;
    match socket.connect(address) {
        Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound) => Ok(false),
        // Its queue is full, or it is not ours to ask.
        _ => Ok(true),
    }
}
