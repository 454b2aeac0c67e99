//! Decoders that give a bounded piece at a time, whatever the ratio of expansion: a kilobyte of Brotli may hold gigabytes.

use std::io::{self, BufRead, Read};

use brotli::{BrotliDecompressStream, BrotliResult, BrotliState};
use bytes::{Buf as _, Bytes};
use flate2::bufread::GzDecoder;
use flate2::{Decompress, FlushDecompress, Status};

use crate::allocated::CountingAllocator;

/// The largest piece that is given at once, in bytes.
pub(crate) const PIECE: usize = 64 * 1024;

/// What a decoder of zlib holds, about, in bytes.
const INFLATE: usize = 48 << 10;

/// What a decoder says when it is asked for more.
pub(crate) enum Decoded {
    /// So many bytes of output, and perhaps more.
    Piece(usize),
    /// It wants input, or to hear that there is no more.
    Hungry,
    /// All is decoded.
    End,
}

/// A format that is decoded. Input is pushed, output is pulled.
pub(crate) enum Decoder {
    /// RFC 1952, one member: the Compression standard's `gzip`.
    Gzip(Box<GzDecoder<Feed>>),
    /// The same with any number of members, and with padding after the last: HTTP's `gzip`.
    Members {
        member: Box<GzDecoder<Feed>>,
        /// Whether the member has come to its end.
        complete: bool,
    },
    /// RFC 1950, or RFC 1951.
    Inflate { state: Decompress, feed: Feed },
    /// One of both, which the first two bytes tell: HTTP's `deflate`.
    Deflate { first: Option<u8>, feed: Feed },
    /// RFC 7932: windows are of 16 MiB at most.
    Brotli {
        state: Box<BrotliState<CountingAllocator, CountingAllocator, CountingAllocator>>,
        allocator: CountingAllocator,
        feed: Feed,
    },
}

/// What has come and was not read.
#[derive(Default)]
pub(crate) struct Feed {
    bytes: Bytes,
    ended: bool,
}

impl Read for Feed {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.len().min(out.len());
        self.bytes.copy_to_slice(&mut out[..count]);
        Ok(count)
    }
}

impl BufRead for Feed {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.bytes.is_empty() && !self.ended {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(&self.bytes)
    }

    fn consume(&mut self, count: usize) {
        self.bytes.advance(count);
    }
}

impl Decoder {
    pub(crate) fn gzip() -> Self {
        Self::Gzip(Box::new(GzDecoder::new(Feed::default())))
    }

    /// HTTP's `gzip`. A zero byte after a member begins padding, which is passed over as Node and gzip do.
    pub(crate) fn members() -> Self {
        Self::Members {
            member: Box::new(GzDecoder::new(Feed::default())),
            complete: false,
        }
    }

    /// HTTP's `deflate`: RFC 9110, section 8.4.1.2, wants the zlib format, and notes that some senders leave its wrapper out.
    pub(crate) fn deflate() -> Self {
        Self::Deflate {
            first: None,
            feed: Feed::default(),
        }
    }

    /// The Compression standard's `deflate`, with a zlib header, or its `deflate-raw`, without.
    pub(crate) fn inflate(zlib_header: bool) -> Self {
        Self::Inflate {
            state: Decompress::new(zlib_header),
            feed: Feed::default(),
        }
    }

    pub(crate) fn brotli() -> Self {
        let allocator = CountingAllocator::default();
        let state = BrotliState::new_strict(allocator.clone(), allocator.clone(), allocator.clone());
        Self::Brotli {
            state: Box::new(state),
            allocator,
            feed: Feed::default(),
        }
    }

    fn feed(&mut self) -> &mut Feed {
        match self {
            Self::Gzip(decoder) => decoder.get_mut(),
            Self::Members { member, .. } => member.get_mut(),
            Self::Inflate { feed, .. } | Self::Deflate { feed, .. } | Self::Brotli { feed, .. } => feed,
        }
    }

    /// Takes further input. Ask for output until it is hungry first.
    pub(crate) fn push(&mut self, bytes: Bytes) {
        self.feed().bytes = bytes;
    }

    /// No further input will come.
    pub(crate) fn finish(&mut self) {
        self.feed().ended = true;
    }

    /// Bytes that it holds.
    pub(crate) fn memory(&self) -> usize {
        match self {
            Self::Brotli { allocator, .. } => allocator.used(),
            _ => INFLATE,
        }
    }

    /// Whether input is left that belongs to nothing. Asked at the end.
    pub(crate) fn has_rest(&mut self) -> bool {
        !self.feed().bytes.is_empty()
    }

    /// Decodes into `out`, which is not empty. Fails where the input is not in the format or ends before its own end.
    pub(crate) fn pull(&mut self, out: &mut [u8]) -> io::Result<Decoded> {
        if let Self::Deflate { first, feed } = self {
            let Some(zlib_header) = has_zlib_header(first, feed) else {
                return Ok(Decoded::Hungry);
            };
            *self = Self::Inflate {
                state: Decompress::new(zlib_header),
                feed: std::mem::take(feed),
            };
        }
        match self {
            Self::Gzip(decoder) => gunzip(decoder, out),
            Self::Members { member, complete } => gunzip_members(member, complete, out),
            Self::Inflate { state, feed } => inflate(state, feed, out),
            // It has just become the former.
            Self::Deflate { .. } => Ok(Decoded::Hungry),
            Self::Brotli { state, feed, .. } => unbrotli(state, feed, out),
        }
    }
}

fn gunzip(decoder: &mut GzDecoder<Feed>, out: &mut [u8]) -> io::Result<Decoded> {
    match decoder.read(out) {
        Ok(0) => Ok(Decoded::End),
        Ok(count) => Ok(Decoded::Piece(count)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Decoded::Hungry),
        Err(error) => Err(error),
    }
}

fn gunzip_members(member: &mut GzDecoder<Feed>, complete: &mut bool, out: &mut [u8]) -> io::Result<Decoded> {
    loop {
        if *complete {
            let feed = member.get_mut();
            match feed.bytes.first() {
                None if feed.ended => return Ok(Decoded::End),
                None => return Ok(Decoded::Hungry),
                Some(0) => return Ok(Decoded::End),
                Some(_) => {
                    let feed = std::mem::take(feed);
                    *member = GzDecoder::new(feed);
                    *complete = false;
                }
            }
        }
        match gunzip(member, out)? {
            Decoded::End => *complete = true,
            other => return Ok(other),
        }
    }
}

/// Whether a stream begins as RFC 1950, section 2.2, says. Nothing as long as that cannot be told. What does not is RFC 1951.
fn has_zlib_header(first: &mut Option<u8>, feed: &mut Feed) -> Option<bool> {
    if let Some(first) = first.take_if(|_| !feed.bytes.is_empty()) {
        feed.bytes = Bytes::from([&[first], &*feed.bytes].concat());
    }
    match *feed.bytes {
        [method, flags, ..] => {
            // Deflate, a window of 32 KiB at most, no preset dictionary, and the check bits.
            let header = u16::from_be_bytes([method, flags]);
            Some(method & 0x0f == 8 && method >> 4 <= 7 && flags & 0x20 == 0 && header % 31 == 0)
        }
        _ if feed.ended => Some(false),
        [only] => {
            feed.bytes.clear();
            *first = Some(only);
            None
        }
        [] => None,
    }
}

fn inflate(state: &mut Decompress, feed: &mut Feed, out: &mut [u8]) -> io::Result<Decoded> {
    let (before_in, before_out) = (state.total_in(), state.total_out());
    let status = state
        .decompress(&feed.bytes, out, FlushDecompress::None)
        .map_err(io::Error::other)?;
    let moved = |before: u64, now: u64| usize::try_from(now - before).unwrap_or(usize::MAX);
    feed.bytes.advance(moved(before_in, state.total_in()));
    match (moved(before_out, state.total_out()), status) {
        (0, Status::StreamEnd) => Ok(Decoded::End),
        (0, _) if feed.ended && feed.bytes.is_empty() => Err(io::ErrorKind::UnexpectedEof.into()),
        (0, Status::BufError) if !feed.bytes.is_empty() => Err(io::ErrorKind::InvalidData.into()),
        (0, _) => Ok(Decoded::Hungry),
        (count, _) => Ok(Decoded::Piece(count)),
    }
}

fn unbrotli(
    state: &mut BrotliState<CountingAllocator, CountingAllocator, CountingAllocator>,
    feed: &mut Feed,
    out: &mut [u8],
) -> io::Result<Decoded> {
    let (mut available_in, mut read) = (feed.bytes.len(), 0);
    let (mut available_out, mut written) = (out.len(), 0);
    let mut total = 0;
    let result = BrotliDecompressStream(
        &mut available_in,
        &mut read,
        &feed.bytes,
        &mut available_out,
        &mut written,
        out,
        &mut total,
        state,
    );
    feed.bytes.advance(read);
    match (written, result) {
        (_, BrotliResult::ResultFailure) => Err(io::ErrorKind::InvalidData.into()),
        (0, BrotliResult::ResultSuccess) => Ok(Decoded::End),
        (0, _) if feed.ended => Err(io::ErrorKind::UnexpectedEof.into()),
        (0, _) => Ok(Decoded::Hungry),
        (count, _) => Ok(Decoded::Piece(count)),
    }
}
