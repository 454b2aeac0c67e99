//! Modules that a test has put others in the place of: `mock.module()` of `js/testing/mock_module.js`.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use deno_core::url::Url;
use serde_json::Value;

use super::commonjs::{node_url, with_query};

/// What is exported in a module's place.
#[derive(Debug, Clone)]
pub(crate) struct Exports {
    /// The names, apart from the default one.
    pub(crate) names: Vec<String>,
    /// Whether there is a default export.
    pub(crate) has_default: bool,
    /// Whether all imports have one module, or each has its own.
    pub(crate) cache: bool,
}

/// The mocks of one test file's isolate, which all copies of its graph share.
#[derive(Debug, Clone, Default)]
pub(super) struct Mocked(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    mocks: HashMap<String, Mock>,
    /// The modules that were made, by their URLs.
    sources: HashMap<String, String>,
    last: u64,
}

#[derive(Debug, Clone)]
struct Mock {
    id: u64,
    exports: Arc<Exports>,
}

impl Mock {
    fn source(&self) -> String {
        let id = self.id;
        let mut code = format!("const mocked = globalThis[Symbol.for(\"workerd-lite.mocked\")].get({id});");
        for (index, name) in self.exports.names.iter().enumerate() {
            let name = Value::from(name.as_str());
            let _ = write!(
                code,
                "const value{index} = mocked.namedExports[{name}]; export {{ value{index} as {name} }};"
            );
        }
        if self.exports.has_default {
            code.push_str("export default mocked.defaultExport;");
        }
        code
    }
}

impl Mocked {
    /// Puts exports in the place of a module, for imports from now on. Gives the number that they are kept by.
    pub(super) fn mock(&self, url: &Url, exports: Exports) -> u64 {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.last += 1;
        let mock = Mock {
            id: state.last,
            exports: Arc::new(exports),
        };
        state.mocks.insert(node_url(url).into(), mock.clone());
        state.mocks.insert(url.to_string(), mock);
        state.last
    }

    /// Ends that. Imports have the module itself again.
    pub(super) fn unmock(&self, url: &Url) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for url in [url, &node_url(url)] {
            state.mocks.remove(url.as_str());
        }
    }

    /// What an import of this module has: the module, or what is in its place.
    pub(super) fn instead(&self, url: Url) -> Url {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(mock) = state.mocks.get(url.as_str()).cloned() else {
            return url;
        };
        let mut word = format!("mock={}", mock.id);
        if !mock.exports.cache {
            state.last += 1;
            let _ = write!(word, ".{}", state.last);
        }
        let url = with_query(&url, &word);
        state.sources.insert(url.to_string(), mock.source());
        url
    }

    /// The number of what `require()` has in a module's place.
    pub(super) fn number(&self, url: &Url) -> Option<u64> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.mocks.get(url.as_str()).map(|mock| mock.id)
    }

    /// The source of what is in a module's place.
    pub(super) fn source(&self, url: &Url) -> Option<String> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        state.sources.get(url.as_str()).cloned()
    }
}
