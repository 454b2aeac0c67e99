//! Compression by zlib's formats. The wrapper is written here, around a raw stream: so parameters may change in the middle.

use std::mem;

use zlib_rs::adler32::adler32;
use zlib_rs::crc32::crc32;
use zlib_rs::{DeflateConfig, DeflateFlush, Status, Strategy};

use super::step::{BUFFER_ERROR, OK, PIECE, STREAM_END, STREAM_ERROR, Step, piece, room};

/// What is around the raw stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wrapper {
    /// RFC 1950.
    Zlib,
    /// RFC 1952.
    Gzip,
    /// RFC 1951 alone.
    Raw,
}

/// What a script chooses, in zlib's ranges.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    level: i32,
    /// The window's size in bytes, as its binary logarithm.
    window: u8,
    memory: u8,
    strategy: Strategy,
}

impl Settings {
    /// Nothing where one of them is out of its range.
    pub(super) fn new(level: i32, window: u32, memory: u32, strategy: i32) -> Option<Self> {
        let level = if level == -1 { 6 } else { level };
        if !(0..=9).contains(&level) || !(8..=15).contains(&window) || !(1..=9).contains(&memory) {
            return None;
        }
        Some(Self {
            level,
            // zlib has no smaller one, and says 9 in its header.
            window: u8::try_from(window).ok()?.max(9),
            memory: u8::try_from(memory).ok()?,
            strategy: Strategy::try_from(strategy).ok()?,
        })
    }

    /// What a stream with these holds, in bytes: two windows and their chains, heads, symbols and what is pending, its trees.
    pub(super) fn memory(self) -> usize {
        let symbols = 1_usize << (self.memory + 6);
        (4_usize << self.window) + (128 << 10) + 8 * symbols + (24 << 10)
    }

    fn stream(self) -> zlib_rs::Deflate {
        zlib_rs::Deflate::new_with_config(DeflateConfig {
            level: self.level,
            window_bits: -i32::from(self.window),
            mem_level: i32::from(self.memory),
            strategy: self.strategy,
            ..DeflateConfig::default()
        })
    }

    fn is_fast(self) -> bool {
        self.level < 2 || self.strategy as i32 >= Strategy::HuffmanOnly as i32
    }
}

/// A stream that compresses.
pub(super) struct Deflate {
    stream: zlib_rs::Deflate,
    settings: Settings,
    wrapper: Wrapper,
    dictionary: Vec<u8>,
    /// The checksum of the input so far, of the wrapper's kind, and the input's length modulo 2^32.
    sum: u32,
    amount: u32,
    /// Bytes that come before whatever the stream gives next.
    pending: Vec<u8>,
    begun: bool,
    finished: bool,
}

impl Deflate {
    pub(super) fn new(wrapper: Wrapper, settings: Settings, dictionary: Vec<u8>) -> Self {
        let mut stream = settings.stream();
        // A gzip header has no place for one: Node leaves it out without a word.
        if !dictionary.is_empty() && wrapper != Wrapper::Gzip {
            let _ = stream.set_dictionary(&dictionary);
        }
        Self {
            stream,
            settings,
            wrapper,
            dictionary,
            sum: u32::from(wrapper == Wrapper::Zlib),
            amount: 0,
            pending: Vec::new(),
            begun: false,
            finished: false,
        }
    }

    pub(super) fn memory(&self) -> usize {
        self.settings.memory() + self.dictionary.len()
    }

    pub(super) fn reset(&mut self) {
        *self = Self::new(self.wrapper, self.settings, mem::take(&mut self.dictionary));
    }

    /// Other parameters for what follows. A gzip stream keeps its own, as in Node.
    pub(super) fn set(&mut self, level: i32, strategy: i32) {
        let settings = Settings::new(
            level,
            u32::from(self.settings.window),
            u32::from(self.settings.memory),
            strategy,
        );
        let Some(settings) = settings.filter(|_| self.wrapper != Wrapper::Gzip && !self.finished) else {
            return;
        };
        if self.begun {
            // What has been taken comes out as it was meant to, and ends on a byte's edge: another stream may go on from there.
            let mut rest = vec![0; 1024];
            loop {
                let before = self.stream.total_out();
                let status = self.stream.compress(&[], &mut rest, DeflateFlush::SyncFlush);
                let count = count(self.stream.total_out() - before);
                self.pending.extend_from_slice(&rest[..count]);
                if count < rest.len() || status.is_err() {
                    break;
                }
            }
        }
        self.settings = settings;
        self.stream = settings.stream();
        if !self.begun && !self.dictionary.is_empty() {
            let _ = self.stream.set_dictionary(&self.dictionary);
        }
    }

    fn header(&self) -> Vec<u8> {
        let fast = self.settings.is_fast();
        match self.wrapper {
            Wrapper::Raw => Vec::new(),
            Wrapper::Gzip => {
                let extra = match (self.settings.level, fast) {
                    (9, _) => 2,
                    (_, true) => 4,
                    _ => 0,
                };
                // No flags, no time, and an operating system of Unix's kind.
                vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, extra, 3]
            }
            Wrapper::Zlib => {
                let speed = match self.settings.level {
                    _ if fast => 0,
                    ..=5 => 1,
                    6 => 2,
                    _ => 3,
                };
                let mut header = (8 + (u16::from(self.settings.window - 8) << 4)) << 8 | speed << 6;
                if !self.dictionary.is_empty() {
                    header |= 0x20;
                }
                header += 31 - header % 31;
                let mut bytes = header.to_be_bytes().to_vec();
                if !self.dictionary.is_empty() {
                    bytes.extend_from_slice(&adler32(1, &self.dictionary).to_be_bytes());
                }
                bytes
            }
        }
    }

    fn trailer(&self) -> Vec<u8> {
        match self.wrapper {
            Wrapper::Raw => Vec::new(),
            Wrapper::Zlib => self.sum.to_be_bytes().to_vec(),
            Wrapper::Gzip => [self.sum.to_le_bytes(), self.amount.to_le_bytes()].concat(),
        }
    }

    /// Gives what is pending, as far as there is room.
    fn drain(&mut self, output: &mut [u8]) -> usize {
        let length = self.pending.len().min(output.len());
        output[..length].copy_from_slice(&self.pending[..length]);
        self.pending.drain(..length);
        length
    }

    /// `flush` is zlib's number.
    pub(super) fn run(&mut self, flush: u32, input: &[u8], output: &mut [u8]) -> Step {
        let (input, flush) = piece(input, flush);
        let output = room(output);
        let Some(flush) = i32::try_from(flush)
            .ok()
            .and_then(|flush| DeflateFlush::try_from(flush).ok())
        else {
            return Step {
                status: STREAM_ERROR,
                ..Step::default()
            };
        };
        if !mem::replace(&mut self.begun, true) {
            self.pending = self.header();
        }
        let mut step = Step {
            status: OK,
            read: 0,
            written: self.drain(output),
        };
        if !self.pending.is_empty() {
            return step;
        }
        if !self.finished {
            let (read, written) = (self.stream.total_in(), self.stream.total_out());
            let status = self.stream.compress(input, &mut output[step.written..], flush);
            step.read = count(self.stream.total_in() - read);
            step.written += count(self.stream.total_out() - written);
            self.count(&input[..step.read]);
            match status {
                Ok(Status::Ok) => return step,
                Ok(Status::BufError) => {
                    step.status = BUFFER_ERROR;
                    return step;
                }
                Ok(Status::StreamEnd) => {
                    self.finished = true;
                    self.pending = self.trailer();
                    step.written += self.drain(&mut output[step.written..]);
                }
                Err(error) => {
                    step.status = error as i32;
                    return step;
                }
            }
        }
        if self.pending.is_empty() {
            step.status = STREAM_END;
        }
        step
    }

    fn count(&mut self, input: &[u8]) {
        debug_assert!(input.len() <= PIECE, "a piece");
        match self.wrapper {
            Wrapper::Raw => return,
            Wrapper::Zlib => self.sum = adler32(self.sum, input),
            Wrapper::Gzip => self.sum = crc32(self.sum, input),
        }
        self.amount = self.amount.wrapping_add(u32::try_from(input.len()).unwrap_or(0));
    }
}

fn count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
