//! Content codings (RFC 9110, section 8.4.1), decoded and encoded.

use std::io::Write as _;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream;

use crate::byte_stream::ByteStream;
use crate::decoder::{Decoded, Decoder, PIECE};
use crate::error::BodyError;

/// A content coding that workers decode and encode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// RFC 1952.
    Gzip,
    /// RFC 1950; its content alone, RFC 1951, is decoded as well.
    Deflate,
    /// RFC 7932.
    Brotli,
}

impl Coding {
    /// The coding of a name, in any case. `identity` is none.
    pub fn named(name: &[u8]) -> Option<Self> {
        [
            (&b"gzip"[..], Self::Gzip),
            (b"x-gzip", Self::Gzip),
            (b"deflate", Self::Deflate),
            (b"br", Self::Brotli),
        ]
        .into_iter()
        .find_map(|(known, coding)| name.eq_ignore_ascii_case(known).then_some(coding))
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
            Self::Deflate => Decoder::deflate(),
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
                // A coding within a coding can expand to much input that gives no output.
                tokio::task::coop::consume_budget().await;
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

    fn raw(text: &[u8], level: flate2::Compression) -> Vec<u8> {
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), level);
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(text: &[u8], level: flate2::Compression) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), level);
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    /// Decodes it whole, and byte by byte.
    fn decoded(coding: Coding, bytes: &[u8]) -> Option<Vec<u8>> {
        let single = bytes.iter().map(|byte| Bytes::copy_from_slice(&[*byte])).collect();
        let singly = collect(coding.decode(whole(single))).ok();
        let once = collect(coding.decode(whole(vec![Bytes::copy_from_slice(bytes)]))).ok();
        assert_eq!(singly, once);
        once
    }

    #[test]
    fn deflate_has_a_wrapper_or_none() {
        let text = "deflate ".repeat(500);
        let zeros = vec![0; 70_000];
        for text in [text.as_bytes(), b"", b"x", &zeros] {
            for level in [0, 1, 6, 9] {
                let level = flate2::Compression::new(level);
                assert_eq!(decoded(Coding::Deflate, &raw(text, level)).as_deref(), Some(text));
                assert_eq!(decoded(Coding::Deflate, &zlib(text, level)).as_deref(), Some(text));
            }
        }
        for broken in [&b"x"[..], b"\x78", b"\x78\x9c", b"\x03"] {
            assert_eq!(decoded(Coding::Deflate, broken), None, "{broken:?}");
        }
    }

    #[test]
    fn gzip_has_members_and_padding() {
        let (one, two) = (gzip(b"one"), gzip(b"two"));
        let rows: [(Vec<u8>, Option<&[u8]>); 8] = [
            ([&one[..], &two].concat(), Some(b"onetwo")),
            ([&one[..], &[0]].concat(), Some(b"one")),
            ([&one[..], &[0; 512]].concat(), Some(b"one")),
            ([&one[..], &two, &[0; 10]].concat(), Some(b"onetwo")),
            ([&gzip(b"")[..], &one].concat(), Some(b"one")),
            ([&one[..], b"garbage"].concat(), None),
            ([&one[..], &two[..two.len() - 1]].concat(), None),
            ([&one[..], &[0x1f]].concat(), None),
        ];
        for (bytes, text) in rows {
            assert_eq!(decoded(Coding::Gzip, &bytes).as_deref(), text, "{bytes:?}");
        }
    }

    #[test]
    fn no_body_is_no_error() {
        assert!(collect(Coding::Gzip.decode(whole(vec![]))).unwrap().is_empty());
    }
}
