//! URLs by the standard (<https://url.spec.whatwg.org/>), as scripts see them. What is sent is read again by the parser of
//! [`crate::fetch`], and is refused where that one reads it otherwise.

use ada_url::Url;
use deno_core::{OpState, op2};

/// Says that there is no port: more than any.
const NO_PORT: u32 = 65_536;
/// Says that there is no query or fragment, which never stand at the beginning.
const NONE: u32 = 0;

/// How many places of a URL's parts there are.
const PARTS: usize = 8;

/// What a call came to, as `00_url.js` knows it.
#[repr(u32)]
enum Status {
    /// The URL is the input itself.
    Same = 0,
    /// [`op_whatwg_url_serialization`] has the URL.
    Other = 1,
    /// It is none.
    Invalid = 2,
}

struct Serialization(String);

/// Writes where the URL's parts are, and keeps the URL where it is not what was given.
fn give(state: &mut OpState, url: &Url, given: &str, places: &mut [u32]) -> u32 {
    let Some(places) = places.first_chunk_mut::<PARTS>() else {
        return Status::Invalid as u32;
    };
    let (href, parts) = (url.href(), url.components());
    // It may stand at the sign behind a user's name.
    let host = usize::try_from(parts.host_start)
        .ok()
        .and_then(|at| href.as_bytes().get(at));
    let host_start = parts.host_start + u32::from(host == Some(&b'@'));
    *places = [
        parts.protocol_end.saturating_sub(1),
        parts.username_end,
        host_start,
        parts.host_end,
        parts.port.unwrap_or(NO_PORT),
        parts.pathname_start.unwrap_or(parts.host_end),
        parts.search_start.unwrap_or(NONE),
        parts.hash_start.unwrap_or(NONE),
    ];
    if href == given {
        return Status::Same as u32;
    }
    state.put(Serialization(href.to_owned()));
    Status::Other as u32
}

/// The URL that the last call made.
#[op2]
#[string]
pub(crate) fn op_whatwg_url_serialization(state: &mut OpState) -> String {
    state.try_take::<Serialization>().map(|url| url.0).unwrap_or_default()
}

/// Parses an absolute URL.
#[op2(fast)]
#[smi]
pub(crate) fn op_whatwg_url_parse(state: &mut OpState, #[string] href: &str, #[buffer] places: &mut [u32]) -> u32 {
    match Url::parse(href, None) {
        Ok(url) => give(state, &url, href, places),
        Err(_) => Status::Invalid as u32,
    }
}

/// Parses a URL against a base.
#[op2(fast)]
#[smi]
pub(crate) fn op_whatwg_url_parse_with_base(
    state: &mut OpState,
    #[string] href: &str,
    #[string] base: &str,
    #[buffer] places: &mut [u32],
) -> u32 {
    match Url::parse(href, Some(base)) {
        Ok(url) => give(state, &url, href, places),
        Err(_) => Status::Invalid as u32,
    }
}

/// Sets a part of a URL; `setter` counts them by the alphabet.
#[op2(fast)]
#[smi]
pub(crate) fn op_whatwg_url_reparse(
    state: &mut OpState,
    #[string] href: &str,
    #[smi] setter: u32,
    #[string] value: &str,
    #[buffer] places: &mut [u32],
) -> u32 {
    let Ok(mut url) = Url::parse(href, None) else {
        return Status::Invalid as u32;
    };
    let set = match setter {
        0 => {
            url.set_hash(Some(value));
            Ok(())
        }
        1 => url.set_host(Some(value)),
        2 => url.set_hostname(Some(value)),
        3 => url.set_password(Some(value)),
        4 => url.set_pathname(Some(value)),
        5 => url.set_port(Some(value)),
        6 => url.set_protocol(value),
        7 => {
            url.set_search(Some(value));
            Ok(())
        }
        8 => url.set_username(Some(value)),
        _ => Err(()),
    };
    match set {
        Ok(()) => give(state, &url, href, places),
        Err(()) => Status::Invalid as u32,
    }
}
