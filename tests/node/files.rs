//! `node:fs`: the file system in memory.

use std::time::{Duration, Instant};

use crate::harness::{Project, json};

const CONFIG: &str = "main = 'worker.js'\n[limits]\ncpu_ms = 20000\nstartup_cpu_ms = 5000\n";

/// The same checks in a worker and in Node.js print the same.
#[test]
fn files_are_as_node_has_them() {
    let worker = "import fs from 'node:fs';\nimport { Buffer } from 'node:buffer';\nimport { run } from './checks.mjs';\n\
         export default { async fetch() {\n  const lines = [];\n  fs.mkdirSync('/tmp/root');\n  await run(fs, '/tmp/root', (name, value) => lines.push(`${name}: ${value}`), { Buffer });\n  \
         return new Response(lines.join('\\n'));\n} };";
    let project = Project::new(&[
        ("checks.mjs", include_str!("../../fixtures/node/files.js")),
        ("worker.js", worker),
        (
            "node.mjs",
            "import fs from 'node:fs';\nimport os from 'node:os';\nimport { run } from './checks.mjs';\nconst root = fs.realpathSync(fs.mkdtempSync(os.tmpdir() + '/'));\n\
             await run(fs, root, (name, value) => console.log(`${name}: ${value}`), { Buffer });\nfs.rmSync(root, { recursive: true });",
        ),
        ("workerd-lite.toml", CONFIG),
    ]);
    let server = project.serve(&[]);
    let ours = server.get("/");
    assert_eq!(ours.status, 200, "{} {}", ours.body, server.log());
    super::same::says_what_node_says(&project, &ours.body, |_| false);
}

/// `/bundle` is the worker's own graph and nothing else, and can not be changed; devices are there; outside of an event nothing is written.
#[test]
fn the_bundle_is_the_workers_own_modules() {
    let worker = "
import fs from 'node:fs';
import path from 'node:path';
import './lib/a.ts';
import './old.cjs';
import bytes from './data.bin';
import text from './text.txt';
const code = (run) => { try { return run() ?? 'ran'; } catch (error) { return error.code ?? String(error); } };
const startup = [fs.readFileSync('/bundle/agent/text.txt', 'utf8'), code(() => fs.writeFileSync('/tmp/x', '')), code(() => fs.mkdirSync('/tmp/d')), fs.readdirSync('/tmp').length];
const kept = fs.openSync('/bundle/agent/text.txt');
export default { async fetch() {
  const { promises } = fs;
  return Response.json({
    startup,
    kept: code(() => fs.readSync(kept, Buffer.alloc(1))),
    root: fs.readdirSync('/'),
    files: fs.readdirSync('/bundle', { recursive: true }),
    dev: fs.readdirSync('/dev'),
    here: fs.readFileSync(new URL('./text.txt', import.meta.url), 'utf8'),
    relative: fs.readFileSync('agent/lib/a.ts', 'utf8'),
    old: fs.readFileSync('/bundle/agent/old.cjs', 'utf8'),
    bytes: [...fs.readFileSync('/bundle/agent/data.bin')],
    part: (await (async () => { const h = await promises.open('/bundle/agent/data.bin'); const r = await h.read(Buffer.alloc(2), 0, 2, 1); await h.close(); return [...r.buffer]; })()),
    stat: [fs.statSync('/bundle/agent/data.bin').size, fs.statSync('/bundle').isDirectory(), fs.statSync('/dev/null').isCharacterDevice(), fs.statSync('/bundle/agent/text.txt').mtimeMs],
    refused: [
      () => fs.writeFileSync('/bundle/agent/text.txt', 'x'), () => fs.writeFileSync('/bundle/new', 'x'), () => fs.appendFileSync('/bundle/agent/text.txt', 'x'), () => fs.openSync('/bundle/agent/text.txt', 'r+'),
      () => fs.unlinkSync('/bundle/agent/text.txt'), () => fs.renameSync('/bundle/agent/text.txt', '/tmp/x'), () => fs.mkdirSync('/bundle/d'), () => fs.mkdirSync('/d'), () => fs.rmSync('/bundle', { recursive: true }),
      () => fs.rmdirSync('/tmp'), () => fs.renameSync('/tmp', '/tmp2'), () => fs.symlinkSync('/tmp', '/bundle/l'), () => fs.linkSync('/bundle/agent/text.txt', '/tmp/l'), () => fs.chmodSync('/bundle/agent/text.txt', 0o777),
      () => fs.truncateSync('/bundle/agent/text.txt'), () => fs.utimesSync('/bundle', 1, 1), () => fs.accessSync('/bundle/agent/text.txt', fs.constants.W_OK), () => fs.copyFileSync('/tmp', '/bundle/x'), () => fs.writeFileSync('/dev/new', ''),
    ].map(code),
    missing: ['/etc/passwd', '/proc/self/environ', '/bundle/../etc/passwd', '/bundle/workerd-lite.toml', '/bundle/agent/secret.txt', '/bundle/policy.js', '/policy.js', '../policy.js', '/dev/mem'].map((name) => code(() => fs.readFileSync(name, 'utf8'))),
    devices: [fs.readFileSync('/dev/null').length, code(() => fs.readFileSync('/dev/zero')), code(() => fs.writeFileSync('/dev/null', 'x')), code(() => fs.writeFileSync('/dev/full', 'x')),
      (() => { const fd = fs.openSync('/dev/random'); const b = Buffer.alloc(64); const n = fs.readSync(fd, b); fs.closeSync(fd); return [n, new Set(b).size > 8]; })(),
      (() => { const fd = fs.openSync('/dev/zero'); const b = Buffer.alloc(8, 1); const n = fs.readSync(fd, b); fs.closeSync(fd); return [n, b.every((x) => x === 0)]; })()],
    watch: [code(() => fs.watch('/tmp')), code(() => fs.watchFile('/tmp', () => {}))],
    cwd: process.cwd(), copied: (fs.copyFileSync('agent/text.txt', '/tmp/t'), fs.readFileSync('/tmp/t', 'utf8')),
    glob: [fs.globSync('**/*.ts'), path.matchesGlob('/a/b.js', '/a/*.js'), path.matchesGlob('/a/b.js', '/b/*.js'), (fs.mkdirSync('/tmp/g/h', { recursive: true }), fs.writeFileSync('/tmp/g/h/x.md', ''), fs.globSync('g/**', { cwd: '/tmp' })), await Array.fromAsync(promises.glob('/tmp/g/*/*.md'))],
    stdout: (fs.writeSync(1, 'written to the log\\n'), 'ran'),
  });
} };";
    let project = Project::new(&[
        ("agent/worker.js", worker),
        ("agent/lib/a.ts", "export const a: number = 1;\n"),
        ("agent/old.cjs", "#!/usr/bin/env node\nexports.x = 1; // old\n"),
        ("agent/data.bin", "\u{1}\u{2}\u{3}"),
        ("agent/text.txt", "text"),
        ("agent/secret.txt", "not imported"),
        ("policy.js", "export default { fetch: (request) => fetch(request) };"),
        (
            "workerd-lite.toml",
            "[[agents]]\nname = 'a'\nmain = 'agent/worker.js'\n[outbound]\nmain = 'policy.js'\n[limits]\ncpu_ms = 20000\nstartup_cpu_ms = 5000\n",
        ),
    ]);
    let server = project.serve(&[]);
    let answer = server.get("/");
    assert_eq!(answer.status, 200, "{} {}", answer.body, server.log());
    let seen = json(&answer.body);
    println!("{seen:#}");
    assert_eq!(seen["startup"], serde_json::json!(["text", "EPERM", "EPERM", 0]));
    assert_eq!(seen["kept"], "EBADF");
    assert_eq!(seen["root"], serde_json::json!(["bundle", "dev", "tmp"]));
    for refused in seen["refused"].as_array().unwrap() {
        assert!(
            ["EPERM", "EBUSY", "EISDIR", "EACCES"].contains(&refused.as_str().unwrap()),
            "{}",
            seen["refused"]
        );
    }
    for missing in seen["missing"].as_array().unwrap() {
        assert_eq!(missing, "ENOENT", "{}", seen["missing"]);
    }
    assert_eq!(seen["here"], "text");
    assert_eq!(seen["relative"], "export const a: number = 1;\n");
    assert_eq!(seen["old"], "#!/usr/bin/env node\nexports.x = 1; // old\n");
    assert_eq!(seen["bytes"], serde_json::json!([1, 2, 3]));
    assert_eq!(seen["part"], serde_json::json!([2, 3]));
    assert_eq!(seen["stat"], serde_json::json!([3, true, true, 0]));
    assert_eq!(
        seen["devices"],
        serde_json::json!([0, "ERR_FS_FILE_TOO_LARGE", "ran", "ENOSPC", [64, true], [8, true]])
    );
    assert_eq!(seen["watch"][0], "ERR_METHOD_NOT_IMPLEMENTED");
    assert_eq!(seen["copied"], "text");
    server.logged("written to the log");
}

/// An event's files and descriptors are its own, while it runs and afterwards.
#[test]
fn no_event_sees_files_of_another() {
    let worker = "
import fs from 'node:fs';
const kept = {};
const code = (run) => { try { return run() ?? 'ran'; } catch (error) { return error.code ?? String(error); } };
const seen = [null];
const note = (values) => { for (let i = 0; i < values.length; i++) seen[seen.length] = values[i]; };
for (const [prototype, name] of [[Map.prototype, 'get'], [Map.prototype, 'set'], [WeakMap.prototype, 'get'], [Array.prototype, 'push'], [Uint8Array.prototype.__proto__, 'set'], [Uint8Array.prototype.__proto__, 'subarray']]) {
  const original = prototype[name];
  prototype[name] = function (...args) { note([this]); note(args); return Reflect.apply(original, this, args); };
}
Object.defineProperty(Array.prototype, 0, { configurable: true, set(value) { if (value && typeof value === 'object') seen[seen.length] = value; Reflect.defineProperty(this, 0, { value, writable: true, enumerable: true, configurable: true }); } });
for (const name of ['entries', 'pages', 'node', 'files', 'root', 'target', 'module']) Object.defineProperty(Object.prototype, name, { configurable: true, get() { return undefined; }, set(value) { note([this, value]); Reflect.defineProperty(this, name, { value, writable: true, enumerable: true, configurable: true }); } });
export default { async fetch(request, env, ctx) {
  const { pathname } = new URL(request.url);
  if (pathname === '/keep') {
    fs.writeFileSync('/tmp/secret.txt', 'of one event');
    kept.fd = fs.openSync('/tmp/secret.txt', 'r+');
    kept.handle = await fs.promises.open('/tmp/secret.txt', 'r+');
    kept.dir = fs.opendirSync('/tmp');
    kept.deep = fs.opendirSync('/', { recursive: true });
    kept.entries = (await fs.promises.opendir('/tmp')).entries();
    kept.lines = await fs.promises.open('/tmp/secret.txt');
    kept.web = kept.lines.readableWebStream();
    kept.stream = fs.createReadStream('/tmp/secret.txt', { start: 0 }).on('error', () => {});
    kept.read = () => fs.readFileSync('/tmp/secret.txt', 'utf8');
    if (request.headers.get('wait')) await scheduler.wait(1500);
    return new Response(fs.readFileSync('/tmp/secret.txt', 'utf8'));
  }
  if (pathname === '/use') {
    return Response.json([
      fs.existsSync('/tmp/secret.txt'), code(() => fs.readSync(kept.fd, Buffer.alloc(4))), code(() => fs.writeSync(kept.fd, 'x')), code(() => fs.closeSync(kept.fd)), code(() => fs.readFileSync(kept.fd)),
      await kept.handle.readFile('utf8').catch((error) => error.code), await kept.handle.write('x').catch((error) => error.code), code(kept.read), fs.readdirSync('/tmp'),
      fs.openSync('/tmp/other', 'w') === kept.fd, seen.filter((value) => value && typeof value === 'object' && ('inode' in value || (value.constructor?.name ?? '').match(/^(Node|Store|Quota|Description)$/))).length,
      seen.some((value) => value instanceof Uint8Array && Buffer.from(value.buffer).includes('of one event')),
      code(() => kept.dir.readSync().name), await kept.dir.read().then((entry) => entry.name, (error) => error.code), await new Promise((resolve) => kept.dir.read((error, entry) => resolve(error?.code ?? entry.name))),
      code(() => kept.dir.closeSync()), code(() => kept.deep.readSync().name), await kept.entries.next().then(({ value }) => value?.name ?? 'none', (error) => error.code), await kept.lines.stat().then(() => 'stat', (error) => error.code),
    ]);
  }
  // Many at once, each with a file of the same name.
  fs.writeFileSync('/tmp/same', pathname);
  await scheduler.wait(Math.random() * 30);
  await fs.promises.appendFile('/tmp/same', '!');
  return new Promise((resolve) => fs.readFile('/tmp/same', 'utf8', (error, text) => resolve(new Response(error ? error.message : text))));
} };";
    let project = Project::new(&[
        ("worker.js", worker),
        (
            "workerd-lite.toml",
            "main = 'worker.js'\nthreads = 1\n[limits]\ncpu_ms = 20000\nstartup_cpu_ms = 5000\n",
        ),
    ]);
    let server = project.serve(&[]);
    let expected = serde_json::json!([
        false,
        "EBADF",
        "EBADF",
        "EBADF",
        "EBADF",
        "EBADF",
        "EBADF",
        "ENOENT",
        [],
        false,
        0,
        false,
        "EBADF",
        "EBADF",
        "EBADF",
        "EBADF",
        "EBADF",
        "EBADF",
        "EBADF"
    ]);
    assert_eq!(server.get("/keep").body, "of one event", "{}", server.log());
    assert_eq!(json(&server.get("/use").body), expected);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| server.curl("/keep", &["-H", "wait: 1"]));
        std::thread::sleep(Duration::from_millis(500));
        assert_eq!(json(&server.get("/use").body), expected, "while the other runs");
        assert_eq!(waiting.join().unwrap().body, "of one event");
        let asked: Vec<_> = (0..20)
            .map(|index| {
                let server = &server;
                scope.spawn(move || {
                    let path = format!("/{index}");
                    assert_eq!(server.get(&path).body, format!("{path}!"));
                })
            })
            .collect();
        for one in asked {
            one.join().unwrap();
        }
    });
}

/// Each of these would take minutes or gigabytes. Its event fails or is told, soon, and the next one is served.
#[test]
fn floods_of_files_are_bounded() {
    let worker = "
import fs from 'node:fs';
const floods = {
  files: () => { for (let i = 0;; i++) fs.writeFileSync(`/tmp/${i}`, ''); },
  directories: () => { for (let i = 0, at = '/tmp';; i++) { fs.mkdirSync(at += '/a-directory-of-some-length'); } },
  moved: () => { for (let i = 0;; i++) { fs.mkdirSync(`/tmp/n${i}`); fs.mkdirSync(`/tmp/n${i}/a`); if (i) fs.renameSync(`/tmp/n${i - 1}`, `/tmp/n${i}/a/b`); } },
  names: () => { for (let i = 0;; i++) fs.writeFileSync(`/tmp/${String(i).padStart(250, 'x')}`, ''); },
  targets: () => { for (let i = 0;; i++) fs.symlinkSync('t'.repeat(4000), `/tmp/l${i}`); },
  descriptors: () => { fs.writeFileSync('/tmp/a', ''); for (;;) fs.openSync('/tmp/a'); },
  contents: () => { for (let i = 0;; i++) fs.writeFileSync(`/tmp/${i}`, Buffer.alloc(1 << 20)); },
  append: () => { const b = Buffer.alloc(1 << 20); for (;;) fs.appendFileSync('/tmp/a', b); },
  unlinked: () => { const b = Buffer.alloc(1 << 20); for (;;) { const fd = fs.openSync('/tmp/a', 'w'); fs.writeSync(fd, b); fs.unlinkSync('/tmp/a'); } },
  sparse: () => { const fd = fs.openSync('/tmp/a', 'w'); for (let i = 0;; i++) fs.writeSync(fd, 'x', i * 65536 + 65535); },
  truncate: () => fs.truncateSync((fs.writeFileSync('/tmp/a', ''), '/tmp/a'), 2 ** 40),
  far: () => fs.writeSync(fs.openSync('/tmp/a', 'w'), 'x', 2 ** 50),
  hollow: () => { fs.writeFileSync('/tmp/a', ''); fs.truncateSync('/tmp/a', 2 ** 31 - 1); return fs.readFileSync('/tmp/a'); },
  zero: () => fs.readFileSync('/dev/zero'),
  copyZero: () => fs.copyFileSync('/dev/zero', '/tmp/z'),
  loop: () => { fs.symlinkSync('/tmp/b', '/tmp/a'); fs.symlinkSync('/tmp/a', '/tmp/b'); fs.readFileSync('/tmp/a'); },
  spiral: () => { fs.symlinkSync('a/a/a/a/a/a/a/a', '/tmp/a'); fs.readFileSync('/tmp/a/x'); },
  links: () => { fs.writeFileSync('/tmp/a', ''); for (let i = 0;; i++) fs.linkSync('/tmp/a', `/tmp/${String(i).padStart(250, 'x')}`); },
  temporary: () => { for (;;) fs.mkdtempSync('/tmp/x-'); },
  glob: () => { for (let i = 0; i < 200; i++) fs.mkdirSync(`/tmp/a${i}`); return fs.globSync('{a,b}*'.repeat(12) + '/**/'.repeat(40), { cwd: '/tmp' }); },
  braces: () => fs.globSync('{1..1000000}{1..1000000}'),
  match: () => process.getBuiltinModule('path').matchesGlob('a'.repeat(50000), '*a'.repeat(20000) + 'b'),
};
export default { async fetch(request) {
  const name = new URL(request.url).pathname.slice(1);
  if (name === '') return Response.json(Object.keys(floods));
  if (name === 'twice') { for (let i = 0; i < 40; i++) { fs.writeFileSync('/tmp/a', Buffer.alloc(1 << 20)); fs.rmSync('/tmp/a'); } for (let i = 0; i < 20000; i++) { fs.writeFileSync('/tmp/b', 'x'); fs.renameSync('/tmp/b', '/tmp/c'); fs.unlinkSync('/tmp/c'); } return new Response('freed'); }
  try { await floods[name](); return new Response('made'); }
  catch (error) { return new Response(`refused: ${error.code} ${error.message}`); }
} };";
    let project = Project::new(&[
        ("worker.js", worker),
        (
            "workerd-lite.toml",
            "main = 'worker.js'\nthreads = 1\n[limits]\ncpu_ms = 3000\nbuffers_mb = 64\nwall = '20s'\nstartup_cpu_ms = 5000\n",
        ),
    ]);
    let server = project.serve(&[]);
    let names = json(&server.get("/").body);
    for name in names.as_array().unwrap() {
        let name = name.as_str().unwrap();
        let began = Instant::now();
        let answer = server.get(&format!("/{name}"));
        println!("{name}: {} {} {:?}", answer.status, answer.body.trim(), began.elapsed());
        assert!(
            began.elapsed() < Duration::from_secs(15),
            "{name} took {:?}",
            began.elapsed()
        );
        if !["glob", "match", "braces"].contains(&name) {
            assert_ne!(answer.body, "made", "{name}");
            assert!(
                answer.body.starts_with("refused: E"),
                "{name}: {} {}",
                answer.status,
                answer.body
            );
        }
        assert_eq!(server.get("/").status, 200, "after {name}: {}", server.log());
    }
    assert_eq!(server.get("/twice").body, "freed", "{}", server.log());
    assert!(server.memory("VmHWM") < 1000, "{} MiB", server.memory("VmHWM"));
}
