// Node's modules by their names, without `node:`. Each is made when it is first asked for.
(function () {
const { core, primordials } = __bootstrap;
const { ArrayPrototypePush, ObjectKeys, StringPrototypeSlice, StringPrototypeStartsWith } = primordials;
const load = (name) => core.loadExtScript(`ext:workerd_lite/node/${name}.js`);

function whole(specifier) {
  const script = core.loadExtScript(specifier);
  return script.default ?? script;
}

// What `require()` gives.
const makers = {
  __proto__: null,
  "_http_agent": () => whole("ext:deno_node/_http_agent.js"),
  "_http_client": () => whole("ext:deno_node/_http_client.js"),
  "_http_common": () => whole("ext:deno_node/_http_common.js"),
  "_http_incoming": () => whole("ext:deno_node/_http_incoming.js"),
  "_http_outgoing": () => whole("ext:deno_node/_http_outgoing.ts"),
  "_http_server": () => whole("ext:deno_node/_http_server.js"),
  "_stream_duplex": () => whole("ext:deno_node/stream.ts").Duplex,
  "_stream_passthrough": () => whole("ext:deno_node/stream.ts").PassThrough,
  "_stream_readable": () => whole("ext:deno_node/stream.ts").Readable,
  "_stream_transform": () => whole("ext:deno_node/stream.ts").Transform,
  "_stream_writable": () => whole("ext:deno_node/stream.ts").Writable,
  assert: () => whole("ext:deno_node/assert.ts"),
  "assert/strict": () => core.loadExtScript("ext:deno_node/assert.ts").strict,
  async_hooks: () => load("async_hooks").default,
  buffer: () => whole("ext:deno_node/internal/buffer.mjs"),
  child_process: () => load("absent/child_process").default,
  cluster: () => load("absent/cluster").default,
  console: () => load("console").default,
  constants: () => load("constants").default,
  crypto: () => load("crypto_names").complete(whole("ext:deno_node/crypto.ts")),
  dgram: () => load("absent/dgram").default,
  diagnostics_channel: () => whole("ext:deno_node/diagnostics_channel.js"),
  dns: () => load("dns/module"),
  "dns/promises": () => load("dns/module").promises,
  domain: () => load("absent/domain").default,
  events: () => whole("ext:deno_node/_events.mjs"),
  fs: () => load("fs/module"),
  "fs/promises": () => load("fs/module").promises,
  http: () => load("http/names").complete(whole("ext:deno_node/http.ts")),
  http2: () => load("http2/module"),
  https: () => whole("ext:deno_node/https.ts"),
  inspector: () => load("absent/inspector").inspector(),
  "inspector/promises": () => load("absent/inspector").promises(),
  module: () => load("module").default,
  net: () => load("net/net").default,
  os: () => load("os").default,
  path: () => whole("ext:deno_node/path/mod.ts"),
  "path/posix": () => core.loadExtScript("ext:deno_node/path/mod.ts").posix,
  "path/win32": () => core.loadExtScript("ext:deno_node/path/mod.ts").win32,
  perf_hooks: () => load("perf_hooks").default,
  process: () => load("process").default,
  punycode: () => whole("ext:deno_node/punycode.ts"),
  querystring: () => whole("ext:deno_node/querystring.js"),
  readline: () => whole("ext:deno_node/readline.ts"),
  "readline/promises": () => whole("ext:deno_node/readline/promises.ts"),
  repl: () => load("absent/repl").repl(ObjectKeys(makers)),
  stream: () => whole("ext:deno_node/stream.ts"),
  "stream/consumers": () => whole("ext:deno_node/stream/consumers.js"),
  "stream/promises": () => whole("ext:deno_node/stream/promises.js"),
  "stream/web": () => whole("ext:deno_node/stream/web.js"),
  string_decoder: () => whole("ext:deno_node/string_decoder.ts"),
  sys: () => builtin("util"),
  timers: () => load("timers").default,
  "timers/promises": () => load("timers").promises,
  tls: () => load("net/tls").default,
  trace_events: () => load("absent/trace_events").default,
  tty: () => load("absent/tty").default,
  url: () => load("url_names").complete(whole("ext:deno_node/url.ts")),
  util: () => load("util_names").complete(whole("ext:deno_node/util.ts")),
  "util/types": () => builtin("util").types,
  v8: () => load("v8").default,
  vm: () => load("vm").default,
  wasi: () => load("absent/wasi").default,
  worker_threads: () => load("absent/worker_threads").default,
  zlib: () => whole("ext:deno_node/zlib.js"),
};

// Those that have their names with `node:` only.
const SCHEME_ONLY = {
  __proto__: null,
  sea: () => load("absent/sea").default,
  sqlite: () => load("absent/sqlite").default,
  test: () => load("absent/test").test(),
  "test/reporters": () => load("absent/test").reporters(),
};

const made = { __proto__: null };

// What a module exports; undefined where Node has none of that name.
function builtin(name) {
  if (typeof name !== "string") return undefined;
  const scheme = StringPrototypeStartsWith(name, "node:");
  const plain = scheme ? StringPrototypeSlice(name, 5) : name;
  const maker = makers[plain] ?? (scheme ? SCHEME_ONLY[plain] : undefined);
  if (maker === undefined) return undefined;
  return made[plain] ??= maker();
}

// The names that `import` has of a module, and its default.
function namespace(name) {
  const exported = builtin(name);
  const all = { __proto__: null, default: exported };
  const names = ObjectKeys(exported);
  for (let i = 0; i < names.length; i++) {
    if (names[i] !== "default") all[names[i]] = exported[names[i]];
  }
  return all;
}

function names() {
  const found = ObjectKeys(makers);
  const scheme = ObjectKeys(SCHEME_ONLY);
  for (let i = 0; i < scheme.length; i++) ArrayPrototypePush(found, `node:${scheme[i]}`);
  return found;
}

return { builtin, names, namespace };
})();
