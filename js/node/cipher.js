// `Cipheriv` and `Decipheriv`: https://nodejs.org/docs/latest-v22.x/api/crypto.html#class-cipheriv
(function () {
const { core, primordials } = __bootstrap;
const {
  ArrayBufferIsView,
  Error,
  FunctionPrototypeCall,
  ObjectDefineProperty,
  ObjectPrototypeIsPrototypeOf,
  ObjectSetPrototypeOf,
  RangeError,
  Symbol,
  SymbolSpecies,
  TypeError,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetByteOffset,
} = primordials;
const { ops } = core.loadExtScript("ext:workerd_lite/node/ops.js");
const { Buffer } = core.loadExtScript("ext:deno_node/internal/buffer.mjs");
const { getArrayBufferOrView, prepareSecretKey } = core.loadExtScript("ext:deno_node/internal/crypto/keys.ts");
const {
  ERR_CRYPTO_INVALID_STATE,
  ERR_CRYPTO_UNKNOWN_CIPHER,
  ERR_INVALID_ARG_TYPE,
  ERR_INVALID_ARG_VALUE,
  ERR_UNKNOWN_ENCODING,
} = core.loadExtScript("ext:deno_node/internal/errors.ts");
const { isAnyArrayBuffer, isArrayBufferView } = core.loadExtScript("ext:deno_node/internal/util/types.ts");
const { StringDecoder } = core.loadExtScript("ext:deno_node/string_decoder.ts");
const { normalizeEncoding } = core.loadExtScript("ext:deno_node/internal/util.mjs");
const { validateString } = core.loadExtScript("ext:deno_node/internal/validators.mjs");
const { find, takesIv } = core.loadExtScript("ext:workerd_lite/node/cipher_table.js");
const rsa = core.loadExtScript("ext:workerd_lite/node/rsa.js");

const FastBuffer = Buffer[SymbolSpecies];
const LONGEST = 2 ** 31 - 1;
// What a cipher is in, by itself.
const kCipher = Symbol("kCipher");

let Transform;
const transform = () => Transform ??= core.loadExtScript("ext:deno_node/stream.ts").Transform;

function coded(error, code) {
  ObjectDefineProperty(error, "code", { __proto__: null, value: code, writable: true, enumerable: true, configurable: true });
  return error;
}

const badTag = (length) => coded(new TypeError(`Invalid authentication tag length: ${length}`), "ERR_CRYPTO_INVALID_AUTH_TAG");
const noMore = () => new Error("Trying to add data in unsupported state");
const state = (name) => coded(new Error(`Invalid state for operation ${name}`), "ERR_CRYPTO_INVALID_STATE");

const isStringOrBuffer = (value) => typeof value === "string" || isArrayBufferView(value) || isAnyArrayBuffer(value);

const buffer = (bytes) =>
  new FastBuffer(TypedArrayPrototypeGetBuffer(bytes), TypedArrayPrototypeGetByteOffset(bytes), TypedArrayPrototypeGetByteLength(bytes));

function bytesOf(value, name) {
  const view = getArrayBufferOrView(value, name);
  return buffer(view);
}

// A key's own bytes, or those that are given.
function keyOf(value, encoding) {
  const prepared = prepareSecretKey(value, encoding);
  return isArrayBufferView(prepared) || isAnyArrayBuffer(prepared) ? bytesOf(prepared, "key") : ops.op_node_export_secret_key(prepared);
}

function tagLengthOf(cipher, value, name) {
  if (!cipher.authenticates) return 0;
  if (value === undefined || value === null) {
    if (cipher.mode === "ccm") throw coded(new TypeError(`authTagLength required for ${name}`), "ERR_CRYPTO_INVALID_AUTH_TAG");
    return -1;
  }
  const fits = cipher.mode === "gcm"
    ? value === 4 || value === 8 || (value >= 12 && value <= 16)
    : cipher.mode === "ccm" ? value >= 4 && value <= 16 && value % 2 === 0 : value > 0 && value <= 16;
  if (!fits) throw badTag(value);
  return value;
}

function begin(self, name, key, iv, options, encrypts) {
  validateString(name, "cipher");
  const keyBytes = keyOf(key, options?.encoding);
  const ivBytes = iv === null ? new FastBuffer(0) : bytesOf(iv, "iv");
  const wanted = options?.authTagLength;
  if (wanted !== undefined && wanted !== null && (wanted >>> 0 !== wanted || wanted > LONGEST)) {
    throw new ERR_INVALID_ARG_VALUE("options.authTagLength", wanted);
  }
  const cipher = find(name);
  if (cipher === undefined) throw new ERR_CRYPTO_UNKNOWN_CIPHER();
  if (TypedArrayPrototypeGetByteLength(keyBytes) !== cipher.key) {
    throw coded(new RangeError("Invalid key length"), "ERR_CRYPTO_INVALID_KEYLEN");
  }
  const ivLength = TypedArrayPrototypeGetByteLength(ivBytes);
  if (iv === null ? cipher.iv > 0 : !takesIv(cipher, ivLength)) {
    throw coded(new TypeError("Invalid initialization vector"), "ERR_CRYPTO_INVALID_IV");
  }
  const tagLength = tagLengthOf(cipher, wanted, name);
  FunctionPrototypeCall(transform(), self, {
    ...options,
    transform(chunk, encoding, callback) {
      let made;
      try {
        made = this.update(chunk, encoding);
      } catch (error) {
        callback(error);
        return;
      }
      callback(null, made);
    },
    flush(callback) {
      let made;
      try {
        made = this.final();
      } catch (error) {
        callback(error);
        return;
      }
      callback(null, made);
    },
  });
  const wraps = cipher.mode === "wrap";
  const inner = {
    __proto__: null,
    cipher,
    encrypts,
    tagLength,
    pads: true,
    ended: false,
    updated: false,
    tag: undefined,
    decoder: undefined,
    key: wraps ? keyBytes : undefined,
    iv: wraps ? ivBytes : undefined,
    rid: wraps ? 0 : ops.op_node_cipher_new(cipher.name, keyBytes, ivBytes, tagLength < 0 ? 16 : tagLength, encrypts),
  };
  ObjectDefineProperty(self, kCipher, { __proto__: null, value: inner });
}

function decoded(inner, bytes, encoding, last) {
  if (encoding === undefined || encoding === null || encoding === "buffer") return bytes;
  const normal = normalizeEncoding(encoding);
  if (inner.decoder === undefined) {
    if (normal === undefined) throw new ERR_UNKNOWN_ENCODING(encoding);
    inner.decoder = new StringDecoder(normal);
  } else if (inner.decoder.encoding !== normal) {
    if (normal === undefined) throw new ERR_UNKNOWN_ENCODING(encoding);
    throw coded(new Error("Cannot change encoding"), "ERR_INTERNAL_ASSERTION");
  }
  return last ? inner.decoder.end(bytes) : inner.decoder.write(bytes);
}


function update(data, inputEncoding, outputEncoding) {
  const inner = this[kCipher];
  if (typeof data !== "string" && !ArrayBufferIsView(data)) {
    throw new ERR_INVALID_ARG_TYPE("data", ["string", "Buffer", "TypedArray", "DataView"], data);
  }
  const input = typeof data === "string" ? Buffer.from(data, inputEncoding === "buffer" ? "utf8" : inputEncoding) : bytesOf(data, "data");
  const length = TypedArrayPrototypeGetByteLength(input);
  if (inner.ended || length >= LONGEST) throw noMore();
  let made;
  if (inner.cipher.mode === "wrap") {
    if (inner.updated && length > 0) throw noMore();
    const run = inner.encrypts ? ops.op_node_aes_wrap_key : ops.op_node_aes_unwrap_key;
    try {
      made = run(inner.cipher.name, inner.key, inner.iv, input);
    } catch {
      throw noMore();
    }
  } else if (inner.cipher.mode === "ccm" && (inner.updated || (!inner.encrypts && inner.tag === undefined))) {
    throw inner.updated ? noMore() : new Error("Unsupported state or unable to authenticate data");
  } else if (inner.cipher.mode === "ccm" && !inner.encrypts) {
    // What is not authentic is said at the end.
    try {
      made = ops.op_node_cipher_update(inner.rid, input, inner.pads);
    } catch {
      inner.failed = true;
      made = new FastBuffer(0);
    }
  } else {
    made = ops.op_node_cipher_update(inner.rid, input, inner.pads);
  }
  inner.updated = true;
  return decoded(inner, buffer(made), outputEncoding, false);
}

function final(outputEncoding) {
  const inner = this[kCipher];
  if (inner.ended) throw coded(new Error("Invalid state"), "ERR_CRYPTO_INVALID_STATE");
  inner.ended = true;
  let made = new FastBuffer(0);
  if (inner.failed) throw new Error("Unsupported state or unable to authenticate data");
  if (inner.cipher.mode !== "wrap") {
    made = buffer(ops.op_node_cipher_final(inner.rid, inner.pads));
    if (inner.cipher.authenticates) {
      if (inner.encrypts) inner.tag = made;
      made = new FastBuffer(0);
    }
  }
  return decoded(inner, made, outputEncoding, true);
}

function setAutoPadding(pads) {
  const inner = this[kCipher];
  if (inner.ended) throw state("setAutoPadding");
  inner.pads = pads === undefined ? true : !!pads;
  return this;
}

function setAAD(aad, options) {
  const inner = this[kCipher];
  const bytes = bytesOf(getArrayBufferOrView(aad, "aadbuf", options?.encoding), "aadbuf");
  const length = options?.plaintextLength;
  if (length !== undefined && length !== null && length >>> 0 !== length) {
    throw new ERR_INVALID_ARG_VALUE("options.plaintextLength", length);
  }
  if (inner.ended || !inner.cipher.authenticates) throw state("setAAD");
  if (inner.cipher.mode === "ccm" && (length === undefined || length === null)) {
    throw coded(new TypeError("options.plaintextLength required for CCM mode with AAD"), "ERR_MISSING_ARGS");
  }
  if (!ops.op_node_cipher_aad(inner.rid, bytes)) throw state("setAAD");
  return this;
}

function getAuthTag() {
  const inner = this[kCipher];
  if (!inner.ended || inner.tag === undefined) throw state("getAuthTag");
  return Buffer.from(inner.tag);
}

function setAuthTag(tag, encoding) {
  const inner = this[kCipher];
  const bytes = bytesOf(getArrayBufferOrView(tag, "buffer", encoding), "buffer");
  if (inner.ended || inner.tag !== undefined || !inner.cipher.authenticates) throw state("setAuthTag");
  const length = TypedArrayPrototypeGetByteLength(bytes);
  const fits = inner.tagLength >= 0
    ? length === inner.tagLength
    : inner.cipher.mode === "gcm" ? length === 4 || length === 8 || (length >= 12 && length <= 16) : length === 16;
  if (!fits) throw badTag(length);
  inner.tag = bytes;
  ops.op_node_cipher_expect(inner.rid, bytes);
  return this;
}

function define(target, methods) {
  for (const name in methods) {
    ObjectDefineProperty(target, name, { __proto__: null, value: methods[name], writable: true, enumerable: true, configurable: true });
  }
}

function Cipheriv(cipher, key, iv, options) {
  if (!ObjectPrototypeIsPrototypeOf(Cipheriv.prototype, this)) return new Cipheriv(cipher, key, iv, options);
  begin(this, cipher, key, iv, options, true);
}

function Decipheriv(cipher, key, iv, options) {
  if (!ObjectPrototypeIsPrototypeOf(Decipheriv.prototype, this)) return new Decipheriv(cipher, key, iv, options);
  begin(this, cipher, key, iv, options, false);
}

for (let i = 0; i < 2; i++) {
  const type = i === 0 ? Cipheriv : Decipheriv;
  ObjectSetPrototypeOf(type.prototype, transform().prototype);
  ObjectSetPrototypeOf(type, transform());
  define(type.prototype, { __proto__: null, update, final, setAutoPadding, setAAD });
}
define(Cipheriv.prototype, { __proto__: null, getAuthTag });
define(Decipheriv.prototype, { __proto__: null, setAuthTag });

const cipher = { isStringOrBuffer, Cipheriv, Decipheriv, ...rsa };
return { ...cipher, default: cipher };
})();
