//! Structured cloning, and what is transferred.

use std::fmt::Write as _;

use super::check;

#[test]
fn what_is_transferred_is_detached() {
    check(
        r"
const received = (port) => new Promise((resolve) => { port.onmessage = (event) => resolve(event.data); });
const buffer = (...args) => new ArrayBuffer(...args);
const memory = () => new WebAssembly.Memory({ initial: 1 }).buffer;
",
        r#"
["[0,true,8]", () => { const b = buffer(8); const c = structuredClone(b, { transfer: [b] }); return [b.byteLength, b.detached, c.byteLength]; }],
["[true,8,true,100]", () => { const b = buffer(8, { maxByteLength: 100 }); const c = structuredClone(b, { transfer: [b] }); return [b.detached, c.byteLength, c.resizable, c.maxByteLength]; }],
["[0,true,[1,2]]", () => { const b = bytes(1, 2); const c = structuredClone({ b }, { transfer: [b.buffer] }); return [b.length, b.buffer.detached, [...c.b]]; }],
["[true,true]", () => { const b = bytes(1, 2); const c = structuredClone([b, b.buffer], { transfer: [b.buffer] }); return [b.buffer.detached, c[0].buffer === c[1]]; }],
["true", () => { const b = buffer(8); structuredClone(1, { transfer: [b] }); return b.detached; }],
["false", () => { const b = buffer(8); structuredClone(b); return b.detached; }],
["false", () => { const b = buffer(8); try { structuredClone({ b, f() {} }, { transfer: [b] }); } catch { return b.detached; } }],
["DOMException DataCloneError 25", () => { const b = buffer(8); return structuredClone(b, { transfer: [b, b] }); }],
["DOMException DataCloneError 25", () => { const b = buffer(8); b.transfer(); return structuredClone(b, { transfer: [b] }); }],
["DOMException DataCloneError 25", () => { const b = buffer(8); return structuredClone({ get x() { b.transfer(); return 1; } }, { transfer: [b] }); }],
["TypeError TypeError", () => { const b = memory(); return structuredClone(1, { transfer: [b] }); }],
["DOMException DataCloneError 25", () => structuredClone({}, { transfer: [{}] })],
["DOMException DataCloneError 25", () => { const h = new Headers(); return structuredClone(h, { transfer: [h] }); }],
["DOMException DataCloneError 25", () => { const b = new Blob(); return structuredClone(b, { transfer: [b] }); }],
["TypeError TypeError", () => structuredClone({}, { transfer: [1] })],
["\"hi\"", async () => { const { port1, port2 } = new MessageChannel(); const p = structuredClone(port1, { transfer: [port1] }); const data = received(p); port2.postMessage("hi"); return JSON.stringify(await data); }],
["DOMException DataCloneError 25", () => { const { port1 } = new MessageChannel(); structuredClone(port1, { transfer: [port1] }); structuredClone(port1, { transfer: [port1] }); }],
["[0,8]", async () => { const { port1, port2 } = new MessageChannel(); const data = received(port2); const b = buffer(8); port1.postMessage(b, [b]); return [b.byteLength, (await data).byteLength]; }],
["[0,[1,2]]", async () => { const { port1, port2 } = new MessageChannel(); const data = received(port2); const b = bytes(1, 2); port1.postMessage({ b }, { transfer: [b.buffer] }); return [b.length, [...(await data).b]]; }],
["ab", async () => { const s = new Blob(["ab"]).stream(); const c = structuredClone(s, { transfer: [s] }); return `${s.locked ? "" : "open"}${await new Response(c).text()}`; }],
["true", async () => { const { writable, readable } = new TransformStream(); const w = structuredClone(writable, { transfer: [writable] }); const writer = w.getWriter(); writer.write("x"); const { value } = await readable.getReader().read(); return value === "x" && writable.locked; }],
["DOMException DataCloneError 25", () => { const s = new ReadableStream(); s.getReader(); return structuredClone(s, { transfer: [s] }); }],
"#,
    );
}

/// What is registered for a type is called, and any script can name the symbol that says one.
#[test]
fn a_type_that_nobody_registered_is_refused() {
    check(
        r#"
const BRAND = Symbol.for("Deno.core.hostObject");
const branded = (type) => structuredClone({ [BRAND]: () => ({ type }) });
const sent = (value) => { const { port1 } = new MessageChannel(); port1.postMessage(value); return "sent"; };
"#,
        r#"
["RangeError RangeError", () => branded("nobody")],
["RangeError RangeError", () => branded("__proto__")],
["RangeError RangeError", () => branded("toString")],
["RangeError RangeError", () => branded(undefined)],
["RangeError RangeError", () => branded(Symbol.iterator.description)],
["RangeError RangeError", () => branded({})],
["RangeError RangeError", () => branded([])],
["RangeError RangeError", () => branded(new String("Blob"))],
["RangeError RangeError", () => structuredClone({ [BRAND]: () => 1 })],
["RangeError RangeError", () => structuredClone({ [BRAND]: () => null })],
["RangeError RangeError", () => structuredClone({ [BRAND]: () => undefined })],
["RangeError RangeError", () => structuredClone([new Blob(), { [BRAND]: () => ({ type: "nobody" }) }])],
["Error mine", () => structuredClone({ [BRAND]() { throw Object.assign(new Error("x"), { name: "mine" }); } })],
["sent", () => sent({ [BRAND]: () => ({ type: "nobody" }) })],
["true", () => structuredClone(new Blob(["x"])) instanceof Blob],
["RangeError RangeError", () => branded("Headers")],
['[["a","\u4f60"],["set-cookie","1"],["set-cookie","2"]] true', () => { const { h } = structuredClone({ h: new Headers([["a", "\u4f60"], ["set-cookie", "1"], ["set-cookie", "2"]]) }); return `${JSON.stringify([...h])} ${h instanceof Headers}`; }],
"#,
    );
}

#[test]
fn what_is_not_serializable_is_refused_wherever_it_is() {
    let mut rows = String::new();
    for value in [
        "new URL('http://a/')",
        "new URLSearchParams()",
        "new Request('http://a/')",
        "new Response('x')",
        "new FormData()",
        "new AbortController()",
        "new AbortController().signal",
        "new Event('x')",
        "new MessageEvent('x')",
        "new EventTarget()",
        "new (class extends EventTarget {})()",
        "new (class Mine extends Response {})()",
        "new ReadableStream()",
        "new ReadableStream().getReader()",
        "new WritableStream()",
        "new TransformStream()",
        "new CompressionStream('gzip')",
        "new IdentityTransformStream()",
        "new TextDecoder()",
        "new TextEncoder()",
        "new TextDecoderStream()",
        "new CountQueuingStrategy({ highWaterMark: 1 })",
        "new MessageChannel()",
        "new MessageChannel().port1",
        "new URLPattern('http://a/')",
        "crypto",
        "crypto.subtle",
        "performance",
        "navigator",
        "scheduler",
        "globalThis",
        "console.log",
        "Symbol()",
        "new WeakMap()",
        "Promise.resolve()",
        "new Proxy({}, {})",
    ] {
        for run in [
            "structuredClone(VALUE)",
            "structuredClone({ a: [VALUE] })",
            "structuredClone(new Map([[1, VALUE]]))",
            "new MessageChannel().port1.postMessage(VALUE)",
            "new MessageChannel().port1.postMessage({ a: [VALUE] })",
        ] {
            let run = run.replace("VALUE", value);
            let _ = writeln!(rows, "[\"DOMException DataCloneError 25\", () => {run}],");
        }
    }
    check("", &rows);
}

#[test]
fn what_is_serializable_is_itself_again() {
    check(
        r"
const { subtle } = crypto;
const through = async (value) => {
  const { port1, port2 } = new MessageChannel();
  const data = new Promise((resolve) => { port2.onmessage = (event) => resolve(event.data); });
  port1.postMessage({ value });
  return (await data).value;
};
",
        r#"
["AbortError m 20 true", () => { const c = structuredClone(new DOMException("m", "AbortError")); return `${c.name} ${c.message} ${c.code} ${c instanceof DOMException}`; }],
["abc text/plain", async () => { const c = structuredClone({ b: new Blob(["abc"], { type: "text/plain" }) }).b; return `${await c.text()} ${c.type}`; }],
["bc", async () => structuredClone(structuredClone(new Blob(["a", "bcd"]).slice(1)).slice(0, 2)).text()],
["n.txt 5 abc true", async () => { const c = await through(new File(["abc"], "n.txt", { lastModified: 5 })); return `${c.name} ${c.lastModified} ${await c.text()} ${c instanceof File}`; }],
["RangeError x 1", () => { const c = structuredClone(new RangeError("x", { cause: 1 })); return `${c.name} ${c.message} ${c.cause}`; }],
["[1,null,3]", () => structuredClone([1, , 3])],
["true", () => { const o = {}; o.o = o; const c = structuredClone(o); return c.o === c; }],
// Keys, with what they may be used for; what is not extractable stays so, and says nothing of itself to who asks as the engine does.
["true secret false [\"encrypt\",\"decrypt\"]", async () => {
  const key = await subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
  const c = await through(key);
  const params = { name: "AES-GCM", iv: new Uint8Array(12) };
  const plain = new Uint8Array(await subtle.decrypt(params, c, await subtle.encrypt(params, key, bytes(7))));
  return `${plain[0] === 7 && c !== key && c instanceof CryptoKey} ${c.type} ${c.extractable} ${JSON.stringify(c.usages)}`;
}],
["true", async () => {
  const { privateKey, publicKey } = await subtle.generateKey({ name: "ECDSA", namedCurve: "P-521" }, false, ["sign", "verify"]);
  const params = { name: "ECDSA", hash: "SHA-512" };
  return subtle.verify(params, structuredClone(publicKey), await subtle.sign(params, structuredClone(privateKey), bytes(1)), bytes(1));
}],
["true", async () => {
  const { privateKey, publicKey } = await subtle.generateKey("Ed25519", false, ["sign", "verify"]);
  return subtle.verify("Ed25519", structuredClone(publicKey), await subtle.sign("Ed25519", structuredClone(privateKey), bytes(1)), bytes(1));
}],
["true", async () => {
  const key = await subtle.generateKey({ name: "HMAC", hash: "SHA-384" }, false, ["sign", "verify"]);
  const c = structuredClone(key);
  return c.algorithm.hash.name === "SHA-384" && subtle.verify("HMAC", c, await subtle.sign("HMAC", key, bytes(1)), bytes(1));
}],
["false DOMException", async () => {
  const key = await subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt"]);
  Object.defineProperty(key, "extractable", { value: true });
  const c = structuredClone(key);
  return `${c.extractable} ${await subtle.exportKey("raw", c).catch((error) => error.constructor.name)}`;
}],
["[\"number\",\"type\"]", async () => {
  const key = await subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt"]);
  return Object.keys(key[Symbol.for("Deno.core.hostObject")]()).sort();
}],
["RangeError RangeError", () => structuredClone({ [Symbol.for("Deno.core.hostObject")]: () => ({ type: "CryptoKey", number: 1e9, keyType: "secret" }) })],
["length,name,prototype", () => Reflect.ownKeys(CryptoKey).join()],
"#,
    );
}
