//! Which files are tests of which module, by their names.

use std::path::Path;

use crate::harness::suite::Choice;

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

/// What a file's name ends in.
pub fn extension(file: &str) -> &str {
    file.rsplit('.').next().unwrap_or_default()
}

/// The module that a file is of.
pub fn of(file: &str) -> Option<&'static Module> {
    let name = file.strip_prefix("test-")?;
    MODULES
        .iter()
        .find(|module| module.prefixes.iter().any(|prefix| name.starts_with(prefix)))
}

/// The names of the files, sorted.
pub fn files(source: &Path, choice: &Choice) -> Vec<String> {
    let entries = std::fs::read_dir(source.join("parallel")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut files: Vec<String> = names
        .filter(|name| matches!(extension(name), "js" | "mjs"))
        .filter(|name| {
            of(name).is_some_and(|module| choice.has(module.in_ci, |wanted| wanted == module.name || wanted == name))
        })
        .collect();
    files.sort();
    files
}
