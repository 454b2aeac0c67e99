//! From messages to bytes (RFC 6455, section 5). A connection that has nothing to send has no buffer.

use bytes::{Buf as _, BytesMut};
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::deflate::{WORTH, deflate};
use super::mask;

/// The most bytes of a frame's head (section 5.2).
const LONGEST_HEAD: usize = 14;

/// Memory for the first message, in bytes: others mostly follow before it is written.
const FEW: usize = 2 << 10;

/// Encodes what goes over one connection.
pub(super) struct Encoder {
    out: BytesMut,
    role: Role,
    deflates: bool,
    /// A frame could not be made: the system has no random bytes.
    failed: bool,
}

impl Encoder {
    /// For the side of `role`.
    pub(super) fn new(role: Role, deflates: bool) -> Self {
        Self {
            out: BytesMut::new(),
            role,
            deflates,
            failed: false,
        }
    }

    /// A message, as one frame.
    pub(super) fn data(&mut self, kind: Data, bytes: &[u8]) {
        let opcode = OpCode::Data(kind);
        if self.deflates && bytes.len() >= WORTH {
            if let Some(deflated) = deflate(bytes) {
                return self.frame(opcode, true, &deflated);
            }
        }
        self.frame(opcode, false, bytes);
    }

    pub(super) fn pong(&mut self, bytes: &[u8]) {
        self.frame(OpCode::Control(Control::Pong), false, bytes);
    }

    /// Nothing follows. Code and reason are left out where there are none.
    pub(super) fn close(&mut self, frame: Option<(u16, &str)>) {
        let mut content = Vec::new();
        if let Some((code, reason)) = frame {
            content.extend(code.to_be_bytes());
            content.extend(reason.as_bytes());
        }
        self.frame(OpCode::Control(Control::Close), false, &content);
    }

    fn frame(&mut self, opcode: OpCode, is_deflated: bool, content: &[u8]) {
        let mask = match self.role {
            Role::Server => None,
            Role::Client => {
                let Ok(mask) = mask::fresh() else {
                    self.failed = true;
                    return;
                };
                Some(mask)
            }
        };
        let (head, length) = head(opcode, is_deflated, mask, content.len());
        let needed = LONGEST_HEAD + content.len();
        self.out
            .reserve(if self.out.is_empty() { needed.max(FEW) } else { needed });
        let at = self.out.len() + length;
        // A copy of a known length is the cheaper one.
        self.out.extend_from_slice(&head);
        self.out.truncate(at);
        self.out.extend_from_slice(content);
        if let Some(mask) = mask {
            mask::apply(&mut self.out[at..], mask);
        }
    }

    /// What is to be written.
    pub(super) fn pending(&self) -> &[u8] {
        &self.out
    }

    /// So much of it was.
    pub(super) fn written(&mut self, bytes: usize) {
        self.out.advance(bytes);
        if self.out.is_empty() {
            self.out = BytesMut::new();
        }
    }

    /// Whether something that was to be sent never will be.
    pub(super) fn has_failed(&self) -> bool {
        self.failed
    }
}

/// A frame's head, and how long it is.
fn head(opcode: OpCode, is_deflated: bool, mask: Option<[u8; 4]>, content: usize) -> ([u8; LONGEST_HEAD], usize) {
    let mut head = [0; LONGEST_HEAD];
    head[0] = 0x80 | if is_deflated { 0x40 } else { 0 } | u8::from(opcode);
    let mut at = match (u8::try_from(content), u16::try_from(content)) {
        (Ok(short @ ..126), _) => {
            head[1] = short;
            2
        }
        (_, Ok(length)) => {
            head[1] = 126;
            head[2..4].copy_from_slice(&length.to_be_bytes());
            4
        }
        _ => {
            head[1] = 127;
            head[2..10].copy_from_slice(&(content as u64).to_be_bytes());
            10
        }
    };
    if let Some(mask) = mask {
        head[1] |= 0x80;
        head[at..at + 4].copy_from_slice(&mask);
        at += 4;
    }
    (head, at)
}
