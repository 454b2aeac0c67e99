// What `connect()` is given: an address and options, as workerd reads them.
(function () {
const { core, primordials } = __bootstrap;
const {
  NumberIsInteger,
  RegExpPrototypeExec,
  SafeRegExp,
  String,
  StringPrototypeLastIndexOf,
  StringPrototypeSlice,
  TypeError,
} = primordials;
const webidl = core.loadExtScript("ext:deno_webidl/00_webidl.js");

const PORT = new SafeRegExp(/^[0-9]{1,5}$/);

function checkPort(port) {
  if (!NumberIsInteger(port) || port < 1 || port > 65535) throw new TypeError("The specified address is missing a port, or has one out of range.");
  return port;
}

// Host and port of `"host:port"` or `{ hostname, port }`, without a prototype. Rust reads the host anew.
function readAddress(address) {
  if (typeof address === "object" && address !== null) {
    const { hostname, port } = address;
    if (hostname === undefined || port === undefined) throw new TypeError("The specified address is missing a hostname or a port.");
    return { __proto__: null, hostname: String(hostname), port: checkPort(webidl.converters["unsigned short"](port, "connect()", "port")) };
  }
  const text = webidl.converters.USVString(address, "connect()", "Argument 1");
  const colon = StringPrototypeLastIndexOf(text, ":");
  const port = StringPrototypeSlice(text, colon + 1);
  if (colon < 0 || RegExpPrototypeExec(PORT, port) === null) throw new TypeError("The specified address could not be parsed, or is missing a port.");
  return { __proto__: null, hostname: StringPrototypeSlice(text, 0, colon), port: checkPort(+port) };
}

function readOptions(options) {
  const given = options === undefined || options === null ? {} : options;
  if (typeof given !== "object") throw new TypeError("Failed to execute 'connect': the options are no object");
  const { allowHalfOpen, highWaterMark, secureTransport } = given;
  const secure = secureTransport === undefined ? "off" : String(secureTransport);
  if (secure !== "off" && secure !== "on" && secure !== "starttls") throw new TypeError(`Unsupported value in secureTransport socket option: ${secure}`);
  return {
    __proto__: null,
    allowHalfOpen: allowHalfOpen === true,
    highWaterMark: highWaterMark === undefined ? null : webidl.converters["unsigned long long"](highWaterMark, "connect()", "highWaterMark", { __proto__: null, enforceRange: true }),
    secureTransport: secure,
  };
}

return { readAddress, readOptions };
})();
