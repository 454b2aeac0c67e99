//! Which files there are, by area, and with which variants each is run.

use std::path::{Path, PathBuf};

use crate::harness::suite::Choice;

/// A folder of web-platform-tests, and whether `make test` runs it.
pub struct Area {
    pub name: &'static str,
    in_ci: bool,
}

const fn area(name: &'static str, in_ci: bool) -> Area {
    Area { name, in_ci }
}

pub const AREAS: &[Area] = &[
    area("FileAPI", true),
    area("WebCryptoAPI", false),
    area("compression", true),
    area("console", true),
    area("dom/abort", true),
    area("dom/events", true),
    area("encoding", false),
    area("eventsource", false),
    area("fetch/api", false),
    area("fetch/content-encoding", false),
    area("fetch/content-length", false),
    area("fetch/content-type", false),
    area("fetch/data-urls", false),
    area("fetch/range", false),
    area("fetch/security", false),
    area("hr-time", true),
    area("html/webappapis", true),
    area("mimesniff", false),
    area("performance-timeline", true),
    area("streams", true),
    area("url", true),
    area("urlpattern", false),
    area("user-timing", true),
    area("wasm", false),
    area("webidl", true),
    area("webmessaging", true),
    area("websockets", false),
    area("xhr/formdata", false),
];

/// Of files whose names begin or contain so, nothing is run, and why.
const LEFT_OUT: &[(&str, &str)] = &[
    (
        "fetch/api/cors/",
        "a worker has no origin: nothing is kept from it, and nobody is asked beforehand",
    ),
    ("fetch/api/credentials/cookies", "a worker has no store of cookies"),
    ("fetch/api/redirect/redirect-origin", "a worker has no origin"),
    ("fetch/api/redirect/redirect-referrer", "a worker has no referrer"),
    ("fetch/api/basic/referrer", "a worker has no referrer"),
    ("fetch/api/basic/request-referrer", "a worker has no referrer"),
    ("fetch/api/request/request-cache-", "fetch has no HTTP cache behind it"),
    (
        "fetch/api/basic/response-null-body",
        "the server sends bodies where there are none: which request meets them is a race",
    ),
    ("fetch/api/basic/keepalive", "needs pages that go away"),
    ("fetch/api/redirect/redirect-keepalive", "needs pages that go away"),
    ("html/webappapis/dynamic-markup-insertion", "needs a DOM"),
    ("websockets/cookies/", "a worker has no store of cookies"),
    ("websockets/stream/", "a proposal: WebSocketStream"),
    (
        "webmessaging/broadcastchannel/",
        "nothing is shared between isolates: there is no BroadcastChannel",
    ),
    (".h2.", "needs the tests' server over HTTP/2, which is not started"),
];

fn is_left_out(file: &str) -> bool {
    LEFT_OUT.iter().any(|(part, _)| file.contains(part))
}

/// One file with one of its variants.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Run {
    /// Below the folder of all.
    pub file: String,
    /// As a URL's query, with its question mark; or empty.
    pub variant: String,
}

impl Run {
    pub fn name(&self) -> String {
        format!("{}{}", self.file, self.variant)
    }
}

/// The area that a run is of.
pub fn of(run: &str) -> Option<&'static Area> {
    let within = |area: &&Area| run.strip_prefix(area.name).is_some_and(|rest| rest.starts_with('/'));
    AREAS.iter().find(within)
}

/// The values of a script's `// META:` lines of this key.
pub fn meta<'a>(text: &'a str, key: &'a str) -> impl Iterator<Item = &'a str> {
    text.lines()
        .take_while(|line| line.starts_with("//") || line.trim().is_empty())
        .filter_map(move |line| {
            let rest = line.strip_prefix("//")?.trim_start().strip_prefix("META:")?;
            rest.trim().strip_prefix(key)?.strip_prefix('=').map(str::trim)
        })
}

/// A path as a test names it: beside itself, or from the top.
pub fn beside(source: &Path, file: &str, named: &str) -> PathBuf {
    // A script that only its server has.
    let named = match named {
        "/resources/WebIDLParser.js" => "/resources/webidl2/lib/webidl2.js",
        other => other,
    };
    match named.strip_prefix('/') {
        Some(top) => source.join(top),
        None => source.join(file).with_file_name(named),
    }
}

/// All runs, sorted.
pub fn runs(source: &Path, choice: &Choice) -> Vec<Run> {
    let mut files = Vec::new();
    for area in AREAS {
        collect(source, area.name, &mut files);
    }
    files.retain(|file| !is_left_out(file));
    files.retain(|file| of(file).is_some_and(|area| choice.has(area.in_ci, |name| file.starts_with(name))));
    let mut runs = Vec::new();
    for file in files {
        let bytes = std::fs::read(source.join(&file)).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        // A realm within a realm is nothing that workers have.
        if meta(&text, "global").any(|global| global.split(',').all(|name| name.trim().starts_with("shadowrealm"))) {
            continue;
        }
        // Node has copied one without what it loads.
        if !meta(&text, "script").all(|script| beside(source, &file, script).is_file()) {
            continue;
        }
        let over_http2 = |variant: &&str| variant.contains("wpt_flags=h2");
        let variants: Vec<&str> = meta(&text, "variant").filter(|variant| !over_http2(variant)).collect();
        let of = |variant: &str| Run {
            file: file.clone(),
            variant: variant.to_owned(),
        };
        if meta(&text, "variant").next().is_none() {
            runs.push(of(""));
        }
        runs.extend(variants.into_iter().map(of));
    }
    runs.sort();
    runs
}

fn collect(source: &Path, folder: &str, files: &mut Vec<String>) {
    let Ok(entries) = std::fs::read_dir(source.join(folder)) else {
        return;
    };
    for entry in entries {
        let entry = entry.unwrap();
        let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            collect(source, &path, files);
        } else if path.ends_with(".any.js") {
            files.push(path);
        }
    }
}
