//! Content codings (RFC 9110, section 8.4.1), decoded and encoded.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream;

use crate::account::Account;
use crate::byte_stream::ByteStream;
use crate::coding_steps::CodingSteps;
use crate::decoder::{Decoded, Decoder, PIECE};
use crate::encoder::Encoder;
use crate::error::BodyError;

/// What Brotli does for a body that is encoded as it is sent: a window of 256 KiB, so that many at once hold little.
const BROTLI_QUALITY: u32 = 4;
const BROTLI_WINDOW: u32 = 18;

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

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Brotli => "br",
        }
    }

    /// The decoded body, in pieces of bounded size: memory in use does not grow with the ratio of expansion. The work is put down
    /// to `account`.
    pub fn decode(self, body: ByteStream, account: Option<&Arc<Account>>) -> ByteStream {
        let decoder = match self {
            Self::Gzip => Decoder::members(),
            Self::Deflate => Decoder::deflate(),
            Self::Brotli => Decoder::brotli(),
        };
        let start = Decoding {
            body,
            coding: self,
            steps: CodingSteps::new(decoder, account.cloned()),
            waiting: Waiting::First,
        };
        stream::try_unfold(start, |mut decoding| async move {
            Ok(decoding.next().await?.map(|piece| (piece, decoding)))
        })
        .boxed_local()
    }

    /// The encoded body. Each chunk is flushed, so that a slow stream arrives as it is written. The work is put down to
    /// `account`.
    pub fn encode(self, body: ByteStream, account: Option<&Arc<Account>>) -> ByteStream {
        let encoder = match self {
            Self::Gzip => Encoder::gzip(),
            Self::Deflate => Encoder::zlib(),
            Self::Brotli => Encoder::brotli(BROTLI_QUALITY, BROTLI_WINDOW),
        };
        let start = Encoding {
            body,
            coding: self,
            steps: CodingSteps::new(Some(encoder), account.cloned()),
            chunk: Bytes::new(),
            ended: false,
        };
        stream::try_unfold(start, |mut encoding| async move {
            Ok(encoding.next().await?.map(|piece| (piece, encoding)))
        })
        .boxed_local()
    }

    fn invalid(self) -> BodyError {
        BodyError::Coding(self.name())
    }
}

/// What a decoder waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Waiting {
    /// The first byte. There may be none: a response may announce a coding and have no body at all.
    First,
    /// To be asked for output, or for more input.
    More,
    /// Nothing: all input has come.
    End,
    /// All is decoded.
    Done,
}

struct Decoding {
    body: ByteStream,
    coding: Coding,
    steps: CodingSteps<Decoder>,
    waiting: Waiting,
}

impl Decoding {
    /// The next piece of output.
    async fn next(&mut self) -> Result<Option<Bytes>, BodyError> {
        while self.waiting != Waiting::Done {
            // A coding within a coding can expand to much input that gives no output.
            tokio::task::coop::consume_budget().await;
            // Before anything has come there is nothing to ask it.
            let pulled = match self.waiting {
                Waiting::First => Pulled::Hungry,
                _ => self.steps.step(pull).await?.map_err(|_| self.coding.invalid())?,
            };
            match pulled {
                Pulled::Piece(piece) => return Ok(Some(self.steps.output(piece)?)),
                Pulled::End => self.waiting = Waiting::Done,
                Pulled::Hungry if self.waiting == Waiting::End => return Err(self.coding.invalid()),
                Pulled::Hungry => self.feed().await?,
            }
        }
        Ok(None)
    }

    /// Gives the decoder what comes next.
    async fn feed(&mut self) -> Result<(), BodyError> {
        match self.body.next().await {
            Some(chunk) => {
                let chunk = chunk?;
                if !chunk.is_empty() {
                    self.waiting = Waiting::More;
                }
                self.steps.has_done(chunk.len());
                self.steps.coder().ok_or(BodyError::Gone)?.push(chunk);
            }
            None if self.waiting == Waiting::First => self.waiting = Waiting::Done,
            None => {
                self.waiting = Waiting::End;
                self.steps.coder().ok_or(BodyError::Gone)?.finish();
            }
        }
        Ok(())
    }
}

/// What [`Decoded`] says, with the output itself.
enum Pulled {
    Piece(Vec<u8>),
    Hungry,
    End,
}

fn pull(decoder: &mut Decoder) -> std::io::Result<Pulled> {
    let mut piece = vec![0; PIECE];
    Ok(match decoder.pull(&mut piece)? {
        Decoded::Piece(count) => {
            piece.truncate(count);
            piece.shrink_to_fit();
            Pulled::Piece(piece)
        }
        Decoded::Hungry => Pulled::Hungry,
        Decoded::End => Pulled::End,
    })
}

struct Encoding {
    body: ByteStream,
    coding: Coding,
    steps: CodingSteps<Option<Encoder>>,
    /// What is left of the last chunk.
    chunk: Bytes,
    ended: bool,
}

impl Encoding {
    /// The next piece of output.
    async fn next(&mut self) -> Result<Option<Bytes>, BodyError> {
        while !self.ended {
            tokio::task::coop::consume_budget().await;
            if self.chunk.is_empty() {
                match self.body.next().await {
                    Some(chunk) => self.chunk = chunk?,
                    None => self.ended = true,
                }
            }
            let piece = self.chunk.split_to(self.chunk.len().min(PIECE));
            let (last, ended) = (self.chunk.is_empty(), self.ended);
            self.steps.has_done(piece.len());
            let coded = self
                .steps
                .step(move |encoder| write(encoder, &piece, last, ended))
                .await?;
            let output = coded.map_err(|_| self.coding.invalid())?;
            if !output.is_empty() {
                return Ok(Some(self.steps.output(output)?));
            }
        }
        Ok(None)
    }
}

fn write(encoder: &mut Option<Encoder>, piece: &[u8], flush: bool, ended: bool) -> std::io::Result<Vec<u8>> {
    if ended {
        return encoder.take().map_or(Ok(Vec::new()), Encoder::finish);
    }
    encoder
        .as_mut()
        .map_or(Ok(Vec::new()), |encoder| encoder.write(piece, flush))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

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
            let encoded = collect(coding.encode(whole(vec![Bytes::from(text.clone())]), None)).unwrap();
            assert!(encoded.len() < text.len() / 10);
            let bytes = encoded.iter().map(|byte| Bytes::copy_from_slice(&[*byte])).collect();
            assert_eq!(
                collect(coding.decode(whole(bytes), None)).unwrap(),
                text.as_bytes(),
                "{coding:?}"
            );
        }
    }

    #[test]
    fn a_cut_or_broken_body_is_an_error() {
        for coding in [Coding::Gzip, Coding::Deflate, Coding::Brotli] {
            let encoded = collect(coding.encode(whole(vec![Bytes::from("text ".repeat(400))]), None)).unwrap();
            let cut = Bytes::copy_from_slice(&encoded[..encoded.len() / 2]);
            assert!(
                collect(coding.decode(whole(vec![cut]), None)).is_err(),
                "{coding:?} cut"
            );
            let wrong = Bytes::from_static(b"this is not compressed at all, not at all");
            assert!(
                collect(coding.decode(whole(vec![wrong]), None)).is_err(),
                "{coding:?} wrong"
            );
        }
    }

    #[test]
    fn what_expands_comes_in_bounded_pieces() {
        for coding in [Coding::Gzip, Coding::Deflate, Coding::Brotli] {
            let zeros = vec![Bytes::from(vec![0; 1 << 20]); 64];
            let encoded = Bytes::from(collect(coding.encode(whole(zeros), None)).unwrap());
            let mut body = coding.decode(whole(vec![encoded]), None);
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
        let singly = collect(coding.decode(whole(single), None)).ok();
        let once = collect(coding.decode(whole(vec![Bytes::copy_from_slice(bytes)]), None)).ok();
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
        assert!(collect(Coding::Gzip.decode(whole(vec![]), None)).unwrap().is_empty());
    }
}
