// More of the same: text in each encoding, keys and signatures, streams, and what is called in passing.
export async function more(load) {
  const { Buffer } = await load("buffer");
  const crypto = await load("crypto");
  const { EventEmitter } = await load("events");
  const { Readable, Transform, Writable } = await load("stream");
  const { pipeline } = await load("stream/promises");
  const zlib = await load("zlib");
  const { AsyncLocalStorage } = await load("async_hooks");
  const { StringDecoder } = await load("string_decoder");
  const util = await load("util");
  const path = await load("path");
  const querystring = await load("querystring");
  const url = await load("url");

  const short = "Bearer 12345678";
  const text = "The quick brown fox jumps over the lazy dog, again and again; ".repeat(17).slice(0, 1024);
  const wide = "Gr\u00fc\u00dfe aus K\u00f6ln, \u65e5\u672c und \u20ac; ".repeat(3);
  const few = Buffer.from(short);
  const bytes = Buffer.from(text);
  const utf16 = Buffer.from(text, "utf16le");
  const base64url = bytes.toString("base64url");
  const target = Buffer.alloc(2048);
  const two = [few, few];
  const zipped = zlib.gzipSync(bytes);
  const brotli = zlib.brotliCompressSync(bytes);
  const parts = Array.from({ length: 16 }, () => bytes);
  const object = { id: 7, name: "a name", tags: ["one", "two"], nested: { deep: { er: true } }, when: new Date(0), none: null };
  const als = new AsyncLocalStorage();
  const key32 = crypto.createSecretKey(Buffer.alloc(32, 7));
  const iv = Buffer.alloc(12, 3);
  const ed = crypto.generateKeyPairSync("ed25519");
  const ec = crypto.generateKeyPairSync("ec", { namedCurve: "P-256" });
  const rsa = crypto.generateKeyPairSync("rsa", { modulusLength: 2048 });
  const edSigned = crypto.sign(null, bytes, ed.privateKey);
  const ecSigned = crypto.sign("sha256", bytes, ec.privateKey);
  const rsaSigned = crypto.sign("sha256", bytes, rsa.privateKey);
  const aes = crypto.createCipheriv("aes-256-gcm", key32, iv);
  const sealed = Buffer.concat([aes.update(bytes), aes.final()]);
  const tag = aes.getAuthTag();
  const sync = (work) => (n) => {
    let kept;
    for (let i = 0; i < n; i++) kept = work(i);
    return kept;
  };
  const sink = () => new Writable({ objectMode: true, write: (_chunk, _encoding, done) => done() });
  const encodings = {};
  for (const encoding of ["utf8", "latin1", "ascii", "hex", "base64", "base64url", "utf16le"]) {
    encodings[`toString ${encoding}, 15 bytes`] = sync(() => few.toString(encoding));
    encodings[`Buffer.from ${encoding}, 15 characters`] = sync(() => Buffer.from(short, encoding));
  }

  return {
    ...encodings,
    "toString utf16le, 2 KiB": sync(() => utf16.toString("utf16le")),
    "toString base64url, 1 KiB": sync(() => bytes.toString("base64url")),
    "Buffer.from base64url, 1 KiB": sync(() => Buffer.from(base64url, "base64url")),
    "Buffer.from utf16le, 1 KiB": sync(() => Buffer.from(text, "utf16le")),
    "Buffer.from utf8, 60 wide": sync(() => Buffer.from(wide)),
    "Buffer.from an array of 16": sync(() => Buffer.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16])),
    "Buffer.from a buffer of 1 KiB": sync(() => Buffer.from(bytes)),
    "Buffer.concat, 2 of 15 bytes": sync(() => Buffer.concat(two)),
    "write utf8 at a place": sync(() => target.write(short, 100)),
    "write latin1 at a place": sync(() => target.write(short, 100, "latin1")),
    "slice": sync((i) => bytes.slice(i & 255, 512)),
    "swap16, 1 KiB": sync(() => bytes.swap16()),
    "swap64, 1 KiB": sync(() => bytes.swap64()),
    "includes": sync(() => bytes.includes("lazy")),
    "lastIndexOf": sync(() => bytes.lastIndexOf("quick")),
    "readUIntBE of 6": sync(() => target.readUIntBE(0, 6)),
    "writeBigUInt64LE": sync(() => target.writeBigUInt64LE(123456789n, 8)),
    "Buffer.compare": sync(() => Buffer.compare(few, bytes)),
    "byteLength, 15": sync(() => Buffer.byteLength(short)),
    "StringDecoder, 1 KiB": (() => {
      const decoder = new StringDecoder("utf8");
      return sync(() => decoder.write(bytes));
    })(),
    "TextDecoder, 1 KiB": (() => {
      const decoder = new TextDecoder();
      return sync(() => decoder.decode(bytes));
    })(),
    "TextEncoder, 1 KiB": (() => {
      const encoder = new TextEncoder();
      return sync(() => encoder.encode(text));
    })(),
    "createHash sha1, 15 bytes": sync(() => crypto.createHash("sha1").update(short).digest("hex")),
    "createHash sha512, 15 bytes, base64": sync(() => crypto.createHash("sha512").update(short).digest("base64")),
    "createHash sha256, a buffer of 1 KiB": sync(() => crypto.createHash("sha256").update(bytes).digest()),
    "createHmac sha1, 15 bytes": sync(() => crypto.createHmac("sha1", "key").update(short).digest("base64")),
    "createHmac sha256, a KeyObject": sync(() => crypto.createHmac("sha256", key32).update(bytes).digest()),
    "randomBytes, 16": sync(() => crypto.randomBytes(16)),
    "randomUUID": sync(() => crypto.randomUUID()),
    "randomInt": sync(() => crypto.randomInt(1000)),
    "timingSafeEqual, 32 bytes": sync(() => crypto.timingSafeEqual(bytes.subarray(0, 32), bytes.subarray(0, 32))),
    "aes-256-gcm, 1 KiB": sync(() => {
      const cipher = crypto.createCipheriv("aes-256-gcm", key32, iv);
      cipher.update(bytes);
      cipher.final();
      return cipher.getAuthTag();
    }),
    "aes-256-gcm opened, 1 KiB": sync(() => {
      const cipher = crypto.createDecipheriv("aes-256-gcm", key32, iv);
      cipher.setAuthTag(tag);
      const plain = cipher.update(sealed);
      cipher.final();
      return plain;
    }),
    "aes-256-cbc, 1 KiB": sync(() => {
      const cipher = crypto.createCipheriv("aes-256-cbc", key32, bytes.subarray(0, 16));
      return [cipher.update(bytes), cipher.final()];
    }),
    "sign ed25519": sync(() => crypto.sign(null, bytes, ed.privateKey)),
    "verify ed25519": sync(() => crypto.verify(null, bytes, ed.publicKey, edSigned)),
    "sign ecdsa P-256": sync(() => crypto.sign("sha256", bytes, ec.privateKey)),
    "verify ecdsa P-256": sync(() => crypto.verify("sha256", bytes, ec.publicKey, ecSigned)),
    "sign rsa 2048": sync(() => crypto.sign("sha256", bytes, rsa.privateKey)),
    "verify rsa 2048": sync(() => crypto.verify("sha256", bytes, rsa.publicKey, rsaSigned)),
    "pbkdf2Sync sha256, 1000 rounds": sync(() => crypto.pbkdf2Sync("password", "salt", 1000, 32, "sha256")),
    "pbkdf2Sync sha512, 1000 rounds": sync(() => crypto.pbkdf2Sync("password", "salt", 1000, 64, "sha512")),
    "scryptSync, N 1024": sync(() => crypto.scryptSync("password", "salt", 32, { N: 1024 })),
    "hkdfSync": sync(() => crypto.hkdfSync("sha256", "key", "salt", "info", 64)),
    "once and emit": (() => {
      const emitter = new EventEmitter();
      return sync((i) => {
        emitter.once("x", () => {});
        emitter.emit("x", i);
      });
    })(),
    "on and off among five": (() => {
      const emitter = new EventEmitter();
      for (let i = 0; i < 5; i++) emitter.on("x", () => {});
      const listener = () => {};
      return sync(() => emitter.on("x", listener).off("x", listener));
    })(),
    "chain of three Transforms, 16 of 1 KiB": async (n) => {
      for (let i = 0; i < n; i++) {
        const stage = () => new Transform({ transform: (chunk, _encoding, done) => done(null, chunk) });
        await pipeline(Readable.from(parts, { objectMode: false }), stage(), stage(), stage(), sink());
      }
    },
    "pipeline of an async generator": async (n) => {
      for (let i = 0; i < n; i++) {
        await pipeline(
          Readable.from([1, 2, 3, 4]),
          async function* (source) {
            for await (const value of source) yield value * 2;
          },
          sink(),
        );
      }
    },
    "gunzipSync, 1 KiB": sync(() => zlib.gunzipSync(zipped)),
    "brotliCompressSync, 1 KiB": sync(() => zlib.brotliCompressSync(bytes)),
    "brotliDecompressSync, 1 KiB": sync(() => zlib.brotliDecompressSync(brotli)),
    "crc32, 1 KiB": sync(() => (zlib.crc32 ? zlib.crc32(bytes) : 0)),
    "util.inspect": sync(() => util.inspect(object)),
    "util.format": sync((i) => util.format("%s has %d of %j", "one", i, few.length)),
    "util.isDeepStrictEqual": sync(() => util.isDeepStrictEqual(object, { ...object })),
    "path.join": sync((i) => path.join("/a/b", "..", `c${i & 7}`, "./d.js")),
    "path.resolve": sync((i) => path.resolve("/a/b", `c${i & 7}`, "../d.js")),
    "querystring.parse": sync(() => querystring.parse("a=1&b=two%20words&c=3&c=4")),
    "querystring.stringify": sync(() => querystring.stringify({ a: 1, b: "two words", c: ["3", "4"] })),
    "url.parse": sync(() => url.parse("https://user:pass@example.com:8080/a/b?c=d&e=f#g")),
    "als.run and getStore": sync((i) => als.run(i, () => als.getStore())),
    "structuredClone": sync(() => structuredClone(object)),
  };
}
