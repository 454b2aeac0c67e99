//! What `Content-Encoding` says of a body (RFC 9110, section 8.4): its codings, in the order in which they were applied.
//!
//! A body keeps its codings until a script reads it, so that what only passes through is never decoded.

use std::sync::Arc;

use http::HeaderMap;

use crate::account::Account;
use crate::byte_stream::ByteStream;
use crate::coding::Coding;

/// How many codings a body may have, as in undici and curl: each is work for whoever reads it.
const MOST: usize = 5;

/// The codings of a body. There is one at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentEncoding([Option<Coding>; MOST]);

impl From<Coding> for ContentEncoding {
    fn from(coding: Coding) -> Self {
        let mut applied = [None; MOST];
        applied[0] = Some(coding);
        Self(applied)
    }
}

impl ContentEncoding {
    /// The codings that a header list announces. Nothing where it announces none, or one that we do not know: such a body stays
    /// as it is, as the Fetch standard says.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let mut applied = [None; MOST];
        let mut count = 0;
        for name in names(headers) {
            *applied.get_mut(count)? = Some(Coding::named(name)?);
            count += 1;
        }
        (count > 0).then_some(Self(applied))
    }

    /// Whether a header list announces any coding, known or not.
    pub fn is_announced(headers: &HeaderMap) -> bool {
        names(headers).next().is_some()
    }

    /// The decoded body. The work is put down to `account`.
    pub fn decode(self, body: ByteStream, account: Option<&Arc<Account>>) -> ByteStream {
        self.0
            .into_iter()
            .flatten()
            .rev()
            .fold(body, |body, coding| coding.decode(body, account))
    }

    /// The encoded body. The work is put down to `account`.
    pub fn encode(self, body: ByteStream, account: Option<&Arc<Account>>) -> ByteStream {
        self.0
            .into_iter()
            .flatten()
            .fold(body, |body, coding| coding.encode(body, account))
    }
}

impl std::fmt::Display for ContentEncoding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (place, coding) in self.0.iter().flatten().enumerate() {
            let comma = if place > 0 { ", " } else { "" };
            write!(f, "{comma}{}", coding.name())?;
        }
        Ok(())
    }
}

/// The names of all lines, without empty ones and `identity`, which is no coding.
fn names(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    headers
        .get_all(http::header::CONTENT_ENCODING)
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case(b"identity"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lines: &[&str]) -> Option<Vec<Coding>> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("content-encoding", line.parse().unwrap());
        }
        ContentEncoding::of(&headers).map(|encoding| encoding.0.into_iter().flatten().collect())
    }

    #[test]
    fn all_lines_are_one_list() {
        use Coding::{Brotli, Deflate, Gzip};
        let rows: [(&[&str], Option<&[Coding]>); 16] = [
            (&[], None),
            (&[""], None),
            (&["identity"], None),
            (&["gzip"], Some(&[Gzip])),
            (&[" X-GZip "], Some(&[Gzip])),
            (&["gzip, identity"], Some(&[Gzip])),
            (&["Identity", "br"], Some(&[Brotli])),
            (&["gzip,br"], Some(&[Gzip, Brotli])),
            (&["gzip", "br"], Some(&[Gzip, Brotli])),
            (&["deflate,, gzip ,"], Some(&[Deflate, Gzip])),
            (&["gzip, gzip"], Some(&[Gzip, Gzip])),
            (&["zstd"], None),
            (&["gzip, zstd"], None),
            (&["compress", "gzip"], None),
            (&["gzip;q=1"], None),
            (&["br, br, br, br, br, br"], None),
        ];
        for (lines, codings) in rows {
            assert_eq!(of(lines).as_deref(), codings, "{lines:?}");
        }
    }
}
