// How `util.inspect()` and the console show objects of the platform: by what their getters give, in workerd's order and form.
(function () {
const { core, primordials } = __bootstrap;
const {
  Map,
  MapPrototypeSet,
  ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor,
  ObjectKeys,
  ReflectApply,
  ReflectDeleteProperty,
  SafeArrayIterator,
  String,
  SymbolFor,
  SymbolToStringTag,
} = primordials;
const { guardFromHeaders } = core.loadExtScript("ext:deno_fetch/20_headers.js");
const { _controller, _state, isReadableByteStreamController } = core.loadExtScript("ext:deno_web/06_streams.js");
const { lengthOf } = core.loadExtScript("ext:workerd_lite/fetch/body.js");
const { expectsBytes } = core.loadExtScript("ext:workerd_lite/worker/stream_kinds.js");

const CUSTOM = SymbolFor("nodejs.util.inspect.custom");
const DENO = SymbolFor("Deno.privateCustomInspect");

const EVENT = [
  "type", "eventPhase", "composed", "bubbles", "cancelable", "defaultPrevented", "returnValue", "currentTarget", "target", "srcElement",
  "timeStamp", "isTrusted", "cancelBubble",
];
const PHASES = ["NONE", "CAPTURING_PHASE", "AT_TARGET", "BUBBLING_PHASE"];
const PAIR = ["readable", "writable"];
const URL_KEYS = [
  "origin", "href", "protocol", "username", "password", "host", "hostname", "port", "pathname", "search", "hash", "searchParams",
];

// The names of getters, in order.
const SHOWN = {
  __proto__: null,
  AbortController: ["signal"],
  AbortSignal: ["aborted", "reason", "onabort"],
  Blob: ["size", "type"],
  ByteLengthQueuingStrategy: ["highWaterMark"],
  Cache: [],
  CacheStorage: ["default"],
  CloseEvent: ["wasClean", "reason", "code", ...EVENT, ...PHASES],
  CompressionStream: PAIR,
  CountQueuingStrategy: ["highWaterMark"],
  Crypto: ["subtle"],
  CryptoKey: ["usages", "algorithm", "extractable", "type"],
  CustomEvent: ["detail", ...EVENT, ...PHASES],
  DecompressionStream: PAIR,
  DigestStream: ["digest", "bytesWritten", "locked"],
  ErrorEvent: ["filename", "message", "lineno", "colno", "error", ...EVENT, ...PHASES],
  Event: EVENT,
  EventSource: ["url", "withCredentials", "readyState", "onopen", "onmessage", "onerror"],
  EventTarget: [],
  ExecutionContext: ["tracing", "access", "props", "exports"],
  File: ["name", "lastModified", "size", "type"],
  FixedLengthStream: PAIR,
  IdentityTransformStream: PAIR,
  MessageChannel: ["port2", "port1"],
  MessageEvent: ["ports", "source", "lastEventId", "origin", "data", ...EVENT, ...PHASES],
  MessagePort: ["onmessage"],
  Navigator: ["languages", "language", "platform", "hardwareConcurrency", "userAgent"],
  ReadableStream: ["locked"],
  ReadableStreamBYOBReader: ["closed"],
  ReadableStreamDefaultReader: ["closed"],
  Request: ["method", "url", "headers", "redirect", "fetcher", "signal", "cf", "integrity", "keepalive", "cache", "body", "bodyUsed"],
  Response: ["status", "statusText", "headers", "ok", "redirected", "url", "webSocket", "cf", "type", "body", "bodyUsed"],
  Scheduler: [],
  SubtleCrypto: [],
  TextDecoder: ["encoding", "fatal", "ignoreBOM"],
  TextDecoderStream: ["encoding", "fatal", "ignoreBOM", ...PAIR],
  TextEncoder: ["encoding"],
  TextEncoderStream: ["encoding", ...PAIR],
  TransformStream: PAIR,
  URL: URL_KEYS,
  URLPattern: ["protocol", "username", "password", "hostname", "port", "pathname", "search", "hash", "hasRegExpGroups"],
  WebSocket: ["readyState", "bufferedAmount", "url", "protocol", "extensions", "binaryType"],
  WritableStream: ["locked"],
  WritableStreamDefaultWriter: ["closed", "ready", "desiredSize"],
};

// What is shown as pairs.
const PAIRS = { __proto__: null, FormData: true, Headers: true, URLSearchParams: true };

// What no getter gives: shown in brackets.
const INSIDE = {
  __proto__: null,
  Headers: (value) => [["immutable", guardFromHeaders(value) === "immutable"]],
  ReadableStream: (value) => [
    ["state", value[_state]],
    ["supportsBYOB", isReadableByteStreamController(value[_controller])],
    ["length", lengthOf(value)],
  ],
  WritableStream: (value) => [["state", value[_state]], ["expectsBytes", expectsBytes(value)]],
};

function show(object, key, value, enumerable) {
  ObjectDefineProperty(object, key, { __proto__: null, value, writable: true, enumerable, configurable: true });
}

// A key of a pair. A name may be there more than once.
class Key {
  #text;

  constructor(text) {
    this.#text = text;
  }

  [CUSTOM](_depth, options, inspect) {
    return inspect(this.#text, options);
  }
}

// What is inspected in the place of an object.
function standIn(kind, object, name) {
  const made = PAIRS[kind] ? new (class extends Map {})() : new (class {})();
  const { constructor } = made;
  ObjectDefineProperty(constructor, "name", { __proto__: null, value: name, configurable: true });
  if (PAIRS[kind]) {
    // No tag, and none of the class's own that would be shown.
    show(constructor.prototype, SymbolToStringTag, () => {}, false);
    for (const { 0: key, 1: value } of new SafeArrayIterator([...object])) MapPrototypeSet(made, new Key(key), value);
  }
  const keys = SHOWN[kind] ?? [];
  for (let i = 0; i < keys.length; i++) {
    if (keys[i] in object) show(made, keys[i], object[keys[i]], true);
  }
  // Own properties, of the author's.
  const own = ObjectKeys(object);
  for (let i = 0; i < own.length; i++) {
    const descriptor = ObjectGetOwnPropertyDescriptor(object, own[i]);
    if (descriptor !== undefined && made[own[i]] === undefined) ObjectDefineProperty(made, own[i], { __proto__: null, ...descriptor });
  }
  const inside = INSIDE[kind]?.(object) ?? [];
  for (let i = 0; i < inside.length; i++) show(made, inside[i][0], inside[i][1], false);
  return made;
}

function inspector(kind) {
  return function (depth, options, inspect) {
    let name = kind;
    let made;
    try {
      name = String(this.constructor?.name ?? kind);
      if (depth !== null && depth < 0) return options.stylize(`[${name}]`, "special");
      made = standIn(kind, this, name);
    } catch {
      // An object of the prototype alone, or one whose getters fail.
      return `${name} {}`;
    }
    return inspect(made, { ...options, depth, showHidden: true });
  };
}

// What stands for something elsewhere: a proxy, whose target has this method.
function opaque(nameOf) {
  return function () {
    return `${ReflectApply(nameOf, undefined, [this])} {}`;
  };
}

// Gives the class.
function inspected(kind, made) {
  ReflectDeleteProperty(made.prototype, DENO);
  show(made.prototype, CUSTOM, inspector(kind), false);
  return made;
}

// Globals that are made when they are asked for say so themselves.
function defineInspect() {
  for (const kind of new SafeArrayIterator([...ObjectKeys(SHOWN), ...ObjectKeys(PAIRS)])) {
    const made = ObjectGetOwnPropertyDescriptor(globalThis, kind)?.value;
    if (typeof made === "function") inspected(kind, made);
  }
}

return { CUSTOM, defineInspect, inspected, opaque };
})();
