// A connection that somebody asks of this worker, handed to the server of `node:net` that listens on its port.
// https://developers.cloudflare.com/workers/runtime-apis/nodejs/net/
(function () {
const { core, primordials } = __bootstrap;
const { Error, NumberParseInt, Promise, PromiseAll, StringPrototypeLastIndexOf, StringPrototypeSlice } = primordials;
const { isSocket } = core.loadExtScript("ext:workerd_lite/sockets/socket.js");
const { join, serverAt } = core.loadExtScript("ext:workerd_lite/node/net/server.js");
const { Socket } = core.loadExtScript("ext:workerd_lite/node/net/socket.js");
const { ERR_INVALID_ARG_TYPE } = core.loadExtScript("ext:deno_node/internal/errors.ts");

const portOf = (address) => NumberParseInt(StringPrototypeSlice(address, StringPrototypeLastIndexOf(address, ":") + 1));

// Whoever writes waits until there is room, or nobody who reads.
const drained = (socket) =>
  new Promise((resolve) => {
    const done = () => {
      socket.off("drain", done);
      socket.off("close", done);
      resolve();
    };
    socket.on("drain", done);
    socket.on("close", done);
  });

async function passIn(readable, end) {
  const reader = readable.getReader();
  try {
    while (!end.destroyed) {
      const { done, value } = await reader.read();
      if (done) break;
      if (!end.write(value)) await drained(end);
    }
    end.end();
  } catch (error) {
    end.destroy(error);
  }
}

async function passOut(writable, end) {
  const writer = writable.getWriter();
  try {
    for await (const chunk of end) await writer.write(chunk);
    await writer.close();
  } catch (error) {
    await writer.abort(error);
    end.destroy();
  }
}

// Gives a promise of its end. Where nothing listens, it is refused before a byte is read.
async function handleAsNodeConnection(socket) {
  if (!isSocket(socket)) throw new ERR_INVALID_ARG_TYPE("socket", "Socket", socket);
  const { localAddress } = await socket.opened;
  const port = portOf(`${localAddress}`);
  const server = serverAt(port);
  if (server === undefined) throw new Error(`No net.Server is listening on port ${port}.`);
  // The other end of the server's own socket.
  const end = new Socket({ allowHalfOpen: true });
  end.on("error", () => {});
  const { readable, writable } = socket;
  await new Promise((resolve) => {
    end.once("close", resolve);
    join(server, end, null, port, resolve);
  });
  await PromiseAll([passIn(readable, end), passOut(writable, end)]);
}

// A worker whose connections are its servers' of `node:net`.
function connectHandler(handlers = undefined) {
  return { ...handlers, connect: (socket) => handleAsNodeConnection(socket) };
}

return { connectHandler, handleAsNodeConnection };
})();
