//! Immediates and timers of no time.

use crate::harness::{Project, json};

#[test]
fn immediates_take_no_time_and_keep_their_order() {
    let worker = "
import { AsyncLocalStorage } from 'node:async_hooks';
const store = new AsyncLocalStorage();
const chain = (count, next) => new Promise((done) => { let left = count; const step = () => (left-- > 0 ? next(step) : done()); step(); });
const paths = {
  // What takes a timer's millisecond each takes seconds.
  async chain() {
    let late = false;
    setTimeout(() => { late = true; }, 1000);
    await chain(2000, setImmediate);
    return late;
  },
  async order() {
    const seen = [];
    setTimeout(() => seen.push('a'), 0);
    setImmediate(() => seen.push('b'));
    setTimeout(() => seen.push('c'));
    const never = setImmediate(() => seen.push('never'));
    const neither = setTimeout(() => seen.push('neither'), 0);
    const number = +setTimeout(() => seen.push('nor that'), -1);
    clearImmediate(never);
    clearTimeout(neither);
    clearTimeout(number);
    for (let i = 0; i < 100; i++) setTimeout(() => seen.push(i), 0);
    queueMicrotask(() => seen.push('micro'));
    process.nextTick(() => seen.push('tick'));
    await new Promise((done) => setTimeout(done, 50));
    return seen.join(' ');
  },
  async within() {
    const seen = [];
    const cleared = [];
    setImmediate(() => { seen.push(1); clearImmediate(cleared[0]); setImmediate(() => seen.push(4)); process.nextTick(() => seen.push('tick')); });
    setImmediate(() => seen.push(2));
    cleared.push(setImmediate(() => seen.push('never')));
    setImmediate(() => { seen.push(3); });
    await new Promise((done) => setTimeout(done, 20));
    return seen;
  },
  async throws() {
    const seen = [];
    process.once('uncaughtException', (error) => seen.push(error.message));
    setImmediate(() => { throw new Error('thrown'); });
    setImmediate((...given) => seen.push(...given), 'given', 1);
    await new Promise((done) => setTimeout(done, 20));
    return seen;
  },
  stores: () => new Promise((done) => store.run('mine', () => setImmediate(() => setTimeout(() => done(store.getStore()), 0)))),
  async many() {
    let count = 0;
    try { for (;;) { setImmediate(() => {}); count++; } } catch (error) { return [count, error.message]; }
  },
  // The event ends: what it has set runs no more.
  leaves() { setImmediate(() => { globalThis.ran = true; }); setTimeout(() => { globalThis.ran = true; }, 0); return 'left'; },
  async left() { await scheduler.wait(20); return globalThis.ran ?? 'nothing ran'; },
};
export default { fetch: async (request) => Response.json(await paths[new URL(request.url).pathname.slice(1)]()) };";
    let project = Project::new(&[("worker.js", worker)]);
    let server = project.serve(&["worker.js", "--threads", "1"]);
    let told = |path: &str| json(&server.get(path).body);
    assert_eq!(told("/chain"), false);
    let numbers: Vec<String> = (0..100).map(|number: u32| number.to_string()).collect();
    assert_eq!(told("/order"), format!("tick micro a b c {}", numbers.join(" ")));
    assert_eq!(told("/within"), serde_json::json!([1, "tick", 2, 3, 4]));
    assert_eq!(told("/throws"), serde_json::json!(["thrown", "given", 1]));
    assert_eq!(told("/stores"), "mine");
    assert_eq!(
        told("/many"),
        serde_json::json!([
            10000,
            "You have exceeded the number of active timeouts you may set. max active timeouts: 10000, current active timeouts: 10000, finished timeouts: 0"
        ])
    );
    assert_eq!(told("/leaves"), "left");
    assert_eq!(told("/left"), "nothing ran");
}

/// Timers of no time are set in a loop by what waits for something. It may take no more turns for that than in Node.js, where each takes a
/// millisecond. Others are served meanwhile.
#[test]
fn timers_of_no_time_do_not_spin() {
    let worker = "
const until = Promise.withResolvers();
export default { async fetch(request, env, ctx) {
  if (new URL(request.url).pathname === '/other') return new Response('served');
  let turns = 0, open = true;
  setTimeout(() => { open = false; }, 400);
  while (open) { await new Promise((done) => setTimeout(done, 0)); turns++; }
  return Response.json(turns);
} };";
    let project = Project::new(&[("worker.js", worker)]);
    let server = project.serve(&["worker.js", "--threads", "1"]);
    std::thread::scope(|scope| {
        let spins = scope.spawn(|| json(&server.get("/").body));
        assert_eq!(server.get("/other").body, "served");
        let turns = spins.join().unwrap().as_u64().unwrap();
        assert!((20..=600).contains(&turns), "{turns} turns in 400 ms");
    });
    // Where they are web timers, too.
    let project = Project::new(&[
        (
            "worker.js",
            "export default { async fetch() {
  const seen = [];
  const id = setTimeout(() => seen.push('never'), 0);
  setTimeout((given) => seen.push(given), 0, 'a');
  setTimeout(() => seen.push('b'));
  clearTimeout(id);
  await scheduler.wait(20);
  return Response.json([typeof id, id > 0, seen]);
} };",
        ),
        (
            "wrangler.toml",
            "name = 'w'\nmain = 'worker.js'\ncompatibility_flags = ['no_nodejs_compat']\n",
        ),
    ]);
    assert_eq!(
        json(&project.serve(&[]).get("/").body),
        serde_json::json!(["number", true, ["a", "b"]])
    );
}

/// Immediates that go on for ever give others their turn, and end with their event's CPU time.
#[test]
fn immediates_without_end_are_fair_and_stopped() {
    let worker = "
export default { async fetch(request, env, ctx) {
  if (new URL(request.url).pathname === '/other') return new Response('served');
  const again = () => setImmediate(again);
  again();
  await scheduler.wait(60_000);
} };";
    let project = Project::new(&[
        ("worker.js", worker),
        ("workerd-lite.toml", "main = 'worker.js'\n[limits]\ncpu_ms = 300\n"),
    ]);
    let server = project.serve(&["--threads", "1"]);
    std::thread::scope(|scope| {
        let stopped = scope.spawn(|| server.get("/"));
        let began = std::time::Instant::now();
        assert_eq!(server.get("/other").body, "served");
        assert!(
            began.elapsed() < std::time::Duration::from_millis(250),
            "{:?}",
            began.elapsed()
        );
        let stopped = stopped.join().unwrap();
        assert_eq!(stopped.status, 503, "{}", stopped.body);
    });
    assert_eq!(server.get("/other").body, "served");
}
