//! Encoders that take a bounded piece at a time and give what comes of it.

use std::io::{self, Write as _};

use brotli::Allocator as _;
use brotli::enc::writer::CompressorWriterCustomAlloc;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

use crate::allocated::{Allocated, CountingAllocator};

/// What an encoder of zlib holds, about, in bytes: its windows and tables.
const DEFLATE: usize = 320 << 10;

/// What the encoder collects before it gives it to its writer, in bytes.
const BROTLI_OUTPUT: usize = 4096;

type Brotli = CompressorWriterCustomAlloc<Vec<u8>, Allocated<u8>, CountingAllocator>;

/// A format that is encoded.
pub(crate) enum Encoder {
    /// RFC 1952.
    Gzip(GzEncoder<Vec<u8>>),
    /// RFC 1950.
    Zlib(ZlibEncoder<Vec<u8>>),
    /// RFC 1951.
    Deflate(DeflateEncoder<Vec<u8>>),
    /// RFC 7932.
    Brotli(Box<Brotli>, CountingAllocator),
}

impl Encoder {
    pub(crate) fn gzip() -> Self {
        Self::Gzip(GzEncoder::new(Vec::new(), Compression::default()))
    }

    pub(crate) fn zlib() -> Self {
        Self::Zlib(ZlibEncoder::new(Vec::new(), Compression::default()))
    }

    pub(crate) fn deflate() -> Self {
        Self::Deflate(DeflateEncoder::new(Vec::new(), Compression::default()))
    }

    /// `quality` is from 0 to 11, `window` the binary logarithm of its bytes.
    pub(crate) fn brotli(quality: u32, window: u32) -> Self {
        let mut allocator = CountingAllocator::default();
        let output = allocator.alloc_cell(BROTLI_OUTPUT);
        let writer = CompressorWriterCustomAlloc::new(Vec::new(), output, allocator.clone(), quality, window);
        Self::Brotli(Box::new(writer), allocator)
    }

    /// Takes input and gives what comes of it, which may be nothing. With `flush` all that has been taken comes out.
    pub(crate) fn write(&mut self, input: &[u8], flush: bool) -> io::Result<Vec<u8>> {
        macro_rules! push {
            ($encoder:expr) => {{
                $encoder.write_all(input)?;
                if flush {
                    $encoder.flush()?;
                }
                Ok(std::mem::take($encoder.get_mut()))
            }};
        }
        match self {
            Self::Gzip(encoder) => push!(encoder),
            Self::Zlib(encoder) => push!(encoder),
            Self::Deflate(encoder) => push!(encoder),
            Self::Brotli(encoder, _) => push!(encoder),
        }
    }

    /// What remains at the end.
    pub(crate) fn finish(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Gzip(encoder) => encoder.finish(),
            Self::Zlib(encoder) => encoder.finish(),
            Self::Deflate(encoder) => encoder.finish(),
            Self::Brotli(encoder, _) => Ok(encoder.into_inner()),
        }
    }

    /// Bytes that it holds.
    pub(crate) fn memory(&self) -> usize {
        match self {
            Self::Brotli(_, allocator) => allocator.used(),
            _ => DEFLATE,
        }
    }
}
