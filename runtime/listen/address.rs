//! Where to listen, as it is written.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Who may connect to a socket that is a file, where nothing is said: its user.
const MODE: u32 = 0o600;

/// An address, a name, or a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenAddress {
    /// One address with a port. Port 0 takes a free one.
    Tcp(SocketAddr),
    /// All addresses of a name. Those of `localhost` are 127.0.0.1 and ::1.
    Name(String, u16),
    /// All addresses of this machine, IPv4 and IPv6.
    Any(u16),
    /// A socket that is a file, with its permissions.
    Unix(PathBuf, u32),
    /// One of which is said whether TLS is spoken there.
    Tls(Box<Self>, bool),
}

/// Text that is no address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} can not be listened on: {why}")]
pub struct AddressError {
    text: String,
    why: &'static str,
}

impl FromStr for ListenAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |why| AddressError {
            text: text.to_owned(),
            why,
        };
        if let Some(path) = text.strip_prefix("unix:") {
            return unix(path).map_err(wrong);
        }
        if text.contains('/') {
            return Err(wrong(
                "expected an address with a port, such as \"127.0.0.1:8787\", or \"unix:/run/workerd-lite/http.sock\"",
            ));
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::Tcp(address));
        }
        let (host, port) = text
            .rsplit_once(':')
            .ok_or_else(|| wrong("a port is missing: write \"localhost:8787\", or \":8787\" for all addresses"))?;
        let port = Some(port).filter(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
        let port = port
            .and_then(|port| port.parse().ok())
            .ok_or_else(|| wrong("a port is a number up to 65535"))?;
        if host.is_empty() || host == "*" {
            return Ok(Self::Any(port));
        }
        if host.contains([':', '[', ']']) {
            return Err(wrong("an IPv6 address stands in brackets, such as \"[::1]:8787\""));
        }
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        let is_number = host.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        if !host.bytes().all(is_name) || is_number {
            return Err(wrong("its host is neither a name nor an address"));
        }
        Ok(Self::Name(host.to_ascii_lowercase(), port))
    }
}

fn unix(text: &str) -> Result<ListenAddress, &'static str> {
    let (path, mode) = match text.rsplit_once(",mode=") {
        Some((path, mode)) => (path, u32::from_str_radix(mode, 8).ok().filter(|mode| *mode <= 0o777)),
        None => (text, Some(MODE)),
    };
    let mode = mode.ok_or("a mode is three octal digits, such as \"unix:/run/x.sock,mode=0660\"")?;
    // As some write it: unix:///run/x.sock
    let path = path
        .strip_prefix("//")
        .filter(|path| path.starts_with('/'))
        .unwrap_or(path);
    match path {
        "" => Err("a path is missing: write \"unix:/run/workerd-lite/http.sock\""),
        path if path.starts_with('@') => Err("abstract sockets have no permissions: write the path of a file"),
        path if path.contains('\0') => Err("a path has no zero bytes"),
        path => Ok(ListenAddress::Unix(path.into(), mode)),
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "{address}"),
            Self::Name(name, port) => write!(f, "{name}:{port}"),
            Self::Any(port) => write!(f, ":{port}"),
            Self::Unix(path, _) => write!(f, "unix:{}", path.display()),
            Self::Tls(address, true) => write!(f, "{address} (TLS)"),
            Self::Tls(address, false) => write!(f, "{address} (without TLS)"),
        }
    }
}

impl ListenAddress {
    /// This machine's own address, with a port.
    pub fn local(port: u16) -> Self {
        Self::Tcp(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port))
    }

    /// The same with a path that is relative to this folder.
    #[must_use]
    pub fn within(self, folder: &Path) -> Self {
        match self {
            Self::Unix(path, mode) => Self::Unix(folder.join(path), mode),
            Self::Tls(address, tls) => Self::Tls(Box::new(address.within(folder)), tls),
            other => other,
        }
    }

    /// The same with another port, where it has one.
    #[must_use]
    pub fn with_port(self, port: u16) -> Self {
        match self {
            Self::Tcp(address) => Self::Tcp(SocketAddr::new(address.ip(), port)),
            Self::Name(name, _) => Self::Name(name, port),
            Self::Any(_) => Self::Any(port),
            Self::Tls(address, tls) => Self::Tls(Box::new(address.with_port(port)), tls),
            other @ Self::Unix(..) => other,
        }
    }

    /// Where it is, whatever is spoken there.
    pub fn place(&self) -> &Self {
        match self {
            Self::Tls(address, _) => address,
            address => address,
        }
    }

    /// Whether TLS is spoken there, where that is said.
    pub fn tls(&self) -> Option<bool> {
        match self {
            Self::Tls(_, tls) => Some(*tls),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let tcp = |text: &str| ListenAddress::Tcp(text.parse().unwrap());
        for (text, expected) in [
            ("127.0.0.1:8787", tcp("127.0.0.1:8787")),
            ("[::1]:0", tcp("[::1]:0")),
            ("[::]:80", tcp("[::]:80")),
            (":80", ListenAddress::Any(80)),
            ("*:80", ListenAddress::Any(80)),
            ("LocalHost:80", ListenAddress::Name("localhost".into(), 80)),
            ("a-b.example:65535", ListenAddress::Name("a-b.example".into(), 65535)),
            ("unix:/run/x.sock", ListenAddress::Unix("/run/x.sock".into(), 0o600)),
            ("unix:///run/x.sock", ListenAddress::Unix("/run/x.sock".into(), 0o600)),
            ("unix:x.sock,mode=0660", ListenAddress::Unix("x.sock".into(), 0o660)),
            ("unix:a,b,mode=666", ListenAddress::Unix("a,b".into(), 0o666)),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_told() {
        for text in [
            "",
            "80",
            "localhost",
            "localhost:",
            "localhost:x",
            "localhost:+1",
            "localhost:65536",
            "::1:80",
            "::1",
            "[::1]",
            "[::1",
            "http://a:80",
            "a b:80",
            "1.2.3:80",
            "256.1.1.1:80",
            "unix:",
            "unix:@x",
            "unix:/x,mode=9",
            "unix:/x,mode=1777",
            "/run/x.sock",
        ] {
            assert!(text.parse::<ListenAddress>().is_err(), "{text}");
        }
    }
}
