//! What `node:zlib`'s binding wants: a coder, a bounded piece at a time, so that the script between the pieces can be stopped.
//! Its memory counts before it is allocated.

use std::borrow::Cow;
use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use deno_core::{OpState, Resource, ResourceId, op2, v8};
use deno_error::JsErrorBox;

use super::brotli;
use super::charged::Charged;
use super::deflate::{Deflate, Settings, Wrapper};
use super::inflate::{Format, Inflate};
use super::step::{Failure, Refused, Step};
use super::zstd;
use crate::events::Events;
use crate::external_memory::{ExternalMemory, Reservation};
use crate::origin::EventId;
use crate::stop::{self, Stop};

/// One coder of those that Node has.
enum Coder {
    Deflate(Box<Deflate>),
    Inflate(Box<Inflate>),
    BrotliEncoder(brotli::Encoder),
    BrotliDecoder(brotli::Decoder),
    ZstdEncoder(Box<zstd::Encoder>),
    ZstdDecoder(Box<zstd::Decoder>),
}

/// A script's coder. It goes with the event that it belongs to.
struct ZlibResource(RefCell<Option<(Coder, Option<Reservation>)>>);

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

/// What is asked for.
struct Wanted<'a> {
    mode: u32,
    params: &'a [u32],
    pledged: f64,
    dictionary: &'a [u8],
}

impl Wanted<'_> {
    fn deflate(&self) -> Option<Coder> {
        let wrapper = match self.mode {
            1 => Wrapper::Zlib,
            3 => Wrapper::Gzip,
            _ => Wrapper::Raw,
        };
        let [level, window, memory, strategy] = *self.params else {
            return None;
        };
        let settings = Settings::new(level.cast_signed(), window, memory, strategy.cast_signed())?;
        let deflate = Deflate::new(wrapper, settings, self.dictionary.to_vec());
        Some(Coder::Deflate(Box::new(deflate)))
    }

    fn inflate(&self) -> Option<Coder> {
        let format = match self.mode {
            2 => Format::Zlib,
            4 => Format::Gzip,
            6 => Format::Raw,
            _ => Format::Any,
        };
        let window = *self.params.get(1)?;
        let inflate = Inflate::new(format, window, self.dictionary.to_vec())?;
        Some(Coder::Inflate(Box::new(inflate)))
    }

    /// Nothing where a parameter can not be.
    fn open(
        &self,
        memory: &ExternalMemory,
        stop: Option<Stop>,
    ) -> Result<Option<(Coder, Option<Reservation>)>, Refused> {
        let charged = || Charged::new(memory.clone(), stop);
        let params = self.params;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a script's number, checked"
        )]
        let pledged = (self.pledged >= 0.0).then_some(self.pledged as u64);
        let coder = match self.mode {
            1 | 3 | 5 => self.deflate(),
            2 | 4 | 6 | 7 => self.inflate(),
            8 => brotli::Decoder::new(params, charged())?.map(Coder::BrotliDecoder),
            9 => brotli::Encoder::new(params, charged())?.map(Coder::BrotliEncoder),
            10 => zstd::Encoder::new(params, pledged, self.dictionary, memory)?
                .map(|encoder| Coder::ZstdEncoder(Box::new(encoder))),
            11 => zstd::Decoder::new(params, self.dictionary, memory)?
                .map(|decoder| Coder::ZstdDecoder(Box::new(decoder))),
            _ => None,
        };
        let Some(coder) = coder else {
            return Ok(None);
        };
        let size = match &coder {
            Coder::Deflate(deflate) => Some(deflate.memory()),
            Coder::Inflate(inflate) => Some(inflate.memory()),
            // Those count for themselves.
            _ => None,
        };
        let reservation = size.map(|size| memory.reserve(size)).transpose()?;
        Ok(Some((coder, reservation)))
    }
}

impl Coder {
    fn run(&mut self, flush: u32, input: &[u8], output: &mut [u8]) -> Result<Step, Refused> {
        match self {
            Self::Deflate(deflate) => Ok(deflate.run(flush, input, output)),
            Self::Inflate(inflate) => Ok(inflate.run(flush, input, output)),
            Self::BrotliEncoder(encoder) => encoder.run(flush, input, output),
            Self::BrotliDecoder(decoder) => decoder.run(input, output),
            Self::ZstdEncoder(encoder) => encoder.run(flush, input, output),
            Self::ZstdDecoder(decoder) => decoder.run(input, output),
        }
    }

    fn reset(&mut self) -> Result<(), Refused> {
        match self {
            Self::Deflate(deflate) => deflate.reset(),
            Self::Inflate(inflate) => inflate.reset(),
            Self::BrotliEncoder(encoder) => encoder.reset()?,
            Self::BrotliDecoder(decoder) => decoder.reset()?,
            Self::ZstdEncoder(encoder) => encoder.reset(),
            Self::ZstdDecoder(decoder) => decoder.reset(),
        }
        Ok(())
    }

    fn failure(&self, status: i32) -> Failure {
        match self {
            Self::BrotliEncoder(_) => brotli::Encoder::failure(),
            Self::BrotliDecoder(decoder) => decoder.failure(),
            Self::ZstdEncoder(encoder) => encoder.failure(),
            Self::ZstdDecoder(decoder) => decoder.failure(),
            Self::Inflate(inflate) => Failure {
                number: status,
                code: String::new(),
                message: inflate.message(status).into(),
            },
            Self::Deflate(_) => Failure {
                number: status,
                code: String::new(),
                message: if status == -5 || status == 0 {
                    "unexpected end of file".into()
                } else {
                    "Zlib error".into()
                },
            },
        }
    }
}

/// A coder by Node's number of its mode, or -1 where a parameter can not be. Parameters of zlib's formats are the level, the binary
/// logarithm of the window, the memory level and the strategy; those of the others go by their numbers.
#[op2(fast)]
#[smi]
pub(crate) fn op_node_zlib_new(
    state: &mut OpState,
    scope: &mut v8::PinScope<'_, '_>,
    #[smi] event: EventId,
    #[smi] mode: u32,
    #[buffer] params: &[u32],
    pledged: f64,
    #[buffer] dictionary: &[u8],
) -> Result<i32, JsErrorBox> {
    let wanted = Wanted {
        mode,
        params,
        pledged,
        dictionary,
    };
    let opened = wanted
        .open(state.borrow::<ExternalMemory>(), stop::of(scope))
        .map_err(JsErrorBox::from_err)?;
    let Some(coder) = opened else {
        return Ok(-1);
    };
    let rid = state.resource_table.add(ZlibResource(RefCell::new(Some(coder))));
    if let Some(scope) = state.borrow::<Events>().scope(event) {
        scope.own(rid);
    }
    i32::try_from(rid).map_err(|_| closed())
}

fn with<T>(
    state: &OpState,
    rid: ResourceId,
    call: impl FnOnce(&mut Coder) -> Result<T, Refused>,
) -> Result<T, JsErrorBox> {
    let resource = state.resource_table.get::<ZlibResource>(rid).map_err(|_| closed())?;
    let mut slot = resource.0.borrow_mut();
    let (coder, _) = slot.as_mut().ok_or_else(closed)?;
    let result = call(coder);
    if result.is_err() {
        // Its state is nobody's any more.
        slot.take();
    }
    result.map_err(JsErrorBox::from_err)
}

fn range(length: usize, offset: u32, count: u32) -> Result<Range<usize>, JsErrorBox> {
    let (from, count) = (offset as usize, count as usize);
    let to = from.checked_add(count).filter(|to| *to <= length);
    let to = to.ok_or_else(|| JsErrorBox::range_error("Index out of range"))?;
    Ok(from..to)
}

/// Takes a piece of the input and gives a piece of the output, and says in `left` how much room and how much input is left. `input`
/// and `output` are of different buffers. Answers zlib's number, or -100: [`op_node_zlib_failure`] has the words then.
#[op2(fast)]
#[smi]
pub(crate) fn op_node_zlib_run(
    state: &mut OpState,
    #[smi] rid: ResourceId,
    #[smi] flush: u32,
    #[buffer] input: &[u8],
    input_offset: u32,
    input_length: u32,
    #[buffer] output: &mut [u8],
    output_offset: u32,
    output_length: u32,
    #[buffer] left: &mut [u32],
) -> Result<i32, JsErrorBox> {
    let input = &input[range(input.len(), input_offset, input_length)?];
    let range = range(output.len(), output_offset, output_length)?;
    let output = &mut output[range];
    let step = with(state, rid, |coder| coder.run(flush, input, output))?;
    if let [room, rest, ..] = left {
        *room = output_length.saturating_sub(u32::try_from(step.written).unwrap_or(u32::MAX));
        *rest = input_length.saturating_sub(u32::try_from(step.read).unwrap_or(u32::MAX));
    }
    Ok(step.status)
}

/// Why the coder has failed: its number, its code and its words, each on a line. The code is empty where zlib's number says it.
#[op2]
#[string]
pub(crate) fn op_node_zlib_failure(
    state: &mut OpState,
    #[smi] rid: ResourceId,
    #[smi] status: i32,
) -> Result<String, JsErrorBox> {
    let failure = with(state, rid, |coder| Ok(coder.failure(status)))?;
    Ok(format!("{}\n{}\n{}", failure.number, failure.code, failure.message))
}

/// Another level and strategy for what follows.
#[op2(fast)]
pub(crate) fn op_node_zlib_params(
    state: &mut OpState,
    #[smi] rid: ResourceId,
    #[smi] level: i32,
    #[smi] strategy: i32,
) -> Result<(), JsErrorBox> {
    with(state, rid, |coder| {
        if let Coder::Deflate(deflate) = coder {
            deflate.set(level, strategy);
        }
        Ok(())
    })
}

/// Whether a decoder of gzip ends with the first member.
#[op2(fast)]
pub(crate) fn op_node_zlib_only_one(
    state: &mut OpState,
    #[smi] rid: ResourceId,
    only_one: bool,
) -> Result<(), JsErrorBox> {
    with(state, rid, |coder| {
        if let Coder::Inflate(inflate) = coder {
            inflate.only_one(only_one);
        }
        Ok(())
    })
}

/// As if it were new.
#[op2(fast)]
pub(crate) fn op_node_zlib_reset(state: &mut OpState, #[smi] rid: ResourceId) -> Result<(), JsErrorBox> {
    with(state, rid, Coder::reset)
}

/// The coder is given up.
#[op2(fast)]
pub(crate) fn op_node_zlib_close(state: &mut OpState, #[smi] rid: ResourceId) {
    drop(state.resource_table.take::<ZlibResource>(rid));
}

/// CRC-32 of more bytes, from the sum so far.
#[op2(fast)]
#[smi]
pub(crate) fn op_node_crc32(#[buffer] bytes: &[u8], start: u32) -> u32 {
    zlib_rs::crc32::crc32(start, bytes)
}
