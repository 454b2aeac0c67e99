//! `WebSocket` and `WebSocketPair` as scripts see them: by the standard, and as Workers have them.

use crate::harness::{Project, json};

const AGENT: &str = r#"
const thrown = (run) => { try { run(); return "nothing"; } catch (error) { return error.name; } };
const pair = () => Object.values(new WebSocketPair());
const event = (target, name) => new Promise((done) => target.addEventListener(name, done, { once: true }));
const cases = {
  urls: () => ["", "x", "ftp://a", "ws://a/#b", "ws://a/#", "wss://a b"].map((url) => thrown(() => new WebSocket(url))),
  protocols: () => [["a", "a"], ["A", "a"], "a b", "", ["a,b"], ["\u{e9}"]].map((list) => thrown(() => new WebSocket("ws://a", list))),
  shape() {
    const socket = new WebSocket("https://a.test/x?y");
    const states = [socket.readyState, WebSocket.CONNECTING, WebSocket.CLOSED, socket.OPEN, WebSocket.READY_STATE_OPEN];
    return [socket.url, socket.protocol, socket.extensions, socket.binaryType, socket.bufferedAmount, String(socket), states,
      thrown(() => socket.send("x")), thrown(() => socket.close(1001)), thrown(() => socket.close(3000, "x".repeat(124))), thrown(() => socket.accept()),
      thrown(() => WebSocket("ws://a")), thrown(() => structuredClone(socket)), Object.keys(new WebSocketPair()), [...new WebSocketPair()].length];
  },
  unaccepted() {
    const [one] = pair();
    return [one.readyState, one.url, thrown(() => one.send("x")), thrown(() => one.close()), one.accept(), one.accept()];
  },
  codes() {
    const [one] = pair();
    one.accept();
    return [999, 1004, 1005, 1006, 1015, 5000, "x"].map((code) => thrown(() => one.close(code)));
  },
  async messages() {
    const [one, other] = pair();
    one.accept(); other.accept();
    const got = [];
    other.onmessage = ({ data, origin, isTrusted }) => got.push(typeof data === "string" ? data : data.constructor.name, isTrusted);
    one.send("\u{1f600}\ud800"); one.send(new Uint16Array([1])); one.send(new DataView(new ArrayBuffer(3)).buffer); one.send(new Blob(["ab", "c"])); one.send(7);
    other.binaryType = "nothing";
    const { promise, resolve } = Promise.withResolvers();
    setTimeout(() => { other.binaryType = "arraybuffer"; one.send(new Uint8Array([5, 6])); setTimeout(resolve, 20); }, 20);
    await promise;
    return got;
  },
  async closes() {
    const [one, other] = pair();
    one.accept(); other.accept();
    const heard = event(other, "close"), back = event(one, "close");
    one.send("before"); one.close(4000, "why"); one.close(4001);
    const states = [one.readyState, thrown(() => one.send("x"))];
    const { code, reason, wasClean } = await heard;
    const answer = await back;
    return [...states, code, reason, wasClean, other.readyState, answer.code, answer.reason, one.readyState];
  },
  async late() {
    const [one, other] = pair();
    one.accept(); other.accept();
    other.addEventListener("message", ({ data }) => other.send(`answer to ${data}`));
    const heard = event(one, "message");
    one.send("x"); one.close(1000);
    return [one.readyState, (await heard).data];
  },
  async half() {
    const [one, other] = pair();
    one.accept(); other.accept({ allowHalfOpen: true });
    const heard = event(other, "close"), back = event(one, "close");
    one.close(1000, "first");
    await heard;
    const state = other.readyState;
    other.close(4002, "second");
    return [state, other.readyState, (await back).code];
  },
  async gone() {
    const [one, other] = pair();
    one.accept();
    new Response(null, { status: 101, webSocket: other });
    return thrown(() => one.accept());
  },
  responses() {
    const [one, other] = pair();
    const response = new Response(null, { status: 101, webSocket: one });
    return [response.status, response.webSocket === one, new Response("x").webSocket, thrown(() => response.clone()),
      new Response(null, response).webSocket === one, thrown(() => new Response(null, { status: 101 })), thrown(() => new Response(null, { webSocket: other })),
      thrown(() => new Response("x", { status: 101, webSocket: other })), thrown(() => new Response(null, { status: 101, webSocket: {} })),
      thrown(() => Object.getOwnPropertyDescriptor(Response.prototype, "webSocket").get.call({}))];
  },
  attachments() {
    const [one] = pair();
    const none = one.deserializeAttachment();
    const value = { a: [1, new Date(0)] };
    one.serializeAttachment(value);
    value.a = null;
    return [none, one.deserializeAttachment(), thrown(() => one.serializeAttachment(() => {}))];
  },
  async aborted() {
    const socket = new WebSocket("ws://a.test");
    const error = event(socket, "error"), close = event(socket, "close");
    socket.close();
    const state = socket.readyState;
    await error;
    const { code, wasClean } = await close;
    return [state, code, wasClean, socket.readyState, socket.send("late"), socket.bufferedAmount];
  },
  patched() {
    // What a script puts into built-ins is given nothing of ours.
    const seen = [];
    Object.defineProperty(Object.prototype, "then", { configurable: true, get() { seen.push("then"); } });
    Object.defineProperty(Object.prototype, "webSocket", { configurable: true, get() { seen.push("webSocket"); } });
    const [one, other] = pair();
    new Response("x");
    delete Object.prototype.then; delete Object.prototype.webSocket;
    return seen;
  },
};
export default { async fetch(request) { return Response.json(await cases[new URL(request.url).pathname.slice(1)]()); } };
export const top = (() => { try { new WebSocketPair(); } catch (error) { return error.message; } })();
"#;

#[test]
fn sockets_are_the_standards_and_workers() {
    let project = Project::new(&[("agent.js", AGENT)]);
    let server = project.serve(&["agent.js", "--threads", "1"]);
    let rows = [
        (
            "urls",
            r#"["SyntaxError","SyntaxError","SyntaxError","SyntaxError","SyntaxError","SyntaxError"]"#,
        ),
        (
            "protocols",
            r#"["SyntaxError","SyntaxError","SyntaxError","SyntaxError","SyntaxError","SyntaxError"]"#,
        ),
        (
            "shape",
            r#"["wss://a.test/x?y","","","blob",0,"[object WebSocket]",[0,0,3,1,1],"InvalidStateError","InvalidAccessError","SyntaxError","TypeError","TypeError","DataCloneError",["0","1"],2]"#,
        ),
        ("unaccepted", r#"[1,null,"TypeError","TypeError",null,null]"#),
        (
            "codes",
            r#"["InvalidAccessError","InvalidAccessError","InvalidAccessError","InvalidAccessError","InvalidAccessError","InvalidAccessError","InvalidAccessError"]"#,
        ),
        (
            "messages",
            "[\"\u{1f600}\u{fffd}\",true,\"Blob\",true,\"Blob\",true,\"Blob\",true,\"7\",true,\"ArrayBuffer\",true]",
        ),
        ("closes", r#"[2,"TypeError",4000,"why",true,3,4000,"why",3]"#),
        ("late", r#"[2,"answer to x"]"#),
        ("half", "[2,3,4002]"),
        ("gone", r#""nothing""#),
        (
            "responses",
            r#"[101,true,null,"TypeError",true,"RangeError","RangeError","TypeError","TypeError","TypeError"]"#,
        ),
        (
            "attachments",
            r#"[null,{"a":[1,"1970-01-01T00:00:00.000Z"]},"DataCloneError"]"#,
        ),
        ("aborted", "[2,1006,false,3,null,4]"),
        ("patched", "[]"),
    ];
    let mut wrong = Vec::new();
    for (name, expected) in rows {
        let answer = server.get(&format!("/{name}"));
        if serde_json::from_str::<serde_json::Value>(&answer.body).ok() != Some(json(expected)) {
            wrong.push(format!("{name}: {} {}", answer.status, answer.body));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}\n{}", server.log());
}
