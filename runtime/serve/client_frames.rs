//! What a client's connection of HTTP/2 carries beside requests and their bodies: it costs CPU time that no agent's limit bounds, and there is
//! a limit to it. A client that misbehaves is closed. Streams that are reset, and heads without end, are hyper's to bound.

use std::io;

use crate::http2_frames::{Budget, DATA, Frame, Frames, HEADERS, PREFACE};

/// What a request adds: for its trailers, its priority, its reset, and window updates and pings meanwhile.
const PER_REQUEST: u32 = 20;

/// What each piece of a response's body adds: for window updates of its stream and of the connection, and a ping.
const PER_PIECE: u32 = 4;

/// A payload of more than so many bytes takes as many frames as there are of these in it.
const PAYLOAD: usize = 16 << 10;

/// The frames of a client's connection, in both directions.
#[derive(Debug)]
pub(super) struct ClientFrames {
    incoming: Frames,
    outgoing: Frames,
    /// The last stream that the client has opened.
    last: u32,
    /// A frame that belongs to no request, and carries none of its body, takes one.
    budget: Budget,
}

impl ClientFrames {
    /// A connection whose preface is to come.
    pub(super) fn new() -> Self {
        Self {
            incoming: Frames::new(PREFACE),
            outgoing: Frames::new(0),
            last: 0,
            budget: Budget::new(),
        }
    }

    /// No stream that the client opens is answered from now on: each takes a frame.
    pub(super) fn end(&mut self) {
        self.last = u32::MAX;
    }

    /// These bytes go to the client.
    pub(super) fn sent(&mut self, bytes: &[u8]) {
        let Self { outgoing, budget, .. } = self;
        outgoing.read(bytes, |frame| {
            if frame.kind == DATA && frame.content > 0 {
                budget.add(PER_PIECE);
            }
        });
    }

    /// These bytes have come. Fails once they are a flood.
    pub(super) fn received(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Self {
            incoming, last, budget, ..
        } = self;
        let mut floods = false;
        incoming.read(bytes, |frame| {
            if frame.kind == HEADERS && frame.stream > *last {
                *last = frame.stream;
                budget.add(PER_REQUEST);
            } else if !budget.take(cost(frame, *last)) {
                floods = true;
            }
        });
        if floods {
            return Err(io::Error::other(
                "the client floods its connection with frames that carry nothing",
            ));
        }
        Ok(())
    }
}

/// What a frame takes that opens no stream.
fn cost(frame: Frame, last: u32) -> u32 {
    let is_of_a_request = frame.stream <= last && frame.stream != 0;
    if frame.kind == DATA && is_of_a_request && (frame.content > 0 || frame.is_last) {
        return 0;
    }
    1 + u32::try_from(frame.length / PAYLOAD).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http2_frames::FRAMES;

    fn frame(kind: u8, flags: u8, stream: u8, content: &[u8]) -> Vec<u8> {
        let length = u8::try_from(content.len()).unwrap();
        [&[0, 0, length, kind, flags, 0, 0, 0, stream], content].concat()
    }

    fn most(frames: &mut ClientFrames, again: &[u8]) -> usize {
        (0..100_000).take_while(|_| frames.received(again).is_ok()).count()
    }

    fn begun() -> ClientFrames {
        let mut frames = ClientFrames::new();
        frames.received(&[0; PREFACE]).unwrap();
        frames.received(&frame(HEADERS, 4, 1, b"x")).unwrap();
        frames
    }

    #[test]
    fn what_belongs_to_no_request_is_numbered() {
        for (kind, stream, content) in [
            (6, 0, &b"12345678"[..]),
            (4, 0, b""),
            (8, 0, b"\0\0\0\x01"),
            (8, 1, b"\0\0\0\x01"),
            (2, 3, b"\0\0\0\x01\x05"),
            (3, 1, b"\0\0\0\x08"),
            (9, 1, b""),
            (77, 0, b"x"),
            (DATA, 1, b""),
            (DATA, 9, b"x"),
            (HEADERS, 1, b"x"),
        ] {
            let count = most(&mut begun(), &frame(kind, 0, stream, content));
            assert!(count <= FRAMES as usize, "{kind}: {count}");
        }
    }

    #[test]
    fn requests_that_come_too_late_are_numbered() {
        let mut frames = begun();
        frames.end();
        let late = (0..100_000_u32).take_while(|turn| {
            let stream = u8::try_from(turn % 250 + 3).unwrap();
            frames.received(&frame(HEADERS, 5, stream, b"x")).is_ok()
        });
        assert!(late.count() <= FRAMES as usize);
    }

    #[test]
    fn requests_and_bodies_are_not() {
        assert_eq!(most(&mut begun(), &frame(DATA, 0, 1, b"x")), 100_000);
        let mut frames = begun();
        for _ in 0..100_000 {
            frames.sent(&frame(DATA, 0, 1, b"a response"));
            for kind in [8, 8, 6] {
                frames.received(&frame(kind, 0, 0, b"\0\0\0\x01")).unwrap();
            }
        }
        let mut frames = begun();
        for stream in 2..255 {
            frames.received(&frame(HEADERS, 5, stream, b"x")).unwrap();
            for kind in [8, 2, 3, 6] {
                frames.received(&frame(kind, 0, stream, b"\0\0\0\x01")).unwrap();
            }
        }
    }
}
