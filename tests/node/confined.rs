//! Node's modules give scripts nothing of the machine, of us or of other events, and what they compute can be stopped.

use std::time::{Duration, Instant};

use crate::harness::{Project, json};

/// A script that has replaced built-ins, and looks for what is not its own.
#[test]
fn no_way_leads_to_the_machine_or_to_us() {
    let worker = "
import module from 'node:module';
import fs from 'node:fs';
const found = [];
const note = (what, value) => {
  if (typeof value === 'function' && /^op_|^async_op_/.test(value.name)) found.push(`${what}: ${value.name}`);
};
// Whatever passes through a built-in is seen.
for (const [object, name] of [[Array.prototype, 'push'], [Map.prototype, 'set'], [Object, 'assign'], [Object, 'defineProperty'], [Reflect, 'apply'], [Function.prototype, 'call'], [Function.prototype, 'apply'], [Function.prototype, 'bind']]) {
  const original = object[name];
  object[name] = function (...args) {
    note(name, this);
    for (let i = 0; i < args.length; i++) note(name, args[i]);
    return new.target ? Reflect.construct(original, args) : original.apply ? original.apply(this, args) : undefined;
  };
  if (name === 'apply' && object === Function.prototype) object[name] = original;
}
for (const name of ['op_node_create_hash', 'ops', 'core', 'primordials', 'binding', 'default']) {
  Object.defineProperty(Object.prototype, name, { configurable: true, set(value) {
    note(`setter ${name}`, value);
    Reflect.defineProperty(this, name, { value, writable: true, enumerable: true, configurable: true });
  } });
}
const tried = (run) => { try { return String(run()); } catch (error) { return error.code ?? error.constructor.name; } };
export default { async fetch() {
  const use = ['crypto', 'zlib', 'stream', 'util', 'url', 'os', 'readline', 'assert', 'string_decoder', 'punycode'];
  const loaded = use.map((name) => tried(() => typeof process.getBuiltinModule(name)));
  const hash = tried(() => process.getBuiltinModule('crypto').createHash('sha256').update('x').digest('hex').length);
  return Response.json({
    found,
    loaded: loaded.length,
    binding: tried(() => process.binding('fs')),
    dlopen: tried(() => process.dlopen({}, '/lib/x.so')),
    load: tried(() => module._load('/etc/passwd')),
    require: tried(() => module.createRequire('file:///etc/')('/etc/passwd')),
    file: tried(() => fs.readFileSync('/etc/passwd')),
    environment: Object.keys(process.env),
    kill: tried(() => process.kill(1, 9)),
    hash,
  });
} };";
    let project = Project::new(&[
        ("worker.js", worker),
        (
            "workerd-lite.toml",
            "main = 'worker.js'\n[limits]\ncpu_ms = 20000\nstartup_cpu_ms = 5000\n",
        ),
    ]);
    let server = project.serve_with(&[], &[("SECRET_OF_THE_HOST", "s")]);
    let seen = json(&server.get("/").body);
    assert_eq!(seen["found"], serde_json::json!([]), "{seen}");
    assert_eq!(seen["binding"], "ERR_METHOD_NOT_IMPLEMENTED");
    assert_eq!(seen["dlopen"], "ERR_METHOD_NOT_IMPLEMENTED");
    assert_eq!(seen["load"], "MODULE_NOT_FOUND");
    assert_eq!(seen["require"], "MODULE_NOT_FOUND");
    assert_eq!(seen["file"], "ENOENT");
    assert_eq!(seen["environment"], serde_json::json!([]));
    assert_eq!(server.get("/").status, 200);
}

/// What restores stores of another event leaves the running event the current one: its requests are its own.
#[test]
fn a_store_is_its_events_and_no_snapshot_changes_the_event() {
    let worker = "
import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
const storage = new AsyncLocalStorage();
const everybodys = storage.run('outside', () => AsyncLocalStorage.snapshot());
let kept, bound, resource;
export default { async fetch(request, env, ctx) {
  const { pathname } = new URL(request.url);
  if (pathname === '/keep') return storage.run('first', () => { kept = AsyncLocalStorage.snapshot(); bound = AsyncLocalStorage.bind(function (a, b) { return [storage.getStore(), a, b, this.c]; }); resource = new AsyncResource('r'); return new Response(`${kept(() => storage.getStore())} ${bound.call({ c: 3 }, 1, 2)} ${bound.length}`); });
  if (pathname === '/free') return Response.json([kept(() => storage.getStore()), bound.call({ c: 3 }, 1, 2)]);
  if (pathname === '/use') {
    const refused = (use) => { try { return use(); } catch (error) { return error.message.slice(0, 53); } };
    const before = storage.getStore();
    const within = [refused(() => kept(() => storage.getStore())), refused(() => bound(1, 2)), everybodys(() => storage.getStore())];
    // Within, stores are others. Timers belong to the event that runs, which goes on.
    const waited = await new Promise((resolve) => everybodys(() => setTimeout(() => resolve(storage.getStore()), 5)));
    const scoped = await resource.runInAsyncScope(async () => { await scheduler.wait(1); return storage.getStore(); });
    return Response.json([before ?? null, within, waited, scoped, storage.getStore() ?? null]);
  }
  return storage.run(pathname, async () => { await scheduler.wait(Math.random() * 20); return new Response(storage.getStore()); });
} };";
    let project = Project::new(&[("worker.js", worker)]);
    let server = project.serve(&["worker.js"]);
    assert_eq!(server.get("/keep").body, "first first,1,2,3 2");
    let refused = "Cannot call this AsyncLocalStorage bound function outs";
    assert_eq!(
        json(&server.get("/use").body),
        serde_json::json!([
            null,
            [&refused[..53], &refused[..53], "outside"],
            "outside",
            "first",
            null
        ])
    );
    // By an older date they are everybody's.
    project.write(
        "wrangler.toml",
        "name = 'w'\nmain = 'worker.js'\ncompatibility_date = '2025-06-15'\ncompatibility_flags = ['nodejs_compat']\n",
    );
    let older = project.serve(&[]);
    older.get("/keep");
    assert_eq!(
        json(&older.get("/free").body),
        serde_json::json!(["first", ["first", 1, 2, 3]])
    );
    drop(older);
    std::thread::scope(|scope| {
        let asked: Vec<_> = (0..20)
            .map(|index| {
                let server = &server;
                scope.spawn(move || {
                    let path = format!("/{index}");
                    assert_eq!(server.get(&path).body, path);
                })
            })
            .collect();
        for one in asked {
            one.join().unwrap();
        }
    });
}

/// Each of these would take minutes or gigabytes, and is refused. What goes on until it is stopped is in `fixtures/limits`.
#[test]
fn what_would_take_long_or_much_is_refused() {
    let worker = "
import crypto from 'node:crypto';
import zlib from 'node:zlib';
const element = (tag, ...parts) => { const body = Buffer.concat(parts); const length = body.length < 128 ? [body.length] : body.length < 256 ? [0x81, body.length] : [0x82, body.length >> 8, body.length & 255]; return Buffer.concat([Buffer.from([tag, ...length]), body]); };
const number = (bytes) => element(2, Buffer.concat([Buffer.alloc(1), bytes]));
const oid = (hex) => element(6, Buffer.from(hex, 'hex'));
// PBES2 with as many rounds as a file may say.
const sealed = (rounds) => { const count = Buffer.alloc(4); count.writeUInt32BE(rounds); return element(0x30, element(0x30, oid('2a864886f70d01050d'), element(0x30, element(0x30, oid('2a864886f70d01050c'), element(0x30, element(4, Buffer.alloc(8)), element(2, count), element(0x30, oid('2a864886f70d0209'), element(5)))), element(0x30, oid('60864801650304012a'), element(4, Buffer.alloc(16))))), element(4, Buffer.alloc(64))); };
// A key of DSA whose numbers have so many bytes.
const dsaKey = (bytes) => { const odd = Buffer.alloc(bytes, 255); return element(0x30, element(0x30, oid('2a8648ce380401'), element(0x30, number(odd), number(odd), number(Buffer.from([2])))), element(3, Buffer.alloc(1), number(Buffer.alloc(bytes, 254)))); };
const floods = {
  hash: () => crypto.createHash('shake256', { outputLength: 2 ** 31 - 1 }),
  rsa: () => crypto.generateKeyPairSync('rsa', { modulusLength: 16384 }),
  dh: () => { const dh = crypto.createDiffieHellman(Buffer.alloc(64), 2); dh.generateKeys(); return dh.computeSecret(Buffer.alloc(64)); },
  dhLong: () => crypto.createDiffieHellman(Buffer.alloc(1 << 20, 255), 2).generateKeys(),
  encrypted: () => crypto.createPrivateKey({ key: '-----BEGIN ENCRYPTED PRIVATE KEY-----\\nAAAA\\n-----END ENCRYPTED PRIVATE KEY-----', passphrase: 'x' }),
  encryptedLong: () => crypto.createPrivateKey({ key: sealed(99999999), format: 'der', type: 'pkcs8', passphrase: 'x' }),
  encryptedPem: () => crypto.createPublicKey({ key: '-----BEGIN ENCRYPTED PRIVATE KEY-----\\n' + sealed(99999999).toString('base64') + '\\n-----END ENCRYPTED PRIVATE KEY-----', passphrase: 'x' }),
  hugeModulus: () => crypto.createPublicKey({ format: 'jwk', key: { kty: 'RSA', e: 'AQAB', n: Buffer.alloc(1 << 20, 255).toString('base64url') } }),
  hugeDsa: () => crypto.createPublicKey({ format: 'der', type: 'spki', key: dsaKey(1 << 13) }),
  hugePem: () => crypto.createPublicKey('# words before\\n-----BEGIN PUBLIC KEY-----\\n' + dsaKey(2500).toString('base64') + '\\n-----END PUBLIC KEY-----'),
  hugeExponent: () => crypto.createPublicKey({ format: 'jwk', key: { kty: 'RSA', e: Buffer.alloc(500, 255).toString('base64url'), n: Buffer.alloc(512, 255).toString('base64url') } }),
  hugeSalt: () => crypto.sign('sha256', Buffer.from('x'), { key: crypto.generateKeyPairSync('rsa', { modulusLength: 512 }).privateKey, padding: 6, saltLength: 2 ** 31 - 1 }),
  certificate: () => new crypto.X509Certificate(Buffer.alloc(1 << 20, 48)),
  zstdLarge: () => { const stream = zlib.createZstdCompress({ params: { 100: 22 } }); stream.write('x'); return new Promise((_, reject) => stream.on('error', reject)); },
  zstdTables: () => { const stream = zlib.createZstdCompress({ params: { 101: 31, 102: 30, 103: 30, 160: 1, 161: 30 } }); stream.write('x'); return new Promise((_, reject) => stream.on('error', reject)); },
  zstdWindow: () => zlib.zstdDecompressSync(Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0x88, 1, 0, 0])),
};
export default { async fetch(request) {
  const name = new URL(request.url).pathname.slice(1);
  if (name === '') return Response.json(Object.keys(floods));
  try { await floods[name](); return new Response('made'); }
  catch (error) { return new Response(`refused: ${error.message}`); }
} };";
    let project = Project::new(&[
        ("worker.js", worker),
        (
            "workerd-lite.toml",
            "main = 'worker.js'\nthreads = 1\n[limits]\ncpu_ms = 300\nbuffers_mb = 64\nwall = '10s'\nstartup_cpu_ms = 5000\n",
        ),
    ]);
    let server = project.serve(&[]);
    let names = json(&server.get("/").body);
    for name in names.as_array().unwrap() {
        let name = name.as_str().unwrap();
        let began = Instant::now();
        let answer = server.get(&format!("/{name}"));
        assert!(
            began.elapsed() < Duration::from_secs(8),
            "{name} took {:?}: {}",
            began.elapsed(),
            answer.body
        );
        assert_ne!(answer.body, "made", "{name}");
        println!("{name}: {} {}", answer.status, answer.body.trim());
        assert_eq!(server.get("/").status, 200, "after {name}: {}", server.log());
    }
    assert!(server.memory("VmHWM") < 1000, "{} MiB", server.memory("VmHWM"));
}

/// A thread that V8 can not stop is lost, and costs its process in the end: what computes looks for the order itself.
#[test]
fn what_computes_gives_its_thread_back() {
    let worker = "
import crypto from 'node:crypto';
const floods = {
  pbkdf2: () => crypto.pbkdf2Sync('p', 's', 2e9, 32, 'sha512'),
  salt: () => crypto.pbkdf2Sync('p', Buffer.alloc(32 << 20), 1, 1 << 20, 'sha256'),
  scrypt: () => crypto.scryptSync('p', 's', 32, { N: 2 ** 12, r: 8, p: 2 ** 12, maxmem: 2 ** 40 }),
  scryptBlock: () => crypto.scryptSync('p', 's', 32, { N: 2, r: 2 ** 17, p: 1, maxmem: 2 ** 40 }) && floods.scryptBlock(),
  scryptKey: () => crypto.scryptSync('p', 's', 1 << 20, { N: 2, r: 8, p: 2 ** 14, maxmem: 2 ** 40 }),
};
export default { async fetch(request) {
  const name = new URL(request.url).pathname.slice(1);
  if (name === '') return Response.json(Object.keys(floods));
  floods[name]();
  return new Response('made');
} };";
    let project = Project::new(&[
        ("worker.js", worker),
        (
            "workerd-lite.toml",
            "main = 'worker.js'\nthreads = 1\n[limits]\ncpu_ms = 300\nbuffers_mb = 64\nstartup_cpu_ms = 5000\n",
        ),
    ]);
    let server = project.serve(&[]);
    let names = json(&server.get("/").body);
    for name in names.as_array().unwrap() {
        let name = name.as_str().unwrap();
        let answer = server.get(&format!("/{name}"));
        assert_eq!(answer.status, 503, "{name}: {}", answer.body);
        assert_eq!(server.get("/").status, 200, "after {name}");
    }
    std::thread::sleep(Duration::from_secs(3));
    let log = server.log();
    assert!(!log.contains("a thread is lost"), "{log}");
}

/// Every object that a walk from the modules reaches is Node's or the web's: no op, no object of deno's or ours among them.
#[test]
fn a_walk_from_the_modules_finds_nothing_of_ours() {
    let names: Vec<&str> = include_str!("../../fixtures/node/modules.txt").lines().collect();
    let imports: Vec<String> = names
        .iter()
        .enumerate()
        .map(|(index, name)| format!("import * as m{index} from 'node:{name}';\n"))
        .collect();
    let imports = imports.concat();
    let list: Vec<String> = (0..names.len()).map(|index| format!("m{index}")).collect();
    let worker = format!(
        "{imports}import {{ walk }} from './walk.js';\nexport default {{ async fetch() {{\n  const hash = m16.createHash('sha1'), key = m16.createSecretKey(Buffer.alloc(4)), gzip = m15.createGzip(), \
         cipher = m16.createCipheriv('aes-128-cbc', Buffer.alloc(16), Buffer.alloc(16));\n  \
         return new Response(walk({{ modules: [{}], Buffer, process, hash, key, gzip, cipher, timer: m9.setTimeout(() => {{}}, 1) }}));\n}} }};",
        list.join(", ")
    );
    let (timers, zlib, crypto) = (names[9], names[15], names[16]);
    assert_eq!((timers, zlib, crypto), ("timers", "zlib", "crypto"));
    let project = Project::new(&[
        ("worker.js", &worker),
        ("walk.js", include_str!("../../fixtures/reachable/walk.js")),
        (
            "workerd-lite.toml",
            "main = 'worker.js'\n[limits]\ncpu_ms = 20000\nstartup_cpu_ms = 5000\n",
        ),
    ]);
    let server = project.serve(&[]);
    let answer = server.get("/");
    assert_eq!(answer.status, 200, "{}", server.log());
    assert!(answer.body.lines().count() > 2000, "{}", answer.body);
    for line in answer.body.lines() {
        for ours in [
            ".Deno ",
            "__bootstrap",
            "op_node_",
            "op_coder",
            "op_event",
            "ext:",
            "async_op",
            ".ops ",
        ] {
            assert!(!line.contains(ours), "{line}");
        }
    }
}
