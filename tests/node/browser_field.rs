//! `browser` in a package.json, which was made for where there are no modules of Node's: what is taken where they are there.

use crate::harness::{Project, json};

const FILES: &[(&str, &str)] = &[
    // One file for all of a package.
    (
        "node_modules/built/package.json",
        r#"{ "main": "lib", "browser": "dist/built.min.js" }"#,
    ),
    ("node_modules/built/lib/index.js", "module.exports = { connect: () => 'connected', schema: 'node' };"),
    ("node_modules/built/dist/built.min.js", "!function(r,m){r.built=m()}(globalThis,function(){return{schema:'browser'}});"),
    // One that throws when it is loaded.
    (
        "node_modules/shim/package.json",
        r#"{ "main": "index.js", "browser": { "./register.js": "./register-shim.js" } }"#,
    ),
    ("node_modules/shim/index.js", "module.exports = require('./register.js');"),
    ("node_modules/shim/register.js", "module.exports = 'registered';"),
    ("node_modules/shim/register-shim.js", "module.exports = require('./register')(window, null);"),
    // A file for imports that has no default, and another for `require()`.
    (
        "node_modules/two/package.json",
        r#"{ "main": "main.js", "module": "module.mjs" }"#,
    ),
    ("node_modules/two/main.js", "exports.name = 'main'; exports.all = true;"),
    ("node_modules/two/module.mjs", "export const name = 'module';"),
    // Drivers that its user installs, and parts that do nothing in browsers.
    (
        "node_modules/builder/package.json",
        r#"{ "main": "index.js", "browser": { "driver": false, "addon": false, "absent": false } }"#,
    ),
    (
        "node_modules/builder/index.js",
        "exports.open = (name) => name === 'driver' ? require('driver') : name === 'addon' ? require('addon') : require('absent');",
    ),
    ("node_modules/driver/index.js", "module.exports = 'driver';"),
    ("node_modules/addon/package.json", "{}"),
    ("node_modules/addon/binding.gyp", "{}"),
    ("node_modules/addon/index.js", "throw new Error('machine code');"),
    (
        "node_modules/migrator/package.json",
        r#"{ "main": "index.js", "browser": { "./migrate.js": "./noop.js" } }"#,
    ),
    ("node_modules/migrator/index.js", "exports.migrate = require('./migrate');"),
    ("node_modules/migrator/migrate.js", "module.exports = () => 'migrated';"),
    ("node_modules/migrator/noop.js", "module.exports = function () {};\n"),
    // A stand-in for a module of Node's.
    (
        "node_modules/streams/package.json",
        r#"{ "main": "index.js", "browser": { "./stream.js": "./stream-browser.js" } }"#,
    ),
    ("node_modules/streams/index.js", "exports.Stream = require('./stream');"),
    ("node_modules/streams/stream.js", "'use strict';\nmodule.exports = require('stream');\n"),
    ("node_modules/streams/stream-browser.js", "module.exports = require('events').EventEmitter;\n"),
    (
        "worker.js",
        "import built from 'built'; import shim from 'shim'; import two, { name } from 'two'; import { open } from 'builder'; import { migrate } from 'migrator';
         import { Stream } from 'streams'; import stream from 'node:stream'; import { createRequire } from 'node:module';
         const require = createRequire(import.meta.url);
         export default { fetch: () => Response.json({ built: [built.schema, built.connect(), require('built') === built], shim, two: [two.all, two.name, name],
           drivers: [open('driver'), open('addon'), open('absent')], migrate: migrate(), stream: Stream === stream }) };",
    ),
];

#[test]
fn what_is_nodes_is_taken_where_nodes_modules_are_there() {
    let project = Project::new(FILES);
    let server = project.serve(&["worker.js"]);
    let expected = serde_json::json!({
        "built": ["node", "connected", true], "shim": "registered", "two": [true, "main", "main"], "drivers": ["driver", {}, {}],
        "migrate": "migrated", "stream": true,
    });
    assert_eq!(json(&server.ok("/")), expected, "{}", server.log());
}
