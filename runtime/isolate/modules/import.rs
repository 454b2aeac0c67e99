//! What a module imports.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// One import with a literal name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Import {
    pub(super) specifier: String,
    /// The `type` attribute.
    pub(super) kind: Option<String>,
    /// The bytes of the specifier in the source.
    pub(super) span: Range<usize>,
    /// `import()` in an expression, which fails when it runs rather than at the start.
    pub(super) dynamic: bool,
    /// `import source`: of WebAssembly the compiled module.
    pub(super) source: bool,
    /// The exports that it names.
    pub(super) names: Vec<String>,
}
