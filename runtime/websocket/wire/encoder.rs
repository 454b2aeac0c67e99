//! From messages to bytes (RFC 6455, section 5). A connection that has nothing to send has no buffer.

use bytes::{Buf as _, BufMut as _, BytesMut};
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::deflate::{WORTH, deflate};
use super::mask;

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
        let head = FrameHeader {
            rsv1: is_deflated,
            opcode,
            mask,
            ..FrameHeader::default()
        };
        let length = content.len() as u64;
        self.out.reserve(head.len(length) + content.len());
        let before = self.out.len();
        // Memory takes all that is written to it.
        let _ = head.format(length, &mut (&mut self.out).writer());
        debug_assert!(self.out.len() > before);
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
