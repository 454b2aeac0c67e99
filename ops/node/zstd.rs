//! Zstandard (RFC 8878) with the parameters that Node has. Its C library computes one block, of 128 KiB at most, in one call.

use zstd_safe::zstd_sys::{ZSTD_EndDirective, ZSTD_strategy};
use zstd_safe::{CCtx, CParameter, DCtx, DParameter, InBuffer, OutBuffer, ResetDirective, get_error_name};

use super::step::{BUFFER_ERROR, FAILED, Failure, OK, Refused, STREAM_END, Step, piece, room};
use super::zstd_memory::{Header, LONGEST_HEADER, Tables, decoding, header};
use crate::external_memory::{ExternalMemory, Reservation};

/// A parameter that a script left out.
const UNSET: u32 = u32::MAX;

/// The number of the operation that ends a frame.
const END: u32 = 2;

/// Nothing stops the library within a block: it searches no longer at a place than level 22 does.
const LONGEST_SEARCH: u32 = 9;

/// The largest window that is decoded where a script names none, in bytes.
const LARGEST_WINDOW: u64 = (1 << 27) + 1;

/// A context that has compressed nothing yet, in bytes.
const EMPTY: usize = 16 << 10;

fn strategy(value: u32) -> Option<ZSTD_strategy> {
    use ZSTD_strategy as S;
    let known = [
        S::ZSTD_fast,
        S::ZSTD_dfast,
        S::ZSTD_greedy,
        S::ZSTD_lazy,
        S::ZSTD_lazy2,
        S::ZSTD_btlazy2,
        S::ZSTD_btopt,
        S::ZSTD_btultra,
        S::ZSTD_btultra2,
    ];
    known.get(usize::try_from(value).ok()?.checked_sub(1)?).copied()
}

/// The parameter, where it has any effect here. Fails where there is none of this number, or not with this value.
fn parameter(key: usize, value: u32, tables: &mut Tables) -> Result<Option<CParameter>, ()> {
    use CParameter as P;
    let flag = value != 0;
    Ok(Some(match key {
        100 => {
            tables.level = value.cast_signed();
            P::CompressionLevel(tables.level)
        }
        101 => {
            tables.window = value;
            P::WindowLog(value)
        }
        102 => {
            tables.hash = value;
            P::HashLog(value)
        }
        103 => {
            tables.chain = value;
            P::ChainLog(value)
        }
        104 if value <= 30 => P::SearchLog(value.min(LONGEST_SEARCH)),
        105 => P::MinMatch(value),
        106 => P::TargetLength(value),
        107 if value == 0 => return Ok(None),
        107 => P::Strategy(strategy(value).ok_or(())?),
        160 => {
            tables.long = flag;
            P::EnableLongDistanceMatching(flag)
        }
        161 => {
            tables.long_hash = value;
            P::LdmHashLog(value)
        }
        162 => P::LdmMinMatch(value),
        163 => P::LdmBucketSizeLog(value),
        164 => P::LdmHashRateLog(value),
        200 => P::ContentSizeFlag(flag),
        201 => P::ChecksumFlag(flag),
        202 => P::DictIdFlag(flag),
        // There are no threads: the stream is what it is without.
        400 if value <= 256 => return Ok(None),
        401 | 402 => return Ok(None),
        _ => return Err(()),
    }))
}

fn failure(code: usize) -> Failure {
    let number = i32::try_from(code.wrapping_neg()).unwrap_or(1);
    let name = NAMES
        .iter()
        .find(|(known, _)| *known == number)
        .map_or("GENERIC", |(_, name)| *name);
    Failure {
        number,
        code: format!("ZSTD_error_{name}"),
        message: get_error_name(code).into(),
    }
}

const NAMES: &[(i32, &str)] = &[
    (10, "prefix_unknown"),
    (12, "version_unsupported"),
    (14, "frameParameter_unsupported"),
    (16, "frameParameter_windowTooLarge"),
    (20, "corruption_detected"),
    (22, "checksum_wrong"),
    (24, "literals_headerWrong"),
    (30, "dictionary_corrupted"),
    (32, "dictionary_wrong"),
    (34, "dictionaryCreation_failed"),
    (40, "parameter_unsupported"),
    (41, "parameter_combination_unsupported"),
    (42, "parameter_outOfBound"),
    (44, "tableLog_tooLarge"),
    (46, "maxSymbolValue_tooLarge"),
    (48, "maxSymbolValue_tooSmall"),
    (50, "stabilityCondition_notRespected"),
    (60, "stage_wrong"),
    (62, "init_missing"),
    (64, "memory_allocation"),
    (66, "workSpace_tooSmall"),
    (70, "dstSize_tooSmall"),
    (72, "srcSize_wrong"),
    (74, "dstBuffer_null"),
    (80, "noForwardProgress_destFull"),
    (82, "noForwardProgress_inputEmpty"),
];

/// A stream that compresses.
pub(super) struct Encoder {
    context: CCtx<'static>,
    tables: Tables,
    pledged: Option<u64>,
    begun: bool,
    ended: bool,
    failure: Failure,
    reservation: Reservation,
}

impl Encoder {
    /// Parameters by their numbers. Nothing where one of them can not be.
    pub(super) fn new(
        params: &[u32],
        pledged: Option<u64>,
        dictionary: &[u8],
        memory: &ExternalMemory,
    ) -> Result<Option<Self>, Refused> {
        let reservation = memory.reserve(EMPTY + dictionary.len())?;
        let mut context = CCtx::try_create().ok_or(Refused::Broken)?;
        let mut tables = Tables {
            dictionary: dictionary.len(),
            ..Tables::default()
        };
        for (key, value) in params.iter().enumerate().filter(|(_, value)| **value != UNSET) {
            let Ok(parameter) = parameter(key, *value, &mut tables) else {
                return Ok(None);
            };
            if parameter.is_some_and(|parameter| context.set_parameter(parameter).is_err()) {
                return Ok(None);
            }
        }
        if !dictionary.is_empty() && context.load_dictionary(dictionary).is_err() {
            return Ok(None);
        }
        Ok(Some(Self {
            context,
            tables,
            pledged,
            begun: false,
            ended: false,
            failure: Failure::default(),
            reservation,
        }))
    }

    /// As if it were new.
    pub(super) fn reset(&mut self) {
        let _ = self.context.reset(ResetDirective::SessionOnly);
        self.begun = false;
        self.ended = false;
    }

    /// Counts what the first call is going to allocate. An input that comes at once is known to be all.
    fn begin(&mut self, flush: u32, length: usize) -> Result<(), Refused> {
        let size = self.pledged.or((flush == END).then_some(length as u64));
        let held = self.context.sizeof();
        self.reservation.resize(self.tables.memory(size).max(held))?;
        let _ = self.context.set_pledged_src_size(size);
        self.begun = true;
        self.ended = false;
        Ok(())
    }

    /// `flush` is the operation's number.
    pub(super) fn run(&mut self, flush: u32, input: &[u8], output: &mut [u8]) -> Result<Step, Refused> {
        if self.ended && input.is_empty() {
            // No frame follows that nobody has begun.
            return Ok(Step {
                status: STREAM_END,
                ..Step::default()
            });
        }
        if !self.begun {
            self.begin(flush, input.len())?;
        }
        let (part, flush) = piece(input, flush);
        let operation = match flush {
            1 => ZSTD_EndDirective::ZSTD_e_flush,
            END => ZSTD_EndDirective::ZSTD_e_end,
            _ => ZSTD_EndDirective::ZSTD_e_continue,
        };
        let mut input = InBuffer::around(part);
        let mut output = OutBuffer::around(room(output));
        let result = self.context.compress_stream2(&mut output, &mut input, operation);
        let status = match result {
            Err(code) => {
                self.failure = failure(code);
                FAILED
            }
            Ok(0) if flush == END => {
                self.begun = false;
                self.ended = true;
                STREAM_END
            }
            Ok(_) => OK,
        };
        Ok(Step {
            status,
            read: input.pos(),
            written: output.pos(),
        })
    }

    pub(super) fn failure(&self) -> Failure {
        self.failure.clone()
    }
}

/// A stream that decompresses.
pub(super) struct Decoder {
    context: DCtx<'static>,
    /// The first bytes of a frame whose header is not complete, or nothing once it is.
    head: Option<Vec<u8>>,
    largest_window: u64,
    /// What it holds beside windows, in bytes.
    base: usize,
    failure: Failure,
    reservation: Reservation,
}

impl Decoder {
    /// Parameters by their numbers. Nothing where one of them can not be.
    pub(super) fn new(params: &[u32], dictionary: &[u8], memory: &ExternalMemory) -> Result<Option<Self>, Refused> {
        // A context holds tables of 160 KiB, and a dictionary's are about as large.
        let base = (256 << 10) + dictionary.len() * 2;
        let reservation = memory.reserve(base)?;
        let mut largest_window = LARGEST_WINDOW;
        let mut context = DCtx::try_create().ok_or(Refused::Broken)?;
        for (key, value) in params.iter().enumerate().filter(|(_, value)| **value != UNSET) {
            if key != 100 || context.set_parameter(DParameter::WindowLogMax(*value)).is_err() {
                return Ok(None);
            }
            if *value != 0 {
                largest_window = 1 << (*value).min(40);
            }
        }
        if !dictionary.is_empty() && context.load_dictionary(dictionary).is_err() {
            return Ok(None);
        }
        Ok(Some(Self {
            context,
            head: Some(Vec::new()),
            largest_window,
            base,
            failure: Failure::default(),
            reservation,
        }))
    }

    /// As if it were new.
    pub(super) fn reset(&mut self) {
        let _ = self.context.reset(ResetDirective::SessionOnly);
        self.head = Some(Vec::new());
    }

    /// Counts the window that a frame names before the library sees the name.
    fn look(&mut self, input: &[u8]) -> Result<(), Refused> {
        let Some(head) = &mut self.head else {
            return Ok(());
        };
        let more = input.len().min(LONGEST_HEADER - head.len());
        head.extend_from_slice(&input[..more]);
        match header(head) {
            Header::Short => return Ok(()),
            Header::None => {}
            // The library refuses it.
            Header::Window(window) if window > self.largest_window => {}
            Header::Window(window) => {
                let size = self.base.saturating_add(decoding(window));
                self.reservation.resize(size.max(self.context.sizeof()))?;
            }
        }
        self.head = None;
        Ok(())
    }

    pub(super) fn run(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, Refused> {
        let (part, _) = piece(input, 0);
        self.look(part)?;
        let mut input = InBuffer::around(part);
        let mut output = OutBuffer::around(room(output));
        let result = self.context.decompress_stream(&mut output, &mut input);
        let status = match result {
            Err(code) => {
                self.failure = failure(code);
                FAILED
            }
            Ok(0) => {
                self.head = Some(Vec::new());
                STREAM_END
            }
            Ok(_) if input.pos() == part.len() => BUFFER_ERROR,
            Ok(_) => OK,
        };
        Ok(Step {
            status,
            read: input.pos(),
            written: output.pos(),
        })
    }

    pub(super) fn failure(&self) -> Failure {
        self.failure.clone()
    }
}
