// `cloudflare:sockets`: https://developers.cloudflare.com/workers/runtime-apis/tcp-sockets/. Workers reach the network by `fetch()` only: what connects is refused as a
// machine would refuse it, with an error of Node's form, which drivers of databases understand.
(function () {
const { core, primordials } = __bootstrap;
const {
  Error,
  Number,
  NumberIsInteger,
  ObjectAssign,
  PromisePrototypeThen,
  PromiseReject,
  PromiseResolve,
  String,
  SymbolToStringTag,
  TypeError,
} = primordials;
const { ReadableStream, WritableStream } = core.loadExtScript("ext:deno_web/06_streams.js");
const { URL } = core.loadExtScript("ext:deno_web/00_url.js");

const WHY = "workers reach the network by fetch() only, through their owner's policy";

// Host and port of `"host:port"` or `{ hostname, port }`.
function target(address) {
  let hostname;
  let port;
  if (typeof address === "object" && address !== null) {
    hostname = String(address.hostname);
    port = Number(address.port);
  } else {
    let url;
    try {
      url = new URL(`tcp://${address}`);
    } catch {
      throw new TypeError("The specified address could not be parsed.");
    }
    ({ hostname } = url);
    port = url.port === "" ? NaN : Number(url.port);
  }
  if (!NumberIsInteger(port) || port < 1 || port > 65535) throw new TypeError("The specified address is missing a port, or has one out of range.");
  return { hostname, port };
}

function rejected(error) {
  const promise = PromiseReject(error);
  // Nobody has to look at each of them.
  PromisePrototypeThen(promise, undefined, () => {});
  return promise;
}

class Socket {
  #transport;

  constructor(error, transport) {
    this.#transport = transport;
    this.readable = new ReadableStream({ start: (controller) => controller.error(error) });
    this.writable = new WritableStream({ start: (controller) => controller.error(error) });
    this.opened = rejected(error);
    this.closed = rejected(error);
    this.upgraded = false;
  }

  get secureTransport() {
    return this.#transport;
  }

  close() {
    return PromiseResolve(undefined);
  }

  startTls() {
    throw new TypeError("startTls() wants a connected socket of `secureTransport: \"starttls\"`");
  }

  get [SymbolToStringTag]() {
    return "Socket";
  }
}

function connect(address, options = undefined) {
  const { hostname, port } = target(address);
  const error = new Error(`connect ECONNREFUSED ${hostname}:${port}: ${WHY}`);
  ObjectAssign(error, { errno: -111, code: "ECONNREFUSED", syscall: "connect", address: hostname, port });
  return new Socket(error, String(options?.secureTransport ?? "off"));
}

return { moduleExports: { connect, default: { connect } } };
})();
