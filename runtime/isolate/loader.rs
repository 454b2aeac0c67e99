//! Hands modules to V8 from the graph that was loaded at the start. A running script reaches no file and no network
//! by `import`.

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::Arc;

use base64::Engine as _;
use deno_core::url::Url;
use deno_core::{
    ModuleLoadOptions, ModuleLoadReferrer, ModuleLoadResponse, ModuleLoader, ModuleResolveResponse, ModuleSource,
    ModuleSourceCode, ModuleType, RequestedModuleType, ResolutionKind, SourceCodeCacheInfo,
};
use deno_error::JsErrorBox;

use super::counted::{Defaults, is_counted_module};
use super::json_module::json_module;
use super::modules::cache::{self, Key};
use super::modules::commonjs::LOADER;
use super::modules::{Content, Graph, Module, ResolveError, SOURCE, is_builtin, on_deep_stack, resolve};

/// Serves one worker's modules.
pub(super) struct GraphLoader {
    graph: Arc<Graph>,
    purpose: Purpose,
}

/// What modules are loaded for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Purpose {
    /// Whether what was transpiled brings its source map, for debuggers.
    pub(super) maps: bool,
    /// Whether compiled code is kept and used again.
    pub(super) keeps: bool,
    /// Whether they are a test's: what it imports may be mocked, and be imported anew by a query that is new.
    pub(super) tests: bool,
    /// Whether what runs is counted.
    pub(super) counts: bool,
}

impl Purpose {
    /// A script as it is compiled.
    pub(super) fn script<'a>(self, module: &Module, source: &'a str) -> std::io::Result<Cow<'a, str>> {
        Ok(match &module.original {
            _ if self.counts && is_counted_module(module) => {
                on_deep_stack(|| Defaults::of(source, module.commonjs).counted(source))?.into()
            }
            Some(original) if self.maps => with_map(source, &original.map).into(),
            _ => source.into(),
        })
    }
}

impl GraphLoader {
    pub(super) fn new(graph: Arc<Graph>, purpose: Purpose) -> Self {
        Self { graph, purpose }
    }

    /// A module of the graph. A test may import one anew, by a query of its own.
    fn module(&self, url: &Url) -> Option<&Module> {
        let module = self.graph.by_url(url.as_str());
        module.or_else(|| self.graph.by_url(without_query(url, self.purpose.tests)?.as_str()))
    }

    /// The ES module in the place of a CommonJS one.
    fn facade(&self, url: &Url) -> Option<String> {
        let anew = without_query(url, self.purpose.tests);
        self.graph.facade(url).or_else(|| self.graph.facade(&anew?))
    }

    /// What a specifier names in a module, before it is mocked.
    fn named(&self, specifier: &str, referrer: &str) -> ModuleResolveResponse {
        let referrer = Url::parse(referrer);
        if let Ok(referrer) = &referrer {
            if let Some(resolved) = self.graph.resolved(specifier, referrer) {
                return resolved.clone().map_err(|failure| failure.error());
            }
            if let Some(Ok(resolved)) = without_query(referrer, self.purpose.tests)
                .and_then(|referrer| self.graph.resolved(specifier, &referrer))
            {
                return Ok(resolved.clone());
            }
        }
        if let Some(name) = self.graph.node().named(specifier).filter(|_| !is_builtin(specifier)) {
            return Url::parse(&name).map_err(JsErrorBox::from_err);
        }
        let referrer = referrer.map_err(JsErrorBox::from_err)?;
        let error = match resolve(specifier, &referrer) {
            Err(error @ ResolveError::Bare(_)) => error,
            resolved => return resolved.map_err(|error| JsErrorBox::type_error(error.to_string())),
        };
        // A name that was computed.
        let found = self.graph.imported_anywhere(specifier, &referrer, self.purpose.tests);
        found.ok_or_else(|| JsErrorBox::type_error(error.to_string()))
    }

    fn source(&self, url: &Url, requested: &RequestedModuleType) -> Result<ModuleSource, JsErrorBox> {
        let kind = match requested {
            RequestedModuleType::None => None,
            RequestedModuleType::Json => Some("json"),
            RequestedModuleType::Text => Some("text"),
            RequestedModuleType::Bytes => Some("bytes"),
            RequestedModuleType::Other(kind) => Some(&**kind),
        };
        if let Some(failure) = self.graph.failure(url, kind) {
            return Err(failure.error());
        }
        if let Some(source) = deferring(url) {
            let code = ModuleSourceCode::String(source.into());
            return Ok(ModuleSource::new(ModuleType::JavaScript, code, url, None));
        }
        if let Some(module) = self.graph.by_source(url) {
            return match &module.content {
                Content::Wasm(bytes) => Ok(wasm(bytes, url)),
                _ => Err(JsErrorBox::type_error(format!(
                    "{} is no WebAssembly: it has no source to import",
                    module.name
                ))),
            };
        }
        if let Some(source) = self.graph.mock_source(url).filter(|_| self.purpose.tests) {
            let code = ModuleSourceCode::String(source.into());
            return Ok(ModuleSource::new(ModuleType::JavaScript, code, url, None));
        }
        if let Some(facade) = self.facade(url).filter(|_| *requested == RequestedModuleType::None) {
            let code = ModuleSourceCode::String(facade.into());
            return Ok(ModuleSource::new(ModuleType::JavaScript, code, url, None));
        }
        let module = self.module(url).ok_or_else(|| {
            if url.cannot_be_a_base() {
                return JsErrorBox::type_error(format!("{url} can not be imported by this worker"));
            }
            JsErrorBox::type_error(format!(
                "{} is not part of this worker: only modules that its files import by a literal name are",
                url.path().trim_start_matches('/')
            ))
        })?;
        let text = |text: &str| ModuleSourceCode::String(text.to_owned().into());
        let (kind, code) = match (&module.content, requested) {
            (Content::Script(source), RequestedModuleType::None) => {
                let code = self.purpose.script(module, source).map_err(JsErrorBox::from_err)?;
                (ModuleType::JavaScript, text(&code))
            }
            // Without an attribute, as wrangler's bundler takes them.
            (Content::Json(source), RequestedModuleType::None) => (ModuleType::JavaScript, text(&json_module(source))),
            (Content::Text(source), RequestedModuleType::None) => (ModuleType::JavaScript, text(&default_text(source))),
            // As on Workers: a `WebAssembly.Module`, and an `ArrayBuffer`.
            (Content::Wasm(_), RequestedModuleType::None) => (ModuleType::JavaScript, text(&default_source(url))),
            (Content::Data(_), RequestedModuleType::None) => (ModuleType::JavaScript, text(&default_buffer(url))),
            (_, RequestedModuleType::Bytes) => (ModuleType::Bytes, bytes(module.bytes())),
            (_, RequestedModuleType::Json) => (ModuleType::Json, text(utf8(module)?)),
            (_, RequestedModuleType::Text) => (ModuleType::Text, text(utf8(module)?)),
            (_, requested) => {
                return Err(JsErrorBox::type_error(format!(
                    "{} can not be imported as {requested:?}",
                    module.name
                )));
            }
        };
        let compiled = match (&kind, &module.content) {
            (ModuleType::JavaScript, Content::Script(source)) if self.purpose.keeps => Some(SourceCodeCacheInfo {
                hash: 0,
                data: cache::bytes(&key(source)).map(Cow::Owned),
            }),
            _ => None,
        };
        Ok(ModuleSource::new(kind, code, url, compiled))
    }
}

/// The URL of a module whose only export is another's namespace, which is evaluated when that is first read:
/// `js/node/require_module.js`.
const DEFERRED: &str = "workerd-lite:deferred?";

fn deferring(url: &Url) -> Option<String> {
    let of = serde_json::Value::from(url.as_str().strip_prefix(DEFERRED)?);
    Some(format!("import defer * as module from {of}; export {{ module }};"))
}

fn without_query(url: &Url, tests: bool) -> Option<Url> {
    let mut whole = url.clone();
    whole.set_query(None);
    (tests && url.query().is_some()).then_some(whole)
}

/// V8 compares no more of a source than its length.
fn key(source: &str) -> Key {
    Key::of("compiled", &[source.as_bytes()])
}

fn with_map(source: &str, map: &str) -> String {
    let map = base64::engine::general_purpose::STANDARD.encode(map);
    format!("{source}\n//# sourceMappingURL=data:application/json;base64,{map}\n")
}

fn utf8(module: &Module) -> Result<&str, JsErrorBox> {
    std::str::from_utf8(module.bytes()).map_err(|_| JsErrorBox::type_error(format!("{} is no text", module.name)))
}

fn bytes(bytes: &[u8]) -> ModuleSourceCode {
    ModuleSourceCode::Bytes(Box::<[u8]>::from(bytes).into())
}

fn wasm(code: &Arc<[u8]>, url: &Url) -> ModuleSource {
    let code = ModuleSourceCode::Bytes(Arc::clone(code).into());
    ModuleSource::new(ModuleType::Wasm, code, url, None)
}

fn default_source(url: &Url) -> String {
    let url = serde_json::Value::from(format!("{url}#{SOURCE}"));
    format!("import source module from {url}; export default module;")
}

fn default_buffer(url: &Url) -> String {
    let url = serde_json::Value::from(url.as_str());
    format!("import bytes from {url} with {{ type: \"bytes\" }}; export default bytes.buffer;")
}

fn default_text(source: &str) -> String {
    format!("export default {};", serde_json::Value::from(source))
}

impl ModuleLoader for GraphLoader {
    fn resolve(&self, specifier: &str, referrer: &str, kind: ResolutionKind) -> ModuleResolveResponse {
        if matches!(kind, ResolutionKind::MainModule) {
            return Ok(self.graph.main().clone());
        }
        // Our own modules are made before any of the worker's, and so without a referrer.
        if is_builtin(specifier) {
            return Url::parse(specifier).map_err(JsErrorBox::from_err);
        }
        // A CommonJS module's facade has it, and `require()` gives URLs.
        let is_facade = |url: &Url| {
            let plain = without_query(url, self.purpose.tests);
            self.graph.has_facade(url) || plain.is_some_and(|plain| self.graph.has_facade(&plain))
        };
        let is_loader = || Url::parse(referrer).is_ok_and(|referrer| is_facade(&referrer));
        if (specifier == LOADER && is_loader()) || (referrer == "." && specifier.starts_with(DEFERRED)) {
            return Url::parse(specifier).map_err(JsErrorBox::from_err);
        }
        let named = if referrer == "." {
            Url::parse(specifier).map_err(JsErrorBox::from_err)?
        } else {
            self.named(specifier, referrer)?
        };
        Ok(if self.purpose.tests {
            self.graph.mocked(named)
        } else {
            named
        })
    }

    fn code_cache_ready(&self, url: Url, _hash: u64, compiled: &[u8]) -> Pin<Box<dyn Future<Output = ()>>> {
        if let Some(Content::Script(source)) = self.graph.by_url(url.as_str()).map(|module| &module.content) {
            cache::keep(&key(source), compiled);
        }
        Box::pin(std::future::ready(()))
    }

    fn get_source_map(&self, file_name: &str) -> Option<Cow<'_, [u8]>> {
        let original = self.graph.by_url(file_name)?.original.as_ref()?;
        Some(Cow::Borrowed(original.map.as_bytes()))
    }

    fn load(
        &self,
        specifier: &Url,
        _referrer: Option<&ModuleLoadReferrer>,
        options: ModuleLoadOptions,
    ) -> ModuleLoadResponse {
        ModuleLoadResponse::Sync(self.source(specifier, &options.requested_module_type))
    }
}
