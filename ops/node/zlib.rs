//! What `node:zlib`'s binding wants: a stream, a bounded piece at a time, so that the script between the pieces can be stopped.

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use deno_core::{OpState, Resource, ResourceId, op2};
use deno_error::JsErrorBox;
use flate2::{Compression, Crc};

use super::zlib_stream::{Deflate, Format, Inflate, Stream};
use crate::events::Events;
use crate::external_memory::{ExternalMemory, Reservation};
use crate::origin::EventId;

/// A script's stream. It goes with the event that it belongs to.
struct ZlibResource(RefCell<Option<(Stream, Reservation)>>);

impl Resource for ZlibResource {
    fn name(&self) -> Cow<'_, str> {
        "zlib".into()
    }

    fn close(self: Rc<Self>) {
        self.0.borrow_mut().take();
    }
}

fn closed() -> JsErrorBox {
    JsErrorBox::generic("zlib binding closed")
}

/// A stream by Node's number of its mode.
#[op2(fast)]
#[smi]
pub(crate) fn op_node_zlib_new(
    state: &mut OpState,
    #[smi] event: EventId,
    #[smi] mode: u32,
    #[smi] level: i32,
) -> Result<ResourceId, JsErrorBox> {
    let level = u32::try_from(level).map_or_else(|_| Compression::default(), |level| Compression::new(level.min(9)));
    let stream = match mode {
        1 => Stream::Deflate(Deflate::new(Format::Zlib, level)),
        2 => Stream::Inflate(Inflate::new(Format::Zlib)),
        3 => Stream::Deflate(Deflate::new(Format::Gzip, level)),
        4 => Stream::Inflate(Inflate::new(Format::Gzip)),
        5 => Stream::Deflate(Deflate::new(Format::Raw, level)),
        6 => Stream::Inflate(Inflate::new(Format::Raw)),
        7 => Stream::Inflate(Inflate::new(Format::Any)),
        _ => return Err(JsErrorBox::generic("bad argument")),
    };
    let reservation = state
        .borrow::<ExternalMemory>()
        .reserve(stream.memory())
        .map_err(JsErrorBox::from_err)?;
    let rid = state
        .resource_table
        .add(ZlibResource(RefCell::new(Some((stream, reservation)))));
    if let Some(scope) = state.borrow::<Events>().scope(event) {
        scope.own(rid);
    }
    Ok(rid)
}

/// Takes input and gives output, and says in `left` how much room and how much input is left. `input` and `output` are of
/// different buffers.
#[op2(fast)]
#[smi]
pub(crate) fn op_node_zlib_run(
    state: &mut OpState,
    #[smi] rid: ResourceId,
    #[smi] flush: u32,
    #[buffer] input: &[u8],
    #[buffer] output: &mut [u8],
    #[buffer] left: &mut [u32],
) -> Result<i32, JsErrorBox> {
    let resource = state.resource_table.get::<ZlibResource>(rid).map_err(|_| closed())?;
    let mut slot = resource.0.borrow_mut();
    let (stream, _) = slot.as_mut().ok_or_else(closed)?;
    let step = stream.run(flush, input, output);
    if let [room, rest, ..] = left {
        *room = u32::try_from(output.len() - step.written).unwrap_or(u32::MAX);
        *rest = u32::try_from(input.len() - step.read).unwrap_or(u32::MAX);
    }
    Ok(step.ended as i32)
}

/// As if it were new.
#[op2(fast)]
pub(crate) fn op_node_zlib_reset(state: &mut OpState, #[smi] rid: ResourceId) -> Result<(), JsErrorBox> {
    let resource = state.resource_table.get::<ZlibResource>(rid).map_err(|_| closed())?;
    if let Some((stream, _)) = resource.0.borrow_mut().as_mut() {
        stream.reset();
    }
    Ok(())
}

/// The stream is given up.
#[op2(fast)]
pub(crate) fn op_node_zlib_close(state: &mut OpState, #[smi] rid: ResourceId) {
    drop(state.resource_table.take::<ZlibResource>(rid));
}

/// CRC-32 of more bytes, from the sum so far.
#[op2(fast)]
#[smi]
pub(crate) fn op_node_crc32(#[buffer] bytes: &[u8], start: u32) -> u32 {
    if start == 0 {
        let mut crc = Crc::new();
        crc.update(bytes);
        return crc.sum();
    }
    // The table's way, a bit at a time for each byte: sums that go on are rare.
    let mut sum = !start;
    for byte in bytes {
        sum ^= u32::from(*byte);
        for _ in 0..8 {
            sum = if sum & 1 == 1 {
                (sum >> 1) ^ 0xedb8_8320
            } else {
                sum >> 1
            };
        }
    }
    !sum
}
