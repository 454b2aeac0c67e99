//! HTTP/1 requests as they come, before hyper takes them: it takes line ends without a carriage return, and leaves out what
//! contradicts a transfer coding. What recipients read differently is how requests are smuggled (RFC 9112, sections 2.2 and 6.3).

/// The start of an HTTP/2 connection with prior knowledge (RFC 9113, section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How much of a line is looked at: its name, and a value that says where the body ends.
const LINE: usize = 128;

/// A byte that no head, no size of a chunk and no trailer may have: hyper answers 400 and closes.
pub(super) const INVALID: u8 = 0;

/// Where in a connection's bytes its reader is.
#[derive(Debug)]
enum Place {
    /// In what may be the start of an HTTP/2 connection, behind so many bytes of it.
    Preface(usize),
    /// In the lines of a head. The first one is the request's own.
    Head,
    /// In a body, before so many bytes of it.
    Body(u64),
    /// In the line of a chunk's size.
    Size,
    /// In a chunk with its line end, before so many bytes of it.
    Chunk(u64),
    Trailers,
    Http2,
    /// What is no HTTP any longer, or what hyper refuses.
    Others,
    Refused,
}

/// What a head says of its body.
#[derive(Debug, Default)]
struct Framing {
    length: Option<u64>,
    /// Its transfer codings are there, and whether they are `chunked` alone.
    coding: Option<bool>,
}

/// Reads along.
#[derive(Debug)]
pub(super) struct RawHeads {
    place: Place,
    framing: Framing,
    /// The line so far, as far as it is looked at.
    line: Vec<u8>,
    /// How long it is.
    length: usize,
    /// Whether its last byte is a carriage return.
    returned: bool,
    /// Whether the request's own line is over.
    began: bool,
    /// Whether this line is the request's own, and its target has begun.
    in_target: bool,
}

impl Default for RawHeads {
    fn default() -> Self {
        Self {
            place: Place::Preface(0),
            framing: Framing::default(),
            line: Vec::new(),
            length: 0,
            returned: false,
            began: false,
            in_target: false,
        }
    }
}

impl RawHeads {
    /// Whether nothing more is to be read: hyper refuses what it has.
    pub(super) fn is_refused(&self) -> bool {
        matches!(self.place, Place::Refused)
    }

    /// Whether all that has come is HTTP/2, or may be its start.
    pub(super) fn may_be_http2(&self) -> bool {
        matches!(self.place, Place::Preface(_) | Place::Http2)
    }

    /// No HTTP follows.
    pub(super) fn switch(&mut self) {
        if !self.is_refused() {
            self.place = Place::Others;
        }
    }

    /// These bytes have come. Where they are to be refused, what cannot be taken is put in the place of the byte that shows it, and
    /// the bytes from there on are not for hyper: the number of those that are is returned.
    pub(super) fn read(&mut self, bytes: &mut [u8]) -> usize {
        let mut at = 0;
        while let Some(byte) = bytes.get(at).copied() {
            match &mut self.place {
                Place::Others | Place::Http2 => return bytes.len(),
                Place::Refused => return at,
                Place::Body(left) | Place::Chunk(left) => {
                    let rest = u64::try_from(bytes.len() - at).unwrap_or(u64::MAX);
                    let skipped = rest.min(*left);
                    *left -= skipped;
                    at += usize::try_from(skipped).unwrap_or(usize::MAX);
                    if *left == 0 {
                        self.place = match self.place {
                            Place::Chunk(_) => Place::Size,
                            _ => Place::Head,
                        };
                    }
                    continue;
                }
                Place::Preface(seen) if PREFACE[*seen] == byte => {
                    *seen += 1;
                    at += 1;
                    if *seen == PREFACE.len() {
                        self.place = Place::Http2;
                    }
                    continue;
                }
                Place::Preface(seen) => {
                    // It was the start of a request.
                    let seen = *seen;
                    self.place = Place::Head;
                    if PREFACE[..seen].contains(&b'\n') {
                        self.place = Place::Others;
                        continue;
                    }
                    PREFACE[..seen].iter().for_each(|byte| self.push(*byte));
                    continue;
                }
                Place::Head | Place::Size | Place::Trailers => {}
            }
            if byte == b'\n' {
                if !self.returned || !self.ends_line() {
                    bytes[at] = INVALID;
                    self.place = Place::Refused;
                    return at + 1;
                }
                self.line.clear();
                (self.length, self.returned) = (0, false);
            } else if !self.began && matches!(self.place, Place::Head) && self.is_fragment(byte) {
                bytes[at] = INVALID;
                self.place = Place::Refused;
                return at + 1;
            } else {
                self.push(byte);
            }
            at += 1;
        }
        at
    }

    /// Whether this byte of the request's own line begins a fragment, which no target has (RFC 9112, section 3.2): hyper leaves it out,
    /// and who stands in front takes it for a part of the path.
    fn is_fragment(&mut self, byte: u8) -> bool {
        self.in_target |= byte == b' ';
        self.in_target && byte == b'#'
    }

    fn push(&mut self, byte: u8) {
        if self.line.len() < LINE {
            self.line.push(byte);
        }
        self.length += 1;
        self.returned = byte == b'\r';
    }

    /// A line is over. Whether it may be as it is.
    fn ends_line(&mut self) -> bool {
        let is_whole = self.length <= LINE;
        let line = &self.line[..self.line.len() - usize::from(is_whole)];
        match self.place {
            Place::Head if line.is_empty() && !self.began => true,
            Place::Head if line.is_empty() => self.ends_head(),
            Place::Head if !self.began => {
                self.began = true;
                self.in_target = false;
                true
            }
            Place::Head => field(&mut self.framing, line, is_whole),
            Place::Size => {
                let Some(size) = size(line) else { return false };
                self.place = match size {
                    0 => Place::Trailers,
                    // Its line end belongs to it.
                    size => Place::Chunk(size.saturating_add(2)),
                };
                true
            }
            Place::Trailers => {
                if line.is_empty() {
                    self.place = Place::Head;
                }
                true
            }
            _ => true,
        }
    }

    fn ends_head(&mut self) -> bool {
        self.began = false;
        let framing = std::mem::take(&mut self.framing);
        self.place = match (framing.length, framing.coding) {
            (None | Some(0), None) => Place::Head,
            (Some(length), None) => Place::Body(length),
            (None, Some(true)) => Place::Size,
            // It is refused with its own words, and the connection ends.
            (None, Some(false)) => Place::Others,
            (Some(_), Some(_)) => return false,
        };
        true
    }
}

/// Notes what a field says of the body. Whether it may be as it is.
fn field(framing: &mut Framing, line: &[u8], is_whole: bool) -> bool {
    let Some(colon) = line.iter().position(|byte| *byte == b':') else {
        return true;
    };
    let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
    if name.eq_ignore_ascii_case(b"content-length") {
        let parsed = std::str::from_utf8(value).ok().filter(|_| is_whole);
        let parsed = parsed.filter(|value| value.bytes().all(|byte| byte.is_ascii_digit()));
        let Some(length) = parsed.and_then(|value| value.parse().ok()) else {
            return false;
        };
        return framing.length.replace(length).is_none_or(|before| before == length);
    }
    if name.eq_ignore_ascii_case(b"transfer-encoding") {
        let is_chunked = is_whole && value.eq_ignore_ascii_case(b"chunked");
        framing.coding = Some(is_chunked && framing.coding.is_none());
    }
    true
}

/// The size of a chunk, whatever its extensions are.
fn size(line: &[u8]) -> Option<u64> {
    let end = line.iter().position(|byte| !byte.is_ascii_hexdigit());
    let (digits, rest) = line.split_at(end.unwrap_or(line.len()));
    let plain = rest.trim_ascii_start().first().is_none_or(|byte| *byte == b';');
    let digits = std::str::from_utf8(digits).ok().filter(|_| plain)?;
    u64::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What hyper is given of these bytes, in pieces of this size.
    fn given(bytes: &[u8], piece: usize) -> (Vec<u8>, bool) {
        let (mut heads, mut given) = (RawHeads::default(), Vec::new());
        for piece in bytes.chunks(piece) {
            let mut piece = piece.to_vec();
            let taken = heads.read(&mut piece);
            given.extend(&piece[..taken]);
        }
        (given, heads.is_refused())
    }

    #[test]
    fn ordinary_requests_pass() {
        let long = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(1000));
        let rows: [&[u8]; 10] = [
            b"G#T /a%23 HTTP/1.1\r\nx#y: #\r\n\r\n",
            b"GET / HTTP/1.1\r\nhost: a\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n",
            b"\r\n\r\nPOST / HTTP/1.1\r\ncontent-length: 3\r\n\r\n\n\n\nGET / HTTP/1.0\r\n\r\n",
            b"POST / HTTP/1.1\r\nContent-Length: 3\r\ncontent-length:3 \r\n\r\na\nb\r\nGET / HTTP/1.1\r\n\r\n",
            b"POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n3;a=b\r\n\n\n\n\r\nA \r\n0123456\n8\n\r\n0\r\nx: y\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            b"POST / HTTP/1.1\r\ntransfer-encoding: gzip, chunked\r\n\r\nanything\n",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\n\n",
            b"POST / HTTP/1.1\r\nhost: a\r\n\r\nPUT / HTTP/1.1\r\n\r\n",
            b"PRI * HTTP/2.0\r\n\r\nno",
            long.as_bytes(),
        ];
        for row in rows {
            for piece in [1, 2, 3, 7, row.len()] {
                let (given, refused) = given(row, piece);
                assert!(given == row && !refused, "{piece}: {}", String::from_utf8_lossy(row));
            }
        }
    }

    #[test]
    fn what_others_read_differently_does_not() {
        let rows: [&str; 16] = [
            "GET /a#",
            "\r\nGET http://a/?b#",
            "GET / HTTP/1.1\n",
            "\n",
            "GET / HTTP/1.1\r\nhost: a\n",
            "GET / HTTP/1.1\r\nhost: a\r\n\n",
            "POST / HTTP/1.1\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding: identity\r\ncontent-length: 3\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length: 3\r\ncontent-length: 4\r\n",
            "POST / HTTP/1.1\r\ncontent-length: +3\r\n",
            "POST / HTTP/1.1\r\ncontent-length: 3, 3\r\n",
            "POST / HTTP/1.1\r\ncontent-length: 99999999999999999999\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\n",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3x\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx: y\n",
        ];
        for row in rows {
            let next = format!("{row}GET /next HTTP/1.1\r\n\r\n");
            for piece in [1, 5, next.len()] {
                let (given, refused) = given(next.as_bytes(), piece);
                let mut expected = row.as_bytes().to_vec();
                *expected.last_mut().unwrap() = INVALID;
                assert!(refused && given == expected, "{piece}: {row:?}");
            }
        }
        // Behind a request that is in order.
        let second = b"POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\nabGET / HTTP/1.1\nhost: a\r\n\r\n";
        assert!(given(second, second.len()).1);
    }
}
