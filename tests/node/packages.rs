//! Packages' shapes: what they have for Node.js beside what they have for browsers, files that they read, machine code, and modules for bundlers.

use serde_json::json;

use crate::harness::{Project, json as parsed};

const WORKER: &str = r#"
import fs from "node:fs";
import { Readable } from "node:stream";
import { createRequire } from "node:module";
import page, { parse } from "page";
import { other } from "names";
import { forNode } from "names";
import nodesFetch from "fetcher";
import imported from "two-ways/a";
import whole from "no-default";
import reader, { folder } from "reader";
import wasm from "wasm";
import esm from "for-bundlers";
import { hash } from "left-out";
import called from "called";
import stoodFor from "stood-for";
import * as members from "members";
import { fromLeftOut, place } from "bundled-esm";
import refuses from "refuses";
import part from "refuses/part";
import forms from "forms";
import taken from "takes";
import { connect } from "database";
import legacy from "./legacy.js";
import test, { describe } from "node:test";
const require = createRequire(import.meta.url);
const computed = ["two", "ways/a"];
const failure = (what) => { try { return what(); } catch (error) { return [error.code, error.message]; } };
export default {
  async fetch() {
    const load = (name) => import(name);
    return Response.json({
      page: [page, parse("a")],
      names: [forNode(), other, nodesFetch, whole.name],
      read: reader(),
      folder: folder(),
      hidden: fs.existsSync("/bundle/node_modules/reader/keys.pem"),
      unnamed: fs.existsSync("/bundle/node_modules/reader/other.css"),
      wasm: wasm(),
      esm,
      leftOut: hash("a"),
      called,
      stoodFor,
      members: [typeof members.computed, typeof members.missing, members.default.computed === members.computed],
      place,
      fromLeftOut,
      refuses: [refuses, part],
      forms,
      taken,
      peer: connect("driv" + "er"),
      legacy: [await legacy(false), await legacy(true)],
      texts: await new Response(Readable.from(["é", Buffer.from("b"), "c"])).text(),
      test: [failure(() => test("a", () => {}))[0], failure(() => describe("a"))[1], failure(() => require("node:test").mock.timers.enable())[0]],
      addon: failure(() => require("addon")),
      found: failure(() => require("found-addon")),
      optional: require("optional-addon"),
      computed: typeof (await load("fs")).readFileSync,
      twoWays: [imported, require("two-ways/a"), (await load(computed.join("-"))).default, (await load(computed.join("-").slice(0, -2) + "/b")).default],
      absent: await load("absent").catch((error) => error.message.includes("absent")),
      request: new Request("http://a.test", { client: {} }).method,
      report: process.report.getReport().header.platform,
    });
  },
};
"#;

/// `(func (export "f") (result i32) i32.const 42)`
const WASM: &[u8] =
    b"\0asm\x01\0\0\0\x01\x05\x01\x60\0\x01\x7f\x03\x02\x01\0\x07\x05\x01\x01f\0\0\x0a\x06\x01\x04\0\x41\x2a\x0b";

fn project() -> Project {
    let policy = "export default { fetch: () => new Response() };";
    let project = Project::new(&[
        ("worker.mjs", WORKER),
        ("policy.js", policy),
        ("workerd-lite.toml", "main = \"worker.mjs\"\n[outbound]\nmain = \"policy.js\"\n"),
        // `browser` among conditions, and its files work by a page, which one further on does.
        (
            "node_modules/page/package.json",
            r#"{ "type": "module", "exports": { "browser": "./browser.js", "default": "./node.js" } }"#,
        ),
        ("node_modules/page/browser.js", "export * from './dom.js'; export default 'browser';"),
        ("node_modules/page/dom.js", "export const parse = (text) => document.createElement(text);"),
        ("node_modules/page/node.js", "export const parse = (text) => `<${text}>`; export default 'node';"),
        // What is imported is there for Node.js alone.
        (
            "node_modules/names/package.json",
            r#"{ "type": "module", "exports": { "node": "./node.js", "default": "./default.js" } }"#,
        ),
        ("node_modules/names/default.js", "export const other = 1;"),
        ("node_modules/names/node.js", "export const other = 1; export const forNode = () => 'node';"),
        // One file for `import` and another for `require()`, which the same script asks for; `b` is required, and imported by a computed name alone.
        (
            "node_modules/two-ways/package.json",
            r#"{ "exports": { "./*": { "import": "./*.mjs", "require": "./*.cjs" } } }"#,
        ),
        ("node_modules/two-ways/a.mjs", "export default 'imported';"),
        ("node_modules/two-ways/a.cjs", "module.exports = 'required'; require('two-ways/b');"),
        ("node_modules/two-ways/b.cjs", "module.exports = 'b';"),
        // The file for browsers has no default export.
        (
            "node_modules/no-default/package.json",
            r#"{ "main": "main.js", "browser": "./module.js" }"#,
        ),
        ("node_modules/no-default/module.js", "export * from './more.js';"),
        ("node_modules/no-default/more.js", "export const name = 'module'; export default 1;"),
        ("node_modules/no-default/main.js", "exports.name = 'main';"),
        // What it has for browsers is the platform's own, whose bodies are no streams of Node's.
        (
            "node_modules/fetcher/package.json",
            r#"{ "main": "node.js", "browser": "./browser.js" }"#,
        ),
        (
            "node_modules/fetcher/browser.js",
            "const all = globalThis; module.exports = exports = all.fetch; exports.default = all.fetch.bind(all);",
        ),
        ("node_modules/fetcher/node.js", "module.exports = 'node';"),
        ("node_modules/reader/package.json", r#"{ "version": "1.2.3" }"#),
        (
            "node_modules/reader/index.js",
            "const fs = require('fs'), path = require('path'); const root = path.join(__dirname);
             module.exports = () => [fs.readFileSync(path.resolve(__dirname, './own.css'), 'utf8'),
               require(path.join(root, 'package.json')).version, fs.existsSync(path.join(root, 'keys.pem'))];
             module.exports.folder = () => { const at = path.join(__dirname, 'locales');
               return fs.readdirSync(at).map((name) => JSON.parse(fs.readFileSync(path.join(at, name), 'utf8')).hello); };",
        ),
        ("node_modules/reader/own.css", "p { display: block }"),
        ("node_modules/reader/other.css", "p { display: none }"),
        ("node_modules/reader/keys.pem", "a key"),
        ("node_modules/reader/locales/de.json", r#"{ "hello": "hallo" }"#),
        ("node_modules/reader/locales/fr.json", r#"{ "hello": "salut" }"#),
        (
            "node_modules/wasm/package.json",
            r#"{ "exports": { "node": "./node.cjs", "default": "./index.js" } }"#,
        ),
        ("node_modules/wasm/index.js", "import * as wasm from './a_bg.wasm'; export default () => wasm.f();"),
        (
            "node_modules/wasm/node.cjs",
            "const bytes = require('fs').readFileSync(require('path').join(__dirname, './a_bg.wasm'));
             const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes)); module.exports = () => instance.exports.f();",
        ),
        ("node_modules/for-bundlers/package.json", r#"{ "main": "main.js", "module": "module.js" }"#),
        ("node_modules/for-bundlers/main.js", "module.exports = 'main';"),
        ("node_modules/for-bundlers/module.js", "const other = require('./other'); export default `module ${other.name}`;"),
        ("node_modules/for-bundlers/other.js", "exports.name = 'required';"),
        (
            "node_modules/left-out/package.json",
            r#"{ "browser": { "crypto": false, "fs": false } }"#,
        ),
        (
            "node_modules/left-out/index.js",
            "exports.hash = (text) => require('crypto').createHash('sha1').update(text).digest('hex');",
        ),
        (
            "node_modules/stood-for/package.json",
            r#"{ "type": "module", "browser": { "stream": "stream-for-browsers", "path": "./path.js" } }"#,
        ),
        (
            "node_modules/stood-for/index.js",
            "import { Readable } from 'stream'; import path from 'path'; import fs from 'fs';
             export default [fs.createReadStream('/dev/null') instanceof Readable, path];",
        ),
        ("node_modules/stood-for/path.js", "export default 'its own';"),
        ("node_modules/stream-for-browsers/index.js", "exports.Readable = class {};"),
        ("node_modules/called/package.json", r#"{ "browser": { "./extend": false, "./quiet": false } }"#),
        (
            "node_modules/called/index.js",
            "const made = {}; require('./extend')(made); made.quiet = Object.keys(require('./quiet')); module.exports = made;",
        ),
        ("node_modules/called/extend.js", "module.exports = (made) => { made.extended = true; };"),
        ("node_modules/called/quiet.js", "exports.loud = true;"),
        // Names that no lexer finds.
        ("node_modules/members/index.js", "module.exports = make(); function make() { return { ['comp' + 'uted']() {} }; }"),
        (
            "node_modules/bundled-esm/package.json",
            r#"{ "type": "module", "browser": { "module": false, "url": false, "fs": false } }"#,
        ),
        (
            "node_modules/bundled-esm/index.js",
            "import { existsSync } from 'fs'; import fs from 'node:fs'; export const fromLeftOut = [typeof existsSync, typeof fs.existsSync, typeof require('fs').existsSync];
             const own = typeof __dirname; export const place = [own, __dirname, typeof __filename];",
        ),
        // What it has for browsers says that it does not work there, and parts of it do not say so.
        (
            "node_modules/refuses/package.json",
            r#"{ "exports": { ".": { "browser": "./browser.js", "default": "./node.js" }, "./part": { "browser": "./part-browser.js", "default": "./part.js" } } }"#,
        ),
        (
            "node_modules/refuses/browser.js",
            "module.exports = function load(name) { throw new Error(`${name}: loading is not supported in the browser environment`); };",
        ),
        ("node_modules/refuses/node.js", "module.exports = 'node';"),
        ("node_modules/refuses/part-browser.js", "module.exports = 'part for browsers';"),
        ("node_modules/refuses/part.js", "module.exports = 'part';"),
        ("node_modules/forms/package.json", r#"{ "main": "node.js", "browser": "./browser.js" }"#),
        (
            "node_modules/forms/browser.js",
            "module.exports = typeof self === 'object' ? self.FormData : window.FormData;",
        ),
        ("node_modules/forms/node.js", "module.exports = 'forms';"),
        // A name that is taken of what is required is there for Node.js alone.
        (
            "node_modules/takes/index.js",
            "const { symbols: { one } } = require('has-symbols-for-node'); module.exports = one;",
        ),
        (
            "node_modules/has-symbols-for-node/package.json",
            r#"{ "main": "node.js", "browser": "./browser.js" }"#,
        ),
        ("node_modules/has-symbols-for-node/browser.js", "module.exports = log; function log() {}"),
        (
            "node_modules/has-symbols-for-node/node.js",
            "module.exports = log; module.exports.symbols = { one: 'one' }; function log() {}",
        ),
        // A peer that is required by a computed name.
        (
            "node_modules/database/package.json",
            r#"{ "peerDependenciesMeta": { "driver": { "optional": true }, "not-installed": { "optional": true } } }"#,
        ),
        ("node_modules/database/index.js", "exports.connect = (name) => require(name).connect();"),
        ("node_modules/driver/index.js", "exports.connect = () => 'connected';"),
        // A body that is a stream of Node's first kind, without an iterator.
        (
            "legacy.js",
            "import { EventEmitter } from 'node:events';
             export default async (fails) => {
               const body = new EventEmitter(); const asked = [];
               let left = 4;
               const put = () => body.emit('data', --left % 2 ? Buffer.from('b' + left) : 's' + left);
               const next = () => { if (left > 0) { put(); put(); } else if (fails) body.emit('error', new Error('broken')); else body.emit('end'); };
               Object.assign(body, { pipe() {}, pause() { asked.push('pause'); }, resume() { asked.push('resume'); setTimeout(next, 1); }, getHeaders: () => ({ 'content-type': 'multipart/form-data; boundary=x' }) });
               const request = new Request('http://a.test', { method: 'POST', body });
               await scheduler.wait(20);
               const text = await request.text().catch((error) => error.message);
               return [request.headers.get('content-type'), text, asked.includes('pause')];
             };",
        ),
        ("node_modules/addon/index.js", "module.exports = require('./build/Release/a.node');"),
        ("node_modules/addon/build/Release/a.node", "\u{7f}ELF"),
        ("node_modules/found-addon/package.json", "{}"),
        (
            "node_modules/found-addon/index.js",
            "module.exports = require('node-gyp-build')(__dirname);",
        ),
        ("node_modules/found-addon/prebuilds/linux-x64/b.node", "\u{7f}ELF"),
        (
            "node_modules/node-gyp-build/index.js",
            "const fs = require('fs'); module.exports = (folder) => { const at = folder + '/prebuilds/linux-x64';
               return require(at + '/' + fs.readdirSync(at)[0]); };",
        ),
        (
            "node_modules/optional-addon/index.js",
            "try { module.exports = require('./none.node'); } catch (error) { module.exports = error.code; }",
        ),
    ]);
    std::fs::write(project.path().join("node_modules/wasm/a_bg.wasm"), WASM).unwrap();
    project
}

#[test]
fn packages_are_taken_in_the_shape_that_works() {
    let server = project().serve(&["--config", "workerd-lite.toml"]);
    let answer = server.curl("/", &[]);
    assert_eq!(answer.status, 200, "{} {}", answer.body, server.log());
    let addon = |path: &str| {
        json!([
            "ERR_DLOPEN_FAILED",
            format!(
                "/bundle/node_modules/{path}: workerd-lite loads no machine code: use a package of JavaScript or WebAssembly for it"
            )
        ])
    };
    let expected = json!({
        "page": ["node", "<a>"],
        "twoWays": ["imported", "required", "imported", "b"],
        "absent": true,
        "names": ["node", 1, "node", "main"],
        "read": ["p { display: block }", "1.2.3", false],
        "folder": ["hallo", "salut"],
        "hidden": false,
        "unnamed": false,
        "wasm": 42,
        "esm": "module required",
        "leftOut": "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8",
        "called": { "extended": true, "quiet": [] },
        "stoodFor": [true, "its own"],
        "members": ["function", "undefined", true],
        "place": ["string", "/bundle/node_modules/bundled-esm", "undefined"],
        "fromLeftOut": ["function", "function", "function"],
        "refuses": ["node", "part"],
        "forms": "forms",
        "taken": "one",
        "peer": "connected",
        "legacy": [["multipart/form-data; boundary=x", "b3s2b1s0", true], ["multipart/form-data; boundary=x", "broken", true]],
        "texts": "ébc",
        "test": [
            "ERR_METHOD_NOT_IMPLEMENTED",
            "test.describe is not implemented in workerd-lite: it is there in files of tests, which workerd-lite test runs",
            "ERR_METHOD_NOT_IMPLEMENTED"
        ],
        "addon": addon("addon/build/Release/a.node"),
        "found": addon("found-addon/prebuilds/linux-x64/b.node"),
        "optional": "MODULE_NOT_FOUND",
        "computed": "function",
        "request": "GET",
        "report": "linux",
    });
    assert_eq!(parsed(&answer.body), expected);
}
