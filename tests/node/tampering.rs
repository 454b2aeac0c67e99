//! Scripts that replaced built-ins, and put setters and getters into prototypes, are given nothing of ours, and enter no event but
//! the one that they are part of: before the first use of Node's modules and after it.

use std::fmt::Write as _;

use crate::harness::http::Client;
use crate::harness::{Project, json};

const POLICY: &str = "export default { fetch: (request, env, ctx) => new Response(ctx.requestId) };";

const LIMITS: &str = "main = 'agent.js'\nthreads = 1\n[limits]\ncpu_ms = 20000\nstartup_cpu_ms = 5000\nwall = '60s'\n[outbound]\nmain = 'policy.js'\n";

/// What scripts do to built-ins, as the agent below names it.
const PREPARED: [&str; 16] = [
    "nothing",
    "names",
    "symbols",
    "indices",
    "all-indices",
    "then",
    "descriptors",
    "functions",
    "arrays",
    "objects",
    "maps",
    "strings",
    "bytes",
    "promises",
    "prototypes",
    "errors",
];

fn project(agent: &str) -> Project {
    Project::new(&[
        ("agent.js", agent),
        ("spy.js", include_str!("../../fixtures/node/spy.js")),
        ("policy.js", POLICY),
        ("workerd-lite.toml", LIMITS),
    ])
}

/// Each of these is done by one event, and the events after it run what goes through us.
#[test]
fn what_a_script_puts_into_prototypes_is_given_nothing_of_ours() {
    let agent = "
import { INDICES, NAMES, SYMBOLS, back, restore, told, trap, wrap } from './spy.js';
const RealResponse = Response;
const hidden = [[][Symbol.iterator](), new Map().entries(), new Set().values(), ''[Symbol.iterator](), 'a'.matchAll(/a/g), (function* () {})(), (async function* () {})()].map(Object.getPrototypeOf);
const prepares = {
  nothing() {},
  names() { trap(Object.prototype, NAMES); },
  symbols() { trap(Object.prototype, SYMBOLS); trap(Promise.prototype, SYMBOLS); },
  indices() { trap(Array.prototype, INDICES); },
  'all-indices'() { trap(Object.prototype, INDICES); },
  then() { trap(Object.prototype, ['then', 'toJSON']); },
  descriptors() { trap(Object.prototype, ['value', 'get', 'set', 'writable']); },
  functions() { wrap(Function.prototype); },
  arrays() { wrap(Array.prototype); wrap(hidden[0]); },
  objects() { wrap(Object); wrap(Reflect); },
  maps() { for (const C of [Map, Set, WeakMap, WeakSet]) wrap(C.prototype); wrap(hidden[1]); wrap(hidden[2]); },
  strings() { wrap(String.prototype); wrap(RegExp.prototype); wrap(hidden[3]); wrap(hidden[4]); },
  bytes() { wrap(Object.getPrototypeOf(Uint8Array.prototype)); wrap(ArrayBuffer.prototype); wrap(Uint8Array.prototype); },
  promises() { wrap(Promise); wrap(Promise.prototype); wrap(hidden[5]); wrap(hidden[6]); },
  prototypes() { for (const C of [Array, Function, Promise, Map, Set, WeakMap, Error, ArrayBuffer, RegExp]) back(C.prototype); },
  errors() { wrap(Error); Error.stackTraceLimit = 200; },
};
const modules = ['async_hooks', 'assert', 'buffer', 'crypto', 'diagnostics_channel', 'events', 'http', 'module', 'os', 'path', 'perf_hooks', 'punycode', 'querystring', 'readline', 'stream', 'stream/promises', 'string_decoder', 'timers', 'timers/promises', 'url', 'util', 'zlib'];
async function work(ctx) {
  const get = process.getBuiltinModule;
  for (let i = 0; i < modules.length; i++) get(modules[i]);
  const tried = async (run) => { try { await run(); } catch {} };
  await tried(() => new (get('async_hooks').AsyncLocalStorage)().run({ mine: 1 }, async () => {
    await (await fetch('http://a.test/', { method: 'POST', body: 'x' })).text();
    await new Promise((resolve) => process.nextTick(resolve));
    await new Promise((resolve) => process.nextTick((a, b, c, d, e) => resolve(e), 1, 2, 3, 4, 5));
  }));
  await tried(() => fetch('http://a.test/', { signal: AbortSignal.timeout(1000) }));
  await tried(() => new Promise((resolve) => setImmediate(resolve)));
  await tried(() => get('timers/promises').setTimeout(1));
  await tried(() => new Promise((resolve) => get('zlib').gzip('abc', resolve)));
  await tried(() => get('zlib').gunzipSync(get('zlib').gzipSync('abc')));
  await tried(() => new Promise((resolve) => get('crypto').pbkdf2('p', 's', 1, 8, 'sha256', resolve)));
  await tried(() => new Promise((resolve) => get('crypto').generateKeyPair('ed25519', {}, resolve)));
  await tried(() => get('crypto').createHash('sha256').update('a').digest('hex'));
  await tried(() => { const c = get('crypto').createCipheriv('aes-128-gcm', Buffer.alloc(16), Buffer.alloc(12)); c.update('a'); c.final(); });
  await tried(() => { const { Readable, Writable } = get('stream'); return get('stream/promises').pipeline(Readable.from(['a']), get('zlib').createGzip(), new Writable({ write(a, b, done) { done(); } })); });
  await tried(async () => { for await (const chunk of get('stream').Readable.fromWeb(new Response('abc').body)); });
  await tried(() => get('util').inspect([process, new Request('http://a/'), new Proxy({}, {})], { showHidden: true, showProxy: true, depth: 6 }));
  await tried(() => get('assert').deepStrictEqual({ a: [1] }, { a: [2] }));
  await tried(() => get('events').once(new EventTarget(), 'x', { signal: AbortSignal.timeout(1) }));
  await tried(() => get('url').parse('http://a:b@c/d?e=f'));
  await tried(() => Buffer.concat([Buffer.from('a'), Buffer.allocUnsafe(3)]).toString('base64'));
  await tried(() => new Promise((resolve) => { const { port1, port2 } = new MessageChannel(); port1.onmessage = resolve; port2.postMessage({}); }));
  await tried(() => new Response(new Response('abc').body.pipeThrough(new CompressionStream('gzip'))).text());
  await tried(() => crypto.subtle.digest('sha-256', new Uint8Array(4)));
  ctx.waitUntil(Promise.resolve(1));
}
export default { async fetch(request, env, ctx) {
  const path = request.url.slice(request.url.indexOf('/', 8) + 1);
  if (path === 'work') { await work(ctx); return new RealResponse('worked'); }
  if (path === 'told') { restore(); return new RealResponse(told()); }
  prepares[path.slice(8)]();
  return new RealResponse('prepared');
} };";
    // Each has an isolate of its own.
    let mut config = "threads = 1\n".to_owned();
    for name in PREPARED {
        let _ = write!(
            config,
            "[[agents]]\nname = '{name}'\nmain = 'agent.js'\nmatch = ['{name}.localhost']\n\
             [agents.limits]\ncpu_ms = 20000\nstartup_cpu_ms = 5000\nwall = '60s'\n"
        );
    }
    let project = project(agent);
    project.write(
        "workerd-lite.toml",
        &format!("{config}[outbound]\nmain = 'policy.js'\n"),
    );
    let server = project.serve(&[]);
    for name in PREPARED {
        let mut client = Client::new(&server.address, &format!("{name}.localhost"));
        let mut get = |path: &str| {
            client
                .get(path)
                .unwrap_or_else(|error| panic!("{name}: {error}: {}", server.log()))
        };
        // Modules are made after it, and then before it.
        for time in ["first", "second"] {
            assert_eq!(
                get(&format!("/prepare/{name}")).1,
                "prepared",
                "{name}: {}",
                server.log()
            );
            for _ in 0..2 {
                let (status, body) = get("/work");
                // Who puts `value` into every descriptor is his own victim.
                assert!(
                    status == 200 || name == "descriptors",
                    "{name}: {status} {body} {}",
                    server.log()
                );
            }
            assert_eq!(get("/told").1, "", "{name}, the {time} time");
        }
    }
}

/// deno_core keeps ticks in an array with holes: one of the script's own making would say whose event it is.
#[test]
fn a_tick_of_a_scripts_own_enters_no_event() {
    let agent = "
const got = [];
export default { async fetch(request, env, ctx) {
  const { pathname } = new URL(request.url);
  if (pathname === '/victim') { await scheduler.wait(3000); return new Response(ctx.requestId); }
  let made = 0;
  for (let id = 0; id < 20; id++) {
    const tick = { asyncId: 0, snapshot: { event: { id, ended: false, caller: { env: {} } }, id }, async callback() { try { got.push(await (await fetch('http://a.test/')).text()); } catch {} } };
    let left = 1;
    for (let i = 0; i < 2100; i++) Object.defineProperty(Array.prototype, i, { configurable: true, get() { if (this.length === 2048 && left > 0) { left--; made++; return tick; } }, set(value) {
      if (this.length !== 2048) Object.defineProperty(this, i, { value, writable: true, enumerable: true, configurable: true }); } });
    process.nextTick(() => {});
    await new Promise((resolve) => setTimeout(resolve, 2));
    for (let i = 0; i < 2100; i++) delete Array.prototype[i];
  }
  return Response.json({ made, got });
} };";
    let project = project(agent);
    let server = project.serve(&[]);
    std::thread::scope(|scope| {
        let victim = scope.spawn(|| server.get("/victim"));
        std::thread::sleep(std::time::Duration::from_millis(300));
        let seen = json(&server.get("/forge").body);
        assert_eq!(seen, serde_json::json!({ "made": 0, "got": [] }));
        assert_eq!(victim.join().unwrap().status, 200);
    });
}

/// The reply of an op is no object that a script is shown, and could change: it says which body a response has.
#[test]
fn a_response_has_no_body_but_its_own() {
    let agent = "
export default { async fetch(request, env, ctx) {
  let changed = 0;
  Object.defineProperty(Object.prototype, 'then', { configurable: true, get() {
    if (Array.isArray(this) && typeof this[0] === 'number' && this.length === 4) changed++;
  } });
  try { await (await fetch('http://a.test/')).text(); } finally { delete Object.prototype.then; }
  return new Response(changed);
} };";
    let project = project(agent);
    assert_eq!(project.serve(&[]).get("/").body, "0");
}

/// Who is called by another event's doing runs in the event that calls, but for promises' reactions, which run in their own; and once
/// that has ended, nothing is done in its name.
#[test]
fn what_an_event_leaves_acts_in_the_name_of_no_other() {
    let agent = include_str!("../../fixtures/node/events.js");
    let project = project(agent);
    // What is bound to its event throws in another.
    let flags = "compatibility_flags = ['nodejs_compat', 'do_not_bind_asynclocalstorage_snapshot_to-request']\n";
    project.write("wrangler.toml", &format!("name = 'agent'\nmain = 'agent.js'\n{flags}"));
    let server = project.serve(&[]);
    let continued = ["port", "promise", "promisified", "subclass"];
    let check = |ended: bool| {
        let seen = json(&server.get("/second").body);
        let seen = seen.as_object().unwrap();
        assert!(seen.len() > 30, "{seen:?}");
        for (what, who) in seen {
            let must = match (continued.contains(&what.as_str()), ended) {
                (false, _) => "second",
                (true, false) => "first",
                (true, true) => "nobody",
            };
            assert_eq!(who, must, "{what}, {ended}: {seen:?}");
        }
    };
    std::thread::scope(|scope| {
        let first = scope.spawn(|| server.get("/first"));
        std::thread::sleep(std::time::Duration::from_millis(500));
        check(false);
        assert_eq!(first.join().unwrap().status, 200);
    });
    assert_eq!(server.get("/first/at-once").status, 200);
    check(true);
}

/// `buffer` of a small Buffer is the whole pool that it is part of.
#[test]
fn no_pool_shows_another_events_bytes() {
    let agent = "
const [a, b, c] = ['first', 'second', 'third'].map((name) => `SECRET-${name}`);
export default { async fetch(request) {
  const { pathname } = new URL(request.url);
  if (pathname === '/first') {
    Buffer.from(a); Buffer.allocUnsafe(20).write(b); Buffer.concat([Buffer.from(c)]);
    await scheduler.wait(1000);
    Buffer.from(a);
    return new Response('x');
  }
  const pools = [Buffer.from('x'), Buffer.allocUnsafe(8), Buffer.allocUnsafeSlow(1 << 16), Buffer.allocUnsafe(1 << 16), Buffer.concat([Buffer.from('y')])];
  await scheduler.wait(50);
  pools.push(Buffer.from('z'));
  return new Response(pools.map((one) => Buffer.from(one.buffer).toString('latin1').replace(/[\\0xyz]+/g, '')).join(''));
} };";
    let project = project(agent);
    let server = project.serve(&[]);
    std::thread::scope(|scope| {
        let first = scope.spawn(|| server.get("/first"));
        std::thread::sleep(std::time::Duration::from_millis(300));
        assert_eq!(server.get("/second").body, "");
        assert_eq!(first.join().unwrap().status, 200);
        assert_eq!(server.get("/second").body, "");
    });
}

/// A species is asked for by an array's own methods, and is given what it is to hold: our scripts call none of these.
#[test]
fn nobody_is_asked_for_a_species() {
    let agent = "
const asked = {};
for (const C of [Array, ArrayBuffer, Object.getPrototypeOf(Uint8Array)]) Object.defineProperty(C, Symbol.species, { configurable: true, get() { asked[C.name] = (asked[C.name] ?? 0) + 1; return this; } });
export default { async fetch(request, env, ctx) {
  await (await fetch('http://a.test/', { method: 'POST', body: new Uint8Array(10) })).text();
  await new Response(new Response(new Uint8Array(20)).body.pipeThrough(new CompressionStream('gzip'))).arrayBuffer();
  const data = new FormData();
  data.append('a', 'b');
  await new Response(data).formData();
  await new Blob([new ArrayBuffer(4), 'x']).slice(1).text();
  structuredClone(new Uint8Array(4));
  new Response(new Uint8Array(4)).clone().body.tee();
  new Headers([['a', 'b']]).getSetCookie();
  return Response.json(asked);
} };";
    let project = project(agent);
    assert_eq!(project.serve(&[]).get("/").body, "{}");
}
