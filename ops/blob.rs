//! The bytes of blobs, which are in memory: read at once, without a promise.

use std::sync::Arc;

use deno_core::convert::Uint8Array;
use deno_core::{OpState, op2};
use deno_error::JsErrorBox;
use deno_web::BlobStoreTrait;
use futures_util::FutureExt as _;
use uuid::Uuid;

/// At most `most` bytes of a blob's part from this offset.
#[op2]
pub(crate) fn op_blob_bytes(
    state: &mut OpState,
    #[string] id: &str,
    #[number] offset: usize,
    #[number] most: usize,
) -> Result<Uint8Array, JsErrorBox> {
    let gone = || JsErrorBox::type_error("the blob is no longer there");
    let id = Uuid::parse_str(id).map_err(|_| gone())?;
    let part = state
        .borrow::<Arc<dyn BlobStoreTrait>>()
        .get_part(&id)
        .ok_or_else(gone)?;
    // Parts in memory are ready.
    let bytes = part.read().now_or_never().ok_or_else(gone)?;
    let bytes = bytes.get(offset..).unwrap_or_default();
    Ok(bytes[..bytes.len().min(most)].to_vec().into())
}
