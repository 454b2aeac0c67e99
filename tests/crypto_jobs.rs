//! What `crypto.subtle` does on threads: who floods them leaves others theirs, and pays for what was computed.

use std::time::{Duration, Instant};

use crate::harness::Project;
use crate::harness::attacks::cases;
use crate::limits::{hostile, serve};

const FLOOD: &str = r#"
[[case]]
name = "pbkdf2"
code = """const k = await crypto.subtle.importKey('raw', new Uint8Array(8), 'PBKDF2', false, ['deriveBits', 'deriveKey']);
const by = { name: 'PBKDF2', hash: 'SHA-512', salt: new Uint8Array(8), iterations: 1e5 };
await Promise.all(Array.from({ length: 64 }, () => crypto.subtle.deriveBits(by, k, 512)));
return new Response('all');"""

[[case]]
name = "keys"
code = """await Promise.all(Array.from({ length: 64 }, () => crypto.subtle.generateKey(
  { name: 'RSA-PSS', modulusLength: 4096, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' }, false, ['sign'])));
return new Response('all');"""

[[case]]
name = "hooked"
code = """const { call } = Function.prototype;
const given = [];
Function.prototype.call = function (...args) { given.push(typeof this); return Reflect.apply(call, this, args); };
const k = await crypto.subtle.importKey('raw', new Uint8Array(8), 'PBKDF2', false, ['deriveBits']);
await crypto.subtle.deriveBits({ name: 'PBKDF2', hash: 'SHA-256', salt: new Uint8Array(8), iterations: 10 }, k, 256);
await fetch('http://a.test/').catch(() => {});
await scheduler.wait(1);
await new Response(new Blob(['a']).stream()).text();
Function.prototype.call = call;
return new Response(`given ${given.length}`);"""

[[case]]
name = "pays"
code = """const k = await crypto.subtle.importKey('raw', new Uint8Array(8), 'PBKDF2', false, ['deriveBits']);
const by = { name: 'PBKDF2', hash: 'SHA-512', salt: new Uint8Array(8), iterations: 1e5 };
let n = 0;
try { for (; n < 400; n++) await crypto.subtle.deriveBits(by, k, 512); } catch (e) { return new Response(`${e.name} ${n > 0 && n < 50}`); }
return new Response(`all ${n}`);"""

[[case]]
name = "after"
code = "return new Response(String((await crypto.subtle.digest('SHA-256', new Uint8Array(20000))).byteLength));"
"#;

const VICTIM: &str = "
const key = await crypto.subtle.importKey('raw', new Uint8Array(32), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
export default { async fetch() {
  const signed = await crypto.subtle.sign('HMAC', key, new Uint8Array(20000));
  const digest = await crypto.subtle.digest('SHA-384', new Uint8Array(20000));
  return new Response(`${signed.byteLength} ${digest.byteLength}`);
} };";

fn is_served_beside(attack: &str) {
    let (project, server) = serve(&cases(FLOOD), "[agents.limits]\ncpu_ms = 600000\nwall = '60s'\n");
    drop(server);
    project.write("good.js", VICTIM);
    let server = project.serve(&[]);
    assert_eq!(server.get("/").body, "32 48");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let server = &server;
            let arguments = ["-H", "Host: hostile.localhost", "-m", "6"];
            scope.spawn(move || server.curl(attack, &arguments));
        }
        std::thread::sleep(Duration::from_millis(500));
        for _ in 0..40 {
            let began = Instant::now();
            let answer = server.curl("/", &["-m", "5"]);
            assert_eq!(answer.body, "32 48", "{attack} {}", server.log());
            assert!(
                began.elapsed() < Duration::from_secs(2),
                "{attack}: {:?}",
                began.elapsed()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    });
}

#[test]
fn pbkdf2_of_one_leaves_others_theirs() {
    is_served_beside("/pbkdf2");
}

#[test]
fn keys_of_one_leave_others_theirs() {
    is_served_beside("/keys");
}

#[test]
fn what_was_computed_is_the_events_cpu_time() {
    let (_project, server) = serve(&cases(FLOOD), "[agents.limits]\ncpu_ms = 200\n");
    assert_eq!(hostile(&server, "/pays").1, "OperationError true");
    // Another event has its own.
    assert_eq!(hostile(&server, "/after").1, "32");
}

#[test]
fn ops_are_called_by_nothing_that_an_author_replaces() {
    let (_project, server) = serve(&cases(FLOOD), "[agents.limits]\ncpu_ms = 2000\n");
    assert_eq!(hostile(&server, "/hooked").1, "given 0");
}

#[test]
fn a_library_that_panics_is_an_operation_that_failed() {
    let code = "const by = { name: 'RSASSA-PKCS1-v1_5', modulusLength: 512, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-512' };
const { privateKey } = await crypto.subtle.generateKey(by, false, ['sign', 'verify']);
const told = new Set();
for (let i = 0; i < 8; i++) await crypto.subtle.sign(by, privateKey, new Uint8Array(9)).catch((e) => told.add(`${e.constructor.name} ${e.name}${/task|panic|signature/.test(e.message) ? e.message : ''}`));
return new Response([...told].join());";
    let project = Project::new(&[(
        "worker.js",
        &format!("export default {{ async fetch() {{ {code} }} }};"),
    )]);
    let server = project.serve(&["worker.js"]);
    assert_eq!(server.get("/").body, "DOMException OperationError");
    let told = server.log().matches("panicked at").count();
    assert!(told <= 5, "{told} panics are told: {}", server.log());
}
