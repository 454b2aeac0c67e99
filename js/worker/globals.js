// A worker's global scope: what Workers have, and nothing of ours.
(function () {
const { core, primordials } = __bootstrap;
const { op_console } = core.ops;
const {
  ObjectDefineProperties,
  ObjectDefineProperty,
  ObjectSetPrototypeOf,
  queueMicrotask: enqueue,
  SymbolToStringTag,
  TypeError,
} = primordials;
const load = core.loadExtScript;

const { currentContext } = load("ext:workerd_lite/worker/context.js");
const told = load("ext:workerd_lite/worker/console_arguments.js");
const webidl = load("ext:deno_webidl/00_webidl.js");
const base64 = load("ext:deno_web/05_base64.js");
const blob = load("ext:deno_web/09_file.js");
const compression = load("ext:workerd_lite/worker/compression.js");
const consoles = load("ext:deno_web/01_console.js");
const crypto = load("ext:deno_crypto/00_crypto.js");
const encoding = load("ext:deno_web/08_text_encoding.js");
const event = load("ext:deno_web/02_event.js");
const performance = load("ext:deno_web/15_performance.js");
const streams = load("ext:deno_web/06_streams.js");
const url = load("ext:deno_web/00_url.js");
const cloning = load("ext:workerd_lite/worker/cloning.js");
const { lazyGlobal } = load("ext:workerd_lite/worker/lazy_global.js");
const navigation = load("ext:workerd_lite/worker/navigator.js");
const { ExtendableEvent } = load("ext:workerd_lite/worker/service_worker.js");
const webcrypto = load("ext:workerd_lite/worker/webcrypto.js");
const ownTimers = load("ext:workerd_lite/worker/timers.js");

class WorkerGlobalScope extends event.EventTarget {
  constructor() {
    throw new TypeError("Illegal constructor");
  }
}
class ServiceWorkerGlobalScope extends WorkerGlobalScope {}
ObjectDefineProperty(ServiceWorkerGlobalScope.prototype, SymbolToStringTag, {
  __proto__: null,
  value: "ServiceWorkerGlobalScope",
  configurable: true,
});

const { queueMicrotask } = {
  queueMicrotask(callback) {
    if (typeof callback !== "function") {
      throw new TypeError("Failed to execute 'queueMicrotask' on 'ServiceWorkerGlobalScope': parameter 1 is not of type 'function'.");
    }
    return enqueue(callback);
  },
};

function print(text, level) {
  const event = currentContext()?.id ?? 0;
  const line = op_console(text, level, event);
  if (line > 0) told.tell(event, line);
}

const hidden = (value) => ({ __proto__: null, value, writable: true, enumerable: false, configurable: true });
const shown = (value) => ({ __proto__: null, value, writable: true, enumerable: true, configurable: true });

function defineGlobals() {
  cloning.noteEngine();
  // Before anything takes them.
  cloning.replaceCloning();
  load("ext:workerd_lite/worker/errors.js").defineErrors();
  load("ext:workerd_lite/worker/clock.js").defineDate();
  load("ext:workerd_lite/worker/sort.js").defineSorts();
  load("ext:workerd_lite/worker/resizable_buffers.js").defineBuffers();
  load("ext:workerd_lite/worker/intl_limits.js").defineIntl();
  load("ext:workerd_lite/worker/crypto_limits.js").limitCrypto();
  webcrypto.defineWebCrypto();
  webcrypto.defineDigest();
  load("ext:workerd_lite/worker/ed448.js").defineEd448();
  ObjectDefineProperties(globalThis, {
    AbortController: hidden(load("ext:deno_web/03_abort_signal.js").AbortController),
    AbortSignal: hidden(load("ext:deno_web/03_abort_signal.js").AbortSignal),
    Blob: hidden(blob.Blob),
    ByteLengthQueuingStrategy: hidden(streams.ByteLengthQueuingStrategy),
    CloseEvent: hidden(event.CloseEvent),
    CompressionStream: hidden(compression.CompressionStream),
    CountQueuingStrategy: hidden(streams.CountQueuingStrategy),
    Crypto: hidden(crypto.Crypto),
    CryptoKey: hidden(crypto.CryptoKey),
    CustomEvent: hidden(event.CustomEvent),
    DecompressionStream: hidden(compression.DecompressionStream),
    DOMException: hidden(load("ext:deno_web/01_dom_exception.js").DOMException),
    ErrorEvent: hidden(event.ErrorEvent),
    Event: hidden(event.Event),
    EventTarget: hidden(event.EventTarget),
    ExecutionContext: hidden(load("ext:workerd_lite/worker/execution_context.js").ExecutionContext),
    ExtendableEvent: hidden(ExtendableEvent),
    Fetcher: hidden(load("ext:workerd_lite/worker/bindings.js").Fetcher),
    File: hidden(blob.File),
    FixedLengthStream: hidden(load("ext:workerd_lite/worker/streams.js").FixedLengthStream),
    FormData: hidden(load("ext:deno_fetch/21_formdata.js").FormData),
    Headers: hidden(load("ext:deno_fetch/20_headers.js").Headers),
    IdentityTransformStream: hidden(load("ext:workerd_lite/worker/streams.js").IdentityTransformStream),
    MessageChannel: hidden(load("ext:deno_web/13_message_port.js").MessageChannel),
    MessageEvent: hidden(event.MessageEvent),
    MessagePort: hidden(load("ext:deno_web/13_message_port.js").MessagePort),
    Navigator: hidden(navigation.Navigator),
    Performance: hidden(performance.Performance),
    PerformanceEntry: hidden(performance.PerformanceEntry),
    PerformanceMark: hidden(performance.PerformanceMark),
    PerformanceMeasure: hidden(performance.PerformanceMeasure),
    PerformanceObserver: hidden(performance.PerformanceObserver),
    PerformanceObserverEntryList: hidden(performance.PerformanceObserverEntryList),
    ProgressEvent: hidden(event.ProgressEvent),
    PromiseRejectionEvent: hidden(event.PromiseRejectionEvent),
    ReadableByteStreamController: hidden(streams.ReadableByteStreamController),
    ReadableStream: hidden(streams.ReadableStream),
    ReadableStreamBYOBReader: hidden(streams.ReadableStreamBYOBReader),
    ReadableStreamBYOBRequest: hidden(streams.ReadableStreamBYOBRequest),
    ReadableStreamDefaultController: hidden(streams.ReadableStreamDefaultController),
    ReadableStreamDefaultReader: hidden(streams.ReadableStreamDefaultReader),
    Request: hidden(load("ext:deno_fetch/23_request.js").Request),
    Response: hidden(load("ext:deno_fetch/23_response.js").Response),
    ServiceWorkerGlobalScope: hidden(ServiceWorkerGlobalScope),
    SubtleCrypto: hidden(crypto.SubtleCrypto),
    TextDecoder: hidden(encoding.TextDecoder),
    TextDecoderStream: hidden(encoding.TextDecoderStream),
    TextEncoder: hidden(encoding.TextEncoder),
    TextEncoderStream: hidden(encoding.TextEncoderStream),
    TransformStream: hidden(streams.TransformStream),
    TransformStreamDefaultController: hidden(streams.TransformStreamDefaultController),
    URL: hidden(url.URL),
    Scheduler: hidden(load("ext:workerd_lite/worker/scheduler.js").Scheduler),
    URLPattern: hidden(load("ext:deno_web/01_urlpattern.js").URLPattern),
    URLSearchParams: hidden(url.URLSearchParams),
    WorkerGlobalScope: hidden(WorkerGlobalScope),
    WritableStream: hidden(streams.WritableStream),
    WritableStreamDefaultController: hidden(streams.WritableStreamDefaultController),
    WritableStreamDefaultWriter: hidden(streams.WritableStreamDefaultWriter),
    atob: shown(base64.atob),
    btoa: shown(base64.btoa),
    clearInterval: shown(ownTimers.clearInterval),
    clearTimeout: shown(ownTimers.clearTimeout),
    console: hidden(new consoles.Console(print)),
    crypto: {
      __proto__: null,
      get: () => crypto.crypto,
      enumerable: true,
      configurable: true,
    },
    fetch: shown(load("ext:deno_fetch/26_fetch.js").fetch),
    navigator: { __proto__: null, get: () => navigation.navigator, enumerable: true, configurable: true },
    performance: shown(performance.performance),
    queueMicrotask: shown(queueMicrotask),
    reportError: shown(event.reportError),
    scheduler: shown(load("ext:workerd_lite/worker/scheduler.js").scheduler),
    self: shown(globalThis),
    setInterval: shown(ownTimers.setInterval),
    setTimeout: shown(ownTimers.setTimeout),
    structuredClone: shown(load("ext:deno_web/13_message_port.js").structuredClone),
  });
  load("ext:workerd_lite/worker/streams.js").defineReaders();
  load("ext:workerd_lite/fetch/get_all.js").defineGetAll();
  load("ext:workerd_lite/fetch/sockets.js").defineSocketOfResponse();
  load("ext:workerd_lite/worker/digest_stream.js").defineDigestStream();
  lazyGlobal("Cloudflare", () => load("ext:workerd_lite/worker/cloudflare.js").Cloudflare);
  lazyGlobal("EventSource", () => load("ext:workerd_lite/worker/event_source.js").EventSource);
  const websocket = () => load("ext:workerd_lite/websocket/websocket.js");
  lazyGlobal("WebSocket", () => websocket().WebSocket);
  lazyGlobal("WebSocketPair", () => websocket().WebSocketPair);
  const caches = () => load("ext:workerd_lite/worker/caches.js");
  lazyGlobal("Cache", () => caches().Cache);
  lazyGlobal("CacheStorage", () => caches().CacheStorage);
  lazyGlobal("caches", () => caches().caches, true);
  lazyGlobal("HTMLRewriter", () => load("ext:workerd_lite/html_rewriter/html_rewriter.js").HTMLRewriter);
  load("ext:workerd_lite/worker/inspect.js").defineInspect();
  cloning.defineCloning();
  consoles.setNoColorFns(() => true, () => true);
  // Blob URLs would need a store that outlives an event; Workers have none.
  delete url.URL.createObjectURL;
  delete url.URL.revokeObjectURL;
  ObjectSetPrototypeOf(globalThis, ServiceWorkerGlobalScope.prototype);
  ObjectDefineProperty(globalThis, webidl.brand, { __proto__: null, value: webidl.brand });
  event.setEventTargetData(globalThis);
  event.saveGlobalThisReference(globalThis);
  // https://html.spec.whatwg.org/#workerglobalscope
  event.defineEventHandler(globalThis, "error", undefined, true);
  event.defineEventHandler(globalThis, "rejectionhandled");
  event.defineEventHandler(globalThis, "unhandledrejection");
}

return { defineGlobals };
})();
