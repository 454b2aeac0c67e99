// https://nodejs.org/docs/latest-v22.x/api/tls.html: connections whose requests go to `https:`. TLS itself, and whom to trust, is the host's: certificates, keys
// and authorities of the options' have no effect.
(function () {
const { core, primordials } = __bootstrap;
const { ArrayIsArray, ArrayPrototypeIncludes, ArrayPrototypePush, FunctionPrototypeCall, ObjectAssign, ObjectPrototypeIsPrototypeOf, ObjectSetPrototypeOf, PromisePrototypeThen } = primordials;
const { ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE, ERR_TLS_INVALID_CONTEXT } = core.loadExtScript("ext:deno_node/internal/errors.ts");
const { validateArray, validateFunction, validateOneOf } = core.loadExtScript("ext:deno_node/internal/validators.mjs");
const { nextTick } = core.loadExtScript("ext:workerd_lite/node/next_tick.js");
const { failure, unavailable } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");
const { certificateOf, checkServerIdentity } = core.loadExtScript("ext:workerd_lite/node/net/identity.js");
const { refused, reset } = core.loadExtScript("ext:workerd_lite/node/net/errors.js");
const { Server: NetServer } = core.loadExtScript("ext:workerd_lite/node/net/server.js");
const { connectTo, Socket } = core.loadExtScript("ext:workerd_lite/node/net/socket.js");
const { normalize } = core.loadExtScript("ext:workerd_lite/node/net/target.js");
const { forget, isOurs, setTransport, transportOf } = core.loadExtScript("ext:workerd_lite/node/net/transports.js");

const { isTunnel } = core.loadExtScript("ext:workerd_lite/node/net/tunnel.js");

// A stream of a script's as a socket. http2-wrapper looks for the class of these.
class JSStreamSocket extends Socket {
  constructor(stream) {
    super();
    this.stream = stream;
  }
}

// What a script would check is not here: it would take no check for one that passed.
function refuseChecks(name, options) {
  const { checkServerIdentity: check, secureContext } = options ?? {};
  if (check !== undefined && check !== checkServerIdentity) {
    validateFunction(check, "options.checkServerIdentity");
    throw failure(`${name} with checkServerIdentity`, "ERR_OPTION_NOT_IMPLEMENTED", "certificates are checked by the host, and shown to no script");
  }
  if (secureContext !== undefined && secureContext !== null && !ObjectPrototypeIsPrototypeOf(SecureContext.prototype, secureContext)) {
    throw new ERR_TLS_INVALID_CONTEXT("context");
  }
}

function TLSSocket(socket, options) {
  if (!ObjectPrototypeIsPrototypeOf(TLSSocket.prototype, this)) return new TLSSocket(socket, options);
  refuseChecks("tls.TLSSocket", options);
  FunctionPrototypeCall(Socket, this, options);
  if (socket !== undefined && socket !== null && !isOurs(socket)) this._handle = { _parentWrap: new JSStreamSocket(socket), getAsyncId: () => -1 };
  this.encrypted = true;
  this.authorized = false;
  this.authorizationError = null;
  this.alpnProtocol = null;
  this.servername = null;
  this.secureConnecting = true;
}
ObjectSetPrototypeOf(TLSSocket.prototype, Socket.prototype);
ObjectSetPrototypeOf(TLSSocket, Socket);
ObjectAssign(TLSSocket.prototype, {
  disableRenegotiation() {},
  enableTrace() {},
  exportKeyingMaterial: unavailable("tls.TLSSocket.exportKeyingMaterial"),
  getCertificate: () => ({}),
  getCipher: () => ({ name: "TLS_AES_128_GCM_SHA256", standardName: "TLS_AES_128_GCM_SHA256", version: "TLSv1.3" }),
  getEphemeralKeyInfo: () => ({}),
  getFinished: () => undefined,
  // What `checkServerIdentity()` takes; nothing is to be read of it.
  getPeerCertificate() {
    return this.authorized ? certificateOf(this._host) : {};
  },
  getPeerFinished: () => undefined,
  getPeerX509Certificate: () => undefined,
  getProtocol: () => "TLSv1.3",
  getSession: () => undefined,
  getSharedSigalgs: () => [],
  getTLSTicket: () => undefined,
  getX509Certificate: () => undefined,
  isSessionReused: () => false,
  renegotiate: () => false,
  setMaxSendFragment: () => true,
  setServername(name) {
    this.servername = name;
  },
  setSession() {},
});

function secured(socket, options) {
  const wanted = ArrayIsArray(options.ALPNProtocols) ? options.ALPNProtocols : [];
  socket.secureConnecting = false;
  socket.authorized = true;
  // Who speaks both is heard in HTTP/1.1; HTTP/2 is what `http2.connect()` makes of it.
  socket.alpnProtocol = ArrayPrototypeIncludes(wanted, "http/1.1") ? "http/1.1" : ArrayPrototypeIncludes(wanted, "h2") ? "h2" : false;
  socket.servername = options.servername || socket._host;
  socket.emit("secureConnect");
  socket.emit("secure");
}

// A connection that has carried something goes on under TLS, with the host that it was made to.
function upgrade(socket, under, options) {
  const tunnel = transportOf(under);
  socket._host = under._host;
  socket._port = under._port;
  socket._parent = under;
  socket._peer = under._peer;
  socket._sockname = under._sockname;
  const name = options.servername;
  let started;
  try {
    started = tunnel.startTls(socket, typeof name === "string" && name !== "" ? name : null);
  } catch (error) {
    nextTick(() => socket.destroy(reset(error.message)));
    return socket;
  }
  setTransport(socket, tunnel);
  forget(under);
  socket.once("close", () => under.destroy());
  PromisePrototypeThen(
    started,
    () => {
      if (socket.destroyed) return;
      secured(socket, options);
      socket.read(0);
    },
    (error) => socket.destroy(reset(error.message)),
  );
  return socket;
}

function connect(...args) {
  const { options, done } = normalize(args);
  refuseChecks("tls.connect()", options);
  const socket = new TLSSocket(undefined, options);
  if (done !== undefined) socket.once("secureConnect", done);
  const { socket: under } = options;
  if (isOurs(under) && isTunnel(transportOf(under))) return upgrade(socket, under, options);
  if (under !== undefined && under !== null) {
    // Its own peer decides: one of ours, that has carried nothing.
    if (!isOurs(under) && !under.connecting || under.bytesWritten > 0 || typeof under._host !== "string") {
      nextTick(() => socket.destroy(refused(options.host ?? "localhost", options.port ?? 0, "TLS over a stream of a script's is not supported")));
      return socket;
    }
  }
  if (under) {
    // It waits for no request of its own.
    const quiet = () => transportOf(under)?.destroy();
    if (under.connecting) under.once("connect", quiet);
    else quiet();
  }
  const peer = under ? { host: under._host, port: under._port } : {};
  connectTo(socket, { ...options, ...peer, port: peer.port ?? options.port ?? 443, path: under ? undefined : options.path }, "https", () => {
    secured(socket, options);
  });
  return socket;
}

function Server(options, listener) {
  if (!ObjectPrototypeIsPrototypeOf(Server.prototype, this)) return new Server(options, listener);
  FunctionPrototypeCall(NetServer, this, options);
  if (typeof listener === "function") this.on("secureConnection", listener);
}
ObjectSetPrototypeOf(Server.prototype, NetServer.prototype);
ObjectSetPrototypeOf(Server, NetServer);

function SecureContext() {
  if (!ObjectPrototypeIsPrototypeOf(SecureContext.prototype, this)) return new SecureContext();
  this.context = {};
}

// Whom to trust is the host's to know: there are none of the worker's.
function getCACertificates(type = "default") {
  if (typeof type !== "string") throw new ERR_INVALID_ARG_TYPE("type", "string", type);
  validateOneOf(type, "type", ["default", "bundled", "system", "extra"]);
  return [];
}

function setDefaultCACertificates(certificates) {
  validateArray(certificates, "certs");
  throw failure("tls.setDefaultCACertificates", undefined, "whom to trust is the host's to know");
}

// The wire form of a list of protocols, each with its length before it.
function convertALPNProtocols(protocols, out) {
  const { Buffer } = core.loadExtScript("ext:deno_node/internal/buffer.mjs");
  if (!ArrayIsArray(protocols)) {
    if (core.isArrayBufferView(protocols)) out.ALPNProtocols = Buffer.from(protocols);
    return;
  }
  const list = [];
  for (let i = 0; i < protocols.length; i++) {
    const name = Buffer.from(protocols[i]);
    if (name.length > 255) {
      throw new ERR_OUT_OF_RANGE(`The byte length of the protocol at index ${i} exceeds the maximum length.`, "<= 255", name.length, true);
    }
    ArrayPrototypePush(list, Buffer.from([name.length]), name);
  }
  out.ALPNProtocols = Buffer.concat(list);
}

const exported = {
  CLIENT_RENEG_LIMIT: 3,
  CLIENT_RENEG_WINDOW: 600,
  DEFAULT_CIPHERS: "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256",
  DEFAULT_ECDH_CURVE: "auto",
  DEFAULT_MAX_VERSION: "TLSv1.3",
  DEFAULT_MIN_VERSION: "TLSv1.2",
  checkServerIdentity,
  connect,
  convertALPNProtocols,
  createSecurePair: unavailable("tls.createSecurePair"),
  createSecureContext: () => new SecureContext(),
  createServer: (options, listener) => new Server(options, listener),
  getCACertificates,
  getCiphers: () => ["tls_aes_256_gcm_sha384", "tls_chacha20_poly1305_sha256", "tls_aes_128_gcm_sha256"],
  rootCertificates: [],
  setDefaultCACertificates,
  SecureContext,
  Server,
  TLSSocket,
};
return { ...exported, default: exported };
})();
