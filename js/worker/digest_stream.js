// `crypto.DigestStream` and `crypto.subtle.timingSafeEqual()`: https://developers.cloudflare.com/workers/runtime-apis/web-crypto/
(function () {
const { core, primordials } = __bootstrap;
const { op_node_hash_digest, op_node_hash_new, op_node_hash_update, op_node_same } = core.ops;
const {
  BigInt,
  ObjectDefineProperty,
  PromisePrototypeThen,
  PromiseWithResolvers,
  StringPrototypeToUpperCase,
  SymbolDispose,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeSlice,
  TypeError,
} = primordials;
const webidl = core.loadExtScript("ext:deno_webidl/00_webidl.js");
const { Crypto, SubtleCrypto } = core.loadExtScript("ext:deno_crypto/00_crypto.js");
const { DOMException } = core.loadExtScript("ext:deno_web/01_dom_exception.js");
const { _controller, WritableStream, writableStreamDefaultControllerErrorIfNeeded } = core.loadExtScript("ext:deno_web/06_streams.js");
const { inspected } = core.loadExtScript("ext:workerd_lite/worker/inspect.js");
const { isBufferSource, view } = core.loadExtScript("ext:workerd_lite/worker/buffer_source.js");

const HASHES = { __proto__: null, MD5: "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512" };

// The bytes by themselves: an ArrayBuffer.
function digestOf(hash) {
  return TypedArrayPrototypeGetBuffer(TypedArrayPrototypeSlice(op_node_hash_digest(hash)));
}

// MD5 is none of Web Crypto's; Workers have it for what is old.
function md5(bytes) {
  const hash = op_node_hash_new("md5", undefined);
  op_node_hash_update(hash, bytes);
  return digestOf(hash);
}

function bytesOf(chunk) {
  if (typeof chunk === "string") return core.encode(chunk);
  if (isBufferSource(chunk)) return view(chunk);
  throw new TypeError(
    "DigestStream is a byte stream but received an object of non-ArrayBuffer/ArrayBufferView/string type on its writable side.",
  );
}

class DigestStream extends WritableStream {
  #digest = PromiseWithResolvers();
  #written = 0;
  #disposed = false;

  constructor(algorithm) {
    const prefix = "Failed to construct 'DigestStream'";
    webidl.requiredArguments(arguments.length, 1, prefix);
    const given = typeof algorithm === "object" && algorithm !== null ? algorithm.name : algorithm;
    const name = HASHES[StringPrototypeToUpperCase(webidl.converters.DOMString(given, prefix, "Argument 1"))];
    if (name === undefined) throw new DOMException(`Unrecognized or unimplemented digest algorithm: ${given}`, "NotSupportedError");
    const hash = op_node_hash_new(name, undefined);
    super({
      __proto__: null,
      write: (chunk) => {
        const bytes = bytesOf(chunk);
        op_node_hash_update(hash, bytes);
        this.#written += TypedArrayPrototypeGetByteLength(bytes);
      },
      close: () => this.#digest.resolve(digestOf(hash)),
      abort: (reason) => this.#digest.reject(reason),
    });
    // Who wants the digest hears of it; nobody has to.
    PromisePrototypeThen(this.#digest.promise, undefined, () => {});
  }

  get digest() {
    return this.#digest.promise;
  }

  get bytesWritten() {
    return BigInt(this.#written);
  }

  [SymbolDispose]() {
    if (this.#disposed) return;
    this.#disposed = true;
    const error = new TypeError("The DigestStream was disposed.");
    writableStreamDefaultControllerErrorIfNeeded(this[_controller], error);
    this.#digest.reject(error);
  }
}
inspected("DigestStream", DigestStream);
webidl.configureInterface(DigestStream);

const { timingSafeEqual } = {
  timingSafeEqual(a, b) {
    webidl.requiredArguments(arguments.length, 2, "Failed to execute 'timingSafeEqual' on 'SubtleCrypto'");
    if (!isBufferSource(a) || !isBufferSource(b)) {
      throw new TypeError("timingSafeEqual() compares ArrayBuffers and views of them");
    }
    const one = view(a);
    const other = view(b);
    if (TypedArrayPrototypeGetByteLength(one) !== TypedArrayPrototypeGetByteLength(other)) {
      throw new TypeError("Input buffers must have the same byte length");
    }
    return op_node_same(one, other);
  },
};

function define(object, name, value, enumerable) {
  ObjectDefineProperty(object, name, { __proto__: null, value, writable: true, enumerable, configurable: true });
}

function defineDigestStream() {
  define(Crypto.prototype, "DigestStream", DigestStream, false);
  define(SubtleCrypto.prototype, "timingSafeEqual", timingSafeEqual, true);
}

return { defineDigestStream, md5 };
})();
