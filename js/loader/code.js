// `WorkerCode`: what a worker is loaded from, read once from what the author gives, and checked field by field.
// https://developers.cloudflare.com/workers/runtime-apis/bindings/worker-loader/#workercode
(function () {
const { core, primordials } = __bootstrap;
const {
  ArrayBufferIsView,
  ArrayBufferPrototypeGetByteLength,
  ArrayIsArray,
  ArrayPrototypePush,
  DataViewPrototypeGetBuffer,
  DataViewPrototypeGetByteLength,
  DataViewPrototypeGetByteOffset,
  JSONStringify,
  NumberIsInteger,
  ObjectKeys,
  ObjectPrototype,
  ReflectGetPrototypeOf,
  SafeArrayIterator,
  StringPrototypeEndsWith,
  StringPrototypeLastIndexOf,
  StringPrototypeSlice,
  TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetByteLength,
  TypedArrayPrototypeGetByteOffset,
  TypedArrayPrototypeGetSymbolToStringTag,
  TypeError,
  Uint8Array,
} = primordials;
const { op_wasm_memories } = core.ops;
const { copyEnv, outboundOf, plainList, tailsOf } = core.loadExtScript("ext:workerd_lite/loader/given.js");

const MOST = 0x7fffffff;

// What a text is, by the end of its module's name.
const EXTENSIONS = {
  __proto__: null,
  js: "js",
  mjs: "js",
  jsx: "js",
  cjs: "cjs",
  ts: "ts",
  mts: "ts",
  tsx: "ts",
  json: "json",
  txt: "text",
  html: "text",
  sql: "text",
};
const KINDS = { __proto__: null, js: "js", cjs: "cjs", ts: "ts", text: "text", data: "data", json: "json", wasm: "wasm" };

const FIELDS = {
  __proto__: null,
  compatibilityDate: true,
  compatibilityFlags: true,
  allowExperimental: true,
  mainModule: true,
  modules: true,
  env: true,
  globalOutbound: true,
  limits: true,
  tails: true,
  streamingTails: true,
};
const LIMITS = { __proto__: null, cpuMs: true, subRequests: true, memoryMb: true, wallMs: true };

function isObject(value) {
  return typeof value === "object" && value !== null;
}

function bytesOf(value, field) {
  if (ArrayBufferIsView(value)) {
    const typed = TypedArrayPrototypeGetSymbolToStringTag(value) !== undefined;
    return typed
      ? new Uint8Array(TypedArrayPrototypeGetBuffer(value), TypedArrayPrototypeGetByteOffset(value), TypedArrayPrototypeGetByteLength(value))
      : new Uint8Array(DataViewPrototypeGetBuffer(value), DataViewPrototypeGetByteOffset(value), DataViewPrototypeGetByteLength(value));
  }
  try {
    ArrayBufferPrototypeGetByteLength(value);
  } catch {
    throw new TypeError(`${field}: expected an ArrayBuffer or a view of one`);
  }
  return new Uint8Array(value);
}

// Whether it is a `WebAssembly.Module`, whose bytes V8 has kept.
const isModule = (value) => op_wasm_memories(value) >= 0;

function textOf(value, field) {
  if (typeof value !== "string") throw new TypeError(`${field}: expected text`);
  return value;
}

// One module as `{ kind, content }`.
function moduleOf(name, value) {
  const field = `modules[${JSONStringify(name)}]`;
  if (typeof value === "string") {
    const extension = StringPrototypeSlice(name, StringPrototypeLastIndexOf(name, ".") + 1);
    if (extension === "py") throw new TypeError(`${field}: Python modules are not run by workerd-lite`);
    const kind = EXTENSIONS[extension];
    if (kind === undefined) {
      throw new TypeError(`${field}: what it is does not follow from its name, which ends in none of .js, .mjs, .jsx, .cjs, .ts, .mts, .tsx, .json, .txt, .html and .sql; give it as an object such as { js: "..." }`);
    }
    return { __proto__: null, kind, content: value };
  }
  if (isModule(value)) return { __proto__: null, kind: "wasm", content: value };
  if (!isObject(value)) throw new TypeError(`${field}: expected text, or an object such as { js: "..." }`);
  const keys = ObjectKeys(value);
  if (keys.length !== 1) throw new TypeError(`${field}: expected one of js, cjs, ts, text, data, json and wasm`);
  const key = keys[0];
  if (key === "py") throw new TypeError(`${field}: Python modules are not run by workerd-lite`);
  const kind = KINDS[key];
  if (kind === undefined) throw new TypeError(`${field}.${key}: expected one of js, cjs, ts, text, data, json and wasm`);
  const given = value[key];
  if (kind === "wasm" && isModule(given)) return { __proto__: null, kind, content: given };
  if (kind === "data" || kind === "wasm") return { __proto__: null, kind, content: bytesOf(given, `${field}.${key}`) };
  if (kind === "json") {
    const text = JSONStringify(given);
    if (typeof text !== "string") throw new TypeError(`${field}.json: expected a value that JSON has`);
    return { __proto__: null, kind, content: text };
  }
  return { __proto__: null, kind, content: textOf(given, `${field}.${key}`) };
}

function number(limits, name, field, least) {
  const value = limits[name];
  if (value === undefined || value === null) return null;
  if (!NumberIsInteger(value) || value < least) throw new TypeError(`${field}.${name}: expected a whole number, at least ${least}`);
  return value > MOST ? MOST : value;
}

// The limits of a worker, or of one of its entrypoints.
function limitsOf(limits, field) {
  const none = limits === undefined || limits === null;
  if (!none && !isObject(limits)) throw new TypeError(`${field}: expected an object`);
  const from = none ? { __proto__: null } : limits;
  for (const key of new SafeArrayIterator(ObjectKeys(from))) {
    if (!LIMITS[key]) throw new TypeError(`${field}.${key}: expected one of cpuMs, subRequests, memoryMb and wallMs`);
  }
  return {
    __proto__: null,
    cpuMs: number(from, "cpuMs", field, 1),
    subRequests: number(from, "subRequests", field, 0),
    memoryMb: number(from, "memoryMb", field, 1),
    wallMs: number(from, "wallMs", field, 1),
  };
}

function flagsOf(flags) {
  const list = plainList([]);
  if (flags === undefined || flags === null) return list;
  if (!ArrayIsArray(flags)) throw new TypeError("compatibilityFlags: expected a list of texts");
  for (let i = 0; i < flags.length; i++) ArrayPrototypePush(list, textOf(flags[i], `compatibilityFlags[${i}]`));
  return list;
}

// Gives what `copyEnv()` does, and `vars`: the texts of it.
function envOf(context, env) {
  const none = env === undefined || env === null;
  if (!none && (!isObject(env) || core.isProxy(env) || ReflectGetPrototypeOf(env) !== ObjectPrototype)) {
    throw new TypeError("env: expected an object, and a plain one");
  }
  let own;
  try {
    own = copyEnv(context, none ? {} : env);
  } catch (error) {
    throw new TypeError(`env: it can not be cloned: ${error.message}`);
  }
  const vars = { __proto__: null };
  const { copied } = own;
  for (const key of new SafeArrayIterator(ObjectKeys(copied))) {
    const value = copied[key];
    if (typeof value === "string") vars[key] = value;
  }
  return { __proto__: null, ...own, vars };
}

// Gives `{ settings, contents, env, markers, given }`, as op_loader_load takes it.
function readCode(context, code) {
  if (!isObject(code)) throw new TypeError("expected a WorkerCode: an object with compatibilityDate, mainModule and modules");
  for (const key of new SafeArrayIterator(ObjectKeys(code))) {
    if (!FIELDS[key]) throw new TypeError(`${key}: a WorkerCode has no such field`);
  }
  if (code.streamingTails !== undefined && code.streamingTails !== null) throw new TypeError("streamingTails: they are not supported by workerd-lite; tails are");
  const { modules } = code;
  const date = textOf(code.compatibilityDate, "compatibilityDate");
  const main = textOf(code.mainModule, "mainModule");
  if (!isObject(modules)) throw new TypeError("modules: expected an object of modules by name");
  const names = plainList([]);
  const contents = [];
  for (const name of new SafeArrayIterator(ObjectKeys(modules))) {
    const { kind, content } = moduleOf(name, modules[name]);
    ArrayPrototypePush(names, plainList([name, kind]));
    ArrayPrototypePush(contents, content);
  }
  if (StringPrototypeEndsWith(main, ".py")) throw new TypeError("mainModule: Python modules are not run by workerd-lite");
  const { cpuMs, subRequests, memoryMb, wallMs } = limitsOf(code.limits, "limits");
  const { out, through } = outboundOf(code.globalOutbound);
  const tails = tailsOf(code.tails);
  const { copied, given, markers, vars } = envOf(context, code.env);
  const settings = JSONStringify({
    __proto__: null,
    mainModule: main,
    compatibilityDate: date,
    compatibilityFlags: flagsOf(code.compatibilityFlags),
    modules: names,
    vars,
    outbound: out,
    cpuMs,
    subRequests,
    memoryMb,
    wallMs,
  });
  return { __proto__: null, settings, contents, env: copied, markers, given: JSONStringify(plainList([given, through, tails])) };
}

return { limitsOf, readCode };
})();
