//! Which files are not run: by what they say, never by their names.

/// `(what the file holds, why it is not run)`.
const RULES: &[(&[&str], &str)] = &[
    (
        &[
            "--expose-internals",
            "--expose_internals",
            "'internal/",
            "\"internal/",
            "internalBinding",
            "process.binding(",
        ],
        "asks for Node's internals",
    ),
    (
        &[
            "child_process",
            "spawnPromisified",
            "common.spawn",
            "common/fork",
            "process.argv[2]",
            "common.isMainThread",
        ],
        "starts processes",
    ),
    (&["'cluster'", "'node:cluster'"], "wants cluster, which needs processes"),
    (
        &["'worker_threads'", "'node:worker_threads'"],
        "wants worker_threads, which workers have not",
    ),
    (
        &[
            "'inspector'",
            "'node:inspector",
            "'inspector/",
            "common/inspector-helper",
            "common/debugger",
        ],
        "wants inspector, which workers have not",
    ),
    (
        &["'repl'", "'node:repl'", "common/repl"],
        "wants repl, which workers have not",
    ),
    (&["'domain'", "'node:domain'"], "wants domain, which workers have not"),
    (&["'dgram'", "'node:dgram'"], "wants dgram, which workers have not"),
    (
        &["'trace_events'", "'node:trace_events'"],
        "wants trace_events, which workers have not",
    ),
    (&["'sqlite'", "'node:sqlite'"], "wants sqlite, which workers have not"),
    (&["common/wpt"], "runs the Web Platform Tests"),
    (
        &[
            "common/gc",
            "global.gc",
            "globalThis.gc",
            "common/heap",
            "common/v8",
            "--expose-gc",
            "--expose_gc",
        ],
        "asks for garbage collection",
    ),
    (
        &["'tty'", "'node:tty'", "'../../lib/", "test-runner"],
        "wants a terminal or Node's sources",
    ),
];

/// Flags of a process that change nothing here.
const HARMLESS: &[&str] = &[
    "--no-warnings",
    "--no-deprecation",
    "--experimental-require-module",
    "--no-experimental-global-navigator",
];

/// Why a file is not run.
pub fn skipped(text: &str) -> Option<String> {
    for (words, why) in RULES {
        if words.iter().any(|word| text.contains(word)) {
            return Some((*why).to_owned());
        }
    }
    let flags = text
        .lines()
        .filter_map(|line| line.strip_prefix("// Flags:"))
        .flat_map(str::split_whitespace);
    let odd: Vec<&str> = flags.filter(|flag| !HARMLESS.contains(flag)).collect();
    (!odd.is_empty()).then(|| format!("wants a process with {}", odd.join(" ")))
}
