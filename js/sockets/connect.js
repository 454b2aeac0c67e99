// `cloudflare:sockets`: https://developers.cloudflare.com/workers/runtime-apis/tcp-sockets/. A connection goes where `fetch()` goes: of an agent to its policy,
// whose `connect()` handler decides, of a policy to the network.
(function () {
const { core, primordials } = __bootstrap;
const { ObjectAssign } = primordials;
const { op_tcp_connect, op_tcp_new } = core.ops;
const { requireContext } = core.loadExtScript("ext:workerd_lite/worker/context.js");
const { readAddress, readOptions } = core.loadExtScript("ext:workerd_lite/sockets/address.js");
const { newSocket } = core.loadExtScript("ext:workerd_lite/sockets/socket.js");

const PLAIN = -1;

// What drivers of databases look for in an error of a machine's.
function refused(error, address, port) {
  return ObjectAssign(error, { errno: -111, code: "ECONNREFUSED", syscall: "connect", address, port });
}

async function open(context, rid, { hostname, port }, secure, binding) {
  let remoteAddress;
  try {
    remoteAddress = await op_tcp_connect(context.id, rid, hostname, port, secure, binding);
  } catch (error) {
    throw refused(error, hostname, port);
  }
  // A promise would look for `then`.
  return { __proto__: null, remoteAddress, localAddress: undefined };
}

function connectThrough(binding, address, options) {
  const target = readAddress(address);
  const { allowHalfOpen, highWaterMark, secureTransport } = readOptions(options);
  const context = requireContext();
  const rid = op_tcp_new(context.id, target.hostname);
  return newSocket({
    __proto__: null,
    rid,
    context,
    secure: secureTransport,
    host: target.hostname,
    allowHalfOpen,
    highWaterMark,
    onUse: null,
    isUpgrade: false,
    opened: open(context, rid, target, secureTransport, binding),
  });
}

const connect = (address, options = undefined) => connectThrough(PLAIN, address, options);

return { connectThrough, moduleExports: { connect, default: { connect } } };
})();
