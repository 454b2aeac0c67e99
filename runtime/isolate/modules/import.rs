//! What a module imports.

use std::collections::HashMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

/// The one attribute of imports that there is: <https://tc39.es/proposal-import-attributes/>.
pub(super) const TYPE: &str = "type";

/// One import with a literal name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Import {
    pub(super) specifier: String,
    /// The `type` attribute.
    pub(super) kind: Option<String>,
    /// An attribute that is no `type`.
    #[serde(default)]
    pub(super) unknown: Option<String>,
    /// The bytes of the specifier in the source.
    pub(super) span: Range<usize>,
    /// `import()` in an expression, which fails when it runs rather than at the start.
    pub(super) dynamic: bool,
    /// `import source`: of WebAssembly the compiled module.
    pub(super) source: bool,
    /// The exports that it names.
    pub(super) names: Vec<String>,
    /// The members that it takes of all of them: there where the module has them when it runs.
    #[serde(default)]
    pub(super) members: Vec<String>,
    /// Whether what is required is called there and then: `require("./a")(b)`.
    #[serde(default)]
    pub(super) called: bool,
}

/// How a specifier is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Asked {
    Import,
    Require,
}

impl Import {
    /// An import that stands nowhere.
    pub(super) fn named(specifier: String) -> Self {
        Self {
            specifier,
            kind: None,
            unknown: None,
            span: 0..0,
            dynamic: false,
            source: false,
            names: Vec::new(),
            members: Vec::new(),
            called: false,
        }
    }
}

/// Has each of a module's imports of one specifier name what the others name too: which file it means may depend on that.
pub(super) fn share_names(imports: &mut [Import]) {
    let mut all: HashMap<(String, bool), Vec<String>> = HashMap::new();
    for import in imports.iter() {
        let names = all.entry((import.specifier.clone(), import.source)).or_default();
        names.extend(import.names.iter().cloned());
    }
    for import in imports {
        let names = &all[&(import.specifier.clone(), import.source)];
        if names.len() > import.names.len() {
            import.names.clone_from(names);
        }
    }
}
