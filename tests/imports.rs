//! What a specifier names, and when an import that names nothing fails.

use crate::harness::{Project, json, otherwise_in_processes};

const PACKAGE: &str = r##"{ "name": "lib", "version": "1.0.0", "type": "module", "main": "./main.js",
  "imports": { "#inner": { "workerd": "./inner/workerd", "default": "./inner/default.js" }, "#full": "./full.js", "#dir/*": "./inner/*.js" },
  "browser": { "./node-impl.js": "./web-impl.js", "./bare-key": "./web-bare.js", "./full.js": "./web-full.js", "no-dot.js": "./web-no-dot.js",
    "./gone.js": false, "./main.js": "./web-main.js", "fs": false, "node:os": "./web-os.js", "crypto": "./web-crypto", "other": "third",
    "other/sub.js": "./web-sub.js", "./sub/dir": "./web-dir.js", "./never-there.js": "./web-never.js" } }"##;

/// Keys and requests, with and without an extension.
#[test]
fn browser_maps_hold_for_every_way_to_name_a_file() {
    let project = Project::new(&[
        ("node_modules/lib/package.json", PACKAGE),
        ("node_modules/lib/main.js", "throw new Error('main');"),
        (
            "node_modules/third/package.json",
            r#"{ "name": "third", "module": "index.js" }"#,
        ),
        ("node_modules/third/index.js", "export default 'third';"),
        (
            "node_modules/other/package.json",
            r#"{ "name": "other", "module": "index.js", "browser": "./string.js" }"#,
        ),
        ("node_modules/other/index.js", "export default 'not for browsers';"),
        ("node_modules/other/string.js", "export default 'string';"),
        ("node_modules/other/sub.js", "throw new Error('sub');"),
        ("node_modules/lib/inner/workerd.js", "export default 'workerd';"),
        ("node_modules/lib/inner/default.js", "export default 'default';"),
        (
            "node_modules/lib/deep/er.js",
            "export { default } from '../node-impl';\nexport { default as full } from '../node-impl.js';",
        ),
        (
            "node_modules/lib/web-main.js",
            "import a from './node-impl.js'; import b from './node-impl'; import c from './bare-key.js'; import d from './bare-key'; import e from './full';\n\
             import f from './no-dot.js'; import gone, { x, y as z } from './gone.js'; import * as gone2 from './gone'; import fs from 'fs'; import { readFile } from 'node:fs';\n\
             import os from 'node:os'; import crypto from 'crypto'; import other from 'other'; import sub from 'other/sub'; import dir from './sub/dir/index.js';\n\
             import never from './never-there'; import inner from '#inner'; import full from '#full'; import some from '#dir/default'; import { default as deep, full as deepFull } from './deep/er';\n\
             export default [a, b, c, d, e, f, gone, String(x), String(z), Object.keys(gone2), typeof fs.readFileSync, typeof readFile, os, crypto, other, sub, dir, never, inner, full, some, deep, deepFull];",
        ),
        (
            "worker.js",
            "import lib from 'lib'; import other from 'other';\nexport default { fetch: async () => Response.json([...lib, other, (await import('lib/gone')).default]) };",
        ),
    ]);
    for name in ["node-impl", "bare-key", "full", "no-dot", "gone", "sub/dir/index"] {
        project.write(&format!("node_modules/lib/{name}.js"), "throw new Error('of Node');");
    }
    for name in ["impl", "bare", "full", "no-dot", "os", "crypto", "sub", "dir", "never"] {
        project.write(
            &format!("node_modules/lib/web-{name}.js"),
            &format!("export default 'web {name}';"),
        );
    }
    let server = project.serve(&["worker.js"]);
    let expected = serde_json::json!([
        "web impl",
        "web impl",
        "web bare",
        "web bare",
        "web full",
        "web no-dot",
        {},
        "undefined",
        "undefined",
        ["default"],
        "function",
        "function",
        "web os",
        "web crypto",
        "third",
        "web sub",
        "web dir",
        "web never",
        "workerd",
        "web full",
        "default",
        "web impl",
        "web impl",
        "string",
        {}
    ]);
    assert_eq!(json(&server.get("/").body), expected);
}

/// What only an `import()` reaches fails when it runs, and says what and where.
#[test]
fn dynamic_imports_fail_when_they_run() {
    let reasons = [
        (
            "missing.js",
            "import './gone.js';",
            "TypeError: ./gone.js can not be imported: there is no such file (imported at missing.js:1:8)",
        ),
        (
            "syntax.js",
            "export const a = 1;\nexport const b = ;",
            "TypeError: syntax.js is not valid JavaScript: Unexpected token (syntax.js:2:18)",
        ),
        (
            "types.ts",
            "const a: = 1; export {};",
            "TypeError: types.ts is not valid TypeScript",
        ),
        (
            "deep.js",
            "export * from './syntax.js';",
            "TypeError: syntax.js is not valid JavaScript",
        ),
        (
            "unknown.js",
            "import './data.xyz';",
            "TypeError: data.xyz can not be imported: its type is unknown",
        ),
        (
            "forbidden.js",
            "import './policy.js';",
            "TypeError: policy.js can not be imported: it belongs to the owner",
        ),
        (
            "hidden.js",
            "import './.dev.vars' with { type: 'text' };",
            "TypeError: .dev.vars can not be imported: hidden files",
        ),
        (
            "builtin.js",
            "import sea from 'node:ffi';",
            "TypeError: import of \"node:ffi\" is refused: Node.js has no such module",
        ),
        (
            "bare.js",
            "import nothing from 'node:nothing';",
            "TypeError: import of \"node:nothing\" is refused: Node.js has no such module",
        ),
        (
            "package.js",
            "import x from 'absent';",
            "TypeError: the package of \"absent\" is not installed",
        ),
        (
            "remote.js",
            "import x from 'https://a.example/x.js';",
            "TypeError: import of \"https://a.example/x.js\" is refused",
        ),
        (
            "json.js",
            "import x from './bad.json';",
            "TypeError: bad.json is not valid JSON: ",
        ),
        (
            "json2.js",
            "import x from './bad.json' with { type: 'json' };",
            "TypeError: bad.json is not valid JSON: ",
        ),
        (
            "wasm.js",
            "import x from './bad.wasm';",
            "TypeError: bad.wasm can not be imported: it is no WebAssembly",
        ),
        (
            "outside.js",
            "import x from '../../../../../../../../etc/passwd' with { type: 'text' };",
            "TypeError: ../../../../../../../../etc/passwd can not be imported: there is no such file",
        ),
        (
            "link.js",
            "import x from './link.txt';",
            "TypeError: ./link.txt can not be imported: there is no such file",
        ),
        (
            "attribute.js",
            "import x from './bad.json' with { type: 'css' };",
            "TypeError: ",
        ),
        (
            "attributes.js",
            "import x from './good.js' with { lazy: 'true' };",
            "TypeError: Unsupported import attribute: \"lazy\"",
        ),
        ("throws.js", "throw new RangeError('own');", "RangeError: own"),
        ("name.js", "import { nothing } from './good.js';", "SyntaxError: "),
    ];
    let project = Project::new(&[
        ("good.js", "export default 'good';"),
        ("data.xyz", ""),
        ("bad.json", "{ 'a': 1 }"),
        ("bad.wasm", "no"),
        (".dev.vars", "A=1"),
        ("policy.js", "export default { fetch: () => new Response() };"),
        (
            "workerd-lite.toml",
            "main = 'worker.js'\nmodules = ['*.xyz']\n[outbound]\nmain = 'policy.js'\n",
        ),
    ]);
    let outside = tempfile::NamedTempFile::new().unwrap();
    std::os::unix::fs::symlink(outside.path(), project.path().join("link.txt")).unwrap();
    let mut imports = String::new();
    for (file, text, _) in &reasons {
        project.write(file, text);
        imports.extend(["'", file, "': () => import('./", file, "'), "]);
    }
    project.write(
        "worker.js",
        &format!(
            "const imports = {{ {imports} '/direct': () => import('./gone.js'), '/text': () => import('./data.xyz', {{ with: {{ type: 'text' }} }}) }};\n\
             export default {{ async fetch() {{\n  const said = {{ good: (await import('./good.js')).default }};\n  \
             for (const name in imports) try {{ await imports[name](); said[name] = 'imported'; }} catch (error) {{ said[name] = String(error); }}\n  \
             return Response.json(said);\n}} }};"
        ),
    );
    let server = project.serve(&[]);
    let said = json(&server.get("/").body);
    assert_eq!(said["good"], "good");
    assert_eq!(said["/text"], "imported");
    assert_eq!(
        said["/direct"],
        "TypeError: ./gone.js can not be imported: there is no such file (imported at worker.js:1:".to_owned()
            + said["/direct"].as_str().unwrap().rsplit_once(":1:").unwrap().1
    );
    let root = project.path().display().to_string();
    for (file, _, words) in &reasons {
        let error = said[file].as_str().unwrap();
        assert!(error.starts_with(words), "{file}: {error}");
        assert!(
            !error.contains(&root) && !error.contains(&*outside.path().to_string_lossy()),
            "{file}: {error}"
        );
    }
    drop(server);
    if otherwise_in_processes("what fails while it runs at its top does not keep the server from starting") {
        return;
    }
    // The same on a static path fails the start, with the line.
    for (file, _, words) in &reasons {
        let words = words.split_once(": ").unwrap().1.split(" (").next().unwrap();
        project.write(
            "worker.js",
            &format!("import('./{file}');\nimport './middle.js';\nexport default {{ fetch() {{}} }};"),
        );
        project.write("middle.js", &format!("import './{file}';"));
        let report = project.refused(&[]);
        if !["outside.js", "link.js"].contains(file) {
            assert!(report.replace("\n    ", " ").contains(words), "{file}: {report}");
        }
    }
}

/// A bare name of Node's: what is installed wins, as for bundlers, and nothing else is advised.
#[test]
fn names_of_nodes_modules() {
    let project = Project::new(&[
        (
            "node_modules/events/package.json",
            r#"{ "name": "events", "module": "events.js" }"#,
        ),
        ("node_modules/events/events.js", "export default 'installed';"),
        (
            "node_modules/string_decoder/package.json",
            r#"{ "name": "string_decoder", "exports": "./lib.js" }"#,
        ),
        ("node_modules/string_decoder/lib.js", "export default 'decoder';"),
        (
            "worker.js",
            "import events from 'events'; import again from 'events/'; import decoder from 'string_decoder';\nexport default { fetch: () => new Response(events + again + decoder) };",
        ),
    ]);
    project.write(
        "wrangler.toml",
        "main = 'worker.js'\ncompatibility_flags = ['no_nodejs_compat']\n",
    );
    assert_eq!(project.serve(&[]).get("/").body, "installedinstalleddecoder");
    for name in [
        "crypto",
        "fs",
        "fs/promises",
        "assert",
        "assert/strict",
        "process",
        "buffer",
        "util/types",
        "punycode/",
        "node:crypto",
        "node:fs/promises",
        "node:sqlite",
    ] {
        project.write(
            "worker.js",
            &format!("import x from '{name}';\nexport default {{ fetch() {{}} }};"),
        );
        let report = project.refused(&[]).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            report.contains("a module of Node.js") && report.contains("node:assert"),
            "{name}: {report}"
        );
        assert!(!report.contains("npm install"), "{name}: {report}");
    }
    for (name, words) in [
        ("node:nothing", "Node.js has no such module"),
        ("sqlite", "npm install it"),
        ("lodash", "npm install it"),
    ] {
        project.write(
            "worker.js",
            &format!("import x from '{name}';\nexport default {{ fetch() {{}} }};"),
        );
        let report = project.refused(&[]);
        assert!(report.contains(words), "{name}: {report}");
    }
}

/// What a module throws is what its `import()` rejects with, each time.
#[test]
fn an_import_rejects_with_what_was_thrown() {
    let project = Project::new(&[
        (
            "own.js",
            "export class Own extends Error { code = 'E_OWN'; }\nexport const thrown = {};",
        ),
        (
            "early.js",
            "import { Own, thrown } from './own.js';\nthrow thrown.early = new Own('early');",
        ),
        (
            "late.js",
            "import { Own, thrown } from './own.js';\nawait 0;\nthrow thrown.late = new Own('late');",
        ),
        (
            "required.cjs",
            "throw globalThis.required = new RangeError('required');",
        ),
        ("plain.js", "throw globalThis.plain = { a: 1 };"),
        ("engine.js", "export {};\nnull.a;"),
        (
            "worker.js",
            "import { Own, thrown } from './own.js';\n\
             const kind = (error) => `${error.constructor.name} ${error.code ?? ''} ${error.message}`;\n\
             const tried = async (load, same) => { const seen = []; for (let i = 0; i < 2; i++) await load().catch((error) => seen.push(`${kind(error)} ${same(error)}`)); return seen; };\n\
             const at = (error) => error.stack.split('\\n')[1].trim();\n\
             const named = (name) => import(name);\n\
             export default { async fetch() { return Response.json({\n\
               early: await tried(() => import('./early.js'), (error) => error === thrown.early && error instanceof Own),\n\
               late: await tried(() => import('./late.js'), (error) => error === thrown.late && error instanceof Own),\n\
               required: await tried(() => import('./required.cjs'), (error) => error === globalThis.required),\n\
               plain: await tried(() => import('./plain.js'), (error) => error === globalThis.plain),\n\
               engine: await tried(() => import('./engine.js'), at),\n\
               absent: await tried(() => import('./absent.js'), (error) => error instanceof TypeError),\n\
               builtIn: typeof (await named('cloudflare:workers')).WorkerEntrypoint,\n\
             }); } };",
        ),
    ]);
    let said = json(&project.serve(&["worker.js"]).get("/").body);
    assert_eq!(
        said["early"],
        serde_json::json!(["Own E_OWN early true", "Own E_OWN early true"])
    );
    assert_eq!(
        said["late"],
        serde_json::json!(["Own E_OWN late true", "Own E_OWN late true"])
    );
    assert_eq!(
        said["required"],
        serde_json::json!(["RangeError  required true", "RangeError  required true"])
    );
    assert_eq!(
        said["plain"],
        serde_json::json!(["Object  undefined true", "Object  undefined true"])
    );
    let engine = "TypeError  Cannot read properties of null (reading 'a') at file:///engine.js:2:6";
    assert_eq!(said["engine"], serde_json::json!([engine, engine]));
    let absent = said["absent"][1].as_str().unwrap();
    assert!(
        absent.starts_with("TypeError ERR_MODULE_NOT_FOUND ./absent.js can not be imported"),
        "{said}"
    );
    assert_eq!(said["builtIn"], "function");
}
