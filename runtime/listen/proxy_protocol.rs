//! The PROXY protocol (<https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt>), versions 1 and 2: what a proxy says of a
//! connection's client before the client's own bytes. Only the client's address is taken from it.

use std::io;
use std::net::IpAddr;

use ppp::{v1, v2};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::stream::Remote;

/// The longest header of version 2 with its TLVs, in bytes.
const LONGEST: usize = 4096;

/// Version 2: its signature, command, family and length, in bytes.
const SHORTEST: usize = 16;

/// The longest line of version 1 (section 2.1).
const LONGEST_LINE: usize = 107;

/// How its lines begin.
const LINE: &[u8] = b"PROXY ";

/// Whom a header tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proxied {
    /// A client. [`Remote::Gone`] where the proxy does not know its address.
    Client(Remote),
    /// The proxy itself, which looks whether we live.
    Proxy,
}

/// Reads a header, and not a byte that follows it.
///
/// # Errors
/// Where there is none, or one that is malformed or too long: nothing else that comes can be believed then.
pub(crate) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Proxied> {
    // Neither version has a shorter one.
    let mut header = vec![0; v2::PROTOCOL_PREFIX.len()];
    stream.read_exact(&mut header).await?;
    if header == v2::PROTOCOL_PREFIX {
        header.resize(SHORTEST, 0);
        stream.read_exact(&mut header[v2::PROTOCOL_PREFIX.len()..]).await?;
        let rest = usize::from(u16::from_be_bytes([header[14], header[15]]));
        if SHORTEST + rest > LONGEST {
            return Err(wrong("the header is too long"));
        }
        header.resize(SHORTEST + rest, 0);
        stream.read_exact(&mut header[SHORTEST..]).await?;
        return binary(&header);
    }
    if !header.starts_with(LINE) {
        return Err(wrong("there is no header"));
    }
    while header.last() != Some(&b'\n') {
        if header.len() >= LONGEST_LINE {
            return Err(wrong("the line is too long"));
        }
        header.push(stream.read_u8().await?);
    }
    line(&header)
}

fn binary(header: &[u8]) -> io::Result<Proxied> {
    let header = v2::Header::try_from(header).map_err(|_| wrong("the header is malformed"))?;
    if header.command == v2::Command::Local {
        return Ok(Proxied::Proxy);
    }
    let is_stream = header.protocol == v2::Protocol::Stream;
    Ok(Proxied::Client(match header.addresses {
        v2::Addresses::IPv4(addresses) if is_stream => address(addresses.source_address.into()),
        v2::Addresses::IPv6(addresses) if is_stream => address(addresses.source_address.into()),
        // A process of another machine is nobody that we know.
        _ => Remote::Gone,
    }))
}

fn line(line: &[u8]) -> io::Result<Proxied> {
    let header = v1::Header::try_from(line).map_err(|_| wrong("the line is malformed"))?;
    Ok(Proxied::Client(match header.addresses {
        v1::Addresses::Tcp4(addresses) => address(addresses.source_address.into()),
        v1::Addresses::Tcp6(addresses) => address(addresses.source_address.into()),
        v1::Addresses::Unknown => Remote::Gone,
    }))
}

fn address(address: IpAddr) -> Remote {
    Remote::Address(address.to_canonical())
}

fn wrong(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("PROXY protocol: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn all(bytes: &[u8]) -> Option<(Proxied, Vec<u8>)> {
        let mut rest = bytes;
        let read = read(&mut rest).await.ok()?;
        Some((read, rest.to_vec()))
    }

    fn version_2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let mut header = v2::PROTOCOL_PREFIX.to_vec();
        header.extend([command, family]);
        header.extend(u16::try_from(rest.len()).unwrap().to_be_bytes());
        header.extend(rest);
        header
    }

    fn client(text: &str) -> Proxied {
        Proxied::Client(Remote::Address(text.parse().unwrap()))
    }

    #[tokio::test]
    async fn the_clients_address_is_read_and_nothing_behind() {
        let four = [203, 0, 113, 9, 192, 0, 2, 1, 0x12, 0x34, 0, 80];
        let with_tlvs = [&four[..], &[0x20, 0, 3, 1, 2, 3], &[4, 0, 1, 0]].concat();
        let mut six = [0; 36];
        six[..16].copy_from_slice(&"2001:db8::7".parse::<std::net::Ipv6Addr>().unwrap().octets());
        let mut mapped = [0; 36];
        mapped[..16].copy_from_slice(&"::ffff:203.0.113.9".parse::<std::net::Ipv6Addr>().unwrap().octets());
        for (header, expected) in [
            (version_2(0x21, 0x11, &four), client("203.0.113.9")),
            (version_2(0x21, 0x11, &with_tlvs), client("203.0.113.9")),
            (version_2(0x21, 0x21, &six), client("2001:db8::7")),
            (version_2(0x21, 0x21, &mapped), client("203.0.113.9")),
            (version_2(0x21, 0x00, &[]), Proxied::Client(Remote::Gone)),
            (version_2(0x21, 0x12, &four), Proxied::Client(Remote::Gone)),
            (version_2(0x21, 0x31, &[0; 216]), Proxied::Client(Remote::Gone)),
            (version_2(0x20, 0x00, &[]), Proxied::Proxy),
            (version_2(0x20, 0x11, &four), Proxied::Proxy),
            (
                b"PROXY TCP4 203.0.113.9 192.0.2.1 4660 80\r\n".to_vec(),
                client("203.0.113.9"),
            ),
            (b"PROXY TCP6 2001:db8::7 ::1 1 2\r\n".to_vec(), client("2001:db8::7")),
            (b"PROXY UNKNOWN\r\n".to_vec(), Proxied::Client(Remote::Gone)),
            (b"PROXY UNKNOWN ::1 ::2 3 4\r\n".to_vec(), Proxied::Client(Remote::Gone)),
        ] {
            let sent = [&header[..], b"GET / HTTP/1.1\r\n"].concat();
            let read = all(&sent).await;
            assert_eq!(read, Some((expected, b"GET / HTTP/1.1\r\n".to_vec())), "{header:?}");
        }
    }

    #[tokio::test]
    async fn what_is_no_header_is_an_error() {
        let four = [203, 0, 113, 9, 192, 0, 2, 1, 0x12, 0x34, 0, 80];
        let long = format!("PROXY TCP4 {}\r\n", "1".repeat(200));
        for sent in [
            &b""[..],
            b"PROXY",
            b"GET / HTTP/1.1\r\nhost: a\r\n\r\n",
            b"PROXY TCP4 203.0.113.9 192.0.2.1 4660 80\n",
            b"PROXY TCP4 203.0.113.9\r\n",
            b"PROXY TCP4 2001:db8::7 ::1 1 2\r\n",
            b"PROXY TCP4 1.2.3.4 1.2.3.4 1 99999\r\n",
            b"PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n",
            b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2",
            b"proxy TCP4 1.2.3.4 1.2.3.4 1 2\r\n",
            long.as_bytes(),
            &version_2(0x11, 0x11, &four),
            &version_2(0x22, 0x11, &four),
            &version_2(0x21, 0x11, &four[..8]),
            &version_2(0x21, 0x51, &four),
            &version_2(0x21, 0x13, &four),
            &version_2(0x21, 0x11, &[0; LONGEST]),
            &version_2(0x21, 0x11, &four)[..20],
        ] {
            assert_eq!(all(sent).await, None, "{sent:?}");
        }
    }

    proptest::proptest! {
        /// Whatever comes, a header is read or refused, within its bounds.
        #[test]
        fn anything_is_read_or_refused(
            noise in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300),
            kind in 0..3_usize,
            at in 0..40_usize,
            byte in proptest::prelude::any::<u8>(),
        ) {
            let four = [203, 0, 113, 9, 192, 0, 2, 1, 0x12, 0x34, 0, 80];
            let mut sent = match kind {
                0 => Vec::new(),
                1 => version_2(0x21, 0x11, &[&four[..], &noise].concat()),
                _ => b"PROXY TCP4 203.0.113.9 192.0.2.1 4660 80\r\n".to_vec(),
            };
            if let Some(place) = sent.get_mut(at) {
                *place = byte;
            }
            sent.extend(&noise);
            let mut rest = &sent[..];
            let read = futures_util::FutureExt::now_or_never(read(&mut rest));
            let read = read.expect("bytes that are there are not waited for");
            proptest::prop_assert!(read.is_err() || sent.len() - rest.len() <= LONGEST);
        }
    }
}
