//! The frames of an HTTP/2 connection, as they pass (RFC 9113, section 4.1): their heads are read, and nothing else of them.

mod budget;

pub(crate) use budget::Budget;
#[cfg(test)]
pub(crate) use budget::FRAMES;

/// Kinds of frames.
pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const CONTINUATION: u8 = 9;

/// What is sent before the first frame of a client.
pub(crate) const PREFACE: usize = 24;

const END_STREAM: u8 = 1;
const PADDED: u8 = 8;

/// One frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) stream: u32,
    /// Bytes of its payload.
    pub(crate) length: usize,
    /// The same, without padding of DATA.
    pub(crate) content: usize,
    /// Nothing follows on its stream.
    pub(crate) is_last: bool,
}

/// Where in the frames of one direction the connection is.
#[derive(Debug)]
pub(crate) struct Frames {
    /// The head, and the length of the padding where there is some.
    head: [u8; 10],
    have: usize,
    /// Bytes until the next frame.
    skip: usize,
}

impl Frames {
    /// From the start of a connection, with so many bytes before its first frame.
    pub(crate) fn new(skip: usize) -> Self {
        Self {
            head: [0; 10],
            have: 0,
            skip,
        }
    }

    /// Reads on. `each` hears of each frame whose head is complete.
    pub(crate) fn read(&mut self, mut bytes: &[u8], mut each: impl FnMut(Frame)) {
        while !bytes.is_empty() {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = &bytes[skipped..];
            let taken = (self.wanted() - self.have).min(bytes.len());
            self.head[self.have..self.have + taken].copy_from_slice(&bytes[..taken]);
            self.have += taken;
            bytes = &bytes[taken..];
            if self.have == self.wanted() {
                let frame = self.frame();
                self.skip = frame.length.saturating_sub(self.have - 9);
                self.have = 0;
                each(frame);
            }
        }
    }

    fn length(&self) -> usize {
        let [high, middle, low, ..] = self.head;
        usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low)
    }

    fn is_padded(&self) -> bool {
        self.head[3] == DATA && self.head[4] & PADDED != 0 && self.length() > 0
    }

    /// How many bytes of a frame are read.
    fn wanted(&self) -> usize {
        if self.have >= 9 && self.is_padded() { 10 } else { 9 }
    }

    fn frame(&self) -> Frame {
        let (kind, flags, length) = (self.head[3], self.head[4], self.length());
        let padding = if self.is_padded() {
            1 + usize::from(self.head[9])
        } else {
            0
        };
        let [.., a, b, c, d, _] = self.head;
        Frame {
            kind,
            stream: u32::from_be_bytes([a, b, c, d]) & 0x7fff_ffff,
            length,
            content: length.saturating_sub(padding),
            is_last: matches!(kind, DATA | HEADERS) && flags & END_STREAM != 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8], piece: usize) -> Vec<Frame> {
        let (mut frames, mut found) = (Frames::new(0), Vec::new());
        for piece in bytes.chunks(piece) {
            frames.read(piece, |frame| found.push(frame));
        }
        found
    }

    #[test]
    fn frames_are_found_however_they_are_cut() {
        let mut bytes = b"\0\0\x08\x06\0\0\0\0\0pingpong".to_vec();
        bytes.extend(b"\0\0\x05\0\x09\0\0\0\x03\x02ab\0\0");
        bytes.extend(b"\0\0\x01\0\x08\0\0\0\x03\0\0\0\0\0\x01\x80\0\0\x05");
        let frame = |kind, stream, length, content, is_last| Frame {
            kind,
            stream,
            length,
            content,
            is_last,
        };
        let expected = [
            frame(6, 0, 8, 8, false),
            frame(DATA, 3, 5, 2, true),
            frame(DATA, 3, 1, 0, false),
            frame(DATA, 5, 0, 0, true),
        ];
        for piece in 1..=bytes.len() {
            assert_eq!(all(&bytes, piece), expected, "{piece}");
        }
    }
}
