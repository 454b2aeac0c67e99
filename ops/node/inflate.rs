//! Decompression of zlib's formats, with what Node does around zlib: dictionaries when they are asked for, and gzip's members.

use zlib_rs::{InflateError, InflateFlush, Status};

use super::step::{
    BUFFER_ERROR, DATA_ERROR, MEMORY_ERROR, NEED_DICTIONARY, OK, STREAM_END, STREAM_ERROR, Step, piece, room,
};

/// What the input is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Zlib,
    Gzip,
    Raw,
    /// Gzip or zlib, by the first two bytes.
    Any,
}

/// A window of 32 KiB, tables, and the state, in bytes.
const MEMORY: usize = 64 << 10;

/// A stream that decompresses.
pub(super) struct Inflate {
    stream: zlib_rs::Inflate,
    format: Format,
    window: u8,
    dictionary: Vec<u8>,
    /// How many bytes of gzip's magic number have come, where that is still to be told.
    magic: Option<u8>,
    /// Whether other members may follow the first.
    members: bool,
    /// Whether what follows the first member is the caller's.
    only_one: bool,
}

impl Inflate {
    /// `window` is the binary logarithm of the largest window, or 0 for the one that the header says. Nothing where it is neither.
    pub(super) fn new(format: Format, window: u32, dictionary: Vec<u8>) -> Option<Self> {
        let window = u8::try_from(window).ok()?;
        let any = window == 0 && format != Format::Raw;
        if !any && !(8..=15).contains(&window) {
            return None;
        }
        let mut inflate = Self {
            stream: open(format, window),
            format,
            window,
            dictionary,
            magic: (format == Format::Any).then_some(0),
            members: format == Format::Gzip,
            only_one: false,
        };
        inflate.begin();
        Some(inflate)
    }

    pub(super) fn memory(&self) -> usize {
        MEMORY + self.dictionary.len()
    }

    /// A raw stream cannot ask for its dictionary.
    fn begin(&mut self) {
        if self.format == Format::Raw && !self.dictionary.is_empty() {
            let _ = self.stream.set_dictionary(&self.dictionary);
        }
    }

    /// As if it were new.
    pub(super) fn reset(&mut self) {
        self.stream = open(self.format, self.window);
        if self.format == Format::Any {
            self.magic = Some(0);
            self.members = false;
        }
        self.begin();
    }

    /// Ends with the first member.
    pub(super) const fn only_one(&mut self, only_one: bool) {
        self.only_one = only_one;
    }

    /// Whether it is gzip is known by the first two bytes, wherever they are cut.
    fn look(&mut self, input: &[u8]) {
        for byte in input {
            match (self.magic, *byte) {
                (Some(0), 0x1f) => self.magic = Some(1),
                (Some(1), 0x8b) => {
                    self.members = true;
                    self.magic = None;
                }
                _ => self.magic = None,
            }
            if self.magic.is_none() {
                return;
            }
        }
    }

    /// `flush` is zlib's number.
    pub(super) fn run(&mut self, flush: u32, input: &[u8], output: &mut [u8]) -> Step {
        let (part, flush) = piece(input, flush);
        let output = room(output);
        let flush = match flush {
            2 => InflateFlush::SyncFlush,
            4 => InflateFlush::Finish,
            5 => InflateFlush::Block,
            _ => InflateFlush::NoFlush,
        };
        self.look(part);
        let mut step = Step::default();
        loop {
            let (read, written) = (self.stream.total_in(), self.stream.total_out());
            let result = self
                .stream
                .decompress(&part[step.read..], &mut output[step.written..], flush);
            step.read += moved(read, self.stream.total_in());
            step.written += moved(written, self.stream.total_out());
            step.status = match result {
                Ok(Status::Ok) => OK,
                Ok(Status::BufError) => BUFFER_ERROR,
                Ok(Status::StreamEnd) => {
                    // Trailing zeros are padding.
                    let follows = input.get(step.read).is_some_and(|byte| *byte != 0);
                    if !self.members || self.only_one || !follows {
                        STREAM_END
                    } else {
                        self.stream = open(self.format, self.window);
                        if step.read < part.len() {
                            continue;
                        }
                        OK
                    }
                }
                Err(InflateError::NeedDict { .. }) if !self.dictionary.is_empty() => {
                    match self.stream.set_dictionary(&self.dictionary) {
                        Ok(_) => continue,
                        Err(InflateError::DataError) => NEED_DICTIONARY,
                        Err(_) => STREAM_ERROR,
                    }
                }
                Err(InflateError::NeedDict { .. }) => NEED_DICTIONARY,
                Err(InflateError::StreamError) => STREAM_ERROR,
                Err(InflateError::DataError) => DATA_ERROR,
                Err(InflateError::MemError) => MEMORY_ERROR,
            };
            return step;
        }
    }

    /// zlib's words for what is wrong with the input.
    pub(super) fn message(&self, status: i32) -> &'static str {
        let otherwise = match status {
            NEED_DICTIONARY if self.dictionary.is_empty() => "Missing dictionary",
            NEED_DICTIONARY => return "Bad dictionary",
            BUFFER_ERROR | OK => "unexpected end of file",
            _ => "Zlib error",
        };
        self.stream.error_message().unwrap_or(otherwise)
    }
}

fn open(format: Format, window: u8) -> zlib_rs::Inflate {
    match format {
        Format::Zlib => zlib_rs::Inflate::new(true, window),
        Format::Gzip => zlib_rs::Inflate::new(true, 16 + window),
        Format::Any => zlib_rs::Inflate::new(true, 32 + window),
        Format::Raw => zlib_rs::Inflate::new(false, window),
    }
}

fn moved(before: u64, now: u64) -> usize {
    usize::try_from(now - before).unwrap_or(usize::MAX)
}
