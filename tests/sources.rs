//! What a module's file may be: marked, linked, CommonJS, nested too deeply.

use crate::harness::{Project, json};

const MARK: &str = "\u{feff}";

#[test]
fn byte_order_marks_links_and_extensions() {
    let project = Project::new(&[
        (
            "worker.ts",
            &format!(
                "{MARK}import a from './a'; import b from './b.js'; import c from './c'; import d from './dir'; import e from './e.mjs'; import f from './up/'; import json from './marked.json';\n\
            import typed from './marked.json' with {{ type: 'json' }}; import text from './marked.txt'; import raw from './marked.md' with {{ type: 'text' }}; import bytes from './marked.md' with {{ type: 'bytes' }};\n\
            import linked from 'linked'; import pnpm from 'pnpm'; import built from 'built'; import spaced from './with%20space.js'; import hash from './h#sh.js'; import root from '/dir/deep/x'; import dot from '.';\n\
            export default {{ fetch: (): Response => Response.json([a, b, c, d, e, f, json, typed, text, raw, bytes.length, linked, pnpm, built, spaced, hash, root, dot, import.meta.url]) }};"
            ),
        ),
        ("index.js", "export default 'dot';"),
        ("a.ts", &format!("{MARK}export default 'a' as string;")),
        ("b.ts", "export default 'b' as string;"),
        ("c.mts", "export default 'c' as string;"),
        ("dir/index.ts", "export default 'dir' as string;"),
        ("dir/deep/x.js", "export { default } from '../../e.mjs';"),
        ("e.mts", "export default 'e' as string;"),
        ("up/index.js", &format!("{MARK}export default 'up';")),
        ("with space.js", "export default 'spaced';"),
        ("h#sh.js", "export default 'hash';"),
        ("marked.json", &format!("{MARK}{{\"a\":1}}")),
        ("marked.txt", &format!("{MARK}text{MARK}")),
        ("marked.md", &format!("{MARK}raw")),
        (
            "packages/linked/package.json",
            &format!("{MARK}{{ \"name\": \"linked\", \"exports\": \"./src/main.ts\" }}"),
        ),
        ("packages/linked/src/main.ts", "export { default } from './other';"),
        ("packages/linked/src/other.ts", "export default 'linked' as string;"),
        (
            "node_modules/.pnpm/pnpm@1.0.0/node_modules/pnpm/package.json",
            r#"{ "name": "pnpm", "module": "index.js" }"#,
        ),
        (
            "node_modules/.pnpm/pnpm@1.0.0/node_modules/pnpm/index.js",
            "import dep from 'dep'; export default `pnpm ${dep}`;",
        ),
        (
            "node_modules/.pnpm/dep@1.0.0/node_modules/dep/package.json",
            r#"{ "name": "dep", "exports": { "import": "./index.mjs" } }"#,
        ),
        (
            "node_modules/.pnpm/dep@1.0.0/node_modules/dep/index.mjs",
            "export default 'dep';",
        ),
        (
            "node_modules/built/package.json",
            r#"{ "name": "built", "module": "index.js" }"#,
        ),
        ("node_modules/built/index.js", "export { default } from './x';"),
        ("node_modules/built/x.js", "export default 'built';"),
        ("node_modules/built/x.ts", "export default 'source' as string;"),
    ]);
    let link = |to: &str, from: &str| std::os::unix::fs::symlink(to, project.path().join(from)).unwrap();
    link("../packages/linked", "node_modules/linked");
    link(".pnpm/pnpm@1.0.0/node_modules/pnpm", "node_modules/pnpm");
    link(
        "../../dep@1.0.0/node_modules/dep",
        "node_modules/.pnpm/pnpm@1.0.0/node_modules/dep",
    );
    let server = project.serve(&["worker.ts"]);
    let expected = serde_json::json!([
        "a", "b", "c", "dir", "e", "up", { "a": 1 }, { "a": 1 }, format!("text{MARK}"), "raw", 6, "linked", "pnpm dep", "built", "spaced", "hash", "e", "dot",
        "file:///worker.ts"
    ]);
    assert_eq!(json(&server.get("/").body), expected);
}

/// Parsers recurse: what nests too deeply is an error, and ends nothing.
#[test]
fn deeply_nested_source_is_an_error() {
    let project = Project::new(&[]);
    let many = 100_000;
    for (file, before, level, after) in [
        ("a.js", "export default ", "(", ")"),
        ("a.js", "export default ", "[", "]"),
        ("a.ts", "export default ", "[", "]"),
        ("a.ts", "let a: ", "Array<", ">"),
        ("a.jsx", "export default ", "<a>", "</a>"),
        ("a.js", "export default ", "{a:", "}"),
        ("a.js", "export default 1", "+1", ""),
        ("a.ts", "export default 1", "+1", ""),
        ("a.js", "", "{", "}"),
        ("a.js", "export default ", "!", ""),
        ("a.js", "export default ", "a=>", ""),
        ("a.js", "export default a", ".b()", ""),
        ("a.js", "", "if(0);else ", ";"),
        ("a.js", "export default ", "`${", "}`"),
        ("a.js", "@(", "(", ")"),
    ] {
        for count in [20_000, many] {
            project.write(
                file,
                &format!("{before}{}0{}", level.repeat(count), after.repeat(count)),
            );
            project.write(
                "worker.js",
                &format!("import './{file}';\nexport default {{ fetch: () => new Response('ok') }};"),
            );
            let output = project.command(&["check", "worker.js"]).output().unwrap();
            assert!(
                matches!(output.status.code(), Some(0 | 1)),
                "{file} {before}{level} {count}: {:?}",
                output.status
            );
        }
    }
}

/// CommonJS packages, as bundlers take them.
#[test]
fn commonjs_packages_are_imported_and_required() {
    let package = |name: &str, more: &str| format!("{{ \"name\": \"{name}\", \"version\": \"1.0.0\" {more} }}");
    let project = Project::new(&[
        (
            "node_modules/plain/package.json",
            &package("plain", ", \"main\": \"index\""),
        ),
        (
            "node_modules/plain/index.js",
            "#!/usr/bin/env node\n'use strict';\nconst dep = require('dep'); const { part } = require('./lib/part'); const data = require('./data.json'); const esm = require('esm');\n\
             let optional; try { optional = require('absent'); } catch (error) { optional = error.code; }\nlet fs; try { require('fs').readFileSync('/'); } catch (error) { fs = error.code === 'EISDIR'; }\n\
             exports.named = [dep.which, part(), data.a, esm.default, esm.other, esm.__esModule, optional, fs, this === exports, typeof __filename];\nmodule.exports.count = () => ++count; let count = 0; // the end",
        ),
        (
            "node_modules/plain/lib/part.js",
            "const cycle = require('../cycle'); exports.part = () => cycle.name();",
        ),
        (
            "node_modules/plain/cycle.js",
            "exports.name = () => Object.keys(part).join(); const part = require('./lib/part'); exports.early = part;",
        ),
        ("node_modules/plain/data.json", "{\"a\":1}"),
        (
            "node_modules/dep/package.json",
            &package(
                "dep",
                ", \"exports\": { \"import\": \"./import.mjs\", \"require\": \"./require.cjs\" }",
            ),
        ),
        ("node_modules/dep/import.mjs", "export const which = 'import';"),
        ("node_modules/dep/require.cjs", "exports.which = 'require';"),
        (
            "node_modules/esm/package.json",
            &package("esm", ", \"type\": \"module\", \"exports\": \"./index.js\""),
        ),
        (
            "node_modules/esm/index.js",
            "export default 'esm'; export const other = 2;",
        ),
        ("node_modules/umd/package.json", &package("umd", "")),
        (
            "node_modules/umd/index.js",
            "(function (root, factory) { typeof exports === 'object' && typeof module !== 'undefined' ? module.exports = factory() : (root.U = factory()); })(this, function () { return class Umd { static name2 = 'umd' } });",
        ),
        ("node_modules/compiled/package.json", &package("compiled", "")),
        (
            "node_modules/compiled/index.js",
            "Object.defineProperty(exports, '__esModule', { value: true }); exports.default = 'the default'; Object.defineProperty(exports, 'getter', { enumerable: true, get: () => 'got' });",
        ),
        ("node_modules/star/package.json", &package("star", "")),
        (
            "node_modules/star/index.js",
            "module.exports = { shorthand, other: 1 }; function shorthand() {}",
        ),
        ("node_modules/broken/package.json", &package("broken", "")),
        ("node_modules/broken/index.js", "require('./syntax');"),
        ("node_modules/broken/syntax.js", "exports.a = ;"),
        (
            "node.mjs",
            "import compiled from 'compiled'; export default compiled.default;",
        ),
        (
            "worker.js",
            "import plain, { named, count } from 'plain'; import dep from 'dep/'; import { which } from 'dep'; import Umd from 'umd'; import compiled, { getter } from 'compiled'; import * as star from 'star'; import node from './node.mjs';\n\
             export default { async fetch() {\n  const broken = await import('broken').catch(String);\n  const late = await import('plain');\n  \
             return Response.json([named, plain.named === named, count(), late.default.count(), which, new Umd() instanceof Umd, Umd.name2, compiled, getter, Object.keys(star), node, broken]);\n} };",
        ),
    ]);
    let source = std::fs::read_to_string(project.path().join("worker.js")).unwrap();
    project.write("worker.js", &source.replace(" import dep from 'dep/';", ""));
    let said = json(&project.serve(&["worker.js"]).get("/").body);
    let named = serde_json::json!([
        "require",
        "part",
        1,
        "esm",
        2,
        true,
        "MODULE_NOT_FOUND",
        true,
        true,
        "string"
    ]);
    let expected = serde_json::json!([
        named,
        true,
        1,
        2,
        "import",
        true,
        "umd",
        "the default",
        "got",
        ["default", "module.exports", "other", "shorthand"],
        "the default"
    ]);
    let said = said.as_array().unwrap();
    for (index, expected) in expected.as_array().unwrap().iter().enumerate() {
        assert_eq!(&said[index], expected, "answer {index}");
    }
    let broken = said.last().unwrap().as_str().unwrap();
    assert!(
        broken.contains("node_modules/broken/syntax.js is not valid JavaScript"),
        "{broken}"
    );
}
