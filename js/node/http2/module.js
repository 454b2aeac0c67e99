// https://nodejs.org/docs/latest-v22.x/api/http2.html: its client. HTTP/2 between the host and servers is the host's, as is whether it is that.
(function () {
const { core, primordials } = __bootstrap;
const { ObjectAssign, ObjectPrototypeIsPrototypeOf, StringPrototypeSlice } = primordials;
const { ERR_HTTP2_UNSUPPORTED_PROTOCOL, ERR_INVALID_ARG_TYPE } = core.loadExtScript("ext:deno_node/internal/errors.ts");
const { URL } = core.loadExtScript("ext:deno_web/00_url.js");
const { unavailable } = core.loadExtScript("ext:workerd_lite/node/unavailable.js");
const { nextTick } = core.loadExtScript("ext:workerd_lite/node/next_tick.js");
const { refused } = core.loadExtScript("ext:workerd_lite/node/net/errors.js");
const { connect: connectPlain, Socket } = core.loadExtScript("ext:workerd_lite/node/net/socket.js");
const { originOf } = core.loadExtScript("ext:workerd_lite/node/net/target.js");
const { connect: connectSecure } = core.loadExtScript("ext:workerd_lite/node/net/tls.js");
const { constants } = core.loadExtScript("ext:workerd_lite/node/http2/constants.js");
const { sensitiveHeaders } = core.loadExtScript("ext:workerd_lite/node/http2/headers.js");
const { ClientHttp2Session } = core.loadExtScript("ext:workerd_lite/node/http2/session.js");
const { defaults, pack, unpack } = core.loadExtScript("ext:workerd_lite/node/http2/settings.js");

const bare = (host) => host[0] === "[" ? StringPrototypeSlice(host, 1, -1) : host;

// The URL of an authority: of text, of a URL, or of an object that has its parts.
function originOfAuthority(authority, options) {
  const parsed = typeof authority === "string" ? new URL(authority) : authority;
  const { port } = parsed;
  const protocol = parsed.protocol || options.protocol || "https:";
  if (protocol !== "http:" && protocol !== "https:") throw new ERR_HTTP2_UNSUPPORTED_PROTOCOL(protocol);
  const host = bare(parsed.hostname || parsed.host || "localhost");
  const number = +port || (protocol === "https:" ? 443 : 80);
  return { host, origin: new URL(originOf(protocol === "https:" ? "https" : "http", host, number)), port: number };
}

// Whether requests may take the place of what would be said over a socket: one of ours that has carried nothing.
function isUnused(socket) {
  return ObjectPrototypeIsPrototypeOf(Socket.prototype, socket) && typeof socket._host === "string" && socket.bytesWritten === 0;
}

function connect(authority, options = undefined, listener = undefined) {
  if (typeof authority !== "string" && (typeof authority !== "object" || authority === null)) {
    throw new ERR_INVALID_ARG_TYPE("authority", ["string", "URL", "object"], authority);
  }
  const then = typeof options === "function" ? options : listener;
  const given = ObjectAssign({ __proto__: null }, typeof options === "function" ? undefined : options);
  const { host, origin, port } = originOfAuthority(authority, given);
  let socket;
  if (typeof given.createConnection === "function") {
    socket = given.createConnection(origin, given);
    if (!isUnused(socket)) {
      const own = new Socket();
      nextTick(() => own.destroy(refused(host, port, "HTTP/2 over a stream of a script's is not supported")));
      socket = own;
    }
  } else if (origin.protocol === "https:") {
    socket = connectSecure({ ALPNProtocols: ["h2"], checkServerIdentity: given.checkServerIdentity, host, port, servername: given.servername });
  } else {
    socket = connectPlain({ host, port });
  }
  const session = new ClientHttp2Session(origin, socket, given.settings);
  if (typeof then === "function") session.once("connect", then);
  return session;
}

return {
  Http2ServerRequest: unavailable("http2.Http2ServerRequest"),
  Http2ServerResponse: unavailable("http2.Http2ServerResponse"),
  connect,
  constants,
  createSecureServer: unavailable("http2.createSecureServer"),
  createServer: unavailable("http2.createServer"),
  getDefaultSettings: defaults,
  getPackedSettings: pack,
  getUnpackedSettings: unpack,
  performServerHandshake: unavailable("http2.performServerHandshake"),
  sensitiveHeaders,
};
})();
