//! Decoders that give a bounded piece at a time, whatever the ratio of expansion: a kilobyte of Brotli may hold gigabytes.

use std::io::{self, BufRead, Read};

use brotli::enc::StandardAlloc;
use brotli::{BrotliDecompressStream, BrotliResult, BrotliState};
use bytes::{Buf as _, Bytes};
use flate2::bufread::{GzDecoder, MultiGzDecoder};
use flate2::{Decompress, FlushDecompress, Status};

/// The largest piece that is given at once, in bytes.
pub(crate) const PIECE: usize = 64 * 1024;

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
    /// RFC 1952. HTTP's body may have several members, a stream of the Compression standard one.
    Gzip(Box<GzDecoder<Feed>>),
    /// The same with any number of members.
    Members(Box<MultiGzDecoder<Feed>>),
    /// RFC 1950, or RFC 1951.
    Inflate { state: Decompress, feed: Feed },
    /// RFC 7932: windows are of 16 MiB at most.
    Brotli {
        state: Box<BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>>,
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

    pub(crate) fn members() -> Self {
        Self::Members(Box::new(MultiGzDecoder::new(Feed::default())))
    }

    /// HTTP's `deflate`, with a zlib header, or none.
    pub(crate) fn inflate(zlib_header: bool) -> Self {
        Self::Inflate {
            state: Decompress::new(zlib_header),
            feed: Feed::default(),
        }
    }

    pub(crate) fn brotli() -> Self {
        let allocators = (
            StandardAlloc::default(),
            StandardAlloc::default(),
            StandardAlloc::default(),
        );
        Self::Brotli {
            state: Box::new(BrotliState::new_strict(allocators.0, allocators.1, allocators.2)),
            feed: Feed::default(),
        }
    }

    fn feed(&mut self) -> &mut Feed {
        match self {
            Self::Gzip(decoder) => decoder.get_mut(),
            Self::Members(decoder) => decoder.get_mut(),
            Self::Inflate { feed, .. } | Self::Brotli { feed, .. } => feed,
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

    /// Whether input is left that belongs to nothing. Asked at the end.
    pub(crate) fn has_rest(&mut self) -> bool {
        !self.feed().bytes.is_empty()
    }

    /// Decodes into `out`, which is not empty. Fails where the input is not in the format or ends before its own end.
    pub(crate) fn pull(&mut self, out: &mut [u8]) -> io::Result<Decoded> {
        let read = match self {
            Self::Gzip(decoder) => decoder.read(out),
            Self::Members(decoder) => decoder.read(out),
            Self::Inflate { state, feed } => return inflate(state, feed, out),
            Self::Brotli { state, feed } => return unbrotli(state, feed, out),
        };
        match read {
            Ok(0) => Ok(Decoded::End),
            Ok(count) => Ok(Decoded::Piece(count)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Decoded::Hungry),
            Err(error) => Err(error),
        }
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
    state: &mut BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>,
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
