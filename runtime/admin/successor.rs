//! The owner's listener at the end of a server. It goes on saying that the server is not ready, until another process wants to listen
//! in its place.
//!
//! Linux lets two sockets listen at one address where both have `SO_REUSEPORT` and belong to one user (socket(7)). Only a server that
//! stops sets it, so that two that serve never share an address; and only one that finds its address taken tries with it.
#![expect(clippy::disallowed_types, reason = "listeners live in this room")]

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::fs::fstat;
use rustix::net::sockopt::set_socket_reuseport;
use tokio::net::{TcpListener, TcpSocket};

/// How often it is looked for another.
const LOOK: Duration = Duration::from_millis(50);

/// How long one that stops has until it leaves.
const PATIENCE: Duration = Duration::from_secs(1);

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 1024;

/// Listens beside a server that stops, and in its place once that has seen it. Fails where the one that listens there does not stop.
pub(super) async fn beside(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    socket.set_reuseaddr(true)?;
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    let listener = socket.listen(BACKLOG)?;
    set_socket_reuseport(&listener, false)?;
    // Linux may remember of an address that it was shared once, and let anybody in who sets the option.
    let start = Instant::now();
    while is_shared(&listener) {
        if start.elapsed() >= PATIENCE {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        tokio::time::sleep(LOOK / 5).await;
    }
    Ok(listener)
}

/// Whether another socket listens at the same address.
fn is_shared(listener: &TcpListener) -> bool {
    let ours = fstat(listener.as_fd()).map(|stat| stat.st_ino);
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| std::fs::read_to_string(path).unwrap_or_default());
    ours.is_ok_and(|inode| tables.iter().any(|table| has_other(table, inode)))
}

/// Lets another process listen at the same address, and waits until one does.
pub(super) async fn comes(listener: &TcpListener) {
    if set_socket_reuseport(listener, true).is_err() {
        return std::future::pending().await;
    }
    while !is_shared(listener) {
        tokio::time::sleep(LOOK).await;
    }
}

/// Whether another socket than this one listens at its address, by a table of proc_pid_net(5).
fn has_other(table: &str, inode: u64) -> bool {
    const LISTENS: &str = "0A";
    let listening: Vec<(&str, u64)> = table
        .lines()
        .filter_map(|line| {
            let mut fields = line.split_whitespace().skip(1);
            let (local, _, state) = (fields.next()?, fields.next()?, fields.next()?);
            let inode = fields.nth(5)?.parse().ok()?;
            (state == LISTENS).then_some((local, inode))
        })
        .collect();
    let own = listening.iter().find(|(_, other)| *other == inode);
    own.is_some_and(|(address, _)| {
        listening
            .iter()
            .any(|(other, number)| other == address && *number != inode)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_one_that_stops_lets_another_in() {
        let first = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = first.local_addr().unwrap();
        let refused = |tried: io::Result<TcpListener>| assert_eq!(tried.unwrap_err().kind(), io::ErrorKind::AddrInUse);
        refused(beside(address).await);
        {
            let mut waiting = std::pin::pin!(comes(&first));
            let early = tokio::time::timeout(LOOK * 4, waiting.as_mut()).await;
            assert!(early.is_err(), "nobody has come");
        }
        let leaves = async move {
            comes(&first).await;
            drop(first);
        };
        let ((), second) = tokio::join!(leaves, beside(address));
        let second = second.unwrap();
        let connected = tokio::net::TcpStream::connect(address).await.unwrap();
        drop((second.accept().await.unwrap(), connected));
        refused(beside(address).await);
        refused(TcpListener::bind(address).await);
    }
}
