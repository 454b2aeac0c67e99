//! WebAssembly that a worker's own scripts make modules of: that of its files, which they read, and what stands in them as a base64 literal, as
//! bundlers and npm packages (undici's parser of HTTP) write it. It is code of the worker's files, as an imported `.wasm` file is.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};
use sha2::{Digest as _, Sha256};
use workerd_lite_ops::webassembly::OwnModules;

use super::module::{Content, Module};

/// How base64 of `\0asm` begins.
const START: &str = "AGFzbQ";

/// How many of them a worker may have.
const MOST: usize = 64;

/// Bytes of base64 of one of them.
const LONGEST: usize = 32 << 20;

/// All of a worker's.
pub(super) fn find(modules: &BTreeMap<String, Module>) -> OwnModules {
    let scripts = modules.values().filter_map(|module| match &module.content {
        Content::Script(text) => Some(text.as_str()),
        _ => None,
    });
    let files = modules.values().filter_map(|module| match &module.content {
        Content::Wasm(bytes) => Some((bytes.len(), Sha256::digest(bytes).into())),
        _ => None,
    });
    OwnModules::new(
        scripts
            .flat_map(literals)
            .take(MOST)
            .map(|bytes| (bytes.len(), Sha256::digest(&bytes).into()))
            .chain(files),
    )
}

/// What a script's literals hold: whole ones, between two quotes of one kind.
fn literals(text: &str) -> impl Iterator<Item = Vec<u8>> {
    text.match_indices(START).filter_map(|(start, _)| {
        let quote = *text.as_bytes().get(start.checked_sub(1)?)?;
        if !matches!(quote, b'"' | b'\'' | b'`') {
            return None;
        }
        let rest = text.as_bytes().get(start..)?;
        let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
        let length = rest.iter().take(LONGEST).position(|byte| !is_base64(byte))?;
        if rest.get(length) != Some(&quote) {
            return None;
        }
        let literal = rest.get(..length)?;
        let bytes = BASE64_STANDARD
            .decode(literal)
            .or_else(|_| BASE64_STANDARD_NO_PAD.decode(literal))
            .ok()?;
        bytes.starts_with(b"\0asm").then_some(bytes)
    })
}

#[cfg(test)]
mod tests {
    use super::literals;

    #[test]
    fn whole_literals_are_found_and_nothing_else() {
        let found = |text: &str| literals(text).collect::<Vec<_>>();
        let module = b"\0asm\x01\0\0\0".to_vec();
        assert_eq!(found("const a = 'AGFzbQEAAAA='"), std::slice::from_ref(&module));
        assert_eq!(found("f(\"AGFzbQEAAAA\", `AGFzbQEAAAA=`)"), [module.clone(), module]);
        for text in [
            "AGFzbQEAAAA=",
            "'AGFzbQEAAAA=\"",
            "'AGFzbQEAAAA=",
            "'x,AGFzbQEAAAA='",
            "'AGFzbQEA' + 'AAA='x",
            "'AGFzbQEAAAA=!'",
            "'AGFzbQEAAAA==='",
        ] {
            let all = found(text);
            assert!(all.iter().all(|bytes| bytes.len() != 8), "{text}: {all:?}");
        }
    }
}
