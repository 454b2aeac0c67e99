//! TypeScript, JSX and npm packages without a bundler, and what no worker may import.

use std::path::Path;

use crate::harness::{Project, json, otherwise_in_processes, peers};

#[test]
fn typescript_runs_and_its_errors_show_its_own_lines() {
    let project = Project::new(&[
        ("wrangler.jsonc", r#"{ "name": "ts", "main": "src/index.ts" }"#),
        (
            "tsconfig.json",
            r#"{ "compilerOptions": { "baseUrl": ".", "paths": { "@lib/*": ["src/lib/*"] } } }"#,
        ),
        (
            "src/lib/greet.ts",
            "export interface Greeting { text: string }\n\nexport function greet(name: string): Greeting {\n  \
             if (name === 'throw') throw new Error('no such name' as string);\n  return { text: `hello ${name}` };\n}\n",
        ),
        (
            "src/index.ts",
            "import { greet, type Greeting } from '@lib/greet';\nimport * as same from './lib/greet.js';\nimport data from './data.json';\n\
             enum Kind { A = 'a' }\nexport default {\n  async fetch(request: Request): Promise<Response> {\n    \
             const g: Greeting = greet(new URL(request.url).pathname.slice(1));\n    \
             return Response.json({ ...g, kind: Kind.A, same: same.greet === greet, data });\n  },\n} satisfies object;\n",
        ),
        ("src/data.json", "{\"a\":1}"),
    ]);
    let server = project.serve(&["--dev"]);
    assert_eq!(
        server.get("/bob").body,
        r#"{"text":"hello bob","kind":"a","same":true,"data":{"a":1}}"#
    );
    let failed = server.get("/throw").body;
    assert!(
        failed.contains("src/lib/greet.ts:4:") && failed.contains("src/index.ts:7:"),
        "{failed}"
    );
    drop(server);
    project.write("src/index.ts", "export default {\n  fetch(request: Request): {\n");
    let report = project.refused(&[]);
    assert!(
        report.contains("src/index.ts is not valid TypeScript") && report.contains("index.ts:3"),
        "{report}"
    );
}

#[test]
fn packages_resolve_by_workers_conditions() {
    let package = r#"{ "name": "lib", "version": "1.0.0", "type": "module", "exports": { ".": { "workerd": "./workerd.js", "node": "./node.js", "default": "./default.js" }, "./sub": { "types": "./x.d.ts", "import": "./sub.mjs" } } }"#;
    let project = Project::new(&[
        (
            "worker.js",
            "import which from 'lib'; import sub from 'lib/sub'; import legacy from 'legacy'; import { x } from './folder';\n\
             export default { fetch: async () => Response.json([which, sub, legacy, x, (await import('lib')).default, import.meta.resolve('./a.js')]) };",
        ),
        ("folder/index.js", "export const x = 'index';"),
        ("node_modules/lib/package.json", package),
        ("node_modules/lib/workerd.js", "export default 'workerd';"),
        ("node_modules/lib/node.js", "export default 'node';"),
        ("node_modules/lib/default.js", "export default 'default';"),
        ("node_modules/lib/sub.mjs", "export { default } from '#inner';"),
        (
            "node_modules/legacy/package.json",
            r#"{ "name": "legacy", "module": "esm.js", "main": "cjs.js" }"#,
        ),
        ("node_modules/legacy/esm.js", "export default 'module field';"),
        ("node_modules/legacy/cjs.js", "module.exports = 'main field';"),
        (
            "node_modules/common/package.json",
            r#"{ "name": "common", "main": "index.js" }"#,
        ),
        ("node_modules/common/index.js", "exports.a = 1;"),
    ]);
    project.write("node_modules/lib/sub.mjs", "export default 'sub';");
    let server = project.serve(&["worker.js"]);
    assert_eq!(
        server.get("/").body,
        r#"["workerd","sub","module field","index","workerd","file:///a.js"]"#
    );
    drop(server);
    for (import, words) in [
        ("'absent'", "the package of \"absent\" is not installed"),
        ("'./absent'", "./absent can not be imported: there is no such file"),
        ("'lib/private'", "\"lib/private\" can not be imported"),
        // The package is there, and the file is not.
        (
            "'legacy/absent.js'",
            "\"legacy/absent.js\" can not be imported: its package is installed, and has no such file",
        ),
    ] {
        project.write(
            "worker.js",
            &format!("import {import};\nexport default {{ fetch() {{}} }};"),
        );
        let report = project.refused(&["worker.js"]);
        assert!(report.contains(words), "{import}: {report}");
    }
}

#[test]
fn real_libraries_run_unbundled() {
    let Some(folder) = peers::npm() else { return };
    let project = Project::new(&[
        ("package.json", "{ \"type\": \"module\" }"),
        (
            "index.tsx",
            "/** @jsxImportSource hono/jsx */\nimport { Hono } from 'hono';\nimport { z } from 'zod';\nimport { SignJWT } from 'jose';\n\
             import { Resvg, initWasm } from '@resvg/resvg-wasm';\nimport wasm from '@resvg/resvg-wasm/index_bg.wasm';\nawait initWasm(wasm);\n\
             const app = new Hono();\n\
             app.get('/page/:name', (c) => c.html(<h1>hello {z.string().max(5).parse(c.req.param('name'))}</h1>));\n\
             app.get('/jwt', async (c) => c.text((await new SignJWT({ a: 1 }).setProtectedHeader({ alg: 'HS256' }).sign(new Uint8Array(32))).split('.').length.toString()));\n\
             app.get('/image', (c) => c.body(new Resvg('<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"8\" height=\"4\"/>').render().asPng()));\n\
             export default app;\n",
        ),
    ]);
    for package in ["hono", "zod", "jose", "@resvg/resvg-wasm"] {
        let to = project.path().join("node_modules").join(package);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        let copied = std::process::Command::new("cp")
            .arg("-r")
            .arg(folder.join("node_modules").join(package))
            .arg(&to)
            .status();
        assert!(copied.unwrap().success());
    }
    project.write("wrangler.jsonc", r#"{ "name": "real", "main": "index.tsx" }"#);
    let server = project.serve(&[]);
    assert_eq!(server.get("/page/bob").body, "<h1>hello bob</h1>");
    assert_eq!(server.get("/jwt").body, "3");
    assert!(server.get("/image").body.contains("PNG"));
    assert_eq!(server.get("/page/too-long").status, 500);
}

/// One file, as whatever its importers want of it.
#[test]
fn a_file_is_imported_by_several_types() {
    let project = Project::new(&[
        (
            "worker.js",
            "import text from './a.ts' with { type: 'text' };\nimport { a } from './a.ts';\nimport bytes from './a.ts' with { type: 'bytes' };\n\
             import json from './b.json' with { type: 'json' };\nimport raw from './b.json' with { type: 'text' };\nimport plain from './b.json';\n\
             export default { fetch: () => Response.json([text, a, new TextDecoder().decode(bytes), json, raw, plain]) };",
        ),
        ("a.ts", "export const a: number = 1;"),
        ("b.json", "{\"b\":2}"),
    ]);
    let server = project.serve(&["worker.js"]);
    assert_eq!(
        server.get("/").body,
        r#"["export const a: number = 1;",1,"export const a: number = 1;",{"b":2},"{\"b\":2}",{"b":2}]"#
    );
}

#[test]
fn what_is_the_owners_is_no_module() {
    let project = Project::new(&[
        (".dev.vars", "TOKEN=t\n"),
        ("policy/outbound.js", "export default { fetch: () => new Response() };"),
        (
            "workerd-lite.toml",
            "main = 'agent.js'\n[outbound]\nconfig = 'policy/wrangler.jsonc'\ncredentials = [{ binding = 'A', credential = 'a' }]\n\
             [credentials.a]\ntype = 'bearer'\nfile = 'secrets/token'\nhosts = ['a.example']\n[audit]\nfile = 'audit.ndjson'\n",
        ),
        (
            "policy/wrangler.jsonc",
            r#"{ "main": "outbound.js", "vars": { "INSIDE": "canary" } }"#,
        ),
        ("secrets/token", "canary"),
        ("audit.ndjson", ""),
    ]);
    std::os::unix::fs::symlink("secrets/token", project.path().join("innocent.txt")).unwrap();
    for file in [
        "./.dev.vars",
        "./secrets/token",
        "./innocent.txt",
        "./workerd-lite.toml",
        "./audit.ndjson",
        "./policy/outbound.js",
        "./policy/wrangler.jsonc",
        "/secrets/token",
        "./x/../secrets/token",
    ] {
        project.write(
            "agent.js",
            &format!("import text from {file:?} with {{ type: 'text' }};\nexport default {{ fetch: () => new Response(text) }};"),
        );
        let report = project.refused(&[]);
        assert!(
            report.contains("may not read it") || report.contains("hidden files"),
            "{file}: {report}"
        );
        assert!(!report.contains("canary"), "{report}");
    }
    assert!(Path::new(project.path()).exists());
}

#[test]
fn what_was_made_once_is_kept_and_may_be_lost() {
    if otherwise_in_processes("a process has no folder to keep compiled code in") {
        return;
    }
    let project = Project::new(&[(
        "worker.ts",
        "import { word } from './word';\nexport default { fetch: (): Response => new Response(word) };",
    )]);
    project.write("word.ts", "export const word: string = 'one';");
    let cache = project.path().join("cache");
    let serve = || {
        let folder = cache.display().to_string();
        let environment = [
            ("WORKERD_LITE_CACHE_DIR", &*folder),
            ("RUST_LOG", "info,workerd_lite=debug"),
        ];
        let server = project.serve_with(&["worker.ts", "--threads=1"], &environment);
        (
            server.get("/").body,
            server.log().matches("was taken from the cache").count(),
        )
    };
    assert_eq!(serve(), ("one".into(), 0));
    let files = || -> Vec<_> {
        std::fs::read_dir(&cache)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect()
    };
    assert_eq!(files().len(), 4, "parsed and compiled: {:?}", files());
    let (body, taken) = serve();
    // What was parsed is taken where modules are read, in a process without a log.
    assert!(body == "one" && taken >= 2, "{body} {taken}");
    // What is damaged is made anew.
    for file in files() {
        let mut bytes = std::fs::read(&file).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        std::fs::write(&file, bytes).unwrap();
    }
    assert_eq!(serve(), ("one".into(), 0));
    assert!(serve().1 >= 2);
    project.write("word.ts", "export const word: string = 'two';");
    assert_eq!(serve().0, "two");
    // Compiled code that others may write is not trusted.
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o777);
    std::fs::set_permissions(&cache, mode).unwrap();
    assert_eq!(serve(), ("two".into(), 0));
    std::fs::remove_dir_all(&cache).unwrap();
    assert_eq!(serve(), ("two".into(), 0));
}

#[test]
fn typescript_may_assign_its_exports() {
    let project = Project::new(&[
        (
            "worker.ts",
            "import a from './a'; import b = require('./b'); import c from './c.cjs';\nexport default { fetch: () => Response.json([a, b.word, c(1)]) };",
        ),
        ("a.ts", "interface A { a: number }\nconst a: A = { a: 1 };\nexport = a;"),
        (
            "b.ts",
            "import a = require('./a');\nclass B { static word = `b${a.a}`; }\nexport = B;",
        ),
        ("c.cts", "function c(x: number): number { return x + 1; }\nexport = c;"),
    ]);
    let server = project.serve(&["worker.ts"]);
    assert_eq!(server.get("/").body, r#"[{"a":1},"b1",2]"#, "{}", server.log());
}

#[test]
fn a_jsconfig_names_paths_too() {
    let project = Project::new(&[
        (
            "worker.js",
            "import { word } from '@/word'; import lib from 'lib';\nexport default { fetch: () => new Response(word + lib) };",
        ),
        ("src/word.js", "export const word = 'from src';"),
        ("node_modules/lib/index.js", "module.exports = ' and lib';"),
        (
            "jsconfig.json",
            r#"{ "compilerOptions": { "paths": { "@/*": ["./src/*"] } } }"#,
        ),
    ]);
    assert_eq!(project.serve(&["worker.js"]).get("/").body, "from src and lib");
    // Beside a tsconfig.json it is nobody's.
    project.write("tsconfig.json", "{}");
    assert!(project.refused(&["worker.js"]).contains("@/word"));
}

#[test]
fn the_keys_of_json_are_exports() {
    let project = Project::new(&[
        (
            "package.json",
            r#"{ "name": "me", "version": "1.2.3", "a-b": { "c": 1 }, "default": 2, "class": 3, "__proto__": 4 }"#,
        ),
        ("list.json", "[1]"),
        (
            "worker.ts",
            "import whole, { version, name as n, class as kind, \"a-b\" as ab } from './package.json';\nimport * as all from './package.json';\n\
             import list from './list.json';\nimport typed from './package.json' with { type: 'json' };\n\
             export default { async fetch() { const { a, version: later } = await import('./package.json');\n\
             return Response.json([version, n, kind, ab, whole.default, all.name, all['a-b'] === ab, Object.keys(all), list, typed.name, a ?? null, later]); } };",
        ),
    ]);
    let seen = serde_json::json!([
        "1.2.3", "me", 3, { "c": 1 }, 2, "me", true, ["__proto__", "a-b", "class", "default", "name", "version"], [1], "me", null, "1.2.3"
    ]);
    let server = project.serve(&["worker.ts"]);
    assert_eq!(json(&server.get("/").body), seen, "{}", server.log());
    project.write(
        "worker.ts",
        "import { gone } from './package.json';\nexport default { fetch: () => new Response(gone) };",
    );
    assert!(project.refused(&["worker.ts"]).contains("'gone'"));
}

#[test]
fn types_may_be_exported_again() {
    let project = Project::new(&[(
        "worker.ts",
        "export { User, Id, load as read } from './barrel';\nimport { Id, Level, Config } from './types';\nimport * as types from './types';\n\
         import * as all from './barrel';\nexport { Id as Key, Level };\nlet config: Config = { level: Level.High };\n\
         export default { fetch: () => Response.json([config, all.load(), Object.keys(all), Object.keys(types)]) };",
    )]);
    project.write(
        "barrel.ts",
        "export { User, Id } from './types';\nexport { load } from './load';\nexport type { Level } from './types';",
    );
    project.write(
        "types.ts",
        "export interface User { id: Id }\nexport type Id = string;\nexport enum Level { Low, High }\ninterface Config { level: Level }\n\
         export { Config };\nexport type Unused = 1;\nexport declare const GIVEN: string;",
    );
    project.write(
        "load.ts",
        "import { User } from './types';\nexport const load = (): User => ({ id: 'x' });",
    );
    let server = project.serve(&["worker.ts"]);
    // What nobody exports again is not there.
    let seen = r#"[{"level":1},{"id":"x"},["Id","User","load"],["Id","Level","User"]]"#;
    assert_eq!(server.get("/").body, seen, "{}", server.log());
    // A name that there is not is an error yet.
    project.write(
        "barrel.ts",
        "export { User, Nobody } from './types';\nexport const load = 1, Id = 1;",
    );
    assert!(project.refused(&["worker.ts"]).contains("'Nobody'"));
}

#[test]
fn jsx_is_meant_as_tsconfig_says() {
    let project = Project::new(&[(
        "worker.tsx",
        "import { h } from './h';\nexport default { fetch: () => new Response(JSON.stringify(<b id=\"x\">{'y'}</b>)) };\nvoid h;",
    )]);
    project.write("h.ts", "export const h = (...all: unknown[]) => ['h', ...all];");
    project.write(
        "jsx/jsx-runtime.ts",
        "export const jsx = (...all: unknown[]) => ['jsx', ...all]; export const jsxs = jsx;",
    );
    let serve = |tsconfig: &str| {
        project.write("tsconfig.json", tsconfig);
        project.serve(&["worker.tsx"]).get("/").body
    };
    let classic = "{ // comments are fine\n \"compilerOptions\": { \"jsx\": \"react\", \"jsxFactory\": \"h\" } }";
    assert_eq!(serve(classic), r#"["h","b",{"id":"x"},"y"]"#);
    let automatic = r#"{ "compilerOptions": { "jsx": "react-jsx", "jsxImportSource": "own", "paths": { "own/jsx-runtime": ["./jsx/jsx-runtime.ts"] } } }"#;
    assert_eq!(serve(automatic), r#"["jsx","b",{"id":"x","children":"y"}]"#);
    // Where nobody says how, whoever names a factory wants it called, as with esbuild.
    let factory = r#"{ "compilerOptions": { "jsxFactory": "h" } }"#;
    assert_eq!(serve(factory), r#"["h","b",{"id":"x"},"y"]"#);
    project.write("tsconfig.json", "{");
    assert!(project.refused(&["worker.tsx"]).contains("tsconfig.json"));
}
