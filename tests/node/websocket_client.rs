//! WebSockets of Node's clients: an upgrade that is asked for over `node:http` is one of the worker's own, which the policy judges.

use serde_json::json;

use crate::harness::{self, Project};

const AGENT: &str = "
import http from 'node:http';
import { createHash, randomBytes } from 'node:crypto';

// One frame of a client's.
function frame(opcode, text, { fin = true, masked = true, reserved = 0 } = {}) {
  const payload = Buffer.from(text, 'latin1');
  const mask = randomBytes(4);
  const size = payload.length < 126 ? Buffer.from([payload.length | (masked ? 0x80 : 0)])
    : Buffer.from([126 | (masked ? 0x80 : 0), payload.length >> 8, payload.length & 255]);
  if (masked) for (let i = 0; i < payload.length; i++) payload[i] ^= mask[i & 3];
  return Buffer.concat([Buffer.from([(fin ? 0x80 : 0) | reserved | opcode]), size, ...(masked ? [mask] : []), payload]);
}

// Frames of a server's, as `[opcode, text]`.
async function* frames(socket) {
  let got = Buffer.alloc(0);
  for await (const piece of socket) {
    got = Buffer.concat([got, piece]);
    for (;;) {
      if (got.length < 2) break;
      const long = got[1] === 126;
      const start = long ? 4 : 2;
      if (got.length < start) break;
      const size = long ? got.readUInt16BE(2) : got[1];
      if (got.length < start + size) break;
      yield [got[0] & 15, got.subarray(start, start + size).toString('latin1')];
      got = got.subarray(start + size);
    }
  }
}

const key = randomBytes(16).toString('base64');
function ask(path, headers = {}) {
  return new Promise((resolve) => {
    const request = http.request(`http://peer.test${path}`, {
      headers: { connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-key': key, 'sec-websocket-version': '13', ...headers },
    });
    request.on('upgrade', (response, socket) => resolve({ response, socket }));
    request.on('response', (response) => resolve({ status: response.statusCode }));
    request.on('error', (error) => resolve({ code: error.code, message: error.message }));
    request.end();
  });
}

const uses = {
  async talk() {
    const { response, socket } = await ask('/echo', { 'sec-websocket-protocol': 'chat', authorization: 'mine', 'sec-websocket-extensions': 'permessage-deflate' });
    const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    const told = [response.statusCode, response.headers['sec-websocket-accept'] === accept, response.headers['sec-websocket-protocol'], 'sec-websocket-extensions' in response.headers];
    socket.write(Buffer.concat([frame(1, 'one'), frame(1, 'two ', { fin: false })]));
    // A frame that comes in pieces, and a control frame within a message.
    for (const byte of frame(9, 'ping')) socket.write(Buffer.from([byte]));
    socket.write(frame(0, 'parts'));
    socket.write(frame(2, 'x'.repeat(300)));
    const got = [];
    for await (const [opcode, text] of frames(socket)) {
      got.push([opcode, text.length > 99 ? text.length : text]);
      if (opcode === 2) socket.write(frame(8, '\\x03\\xe8bye'));
      if (opcode === 8) break;
    }
    return [told, got];
  },
  async ended() {
    const { socket } = await ask('/closes');
    const got = [];
    for await (const one of frames(socket)) got.push(one);
    return got;
  },
  async wrong() {
    const all = [];
    for (const bytes of [frame(1, 'a', { masked: false }), frame(1, 'a', { reserved: 0x40 }), frame(0, 'a'), frame(3, 'a'), frame(9, 'a', { fin: false })]) {
      const { socket } = await ask('/echo');
      socket.write(bytes);
      for await (const [opcode, text] of frames(socket)) all.push([opcode, Buffer.from(text, 'latin1').readUInt16BE(0)]);
    }
    return all;
  },
  refused: () => ask('/refused'),
  other: () => ask('/echo', { upgrade: 'h2c' }),
};
export default {
  async fetch(request) {
    return Response.json(await uses[new URL(request.url).pathname.slice(1)]());
  },
};";

/// Answers the handshakes itself, as what it would allow answers.
const POLICY: &str = "
const asked = [];
export default {
  fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === '/refused') return new Response('no', { status: 403 });
    const { 0: client, 1: server } = new WebSocketPair();
    server.accept();
    if (pathname === '/closes') {
      server.send('hello');
      server.close(4001, 'enough');
    }
    server.addEventListener('message', ({ data }) => server.send(typeof data === 'string' ? `${data}!` : data));
    const headers = {};
    if (request.headers.get('authorization') === 'mine') headers['sec-websocket-protocol'] = request.headers.get('sec-websocket-protocol');
    return new Response(null, { status: 101, webSocket: client, headers });
  },
};";

#[test]
fn an_upgrade_of_nodes_client_is_a_websocket_of_the_workers() {
    let project = Project::new(&[("worker.js", AGENT), ("outbound.js", POLICY)]);
    let server = project.serve(&["worker.js", "--outbound", "outbound.js"]);
    let used = |name: &str| {
        let answer = server.curl(name, &[]);
        assert_eq!(answer.status, 200, "{name}: {} {}", answer.body, server.log());
        harness::json(&answer.body)
    };
    let [told, mut got] = serde_json::from_value::<[serde_json::Value; 2]>(used("/talk")).unwrap();
    assert_eq!(told, json!([101, true, "chat", false]));
    // A ping is answered at once, and before what is under way.
    got.as_array_mut().unwrap().sort_by_key(|frame| frame[0].as_u64());
    assert_eq!(
        got,
        json!([
            [1, "one!"],
            [1, "two parts!"],
            [2, 300],
            [8, "\u{3}\u{e8}bye"],
            [10, "ping"]
        ])
    );
    assert_eq!(used("/ended"), json!([[1, "hello"], [8, "\u{f}\u{a1}enough"]]));
    assert_eq!(
        used("/wrong"),
        json!([[8, 1002], [8, 1002], [8, 1002], [8, 1002], [8, 1002]])
    );
    assert_eq!(used("/refused"), json!({ "status": 403 }));
    assert_eq!(used("/other")["code"], "ECONNREFUSED");
}

#[test]
fn without_a_policy_there_is_none() {
    let project = Project::new(&[("worker.js", AGENT)]);
    let server = project.serve(&["worker.js"]);
    let answer = server.curl("/refused", &[]);
    assert_eq!(harness::json(&answer.body)["code"], "ECONNREFUSED", "{}", answer.body);
}
