//! `process`: what ends an event, what nobody caught, and timers that are objects.

use crate::harness::{Project, json};

/// `exit()` ends its event, whatever that has begun, and no other.
#[test]
fn exit_ends_the_event_and_no_more() {
    let worker = "
const seen = globalThis.seen = [];
process.on('exit', (code) => seen.push(code));
export default { async fetch(request, env, ctx) {
  switch (new URL(request.url).pathname) {
    case '/now': process.exit(3); break;
    case '/caught': try { process.exit(); } catch { /* it has ended all the same */ } return new Response('answered');
    case '/later': setTimeout(() => process.exit(1), 5); return new Promise(() => {});
    case '/timers': setTimeout(() => seen.push('ran on'), 20); process.exit(0); break;
    case '/behind': ctx.waitUntil((async () => { await scheduler.wait(5); setTimeout(() => seen.push('ran on'), 5); process.exit(4); })()); return new Response('first');
    case '/slow': await scheduler.wait(300); return new Response('served');
    default: return Response.json(seen);
  }
} };";
    let project = Project::new(&[("worker.js", worker)]);
    let server = project.serve(&["worker.js", "--threads", "1"]);
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| server.get("/slow").body);
        for path in ["/now", "/caught", "/later", "/timers"] {
            let answer = server.get(path);
            assert_eq!(answer.status, 500, "{path}: {}", answer.body);
        }
        assert_eq!(server.get("/behind").body, "first");
        assert_eq!(slow.join().unwrap(), "served");
    });
    server.logged("process.exit(3) was called");
    assert_eq!(json(&server.get("/").body), serde_json::json!([3, 3, 1, 0, 4]));
}

/// Listeners of `process` take what nobody caught; without them it goes to the log.
#[test]
fn what_nobody_caught_is_told_to_process() {
    let worker = "
const seen = [];
const note = (name) => (error, more) => seen.push(`${name} ${error.message} ${typeof more === 'string' ? more : typeof more}`);
export default { async fetch(request) {
  const { pathname } = new URL(request.url);
  if (pathname === '/') return Response.json(seen);
  if (pathname === '/on') for (const name of ['uncaughtException', 'unhandledRejection', 'warning']) process.on(name, note(name));
  setTimeout(() => { throw new Error('thrown'); }, 1);
  process.nextTick(() => { throw new Error('ticked'); });
  Promise.reject(new Error('rejected'));
  process.emitWarning('careful', { type: 'Odd', code: 'W1' });
  await scheduler.wait(20);
  return new Response('on');
} };";
    let project = Project::new(&[("worker.js", worker)]);
    let server = project.serve(&["worker.js", "--threads", "1"]);
    assert_eq!(server.get("/off").body, "on");
    server.logged("an exception was not caught");
    server.logged("nobody handled it");
    server.logged("[W1] Odd: careful");
    assert_eq!(json(&server.get("/").body), serde_json::json!([]));
    assert_eq!(server.get("/on").body, "on");
    let seen = json(&server.get("/").body);
    let mut seen: Vec<&str> = seen
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line.as_str().unwrap())
        .collect();
    seen.sort_unstable();
    assert_eq!(
        seen,
        [
            "uncaughtException thrown uncaughtException",
            "uncaughtException ticked uncaughtException",
            "unhandledRejection rejected object",
            "warning careful undefined",
        ]
    );
}

/// As on Workers: packages call `setTimeout(...).unref()`.
#[test]
fn global_timers_are_objects_of_node() {
    let worker = "
import timers from 'node:timers';
export default { async fetch() {
  const same = ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'].map((name) => globalThis[name] === timers[name]);
  const first = setTimeout(() => {}, 1000), second = setInterval(() => {}, 1000);
  const active = process.getActiveResourcesInfo();
  first.unref();
  const left = process.getActiveResourcesInfo();
  clearTimeout(first);
  clearInterval(+second);
  const none = process.getActiveResourcesInfo();
  const waited = await new Promise((resolve) => setTimeout(resolve, 1, 'yes').ref());
  return Response.json({ same, active, left, none, waited, kind: first.constructor.name });
} };";
    let project = Project::new(&[("worker.js", worker)]);
    let server = project.serve(&["worker.js"]);
    assert_eq!(
        json(&server.get("/").body),
        serde_json::json!({ "same": [true, true, true, true], "active": ["Timeout", "Timeout"], "left": ["Timeout"], "none": [], "waited": "yes", "kind": "Timeout" })
    );
    // Without Node's modules they are numbers.
    let project = Project::new(&[
        (
            "worker.js",
            "export default { fetch() { return new Response(typeof setTimeout(() => {}, 1)); } };",
        ),
        (
            "wrangler.toml",
            "name = 'w'\nmain = 'worker.js'\ncompatibility_flags = ['no_nodejs_compat']\n",
        ),
    ]);
    assert_eq!(project.serve(&[]).get("/").body, "number");
}

/// What packages import by name, and what an event's input is.
#[test]
fn names_that_are_imported_are_there() {
    let worker = "
import { argon2, argon2Sync, decapsulate, encapsulate } from 'node:crypto';
import { existsSync, mkdtempDisposableSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isBuiltin } from 'node:module';
import process, { _rawDebug, channel, connected, permission, send } from 'node:process';
import timers from 'node:timers';
const said = (run) => { try { return run(); } catch (error) { return error.message.slice(0, 40); } };
export default { async fetch() {
  const ended = await Promise.race([new Promise((resolve) => process.stdin.on('end', () => resolve('ended')).resume()), scheduler.wait(500)]);
  const folder = mkdtempDisposableSync('/tmp/made-');
  const there = existsSync(folder.path);
  folder[Symbol.dispose]();
  let ran = false;
  timers.setTimeout(() => { ran = true; }, 2 ** 31);
  await scheduler.wait(20);
  _rawDebug('raw', 1);
  return Response.json([
    [argon2, argon2Sync, decapsulate, encapsulate].map(said), there, existsSync(folder.path),
    fileURLToPath('file:///C:/a%20b/c', { windows: true }), fileURLToPath('file://host/a', { windows: true }), fileURLToPath('file:///a/b', { windows: false }), fileURLToPath('file:///a/b'),
    said(() => fileURLToPath('file:///a/b', { windows: true })), isBuiltin('node:test'), isBuiltin('test'), isBuiltin('node:none'),
    typeof channel, typeof connected, typeof permission, typeof send, ended, ran,
  ]);
} };";
    let project = Project::new(&[("worker.js", worker)]);
    let server = project.serve(&["worker.js", "--threads", "1"]);
    for _ in 0..2 {
        let told = json(&server.get("/").body);
        let fails = |name: &str| format!("crypto.{name} is not implemented in workerd-lite: ")[..40].to_owned();
        assert_eq!(
            told[0],
            serde_json::json!([
                fails("argon2"),
                fails("argon2Sync"),
                fails("decapsulate"),
                fails("encapsulate")
            ]),
            "{told} {}",
            server.log()
        );
        let rest = &told.as_array().unwrap()[1..];
        assert_eq!(
            rest,
            serde_json::json!([
                true,
                false,
                "C:\\a b\\c",
                "\\\\host\\a",
                "/a/b",
                "/a/b",
                "File URL path must be absolute",
                true,
                false,
                false,
                "undefined",
                "undefined",
                "undefined",
                "undefined",
                "ended",
                false
            ])
            .as_array()
            .unwrap()
            .as_slice(),
            "{}",
            server.log()
        );
    }
    server.logged("raw 1");
}
