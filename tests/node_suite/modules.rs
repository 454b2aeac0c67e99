//! Which files are tests of which module, by their names.

use std::path::Path;

/// A module: its name, how its tests' names begin behind `test-`, and whether `make test` runs them.
pub struct Module {
    pub name: &'static str,
    prefixes: &'static [&'static str],
    in_ci: bool,
}

const fn module(name: &'static str, prefixes: &'static [&'static str], in_ci: bool) -> Module {
    Module { name, prefixes, in_ci }
}

/// A file is the first one's whose prefix fits.
pub const MODULES: &[Module] = &[
    module("assert", &["assert"], true),
    module(
        "async_hooks",
        &["async-hooks", "async-local-storage", "asyncresource", "async-wrap"],
        true,
    ),
    module("buffer", &["buffer", "blob", "btoa", "atob", "file"], true),
    module("console", &["console"], true),
    module("constants", &["constants", "binding-constants"], true),
    module("crypto", &["crypto", "webcrypto"], false),
    module(
        "diagnostics_channel",
        &["diagnostics-channel", "diagnostic-channel"],
        true,
    ),
    module("dns", &["dns"], false),
    module("events", &["event", "abort"], true),
    module("fs", &["fs-", "fs."], false),
    module("http2", &["http2"], false),
    module("https", &["https"], false),
    module("http", &["http"], false),
    module("module", &["module", "require", "cjs"], false),
    module("net", &["net-"], false),
    module("os", &["os"], true),
    module("path", &["path"], true),
    module("perf_hooks", &["perf-hooks", "performance"], true),
    module("process", &["process", "next-tick", "promise", "global"], true),
    module("punycode", &["punycode"], true),
    module("querystring", &["querystring"], true),
    module("readline", &["readline"], true),
    module("stream", &["stream", "readable", "writable"], true),
    module("string_decoder", &["string-decoder"], true),
    module("timers", &["timers", "set-"], true),
    module("tls", &["tls"], false),
    module("url", &["url", "whatwg-url"], true),
    module("util", &["util", "mime", "whatwg-encoding"], true),
    module("v8", &["v8"], true),
    module("vm", &["vm"], true),
    module(
        "stream/web",
        &[
            "webstream",
            "whatwg-webstreams",
            "whatwg-readable",
            "whatwg-writable",
            "whatwg-transform",
        ],
        true,
    ),
    module("zlib", &["zlib"], false),
];

/// The module that a file is of.
pub fn of(file: &str) -> Option<&'static Module> {
    let name = file.strip_prefix("test-")?;
    MODULES
        .iter()
        .find(|module| module.prefixes.iter().any(|prefix| name.starts_with(prefix)))
}

/// What is to run.
#[derive(Debug, PartialEq, Eq)]
pub enum Choice {
    Ci,
    All,
    /// Modules and files.
    Named(Vec<String>),
}

impl Choice {
    pub fn of_environment() -> Self {
        match std::env::var("NODE_TESTS").as_deref() {
            Err(_) | Ok("") => Self::Ci,
            Ok("all") => Self::All,
            Ok(names) => Self::Named(names.split_whitespace().map(ToOwned::to_owned).collect()),
        }
    }

    fn has(&self, file: &str, module: &Module) -> bool {
        match self {
            Self::Ci => module.in_ci,
            Self::All => true,
            Self::Named(names) => names.iter().any(|name| name == module.name || name == file),
        }
    }
}

/// The names of the files, sorted.
pub fn files(source: &Path, choice: &Choice) -> Vec<String> {
    let entries = std::fs::read_dir(source.join("parallel")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut files: Vec<String> = names
        .filter(|name| name.ends_with(".js") || name.ends_with(".mjs"))
        .filter(|name| of(name).is_some_and(|module| choice.has(name, module)))
        .collect();
    files.sort();
    files
}
