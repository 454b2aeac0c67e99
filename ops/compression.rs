//! The Compression standard's formats (<https://compression.spec.whatwg.org/#supported-formats>), a bounded piece at a
//! time, so that the script between the pieces can be stopped, and with the state counted as the isolate's.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;
use deno_core::convert::Uint8Array;
use deno_core::{OpState, Resource, ResourceId, op2};
use deno_error::JsErrorBox;

use crate::decoder::{Decoded, Decoder, PIECE};
use crate::encoder::Encoder;
use crate::events::Events;
use crate::external_memory::{ExternalMemory, Reservation};
use crate::origin::EventId;

/// What Brotli does for a script: a window of 4 MiB, which is allocated as far as the input reaches.
const BROTLI_QUALITY: u32 = 6;
const BROTLI_WINDOW: u32 = 22;

/// What a coder counts for before it has taken a byte, in bytes: it allocates about as much with the first.
const BROTLI_LEAST: usize = 1 << 20;

enum Coder {
    Encoder(Encoder),
    Decoder(Decoder),
}

impl Coder {
    fn memory(&self) -> usize {
        match self {
            Self::Encoder(encoder @ Encoder::Brotli(..)) => encoder.memory().max(BROTLI_LEAST),
            Self::Encoder(encoder) => encoder.memory(),
            Self::Decoder(decoder @ Decoder::Brotli { .. }) => decoder.memory().max(BROTLI_LEAST),
            Self::Decoder(decoder) => decoder.memory(),
        }
    }
}

/// A coder of a script's stream. It goes with the event that it belongs to.
struct CoderResource(RefCell<Option<(Coder, Reservation)>>);

impl Resource for CoderResource {
    fn name(&self) -> Cow<'_, str> {
        "coder".into()
    }

    fn close(self: Rc<Self>) {
        self.0.borrow_mut().take();
    }
}

fn find(state: &OpState, rid: ResourceId) -> Result<Rc<CoderResource>, JsErrorBox> {
    state.resource_table.get(rid).map_err(|_| closed())
}

/// In Workers' words, which suites compare.
fn failed(error: &std::io::Error) -> JsErrorBox {
    JsErrorBox::type_error(match error.kind() {
        std::io::ErrorKind::UnexpectedEof => "Called close() on a decompression stream with incomplete data",
        _ => "Decompression failed.",
    })
}

fn uncoded(error: &std::io::Error) -> JsErrorBox {
    JsErrorBox::type_error(format!("the data can not be coded: {error}"))
}

fn closed() -> JsErrorBox {
    JsErrorBox::type_error("the stream is closed")
}

/// A coder for a format.
#[op2(fast)]
#[smi]
pub(crate) fn op_coder_new(
    state: &mut OpState,
    #[smi] event: EventId,
    #[string] format: &str,
    decode: bool,
) -> Result<ResourceId, JsErrorBox> {
    let coder = match (format, decode) {
        ("deflate", false) => Coder::Encoder(Encoder::zlib()),
        ("deflate-raw", false) => Coder::Encoder(Encoder::deflate()),
        ("gzip", false) => Coder::Encoder(Encoder::gzip()),
        ("brotli", false) => Coder::Encoder(Encoder::brotli(BROTLI_QUALITY, BROTLI_WINDOW)),
        ("deflate", true) => Coder::Decoder(Decoder::inflate(true)),
        ("deflate-raw", true) => Coder::Decoder(Decoder::inflate(false)),
        ("gzip", true) => Coder::Decoder(Decoder::gzip()),
        ("brotli", true) => Coder::Decoder(Decoder::brotli()),
        _ => return Err(JsErrorBox::type_error("Unsupported format")),
    };
    let reservation = state
        .borrow::<ExternalMemory>()
        .reserve(coder.memory())
        .map_err(JsErrorBox::from_err)?;
    let rid = state
        .resource_table
        .add(CoderResource(RefCell::new(Some((coder, reservation)))));
    if let Some(scope) = state.borrow::<Events>().scope(event) {
        scope.own(rid);
    }
    Ok(rid)
}

/// Takes input. A decoder's output is asked for by [`op_coder_read`], an encoder's comes at once; give little at a time.
#[op2]
pub(crate) fn op_coder_write(
    state: &mut OpState,
    #[smi] rid: ResourceId,
    #[anybuffer] input: &[u8],
) -> Result<Uint8Array, JsErrorBox> {
    let resource = find(state, rid)?;
    let mut slot = resource.0.borrow_mut();
    let (coder, reservation) = slot.as_mut().ok_or_else(closed)?;
    let output = match coder {
        Coder::Encoder(encoder) => encoder.write(input, false).map_err(|error| uncoded(&error))?,
        Coder::Decoder(decoder) => {
            decoder.push(Bytes::copy_from_slice(input));
            Vec::new()
        }
    };
    counts(coder, reservation)?;
    Ok(output.into())
}

/// Its memory grows with what it is given.
fn counts(coder: &Coder, reservation: &mut Reservation) -> Result<(), JsErrorBox> {
    reservation.resize(coder.memory()).map_err(JsErrorBox::from_err)
}

/// The next piece of a decoder's output, empty where it wants input.
#[op2]
pub(crate) fn op_coder_read(state: &mut OpState, #[smi] rid: ResourceId) -> Result<Uint8Array, JsErrorBox> {
    let resource = find(state, rid)?;
    let mut slot = resource.0.borrow_mut();
    let Some((coder, reservation)) = slot.as_mut() else {
        return Ok(Vec::new().into());
    };
    let Coder::Decoder(decoder) = coder else {
        return Ok(Vec::new().into());
    };
    let mut piece = vec![0; PIECE];
    let pulled = decoder.pull(&mut piece).map_err(|error| failed(&error))?;
    let has_rest = decoder.has_rest();
    counts(coder, reservation)?;
    match pulled {
        Decoded::Piece(count) => {
            piece.truncate(count);
            piece.shrink_to_fit();
            Ok(piece.into())
        }
        Decoded::End if has_rest => Err(JsErrorBox::type_error("Trailing bytes after end of compressed data")),
        Decoded::End | Decoded::Hungry => Ok(Vec::new().into()),
    }
}

/// No further input comes. An encoder gives what it had kept. A decoder is to be read to its end first by
/// [`op_coder_read`], and fails here where its input was cut short.
#[op2]
pub(crate) fn op_coder_finish(state: &mut OpState, #[smi] rid: ResourceId) -> Result<Uint8Array, JsErrorBox> {
    let resource = state.resource_table.take::<CoderResource>(rid).map_err(|_| closed())?;
    let (coder, _reservation) = resource.0.borrow_mut().take().ok_or_else(closed)?;
    let rest = match coder {
        Coder::Encoder(encoder) => return Ok(encoder.finish().map_err(|error| uncoded(&error))?.into()),
        Coder::Decoder(mut decoder) => {
            decoder.finish();
            let mut piece = vec![0; PIECE];
            match decoder.pull(&mut piece) {
                // What had been decoded, but not asked for.
                Ok(Decoded::Piece(count)) => {
                    piece.truncate(count);
                    Ok(piece)
                }
                Ok(Decoded::End) => Ok(Vec::new()),
                Ok(Decoded::Hungry) => Err(std::io::ErrorKind::UnexpectedEof.into()),
                Err(error) => Err(error),
            }
        }
    };
    Ok(rest.map_err(|error| failed(&error))?.into())
}

/// The coder is given up.
#[op2(fast)]
pub(crate) fn op_coder_close(state: &mut OpState, #[smi] rid: ResourceId) {
    // It may have ended already.
    drop(state.resource_table.take::<CoderResource>(rid));
}
