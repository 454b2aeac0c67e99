//! Modules that are given: their kinds, their names, and what of the machine none of them reads.

use super::{CONFIG, POLICY, case, serve, serve_as};

const CASES: &str = r#"
async kinds({ LOADER }) {
  const wasm = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 127, 3, 2, 1, 0, 7, 5, 1, 1, 102, 0, 0, 10, 6, 1, 4, 0, 65, 42, 11]);
  const stub = LOADER.load({ compatibilityDate: "2026-08-04", mainModule: "src/main.ts", modules: {
    "src/main.ts": `import js from "./lib/a.js"; import cjs from "../c.cjs"; import { named } from "../c.cjs"; import json from "../d.json"; import text from "../t.txt"; import data from "../x/data";
      import wasm from "../m.wasm"; import bare from "lib/bare.js"; import whole from "/whole.mjs"; import { basename } from "node:path"; import odd from "../a%20b?c#d.js";
      enum E { A = 1 }
      export default { async fetch(): Promise<Response> {
        const name = "later"; const later = await import("../" + name + ".js");
        return Response.json([js, cjs.n, named, json, text, new Uint8Array(data)[1], new WebAssembly.Instance(wasm).exports.f(), bare, whole, basename("/a/b"), odd, E.A, later.default, import.meta.url]);
      } };`,
    "src/lib/a.js": `import b from "../../b.mjs"; export default "a" + b;`, "b.mjs": `export default "b"`,
    "c.cjs": `exports.n = require("./d.json").k; exports.named = "n";`, "d.json": { json: { k: 1 } }, "t.txt": "text", "x/data": { data: new Uint8Array([1, 2]).buffer }, "m.wasm": { wasm },
    "src/lib/bare.js": "export default 'bare'", "whole.mjs": "export default 'whole'", "a%20b?c#d.js": "export default 'odd'", "later.js": "export default 'later'",
  } });
  return JSON.parse(await ask(stub));
},
async compiled({ LOADER }) {
  const wasm = new WebAssembly.Module(Uint8Array.from(atob("AGFzbQEAAAABBQFgAAF/AwIBAAcFAQFmAAAKBgEEAEEqCw=="), (c) => c.charCodeAt(0)));
  const main = `import a from "./a"; import b from "./b"; export default { fetch: () => Response.json([a, b].map((m) => new WebAssembly.Instance(m).exports.f())) }`;
  return JSON.parse(await ask(LOADER.load({ ...code(""), modules: { "main.js": main, a: wasm, b: { wasm } } })));
},
async jsx({ LOADER }) {
  const modules = {
    "main.tsx": `import { Row } from "./row.jsx"; const n: number = 1; export default { fetch: () => new Response(<ul><Row n={n} /></ul>) };`,
    "row.jsx": `export const Row = ({ n }) => <li>{n}</li>;`,
    "react/jsx-runtime": { js: `const tag = (t, props) => typeof t === "function" ? t(props) : "<" + t + ">" + props.children + "</" + t + ">"; export { tag as jsx, tag as jsxs };` },
  };
  const order = { ...code(""), mainModule: "main.tsx", modules };
  const { "react/jsx-runtime": _, ...alone } = modules;
  return [await ask(LOADER.load(order)), await why(ask(LOADER.load({ ...order, modules: alone })))];
},
async objects({ LOADER }) {
  return why((async () => LOADER.load(code("")).getDurableObjectClass("Room"))());
},
async without({ LOADER }) {
  const main = `export default { async fetch() { return new Response([typeof process, typeof Buffer].join()) } }`;
  const old = code(main, { compatibilityDate: "2024-01-01" });
  const nothing = await ask(LOADER.load(old));
  const flag = await ask(LOADER.load({ ...old, compatibilityFlags: ["nodejs_compat"] }));
  return [nothing, flag, await why(ask(LOADER.load({ ...old, modules: { "main.js": "import 'node:fs'; " + main } })))];
},
async escapes({ LOADER }, ctx, request) {
  const all = {};
  for (const name of ["../x", "../../etc/passwd", "/etc/passwd", "file:///etc/passwd", "%2e%2e/worker.js", "./%2e%2e/worker.js", "worker.js", "./worker.js", "/worker.js", "tools.js", "file:///worker.js", "outbound.js",
    "http://up.example/x.js", "data:text/javascript,export default 1", "blob:null/1", "node:fs/../x", "ext:core/ops", "ext:workerd_lite/worker/boot.js", "workerd-lite:policy", "workerd-lite:test", "workerd-lite:commonjs", "./.dev.vars", "..\\worker.js"]) {
    const literal = JSON.stringify(name);
    const main = "export default { fetch: () => new Response('loaded') }";
    all[name] = [
      await why(ask(LOADER.load(code(`import * as x from ${literal}; ${main}`)))),
      await why(ask(LOADER.load(code(`import * as x from ${literal} with { type: "text" }; ${main}`)))),
      await why(ask(LOADER.load(code(`export default { async fetch() { await import(${literal}); return new Response("loaded") } }`)))),
      await why(ask(LOADER.load(code(`export default { async fetch() { const n = ${literal}; await import(n + ""); return new Response("loaded") } }`)))),
      await why(ask(LOADER.load({ ...code(""), mainModule: "main.cjs", modules: { "main.cjs": `exports.default = { fetch() { require(${literal}); return new Response("loaded") } }` } }))),
    ];
  }
  return all;
},
async files({ LOADER }) {
  return JSON.parse(await ask(LOADER.load(code(`
    import fs from "node:fs";
    export default { fetch() { const see = (p) => { try { return fs.readdirSync(p).sort(); } catch (e) { return e.code; } };
      return Response.json([see("/bundle"), see("/"), see("/etc"), see("/proc")]); } }`, {}))));
},
"#;

#[test]
fn each_kind_is_read_by_its_name() {
    let (_project, server) = serve(CASES);
    assert_eq!(
        case(&server, "kinds"),
        serde_json::json!(["ab", 1, "n", { "k": 1 }, "text", 2, 42, "bare", "whole", "b", "odd", 1, "later", "file:///src/main.ts"])
    );
    let without = case(&server, "without");
    assert_eq!(
        (&without[0], &without[1]),
        (&"undefined,undefined".into(), &"object,function".into())
    );
    assert!(without[2].as_str().unwrap().contains("node:fs"), "{without}");
}

#[test]
fn compiled_webassembly_and_jsx_are_modules_too() {
    let (_project, server) = serve(CASES);
    assert_eq!(case(&server, "compiled"), serde_json::json!([42, 42]));
    let jsx = case(&server, "jsx");
    assert_eq!(jsx[0], "<ul><li>1</li></ul>");
    assert!(jsx[1].as_str().unwrap().contains("react/jsx-runtime"), "{jsx}");
    let objects = case(&server, "objects");
    assert!(
        objects.as_str().unwrap().contains("Durable Objects are not supported"),
        "{objects}"
    );
}

#[test]
fn no_import_reads_the_machine() {
    let config = CONFIG
        .replace("subrequests = 60", "subrequests = 600")
        .replace("cpu_ms = 2000", "cpu_ms = 60_000");
    let (_project, server) = serve_as(&config, POLICY, CASES);
    let all = case(&server, "escapes");
    for (name, tried) in all.as_object().unwrap() {
        for told in tried.as_array().unwrap() {
            let told = told.as_str().unwrap();
            assert!(!told.starts_with("no error"), "{name}: {told}");
            assert!(!told.contains("root:"), "{name}: {told}");
        }
    }
    let files = case(&server, "files");
    assert_eq!(files[0], serde_json::json!(["main.js"]));
    assert_eq!(files[2], "ENOENT", "{files}");
}
