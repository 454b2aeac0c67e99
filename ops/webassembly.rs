//! What a WebAssembly module makes when it is instantiated.

use std::collections::HashSet;
use std::sync::Arc;

use deno_core::{OpState, op2, v8};
use deno_error::JsErrorBox;
use sha2::{Digest as _, Sha256};
use wasmparser::{BinaryReaderError, Parser, Payload};

/// The memories that an instance of a module has of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memories {
    /// How many there are.
    pub count: u32,
    /// Whether it defines or wants one that threads share.
    pub shared: bool,
    /// The bytes of its longest function.
    pub longest: usize,
}

/// How many bytes a function may have: V8 optimises one as a whole, on threads of its own, and takes some hundred times its length for it.
pub const LONGEST: usize = 512 << 10;

/// Why a module is refused that has a longer one.
pub const TOO_LONG: &str = "WebAssembly: a function has more than 512 KiB, and workers run none so long";

/// Reads a module's memories. Fails where the bytes are no WebAssembly.
pub fn memories(module: &[u8]) -> Result<Memories, BinaryReaderError> {
    let mut found = Memories {
        count: 0,
        shared: false,
        longest: 0,
    };
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::MemorySection(section) => {
                found.count = section.count();
                for memory in section {
                    found.shared |= memory?.shared;
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    if let wasmparser::TypeRef::Memory(memory) = import?.ty {
                        found.shared |= memory.shared;
                    }
                }
            }
            Payload::CodeSectionEntry(body) => found.longest = found.longest.max(body.as_bytes().len()),
            _ => {}
        }
    }
    Ok(found)
}

/// How many memories a `WebAssembly.Module` has, or -1 for what is none.
#[op2(fast)]
pub(crate) fn op_wasm_memories(module: v8::Local<v8::Value>) -> Result<i32, JsErrorBox> {
    let Ok(module) = v8::Local::<v8::WasmModuleObject>::try_from(module) else {
        return Ok(-1);
    };
    let compiled = module.get_compiled_module();
    let found = memories(compiled.get_wire_bytes_ref()).map_err(|error| JsErrorBox::type_error(error.to_string()))?;
    if found.shared {
        return Err(JsErrorBox::type_error("WebAssembly: workers share no memory"));
    }
    if found.longest > LONGEST {
        return Err(JsErrorBox::type_error(TOO_LONG));
    }
    Ok(i32::try_from(found.count).unwrap_or(i32::MAX))
}

/// WebAssembly that a worker's own files hold: each module's size in bytes and SHA-256.
#[derive(Debug, Clone, Default)]
pub struct OwnModules(Arc<HashSet<(usize, [u8; 32])>>);

impl OwnModules {
    /// Of sizes and digests.
    pub fn new(modules: impl Iterator<Item = (usize, [u8; 32])>) -> Self {
        Self(Arc::new(modules.collect()))
    }

    /// Their sizes and digests.
    pub fn digests(&self) -> impl Iterator<Item = (usize, [u8; 32])> {
        self.0.iter().copied()
    }

    /// Whether one of them has so many bytes: what has another size is not read.
    fn has_size(&self, size: usize) -> bool {
        self.0.iter().any(|(own, _)| *own == size)
    }

    /// Whether a module is one of them.
    fn hold(&self, module: &[u8]) -> bool {
        let digest: [u8; 32] = Sha256::digest(module).into();
        self.0.contains(&(module.len(), digest))
    }
}

/// A `WebAssembly.Module` of bytes that the worker's own files hold: its code, and none that it made. Undefined for others.
/// What does not compile throws as V8 does.
#[op2]
pub(crate) fn op_wasm_own<'s>(
    scope: &mut v8::PinScope<'s, '_>,
    state: &mut OpState,
    #[buffer] bytes: &[u8],
) -> v8::Local<'s, v8::Value> {
    let own = state.try_borrow::<OwnModules>().cloned().unwrap_or_default();
    // A copy: what is compiled is what was looked at.
    let compiled = if own.has_size(bytes.len()) {
        let bytes = bytes.to_vec();
        own.hold(&bytes)
            .then(|| v8::WasmModuleObject::compile(scope, &bytes))
            .flatten()
    } else {
        None
    };
    match compiled {
        Some(module) => module.into(),
        None => v8::undefined(scope).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The header, and one section of these bytes.
    fn module(id: u8, section: &[u8]) -> Vec<u8> {
        let mut bytes = b"\0asm\x01\0\0\0".to_vec();
        bytes.extend([id, u8::try_from(section.len()).unwrap()]);
        bytes.extend(section);
        bytes
    }

    #[test]
    fn memories_are_counted_and_shared_ones_found() {
        let found = |bytes: &[u8]| memories(bytes).map(|found| (found.count, found.shared)).ok();
        assert_eq!(found(&module(5, &[2, 0, 1, 1, 0, 9])), Some((2, false)));
        assert_eq!(found(&module(5, &[1, 3, 1, 2])), Some((1, true)));
        assert_eq!(found(&module(2, &[1, 1, b'a', 1, b'b', 2, 3, 1, 2])), Some((0, true)));
        assert_eq!(found(b"\0asm\x01\0\0\0"), Some((0, false)));
        assert_eq!(found(b"asm"), None);
    }
}
