//! What agents may use, and what becomes of those that use more.

use std::time::{Duration, Instant};

use crate::harness::attacks::{Case, cases, script};
use crate::harness::{Project, Server, isolation};

/// An agent with a path for each case, and a neighbour on the same thread.
pub fn serve(cases: &[Case], limits: &str) -> (Project, Server) {
    let project = Project::new(&[
        ("agent.js", &script(cases)),
        ("good.js", "export default { fetch: () => new Response('good') };"),
    ]);
    project.write(
        "workerd-lite.toml",
        &format!(
            "threads = 1\n[[agents]]\nname = 'hostile'\nmain = 'agent.js'\nmatch = ['hostile.localhost']\n{limits}\n\
             [[agents]]\nname = 'good'\nmain = 'good.js'\nmatch = ['127.0.0.1']\n"
        ),
    );
    let server = project.serve(&[]);
    (project, server)
}

pub fn hostile(server: &Server, path: &str) -> (u16, String) {
    let answer = server.curl(path, &["-H", "Host: hostile.localhost", "-m", "100"]);
    (answer.status, answer.body)
}

#[test]
fn each_limit_is_the_owners_to_set() {
    let cases = cases(
        "[[case]]\nname = 'slow'\ncode = 'await scheduler.wait(5000); return new Response();'\n\
         [[case]]\nname = 'burn'\ncode = 'const end = performance.now() + 1; let n = 0; while (n < 2e8) n++; return new Response(String(n > 0));'\n\
         [[case]]\nname = 'many'\ncode = 'let n = 0; try { for (;;) { await fetch(`https://a.test/`).catch((e) => { if (/too many/.test(e)) throw e; }); n++; } } catch { return new Response(String(n)); }'\n\
         [[case]]\nname = 'timers'\ncode = 'let n = 0; try { for (;;) { setTimeout(() => {}, 1e6); n++; } } catch (e) { return new Response(`${n} ${e.message}`); }'\n\
         [[case]]\nname = 'heap'\ncode = 'const a = []; for (let i = 0; i < 4e6; i++) a.push({}); return new Response(String(a.length));'\n",
    );
    let (_project, server) = serve(
        &cases,
        "[agents.limits]\ncpu_ms = 5000\nwall = '300ms'\nsubrequests = 7\n",
    );
    let began = Instant::now();
    let (status, body) = hostile(&server, "/slow");
    assert!(status == 504 && body.contains("time for a response"), "{status} {body}");
    assert!(began.elapsed() < Duration::from_secs(3));
    assert_eq!(hostile(&server, "/").1, "ok 1", "its isolate goes on");
    assert_eq!(hostile(&server, "/burn"), (200, "true".into()));
    assert_eq!(hostile(&server, "/many").1, "7");
    assert_eq!(
        hostile(&server, "/timers").1,
        "10000 You have exceeded the number of active timeouts you may set. max active timeouts: 10000, current active timeouts: 10000, finished timeouts: 0"
    );
    drop(server);
    let (_project, server) = serve(&cases, "[agents.limits]\ncpu_ms = 5000\nmemory_mb = 512\n");
    assert_eq!(hostile(&server, "/heap"), (200, "4000000".into()));
    drop(server);
    let (_project, server) = serve(&cases, "[agents.limits]\ncpu_ms = 5000\nmemory_mb = 32\n");
    let (status, body) = hostile(&server, "/heap");
    assert!(status == 503 && body.contains("memory"), "{status} {body}");
}

#[test]
fn a_script_that_does_not_start_is_stopped() {
    let project = Project::new(&[("agent.js", "for (;;);\nexport default { fetch() {} };")]);
    let began = Instant::now();
    let text = project.refused(&["agent.js"]);
    assert!(text.contains("of CPU time to start"), "{text}");
    assert!(began.elapsed() < Duration::from_secs(5));
    let project = Project::new(&[(
        "agent.js",
        "const a = []; for (;;) a.push({ a });\nexport default { fetch() {} };",
    )]);
    let text = project.refused(&["agent.js"]);
    assert!(
        text.contains("of CPU time to start") || text.contains("limit of memory"),
        "{text}"
    );
}

#[test]
fn a_policy_that_loops_denies_and_is_replaced() {
    let project = Project::new(&[
        (
            "agent.js",
            "export default { async fetch(r) { try { return await fetch('https://a.test' + new URL(r.url).pathname); } catch (e) { return new Response(String(e)); } } };",
        ),
        (
            "policy.js",
            "export default { fetch(r) { if (r.url.endsWith('/loop')) for (;;); return new Response('fine'); } };",
        ),
        (
            "workerd-lite.toml",
            "main = 'agent.js'\nthreads = 1\n[outbound]\nmain = 'policy.js'\nlimits = { cpu_ms = 100 }\n[audit]\nfile = 'audit.ndjson'\n",
        ),
    ]);
    let server = project.serve(&[]);
    for _ in 0..3 {
        assert_eq!(
            server.get("/loop").body,
            "TypeError: fetch failed: the outbound worker gave no response"
        );
        assert_eq!(server.get("/").body, "fine");
    }
    let audit = std::fs::read_to_string(project.path().join("audit.ndjson")).unwrap();
    assert_eq!(
        audit.matches("\"verdict\":\"deny\",\"by\":\"limit\"").count(),
        3,
        "{audit}"
    );
}

#[test]
fn wait_until_ends() {
    let cases = cases(
        "[[case]]\nname = 'waits'\ncode = 'ctx.waitUntil(new Promise((r) => setInterval(() => console.log(`still here`), 50))); return new Response(`x`);'\n\
         [[case]]\nname = 'burns'\ncode = 'ctx.waitUntil((async () => { for (;;) { let n = 0; while (n < 1e7) n++; await scheduler.wait(1); } })()); return new Response(`x`);'\n",
    );
    let (_project, server) = serve(&cases, "[agents.limits]\nwait_until = '400ms'\n");
    assert_eq!(hostile(&server, "/waits").1, "x");
    server.logged("waitUntil() promises took too long");
    let lines = server.log().matches("still here").count();
    std::thread::sleep(Duration::from_millis(300));
    assert!(
        lines > 1 && server.log().matches("still here").count() == lines,
        "{}",
        server.log()
    );
    drop(server);
    let (_project, server) = serve(&cases, "");
    assert_eq!(hostile(&server, "/burns").1, "x");
    std::thread::sleep(Duration::from_millis(700));
    let before = server.cpu();
    std::thread::sleep(Duration::from_millis(500));
    let used = server.cpu().saturating_sub(before);
    assert!(used < Duration::from_millis(200), "it still burns: {used:?}");
}

#[test]
fn buffers_are_counted() {
    let cases = cases(
        "[[case]]\nname = 'one'\ncode = 'try { new ArrayBuffer(1e9); } catch (e) { return new Response(e.name); }'\n\
         [[case]]\nname = 'garbage'\ncode = 'let n = 0; for (let i = 0; i < 500; i++) n += new Uint8Array(1 << 20).length; return new Response(String(n));'\n\
         [[case]]\nname = 'kept'\ncode = 'globalThis.kept = []; for (;;) kept.push(new Uint8Array(1 << 20).fill(1));'\n\
         [[case]]\nname = 'small'\ncode = 'globalThis.kept = []; for (;;) kept.push(new ArrayBuffer(1 << 14));'\n\
         [[case]]\nname = 'resizable'\ncode = 'globalThis.kept = []; for (;;) kept.push(new Uint8Array(new ArrayBuffer(1, { maxByteLength: 1 << 20 }).transfer(1 << 20)).fill(1));'\n\
         [[case]]\nname = 'growable'\ncode = 'globalThis.kept = []; for (;;) kept.push(new ArrayBuffer(1, { maxByteLength: 1 << 12 }));'\n\
         [[case]]\nname = 'moved'\ncode = 'let b = new ArrayBuffer(1, { maxByteLength: 1 << 20 }); for (let i = 0; i < 2000; i++) b = b.transfer(); return new Response(`${b.resizable} ${b.maxByteLength} ${b.constructor === ArrayBuffer && b instanceof ArrayBuffer}`);'\n\
         [[case]]\nname = 'nested'\ncode = 'const b = new ArrayBuffer(1, { maxByteLength: 1 << 20 }); globalThis.kept = []; for (;;) kept.push(structuredClone({ a: [new Map([[1, new DataView(b)]])] }));'\n\
         [[case]]\nname = 'spacious'\ncode = 'globalThis.kept = []; try { for (;;) kept.push(new ArrayBuffer(1, { maxByteLength: 2 ** 33 })); } catch (e) { return new Response(`${kept.length} ${e.name}`); }'\n\
         [[case]]\nname = 'clones'\ncode = 'const a = new Uint8Array(1 << 20); globalThis.kept = []; for (;;) kept.push(structuredClone(a));'\n\
         [[case]]\nname = 'encoder'\ncode = 'const s = `x`.repeat(1 << 20), e = new TextEncoder(); globalThis.kept = []; for (;;) { kept.push(e.encode(s)); await scheduler.wait(1); }'\n",
    );
    let (_project, server) = serve(&cases, "[agents.limits]\ncpu_ms = 3000\n");
    assert_eq!(hostile(&server, "/one"), (200, "RangeError".into()));
    assert_eq!(hostile(&server, "/garbage"), (200, (500 << 20).to_string()));
    assert_eq!(hostile(&server, "/moved"), (200, "true 1048576 true".into()));
    assert_eq!(hostile(&server, "/spacious"), (200, "0 RangeError".into()));
    let before = server.memory("VmRSS");
    for name in ["kept", "small", "resizable", "growable", "nested", "clones", "encoder"] {
        let (status, body) = hostile(&server, &format!("/{name}"));
        assert!(
            status == 503 && body.contains("memory"),
            "{name} {status} {body} {}",
            server.log()
        );
        assert_eq!(hostile(&server, "/").0, 200, "{name}");
    }
    assert!(
        server.memory("VmRSS") < before + 300,
        "{} {before}",
        server.memory("VmRSS")
    );
}

#[test]
fn memory_that_nobody_counts_is_seen() {
    let cases = cases(
        "[[case]]\nname = 'intl'\ncode = 'globalThis.kept ??= []; for (;;) kept.push(new Intl.DateTimeFormat(`de`));'\n\
         [[case]]\nname = 'parts'\ncode = 'globalThis.kept ??= []; for (let i = 0; i < 500; i++) kept.push(new Intl.DateTimeFormat(`de`)); return new Response();'\n\
         [[case]]\nname = 'dropped'\ncode = 'let o; for (let i = 0; i < 2000; i++) o = new Intl.NumberFormat(`de`); class X extends Intl.Collator {} return new Response(`${o instanceof Intl.NumberFormat} ${new X() instanceof X} ${typeof Intl.DateTimeFormat().format}`);'\n\
         [[case]]\nname = 'segments'\ncode = 'const s = new Intl.Segmenter(`th`); globalThis.kept ??= []; for (;;) kept.push(s.segment(`abc`));'\n\
         [[case]]\nname = 'ports'\ncode = 'const c = new MessageChannel(); for (;;) c.port1.postMessage(`x`.repeat(10000));'\n",
    );
    let (_project, server) = serve(
        &cases,
        "[agents.limits]\ncpu_ms = 5000\nmemory_mb = 64\nbuffers_mb = 16\n",
    );
    for name in ["intl", "segments", "ports"] {
        let (status, body) = hostile(&server, &format!("/{name}"));
        // A process ends that has more than it may.
        let ended = !isolation().is_empty() && body.contains("the process that it ran in has ended");
        assert!(
            status == 503 && (ended || body.contains("memory")),
            "{name} {status} {body}"
        );
        assert_eq!(hostile(&server, "/").0, 200, "{name}");
    }
    // What was dropped is nobody's.
    assert_eq!(hostile(&server, "/dropped").1, "true true function");
    let ended = (0..1000).find(|_| hostile(&server, "/parts").0 == 503);
    assert!(ended.is_some(), "{} MiB", server.memory("VmRSS"));
    let most = server.memory("VmHWM");
    assert!(most < 600, "{most} MiB");
    // What was stopped gives it back.
    let back = || server.memory("VmRSS") < 250;
    assert!(
        (0..100).any(|_| back() || {
            std::thread::sleep(Duration::from_millis(50));
            false
        }),
        "{} MiB",
        server.memory("VmRSS")
    );
}

#[test]
fn agents_make_no_code_unless_it_is_allowed() {
    // The smallest module there is.
    let cases = cases(
        "[[case]]\nname = 'wasm'\ncode = 'const bytes = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]); const said = []; \
         for (const f of [() => new WebAssembly.Module(bytes), () => WebAssembly.compile(bytes), () => WebAssembly.instantiate(bytes), \
         () => WebAssembly.instantiateStreaming(new Response(bytes, { headers: { [`content-type`]: `application/wasm` } })), \
         () => new Function(`return 1`)()]) \
         { try { await f(); said.push(`made`); } catch (e) { said.push(e.name); } } return new Response(said.join());'\n",
    );
    let all = |word: &str| [word; 4].join(",");
    for (allowed, said) in [
        ("", format!("{},EvalError", all("CompileError"))),
        ("wasm_unsafe_eval = true\n", format!("{},EvalError", all("made"))),
        ("unsafe_eval = true\n", format!("{},made", all("made"))),
    ] {
        let (_project, server) = serve(&cases, allowed);
        assert_eq!(hostile(&server, "/wasm").1, said, "{allowed}");
    }
}
