//! Content codings (RFC 9110, section 8.4.1): what `Content-Encoding` says of a body.
//!
//! A body keeps its coding until a script reads it, so that what only passes through is never decoded.

use std::io::Write as _;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream;
use http::HeaderMap;

use crate::body::ByteStream;
use crate::error::BodyError;

/// How much encoded input is decoded at a time. Deflate expands at most 1032 times, so one step gives about 1 MiB.
const STEP: usize = 1024;

/// A content coding that workers decode and encode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// RFC 1952.
    Gzip,
    /// RFC 1950: HTTP's `deflate` is the zlib format.
    Deflate,
    /// RFC 7932.
    Brotli,
}

impl Coding {
    /// The coding that a header list announces, if it is a single one that we know.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(http::header::CONTENT_ENCODING).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return None;
        };
        let value = value.as_bytes().trim_ascii();
        if value.eq_ignore_ascii_case(b"gzip") || value.eq_ignore_ascii_case(b"x-gzip") {
            Some(Self::Gzip)
        } else if value.eq_ignore_ascii_case(b"deflate") {
            Some(Self::Deflate)
        } else if value.eq_ignore_ascii_case(b"br") {
            Some(Self::Brotli)
        } else {
            None
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
        }
    }

    /// The decoded body. Memory in use stays near a megabyte, whatever the ratio of expansion.
    pub fn decode(self, body: ByteStream) -> ByteStream {
        let coder = match self {
            Self::Gzip => Coder::GzipDecoder(flate2::write::MultiGzDecoder::new(Vec::new())),
            Self::Deflate => Coder::ZlibDecoder(flate2::write::ZlibDecoder::new(Vec::new())),
            Self::Brotli => Coder::BrotliDecoder(Box::new(brotli::DecompressorWriter::new(Vec::new(), 4096))),
        };
        run(self, coder, STEP, body)
    }

    /// The encoded body. Each chunk is flushed, so that a slow stream arrives as it is written.
    pub fn encode(self, body: ByteStream) -> ByteStream {
        let level = flate2::Compression::default();
        let coder = match self {
            Self::Gzip => Coder::GzipEncoder(flate2::write::GzEncoder::new(Vec::new(), level)),
            Self::Deflate => Coder::ZlibEncoder(flate2::write::ZlibEncoder::new(Vec::new(), level)),
            Self::Brotli => Coder::BrotliEncoder(Box::new(brotli::CompressorWriter::new(Vec::new(), 4096, 5, 22))),
        };
        run(self, coder, usize::MAX, body)
    }
}

enum Coder {
    GzipDecoder(flate2::write::MultiGzDecoder<Vec<u8>>),
    ZlibDecoder(flate2::write::ZlibDecoder<Vec<u8>>),
    BrotliDecoder(Box<brotli::DecompressorWriter<Vec<u8>>>),
    GzipEncoder(flate2::write::GzEncoder<Vec<u8>>),
    ZlibEncoder(flate2::write::ZlibEncoder<Vec<u8>>),
    BrotliEncoder(Box<brotli::CompressorWriter<Vec<u8>>>),
}

impl Coder {
    fn write(&mut self, input: &[u8]) -> std::io::Result<Vec<u8>> {
        macro_rules! push {
            ($coder:expr) => {{
                $coder.write_all(input)?;
                $coder.flush()?;
                Ok(std::mem::take($coder.get_mut()))
            }};
        }
        match self {
            Self::GzipDecoder(coder) => push!(coder),
            Self::ZlibDecoder(coder) => push!(coder),
            Self::BrotliDecoder(coder) => push!(coder),
            Self::GzipEncoder(coder) => push!(coder),
            Self::ZlibEncoder(coder) => push!(coder),
            Self::BrotliEncoder(coder) => push!(coder),
        }
    }

    /// What remains at the end. Fails where the input stopped before its own end.
    fn finish(self) -> std::io::Result<Vec<u8>> {
        match self {
            Self::GzipDecoder(coder) => coder.finish(),
            Self::ZlibDecoder(coder) => coder.finish(),
            Self::BrotliDecoder(mut coder) => {
                coder.close()?;
                Ok(std::mem::take(coder.get_mut()))
            }
            Self::GzipEncoder(coder) => coder.finish(),
            Self::ZlibEncoder(coder) => coder.finish(),
            Self::BrotliEncoder(coder) => Ok(coder.into_inner()),
        }
    }
}

struct Running {
    body: ByteStream,
    coder: Option<Coder>,
    input: Bytes,
    empty: bool,
}

fn run(coding: Coding, coder: Coder, step: usize, body: ByteStream) -> ByteStream {
    let start = Running {
        body,
        coder: Some(coder),
        input: Bytes::new(),
        empty: true,
    };
    let invalid = move |_| BodyError::Coding(coding.name());
    stream::try_unfold(start, move |mut running| async move {
        loop {
            let Some(coder) = running.coder.as_mut() else {
                return Ok(None);
            };
            if running.input.is_empty() {
                if let Some(chunk) = running.body.next().await {
                    running.input = chunk?;
                    continue;
                }
                // A response may announce a coding and have no body at all.
                let rest = match running.coder.take() {
                    Some(coder) if !(running.empty && step == STEP) => coder.finish().map_err(invalid)?,
                    _ => Vec::new(),
                };
                return Ok((!rest.is_empty()).then(|| (Bytes::from(rest), running)));
            }
            running.empty = false;
            let piece = running.input.split_to(running.input.len().min(step));
            let output = coder.write(&piece).map_err(invalid)?;
            if !output.is_empty() {
                return Ok(Some((Bytes::from(output), running)));
            }
        }
    })
    .boxed_local()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(chunks: Vec<Bytes>) -> ByteStream {
        stream::iter(chunks.into_iter().map(Ok)).boxed_local()
    }

    fn collect(mut body: ByteStream) -> Result<Vec<u8>, BodyError> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async move {
            let mut all = Vec::new();
            while let Some(chunk) = body.next().await {
                all.extend_from_slice(&chunk?);
            }
            Ok(all)
        })
    }

    #[test]
    fn what_is_encoded_decodes_whatever_the_chunks() {
        let text = "workerd-lite ".repeat(9000);
        for coding in [Coding::Gzip, Coding::Deflate, Coding::Brotli] {
            let encoded = collect(coding.encode(whole(vec![Bytes::from(text.clone())]))).unwrap();
            assert!(encoded.len() < text.len() / 10);
            let bytes = encoded.iter().map(|byte| Bytes::copy_from_slice(&[*byte])).collect();
            assert_eq!(
                collect(coding.decode(whole(bytes))).unwrap(),
                text.as_bytes(),
                "{coding:?}"
            );
        }
    }

    #[test]
    fn a_cut_or_broken_body_is_an_error() {
        for coding in [Coding::Gzip, Coding::Deflate, Coding::Brotli] {
            let encoded = collect(coding.encode(whole(vec![Bytes::from("text ".repeat(400))]))).unwrap();
            let cut = Bytes::copy_from_slice(&encoded[..encoded.len() / 2]);
            assert!(collect(coding.decode(whole(vec![cut]))).is_err(), "{coding:?} cut");
            let wrong = Bytes::from_static(b"this is not compressed at all, not at all");
            assert!(collect(coding.decode(whole(vec![wrong]))).is_err(), "{coding:?} wrong");
        }
    }

    #[test]
    fn no_body_is_no_error() {
        assert!(collect(Coding::Gzip.decode(whole(vec![]))).unwrap().is_empty());
    }
}
