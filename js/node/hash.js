// `Hash` and `Hmac`: https://nodejs.org/docs/latest-v22.x/api/crypto.html#class-hash
(function () {
const { core, primordials } = __bootstrap;
const {
  ArrayPrototypeFilter,
  DataViewPrototypeGetBuffer,
  DataViewPrototypeGetByteLength,
  DataViewPrototypeGetByteOffset,
  FunctionPrototypeCall,
  ObjectPrototypeIsPrototypeOf,
  ObjectSetPrototypeOf,
  StringPrototypeIncludes,
  StringPrototypeToLowerCase,
  Symbol,
  SymbolSpecies,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetByteOffset,
  Uint8Array,
} = primordials;
const { ops } = core.loadExtScript("ext:workerd_lite/node/ops.js");
const { Buffer } = core.loadExtScript("ext:deno_node/internal/buffer.mjs");
const { validateEncoding, validateString, validateUint32 } = core.loadExtScript("ext:deno_node/internal/validators.mjs");
const { ERR_CRYPTO_HASH_FINALIZED, ERR_INVALID_ARG_TYPE } = core.loadExtScript("ext:deno_node/internal/errors.ts");
const { isAnyArrayBuffer, isArrayBufferView, isDataView, isUint8Array } = core.loadExtScript("ext:deno_node/internal/util/types.ts");
const { normalizeEncoding } = core.loadExtScript("ext:deno_node/internal/util.mjs");
const { prepareSecretKey } = core.loadExtScript("ext:deno_node/internal/crypto/keys.ts");
const lazyTransform = () => core.loadExtScript("ext:deno_node/internal/streams/lazy_transform.js");
const process = () => core.loadExtScript("ext:workerd_lite/node/process.js");

const FastBuffer = Buffer[SymbolSpecies];
const { Hasher } = ops;
const kHandle = Symbol("kHandle");
const kFinalized = Symbol("kFinalized");

// Prototypes of streams, once somebody hashes: until then nobody needs streams.
let streams = false;
function beStreams() {
  if (streams) return;
  streams = true;
  const LazyTransform = lazyTransform().default;
  ObjectSetPrototypeOf(Hash.prototype, LazyTransform.prototype);
  ObjectSetPrototypeOf(Hash, LazyTransform);
  ObjectSetPrototypeOf(Hmac.prototype, LazyTransform.prototype);
  ObjectSetPrototypeOf(Hmac, LazyTransform);
}

// Bytes of anything that has some.
function bytesOf(data) {
  if (isUint8Array(data)) return data;
  if (isDataView(data)) return new Uint8Array(DataViewPrototypeGetBuffer(data), DataViewPrototypeGetByteOffset(data), DataViewPrototypeGetByteLength(data));
  return new Uint8Array(TypedArrayPrototypeGetBuffer(data), TypedArrayPrototypeGetByteOffset(data), TypedArrayPrototypeGetByteLength(data));
}

function update(handle, data, encoding) {
  if (typeof data === "string") {
    if (encoding === undefined || encoding === null || encoding === "utf8" || encoding === "buffer") return ops.op_node_hash_update_str(handle, data);
    validateEncoding(data, encoding);
    // What is no encoding is UTF-8, as in Node.
    return ops.op_node_hash_update(handle, Buffer.from(data, normalizeEncoding(encoding) ?? "utf8"));
  }
  if (!isArrayBufferView(data)) throw new ERR_INVALID_ARG_TYPE("data", ["string", "Buffer", "TypedArray", "DataView"], data);
  return ops.op_node_hash_update(handle, bytesOf(data));
}

function digest(handle, encoding) {
  if (encoding === "hex") return ops.op_node_hash_digest_hex(handle);
  const made = ops.op_node_hash_digest(handle);
  const buffer = new FastBuffer(TypedArrayPrototypeGetBuffer(made), TypedArrayPrototypeGetByteOffset(made), TypedArrayPrototypeGetByteLength(made));
  if (encoding === undefined || encoding === "buffer") return buffer;
  const known = normalizeEncoding(encoding);
  return known === undefined ? buffer : FunctionPrototypeCall(Buffer.prototype.toString, buffer, known);
}

let warned = false;

// SHAKE's own length is what it was in Node, which means to ask for one.
function warn(algorithm) {
  if (warned) return;
  const name = StringPrototypeToLowerCase(algorithm);
  if (name !== "shake128" && name !== "shake256") return;
  warned = true;
  process().default.emitWarning("Creating SHAKE128/256 digests without an explicit options.outputLength is deprecated.", "DeprecationWarning", "DEP0198");
}

function Hash(algorithm, options) {
  if (new.target === undefined) return new Hash(algorithm, options);
  beStreams();
  const isCopy = ObjectPrototypeIsPrototypeOf(Hasher.prototype, algorithm);
  if (!isCopy) validateString(algorithm, "algorithm");
  const length = typeof options === "object" && options !== null ? options.outputLength : undefined;
  if (length !== undefined) validateUint32(length, "options.outputLength");
  else if (!isCopy) warn(algorithm);
  this[kHandle] = isCopy ? ops.op_node_hash_clone(algorithm, length) : ops.op_node_create_hash(algorithm, length);
  this[kFinalized] = false;
  this._options = options;
}

Hash.prototype.copy = function copy(options) {
  if (this[kFinalized]) throw new ERR_CRYPTO_HASH_FINALIZED();
  return new Hash(this[kHandle], options);
};

Hash.prototype._transform = function _transform(chunk, encoding, callback) {
  update(this[kHandle], chunk, encoding);
  callback();
};

Hash.prototype._flush = function _flush(callback) {
  this.push(digest(this[kHandle]));
  callback();
};

Hash.prototype.update = function (data, encoding) {
  if (this[kFinalized]) throw new ERR_CRYPTO_HASH_FINALIZED();
  if (!update(this[kHandle], data, encoding || undefined)) throw new ERR_CRYPTO_HASH_FINALIZED();
  return this;
};

Hash.prototype.digest = function (encoding) {
  if (this[kFinalized]) throw new ERR_CRYPTO_HASH_FINALIZED();
  const made = digest(this[kHandle], encoding ? `${encoding}` : undefined);
  this[kFinalized] = true;
  return made;
};

function Hmac(hmac, key, options) {
  if (new.target === undefined) return new Hmac(hmac, key, options);
  beStreams();
  validateString(hmac, "hmac");
  const encoding = typeof options === "object" && options !== null ? options.encoding : undefined;
  if (encoding !== undefined) validateString(encoding, "options.encoding");
  const prepared = prepareSecretKey(key, encoding);
  const bytes = isArrayBufferView(prepared) ? bytesOf(prepared) : isAnyArrayBuffer(prepared) ? new Uint8Array(prepared) : ops.op_node_export_secret_key(prepared);
  this[kHandle] = ops.op_node_create_hmac(hmac, bytes);
  this[kFinalized] = false;
  this._options = options;
}

Hmac.prototype.update = Hash.prototype.update;
Hmac.prototype._transform = Hash.prototype._transform;

Hmac.prototype._flush = function _flush(callback) {
  this.push(this.digest());
  callback();
};

Hmac.prototype.digest = function (encoding) {
  if (this[kFinalized]) return encoding && encoding !== "buffer" ? "" : new FastBuffer(0);
  const made = digest(this[kHandle], encoding ? `${encoding}` : undefined);
  this[kFinalized] = true;
  return made;
};

const createHash = (algorithm, options) => new Hash(algorithm, options);

// Those of OpenSSL 3 without its old provider.
const getHashes = () => ArrayPrototypeFilter(ops.op_node_get_hashes(), (name) => name !== "dss1" && !StringPrototypeIncludes(StringPrototypeToLowerCase(name), "md4"));

return { Hash, Hmac, createHash, getHashes, default: { Hash, Hmac, createHash } };
})();
