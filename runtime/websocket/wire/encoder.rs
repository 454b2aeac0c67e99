//! From messages to bytes (RFC 6455, section 5). A connection that has nothing to send has no buffer.

use bytes::{Buf as _, BytesMut};
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::deflate::{WORTH, deflate};
use super::mask;

/// The most bytes of a frame's head (section 5.2).
const LONGEST_HEAD: usize = 14;

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
        let length = content.len();
        self.out.reserve(LONGEST_HEAD + length);
        self.out
            .extend_from_slice(&[0x80 | if is_deflated { 0x40 } else { 0 } | u8::from(opcode)]);
        let masked = if mask.is_some() { 0x80 } else { 0 };
        match (u8::try_from(length), u16::try_from(length)) {
            (Ok(short @ ..126), _) => self.out.extend_from_slice(&[masked | short]),
            (_, Ok(length)) => {
                self.out.extend_from_slice(&[masked | 126]);
                self.out.extend_from_slice(&length.to_be_bytes());
            }
            _ => {
                self.out.extend_from_slice(&[masked | 127]);
                self.out.extend_from_slice(&(length as u64).to_be_bytes());
            }
        }
        if let Some(mask) = mask {
            self.out.extend_from_slice(&mask);
        }
        let at = self.out.len();
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
