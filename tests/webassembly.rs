//! Modules of WebAssembly and of bytes, by import as on Workers.

use crate::harness::Project;

const ADD: &str = "(module (import \"host\" \"seven\" (func $seven (result i32))) (memory (export \"memory\") 1) \
                   (func (export \"add\") (param i32) (result i32) local.get 0 call $seven i32.add))";

#[test]
fn a_module_is_imported_and_instantiated() {
    let project = Project::new(&[
        (
            "worker.js",
            "import add from './add.wasm';\nimport again from './add.wasm?module';\nimport data from './data.bin';\n\
             import text from './data.bin' with { type: 'bytes' };\nimport { source } from './other.js';\n\
             const imports = { host: { seven: () => 7 } };\nconst { exports } = new WebAssembly.Instance(add, imports);\n\
             export default { async fetch() {\n  const other = await WebAssembly.instantiate(again, imports);\n  \
             const late = (await import('./add.wasm')).default;\n  return Response.json([\n    add instanceof WebAssembly.Module, exports.add(1), \
             other instanceof WebAssembly.Instance, other.exports.add(2), late === add, source instanceof WebAssembly.Module,\n    \
             exports.memory.grow(1), exports.memory instanceof WebAssembly.Memory, data instanceof ArrayBuffer, [...new Uint8Array(data)], text instanceof Uint8Array]);\n} };",
        ),
        ("other.js", "import source source from './add.wasm'; export { source };"),
    ]);
    project.write_wasm("add.wasm", ADD);
    std::fs::write(project.path().join("data.bin"), [0, 255, 1]).unwrap();
    let server = project.serve(&["worker.js"]);
    assert_eq!(
        server.get("/").body,
        "[true,8,true,9,true,true,1,true,true,[0,255,1],true]"
    );
}

/// The policy may have them too, and compile what it likes.
#[test]
fn a_policy_uses_one() {
    let project = Project::new(&[
        (
            "worker.js",
            "export default { fetch: (request) => fetch('http://x.test/') };",
        ),
        (
            "policy.js",
            "import add from './add.wasm';\nconst { exports } = new WebAssembly.Instance(add, { host: { seven: () => 7 } });\n\
             const { instance } = await WebAssembly.instantiate(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]));\n\
             export default { fetch: () => new Response(`${exports.add(3)} ${instance instanceof WebAssembly.Instance}`) };",
        ),
    ]);
    project.write_wasm("add.wasm", ADD);
    let server = project.serve(&["worker.js", "--outbound", "policy.js"]);
    assert_eq!(server.get("/").body, "10 true");
}

#[test]
fn what_can_not_be_used_is_refused_at_the_start() {
    let project = Project::new(&[(
        "worker.js",
        "import module from './module.wasm';\nexport default { fetch: () => new Response('ok') };",
    )]);
    for (bytes, why) in [
        (b"not".to_vec(), "it is no WebAssembly"),
        (
            wat::parse_str("(module (memory 1 2 shared))").unwrap(),
            "its memory is shared",
        ),
        (
            wat::parse_str("(module (import \"a\" \"b\" (memory 1 2 shared)))").unwrap(),
            "its memory is shared",
        ),
    ] {
        std::fs::write(project.path().join("module.wasm"), bytes).unwrap();
        let report = project.refused(&["worker.js"]);
        assert!(
            report.contains("module.wasm can not be imported")
                && report.contains(why)
                && report.contains("worker.js:1"),
            "{report}"
        );
    }
    // Whole to the reader, and of no meaning to V8: a function without a body.
    std::fs::write(
        project.path().join("module.wasm"),
        b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0",
    )
    .unwrap();
    let report = project.refused(&["worker.js"]);
    assert!(report.contains("module.wasm"), "{report}");
    project.write_wasm("module.wasm", ADD);
    project.write(
        "worker.js",
        "import source a from './module.wasm';\nimport b from './module.wasm';\nexport default { fetch: () => new Response('ok') };",
    );
    let report = project.refused(&["worker.js"]);
    assert!(report.contains("both as a module and as its source"), "{report}");
    project.write(
        "worker.js",
        "import source a from './worker.js';\nexport default { fetch: () => new Response('ok') };",
    );
    let report = project.refused(&["worker.js"]);
    assert!(report.contains("has no source to import"), "{report}");
}

/// A memory that outgrows the limit ends its isolate, and the next request gets a fresh one.
#[test]
fn memory_counts_against_the_limit() {
    let project = Project::new(&[
        (
            "worker.js",
            "import add from './add.wasm';\nlet served = 0;\nconst { exports } = new WebAssembly.Instance(add, { host: { seven: () => 7 } });\n\
             export default { async fetch(request) {\n  const pages = Number(new URL(request.url).searchParams.get('pages'));\n  \
             exports.memory.grow(pages);\n  await scheduler.wait(10);\n  return new Response(`${++served}`);\n} };",
        ),
        ("workerd-lite.toml", "main = 'worker.js'\n[limits]\nbuffers_mb = 16\n"),
    ]);
    project.write_wasm("add.wasm", ADD);
    let server = project.serve(&[]);
    assert_eq!(server.get("/?pages=10").body, "1");
    assert_eq!(server.get("/?pages=100").body, "2");
    let stopped = server.get("/?pages=200");
    assert_eq!(stopped.status, 503, "{}", stopped.body);
    assert!(stopped.body.contains("limit of memory"), "{}", stopped.body);
    assert_eq!(server.get("/?pages=10").body, "1");
}

/// What makes code is said of each agent, and nothing else is meant by it.
#[test]
fn code_generation_is_allowed_agent_by_agent() {
    let worker = "export default { fetch() { try { return new Response(String(eval('1 + 1'))); } catch (e) { return new Response(e.name); } } };";
    let project = Project::new(&[
        ("a.js", worker),
        (
            "workerd-lite.toml",
            "[[agents]]\nname = 'a'\nmain = 'a.js'\nmatch = ['127.0.0.1']\nunsafe_eval = true\n\
             [[agents]]\nname = 'b'\nmain = 'a.js'\nmatch = ['b.localhost']\n",
        ),
    ]);
    let server = project.serve(&[]);
    assert_eq!(server.get("/").body, "2");
    assert_eq!(server.curl("/", &["-H", "host: b.localhost"]).body, "EvalError");
    drop(server);
    // Code from strings reaches no more than other code does.
    project.write(
        "a.js",
        "const codes = ['Deno', '__bootstrap', 'import(\"http://127.0.0.1:1/x.js\")', 'import(\"./policy.js\")', 'import(\"/etc/hostname\")',\n  \
         'import(\"ext:core/mod.js\")', 'import(\"node:fs\")', 'new SharedArrayBuffer(8)', 'fetch(\"http://127.0.0.1:1/\")', 'import.meta.url'];\n\
         export default { async fetch() {\n  const reached = [];\n  for (const code of codes) for (const run of [eval, (code) => new Function(`return ${code}`)()]) {\n    \
         try { reached.push([code, String(await run(code))]); } catch {}\n  }\n  return Response.json(reached);\n} };",
    );
    project.write(
        "policy.js",
        "export default { fetch: () => new Response('no', { status: 403 }) };",
    );
    let server = project.serve(&[]);
    assert_eq!(server.get("/").body, "[]");
    drop(server);
    project.write(
        "workerd-lite.toml",
        "unsafe_eval = true\n[[agents]]\nname = 'a'\nmain = 'a.js'\n",
    );
    let report = project.refused(&[]);
    assert!(
        report.contains("unsafe_eval") && report.contains("[[agents]]"),
        "{report}"
    );
}
