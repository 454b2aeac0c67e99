//! One stream of zlib's formats, as its C functions have it: input and output of any sizes, and what is left of both.

use flate2::{Compress, Compression, Crc, Decompress, FlushCompress, FlushDecompress, Status};

/// How a call ended, by zlib's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub(super) enum Ended {
    Ok = 0,
    StreamEnd = 1,
    NeedDictionary = 2,
    /// What is no header of this format.
    Header = -30,
    Data = -3,
    /// The checksum or the length at the end is another.
    Check = -31,
    Buffer = -5,
}

/// What the binding calls `mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Zlib,
    Gzip,
    Raw,
    /// Gzip or zlib, by the first two bytes.
    Any,
}

/// What a call took and gave.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step {
    pub(super) ended: Ended,
    pub(super) read: usize,
    pub(super) written: usize,
}

const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];

/// A header of gzip with its names is no longer than this, in bytes.
const LONGEST_HEADER: usize = 1 << 16;

pub(super) enum Stream {
    Deflate(Deflate),
    Inflate(Inflate),
}

fn count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

pub(super) struct Deflate {
    compress: Compress,
    gzip: Option<Crc>,
    /// Bytes of the header or the trailer that are to be written.
    pending: Vec<u8>,
    finished: bool,
    level: Compression,
    format: Format,
}

impl Deflate {
    pub(super) fn new(format: Format, level: Compression) -> Self {
        let gzip = format == Format::Gzip;
        Self {
            compress: Compress::new(level, format == Format::Zlib),
            gzip: gzip.then(Crc::new),
            pending: if gzip { GZIP_HEADER.to_vec() } else { Vec::new() },
            finished: false,
            level,
            format,
        }
    }

    fn reset(&mut self) {
        *self = Self::new(self.format, self.level);
    }

    fn run(&mut self, flush: FlushCompress, input: &[u8], output: &mut [u8]) -> Step {
        let mut step = Step {
            ended: Ended::Ok,
            read: 0,
            written: drain(&mut self.pending, output),
        };
        if !self.pending.is_empty() {
            return step;
        }
        if !self.finished {
            let (before_in, before_out) = (self.compress.total_in(), self.compress.total_out());
            let status = self.compress.compress(input, &mut output[step.written..], flush);
            step.read = count(self.compress.total_in() - before_in);
            step.written += count(self.compress.total_out() - before_out);
            if let Some(crc) = &mut self.gzip {
                crc.update(&input[..step.read]);
            }
            match status {
                Ok(Status::StreamEnd) => {
                    self.finished = true;
                    if let Some(crc) = &self.gzip {
                        self.pending.extend_from_slice(&crc.sum().to_le_bytes());
                        self.pending.extend_from_slice(&crc.amount().to_le_bytes());
                    }
                    step.written += drain(&mut self.pending, &mut output[step.written..]);
                }
                Ok(Status::Ok) => {}
                Ok(Status::BufError) => step.ended = Ended::Buffer,
                Err(_) => step.ended = Ended::Data,
            }
        }
        if self.finished && self.pending.is_empty() {
            step.ended = Ended::StreamEnd;
        }
        step
    }
}

fn drain(pending: &mut Vec<u8>, output: &mut [u8]) -> usize {
    let length = pending.len().min(output.len());
    output[..length].copy_from_slice(&pending[..length]);
    pending.drain(..length);
    length
}

enum Stage {
    /// The bytes of the header so far, where the format has one that we read.
    Header(Vec<u8>),
    Body,
    Trailer(Vec<u8>),
    End,
}

pub(super) struct Inflate {
    decompress: Decompress,
    format: Format,
    /// What `Format::Any` has turned out to be.
    gzip: bool,
    crc: Crc,
    stage: Stage,
}

impl Inflate {
    pub(super) fn new(format: Format) -> Self {
        let reads = matches!(format, Format::Gzip | Format::Any);
        Self {
            decompress: Decompress::new(format == Format::Zlib),
            format,
            gzip: format == Format::Gzip,
            crc: Crc::new(),
            stage: if reads { Stage::Header(Vec::new()) } else { Stage::Body },
        }
    }

    fn reset(&mut self) {
        *self = Self::new(self.format);
    }

    fn run(&mut self, finish: bool, input: &[u8], output: &mut [u8]) -> Step {
        let mut step = Step {
            ended: Ended::Ok,
            read: 0,
            written: 0,
        };
        loop {
            let rest = &input[step.read..];
            match &mut self.stage {
                Stage::Header(bytes) => match header(bytes, rest, self.format) {
                    Header::More(read) => {
                        step.read += read;
                        // Input ended within.
                        step.ended = Ended::Buffer;
                        return step;
                    }
                    Header::Gzip(read) => {
                        step.read += read;
                        self.gzip = true;
                        self.stage = Stage::Body;
                    }
                    Header::Zlib => {
                        // What was taken for the question belongs to the stream.
                        let taken = std::mem::take(bytes);
                        self.decompress = Decompress::new(true);
                        self.stage = Stage::Body;
                        let mut nothing = [];
                        let _ = self.decompress.decompress(&taken, &mut nothing, FlushDecompress::None);
                    }
                    Header::Wrong => {
                        step.ended = Ended::Header;
                        return step;
                    }
                },
                Stage::Body => {
                    let (before_in, before_out) = (self.decompress.total_in(), self.decompress.total_out());
                    let out = &mut output[step.written..];
                    let status = self.decompress.decompress(rest, out, FlushDecompress::None);
                    let wrote = count(self.decompress.total_out() - before_out);
                    step.read += count(self.decompress.total_in() - before_in);
                    if self.gzip {
                        self.crc.update(&out[..wrote]);
                    }
                    step.written += wrote;
                    match status {
                        Ok(Status::StreamEnd) if self.gzip => self.stage = Stage::Trailer(Vec::new()),
                        Ok(Status::StreamEnd) => self.stage = Stage::End,
                        Ok(Status::Ok | Status::BufError) => {
                            let starved = step.written < output.len() && step.read == input.len();
                            step.ended = if starved && finish { Ended::Buffer } else { Ended::Ok };
                            return step;
                        }
                        Err(error) if error.needs_dictionary().is_some() => {
                            step.ended = Ended::NeedDictionary;
                            return step;
                        }
                        Err(_) => {
                            let first = self.decompress.total_out() == 0 && self.decompress.total_in() <= 2;
                            step.ended = if first && self.format == Format::Zlib {
                                Ended::Header
                            } else {
                                Ended::Data
                            };
                            return step;
                        }
                    }
                }
                Stage::Trailer(bytes) => {
                    let length = (8 - bytes.len()).min(rest.len());
                    bytes.extend_from_slice(&rest[..length]);
                    step.read += length;
                    if bytes.len() < 8 {
                        step.ended = Ended::Buffer;
                        return step;
                    }
                    if bytes[..4] != self.crc.sum().to_le_bytes() || bytes[4..] != self.crc.amount().to_le_bytes() {
                        step.ended = Ended::Check;
                        return step;
                    }
                    self.stage = Stage::End;
                }
                Stage::End => {
                    // Another member may follow. Zeros are padding, and what else there is, is the caller's.
                    if self.gzip && rest.first() == Some(&GZIP_HEADER[0]) {
                        *self = Self::new(Format::Gzip);
                        continue;
                    }
                    step.ended = Ended::StreamEnd;
                    return step;
                }
            }
        }
    }
}

enum Header {
    /// So many bytes were taken, and more are wanted.
    More(usize),
    Gzip(usize),
    Zlib,
    Wrong,
}

/// RFC 1952, 2.3. Takes a byte at a time, as the header ends where its flags say.
fn header(bytes: &mut Vec<u8>, input: &[u8], format: Format) -> Header {
    for (index, byte) in input.iter().enumerate() {
        if format == Format::Any && bytes.is_empty() && *byte != GZIP_HEADER[0] {
            return Header::Zlib;
        }
        bytes.push(*byte);
        let known = bytes.len().min(3);
        if bytes[..known] != GZIP_HEADER[..known] || bytes.len() > LONGEST_HEADER {
            return Header::Wrong;
        }
        if ends(bytes) {
            return Header::Gzip(index + 1);
        }
    }
    Header::More(input.len())
}

/// Whether the header is complete.
fn ends(bytes: &[u8]) -> bool {
    let Some(flags) = bytes.get(3) else { return false };
    let mut length = GZIP_HEADER.len();
    if flags & 4 != 0 {
        let (Some(low), Some(high)) = (bytes.get(length), bytes.get(length + 1)) else {
            return false;
        };
        length += 2 + usize::from(u16::from_le_bytes([*low, *high]));
    }
    for flag in [8, 16] {
        if flags & flag != 0 {
            let Some(end) = bytes
                .get(length..)
                .and_then(|rest| rest.iter().position(|byte| *byte == 0))
            else {
                return false;
            };
            length += end + 1;
        }
    }
    if flags & 2 != 0 {
        length += 2;
    }
    bytes.len() >= length
}

impl Stream {
    /// What it holds beside its buffers, about, in bytes.
    pub(super) const fn memory(&self) -> usize {
        match self {
            Self::Deflate(_) => 320 << 10,
            Self::Inflate(_) => 48 << 10,
        }
    }

    /// `flush` is zlib's number.
    pub(super) fn run(&mut self, flush: u32, input: &[u8], output: &mut [u8]) -> Step {
        match self {
            Self::Deflate(deflate) => {
                let flush = match flush {
                    1 => FlushCompress::Partial,
                    2 => FlushCompress::Sync,
                    3 => FlushCompress::Full,
                    4 => FlushCompress::Finish,
                    _ => FlushCompress::None,
                };
                deflate.run(flush, input, output)
            }
            Self::Inflate(inflate) => inflate.run(flush == 4, input, output),
        }
    }

    pub(super) fn reset(&mut self) {
        match self {
            Self::Deflate(deflate) => deflate.reset(),
            Self::Inflate(inflate) => inflate.reset(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs with pieces of these sizes.
    fn all(stream: &mut Stream, input: &[u8], piece: usize, room: usize) -> (Ended, Vec<u8>) {
        let (mut out, mut at) = (Vec::new(), 0);
        loop {
            let end = (at + piece).min(input.len());
            let flush = if end == input.len() { 4 } else { 0 };
            let mut output = vec![0; room];
            let step = stream.run(flush, &input[at..end], &mut output);
            out.extend_from_slice(&output[..step.written]);
            at += step.read;
            let stuck = step.read == 0 && step.written == 0;
            if !matches!(step.ended, Ended::Ok | Ended::Buffer) || (stuck && at == input.len()) {
                return (step.ended, out);
            }
        }
    }

    #[test]
    fn what_is_deflated_is_inflated_whatever_the_pieces() {
        let text: Vec<u8> = (0..20_000_u32)
            .flat_map(|number| (number % 511).to_le_bytes())
            .collect();
        for format in [Format::Gzip, Format::Zlib, Format::Raw] {
            for (piece, room) in [(1, 7), (1000, 1), (1 << 20, 1 << 20)] {
                let mut deflate = Stream::Deflate(Deflate::new(format, Compression::new(6)));
                let (ended, packed) = all(&mut deflate, &text, piece.max(100), room);
                assert_eq!(ended, Ended::StreamEnd);
                let mut inflate = Stream::Inflate(Inflate::new(format));
                assert_eq!(
                    all(&mut inflate, &packed, piece, room.max(50)),
                    (Ended::StreamEnd, text.clone())
                );
                if format != Format::Raw {
                    let mut any = Stream::Inflate(Inflate::new(Format::Any));
                    assert_eq!(
                        all(&mut any, &packed, piece, room.max(50)),
                        (Ended::StreamEnd, text.clone())
                    );
                }
                let mut short = Stream::Inflate(Inflate::new(format));
                assert_eq!(
                    all(&mut short, &packed[..packed.len() - 1], piece, 1 << 20).0,
                    Ended::Buffer
                );
            }
        }
        let mut wrong = Stream::Inflate(Inflate::new(Format::Gzip));
        assert_eq!(all(&mut wrong, b"no gzip", 1, 10).0, Ended::Header);
    }
}
