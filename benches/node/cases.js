// The same small programs for Node and for a worker: each takes how often it is to do its work.
export async function cases(load) {
  const { Buffer } = await load("buffer");
  const crypto = await load("crypto");
  const { EventEmitter } = await load("events");
  const { Readable, Transform, Writable } = await load("stream");
  const { pipeline } = await load("stream/promises");
  const zlib = await load("zlib");
  const { AsyncLocalStorage } = await load("async_hooks");

  const text = "The quick brown fox jumps over the lazy dog, again and again; ".repeat(17).slice(0, 1024);
  const wide = "Grüße aus Köln, 日本 und €; ".repeat(40).slice(0, 1024);
  const bytes = Buffer.from(text);
  const wideBytes = Buffer.from(wide);
  const other = Buffer.from(text);
  const hex = bytes.toString("hex");
  const base64 = bytes.toString("base64");
  const large = Buffer.alloc(1 << 20, text);
  const parts = Array.from({ length: 16 }, () => Buffer.alloc(1024, 1));
  const target = Buffer.alloc(1024);
  const gzipped = zlib.gzipSync(large.subarray(0, 100_000));
  const noise = Buffer.alloc(100_000);
  for (let i = 0, seed = 1; i < noise.length; i++) {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff;
    noise[i] = 97 + (seed >> 16) % 20;
  }
  const als = new AsyncLocalStorage();
  const sync = (work) => (n) => {
    let kept;
    for (let i = 0; i < n; i++) kept = work(i);
    return kept;
  };
  const awaits = async (i) => {
    let sum = 0;
    for (let j = 0; j < 5; j++) sum += await i;
    return sum;
  };
  const flow = (chunks, objectMode, stages) => async (n) => {
    for (let i = 0; i < n; i++) {
      const list = [Readable.from(chunks, { objectMode })];
      for (let j = 0; j < stages; j++) {
        list.push(new Transform({ objectMode, transform: (chunk, _encoding, done) => done(null, chunk) }));
      }
      await pipeline([...list, new Writable({ objectMode, write: (_chunk, _encoding, done) => done() })]);
    }
  };
  const objects = Array.from({ length: 100 }, (_, i) => ({ i }));

  return {
    "Buffer.from utf8, 1 KiB ASCII": sync(() => Buffer.from(text)),
    "Buffer.from utf8, 1 KiB wide": sync(() => Buffer.from(wide)),
    "Buffer.from utf8, 11 bytes": sync(() => Buffer.from("hello world")),
    "Buffer.from hex": sync(() => Buffer.from(hex, "hex")),
    "Buffer.from base64": sync(() => Buffer.from(base64, "base64")),
    "Buffer.from latin1": sync(() => Buffer.from(text, "latin1")),
    "toString utf8, 1 KiB ASCII": sync(() => bytes.toString()),
    "toString utf8, 1 KiB wide": sync(() => wideBytes.toString()),
    "toString utf8, 16 bytes": sync(() => bytes.toString("utf8", 0, 16)),
    "toString hex": sync(() => bytes.toString("hex")),
    "toString base64": sync(() => bytes.toString("base64")),
    "toString latin1": sync(() => bytes.toString("latin1")),
    "Buffer.concat, 16 of 1 KiB": sync(() => Buffer.concat(parts)),
    "Buffer.alloc, 1 KiB": sync(() => Buffer.alloc(1024)),
    "Buffer.allocUnsafe, 1 KiB": sync(() => Buffer.allocUnsafe(1024)),
    "byteLength, 1 KiB wide": sync(() => Buffer.byteLength(wide)),
    "subarray": sync((i) => bytes.subarray(i & 255, 512)),
    "fill": sync((i) => target.fill(i & 255)),
    "fill with a string": sync(() => target.fill("abc")),
    "compare": sync(() => bytes.compare(other)),
    "equals": sync(() => bytes.equals(other)),
    "indexOf a string": sync(() => bytes.indexOf("dog, at last")),
    "indexOf a byte": sync(() => bytes.indexOf(1)),
    "copy": sync(() => bytes.copy(target)),
    "write a string": sync(() => target.write(text)),
    "read and write integers": sync((i) => {
      target.writeUInt32BE(i, 0);
      target.writeInt16LE(i & 0x7fff, 4);
      target.writeUInt8(i & 255, 6);
      return target.readUInt32BE(0) + target.readInt16LE(4) + target.readUInt8(6);
    }),
    "read and write doubles": sync((i) => {
      target.writeDoubleLE(i, 0);
      return target.readDoubleLE(0);
    }),
    "createHash sha256, 16 bytes": sync(() => crypto.createHash("sha256").update("0123456789abcdef").digest("hex")),
    "createHash md5, 16 bytes": sync(() => crypto.createHash("md5").update("0123456789abcdef").digest("hex")),
    "createHash sha256, 1 MiB": sync(() => crypto.createHash("sha256").update(large).digest()),
    "createHash md5, 1 MiB": sync(() => crypto.createHash("md5").update(large).digest()),
    "createHash sha1, 1 MiB": sync(() => crypto.createHash("sha1").update(large).digest()),
    "createHash sha512, 1 MiB": sync(() => crypto.createHash("sha512").update(large).digest()),
    "createHmac sha256, 1 KiB": sync(() => crypto.createHmac("sha256", "key").update(text).digest("hex")),
    "emit, one listener": (() => {
      const emitter = new EventEmitter();
      let sum = 0;
      emitter.on("x", (value) => sum += value);
      return sync((i) => emitter.emit("x", i));
    })(),
    "emit, three listeners": (() => {
      const emitter = new EventEmitter();
      let sum = 0;
      for (let i = 0; i < 3; i++) emitter.on("x", (value) => sum += value);
      return sync((i) => emitter.emit("x", i));
    })(),
    "on and removeListener": (() => {
      const emitter = new EventEmitter();
      const listener = () => {};
      return sync(() => emitter.on("x", listener).removeListener("x", listener));
    })(),
    "pipeline of 100 objects, one Transform": flow(objects, true, 1),
    "pipeline of 16 chunks of 1 KiB, two Transforms": flow(parts, false, 2),
    "for await over 100 objects": async (n) => {
      let sum = 0;
      for (let i = 0; i < n; i++) for await (const value of Readable.from(objects)) sum += value.i;
      return sum;
    },
    "gzipSync, 1 KiB": sync(() => zlib.gzipSync(bytes)),
    "gzipSync, 100 KB of letters": sync(() => zlib.gzipSync(noise)),
    "gunzipSync, 100 KB": sync(() => zlib.gunzipSync(gzipped)),
    "deflateRawSync level 1, 100 KB": sync(() => zlib.deflateRawSync(noise, { level: 1 })),
    "brotliCompressSync quality 5, 100 KB": sync(() => zlib.brotliCompressSync(noise, { params: { 1: 5 } })),
    "createGzip, 16 writes of 1 KiB": async (n) => {
      for (let i = 0; i < n; i++) await pipeline([Readable.from(parts), zlib.createGzip(), new Writable({ write: (_c, _e, done) => done() })]);
    },
    "process.nextTick": (n) => new Promise((resolve) => {
      const next = () => n-- > 0 ? process.nextTick(next) : resolve();
      next();
    }),
    "five awaits": async (n) => {
      for (let i = 0; i < n; i++) await awaits(i);
    },
    "als.run and five awaits": async (n) => {
      for (let i = 0; i < n; i++) await als.run(i, awaits, i);
    },
  };
}
