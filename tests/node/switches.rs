//! When Node's modules are there, for whom, and by which names.

use crate::harness::{Project, json};

const GLOBALS: &str = "const there = () => ['Buffer', 'process', 'global', 'setImmediate', 'clearImmediate'].filter((name) => name in globalThis);\n";

#[test]
fn all_names_and_forms_give_the_same_modules() {
    let project = Project::new(&[
        (
            "old.cjs",
            "const { EventEmitter } = require('events');\nexports.same = require('node:events') === EventEmitter;\nexports.path = require('path').join('a', 'b');\nexports.buffer = Buffer.from('x').toString('hex');",
        ),
        (
            "worker.js",
            "import EventEmitter, { once, EventEmitter as Named } from 'node:events';\nimport * as bare from 'events';\nimport old from './old.cjs';\nimport { Buffer as Imported } from 'buffer';\n\
             import process_, { env, nextTick } from 'node:process';\nimport { createRequire, builtinModules } from 'node:module';\n\
             export default { async fetch() {\n  const dynamic = await import('node:path/posix');\n  const require = createRequire(import.meta.url);\n  let missing;\n  \
             try { require('lodash'); } catch (error) { missing = error.code; }\n  \
             return Response.json([EventEmitter === Named, bare.once === once, old, Imported === Buffer, process_ === process, env === process.env, typeof nextTick, dynamic.sep,\n    \
             require('node:util') === process.getBuiltinModule('util'), missing, builtinModules.includes('crypto'), global === globalThis]);\n} };",
        ),
    ]);
    let server = project.serve(&["worker.js"]);
    let old = serde_json::json!({ "same": true, "path": "a/b", "buffer": "78" });
    assert_eq!(
        json(&server.get("/").body),
        serde_json::json!([
            true,
            true,
            old,
            true,
            true,
            true,
            "function",
            "/",
            true,
            "MODULE_NOT_FOUND",
            true,
            true
        ])
    );
}

#[test]
fn dates_and_flags_decide_for_agents_and_policies() {
    let agent = format!(
        "{GLOBALS}export default {{ fetch: () => Response.json([there(), process.env.NAME, process.env.LIST, process.env.HOME ?? null]) }};"
    );
    let policy = format!(
        "{GLOBALS}import {{ createHash }} from 'node:crypto';\nexport default {{ fetch: () => Response.json([there(), createHash('sha1').digest('hex').length]) }};"
    );
    let asks = "export default { fetch: () => fetch('http://any.test/') };";
    for (settings, on) in [
        ("", true),
        ("compatibility_date = '2026-08-04'\n", true),
        (
            "compatibility_date = '2024-09-23'\ncompatibility_flags = ['nodejs_compat', 'nodejs_compat_populate_process_env']\n",
            true,
        ),
        ("compatibility_date = '2026-08-03'\n", false),
        ("compatibility_flags = ['no_nodejs_compat']\n", false),
    ] {
        let project = Project::new(&[
            ("worker.js", &agent),
            (
                "wrangler.toml",
                &format!("name = 'w'\nmain = 'worker.js'\n{settings}[vars]\nNAME = 'one'\nLIST = [1]\n"),
            ),
        ]);
        if on {
            let server = project.serve_with(&[], &[("HOME", "/root")]);
            let globals = ["Buffer", "process", "global", "setImmediate", "clearImmediate"];
            assert_eq!(
                json(&server.get("/").body),
                serde_json::json!([globals, "one", "[1]", null]),
                "{settings}"
            );
            continue;
        }
        project.write(
            "worker.js",
            &format!("{GLOBALS}export default {{ fetch: () => Response.json(there()) }};"),
        );
        let server = project.serve(&[]);
        assert_eq!(json(&server.get("/").body), serde_json::json!([]), "{settings}");
        drop(server);
        project.write(
            "worker.js",
            "import 'node:path';\nexport default { fetch: () => new Response() };",
        );
        let refused = project.refused(&[]);
        assert!(
            refused.contains("node:path") && refused.contains("no_nodejs_compat"),
            "{refused}"
        );
    }
    let project = Project::new(&[
        ("agent.js", asks),
        ("policy.js", &policy),
        (
            "workerd-lite.toml",
            "main = 'agent.js'\n[outbound]\nmain = 'policy.js'\n",
        ),
    ]);
    let server = project.serve(&[]);
    let answer = json(&server.get("/").body);
    assert_eq!(answer[1], 40);
    assert_eq!(answer[0].as_array().unwrap().len(), 5);
}

/// Packages import these and may not use them.
#[test]
fn modules_that_want_a_machine_load_and_throw_when_they_are_used() {
    let names = [
        "child_process",
        "cluster",
        "dgram",
        "dns",
        "dns/promises",
        "fs",
        "fs/promises",
        "http",
        "http2",
        "https",
        "inspector",
        "net",
        "repl",
        "sqlite",
        "tls",
        "trace_events",
        "tty",
        "v8",
        "vm",
        "wasi",
        "worker_threads",
    ];
    let worker: Vec<String> = names
        .iter()
        .enumerate()
        .map(|(index, name)| format!("import * as m{index} from 'node:{name}';\n"))
        .collect();
    let mut worker = worker.concat();
    worker.push_str(
        "import fs, { readFileSync } from 'fs';\nimport { spawn, execSync } from 'child_process';\nimport net from 'net';\nimport dns from 'node:dns';\nimport https from 'https';\nimport { Worker, isMainThread } from 'worker_threads';\n\
         const code = (run) => { try { run(); return 'ran'; } catch (error) { return error.code; } };\n\
         const emitted = (emitter) => new Promise((resolve) => emitter.on('error', (error) => resolve([error.code, error.syscall, error.port ?? null])));\n\
         export default { async fetch() {\n  return Response.json([\n    code(() => readFileSync('/etc/passwd')), code(() => spawn('ls')), code(() => execSync('id')), code(() => new Worker('x')), isMainThread,\n    \
         fs.existsSync('/etc/passwd'), await fs.promises.readFile('/etc/passwd').catch((error) => error.code),\n    await emitted(net.connect(5432, 'db.test')), await emitted(https.get('https://a.test/')),\n    \
         await new Promise((resolve) => dns.lookup('a.test', (error) => resolve([error.code, error.syscall, error.hostname]))),\n  ]);\n} };",
    );
    let project = Project::new(&[("worker.js", &worker)]);
    let server = project.serve(&["worker.js"]);
    let not = "ERR_METHOD_NOT_IMPLEMENTED";
    assert_eq!(
        json(&server.get("/").body),
        serde_json::json!([
            "ENOENT",
            not,
            not,
            not,
            true,
            false,
            "ENOENT",
            ["ECONNREFUSED", "connect", 5432],
            ["ECONNREFUSED", "connect", 443],
            ["ENOTFOUND", "getaddrinfo", "a.test"]
        ])
    );
}
