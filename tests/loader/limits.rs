//! What loaded workers use: less than they were given, and never more than their loader has.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{case, serve};

const CASES: &str = r#"
async loop({ LOADER }) { return why(ask(LOADER.load(code("export default { fetch() { for (;;); } }", { limits: { cpuMs: 50 } })))); },
async ticks({ LOADER }) { return why(ask(LOADER.load(code("export default { async fetch() { for (;;) await null; } }", { limits: { cpuMs: 50 } })))); },
async timers({ LOADER }) { return why(ask(LOADER.load(code("export default { async fetch() { for (;;) { await scheduler.wait(0); const t = Date.now(); for (let i = 0; i < 1e9; i++); } } }", { limits: { cpuMs: 50 } })))); },
async top({ LOADER }) { return why(ask(LOADER.load(code("for (;;);", { limits: { cpuMs: 50 } })))); },
async never({ LOADER }) { return why(ask(LOADER.load(code("await new Promise(() => {}); export default {}")))); },
async slow({ LOADER }) { return why(ask(LOADER.load(code("export default { fetch: () => scheduler.wait(60_000) }", { limits: { wallMs: 100 } })))); },
async hung({ LOADER }) { return why(ask(LOADER.load(code("export default { fetch: () => new Promise(() => {}) }")))); },
async stub({ LOADER }) { return why(ask(LOADER.load(code("export default { fetch() { for (;;); } }")), null, { limits: { cpuMs: 50 } })); },
async heap({ LOADER }) { return why(ask(LOADER.load(code("export default { fetch() { const a = []; for (;;) a.push(new Array(1000).fill(1.5)); } }", { limits: { memoryMb: 16 } })))); },
async buffers({ LOADER }) { return why(ask(LOADER.load(code("export default { fetch() { const a = []; for (;;) a.push(new Uint8Array(1 << 20).fill(1)); } }", { limits: { memoryMb: 16 } })))); },
async strings({ LOADER }) { return why(ask(LOADER.load(code("export default { fetch() { let s = 'x'; const a = []; for (;;) { a.push([...'x'.repeat(1e5)]); } } }", { limits: { memoryMb: 16 } })))); },
async requests({ LOADER }) {
  const many = (n) => `export default { async fetch() { let n = 0, last; for (let i = 0; i < ${n}; i++) { try { await fetch("http://up.example/"); n++; } catch (e) { last = e.message; } } return Response.json([n, last]); } }`;
  const five = JSON.parse(await ask(LOADER.load(code(many(1000), { limits: { subRequests: 5 } }))));
  const stub = JSON.parse(await ask(LOADER.load(code(many(10))), null, { limits: { subRequests: 3 } }));
  const own = JSON.parse(await ask(LOADER.load(code(many(1000)))));
  return { five, stub, own, after: await why(async () => (await fetch("http://up.example/")).status) };
},
async multiplied({ LOADER }) {
  const spin = code("export default { fetch() { const t = performance.now(); let x = 0; for (let i = 0; i < 1e8; i++) x += i; return new Response('spun'); } }");
  let n = 0;
  for (; n < 50; n++) await ask(LOADER.load(spin));
  return n;
},
async crowd({ LOADER }) {
  const all = [];
  for (let i = 0; i < 20; i++) all.push(await why(() => { LOADER.load(code("export default { fetch: () => new Response('x') }")); return "x"; }));
  return all;
},
async named({ LOADER }) {
  const all = [];
  for (let i = 0; i < 20; i++) all.push(await why(() => ask(LOADER.get("named" + i, () => code("export default { fetch: () => new Response('x') }")))));
  return all;
},
async hoard({ LOADER }) {
  const all = [];
  for (let i = 0; i < 8; i++) all.push(await why(() => ask(LOADER.get("hoard" + i, () => code("globalThis.kept = []; export default { fetch() { for (let i = 0; i < 4000; i++) kept.push(new Array(1000).fill(1.5)); return new Response('kept'); } }")))));
  return all;
},
async grown({ LOADER }) {
  const main = "export default { fetch() { const all = []; for (let i = 0; i < 3000; i++) all.push(new Array(1000).fill(1.5)); return new Response(`${all.length}`); } }";
  return Promise.all([ask(LOADER.load(code(main))), ask(LOADER.load(code(main)))]);
},
async large({ LOADER }) { return why(() => ask(LOADER.load(code("//" + "x".repeat(17 << 20))))); },
async deep({ LOADER }) { return why(() => ask(LOADER.load(code("[".repeat(1e5) + "]".repeat(1e5))))); },
async lines({ LOADER }) { await ask(LOADER.load(code("export default { fetch() { for (let i = 0; i < 3000; i++) console.log('noise ' + i); return new Response('x'); } }"))); for (let i = 0; i < 3000; i++) console.log("noise " + i); return "x"; },
async alive() { return "alive"; },
"#;

#[test]
fn each_ends_within_twice_its_budget() {
    let (_project, server) = serve(CASES);
    for (name, text, most) in [
        ("loop", "CPU time", 100),
        ("ticks", "CPU time", 100),
        ("timers", "CPU time", 100),
        ("stub", "CPU time", 100),
        ("top", "CPU time to start", 100),
        ("never", "never", 1000),
        ("slow", "limit of time", 200),
        ("hung", "had hung", 500),
        ("heap", "limit of memory", 1500),
        ("buffers", "emory", 1500),
        ("strings", "limit of memory", 1500),
        ("large", "larger than 16 MiB", 3000),
        ("deep", "nested too deeply", 3000),
    ] {
        let began = Instant::now();
        let told = case(&server, name);
        let took = began.elapsed();
        assert!(told.as_str().unwrap().contains(text), "{name}: {told}");
        // With room for what a busy machine does beside.
        assert!(took < Duration::from_millis(most + 1500), "{name} took {took:?}");
        assert_eq!(case(&server, "alive"), "alive");
    }
    assert!(
        !server.log().contains("its isolate was stopped and is replaced"),
        "{}",
        server.log()
    );
}

#[test]
fn what_they_use_is_their_loaders() {
    let (_project, server) = serve(CASES);
    let requests = case(&server, "requests");
    assert_eq!(requests["five"][0], 5, "{requests}");
    assert_eq!(requests["stub"][0], 3, "{requests}");
    // 60 in all: three loads, three calls, and what was asked before.
    let own = requests["own"][0].as_u64().unwrap();
    assert!((40..=46).contains(&own), "{requests}");
    assert!(
        requests["after"].as_str().unwrap().contains("too many subrequests"),
        "{requests}"
    );
    let multiplied = server.get("/multiplied");
    assert_eq!(multiplied.status, 503, "{}", multiplied.body);
    assert_eq!(case(&server, "alive"), "alive");
    let before = server.log().matches("noise").count();
    let lines = || server.log().matches("noise").count() - before;
    case(&server, "lines");
    let until = Instant::now() + Duration::from_secs(10);
    while lines() < 500 && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_millis(200));
    let lines = lines();
    assert!((500..=2200).contains(&lines), "{lines}");
}

#[test]
fn few_live_at_once() {
    let (_project, server) = serve(CASES);
    let crowd = case(&server, "crowd");
    let crowd: Vec<&str> = crowd
        .as_array()
        .unwrap()
        .iter()
        .map(|told| told.as_str().unwrap())
        .collect();
    assert!(crowd[..16].iter().all(|told| *told == "no error: x"), "{crowd:?}");
    assert!(
        crowd[16..].iter().all(|told| told.contains("as many loaded workers")),
        "{crowd:?}"
    );
    // Those of the event before are gone, and idle ones with an id make room.
    let named = case(&server, "named");
    assert!(
        named.as_array().unwrap().iter().all(|told| told == "no error: x"),
        "{named}"
    );
    // They have a heap of 96 MiB and buffers of 64 together.
    let hoard = case(&server, "hoard").to_string();
    // One that answers in the turn in which it has taken too much is stopped after it.
    server.logged("a loaded worker was stopped: it exceeded its limit of memory");
    assert!(hoard.contains("no error: kept"), "{hoard}");
    assert_eq!(case(&server, "alive"), "alive");
}

/// V8 keeps the pages of those that are gone for those that come, for some seconds.
#[test]
fn what_they_had_is_given_back() {
    let (_project, server) = serve(CASES);
    assert_eq!(case(&server, "alive"), "alive");
    let before = server.memory("RssAnon");
    assert_eq!(case(&server, "grown"), json!(["3000", "3000"]));
    let began = Instant::now();
    loop {
        let now = server.memory("RssAnon");
        if now < before + 24 {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{now} MiB, {before} before");
        std::thread::sleep(Duration::from_millis(100));
    }
}

const AGAIN: &str = r#"
async next({ LOADER }) {
  const main = `globalThis.n = (globalThis.n ?? 0) + 1; export default { fetch() { let strings = true; try { new Function("1"); } catch { strings = false; }
    return Response.json({ n: globalThis.n, strings, names: Object.getOwnPropertyNames(globalThis).length, random: Math.random() }); } }`;
  return JSON.parse(await ask(LOADER.load(code(main, { limits: { memoryMb: 16 } }))));
},
async heap({ LOADER }) {
  const main = "export default { fetch() { const all = []; for (;;) all.push(new Array(1000).fill(1.5)); } }";
  return why(() => ask(LOADER.load(code(main, { limits: { memoryMb: 16 } }))));
},
async buffers({ LOADER }) {
  const main = "export default { fetch() { const all = []; for (;;) all.push(new Uint8Array(1 << 20).fill(1)); } }";
  return why(() => ask(LOADER.load(code(main, { limits: { memoryMb: 16 } }))));
},
"#;

/// Its thread has had the time to make one before.
#[test]
fn an_isolate_that_was_ready_is_as_any_other() {
    let (_project, server) = serve(AGAIN);
    let wait = || std::thread::sleep(Duration::from_millis(200));
    let mut first = case(&server, "next");
    let mut seen = vec![first["random"].take()];
    assert_eq!((&first["n"], &first["strings"]), (&json!(1), &json!(false)));
    for _ in 0..3 {
        wait();
        let mut next = case(&server, "next");
        let random = next["random"].take();
        assert!(!seen.contains(&random), "{seen:?}");
        seen.push(random);
        assert_eq!(next, first);
    }
    for name in ["heap", "buffers"] {
        wait();
        let answer = case(&server, name);
        assert!(answer.as_str().unwrap().contains("emory"), "{name}: {answer}");
    }
    wait();
    assert_eq!(case(&server, "next")["names"], first["names"]);
}
