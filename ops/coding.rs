//! Content codings (RFC 9110, section 8.4.1): what `Content-Encoding` says of a body.
//!
//! A body keeps its coding until a script reads it, so that what only passes through is never decoded.

use std::io::Write as _;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream;
use http::HeaderMap;

use crate::byte_stream::ByteStream;
use crate::decoder::{Decoded, Decoder, PIECE};
use crate::error::BodyError;

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

    /// The decoded body, in pieces of bounded size: memory in use does not grow with the ratio of expansion.
    pub fn decode(self, body: ByteStream) -> ByteStream {
        let decoder = match self {
            Self::Gzip => Decoder::members(),
            Self::Deflate => Decoder::inflate(true),
            Self::Brotli => Decoder::brotli(),
        };
        let start = Decoding {
            body,
            decoder: Some(decoder),
            piece: vec![0; PIECE],
            empty: true,
            ended: false,
        };
        let invalid = move |_| BodyError::Coding(self.name());
        stream::try_unfold(start, move |mut decoding| async move {
            loop {
                let Some(decoder) = decoding.decoder.as_mut() else {
                    return Ok(None);
                };
                // Before anything has come there is nothing to ask it.
                let said = if decoding.empty {
                    Decoded::Hungry
                } else {
                    decoder.pull(&mut decoding.piece).map_err(invalid)?
                };
                match said {
                    Decoded::Piece(count) => {
                        return Ok(Some((Bytes::copy_from_slice(&decoding.piece[..count]), decoding)));
                    }
                    Decoded::End => decoding.decoder = None,
                    Decoded::Hungry if decoding.ended => return Err(BodyError::Coding(self.name())),
                    Decoded::Hungry => match decoding.body.next().await {
                        Some(chunk) => {
                            let chunk = chunk?;
                            decoding.empty &= chunk.is_empty();
                            decoder.push(chunk);
                        }
                        // A response may announce a coding and have no body at all.
                        None if decoding.empty => decoding.decoder = None,
                        None => {
                            decoding.ended = true;
                            decoder.finish();
                        }
                    },
                }
            }
        })
        .boxed_local()
    }

    /// The encoded body. Each chunk is flushed, so that a slow stream arrives as it is written.
    pub fn encode(self, body: ByteStream) -> ByteStream {
        let level = flate2::Compression::default();
        let coder = match self {
            Self::Gzip => Coder::Gzip(flate2::write::GzEncoder::new(Vec::new(), level)),
            Self::Deflate => Coder::Zlib(flate2::write::ZlibEncoder::new(Vec::new(), level)),
            Self::Brotli => Coder::Brotli(Box::new(brotli::CompressorWriter::new(Vec::new(), 4096, 5, 22))),
        };
        encode(self, coder, body)
    }
}

struct Decoding {
    body: ByteStream,
    decoder: Option<Decoder>,
    piece: Vec<u8>,
    /// Whether nothing has come.
    empty: bool,
    ended: bool,
}

enum Coder {
    Gzip(flate2::write::GzEncoder<Vec<u8>>),
    Zlib(flate2::write::ZlibEncoder<Vec<u8>>),
    Brotli(Box<brotli::CompressorWriter<Vec<u8>>>),
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
            Self::Gzip(coder) => push!(coder),
            Self::Zlib(coder) => push!(coder),
            Self::Brotli(coder) => push!(coder),
        }
    }

    /// What remains at the end.
    fn finish(self) -> std::io::Result<Vec<u8>> {
        match self {
            Self::Gzip(coder) => coder.finish(),
            Self::Zlib(coder) => coder.finish(),
            Self::Brotli(coder) => Ok(coder.into_inner()),
        }
    }
}

fn encode(coding: Coding, coder: Coder, body: ByteStream) -> ByteStream {
    let invalid = move |_| BodyError::Coding(coding.name());
    stream::try_unfold((body, Some(coder)), move |(mut body, mut coder)| async move {
        loop {
            let Some(encoder) = coder.as_mut() else { return Ok(None) };
            let output = match body.next().await {
                Some(chunk) => encoder.write(&chunk?).map_err(invalid)?,
                None => match coder.take() {
                    Some(coder) => coder.finish().map_err(invalid)?,
                    None => return Ok(None),
                },
            };
            if !output.is_empty() {
                return Ok(Some((Bytes::from(output), (body, coder))));
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
    fn what_expands_comes_in_bounded_pieces() {
        for coding in [Coding::Gzip, Coding::Deflate, Coding::Brotli] {
            let zeros = vec![Bytes::from(vec![0; 1 << 20]); 64];
            let encoded = Bytes::from(collect(coding.encode(whole(zeros))).unwrap());
            let mut body = coding.decode(whole(vec![encoded]));
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let (most, all) = runtime.block_on(async move {
                let (mut most, mut all) = (0, 0);
                while let Some(chunk) = body.next().await {
                    let length = chunk.unwrap().len();
                    (most, all) = (length.max(most), all + length);
                }
                (most, all)
            });
            assert!(most <= PIECE, "{coding:?}: {most}");
            assert_eq!(all, 64 << 20, "{coding:?}");
        }
    }

    #[test]
    fn no_body_is_no_error() {
        assert!(collect(Coding::Gzip.decode(whole(vec![]))).unwrap().is_empty());
    }
}
