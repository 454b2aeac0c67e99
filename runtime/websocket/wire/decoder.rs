//! From bytes to messages (RFC 6455, section 5). Nothing is kept but what is not whole: a connection over which nothing comes has no
//! buffer.

use std::io::Cursor;

use bytes::{Buf as _, Bytes, BytesMut};
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::deflate::inflate;
use super::message::Violation;
use super::{in_place, mask};

/// The longest content of a frame of control.
const CONTROL: usize = 125;

/// A frame of control, or a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decoded {
    Text(Bytes),
    Binary(Bytes),
    Ping(Bytes),
    Pong(Bytes),
    Close(Option<(u16, String)>),
}

/// A message whose end has not come.
struct Fragments {
    is_text: bool,
    is_deflated: bool,
    bytes: BytesMut,
}

/// Decodes what comes over one connection.
pub(super) struct Decoder {
    buffer: BytesMut,
    /// The head of a frame whose content is not whole.
    head: Option<(FrameHeader, usize)>,
    fragments: Option<Fragments>,
    role: Role,
    /// Bytes of a message.
    most: usize,
    /// Whether messages may be deflated.
    inflates: bool,
    /// Whether the peer is another process of ours, which closes by 1006 to say that what is behind it broke.
    of_ours: bool,
}

impl Decoder {
    /// For the side of `role`.
    pub(super) fn new(role: Role, most: usize, inflates: bool) -> Self {
        Self {
            buffer: BytesMut::new(),
            head: None,
            fragments: None,
            role,
            most,
            inflates,
            of_ours: false,
        }
    }

    /// The peer is another process of ours.
    pub(super) fn trust(&mut self) {
        self.of_ours = true;
    }

    /// Bytes have come.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The same, before they are [pushed](Self::push): whole messages at their start are given to `take`, and need not be. Gives how many
    /// bytes these were.
    pub(super) fn pass(&self, bytes: &mut [u8], take: &mut impl FnMut(bool, &[u8])) -> usize {
        if !self.buffer.is_empty() || self.head.is_some() || self.fragments.is_some() {
            return 0;
        }
        in_place::pass(bytes, self.role, self.most, take)
    }

    /// The next that is whole. After an error there is none.
    pub(super) fn next(&mut self) -> Result<Option<Decoded>, Violation> {
        loop {
            let (head, length) = match self.head.take() {
                Some(head) => head,
                None => match self.next_head()? {
                    Some(head) => head,
                    None => return Ok(None),
                },
            };
            if self.buffer.len() < length {
                self.head = Some((head, length));
                return Ok(None);
            }
            let mut content = self.buffer.split_to(length);
            if self.buffer.is_empty() {
                // Its memory goes with the content.
                self.buffer = BytesMut::new();
            }
            if let Some(mask) = head.mask {
                mask::apply(&mut content, mask);
            }
            if let Some(decoded) = self.take(&head, content)? {
                return Ok(Some(decoded));
            }
        }
    }

    fn next_head(&mut self) -> Result<Option<(FrameHeader, usize)>, Violation> {
        let mut cursor = Cursor::new(&self.buffer[..]);
        let parsed =
            FrameHeader::parse(&mut cursor).map_err(|_| Violation::Protocol("a frame has an unknown opcode"))?;
        let Some((head, length)) = parsed else { return Ok(None) };
        let used = usize::try_from(cursor.position()).unwrap_or(usize::MAX);
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        self.check(&head, length)?;
        self.buffer.advance(used);
        Ok(Some((head, length)))
    }

    /// What can be said before the content has come.
    fn check(&self, head: &FrameHeader, length: usize) -> Result<(), Violation> {
        let wrong = |words| Err(Violation::Protocol(words));
        let begins = matches!(head.opcode, OpCode::Data(Data::Text | Data::Binary));
        if head.rsv2 || head.rsv3 || (head.rsv1 && !(self.inflates && begins)) {
            return wrong("a frame has a bit that nobody asked for");
        }
        match (self.role, head.mask) {
            (Role::Server, None) => return wrong("a client's frame is not masked"),
            (Role::Client, Some(_)) => return wrong("a server's frame is masked"),
            _ => {}
        }
        match (head.opcode, &self.fragments) {
            (OpCode::Control(_), _) if !head.is_final => return wrong("a frame of control is in pieces"),
            (OpCode::Control(_), _) if length > CONTROL => return wrong("a frame of control is too long"),
            (OpCode::Control(_), _) => return Ok(()),
            (OpCode::Data(Data::Continue), None) => return wrong("a frame continues no message"),
            (OpCode::Data(Data::Text | Data::Binary), Some(_)) => {
                return wrong("a message begins within another");
            }
            _ => {}
        }
        let before = self.fragments.as_ref().map_or(0, |fragments| fragments.bytes.len());
        if before.saturating_add(length) > self.most {
            return Err(Violation::TooLong(self.most));
        }
        Ok(())
    }

    fn take(&mut self, head: &FrameHeader, content: BytesMut) -> Result<Option<Decoded>, Violation> {
        let fragments = match head.opcode {
            OpCode::Control(control) => return of_control(control, content.freeze(), self.of_ours).map(Some),
            OpCode::Data(Data::Continue) => match self.fragments.take() {
                Some(mut fragments) => {
                    fragments.bytes.extend_from_slice(&content);
                    fragments
                }
                None => return Err(Violation::Protocol("a frame continues no message")),
            },
            OpCode::Data(kind) => Fragments {
                is_text: kind == Data::Text,
                is_deflated: head.rsv1,
                bytes: content,
            },
        };
        if !head.is_final {
            self.fragments = Some(fragments);
            return Ok(None);
        }
        let bytes = if fragments.is_deflated {
            Bytes::from(inflate(&fragments.bytes, self.most)?)
        } else {
            fragments.bytes.freeze()
        };
        if !fragments.is_text {
            return Ok(Some(Decoded::Binary(bytes)));
        }
        match std::str::from_utf8(&bytes) {
            Ok(_) => Ok(Some(Decoded::Text(bytes))),
            Err(_) => Err(Violation::NotUtf8),
        }
    }
}

fn of_control(control: Control, content: Bytes, of_ours: bool) -> Result<Decoded, Violation> {
    match control {
        Control::Ping => Ok(Decoded::Ping(content)),
        Control::Pong => Ok(Decoded::Pong(content)),
        Control::Close => match content.split_first_chunk::<2>() {
            None if content.is_empty() => Ok(Decoded::Close(None)),
            None => Err(Violation::Protocol("a close has half a code")),
            Some((code, reason)) => {
                let code = u16::from_be_bytes(*code);
                let says_that_it_broke = of_ours && code == 1006;
                if !says_that_it_broke && !may_be_told(code) {
                    return Err(Violation::Protocol("a close has a code that no peer may send"));
                }
                match std::str::from_utf8(reason) {
                    Ok(reason) => Ok(Decoded::Close(Some((code, reason.to_owned())))),
                    Err(_) => Err(Violation::NotUtf8),
                }
            }
        },
        Control::Reserved(_) => Err(Violation::Protocol("a frame has an unknown opcode")),
    }
}

/// Whether a peer may close by this code: scripts may, and what follows the standard does (RFC 6455, section 7.4).
fn may_be_told(code: u16) -> bool {
    matches!(code, 1000..=4999) && !matches!(code, 1004..=1006 | 1015)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(role: Role, pieces: &[&[u8]]) -> (Vec<Decoded>, Option<Violation>) {
        let mut decoder = Decoder::new(role, 1000, false);
        let mut decoded = Vec::new();
        for piece in pieces {
            decoder.push(piece);
            loop {
                match decoder.next() {
                    Ok(Some(next)) => decoded.push(next),
                    Ok(None) => break,
                    Err(violation) => return (decoded, Some(violation)),
                }
            }
        }
        (decoded, None)
    }

    #[test]
    fn a_close_has_a_code_that_may_be_sent() {
        for code in [0, 999, 1004, 1005, 1006, 1015, 5000, 65535_u16] {
            let [high, low] = code.to_be_bytes();
            let (decoded, violation) = all(Role::Server, &[&[0x88, 0x82, 0, 0, 0, 0, high, low]]);
            assert!(decoded.is_empty(), "{code}");
            assert!(matches!(violation, Some(Violation::Protocol(_))), "{code}");
        }
        for code in [1000, 1003, 1007, 1014, 2999, 3000, 4999_u16] {
            let [high, low] = code.to_be_bytes();
            let (decoded, violation) = all(Role::Server, &[&[0x88, 0x82, 0, 0, 0, 0, high, low]]);
            assert_eq!(
                (decoded, violation),
                (vec![Decoded::Close(Some((code, String::new())))], None)
            );
        }
    }

    #[test]
    fn messages_are_the_same_however_their_bytes_come() {
        // RFC 6455, section 5.7: masked, in pieces with a ping between them, and a close.
        let bytes = [
            &[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58][..],
            &[0x01, 0x83, 0, 0, 0, 0, b'H', b'e', b'l', 0x89, 0x81, 0, 0, 0, 0, b'p'],
            &[0x80, 0x82, 0, 0, 0, 0, b'l', b'o', 0x88, 0x82, 0, 0, 0, 0, 3, 0xe8],
            &[0x82, 0xfe, 0, 126, 0, 0, 0, 0],
            &[7; 126],
        ]
        .concat();
        let expected = vec![
            Decoded::Text("Hello".into()),
            Decoded::Ping("p".into()),
            Decoded::Text("Hello".into()),
            Decoded::Close(Some((1000, String::new()))),
            Decoded::Binary(vec![7; 126].into()),
        ];
        assert_eq!(all(Role::Server, &[&bytes]), (expected, None));
        for size in 1..20 {
            let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
            let (decoded, violation) = all(Role::Server, &pieces);
            assert_eq!((decoded.len(), violation), (5, None), "{size}");
        }
    }

    #[test]
    fn nothing_is_kept_once_all_is_read() {
        let mut decoder = Decoder::new(Role::Client, 1000, false);
        decoder.push(&[0x81, 1, b'a', 0x81, 1, b'b']);
        assert!(decoder.next().unwrap().is_some() && decoder.next().unwrap().is_some());
        assert_eq!((decoder.next(), decoder.buffer.capacity()), (Ok(None), 0));
    }

    #[test]
    fn what_breaks_the_protocol_is_told() {
        for wrong in [
            &[0x81, 0x81, 0, 0, 0, 0, b'x'][..],
            &[0xc1, 1, b'x'],
            &[0xa1, 1, b'x'],
            &[0x91, 1, b'x'],
            &[0x83, 0],
            &[0x8b, 0],
            &[0x89, 126, 1, 0],
            &[0x09, 0],
            &[0x80, 1, b'x'],
            &[0x01, 0, 0x81, 0],
            &[0x88, 1, 3],
        ] {
            let (decoded, violation) = all(Role::Client, &[wrong]);
            assert!(
                decoded.is_empty() && matches!(violation, Some(Violation::Protocol(_))),
                "{wrong:?}"
            );
        }
        let unmasked = all(Role::Server, &[&[0x81, 0]]);
        assert!(matches!(unmasked.1, Some(Violation::Protocol(_))));
        for wrong in [&[0x81, 2, 0xc3, 0x28][..], &[0x88, 4, 3, 0xe8, 0xc3, 0x28]] {
            assert_eq!(all(Role::Client, &[wrong]).1, Some(Violation::NotUtf8));
        }
        let in_pieces = [&[0x02, 126, 3, 0xe8][..], &[0; 1000], &[0x80, 1, 0]].concat();
        for long in [
            &[0x82, 126, 3, 0xe9][..],
            &[0x82, 127, 255, 0, 0, 0, 0, 0, 0, 0],
            &in_pieces,
        ] {
            assert_eq!(all(Role::Client, &[long]).1, Some(Violation::TooLong(1000)));
        }
    }
}
