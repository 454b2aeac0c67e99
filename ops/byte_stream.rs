//! The stream of bytes that bodies and content codings are made of.

use bytes::Bytes;
use futures_util::stream::LocalBoxStream;

use crate::error::BodyError;

/// Chunks of a body, pulled one at a time on the thread that owns them.
pub type ByteStream = LocalBoxStream<'static, Result<Bytes, BodyError>>;
