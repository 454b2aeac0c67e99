//! Floods: what an upstream sends beside the answers that somebody reads costs CPU time, and there is a limit to it. What misbehaves
//! is closed.

use std::collections::BTreeMap;
use std::io;

use crate::http2_frames::{Budget, CONTINUATION, DATA, Frame, Frames, HEADERS, PREFACE, RST_STREAM};

/// How many informational answers (1xx) a request may get. A server that says each few seconds that it still works (RFC 2518, section
/// 10.1) gets along with them.
const INFORMATIONAL: u32 = 32;

/// How many bytes all of them may have.
const INFORMATIONAL_BYTES: usize = 64 << 10;

/// What a request adds: for its headers and trailers, settings, pings and window updates meanwhile.
const PER_REQUEST: u32 = 100;

/// What each piece of a request's body adds: for window updates of its stream and of the connection, and a ping.
const PER_PIECE: u32 = 4;

/// What a request adds that was given up: for the part of its answer that is on its way, a stream's window of 2 MiB at most.
const PER_RESET: u32 = 256;

/// An upstream sends more than anybody wants.
#[derive(Debug, thiserror::Error)]
#[error("the upstream floods its connection with {0}")]
pub(super) struct Flood(&'static str);

impl From<Flood> for io::Error {
    fn from(flood: Flood) -> Self {
        Self::other(flood)
    }
}

/// An HTTP/1 connection's answers, as far as they are informational. Anything else of HTTP/1 is an answer that somebody reads, or the
/// end of the connection.
#[derive(Debug, Default)]
pub(super) struct Http1 {
    place: Place,
    count: u32,
    bytes: usize,
}

/// Where in the answer to a request the connection is.
#[derive(Debug)]
enum Place {
    /// In a status line, as far as its class.
    Status(usize),
    /// In an informational head. Whether its line is empty so far.
    Informational(bool),
    /// Behind the head of the answer proper.
    Answer,
}

impl Default for Place {
    /// No request is under way.
    fn default() -> Self {
        Self::Answer
    }
}

impl Http1 {
    /// A request is about to be sent.
    pub(super) fn asks(&mut self) {
        *self = Self {
            place: Place::Status(0),
            ..Self::default()
        };
    }

    /// These bytes have come.
    pub(super) fn received(&mut self, bytes: &[u8]) -> Result<(), Flood> {
        for byte in bytes {
            self.place = match (&self.place, byte) {
                (Place::Answer, _) => return Ok(()),
                // Lines that are skipped before it.
                (Place::Status(0), b'\r' | b'\n') => Place::Status(0),
                // `HTTP/1.1 103`
                (Place::Status(9), b'1') => {
                    self.count += 1;
                    Place::Informational(false)
                }
                (Place::Status(9), _) => Place::Answer,
                (Place::Status(at), _) => Place::Status(at + 1),
                (Place::Informational(true), b'\n') => Place::Status(0),
                (Place::Informational(_), b'\n') => Place::Informational(true),
                (Place::Informational(empty), b'\r') => Place::Informational(*empty),
                (Place::Informational(_), _) => Place::Informational(false),
            };
            self.bytes += 1;
            if self.count > INFORMATIONAL || self.bytes > INFORMATIONAL_BYTES {
                return Err(Flood("informational answers"));
            }
        }
        Ok(())
    }
}

/// An HTTP/2 connection's frames, in both directions.
#[derive(Debug)]
pub(super) struct Http2 {
    incoming: Frames,
    outgoing: Frames,
    /// Streams whose answers are not here whole, and how many heads each has had.
    open: BTreeMap<u32, u32>,
    /// A frame that carries nothing which somebody reads takes one.
    budget: Budget,
}

impl Http2 {
    /// A connection that begins.
    pub(super) fn new() -> Self {
        Self {
            incoming: Frames::new(0),
            outgoing: Frames::new(PREFACE),
            open: BTreeMap::new(),
            budget: Budget::new(),
        }
    }

    /// These bytes have been sent.
    pub(super) fn sent(&mut self, bytes: &[u8]) {
        let Self {
            outgoing, open, budget, ..
        } = self;
        outgoing.read(bytes, |frame| {
            let more = match frame.kind {
                HEADERS if !open.contains_key(&frame.stream) => {
                    open.insert(frame.stream, 0);
                    PER_REQUEST
                }
                DATA if frame.content > 0 => PER_PIECE,
                RST_STREAM if open.remove(&frame.stream).is_some() => PER_RESET,
                _ => 0,
            };
            budget.add(more);
        });
    }

    /// These bytes have come.
    pub(super) fn received(&mut self, bytes: &[u8]) -> Result<(), Flood> {
        let Self {
            incoming, open, budget, ..
        } = self;
        let mut flood = None;
        incoming.read(bytes, |frame| {
            if !budget.take(cost(frame, open)) {
                flood = Some(Flood("frames that carry nothing"));
            }
            if open.get(&frame.stream).is_some_and(|heads| *heads > INFORMATIONAL + 2) {
                flood = Some(Flood("informational answers"));
            }
            if frame.is_last || frame.kind == RST_STREAM {
                open.remove(&frame.stream);
            }
        });
        flood.map_or(Ok(()), Err)
    }
}

/// What a frame takes.
fn cost(frame: Frame, open: &mut BTreeMap<u32, u32>) -> u32 {
    let heads = open.get_mut(&frame.stream);
    let by = |size: usize| 1 + u32::try_from(frame.length / size).unwrap_or(u32::MAX);
    match (frame.kind, heads) {
        (DATA, Some(_)) if frame.content > 0 || frame.is_last => 0,
        (HEADERS, Some(heads)) => {
            *heads += 1;
            by(4 << 10)
        }
        (HEADERS | CONTINUATION, _) => by(4 << 10),
        _ => by(16 << 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http2_frames::FRAMES;

    fn frame(kind: u8, flags: u8, stream: u8, content: &[u8]) -> Vec<u8> {
        let mut frame = vec![0, 0, u8::try_from(content.len()).unwrap(), kind, flags, 0, 0, 0, stream];
        frame.extend(content);
        frame
    }

    /// A connection over which a request for each of these streams has gone.
    fn asked(streams: &[u8]) -> Http2 {
        let mut connection = Http2::new();
        connection.sent(&[0; PREFACE]);
        for stream in streams {
            connection.sent(&frame(HEADERS, 5, *stream, b"x"));
        }
        connection
    }

    fn most(connection: &mut Http2, frame: &[u8]) -> usize {
        (0..100_000).take_while(|_| connection.received(frame).is_ok()).count()
    }

    #[test]
    fn frames_that_carry_nothing_are_numbered() {
        let rows: [(&str, Vec<u8>); 8] = [
            ("PING", frame(6, 0, 0, b"12345678")),
            ("SETTINGS", frame(4, 0, 0, b"")),
            ("WINDOW_UPDATE", frame(8, 0, 1, b"\0\0\0\x01")),
            ("empty DATA", frame(DATA, 0, 1, b"")),
            ("DATA that is padding", frame(DATA, 8, 1, b"\x02\0\0")),
            ("DATA that nobody asked for", frame(DATA, 0, 9, b"x")),
            ("an unknown kind", frame(0xbe, 0, 1, b"x")),
            ("CONTINUATION", frame(CONTINUATION, 0, 1, b"")),
        ];
        for (name, frame) in rows {
            let count = most(&mut asked(&[1]), &frame);
            assert!(count <= FRAMES as usize, "{name}: {count}");
        }
        assert!(most(&mut asked(&[1]), &frame(HEADERS, 4, 1, b"x")) <= INFORMATIONAL as usize + 2);
    }

    #[test]
    fn what_somebody_reads_is_not() {
        let mut connection = asked(&[1]);
        assert_eq!(most(&mut connection, &frame(DATA, 0, 1, b"x")), 100_000);
        // A window update for each piece of a body, and a ping.
        for _ in 0..100_000 {
            connection.sent(&frame(DATA, 0, 1, b"x"));
            for kind in [8, 8, 6] {
                connection.received(&frame(kind, 0, 0, b"\0\0\0\x01")).unwrap();
            }
        }
    }

    #[test]
    fn what_goes_on_behind_an_answer_is() {
        let mut connection = asked(&[1]);
        connection.received(&frame(DATA, 1, 1, b"end")).unwrap();
        assert!(most(&mut connection, &frame(DATA, 0, 1, b"x")) <= FRAMES as usize);
        let mut connection = asked(&[1]);
        connection.sent(&frame(RST_STREAM, 0, 1, b"\0\0\0\x08"));
        assert!(most(&mut connection, &frame(DATA, 0, 1, b"x")) <= FRAMES as usize);
    }

    #[test]
    fn a_few_informational_answers_are_for_each_request() {
        let mut connection = Http1::default();
        for _ in 0..100 {
            connection.asks();
            for _ in 0..INFORMATIONAL {
                connection
                    .received(b"\r\nHTTP/1.1 103 Early\r\nlink: a\r\n\r\n")
                    .unwrap();
            }
            connection.received(b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 100 ").unwrap();
            connection.received(&vec![b'1'; 100_000]).unwrap();
        }
        connection.asks();
        let hint = b"HTTP/1.1 100 Continue\n\n".repeat(INFORMATIONAL as usize + 1);
        for piece in [1, 7, hint.len()] {
            connection.asks();
            let mut pieces = hint.chunks(piece);
            assert!(pieces.any(|piece| connection.received(piece).is_err()), "{piece}");
        }
        connection.asks();
        assert!(connection.received(b"HTTP/1.1 103 x\r\n").is_ok());
        assert!(connection.received(&vec![b'x'; INFORMATIONAL_BYTES]).is_err());
    }
}
