//! What an import's specifier names.

use deno_core::url::Url;
use nodejs_built_in_modules::is_nodejs_builtin_module;

/// Why a specifier names nothing that can be imported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// `import "https://…"` and its like.
    #[error("import of {0:?} is refused: workers load no code from the network")]
    Remote(String),
    /// `import "node:fs"`, `import "cloudflare:workers"` and their like.
    #[error("import of {:?} is refused: {}", .0, unsupported(.0))]
    BuiltIn(String),
    /// `import "hono"`.
    #[error("import of {0:?} is refused: npm packages must be bundled into the worker first, for example with esbuild")]
    Bare(String),
}

/// Modules of ours. `js/worker/builtin_modules.js` says which are a role's alone.
const BUILT_IN: [&str; 10] = [
    "cloudflare:email",
    "cloudflare:node",
    "cloudflare:sockets",
    "cloudflare:workers",
    "cloudflare:workflows",
    "node:assert",
    "node:assert/strict",
    "node:test",
    "workerd-lite:policy",
    "workerd-lite:test",
];

/// Node's modules, without `node:`. `js/node/modules.js` makes them, and some have no name without.
const NODE: [&str; 69] = [
    "_http_agent",
    "_http_client",
    "_http_common",
    "_http_incoming",
    "_http_outgoing",
    "_http_server",
    "_stream_duplex",
    "_stream_passthrough",
    "_stream_readable",
    "_stream_transform",
    "_stream_writable",
    "assert",
    "assert/strict",
    "async_hooks",
    "buffer",
    "child_process",
    "cluster",
    "console",
    "constants",
    "crypto",
    "dgram",
    "diagnostics_channel",
    "dns",
    "dns/promises",
    "domain",
    "events",
    "fs",
    "fs/promises",
    "http",
    "http2",
    "https",
    "inspector",
    "inspector/promises",
    "module",
    "net",
    "os",
    "path",
    "path/posix",
    "path/win32",
    "perf_hooks",
    "process",
    "punycode",
    "querystring",
    "readline",
    "readline/promises",
    "repl",
    "sea",
    "sqlite",
    "stream",
    "stream/consumers",
    "stream/promises",
    "stream/web",
    "string_decoder",
    "sys",
    "test",
    "test/reporters",
    "timers",
    "timers/promises",
    "tls",
    "trace_events",
    "tty",
    "url",
    "util",
    "util/types",
    "v8",
    "vm",
    "wasi",
    "worker_threads",
    "zlib",
];

/// Those that have no name without `node:`.
const SCHEME_ONLY: [&str; 4] = ["sea", "sqlite", "test", "test/reporters"];

/// The name with `node:` of one of Node's modules, where this is one.
pub(crate) fn node_module(specifier: &str) -> Option<String> {
    let plain = specifier.strip_prefix("node:");
    let known = NODE.contains(&plain.unwrap_or(specifier)) && (plain.is_some() || !SCHEME_ONLY.contains(&specifier));
    known.then(|| format!("node:{}", plain.unwrap_or(specifier)))
}

/// Those of Node's that are there where the others are turned off, as messages list them.
pub(super) const NODE_MODULES: &str = "node:assert and node:assert/strict (and node:test in tests) where a compatibility date \
     before 2026-08-04 or the flag no_nodejs_compat turns the others off";

fn unsupported(specifier: &str) -> String {
    if !specifier.starts_with("node:") {
        return "this built-in module is not supported by workerd-lite".to_owned();
    }
    if is_nodejs_builtin_module(specifier) {
        format!("it is a module of Node.js that is not supported by workerd-lite, which has {NODE_MODULES}")
    } else {
        format!("Node.js has no such module; of Node's, workerd-lite has {NODE_MODULES}")
    }
}

/// Whether this specifier names a module of ours.
pub(crate) fn is_builtin(specifier: &str) -> bool {
    BUILT_IN.contains(&specifier)
}

/// Resolves a specifier against the module that names it. Module URLs are `file:///` and the path within the project.
pub fn resolve(specifier: &str, referrer: &Url) -> Result<Url, ResolveError> {
    if specifier.starts_with("./") || specifier.starts_with("../") || specifier.starts_with('/') {
        if specifier.starts_with("//") {
            return Err(ResolveError::Remote(specifier.to_owned()));
        }
        return referrer
            .join(specifier)
            .map_err(|_| ResolveError::Bare(specifier.to_owned()));
    }
    match Url::parse(specifier) {
        // What `import.meta.resolve()` gave.
        Ok(url) if url.scheme() == "file" && url.host_str().is_none_or(str::is_empty) => Ok(url),
        Ok(url) if is_builtin(specifier) => Ok(url),
        Ok(url) if matches!(url.scheme(), "node" | "cloudflare" | "workerd" | "workerd-lite") => {
            Err(ResolveError::BuiltIn(specifier.to_owned()))
        }
        Ok(_) => Err(ResolveError::Remote(specifier.to_owned())),
        Err(_) => Err(ResolveError::Bare(specifier.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_resolve() {
        let referrer = Url::parse("file:///src/a.js").unwrap();
        assert_eq!(resolve("./b.js", &referrer).unwrap().as_str(), "file:///src/b.js");
        assert_eq!(resolve("../b.js", &referrer).unwrap().as_str(), "file:///b.js");
        assert_eq!(resolve("../../../b.js", &referrer).unwrap().as_str(), "file:///b.js");
        assert!(matches!(resolve("hono", &referrer), Err(ResolveError::Bare(_))));
        assert!(matches!(resolve("node:fs", &referrer), Err(ResolveError::BuiltIn(_))));
        for remote in [
            "https://a.example/x.js",
            "data:text/javascript,1",
            "blob:null/1",
            "//a.example/x.js",
            "ext:core/mod.js",
        ] {
            assert!(
                matches!(resolve(remote, &referrer), Err(ResolveError::Remote(_))),
                "{remote}"
            );
        }
    }
}
