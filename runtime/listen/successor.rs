//! The owner's listener at the end of a server. It goes on saying that the server is not ready, until another process wants to listen
//! in its place.
//!
//! Linux lets two sockets listen at one address where both have `SO_REUSEPORT` and belong to one user (socket(7)). Only a server that
//! stops sets it, so that two that serve never share an address; and only one that finds its address taken tries with it.

use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::fs::fstat;
use rustix::net::sockopt::set_socket_reuseport;

use super::listener::Listener;

/// How often it is looked for another.
const LOOK: Duration = Duration::from_millis(50);

/// How long one that stops has until it leaves.
const PATIENCE: Duration = Duration::from_secs(1);

/// Waits until nobody else listens where these sockets do, which were bound with the option. Nothing where whoever does is not about
/// to leave.
pub(super) fn alone(sockets: Vec<OwnedFd>) -> Option<Vec<OwnedFd>> {
    for socket in &sockets {
        set_socket_reuseport(socket, false).ok()?;
    }
    // Linux may remember of an address that it was shared once, and let anybody in who sets the option.
    let start = Instant::now();
    while sockets.iter().any(is_shared) {
        if start.elapsed() >= PATIENCE {
            return None;
        }
        std::thread::sleep(LOOK / 5);
    }
    Some(sockets)
}

/// Whether another socket listens at the same address.
fn is_shared(listener: impl AsFd) -> bool {
    let ours = fstat(listener.as_fd()).map(|stat| stat.st_ino);
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| std::fs::read_to_string(path).unwrap_or_default());
    ours.is_ok_and(|inode| tables.iter().any(|table| has_other(table, inode)))
}

/// Lets another process listen at the same addresses, and waits until one does.
pub(crate) async fn comes(listeners: &[Listener]) {
    let shared: Vec<&Listener> = listeners
        .iter()
        .filter(|listener| listener.address().is_some() && set_socket_reuseport(listener, true).is_ok())
        .collect();
    while !shared.iter().any(is_shared) {
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
    use super::super::{ListenAddress, Role, bind};
    use super::*;

    #[tokio::test]
    async fn only_one_that_stops_lets_another_in() {
        let first = bind(&[ListenAddress::local(0)], Role::Owner, None).unwrap();
        let port = first[0].address().unwrap().port();
        let again = move |role| bind(&[ListenAddress::local(port)], role, None);
        assert!(again(Role::Owner).is_err());
        {
            let mut waiting = std::pin::pin!(comes(&first));
            let early = tokio::time::timeout(LOOK * 4, waiting.as_mut()).await;
            assert!(early.is_err(), "nobody has come");
        }
        assert!(again(Role::Clients).is_err(), "those are handed over");
        let second = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async { again(Role::Owner).map(|mut bound| bound[0].socket(Role::Owner).unwrap()) })
        });
        comes(&first).await;
        drop(first);
        let second = second.join().unwrap().unwrap();
        let connected = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        drop(connected);
        assert!(again(Role::Owner).is_err());
        drop(second);
    }
}
