//! Brotli (RFC 7932) with the parameters that Node has.

use brotli::enc::backward_references::BrotliEncoderMode;
use brotli::enc::encode::{BrotliEncoderOperation, BrotliEncoderStateStruct};
use brotli::{BrotliDecompressStream, BrotliResult, BrotliState};

use super::charged::{Charged, guarded};
use super::step::{BUFFER_ERROR, FAILED, Failure, OK, PIECE, Refused, STREAM_END, Step, piece, room};
use crate::external_memory::Reservation;

/// A parameter that a script left out.
const UNSET: u32 = u32::MAX;

/// Numbers of operations.
const FINISH: u32 = 2;
const METADATA: u32 = 3;

/// Parameters by their numbers.
const QUALITY: usize = 1;
const BLOCK: usize = 3;
const SIZE_HINT: usize = 5;

/// Nothing stops the coder within a block of input. At the highest qualities a block of this size takes it half a second.
const LARGEST_BLOCK: u32 = 20;
const LARGEST_SLOW_BLOCK: u32 = 18;
const SLOW: u32 = 10;

type State = BrotliEncoderStateStruct<Charged>;

/// A stream that compresses.
pub(super) struct Encoder {
    state: Box<State>,
    params: Vec<u32>,
    memory: Charged,
    begun: bool,
    /// What is left of a metadata block that has been begun, in bytes.
    metadata: usize,
    _reservation: Reservation,
}

/// Takes the parameters over, by their numbers. False where one of them can not be.
fn set(state: &mut State, params: &[u32]) -> bool {
    let to = &mut state.params;
    let quality = match params.get(QUALITY) {
        None | Some(&UNSET) => 11,
        Some(quality) => (*quality).min(11),
    };
    let number = |value: u32| i32::try_from(value).unwrap_or(i32::MAX);
    for (key, value) in params.iter().enumerate().filter(|(_, value)| **value != UNSET) {
        match key {
            0 => {
                to.mode = match value {
                    1 => BrotliEncoderMode::BROTLI_MODE_TEXT,
                    2 => BrotliEncoderMode::BROTLI_MODE_FONT,
                    _ => BrotliEncoderMode::BROTLI_MODE_GENERIC,
                }
            }
            QUALITY => to.quality = number(quality),
            2 => to.lgwin = number((*value).min(30)),
            BLOCK => {
                let largest = if quality >= SLOW {
                    LARGEST_SLOW_BLOCK
                } else {
                    LARGEST_BLOCK
                };
                to.lgblock = number((*value).min(largest));
            }
            4 if *value > 1 => return false,
            4 => to.disable_literal_context_modeling = number(*value),
            SIZE_HINT => to.size_hint = (*value).min(1 << 30) as usize,
            6 => to.large_window = *value != 0,
            // Hints about distances' codes. The coder chooses them itself, and fails where they are given.
            7 | 8 => {}
            _ => return false,
        }
    }
    true
}

impl Encoder {
    /// Parameters by their numbers. Nothing where one of them can not be.
    pub(super) fn new(params: &[u32], memory: Charged) -> Result<Option<Self>, Refused> {
        let reservation = memory.reserve(size_of::<State>()).map_err(Refused::Memory)?;
        let mut state = guarded(|| Box::new(State::new(memory.clone())))?;
        Ok(set(&mut state, params).then(|| Self {
            state,
            params: params.to_vec(),
            memory,
            begun: false,
            metadata: 0,
            _reservation: reservation,
        }))
    }

    /// As if it were new.
    pub(super) fn reset(&mut self) -> Result<(), Refused> {
        if let Some(fresh) = Self::new(&self.params, self.memory.clone())? {
            *self = fresh;
        }
        Ok(())
    }

    /// `flush` is the operation's number.
    pub(super) fn run(&mut self, flush: u32, input: &[u8], output: &mut [u8]) -> Result<Step, Refused> {
        if !self.begun {
            self.begun = true;
            // What the coder knows of the input's length by its first call decides how it searches.
            if self.params.get(SIZE_HINT).is_none_or(|hint| *hint == UNSET) {
                self.state.params.size_hint = input.len().min(1 << 30);
            }
        }
        let (part, operation) = match flush {
            METADATA if self.metadata > 0 => (&input[..self.metadata.min(input.len())], METADATA),
            METADATA => (&input[..input.len().min(PIECE)], METADATA),
            _ => piece(input, flush),
        };
        let operation = match operation {
            1 => BrotliEncoderOperation::BROTLI_OPERATION_FLUSH,
            FINISH => BrotliEncoderOperation::BROTLI_OPERATION_FINISH,
            METADATA => BrotliEncoderOperation::BROTLI_OPERATION_EMIT_METADATA,
            _ => BrotliEncoderOperation::BROTLI_OPERATION_PROCESS,
        };
        let output = room(output);
        let (mut inputs, mut read) = (part.len(), 0);
        let (mut outputs, mut written) = (output.len(), 0);
        let state = &mut self.state;
        let done = guarded(|| {
            state.compress_stream(
                operation,
                &mut inputs,
                part,
                &mut read,
                &mut outputs,
                output,
                &mut written,
                &mut None,
                &mut |_, _, _, _| (),
            )
        })?;
        self.metadata = if flush == METADATA { inputs } else { 0 };
        let status = match done {
            false => FAILED,
            true if self.state.is_finished() => STREAM_END,
            true => OK,
        };
        Ok(Step { status, read, written })
    }

    pub(super) fn failure() -> Failure {
        Failure {
            number: -1,
            code: "ERR_BROTLI_COMPRESSION_FAILED".into(),
            message: "Compression failed".into(),
        }
    }
}

type Decoding = BrotliState<Charged, Charged, Charged>;

/// A stream that decompresses.
pub(super) struct Decoder {
    state: Box<Decoding>,
    large_window: bool,
    memory: Charged,
    _reservation: Reservation,
}

impl Decoder {
    /// Parameters by their numbers. Nothing where one of them can not be.
    pub(super) fn new(params: &[u32], memory: Charged) -> Result<Option<Self>, Refused> {
        let mut large_window = false;
        for (key, value) in params.iter().enumerate().filter(|(_, value)| **value != UNSET) {
            match key {
                // Whether memory grows in steps: it does as it likes.
                0 => {}
                1 => large_window = *value != 0,
                _ => return Ok(None),
            }
        }
        Self::open(large_window, memory).map(Some)
    }

    fn open(large_window: bool, memory: Charged) -> Result<Self, Refused> {
        let reservation = memory.reserve(size_of::<Decoding>()).map_err(Refused::Memory)?;
        let state = guarded(|| {
            let (one, two, three) = (memory.clone(), memory.clone(), memory.clone());
            Box::new(if large_window {
                Decoding::new(one, two, three)
            } else {
                Decoding::new_strict(one, two, three)
            })
        })?;
        Ok(Self {
            state,
            large_window,
            memory,
            _reservation: reservation,
        })
    }

    /// As if it were new.
    pub(super) fn reset(&mut self) -> Result<(), Refused> {
        *self = Self::open(self.large_window, self.memory.clone())?;
        Ok(())
    }

    pub(super) fn run(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, Refused> {
        let (part, _) = piece(input, 0);
        let output = room(output);
        let (mut inputs, mut read) = (part.len(), 0);
        let (mut outputs, mut written) = (output.len(), 0);
        let state = &mut self.state;
        let result = guarded(|| {
            BrotliDecompressStream(
                &mut inputs,
                &mut read,
                part,
                &mut outputs,
                &mut written,
                output,
                &mut 0,
                state,
            )
        })?;
        let status = match result {
            BrotliResult::ResultSuccess => STREAM_END,
            BrotliResult::NeedsMoreInput => BUFFER_ERROR,
            BrotliResult::NeedsMoreOutput => OK,
            BrotliResult::ResultFailure => FAILED,
        };
        Ok(Step { status, read, written })
    }

    pub(super) fn failure(&self) -> Failure {
        let name = format!("{:?}", self.state.error_code);
        // The C library's names for its errors have this form, and Node puts `ERR_` in front.
        let name = name.strip_prefix("BROTLI_DECODER").unwrap_or(&name);
        Failure {
            number: self.state.error_code as i32,
            code: format!("ERR_{name}"),
            message: "Decompression failed".into(),
        }
    }
}
