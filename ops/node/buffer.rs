//! Buffers as text and text as buffers: <https://nodejs.org/docs/latest-v22.x/api/buffer.html>.

use std::borrow::Cow;

use deno_core::convert::Uint8Array;
use deno_core::{op2, v8};
use deno_error::JsErrorBox;
use encoding_rs::mem;
use subtle::ConstantTimeEq as _;

/// A buffer that scripts share is not given away: `structuredClone()` with it in its list fails.
#[op2(fast)]
pub(crate) fn op_node_keep_buffer(scope: &mut v8::PinScope<'_, '_>, buffer: v8::Local<'_, v8::ArrayBuffer>) {
    if let Some(key) = v8::String::new(scope, "untransferable") {
        buffer.set_detach_key(key.into());
    }
}

/// Less than, equal or greater: -1, 0 or 1.
#[op2(fast)]
#[smi]
pub(crate) fn op_node_compare(#[buffer] one: &[u8], #[buffer] other: &[u8]) -> i32 {
    one.cmp(other) as i32
}

/// Where `wanted` is first found between `from` and `to`, or -1. Where it is last found before `to`, if `from` is the greatest number.
#[op2(fast)]
pub(crate) fn op_node_find(#[buffer] bytes: &[u8], #[buffer] wanted: &[u8], from: u32, to: u32) -> f64 {
    if from == u32::MAX {
        let found = memchr::memmem::rfind(bytes.get(..to as usize).unwrap_or_default(), wanted);
        return found
            .and_then(|place| u32::try_from(place).ok())
            .map_or(-1.0, f64::from);
    }
    let part = bytes.get(from as usize..to as usize).unwrap_or_default();
    let found = memchr::memmem::find(part, wanted).and_then(|place| u32::try_from(place).ok());
    found.map_or(-1.0, |place| f64::from(place) + f64::from(from))
}

#[op2(fast)]
pub(crate) fn op_node_is_ascii(#[buffer] bytes: &[u8]) -> bool {
    bytes.is_ascii()
}

#[op2(fast)]
pub(crate) fn op_node_is_utf8(#[buffer] bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok()
}

/// The bytes in another encoding. What that does not have is a question mark.
#[op2]
pub(crate) fn op_node_transcode(
    #[buffer] bytes: &[u8],
    #[string] from: &str,
    #[string] to: &str,
) -> Result<Uint8Array, JsErrorBox> {
    let text = match from {
        "utf8" => String::from_utf8_lossy(bytes).into_owned(),
        "utf16le" => String::from_utf16_lossy(&units(bytes)),
        "latin1" | "ascii" => bytes.iter().map(|byte| char::from(*byte)).collect(),
        _ => return Err(unable(from, to)),
    };
    let narrow = |most: u32| {
        let byte = |unit: char| {
            let code = u32::from(unit);
            if code <= most {
                u8::try_from(code).unwrap_or(b'?')
            } else {
                b'?'
            }
        };
        text.chars().map(byte).collect::<Vec<u8>>()
    };
    let bytes = match to {
        "utf8" => text.into_bytes(),
        "utf16le" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "latin1" => narrow(0xff),
        "ascii" => narrow(0x7f),
        _ => return Err(unable(from, to)),
    };
    Ok(bytes.into())
}

fn unable(from: &str, to: &str) -> JsErrorBox {
    JsErrorBox::generic(format!("Unable to transcode Buffer {from}->{to}"))
}

/// A last odd byte is left out.
fn units(bytes: &[u8]) -> Vec<u16> {
    let pairs = bytes.chunks_exact(2);
    pairs.map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect()
}

/// Turns the order of the bytes around in each unit of a width: 2, 4 or 8.
#[op2(fast)]
pub(crate) fn op_node_swap(#[buffer] bytes: &mut [u8], width: u32) {
    match width {
        2 => {
            for unit in bytes.as_chunks_mut().0 {
                *unit = u16::from_ne_bytes(*unit).swap_bytes().to_ne_bytes();
            }
        }
        4 => {
            for unit in bytes.as_chunks_mut().0 {
                *unit = u32::from_ne_bytes(*unit).swap_bytes().to_ne_bytes();
            }
        }
        8 => {
            for unit in bytes.as_chunks_mut().0 {
                *unit = u64::from_ne_bytes(*unit).swap_bytes().to_ne_bytes();
            }
        }
        _ => {}
    }
}

/// What there is from a place on, at most so many bytes of it.
fn room(bytes: &mut [u8], offset: u32, length: u32) -> &mut [u8] {
    let rest = bytes.get_mut(offset as usize..).unwrap_or_default();
    let length = rest.len().min(length as usize);
    &mut rest[..length]
}

/// The low byte of each of the text's units, as many as there is room for. Answers how many that are.
#[op2(fast)]
#[smi]
pub(crate) fn op_node_write_latin1(
    scope: &mut v8::PinScope<'_, '_>,
    text: v8::Local<'_, v8::String>,
    #[buffer] bytes: &mut [u8],
    offset: u32,
    length: u32,
) -> u32 {
    let room = room(bytes, offset, length);
    let length = text.length().min(room.len());
    text.write_one_byte_v2(scope, 0, &mut room[..length], v8::WriteFlags::empty());
    u32::try_from(length).unwrap_or(0)
}

/// Writes text as UTF-8 from a place on, as many whole characters as there is room for. Answers how many bytes that are.
#[op2(fast)]
#[smi]
pub(crate) fn op_node_write_utf8(
    scope: &mut v8::PinScope<'_, '_>,
    text: v8::Local<'_, v8::String>,
    #[buffer] bytes: &mut [u8],
    offset: u32,
    length: u32,
) -> u32 {
    let room = room(bytes, offset, length);
    let view = v8::ValueView::new(scope, text);
    let (_, written) = match view.data() {
        v8::ValueViewData::OneByte(units) => mem::convert_latin1_to_utf8_partial(units, room),
        v8::ValueViewData::TwoByte(units) => mem::convert_utf16_to_utf8_partial(units, room),
    };
    u32::try_from(written).unwrap_or(0)
}

/// Writes text as UTF-16 from a place on, as many whole units as there is room for. Answers how many bytes that are.
#[op2(fast)]
#[smi]
pub(crate) fn op_node_write_utf16(
    scope: &mut v8::PinScope<'_, '_>,
    text: v8::Local<'_, v8::String>,
    #[buffer] bytes: &mut [u8],
    offset: u32,
    length: u32,
) -> u32 {
    let room = room(bytes, offset, length);
    let pairs = room.chunks_exact_mut(2);
    let view = v8::ValueView::new(scope, text);
    let mut written = 0;
    match view.data() {
        v8::ValueViewData::OneByte(units) => {
            for (pair, unit) in pairs.zip(units) {
                pair.copy_from_slice(&[*unit, 0]);
                written += 2;
            }
        }
        v8::ValueViewData::TwoByte(units) => {
            for (pair, unit) in pairs.zip(units) {
                pair.copy_from_slice(&unit.to_le_bytes());
                written += 2;
            }
        }
    }
    written
}

/// What text is in UTF-8 (0) or Latin-1 (1). Most of what is looked for or filled with is short and ASCII.
fn encoded<'a>(view: &'a v8::ValueView<'_>, encoding: u32) -> Cow<'a, [u8]> {
    match (view.data(), encoding) {
        (v8::ValueViewData::OneByte(units), 1) => units.into(),
        (v8::ValueViewData::OneByte(units), _) if units.is_ascii() => units.into(),
        (v8::ValueViewData::OneByte(units), _) => mem::decode_latin1(units).into_owned().into_bytes().into(),
        (v8::ValueViewData::TwoByte(units), 1) => units.iter().map(|unit| unit.to_le_bytes()[0]).collect(),
        (v8::ValueViewData::TwoByte(units), _) => String::from_utf16_lossy(units).into_bytes().into(),
    }
}

/// Where text in UTF-8 (0) or Latin-1 (1) is first found between `from` and `to`, or -1.
#[op2(fast)]
pub(crate) fn op_node_find_text(
    scope: &mut v8::PinScope<'_, '_>,
    #[buffer] bytes: &[u8],
    text: v8::Local<'_, v8::String>,
    from: u32,
    to: u32,
    #[smi] encoding: u32,
) -> f64 {
    let view = v8::ValueView::new(scope, text);
    let wanted = encoded(&view, encoding);
    let part = bytes.get(from as usize..to as usize).unwrap_or_default();
    let found = memchr::memmem::find(part, &wanted).and_then(|place| u32::try_from(place).ok());
    found.map_or(-1.0, |place| f64::from(place) + f64::from(from))
}

/// Fills what is between two places with text in UTF-8 (0) or Latin-1 (1), again and again. False where there is none.
#[op2(fast)]
pub(crate) fn op_node_fill_text(
    scope: &mut v8::PinScope<'_, '_>,
    #[buffer] bytes: &mut [u8],
    text: v8::Local<'_, v8::String>,
    start: u32,
    end: u32,
    #[smi] encoding: u32,
) -> bool {
    let view = v8::ValueView::new(scope, text);
    repeat(bytes, &encoded(&view, encoding), start, end)
}

fn repeat(bytes: &mut [u8], with: &[u8], start: u32, end: u32) -> bool {
    let room = bytes.get_mut(start as usize..end as usize).unwrap_or_default();
    if with.is_empty() {
        return false;
    }
    let first = with.len().min(room.len());
    room[..first].copy_from_slice(&with[..first]);
    // What is filled is copied behind itself: twice as much each time.
    let mut filled = first;
    while filled > 0 && filled < room.len() {
        let next = filled.min(room.len() - filled);
        room.copy_within(..next, filled);
        filled += next;
    }
    true
}

/// Where a byte is first found between `from` and `to`, or -1.
#[op2(fast)]
pub(crate) fn op_node_find_byte(#[buffer] bytes: &[u8], #[smi] wanted: u32, from: u32, to: u32) -> f64 {
    let part = bytes.get(from as usize..to as usize).unwrap_or_default();
    let found = memchr::memchr(wanted.to_le_bytes()[0], part).and_then(|place| u32::try_from(place).ok());
    found.map_or(-1.0, |place| f64::from(place) + f64::from(from))
}

/// Whether two buffers of one length are the same, in a time that says nothing of what is in them.
#[op2(fast)]
pub(crate) fn op_node_same(#[buffer] one: &[u8], #[buffer] other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

/// Bytes between two places as text: UTF-8 (0), Latin-1 (1), ASCII (2) or UTF-16 (3). Nothing where V8 has no string as long.
#[op2]
pub(crate) fn op_node_text<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    #[buffer] bytes: &[u8],
    #[smi] start: u32,
    #[smi] end: u32,
    #[smi] encoding: u32,
) -> v8::Local<'s, v8::Value> {
    let bytes = bytes.get(start as usize..end as usize).unwrap_or_default();
    let kind = v8::NewStringType::Normal;
    let made = match encoding {
        0 if bytes.is_ascii() => v8::String::new_from_one_byte(scope, bytes, kind),
        0 => v8::String::new_from_utf8(scope, String::from_utf8_lossy(bytes).as_bytes(), kind),
        1 => v8::String::new_from_one_byte(scope, bytes, kind),
        2 if bytes.is_ascii() => v8::String::new_from_one_byte(scope, bytes, kind),
        2 => {
            let seven: Vec<u8> = bytes.iter().map(|byte| byte & 0x7f).collect();
            v8::String::new_from_one_byte(scope, &seven, kind)
        }
        _ => v8::String::new_from_two_byte(scope, &units(bytes), kind),
    };
    match made {
        Some(text) => text.into(),
        None => v8::undefined(scope).into(),
    }
}
