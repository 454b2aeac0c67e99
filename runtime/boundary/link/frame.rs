//! Frames: nine bytes that say how long it is, what it is and of which call, and then what it carries. Numbers are little-endian.

use bytes::{BufMut as _, BytesMut};

use super::LinkError;

/// Bytes before what a frame carries.
pub(super) const HEADER: usize = 9;

/// Bytes of a note: what it is, and a number.
pub(super) const NOTE: usize = 5;

/// Nothing follows in this direction of the call.
const ENDS: u8 = 0x40;
/// The frame is of a call that its receiver has opened.
const ANSWERS: u8 = 0x80;

/// What a frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A request's head, which opens a call, or its response's.
    Head,
    /// Bytes of a body.
    Data,
    /// The sender's direction has ended before its end.
    Reset,
    /// The sender wants no more of the other direction, which its receiver ends.
    Stop,
    /// So many bytes more may come of one body.
    Window,
    /// So many bytes more may come in all.
    Windows,
    /// The parent asks for a sign of life, and gets it.
    Ping,
    Pong,
    /// An event is over, and has used so much CPU time.
    Over,
    /// Something that an event was given is needed no longer.
    Note,
    /// What follows a body, and its end.
    Trailers,
}

impl Kind {
    const ALL: [Self; 11] = [
        Self::Head,
        Self::Data,
        Self::Reset,
        Self::Stop,
        Self::Window,
        Self::Windows,
        Self::Ping,
        Self::Pong,
        Self::Over,
        Self::Note,
        Self::Trailers,
    ];

    /// How many bytes it carries, where that is always the same.
    const fn length(self) -> Option<usize> {
        match self {
            Self::Head | Self::Data | Self::Trailers => None,
            Self::Reset | Self::Stop | Self::Ping | Self::Pong => Some(0),
            Self::Window | Self::Windows => Some(4),
            Self::Over => Some(8),
            Self::Note => Some(NOTE),
        }
    }
}

/// What a frame is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: Kind,
    pub(super) call: u32,
    pub(super) ends: bool,
    pub(super) answers: bool,
}

impl Frame {
    /// One that is of no call.
    pub(super) const fn of_link(kind: Kind) -> Self {
        Self::of_event(kind, 0)
    }

    /// One that is of an event.
    pub(super) const fn of_event(kind: Kind, event: u32) -> Self {
        Self {
            kind,
            call: event,
            ends: false,
            answers: false,
        }
    }

    /// Writes one, with what `carried` writes.
    pub(super) fn write(self, out: &mut BytesMut, carried: impl FnOnce(&mut BytesMut)) {
        let at = out.len();
        let flags = if self.ends { ENDS } else { 0 } | if self.answers { ANSWERS } else { 0 };
        out.put_u32_le(0);
        out.put_u8(self.kind as u8 | flags);
        out.put_u32_le(self.call);
        carried(out);
        let length = u32::try_from(out.len() - at - HEADER).unwrap_or(u32::MAX);
        out[at..at + 4].copy_from_slice(&length.to_le_bytes());
    }

    /// Reads the first one, and what it carries; nothing where it has not come whole. `head` says how long a head may be.
    pub(super) fn read(bytes: &[u8], head: usize, data: usize) -> Result<Option<(Self, &[u8])>, LinkError> {
        let Some((header, rest)) = bytes.split_first_chunk::<HEADER>() else {
            return Ok(None);
        };
        let [length @ .., _, _, _, _, _] = *header;
        let [_, _, _, _, kind, call @ ..] = *header;
        let length = u32::from_le_bytes(length) as usize;
        let frame = Self {
            kind: *Kind::ALL
                .get(usize::from(kind & !(ENDS | ANSWERS)))
                .ok_or(LinkError::Frame("it is of no kind"))?,
            call: u32::from_le_bytes(call),
            ends: kind & ENDS != 0,
            answers: kind & ANSWERS != 0,
        };
        let fits = match frame.kind {
            Kind::Head => length <= head,
            Kind::Data => length <= data,
            Kind::Trailers => length <= data && frame.ends,
            other => other.length() == Some(length) && !frame.ends,
        };
        if !fits {
            return Err(LinkError::Frame("it is longer or shorter than such a one is"));
        }
        Ok(rest.get(..length).map(|carried| (frame, carried)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_as_they_were_written_and_only_whole() {
        let mut out = BytesMut::new();
        let frame = Frame {
            kind: Kind::Data,
            call: 77,
            ends: true,
            answers: true,
        };
        frame.write(&mut out, |out| out.put_slice(b"bytes"));
        for cut in 0..out.len() {
            assert!(Frame::read(&out[..cut], 9, 9).unwrap().is_none());
        }
        assert_eq!(Frame::read(&out, 9, 9).unwrap(), Some((frame, &b"bytes"[..])));
        assert!(Frame::read(&out, 9, 4).is_err(), "too long is known by its beginning");
        assert!(Frame::read(&out[..HEADER], 9, 4).is_err());
        out[4] = Kind::ALL.len() as u8;
        assert!(Frame::read(&out, 9, 9).is_err());
        out[4] = Kind::Reset as u8;
        assert!(Frame::read(&out, 9, 9).is_err(), "a reset carries nothing");
    }
}
