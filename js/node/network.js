// Modules of the network. Workers reach it by `fetch()`, which the owner's policy decides on: what asks for a connection past it is refused as a machine
// would refuse it, with an error of Node's form.
(function () {
const { core, primordials } = __bootstrap;
const {
  ArrayIsArray,
  ArrayPrototypeForEach,
  Error,
  ObjectAssign,
  RegExpPrototypeTest,
  StringPrototypeSlice,
  StringPrototypeSplit,
  Symbol,
} = primordials;
const { EventEmitter } = core.loadExtScript("ext:deno_node/_events.mjs");
const { unavailable } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");
const { nextTick } = core.loadExtScript("ext:workerd_lite/node/next_tick.js");

const WHY = "workers reach the network by fetch() only, through their owner's policy";

function refused(syscall, code, errno, details, what) {
  const error = new Error(`${syscall} ${code} ${what}: ${WHY}`);
  return ObjectAssign(error, { errno, code, syscall, ...details });
}

function target(args) {
  const first = args[0];
  if (typeof first === "object" && first !== null && !ArrayIsArray(first)) return { address: first.host ?? first.hostname ?? "localhost", port: +(first.port ?? 0) };
  if (typeof first === "number" || (typeof first === "string" && RegExpPrototypeTest(/^[0-9]+$/, first))) {
    return { address: typeof args[1] === "string" ? args[1] : "localhost", port: +first };
  }
  return { address: `${first}`, port: typeof args[1] === "number" ? args[1] : 0 };
}

function connectionRefused(args) {
  const { address, port } = target(args);
  return refused("connect", "ECONNREFUSED", -111, { address, port }, `${address}:${port}`);
}

const Duplex = () => core.loadExtScript("ext:deno_node/internal/streams/duplex.js").default;

// A socket that connects to nothing.
function makeSocket() {
  class Socket extends Duplex() {
    connecting = false;
    remoteAddress = undefined;

    constructor(options = undefined) {
      super({ ...(typeof options === "object" ? options : undefined), read() {}, write: (_chunk, _encoding, done) => done() });
    }

    connect(...args) {
      const error = connectionRefused(args);
      nextTick(() => this.destroy(error));
      return this;
    }

    setTimeout() {
      return this;
    }

    setNoDelay() {
      return this;
    }

    setKeepAlive() {
      return this;
    }

    ref() {
      return this;
    }

    unref() {
      return this;
    }

    address() {
      return {};
    }
  }
  return Socket;
}

let Socket;
const socket = () => Socket ??= makeSocket();

const V4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/;
const V6 = /^(?:[0-9a-f]{0,4}:){2,7}(?:[0-9a-f]{0,4}|(?:\d{1,3}\.){3}\d{1,3})(?:%[^ ]+)?$/i;

function isIP(text) {
  if (RegExpPrototypeTest(V4, `${text}`)) return 4;
  return RegExpPrototypeTest(V6, `${text}`) ? 6 : 0;
}

function connect(...args) {
  const made = new (socket())();
  return made.connect(...args);
}

function net() {
  return {
    BlockList: unavailable("net.BlockList"),
    Server: unavailable("net.Server"),
    Socket: socket(),
    SocketAddress: unavailable("net.SocketAddress"),
    Stream: socket(),
    connect,
    createConnection: connect,
    createServer: unavailable("net.createServer"),
    getDefaultAutoSelectFamily: () => true,
    getDefaultAutoSelectFamilyAttemptTimeout: () => 250,
    isIP,
    isIPv4: (text) => isIP(text) === 4,
    isIPv6: (text) => isIP(text) === 6,
    setDefaultAutoSelectFamily: () => {},
    setDefaultAutoSelectFamilyAttemptTimeout: () => {},
  };
}

function tls() {
  return {
    CLIENT_RENEG_LIMIT: 3,
    CLIENT_RENEG_WINDOW: 600,
    DEFAULT_CIPHERS: "",
    DEFAULT_ECDH_CURVE: "auto",
    DEFAULT_MAX_VERSION: "TLSv1.3",
    DEFAULT_MIN_VERSION: "TLSv1.2",
    SecureContext: unavailable("tls.SecureContext"),
    Server: unavailable("tls.Server"),
    TLSSocket: socket(),
    checkServerIdentity: unavailable("tls.checkServerIdentity"),
    connect,
    createSecureContext: () => ({}),
    createServer: unavailable("tls.createServer"),
    getCiphers: () => [],
    rootCertificates: [],
  };
}

const LOOKUPS = [
  ["lookup", "getaddrinfo"],
  ["lookupService", "getnameinfo"],
  ["resolve", "queryA"],
  ["resolve4", "queryA"],
  ["resolve6", "queryAaaa"],
  ["resolveAny", "queryAny"],
  ["resolveCaa", "queryCaa"],
  ["resolveCname", "queryCname"],
  ["resolveMx", "queryMx"],
  ["resolveNaptr", "queryNaptr"],
  ["resolveNs", "queryNs"],
  ["resolvePtr", "queryPtr"],
  ["resolveSoa", "querySoa"],
  ["resolveSrv", "querySrv"],
  ["resolveTxt", "queryTxt"],
  ["reverse", "getHostByAddr"],
];
const CODES =
  "NODATA FORMERR SERVFAIL NOTFOUND NOTIMP REFUSED BADQUERY BADNAME BADFAMILY BADRESP CONNREFUSED TIMEOUT EOF FILE NOMEM DESTRUCTION BADSTR BADFLAGS NONAME " +
  "BADHINTS NOTINITIALIZED LOADIPHLPAPI ADDRGETNETWORKPARAMS CANCELLED";

function dns() {
  const made = { ADDRCONFIG: 32, ALL: 16, V4MAPPED: 8 };
  const promises = {};
  ArrayPrototypeForEach(LOOKUPS, ({ 0: name, 1: syscall }) => {
    const failure = (hostname) => refused(syscall, "ENOTFOUND", -3008, { hostname }, hostname);
    made[name] = (hostname, ...rest) => {
      const done = rest[rest.length - 1];
      if (typeof done !== "function") throw new (core.loadExtScript("ext:deno_node/internal/errors.ts").codes.ERR_INVALID_ARG_TYPE)("callback", "Function", done);
      // An address is one already.
      const family = name === "lookup" ? isIP(hostname) : 0;
      const all = typeof rest[0] === "object" && rest[0]?.all;
      nextTick(() => {
        if (family === 0) done(failure(hostname));
        else if (all) done(null, [{ address: hostname, family }]);
        else done(null, hostname, family);
      });
    };
    promises[name] = async (hostname, options = undefined) => {
      const family = name === "lookup" ? isIP(hostname) : 0;
      if (family === 0) throw failure(hostname);
      return options?.all ? [{ address: hostname, family }] : { address: hostname, family };
    };
  });
  ArrayPrototypeForEach(StringPrototypeSplit(CODES, " "), (code) => made[code] = promises[code] = code === "EOF" || code === "FILE" ? code : `E${code}`);
  const more = {
    getDefaultResultOrder: () => "verbatim",
    getServers: () => [],
    setDefaultResultOrder: () => {},
    setServers: unavailable("dns.setServers"),
  };
  class Resolver {}
  ObjectAssign(Resolver.prototype, made, more);
  class PromisesResolver {}
  ObjectAssign(PromisesResolver.prototype, promises, more);
  return { ...made, ...more, Resolver, promises: { ...promises, ...more, Resolver: PromisesResolver } };
}

// Keeps what it is made with, and no connection.
class Agent extends EventEmitter {
  constructor(options = undefined) {
    super();
    this.options = { __proto__: null, noDelay: true, path: null, ...options };
    this.keepAlive = options?.keepAlive ?? false;
    this.maxSockets = options?.maxSockets ?? Infinity;
    this.maxFreeSockets = options?.maxFreeSockets ?? 256;
    this.requests = { __proto__: null };
    this.sockets = { __proto__: null };
    this.freeSockets = { __proto__: null };
  }

  destroy() {}
}

const METHODS =
  "ACL BIND CHECKOUT CONNECT COPY DELETE GET HEAD LINK LOCK M-SEARCH MERGE MKACTIVITY MKCALENDAR MKCOL MOVE NOTIFY OPTIONS PATCH POST PROPFIND PROPPATCH PURGE PUT " +
  "QUERY REBIND REPORT SEARCH SOURCE SUBSCRIBE TRACE UNBIND UNLINK UNLOCK UNSUBSCRIBE";
const STATUS =
  "100 Continue|101 Switching Protocols|102 Processing|103 Early Hints|200 OK|201 Created|202 Accepted|203 Non-Authoritative Information|204 No Content|" +
  "205 Reset Content|206 Partial Content|207 Multi-Status|208 Already Reported|226 IM Used|300 Multiple Choices|301 Moved Permanently|302 Found|303 See Other|" +
  "304 Not Modified|305 Use Proxy|307 Temporary Redirect|308 Permanent Redirect|400 Bad Request|401 Unauthorized|402 Payment Required|403 Forbidden|404 Not Found|" +
  "405 Method Not Allowed|406 Not Acceptable|407 Proxy Authentication Required|408 Request Timeout|409 Conflict|410 Gone|411 Length Required|" +
  "412 Precondition Failed|413 Payload Too Large|414 URI Too Long|415 Unsupported Media Type|416 Range Not Satisfiable|417 Expectation Failed|418 I'm a Teapot|" +
  "421 Misdirected Request|422 Unprocessable Entity|423 Locked|424 Failed Dependency|425 Too Early|426 Upgrade Required|428 Precondition Required|" +
  "429 Too Many Requests|431 Request Header Fields Too Large|451 Unavailable For Legal Reasons|500 Internal Server Error|501 Not Implemented|502 Bad Gateway|" +
  "503 Service Unavailable|504 Gateway Timeout|505 HTTP Version Not Supported|506 Variant Also Negotiates|507 Insufficient Storage|508 Loop Detected|" +
  "509 Bandwidth Limit Exceeded|510 Not Extended|511 Network Authentication Required";

function statusCodes() {
  const made = {};
  ArrayPrototypeForEach(StringPrototypeSplit(STATUS, "|"), (line) => made[StringPrototypeSlice(line, 0, 3)] = StringPrototypeSlice(line, 4));
  return made;
}

// The clients of these are not here yet: a request fails as one to a port that nobody listens on.
function makeClient(scheme) {
  const { Writable } = core.loadExtScript("ext:deno_node/stream.ts");
  class ClientRequest extends Writable {
    #headers = { __proto__: null };

    constructor(...args) {
      super({ write: (_chunk, _encoding, done) => done() });
      const last = args[args.length - 1];
      if (typeof last === "function") this.once("response", last);
      const options = args[0];
      const host = typeof options === "object" && options !== null ? options.hostname ?? options.host ?? "localhost" : `${options}`;
      const port = +(options?.port || (scheme === "https" ? 443 : 80));
      const error = refused("connect", "ECONNREFUSED", -111, { address: host, port }, `${host}:${port}`);
      nextTick(() => this.destroy(error));
    }

    setHeader(name, value) {
      this.#headers[name] = value;
      return this;
    }

    getHeader(name) {
      return this.#headers[name];
    }

    removeHeader(name) {
      delete this.#headers[name];
    }

    setTimeout() {
      return this;
    }

    setNoDelay() {}

    setSocketKeepAlive() {}

    flushHeaders() {}

    abort() {
      this.destroy();
    }
  }
  const request = (...args) => new ClientRequest(...args);
  return {
    ClientRequest,
    get: (...args) => {
      const made = request(...args);
      made.end();
      return made;
    },
    request,
  };
}

const methods = () => StringPrototypeSplit(METHODS, " ");

function http() {
  return {
    ...makeClient("http"),
    Agent,
    IncomingMessage: class IncomingMessage extends core.loadExtScript("ext:deno_node/internal/streams/readable.js").default {},
    METHODS: methods(),
    OutgoingMessage: class OutgoingMessage extends core.loadExtScript("ext:deno_node/internal/streams/writable.js").default {},
    STATUS_CODES: statusCodes(),
    Server: unavailable("http.Server"),
    ServerResponse: unavailable("http.ServerResponse"),
    createServer: unavailable("http.createServer"),
    globalAgent: new Agent({ keepAlive: true }),
    maxHeaderSize: 16384,
    setMaxIdleHTTPParsers: () => {},
    validateHeaderName: () => {},
    validateHeaderValue: () => {},
  };
}

function https() {
  return {
    ...makeClient("https"),
    Agent,
    Server: unavailable("https.Server"),
    createServer: unavailable("https.createServer"),
    globalAgent: new Agent({ keepAlive: true }),
  };
}

function http2() {
  return {
    Http2ServerRequest: unavailable("http2.Http2ServerRequest"),
    Http2ServerResponse: unavailable("http2.Http2ServerResponse"),
    connect(authority) {
      const session = new EventEmitter();
      session.close = session.destroy = () => {};
      const error = connectionRefused([`${authority}`]);
      nextTick(() => session.emit("error", error));
      return session;
    },
    constants: {},
    createSecureServer: unavailable("http2.createSecureServer"),
    createServer: unavailable("http2.createServer"),
    getDefaultSettings: () => ({}),
    getPackedSettings: unavailable("http2.getPackedSettings"),
    getUnpackedSettings: unavailable("http2.getUnpackedSettings"),
    performServerHandshake: unavailable("http2.performServerHandshake"),
    sensitiveHeaders: Symbol("nodejs.http2.sensitiveHeaders"),
  };
}

return { dns, http, http2, https, net, tls };
})();
