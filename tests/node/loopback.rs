//! Servers and clients of one isolate: `http.createServer().listen()` and a request to it, as tests of servers do. Nothing leaves it, and nobody else gets in.

use serde_json::json;

use crate::harness::{self, Project};

const WORKER: &str = "
import http from 'node:http';
import net from 'node:net';
import { AsyncLocalStorage } from 'node:async_hooks';
const text = (stream) => new Promise((resolve, reject) => {
  let all = '';
  stream.setEncoding('utf8').on('data', (piece) => all += piece).on('end', () => resolve(all)).on('error', reject);
});
const ask = (options, body) => new Promise((resolve, reject) => {
  const request = http.request(options, async (response) => resolve([response.statusCode, await text(response), request.reusedSocket]));
  request.on('error', (error) => resolve(error.code)).end(body);
});
const listen = (server, ...at) => new Promise((resolve) => server.listen(...at, () => resolve(server.address())));
const close = (server) => new Promise((resolve) => server.close(resolve));
const storage = new AsyncLocalStorage();

const uses = {
  async http() {
    const server = http.createServer(async (request, response) => response.end(`${request.method} ${request.url} ${await text(request)} ${request.socket.remoteAddress}`));
    const { port } = await listen(server, 0);
    const agent = new http.Agent({ keepAlive: true });
    const got = [];
    for (const host of ['localhost', '127.0.0.1', '::1']) got.push(await ask({ host, port, path: '/a', method: 'POST', agent }, 'body'));
    got.push(await ask({ port, path: '/b', agent }));
    agent.destroy();
    await close(server);
    return [...got, await ask({ port })];
  },
  async net() {
    const echo = net.createServer((socket) => socket.pipe(socket));
    const at = [await listen(echo, '/tmp/echo'), echo.listening];
    const client = net.connect('/tmp/echo', () => client.end('x'.repeat(300000)));
    const size = (await text(client)).length;
    await close(echo);
    const gone = await new Promise((resolve) => net.connect('/tmp/echo').on('error', (error) => resolve(error.code)));
    return [...at, size, gone];
  },
  async reset() {
    const server = net.createServer((socket) => socket.resetAndDestroy());
    const { port } = await listen(server, 0);
    const code = await new Promise((resolve) => net.connect(port).on('error', (error) => resolve(error.code)));
    await close(server);
    return code;
  },
  // Who writes waits for who reads.
  async pressure() {
    let accepted;
    const server = net.createServer({ pauseOnConnect: true }, (socket) => accepted = socket);
    const { port } = await listen(server, 0);
    const client = net.connect(port);
    await new Promise((resolve) => client.once('connect', resolve));
    let written = 0;
    while (client.write(Buffer.alloc(65536)) && written < 1e8) {
      written += 65536;
      await new Promise(setImmediate);
    }
    client.end();
    let read = 0;
    accepted.on('data', (piece) => read += piece.length).resume();
    await new Promise((resolve) => accepted.once('end', resolve));
    await close(server);
    return [written < 1e6, read === written + 65536];
  },
  async stores() {
    const server = storage.run('server', () => http.createServer((request, response) => response.end(`${storage.getStore()}`)));
    const { port } = await storage.run('listen', () => listen(server, 0));
    const got = await storage.run('client', () => ask({ port }));
    await close(server);
    return [got[1], await storage.run('one', async () => { await ask({ port }); return storage.getStore(); })];
  },
  async kept() {
    http.createServer((request, response) => response.end('kept')).listen(9999);
    return ask({ port: 9999 });
  },
  async other() {
    return [await ask({ port: 9999 }), await ask({ host: 'elsewhere.test', port: 9999 })];
  },
};
export default {
  async fetch(request) {
    return Response.json(await uses[new URL(request.url).pathname.slice(1)]());
  },
};";

#[test]
fn clients_reach_the_servers_of_their_own_isolate() {
    let project = Project::new(&[("worker.js", WORKER)]);
    let server = project.serve(&["worker.js", "--threads", "1"]);
    let used = |name: &str| {
        let answer = server.curl(name, &[]);
        assert_eq!(answer.status, 200, "{name}: {} {}", answer.body, server.log());
        harness::json(&answer.body)
    };
    assert_eq!(
        used("/http"),
        json!([
            [200, "POST /a body 127.0.0.1", false],
            [200, "POST /a body 127.0.0.1", false],
            [200, "POST /a body 127.0.0.1", false],
            [200, "GET /b  127.0.0.1", true],
            "ECONNREFUSED"
        ])
    );
    assert_eq!(used("/net"), json!(["/tmp/echo", true, 300_000, "ENOENT"]));
    assert_eq!(used("/reset"), "ECONNRESET");
    assert_eq!(used("/pressure"), json!([true, true]));
    assert_eq!(used("/stores"), json!(["listen", "one"]));
}

#[test]
fn nobody_else_reaches_them() {
    let outbound = "export default { fetch: (request) => new Response(`policy ${new URL(request.url).host}`) };";
    let agents = "[outbound]\nmain = 'outbound.js'\n[[agents]]\nname = 'one'\nmain = 'worker.js'\nmatch = ['one.localhost']\n\
         [[agents]]\nname = 'two'\nmain = 'worker.js'\nmatch = ['two.localhost']\n";
    let project = Project::new(&[
        ("worker.js", WORKER),
        ("outbound.js", outbound),
        ("workerd-lite.toml", agents),
    ]);
    let server = project.serve(&["--threads", "1"]);
    let used = |agent: &str, name: &str| {
        let answer = server.curl(name, &["-H", &format!("Host: {agent}.localhost")]);
        assert_eq!(answer.status, 200, "{name}: {} {}", answer.body, server.log());
        harness::json(&answer.body)
    };
    assert_eq!(used("one", "/kept"), json!([200, "kept", false]));
    // Its own, in a later event, over the connection that its agent has kept; another host is the policy's to judge, whatever its port.
    assert_eq!(
        used("one", "/other"),
        json!([[200, "kept", true], [200, "policy elsewhere.test:9999", false]])
    );
    assert_eq!(
        used("two", "/other"),
        json!([
            [200, "policy localhost:9999", false],
            [200, "policy elsewhere.test:9999", false]
        ])
    );
}
