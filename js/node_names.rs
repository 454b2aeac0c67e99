//! Which of deno_node's scripts stand for which of Node's modules, which of them ours take the place of, and what is changed in
//! them. The crate is pinned; a passage that is not there exactly once ends the build.

/// Names that scripts load modules by, and the files.
pub(crate) const MODULES: &[(&str, &str)] = &[
    ("node:_stream_duplex", "internal/streams/duplex_esm.js"),
    ("node:_stream_passthrough", "internal/streams/passthrough_esm.js"),
    ("node:_stream_readable", "internal/streams/readable_esm.js"),
    ("node:_stream_transform", "internal/streams/transform_esm.js"),
    ("node:_stream_writable", "internal/streams/writable_esm.js"),
    ("node:assert", "assert_esm.ts"),
    ("node:async_hooks", "async_hooks.ts"),
    ("node:path", "path.ts"),
    ("node:process", "process.ts"),
    ("node:stream", "stream.ts"),
    ("node:stream/promises", "stream/promises.js"),
    ("node:timers", "timers.ts"),
    ("node:url", "url.ts"),
    ("node:v8", "v8.ts"),
];

/// Files, and those of `js/node/` in their place: what rests on ops that are not here, or on the machine.
pub(crate) const REPLACED: &[(&str, &str)] = &[
    ("_fs/_fs_glob.ts", "glob.js"),
    ("_next_tick.ts", "next_tick.js"),
    ("_process/process.ts", "next_tick.js"),
    ("async_hooks.ts", "async_hooks.js"),
    ("internal/async_hooks.ts", "async_ids.js"),
    ("internal/options.ts", "options.js"),
    ("process.ts", "process.js"),
    ("timers.ts", "timers.js"),
    ("v8.ts", "v8.js"),
];

/// `(script, passage, what takes its place)`.
pub(crate) const PATCHES: &[(&str, &str, &str)] = &[
    // A circle: each imports the other, and neither needs it while it is evaluated.
    (
        "ext:deno_node/stream/promises.js",
        "import * as _mod2 from \"node:stream\";\n",
        "",
    ),
    ("ext:deno_node/stream/promises.js", "\n_mod2;\n", "\n"),
    (
        "ext:deno_node/internal/streams/duplexpair.js",
        "import { Duplex } from \"node:stream\";\n",
        "import Duplex from \"node:_stream_duplex\";\n",
    ),
    // Node 26 reads one buffer at a time, Node 22 all that is there.
    (
        "ext:deno_node/internal/streams/readable.js",
        "    // Fast path for buffers.\n    if ((state[kState] & kDecoder) === 0 && state.length) {\n      return state.buffer[state.bufferIndex].length;\n    }\n",
        "",
    ),
];
