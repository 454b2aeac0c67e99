//! WebSockets: an agent's out through the policy, and a client's in.

mod agents;
mod bounds;
mod clients;
mod compression;
mod handed_on;
mod redaction;
mod testing;
mod upstreams;

/// Opens what `to` names and tells all that it hears, as JSON. `do` says what it does meanwhile.
pub const OPENS: &str = r#"
const tell = (log, socket) => new Promise((done) => {
  socket.addEventListener("open", () => log.push(`open ${socket.protocol}`));
  socket.addEventListener("message", ({ data }) => log.push(typeof data === "string" ? data : `bytes ${data.byteLength}`));
  socket.addEventListener("error", ({ message }) => log.push(`error ${message}`));
  socket.addEventListener("close", (event) => {
    log.push(`close ${event.code} ${event.reason} ${event.wasClean} ${socket.readyState}`);
    done();
  });
});
const asks = {
  async opens(to, params) {
    const log = [];
    const socket = new WebSocket(to, params.getAll("protocol"));
    socket.binaryType = "arraybuffer";
    const told = tell(log, socket);
    socket.addEventListener("open", () => {
      if (params.has("hangs")) return;
      socket.send("text \u{e9}");
      socket.send(new Uint8Array(70000));
    });
    socket.addEventListener("message", ({ data }) => {
      if (typeof data !== "string") socket.close(3000, "done");
    });
    await told;
    return Response.json(log);
  },
  async fetches(to, params) {
    const headers = { Upgrade: "websocket", "Sec-WebSocket-Protocol": "chat", ...JSON.parse(params.get("headers") ?? "{}") };
    const response = await fetch(to, { headers, redirect: params.get("redirect") ?? "follow" });
    if (response.webSocket === null) return Response.json([`status ${response.status} ${await response.text()}`]);
    const socket = response.webSocket;
    const log = [`status ${response.status} ${response.headers.get("sec-websocket-protocol")} ${response.headers.get("sec-websocket-accept")}`];
    socket.accept();
    const told = tell(log, socket);
    socket.send("fetched");
    socket.addEventListener("message", () => socket.close(1000, "enough"));
    await told;
    return Response.json(log);
  },
};
export default { async fetch(request, env, ctx) {
  const { searchParams: params } = new URL(request.url);
  try {
    return await asks[params.get("do") ?? "opens"](params.get("to"), params);
  } catch (error) {
    return Response.json([`${error.name}: ${error.message}`]);
  }
} };
"#;

/// The policy stands between both, and changes what passes.
pub const BETWEEN: &str = r#"
export default { async fetch(request, env) {
  const response = await fetch(request);
  const up = response.webSocket;
  if (up === null) return response;
  const [end, own] = Object.values(new WebSocketPair());
  const pass = (from, to, change) => {
    from.binaryType = "arraybuffer";
    from.accept({ allowHalfOpen: true });
    from.addEventListener("message", ({ data }) => to.send(typeof data === "string" ? change(data) : data));
    from.addEventListener("close", ({ code, reason }) => {
      const known = code === 1000 || code >= 3000;
      to.close(known ? code : 1011, known ? reason : "");
      from.close(known ? code : 1011, known ? reason : "");
    });
  };
  pass(own, up, (text) => `[${text}`);
  pass(up, own, (text) => `${text}]`);
  return new Response(null, { status: 101, webSocket: end, headers: response.headers });
} };
"#;

pub const PASSES: &str = "export default { fetch: (request) => fetch(request) };";
