//! Ciphers of `createCipheriv`: what a script has begun takes pieces, in any of the modes of [`super::modes`].

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use deno_core::convert::Uint8Array;
use deno_core::{OpState, Resource, ResourceId, op2};
use deno_error::JsErrorBox;

use super::ccm::Ccm;
use super::guard::{coded, guarded};
use super::modes::{Aead, Transform, aead, transform};
use crate::events::Events;
use crate::external_memory::{ExternalMemory, Reservation};
use crate::origin::EventId;

/// What a cipher takes, about, in bytes.
const HANDLE: usize = 2048;

enum Kind {
    /// Pieces in, pieces out: a keystream, or one byte after the other.
    Stream(Box<dyn Transform>),
    /// Whole blocks, and what is left of the last piece.
    Blocks {
        cipher: Box<dyn Transform>,
        size: usize,
        rest: Vec<u8>,
    },
    Aead(Box<dyn Aead>),
    Ccm(Ccm),
}

struct State {
    kind: Kind,
    encrypts: bool,
    /// What is authenticated and not encrypted.
    aad: Vec<u8>,
    begun: bool,
    /// What is to be proved.
    tag: Option<Vec<u8>>,
    tag_length: usize,
    counted: Reservation,
}

struct CipherResource(RefCell<State>);

impl Resource for CipherResource {
    fn name(&self) -> Cow<'_, str> {
        "cipher".into()
    }
}

fn unsupported() -> JsErrorBox {
    JsErrorBox::generic("Unsupported state or unable to authenticate data")
}

fn wrong_length() -> JsErrorBox {
    coded(
        "ERR_OSSL_WRONG_FINAL_BLOCK_LENGTH",
        "error:1C80006B:Provider routines::wrong final block length",
    )
}

fn bad_decrypt() -> JsErrorBox {
    coded("ERR_OSSL_BAD_DECRYPT", "error:1C800064:Provider routines::bad decrypt")
}

fn get(state: &OpState, rid: ResourceId) -> Result<Rc<CipherResource>, JsErrorBox> {
    state
        .resource_table
        .get::<CipherResource>(rid)
        .map_err(|_| unsupported())
}

/// A cipher by the name that `js/node/cipher.js` has for it, with a key, an IV and a tag of lengths that were looked at there.
#[op2(fast)]
#[smi]
pub(crate) fn op_node_cipher_new(
    state: &mut OpState,
    #[smi] event: EventId,
    #[string] name: &str,
    #[buffer] key: &[u8],
    #[buffer] iv: &[u8],
    #[smi] tag_length: u32,
    encrypts: bool,
) -> Result<ResourceId, JsErrorBox> {
    let counted = state
        .borrow::<ExternalMemory>()
        .reserve(HANDLE)
        .map_err(JsErrorBox::from_err)?;
    let kind = guarded(|| {
        if name.ends_with("-ccm") {
            return Ok(Ccm::new(key, iv, tag_length as usize).map(Kind::Ccm));
        }
        if name.ends_with("-gcm") || name == "chacha20-poly1305" {
            return Ok(aead(name, key, iv, tag_length as usize, encrypts).map(Kind::Aead));
        }
        Ok(transform(name, key, iv, encrypts).map(|(cipher, size)| match size {
            1 => Kind::Stream(cipher),
            size => Kind::Blocks {
                cipher,
                size,
                rest: Vec::new(),
            },
        }))
    })?;
    let kind = kind.ok_or_else(|| coded("ERR_CRYPTO_UNKNOWN_CIPHER", "Unknown cipher"))?;
    let rid = state.resource_table.add(CipherResource(RefCell::new(State {
        kind,
        encrypts,
        aad: Vec::new(),
        begun: false,
        tag: None,
        tag_length: tag_length as usize,
        counted,
    })));
    if let Some(scope) = state.borrow::<Events>().scope(event) {
        scope.own(rid);
    }
    Ok(rid)
}

/// More that is authenticated and not encrypted. False where it is too late.
#[op2(fast)]
pub(crate) fn op_node_cipher_aad(
    state: &mut OpState,
    #[smi] rid: ResourceId,
    #[buffer] aad: &[u8],
) -> Result<bool, JsErrorBox> {
    let resource = get(state, rid)?;
    let mut state = resource.0.borrow_mut();
    if state.begun || !matches!(state.kind, Kind::Aead(_) | Kind::Ccm(_)) {
        return Ok(false);
    }
    state.counted.grow(aad.len()).map_err(JsErrorBox::from_err)?;
    state.aad.extend_from_slice(aad);
    Ok(true)
}

/// The tag that is to be proved.
#[op2(fast)]
pub(crate) fn op_node_cipher_expect(
    state: &mut OpState,
    #[smi] rid: ResourceId,
    #[buffer] tag: &[u8],
) -> Result<(), JsErrorBox> {
    let resource = get(state, rid)?;
    resource.0.borrow_mut().tag = Some(tag.get(..16).unwrap_or(tag).to_vec());
    Ok(())
}

impl State {
    fn begin(&mut self) {
        if !std::mem::replace(&mut self.begun, true) {
            if let Kind::Aead(cipher) = &mut self.kind {
                cipher.authenticate(&self.aad);
            }
        }
    }

    fn update(&mut self, input: &[u8], pads: bool) -> Result<Vec<u8>, JsErrorBox> {
        self.begin();
        let encrypts = self.encrypts;
        match &mut self.kind {
            Kind::Stream(cipher) => {
                let mut output = input.to_vec();
                cipher.apply(&mut output);
                Ok(output)
            }
            Kind::Aead(cipher) => {
                let mut output = input.to_vec();
                cipher.apply(&mut output)?;
                Ok(output)
            }
            Kind::Ccm(cipher) => {
                let tag = self.tag.as_deref();
                cipher.apply(
                    input,
                    &self.aad,
                    if encrypts {
                        None
                    } else {
                        Some(tag.ok_or_else(unsupported)?)
                    },
                )
            }
            Kind::Blocks { cipher, size, rest } => {
                rest.extend_from_slice(input);
                let mut whole = rest.len() / *size * *size;
                // The last block may be padding.
                if !encrypts && pads && whole == rest.len() {
                    whole = whole.saturating_sub(*size);
                }
                let left = rest.split_off(whole);
                let mut output = std::mem::replace(rest, left);
                cipher.apply(&mut output);
                Ok(output)
            }
        }
    }

    fn end(mut self, pads: bool) -> Result<Vec<u8>, JsErrorBox> {
        self.begin();
        match self.kind {
            Kind::Stream(_) => Ok(Vec::new()),
            Kind::Aead(cipher) if self.encrypts => Ok(cipher.tag(self.tag_length)?),
            Kind::Aead(cipher) => {
                let expected = self.tag.ok_or_else(unsupported)?;
                if cipher.proves(&expected) {
                    Ok(Vec::new())
                } else {
                    Err(unsupported())
                }
            }
            Kind::Ccm(mut cipher) => {
                if cipher.is_new() {
                    let tag = if self.encrypts {
                        None
                    } else {
                        Some(self.tag.ok_or_else(unsupported)?)
                    };
                    cipher.apply(&[], &self.aad, tag.as_deref())?;
                }
                Ok(if self.encrypts { cipher.tag() } else { Vec::new() })
            }
            Kind::Blocks {
                mut cipher,
                size,
                mut rest,
            } => {
                if !pads {
                    return if rest.is_empty() { Ok(rest) } else { Err(wrong_length()) };
                }
                if self.encrypts {
                    let filled = size - rest.len() % size;
                    rest.resize(rest.len() + filled, u8::try_from(filled).unwrap_or(0));
                    cipher.apply(&mut rest);
                    return Ok(rest);
                }
                if rest.len() != size {
                    return Err(wrong_length());
                }
                cipher.apply(&mut rest);
                let filled = rest.last().copied().unwrap_or(0);
                let length = usize::from(filled);
                let padding = size
                    .checked_sub(length)
                    .filter(|_| length > 0)
                    .and_then(|from| rest.get(from..));
                if !padding.is_some_and(|padding| padding.iter().all(|byte| *byte == filled)) {
                    return Err(bad_decrypt());
                }
                rest.truncate(size - length);
                Ok(rest)
            }
        }
    }
}

/// A piece, and what comes of it.
#[op2]
pub(crate) fn op_node_cipher_update(
    state: &mut OpState,
    #[smi] rid: ResourceId,
    #[buffer] input: &[u8],
    pads: bool,
) -> Result<Uint8Array, JsErrorBox> {
    let resource = get(state, rid)?;
    // The output is V8's after this, and counts there.
    let _copy = state
        .borrow::<ExternalMemory>()
        .reserve(input.len())
        .map_err(JsErrorBox::from_err)?;
    let output = guarded(|| resource.0.borrow_mut().update(input, pads))?;
    Ok(output.into())
}

/// The end: what was left, or, of a mode that authenticates and encrypts, the tag.
#[op2]
pub(crate) fn op_node_cipher_final(
    state: &mut OpState,
    #[smi] rid: ResourceId,
    pads: bool,
) -> Result<Uint8Array, JsErrorBox> {
    let resource = state
        .resource_table
        .take::<CipherResource>(rid)
        .map_err(|_| unsupported())?;
    let resource = Rc::try_unwrap(resource).map_err(|_| unsupported())?;
    let output = guarded(|| resource.0.into_inner().end(pads))?;
    Ok(output.into())
}
