//! Keys and algorithms of the Web Cryptography API.

use super::check;

#[test]
fn a_private_jwk_fits_its_public_part() {
    check(
        r#"
const { subtle } = crypto;
const pair = async (algorithm, usages) => subtle.exportKey("jwk", (await subtle.generateKey(algorithm, true, usages)).privateKey);
const curves = [
  ...["P-256", "P-384", "P-521"].flatMap((namedCurve) => [[{ name: "ECDSA", namedCurve }, ["sign", "verify"], ["sign"]], [{ name: "ECDH", namedCurve }, ["deriveBits"], ["deriveBits"]]]),
  [{ name: "Ed25519" }, ["sign", "verify"], ["sign"]],
  [{ name: "X25519" }, ["deriveBits"], ["deriveBits"]],
];
const each = async (change) => {
  const came = new Set();
  for (const [algorithm, usages, own] of curves) {
    const jwk = { ...await pair(algorithm, usages), key_ops: own };
    change(jwk, await pair(algorithm, usages));
    try { came.add((await subtle.importKey("jwk", jwk, algorithm, false, own)).type); } catch (error) { came.add(error.name); }
  }
  return [...came].join();
};
"#,
        r#"
["private", () => each(() => {})],
["DataError", () => each((jwk, other) => { jwk.x = other.x; if (jwk.y) jwk.y = other.y; })],
["DataError", () => each((jwk, other) => { jwk.d = other.d; })],
["DataError", () => each((jwk) => { delete jwk.x; })],
["public", async () => { const { d, key_ops, ...jwk } = await pair({ name: "ECDSA", namedCurve: "P-256" }, ["sign", "verify"]); return (await subtle.importKey("jwk", jwk, { name: "ECDSA", namedCurve: "P-256" }, true, ["verify"])).type; }],
// A JWK whose members change as they are read is the one that was read first.
["DataError", async () => {
  const [jwk, other] = [await pair({ name: "Ed25519" }, ["sign", "verify"]), await pair({ name: "Ed25519" }, ["sign", "verify"])];
  let reads = 0;
  const changing = { ...jwk, get d() { return reads++ === 0 ? other.d : jwk.d; } };
  try { return (await subtle.importKey("jwk", changing, "Ed25519", true, ["sign"])).type; } catch (error) { return error.name; }
}],
["DataError private", async () => {
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  const [jwk, other] = [await pair(algorithm, ["sign", "verify"]), await pair(algorithm, ["sign", "verify"])];
  const key = await subtle.generateKey({ name: "AES-GCM", length: 128 }, false, ["encrypt", "unwrapKey"]);
  const params = { name: "AES-GCM", iv: new Uint8Array(12) };
  const unwrapped = async (value) => {
    const wrapped = await subtle.encrypt(params, key, utf8(JSON.stringify(value)));
    try { return (await subtle.unwrapKey("jwk", wrapped, key, params, algorithm, false, ["sign"])).type; } catch (error) { return error.name; }
  };
  return `${await unwrapped({ ...jwk, d: other.d })} ${await unwrapped(jwk)}`;
}],
"#,
    );
}

#[test]
fn aes_gcm_takes_nonces_and_tags_of_every_length() {
    check(
        r#"
const { subtle } = crypto;
const hex = (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const ofHex = (text) => Uint8Array.from(text.match(/../g), (pair) => parseInt(pair, 16));
const import_ = (key, usages = ["encrypt", "decrypt"]) => subtle.importKey("raw", key, "AES-GCM", true, usages);
const round = async (length, params) => {
  const key = await import_(crypto.getRandomValues(new Uint8Array(length)));
  const sealed = await subtle.encrypt({ name: "AES-GCM", ...params }, key, utf8("secret"));
  const open = await subtle.decrypt({ name: "aes-gcm", ...params }, key, sealed);
  const broken = new Uint8Array(sealed.slice()); broken[0] ^= 1;
  let failed = ""; try { await subtle.decrypt({ name: "AES-GCM", ...params }, key, broken); } catch (error) { failed = error.name; }
  return `${new TextDecoder().decode(open)} ${sealed.byteLength - 6} ${failed}`;
};
const spec = ofHex("feffe9928665731c6d6a8f9467308308");
"#,
        r#"
...[1, 7, 8, 11, 12, 13, 16, 17, 32, 60, 64, 128, 1000].flatMap((n) => [16, 24, 32].map((k) => ["secret 16 OperationError", () => round(k, { iv: new Uint8Array(n).fill(n) })])),
...[32, 64, 96, 104, 112, 120, 128].flatMap((tagLength) => [12, 32].map((n) => [`secret ${tagLength / 8} OperationError`, () => round(32, { iv: new Uint8Array(n), tagLength, additionalData: utf8("more") })])),
// The specification's test case 5, of a nonce of 8 bytes.
["61353b4c2806934a777ff51fa22a4755699b2a714fcdc6f83766e5f97b6c742373806900e49f24b22b097544d4896b424989b5e1ebac0f07c23f45983612d2e79e3b0785561be14aaca2fccb", async () => hex(await subtle.encrypt(
  { name: "AES-GCM", iv: ofHex("cafebabefacedbad"), additionalData: ofHex("feedfacedeadbeeffeedfacedeadbeefabaddad2") }, await import_(spec),
  ofHex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39")))],
["DOMException OperationError", () => round(16, { iv: new Uint8Array(32), tagLength: 33 })],
["DOMException OperationError", () => round(16, { iv: new Uint8Array(12), tagLength: 8 })],
["DOMException InvalidAccessError 15", async () => subtle.decrypt({ name: "AES-GCM", iv: new Uint8Array(32) }, await import_(spec, ["encrypt"]), new Uint8Array(64))],
["DOMException InvalidAccessError 15", async () => subtle.encrypt({ name: "AES-GCM", iv: new Uint8Array(32) }, await subtle.importKey("raw", spec, "AES-CBC", true, ["encrypt"]), new Uint8Array(64))],
["TypeError TypeError ERR_INVALID_ARG_TYPE", async () => subtle.encrypt({ name: "AES-GCM", iv: new Uint8Array(32) }, await import_(spec), "text")],
...["raw", "jwk"].map((format) => ["true", async () => {
  const [key, other] = [await import_(spec, ["wrapKey", "unwrapKey"]), await import_(crypto.getRandomValues(new Uint8Array(32)))];
  const params = { name: "AES-GCM", iv: new Uint8Array(32) };
  const again = await subtle.unwrapKey(format, await subtle.wrapKey(format, other, key, params), key, params, "AES-GCM", true, ["encrypt"]);
  return hex(await subtle.exportKey("raw", again)) === hex(await subtle.exportKey("raw", other));
}]),
"#,
    );
}

#[test]
fn ecdsa_has_every_hash_with_every_curve() {
    check(
        r#"
const { subtle } = crypto;
const signed = async (namedCurve, hash) => {
  const { privateKey, publicKey } = await subtle.generateKey({ name: "ECDSA", namedCurve }, false, ["sign", "verify"]);
  const params = { name: "ECDSA", hash };
  const signature = await subtle.sign(params, privateKey, bytes(1, 2, 3));
  const wrong = new Uint8Array(signature.slice()); wrong[5] ^= 1;
  return [signature.byteLength, await subtle.verify(params, publicKey, signature, bytes(1, 2, 3)), await subtle.verify(params, publicKey, signature, bytes(1, 2)), await subtle.verify(params, publicKey, wrong, bytes(1, 2, 3))].join();
};
"#,
        r#"
...[["P-256", 64], ["P-384", 96], ["P-521", 132]].flatMap(([curve, size]) => ["SHA-1", "SHA-256", "SHA-384", "SHA-512", { name: "sha-1" }].map((hash) => [`${size},true,false,false`, () => signed(curve, hash)])),
["DOMException InvalidAccessError 15", async () => { const { publicKey } = await subtle.generateKey({ name: "ECDSA", namedCurve: "P-384" }, false, ["sign", "verify"]); return subtle.sign({ name: "ECDSA", hash: "SHA-1" }, publicKey, bytes(1)); }],
["false", async () => { const { publicKey } = await subtle.generateKey({ name: "ECDSA", namedCurve: "P-384" }, false, ["sign", "verify"]); return subtle.verify({ name: "ECDSA", hash: "SHA-1" }, publicKey, bytes(1), bytes(1)); }],
"#,
    );
}

/// By the standards' own examples; what is short is computed at once, the rest on another thread.
#[test]
fn digests_are_the_same_however_they_are_computed() {
    check(
        r#"
const { subtle } = crypto;
const hex = (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const digest = async (algorithm, data) => hex(await subtle.digest(algorithm, data));
"#,
        r#"
["a9993e364706816aba3e25717850c26c9cd0d89d", () => digest("SHA-1", utf8("abc"))],
["ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", () => digest({ name: "sha-256" }, utf8("abc").buffer)],
["cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7", () => digest("SHA-384", new DataView(utf8("xabcx").buffer, 1, 3))],
["ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f", () => digest("SHA-512", utf8("abc"))],
["cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0", () => digest("SHA-256", utf8("a".repeat(1e6)))],
["true", async () => (await subtle.digest("SHA-1", bytes(1))) instanceof ArrayBuffer],
["DOMException NotSupportedError 9", () => digest({ name: "x" }, bytes(1))],
["TypeError TypeError", () => digest("SHA-1", "text")],
["TypeError TypeError", () => subtle.digest("SHA-1")],
["TypeError TypeError ERR_INVALID_THIS", () => subtle.digest.call({}, "SHA-1", bytes(1))],
["2", () => String(subtle.digest.length)],
"#,
    );
}

/// By NIST's own example (SP 800-38A F.5.1) with each length of the counter, and with the whole of it written out where it begins anew.
#[test]
fn aes_ctr_has_counters_of_every_length() {
    check(
        r#"
const { subtle } = crypto;
const hex = (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const ofHex = (text) => Uint8Array.from(text.match(/../g), (pair) => parseInt(pair, 16));
const import_ = (usages = ["encrypt", "decrypt"]) => subtle.importKey("raw", ofHex("2b7e151628aed2a6abf7158809cf4f3c"), "AES-CTR", false, usages);
const START = ofHex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff");
const PLAIN = ofHex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51");
const SECRET = "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff";
// One block after the other, each with a counter of its own.
const byBlocks = async (key, counter, length, data) => {
  let all = "";
  const mask = (1n << BigInt(length)) - 1n;
  let number = BigInt("0x" + hex(counter));
  for (let at = 0; at < data.length; at += 16) {
    all += hex(await subtle.encrypt({ name: "AES-CTR", counter: ofHex(number.toString(16).padStart(32, "0")), length: 128 }, key, data.slice(at, at + 16)));
    number = (number & ~mask) | ((number + 1n) & mask);
  }
  return all;
};
"#,
        r#"
...[16, 17, 24, 31, 32, 33, 63, 64, 100, 127, 128].map((length) => [SECRET, async () => hex(await subtle.encrypt({ name: "AES-CTR", counter: START, length }, await import_(), PLAIN))]),
["", async () => {
  const key = await import_();
  const data = crypto.getRandomValues(new Uint8Array(16 * 7 + 5));
  const wrong = [];
  for (const length of [3, 4, 5, 7, 8, 9, 12, 20, 40]) for (const counter of [new Uint8Array(16).fill(255), START, new Uint8Array(16)]) {
    const params = { name: "AES-CTR", counter, length };
    const encrypted = await subtle.encrypt(params, key, data);
    if (hex(encrypted) !== await byBlocks(key, counter, length, data)) wrong.push(length);
    if (hex(await subtle.decrypt(params, key, encrypted)) !== hex(data)) wrong.push(-length);
  }
  return wrong.join();
}],
["Invalid counter of 0 bits length provided.", async () => subtle.encrypt({ name: "AES-CTR", counter: START, length: 0 }, await import_(), PLAIN).catch((error) => error.message)],
["Counter block values will repeat.", async () => subtle.encrypt({ name: "AES-CTR", counter: START, length: 1 }, await import_(), new Uint8Array(33)).catch((error) => error.message)],
["DOMException OperationError", async () => subtle.encrypt({ name: "AES-CTR", counter: new Uint8Array(15), length: 5 }, await import_(), PLAIN)],
["DOMException InvalidAccessError 15", async () => subtle.encrypt({ name: "AES-CTR", counter: START, length: 5 }, await import_(["decrypt"]), PLAIN)],
["", async () => hex(await subtle.encrypt({ name: "AES-CTR", counter: START, length: 5 }, await import_(), new Uint8Array(0)))],
"#,
    );
}

#[test]
fn what_imports_require_and_the_older_name_of_ed25519() {
    check(
        r#"
const { subtle } = crypto;
const NODE = { name: "NODE-ED25519", namedCurve: "NODE-ED25519" };
"#,
        r#"
...["PBKDF2", "HKDF"].flatMap((name) => [
  ["DOMException SyntaxError 12", () => subtle.importKey("raw", bytes(1), name, true, ["deriveBits"])],
  ["secret", async () => (await subtle.importKey("raw", bytes(1), { name }, false, ["deriveBits"])).type],
]),
...[["HMAC", "raw", ["sign"]], ["RSA-PSS", "spki", ["verify"]]].flatMap(([name, format, usages]) => [
  ["TypeError TypeError", () => subtle.importKey(format, bytes(1), name, false, usages)],
  ["TypeError TypeError", () => subtle.importKey(format, bytes(1), { name }, false, usages)],
]),
['{"name":"NODE-ED25519","namedCurve":"NODE-ED25519"} true false', async () => {
  const { privateKey, publicKey } = await subtle.generateKey(NODE, true, ["sign", "verify"]);
  const signature = await subtle.sign("NODE-ED25519", privateKey, bytes(1, 2));
  const again = await subtle.importKey("raw", await subtle.exportKey("raw", publicKey), { ...NODE, public: true }, true, ["verify"]);
  return `${JSON.stringify(again.algorithm)} ${await subtle.verify(NODE, again, signature, bytes(1, 2))} ${await subtle.verify(NODE, again, signature, bytes(1))}`;
}],
["true", async () => {
  const { privateKey, publicKey } = await subtle.generateKey("Ed25519", true, ["sign", "verify"]);
  const key = await subtle.importKey("jwk", await subtle.exportKey("jwk", privateKey), NODE, false, ["sign"]);
  return subtle.verify("Ed25519", publicKey, await subtle.sign(NODE, key, bytes(3)), bytes(3));
}],
["DOMException NotSupportedError 9", () => subtle.generateKey({ name: "NODE-ED25519" }, true, ["sign"])],
"#,
    );
}

/// <https://wicg.github.io/webcrypto-modern-algos/>
#[test]
fn newer_algorithms_take_what_they_are_given() {
    check(
        r#"
const { subtle } = crypto;
const { supports } = SubtleCrypto;
const hex = (buffer) => [...new Uint8Array(buffer)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
const turbo = (more) => subtle.digest({ name: "TurboSHAKE128", outputLength: 64, ...more }, utf8("abc")).then(hex);
const HKDF = { name: "HKDF", hash: "SHA-256", salt: bytes(1), info: bytes(1) };
const derive = async (algorithm, length) => (await subtle.deriveBits(algorithm, await subtle.importKey("raw", bytes(1), algorithm.name, false, ["deriveBits", "deriveKey"]), length)).byteLength;
const pair = (namedCurve) => subtle.generateKey({ name: "ECDH", namedCurve }, false, ["deriveBits"]);
"#,
        r#"
["dcf1646dfe993a8e", () => turbo({})],
["dcf1646dfe993a8e", () => turbo({ domainSeparation: 0x1f })],
["06e280de6645094e", () => turbo({ domainSeparation: 7 })],
["DOMException OperationError", () => turbo({ domainSeparation: 128 })],
...[-1, 2 ** 32, NaN].map((length) => ["TypeError TypeError", () => derive(HKDF, length)]),
["2", () => derive(HKDF, "16")],
["DOMException OperationError", () => derive(HKDF, null)],
...["HKDF", "PBKDF2"].map((name) => ["DOMException NotSupportedError 9", () => derive({ ...HKDF, name, iterations: 1, hash: { name: "sha3-256" } }, 8)]),
["DOMException NotSupportedError 9", async () => subtle.deriveKey({ ...HKDF, hash: "SHA3-512" }, await subtle.importKey("raw", bytes(1), "HKDF", false, ["deriveKey"]), { name: "AES-GCM", length: 128 }, false, ["encrypt"])],
["DOMException DataError", async () => { const jwk = await subtle.exportKey("jwk", (await subtle.generateKey("ML-DSA-44", true, ["sign"])).privateKey); return subtle.importKey("jwk", { ...jwk, key_ops: ["sign", "sign"] }, "ML-DSA-44", true, ["sign"]); }],
["DOMException DataError", async () => { const jwk = await subtle.exportKey("jwk", await subtle.generateKey({ name: "AES-GCM", length: 128 }, true, ["encrypt", "decrypt"])); return subtle.importKey("jwk", { ...jwk, key_ops: ["encrypt", "decrypt", "encrypt"] }, "AES-GCM", true, ["encrypt"]); }],
['["encrypt"]', async () => { const jwk = await subtle.exportKey("jwk", await subtle.generateKey({ name: "AES-GCM", length: 128 }, true, ["encrypt", "decrypt"])); return (await subtle.importKey("jwk", { ...jwk, key_ops: ["encrypt", "another"] }, "AES-GCM", true, ["encrypt"])).usages; }],
// A point that is not on its curve is no key, however it came.
...["P-256", "P-384", "P-521"].map((namedCurve) => ["DataError,DataError,DataError,DataError,public", async () => {
  const algorithm = { name: "ECDH", namedCurve }, { publicKey } = await subtle.generateKey(algorithm, true, ["deriveBits"]);
  const [raw, spki] = await Promise.all(["raw", "spki"].map(async (format) => new Uint8Array(await subtle.exportKey(format, publicKey))));
  const changed = (bytes) => { const other = bytes.slice(); other[other.length - 1] ^= 1; return other; };
  const jwk = { ...await subtle.exportKey("jwk", publicKey), y: changed(raw).slice((raw.length + 1) / 2).toBase64({ alphabet: "base64url", omitPadding: true }) };
  const came = (format, data) => subtle.importKey(format, data, algorithm, true, []).then((key) => key.type, (error) => error.name);
  return (await Promise.all([came("raw", changed(raw)), came("spki", changed(spki)), came("jwk", jwk), came("raw", bytes(1)), came("raw", raw)])).join();
}]),
// What an operation would refuse is not supported.
['[true,false,true]', async () => { const algorithm = { name: "ECDH", public: (await pair("P-521")).publicKey }; return [528, 529, null].map((length) => supports("deriveBits", algorithm, length)); }],
["TypeError TypeError", () => supports("deriveBits", HKDF, -1)],
["TypeError TypeError", () => supports("deriveBits", HKDF, 2 ** 32)],
['[true,true,true,false]', () => ["generateKey", "sign", "getPublicKey", "encrypt"].map((operation) => supports(operation, "Ed448"))],
['[false,true,false,true]', () => [supports("generateKey", "AES-GCM"), supports("generateKey", { name: "AES-GCM", length: 128 }), supports("encrypt", "AES-GCM"), supports("encrypt", { name: "aes-gcm", iv: bytes(1) })]],
['[false,true,false,true]', () => [supports("exportKey", "Argon2id"), supports("importKey", "Argon2id"), supports("digest", "cSHAKE128"), supports("digest", "SHA3-256")]],
"#,
    );
}
