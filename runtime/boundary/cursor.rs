//! What a head is made of: numbers, texts with their lengths before them, and fields. Numbers are little-endian.

use bytes::{BufMut as _, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue};
use workerd_lite_ops::head::MAX_FIELDS;

use super::link::LinkError;

const SHORT: LinkError = LinkError::Head("it ends too soon");

/// Reads a head from its beginning to its end.
pub(super) struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    pub(super) const fn new(head: &'a [u8]) -> Self {
        Self(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], LinkError> {
        let (array, rest) = self.0.split_first_chunk().ok_or(SHORT)?;
        self.0 = rest;
        Ok(*array)
    }

    pub(super) fn byte(&mut self) -> Result<u8, LinkError> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, LinkError> {
        self.array().map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, LinkError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, LinkError> {
        self.array().map(u64::from_le_bytes)
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], LinkError> {
        let length = self.u32()? as usize;
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(SHORT)?;
        self.0 = rest;
        Ok(bytes)
    }

    pub(super) fn text(&mut self) -> Result<&'a str, LinkError> {
        std::str::from_utf8(self.bytes()?).map_err(|_| LinkError::Head("it has a text that is none"))
    }

    /// All that is left.
    pub(super) fn rest(self) -> &'a [u8] {
        self.0
    }

    /// That was all.
    pub(super) fn end(self) -> Result<(), LinkError> {
        if self.0.is_empty() {
            return Ok(());
        }
        Err(LinkError::Head("something is behind its end"))
    }

    /// The last of a head: its fields, which have so many bytes at most as [`workerd_lite_ops::head::size`] counts them.
    pub(super) fn fields(mut self, limit: usize) -> Result<HeaderMap, LinkError> {
        const TOO_LARGE: LinkError = LinkError::Head("it has more fields than a message may have");
        let count = self.u32()? as usize;
        if count > MAX_FIELDS {
            return Err(TOO_LARGE);
        }
        // Each takes eight bytes at least, so that this is no more than what has come.
        let mut headers = HeaderMap::with_capacity(count.min(self.0.len() / 8));
        let mut size = 0;
        for _ in 0..count {
            let (name, value) = (self.bytes()?, self.bytes()?);
            size += name.len() + value.len() + 2;
            if size > limit {
                return Err(TOO_LARGE);
            }
            let name = HeaderName::from_bytes(name).map_err(|_| LinkError::Head("a field has no name"))?;
            let value = HeaderValue::from_bytes(value).map_err(|_| LinkError::Head("a field has no value"))?;
            headers.append(name, value);
        }
        if !self.0.is_empty() {
            return Err(LinkError::Head("something is behind its fields"));
        }
        Ok(headers)
    }
}

pub(super) fn put(out: &mut BytesMut, bytes: &[u8]) {
    out.put_u32_le(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
    out.put_slice(bytes);
}

pub(super) fn put_fields(out: &mut BytesMut, headers: &HeaderMap) {
    out.put_u32_le(u32::try_from(headers.len()).unwrap_or(u32::MAX));
    for (name, value) in headers {
        put(out, name.as_str().as_bytes());
        put(out, value.as_bytes());
    }
}
