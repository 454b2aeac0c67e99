//! What a socket of `node:net` tells besides its bytes: names that are looked up, what was asked of the machine's socket, how it closed.

use crate::harness::{Project, json};

const WORKER: &str = "
import http from 'node:http';
import net from 'node:net';
const code = (use) => { try { use(); return 'fine'; } catch (error) { return error.code ?? error.name; } };
const listen = (server) => new Promise((done) => server.listen(0, () => done(server.address().port)));
const closed = (socket) => new Promise((done) => socket.on('error', () => {}).on('close', (...args) => done(args)));
const looked = async (options) => {
  const told = [];
  const socket = net.connect({ ...options, lookup(host, asked, done) { told.push([host, asked.all ?? false, asked.family ?? 0]); queueMicrotask(() => options.answer(done)); } });
  socket.on('lookup', (error, address, family, host) => told.push([error?.code ?? null, address ?? null, family ?? null, host]));
  const end = new Promise((done) => { socket.on('connect', () => done('connected')).on('error', (error) => done(error.code)); });
  told.push(await end);
  socket.destroy();
  return told;
};
const uses = {
  async lookup() {
    const server = net.createServer((socket) => socket.end());
    const port = await listen(server);
    const failed = Object.assign(new Error('no such name'), { code: 'ENOTHERE' });
    const all = [
      await looked({ host: 'localhost', port, family: 4, answer: (done) => done(null, '127.0.0.1', 4) }),
      await looked({ host: 'localhost', port, answer: (done) => done(null, [{ address: '127.0.0.1', family: 4 }, { address: '::1', family: 6 }]) }),
      await looked({ host: 'localhost', port, answer: (done) => done(failed) }),
      await looked({ host: 'localhost', port, family: 4, answer: (done) => done(null, 'no address', 4) }),
      await looked({ host: '127.0.0.1', port, answer: () => {} }),
    ];
    server.close();
    return all;
  },
  async handles() {
    const told = [];
    const server = net.createServer({ noDelay: true }, (socket) => {
      socket._handle.setNoDelay = () => told.push('again');
      socket.setNoDelay();
      socket.setNoDelay(false);
      socket.resume();
    });
    const port = await listen(server);
    const socket = net.connect({ port, keepAlive: true, keepAliveInitialDelay: 2500, noDelay: true });
    socket._handle.setKeepAlive = (...args) => told.push(['keepAlive', ...args]);
    socket._handle.setNoDelay = (...args) => told.push(['noDelay', ...args]);
    const before = [socket.pending, socket.connecting];
    await new Promise((done) => socket.on('connect', done));
    socket.setKeepAlive(true, 2000);
    socket.setKeepAlive(false);
    before.push(socket.pending, typeof socket._handle.getAsyncId());
    await scheduler.wait(20);
    const ended = closed(socket);
    socket.end();
    before.push(await ended, socket.pending, socket._handle);
    server.close();
    return [before, told];
  },
  async fails() {
    const server = net.createServer((socket) => socket.resetAndDestroy());
    const port = await listen(server);
    const ours = net.connect(port);
    const reset = await closed(ours);
    const own = net.connect(port);
    const destroyed = closed(own);
    own.destroy(new Error('given up'));
    server.close();
    return [reset, await destroyed];
  },
  async arguments() {
    return [code(() => net.connect(true)), code(() => net.connect(-1)), code(() => net.connect()), code(() => new net.Socket({ fd: 1 })), net.Socket.prototype.bytesWritten ?? 'none'];
  },
  async query() {
    const server = http.createServer((request, response) => response.end(request.url));
    const port = await listen(server);
    const text = await (await fetch('http://policy.test/?a=1')).text();
    const asked = await new Promise((done, fail) => http.get({ host: 'policy.test', path: '?a=1' }, (response) => response.setEncoding('utf8').on('data', done)).on('error', fail));
    server.close();
    return [text, asked];
  },
};
export default { fetch: async (request) => Response.json(await uses[new URL(request.url).pathname.slice(1)]()) };";

#[test]
fn sockets_tell_what_nodes_tell() {
    let policy = "export default { fetch: (request) => new Response(request.url) };";
    let project = Project::new(&[("agent.js", WORKER), ("policy.js", policy)]);
    let server = project.serve(&["agent.js", "--outbound", "policy.js"]);
    let told = |path: &str| json(&server.get(path).body);
    let local = serde_json::json!([null, "127.0.0.1", 4, "localhost"]);
    assert_eq!(
        told("/lookup"),
        serde_json::json!([
            [["localhost", false, 4], local, "connected"],
            [
                ["localhost", true, 0],
                local,
                [null, "::1", 6, "localhost"],
                "connected"
            ],
            [
                ["localhost", true, 0],
                ["ENOTHERE", null, null, "localhost"],
                "ENOTHERE"
            ],
            [
                ["localhost", false, 4],
                [null, "no address", 4, "localhost"],
                "ERR_INVALID_IP_ADDRESS"
            ],
            ["connected"],
        ])
    );
    assert_eq!(
        told("/handles"),
        serde_json::json!([
            [true, true, false, "number", [false], true, null],
            [
                ["noDelay", true],
                ["keepAlive", true, 2],
                ["keepAlive", false, 0],
                "again"
            ],
        ])
    );
    assert_eq!(told("/fails"), serde_json::json!([[true], [true]]));
    assert_eq!(
        told("/arguments"),
        serde_json::json!([
            "ERR_INVALID_ARG_TYPE",
            "ERR_SOCKET_BAD_PORT",
            "ERR_MISSING_ARGS",
            "ERR_METHOD_NOT_IMPLEMENTED",
            "none"
        ])
    );
    assert_eq!(
        told("/query"),
        serde_json::json!(["http://policy.test/?a=1", "http://policy.test/?a=1"])
    );
}
